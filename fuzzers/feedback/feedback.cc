#include "fuzzers/feedback/feedback.h"

#include <cstddef>
#include <cstdint>

namespace eptdiff {
namespace {

// It looks at all of them after each case, so there are no more than that.
constexpr std::size_t kConsequences = RulePlace::kCount;
constexpr std::size_t kAccessKinds = 7;
constexpr std::size_t kQuestions = kStepKindCount * kAccessKinds;
// Nobody here reads them: `used` keeps the compiler from leaving them out.
constexpr std::size_t kCounters = (kConsequences + kQuestions + 63) / 64 * 64;
__attribute__((section("__libfuzzer_extra_counters"),
               used)) std::uint8_t extra_counters[kCounters];

// libFuzzer looks up each counter of each case that is set, and learns nothing
// from what most cases have in common: after so many cases it is told no more.
constexpr std::uint32_t kNews = 1'000;
std::uint32_t cases_with[kCounters];
RulePlaces told;  // the consequences of which that is so

void Publish(std::size_t counter) {
  if (cases_with[counter] == kNews) return;
  ++cases_with[counter];
  extra_counters[counter] = 1;
}

}  // namespace

void PublishQuestions(const Case& c) {
  for (const Step& step : c.steps) {
    Publish(kConsequences + static_cast<std::size_t>(step.kind) * kAccessKinds +
            static_cast<std::size_t>(step.access.kind));
  }
}

void PublishConsequences(const RulePlaces& consequences) {
  consequences.ForEachNotIn(told, [](std::size_t place) {
    Publish(place);
    if (cases_with[place] == kNews) told.Add(place);
  });
}

}  // namespace eptdiff
