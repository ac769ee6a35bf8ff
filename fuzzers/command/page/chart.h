// Curves over an axis, as SVG in a page or in a file of its own. The numbers
// are read from the axes; who cannot see them hears the chart's words.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_CHART_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_CHART_H_

#include <string>
#include <utility>
#include <vector>

namespace eptdiff {

struct Axis {
  std::string words;
  double first = 0;
  double last = 1;
  bool logarithmic = false;  // first and last are powers of ten
  bool percent = false;      // 1 is 100 %
};

// From 0, or from `least` with logarithmic axes, to a round number that is not
// below `most`.
Axis LinearAxis(std::string words, double most);
// Of things that are counted.
Axis CountAxis(std::string words, double most);
Axis LogarithmicAxis(std::string words, double least, double most);

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  // ascending
  bool steps = false;  // a value holds until the next
};

struct Chart {
  std::string title;
  std::string words;  // what there is to see, for who cannot
  Axis x, y;
  std::vector<Curve> curves;  // at most kCurveTints
};

inline constexpr std::size_t kCurveTints = 4;

// A figure with its title, and a key if there are several curves.
std::string ChartHtml(const Chart& chart);

// The charts side by side as an image of its own, on white, with the names in
// the curves' colours.
std::string ChartsSvg(const std::vector<Chart>& charts);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_CHART_H_
