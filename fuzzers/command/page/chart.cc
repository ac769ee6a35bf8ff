#include "fuzzers/command/page/chart.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/page/html.h"

namespace eptdiff {
namespace {

// Of a chart, in pixels where it is shown as it is drawn.
constexpr double kWidth = 400, kHeight = 240;
constexpr int kParts = 4;  // of a linear axis
constexpr double kLeft = 46, kRight = 12, kTop = 10, kBottom = 38;

double Place(const Axis& axis, double value) {
  double part = (value - axis.first) / (axis.last - axis.first);
  if (axis.logarithmic) {
    part = std::log10(std::max(value, axis.first) / axis.first) /
           std::log10(axis.last / axis.first);
  }
  return std::clamp(part, 0.0, 1.0);
}
double X(const Chart& chart, double value) {
  return kLeft + (kWidth - kLeft - kRight) * Place(chart.x, value);
}
double Y(const Chart& chart, double value) {
  return kHeight - kBottom - (kHeight - kTop - kBottom) * Place(chart.y, value);
}

// "25 %", "20k", "0.01".
std::string Label(const Axis& axis, double value) {
  if (axis.percent) return absl::StrFormat("%g %%", 100 * value);
  const std::pair<double, const char*> kUnits[] = {
      {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [unit, letter] : kUnits) {
    if (value >= unit) return absl::StrFormat("%g%s", value / unit, letter);
  }
  return absl::StrFormat("%g", value);
}

std::vector<double> TicksOf(const Axis& axis) {
  std::vector<double> ticks;
  if (axis.logarithmic) {
    for (double at = axis.first; at < axis.last * 1.5; at *= 10) {
      ticks.push_back(at);
    }
    return ticks;
  }
  for (int i = 0; i <= kParts; ++i) {
    ticks.push_back(axis.first + (axis.last - axis.first) * i / kParts);
  }
  return ticks;
}

std::string Text(double x, double y, const char* anchor,
                 const std::string& text) {
  return Element(absl::StrFormat("text x=\"%.1f\" y=\"%.1f\" "
                                 "text-anchor=\"%s\"",
                                 x, y, anchor),
                 Escaped(text));
}

std::string GridLine(double x1, double y1, double x2, double y2) {
  return absl::StrFormat(
      "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
      x1, y1, x2, y2);
}

std::string AxesSvg(const Chart& chart) {
  std::string svg;
  const double bottom = kHeight - kBottom;
  const std::vector<double> along = TicksOf(chart.x);
  for (const double tick : along) {
    const double x = X(chart, tick);
    svg += GridLine(x, kTop, x, bottom);
    svg += Text(x, bottom + 15, tick == along.back() ? "end" : "middle",
                Label(chart.x, tick));
  }
  for (const double tick : TicksOf(chart.y)) {
    const double y = Y(chart, tick);
    svg += GridLine(kLeft, y, kWidth - kRight, y);
    svg += Text(kLeft - 5, y + 4, "end", Label(chart.y, tick));
  }
  return svg + Text((kLeft + kWidth - kRight) / 2, kHeight - 6, "middle",
                    chart.x.words);
}

std::string CurveSvg(const Chart& chart, std::size_t number) {
  const Curve& curve = chart.curves[number];
  std::string points;
  const auto add = [&](double x, double y) {
    absl::StrAppendFormat(&points, "%.1f,%.1f ", x, y);
  };
  double last = 0;
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    const auto& [x, y] = curve.points[i];
    if (curve.steps && i > 0) add(X(chart, x), Y(chart, last));
    add(X(chart, x), Y(chart, y));
    last = y;
  }
  if (!points.empty()) points.pop_back();
  return absl::StrFormat("<polyline class=\"curve curve-%d\" points=\"%s\"/>",
                         number % kCurveTints + 1, points);
}

std::string DrawingOf(const Chart& chart) {
  std::string svg = AxesSvg(chart);
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    svg += CurveSvg(chart, i);
  }
  return svg;
}

double RoundAbove(double value) {
  if (value <= 0) return 1;
  const double unit = std::pow(10, std::floor(std::log10(value)));
  for (const double times :
       {1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 4.8, 6.0, 8.0}) {
    if (times * unit >= value) return times * unit;
  }
  return 10 * unit;
}

}  // namespace

Axis LinearAxis(std::string words, double most) {
  return {std::move(words), 0, RoundAbove(most)};
}

Axis CountAxis(std::string words, double most) {
  // Each part has a number that can be counted.
  Axis axis = LinearAxis(std::move(words), most);
  if (most <= 10 * kParts) {
    axis.last = kParts * std::max(1.0, std::ceil(most / kParts));
  }
  return axis;
}

Axis LogarithmicAxis(std::string words, double least, double most) {
  const double first = std::pow(10, std::floor(std::log10(least)));
  const double last = std::pow(10, std::ceil(std::log10(most)));
  return {std::move(words), first, std::max(last, 10 * first), true};
}

std::string ChartHtml(const Chart& chart) {
  std::string key;
  for (std::size_t i = 0; chart.curves.size() > 1 && i < chart.curves.size();
       ++i) {
    key += Element(
        "li",
        absl::StrFormat("<svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><line "
                        "class=\"curve-%d\" x1=\"0\" y1=\"5\" x2=\"26\" "
                        "y2=\"5\"/></svg>%s",
                        i % kCurveTints + 1, Escaped(chart.curves[i].name)));
  }
  return Element(
      "figure",
      absl::StrCat(
          Element("figcaption", Escaped(chart.title)),
          Element(absl::StrFormat("svg class=\"chart\" viewBox=\"0 0 %.0f "
                                  "%.0f\" role=\"img\" aria-label=\"%s\"",
                                  kWidth, kHeight, Escaped(chart.words)),
                  DrawingOf(chart)),
          key.empty() ? "" : Element("ul class=\"key\"", key)));
}

std::string ChartsSvg(const std::vector<Chart>& charts) {
  constexpr double kHead = 40, kGap = 20;
  const double width =
      static_cast<double>(charts.size()) * (kWidth + kGap) - kGap;
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
      "font-family=\"sans-serif\" font-size=\"12\" fill=\"#444\">\n"
      "<style>.grid{stroke:#ddd}.curve{fill:none;stroke-width:2}"
      ".curve-1{stroke:#0b5cad}.curve-2{stroke:#b3470f}"
      ".curve-3{stroke:#6a3fa0}.curve-4{stroke:#0f6b5c}</style>\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      width, kHeight + kHead);
  for (std::size_t i = 0; i < charts.size(); ++i) {
    std::string drawing = Text(kLeft, -kHead + 16, "start", charts[i].title);
    double x = kLeft;
    for (std::size_t c = 0; c < charts[i].curves.size(); ++c) {
      const std::string& name = charts[i].curves[c].name;
      drawing += absl::StrFormat(
          "<line class=\"curve curve-%d\" x1=\"%.0f\" y1=\"-12\" x2=\"%.0f\" "
          "y2=\"-12\"/>",
          c % kCurveTints + 1, x, x + 16);
      drawing += Text(x + 20, -8, "start", name);
      x += 40 + 6.5 * static_cast<double>(name.size());
    }
    svg += Element(
        absl::StrFormat("g transform=\"translate(%.0f %.0f)\"",
                        static_cast<double>(i) * (kWidth + kGap), kHead),
        drawing + DrawingOf(charts[i]));
    svg += "\n";
  }
  return svg + "</svg>\n";
}

}  // namespace eptdiff
