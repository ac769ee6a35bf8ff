#include "fuzzers/check/builder_causes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "fuzzers/generation/table_generation.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

// Causes that are studied, and cases that are made for one.
constexpr int kMaxStudies = 6;
constexpr std::size_t kMutated = 512;

// What happened to be asked, and what is like that which went wrong.
std::vector<Case> PoolFor(const Case& shown, std::span<const Case> cases,
                          Random& random) {
  std::vector<Case> pool(cases.begin(), cases.end());
  for (std::size_t i = 0; i < kMutated; ++i) {
    Case c = i % 2 == 0 ? shown : pool[random.Below(pool.size())];
    MutateTableCase(random.Next(), c);
    pool.push_back(std::move(c));
  }
  return pool;
}

}  // namespace

std::vector<BuilderCause> FindBuilderCauses(
    const BuilderEvidence& evidence,
    const std::function<Case(const BuilderCause&)>& smallest,
    const AskBuilder& ask, Random& random, Clock::time_point end) {
  const auto& [failing, right, cases] = evidence;
  std::vector<BuilderCause> studied;
  std::set<std::uint64_t> known;
  std::vector<BuilderCause> causes = DiagnoseBuilder(failing, right);
  for (int i = 0; i < kMaxStudies && Clock::now() < end; ++i) {
    const auto unclear = std::find_if(
        causes.begin(), causes.end(), [&](const BuilderCause& cause) {
          return cause.right != 0 && !known.contains(cause.value.bits);
        });
    if (unclear == causes.end()) break;
    known.insert(unclear->value.bits);
    const Case shown = smallest(*unclear);
    Random own(random.Next());
    auto found = StudyBuilder(*unclear, shown, PoolFor(shown, cases, own), ask);
    if (!found.has_value()) continue;
    studied.push_back(*std::move(found));
    causes = DiagnoseBuilder(failing, right, studied);
  }
  return causes;
}

}  // namespace eptdiff
