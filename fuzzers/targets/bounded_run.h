// A fuzzing run without libFuzzer: generated cases and mutations of them, the
// same ones for the same seed. Thread-safety: as Panel.
#ifndef EPTDIFF_FUZZERS_TARGETS_BOUNDED_RUN_H_
#define EPTDIFF_FUZZERS_TARGETS_BOUNDED_RUN_H_

#include <cstdint>
#include <map>
#include <string>

#include "fuzzers/feedback/statistics.h"
#include "fuzzers/generation/machine_generation.h"
#include "fuzzers/targets/panel.h"
#include "oracle/case.h"

namespace eptdiff {

struct BoundedSummary {
  Statistics statistics;
  // The first case of each signature that was found.
  std::map<std::string, Case> findings;
};

// Puts `cases` cases to the panel: generated ones, each followed by
// `mutations` mutations in a chain. Replaces the observer of panel.trial().
BoundedSummary RunBounded(std::uint64_t seed, std::uint64_t cases,
                          unsigned mutations, Panel& panel,
                          Focus focus = Focus::kEpt);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TARGETS_BOUNDED_RUN_H_
