#include "fuzzers/command/report/power_plot.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace eptdiff {
namespace {

constexpr double kWidth = 380, kHeight = 260;  // of a panel's axes
constexpr double kLeft = 60, kTop = 40, kGap = 80;

struct Curve {
  const char* name;
  const char* colour;
  std::vector<double> at;  // where each alteration was noticed, ascending
  double end;              // how far the run went
};

struct Panel {
  const char* title;
  double left;
  int first, last;  // the axis, as powers of ten
};

double X(const Panel& panel, double value) {
  const double power = std::log10(std::max(value, 1e-9));
  const double part = (power - panel.first) / (panel.last - panel.first);
  return panel.left + kWidth * std::clamp(part, 0.0, 1.0);
}
double Y(double share) { return kTop + kHeight * (1 - share); }

std::string Label(double x, double y, const char* anchor,
                  const std::string& text) {
  return absl::StrFormat(
      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y,
      anchor, text);
}

std::string Line(double x1, double y1, double x2, double y2) {
  return absl::StrFormat(
      "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
      "stroke=\"#ddd\"/>\n",
      x1, y1, x2, y2);
}

std::string PowerOfTen(int power) {
  if (power < 0) return absl::StrFormat("%.*f", -power, std::pow(10, power));
  constexpr const char* kUnits[] = {"", "k", "M", "G"};
  return absl::StrCat(static_cast<int>(std::pow(10, power % 3)),
                      kUnits[std::min(power / 3, 3)]);
}

std::string Axes(const Panel& panel) {
  std::string svg;
  for (int power = panel.first; power <= panel.last; ++power) {
    const double x = X(panel, std::pow(10, power));
    svg += Line(x, Y(0), x, Y(1));
    svg += Label(x, Y(0) + 18, "middle", PowerOfTen(power));
  }
  for (const int percent : {0, 25, 50, 75, 100}) {
    const double y = Y(percent / 100.0);
    svg += Line(panel.left, y, panel.left + kWidth, y);
    svg += Label(panel.left - 6, y + 4, "end", absl::StrCat(percent, " %"));
  }
  return svg + Label(panel.left + kWidth / 2, Y(0) + 38, "middle", panel.title);
}

std::string Steps(const Panel& panel, const Curve& curve, std::size_t total) {
  std::string points;
  const auto add = [&](double x, double share) {
    absl::StrAppendFormat(&points, "%.1f,%.1f ", x, Y(share));
  };
  double share = 0;
  add(panel.left, 0);
  for (std::size_t i = 0; i < curve.at.size(); ++i) {
    add(X(panel, curve.at[i]), share);
    share = static_cast<double>(i + 1) / static_cast<double>(total);
    add(X(panel, curve.at[i]), share);
  }
  add(X(panel, curve.end), share);
  return absl::StrFormat(
      "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" "
      "points=\"%s\"/>\n",
      curve.colour, points);
}

Curve CurveOf(const char* name, const char* colour, const PowerResult& result,
              bool seconds) {
  Curve curve{name, colour, {}, 0};
  curve.end = seconds ? result.seconds : static_cast<double>(result.executions);
  for (const auto& [alteration, noticed] : result.noticed) {
    curve.at.push_back(seconds ? noticed.seconds
                               : static_cast<double>(noticed.executions));
  }
  std::sort(curve.at.begin(), curve.at.end());
  return curve;
}

int PowerAbove(double value) {
  return static_cast<int>(std::ceil(std::log10(std::max(value, 1.0))));
}

}  // namespace

std::string PowerSvg(std::size_t alterations, const PowerResults& results) {
  const PowerResult& s = results.structured;
  const PowerResult& b = results.baseline;
  const auto longest =
      static_cast<double>(std::max(s.executions, b.executions));
  const Panel panels[] = {
      {"executions", kLeft, 0, std::max(1, PowerAbove(longest))},
      {"seconds", kLeft + kWidth + kGap, -4,
       std::max(1, PowerAbove(std::max(s.seconds, b.seconds)))}};
  const double width = kLeft + 2 * kWidth + kGap + 30;
  const double height = kTop + kHeight + 60;
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      width, height);
  svg += Label(kLeft, 20, "start",
               absl::StrCat("Share of ", alterations,
                            " alterations of the reference noticed"));
  for (const bool seconds : {false, true}) {
    const Panel& panel = panels[seconds ? 1 : 0];
    svg += Axes(panel);
    double y = Y(1) + 16;
    for (const Curve& curve :
         {CurveOf("structured mutators", "#1b6ca8", s, seconds),
          CurveOf("libFuzzer's byte mutators", "#c8553d", b, seconds)}) {
      svg += Steps(panel, curve, std::max<std::size_t>(alterations, 1));
      absl::StrAppendFormat(
          &svg, "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s</text>\n",
          panel.left + 8, y, curve.colour, curve.name);
      y += 16;
    }
  }
  return svg + "</svg>\n";
}

}  // namespace eptdiff
