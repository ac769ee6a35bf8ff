#include "fuzzers/targets/bounded_run.h"

#include "fuzzers/entries/random.h"
#include "fuzzers/generation/generator.h"
#include "fuzzers/mutation/mutator.h"
#include "oracle/judgement/judge.h"

namespace eptdiff {

BoundedSummary RunBounded(std::uint64_t seed, std::uint64_t cases,
                          unsigned mutations, Panel& panel, Focus focus) {
  BoundedSummary summary{Statistics(panel.names()), {}};
  Statistics& statistics = summary.statistics;
  Random random(seed);
  Case c;
  panel.trial().set_observer(
      [&](const StepReport& report) { statistics.Observe(report, c); });
  for (std::uint64_t i = 0; i < cases; ++i) {
    if (i % (mutations + 1) == 0) {
      GenerateCase(random.Next(), c, focus);
    } else {
      Mutate(random.Next(), c, focus);
    }
    statistics.BeginCase(c);
    const std::vector<Standings>& standings = panel.trial().Run(c);
    statistics.EndCase(standings);
    for (std::size_t oracle = 0; oracle < standings.size(); ++oracle) {
      if (!standings[oracle].disagrees) continue;
      summary.findings.try_emplace(
          SignatureOf(panel.names()[oracle], standings[oracle].finding), c);
    }
  }
  panel.trial().set_observer({});
  return summary;
}

}  // namespace eptdiff
