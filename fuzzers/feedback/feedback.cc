#include "fuzzers/feedback/feedback.h"

#include <cstddef>
#include <cstdint>

namespace eptdiff {
namespace {

constexpr std::size_t kConsequences = RulePlace::kCount;
constexpr std::size_t kAccessKinds = 7;
constexpr std::size_t kQuestions = kStepKindCount * kAccessKinds;

// libFuzzer looks at all counters after each case, and clears them before: so
// there are not as many as there are places and questions, but as many as
// cases come to. Who is met first gets the next one; who comes when all are
// taken shares, and news of it may be missed.
constexpr std::size_t kCounters = 1280;
// Nobody here reads them: `used` keeps the compiler from leaving them out.
__attribute__((section("__libfuzzer_extra_counters"),
               used)) std::uint8_t extra_counters[kCounters];

// libFuzzer looks up each counter of each case that is set, and learns nothing
// from what most cases have in common: after so many cases it is told no more.
constexpr std::uint32_t kNews = 1'000;
struct Published {
  std::uint32_t cases = 0;
  std::uint32_t counter = 0;
};
Published published[kConsequences + kQuestions];
std::size_t counters = 0;  // that are taken
RulePlaces told;           // the consequences of which that is so

void Publish(std::size_t number) {
  Published& one = published[number];
  if (one.cases == kNews) return;
  if (one.cases++ == 0) {
    one.counter = static_cast<std::uint32_t>(counters++ % kCounters);
  }
  extra_counters[one.counter] = 1;
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
    if (published[place].cases == kNews) told.Add(place);
  });
}

}  // namespace eptdiff
