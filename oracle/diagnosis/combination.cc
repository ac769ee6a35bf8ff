#include "oracle/diagnosis/combination.h"

#include <algorithm>
#include <cstdlib>

#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {

Dialect DialectOf(const Combination& combination) {
  const auto all = AllAlterations();
  if (all.size() > kMaxAlterations) std::abort();
  std::vector<const Alteration*> alterations;
  alterations.reserve(combination.size());
  for (std::uint16_t number : combination) {
    alterations.push_back(&all[number]);
  }
  return Dialect("diagnosis", std::move(alterations));
}

Combination With(const Combination& combination, std::uint16_t number) {
  Combination more = combination;
  more.insert(std::lower_bound(more.begin(), more.end(), number), number);
  return more;
}

Combination Without(const Combination& combination, std::uint16_t number) {
  Combination less = combination;
  less.erase(std::lower_bound(less.begin(), less.end(), number));
  return less;
}

bool Meet(const Combination& combination, const AlterationSet& set) {
  return std::any_of(combination.begin(), combination.end(),
                     [&](std::uint16_t number) { return set[number]; });
}

}  // namespace eptdiff
