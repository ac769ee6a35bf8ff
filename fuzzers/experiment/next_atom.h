// A condition, found one atom at a time: of all that could be said of what an
// effect explains, what rules out most of that which contradicts it.
//
// Walkers' and builders' conditions are found so alike; what their atoms are,
// what it is that they hold of, and which of them somebody would rather read,
// they say themselves.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_NEXT_ATOM_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_NEXT_ATOM_H_

#include <optional>
#include <vector>

namespace eptdiff {

// The best of these atoms; none if none is worth saying. An item, of which
// `yes` are explained and `no` contradict, has a `weight`, and is `near` if it
// is a variation of what is studied: an atom that does not hold of such a one
// is needless, for it was changed alone, and nothing else with it.
// `readability` says what an atom is worth beside another that rules out as
// much.
template <typename Atom, typename Item, typename Readability, typename Holds>
std::optional<Atom> NextAtom(const std::vector<Atom>& atoms,
                             const std::vector<Item>& yes,
                             const std::vector<Item>& no,
                             const Readability& readability,
                             const Holds& holds) {
  constexpr double kLeastWorth = 0.03;
  double yes_weight = 0, no_weight = 0;
  for (const Item& item : yes) yes_weight += item.weight;
  for (const Item& item : no) no_weight += item.weight;
  double best_worth = kLeastWorth;
  std::optional<Atom> best;
  for (const Atom& atom : atoms) {
    double gain = 0;
    for (const Item& item : no) {
      if (!holds(atom, item)) gain += item.weight;
    }
    const double most = gain * readability(atom) / no_weight;
    if (most <= best_worth) continue;
    double loss = 0;
    bool needless = false;
    for (const Item& item : yes) {
      if (holds(atom, item)) continue;
      loss += item.weight;
      needless |= item.near;
    }
    if (needless) continue;
    const double worth = most - 1.2 * loss / yes_weight;
    if (worth <= best_worth) continue;
    best_worth = worth;
    best = atom;
  }
  return best;
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_NEXT_ATOM_H_
