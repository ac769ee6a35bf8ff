// The search for combinations of alterations that contradict no observation.
//
// A combination that contradicts an observation can only be mended by an
// alteration that this observation touches (touched.h): so the search takes
// the first observation that is contradicted, and tries these one after the
// other. Down to the last alteration this is exact, and it is fast because an
// observation touches a few dozen of all alterations, and because what has
// refuted one combination is likely to refute the next.
// Thread-safety: as Evidence.
#ifndef EPTDIFF_ORACLE_DIAGNOSIS_SEARCH_H_
#define EPTDIFF_ORACLE_DIAGNOSIS_SEARCH_H_

#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "oracle/diagnosis/combination.h"
#include "oracle/diagnosis/evidence.h"

namespace eptdiff {

class Search {
 public:
  // `constraints` are the numbers of the observations that count. Gives up when
  // it has asked for `effort` verdicts.
  Search(Evidence& evidence, std::vector<std::size_t> constraints,
         std::size_t effort);

  // All combinations of exactly `size` alterations that contradict nothing, at
  // most kMostFound, in ascending order; those in which some alteration
  // explains nothing are left out. `size` - 1 must have given none.
  std::vector<Combination> AllOfSize(std::size_t size);
  static constexpr std::size_t kMostFound = 512;

  // Whether some combination of at most `size` more alterations than `base`
  // permits observation `i`, whatever the others say.
  bool Explainable(std::size_t i, const Combination& base, std::size_t size);

  // An explanation that is grown: as long as something is contradicted, the
  // one to kExactSize alterations are added that explain it, and the most
  // besides, and contradict nothing that was not contradicted before. None of
  // its alterations can be left out. What it contradicts is in `left`.
  Combination Grown(std::vector<std::size_t>& left);

  // Those that can stand in the place of `number` in `combination`, and
  // contradict nothing in the constraints but `except`.
  std::vector<std::uint16_t> InPlaceOf(const Combination& combination,
                                       std::uint16_t number,
                                       const std::set<std::size_t>& except);

  // Whether it gave up: there may be more than it found.
  bool gave_up() const { return gave_up_; }

 private:
  struct Addition {
    Combination combination;
    std::size_t explained = 0;
  };

  void Extend(const Combination& combination, std::size_t size,
              std::vector<Combination>& found);
  bool Explain(std::size_t i, const Combination& combination, std::size_t size);
  // Those that `combination` with up to `size` more would explain `i` with.
  std::optional<Addition> BestAddition(const Combination& combination,
                                       std::size_t i, std::size_t size);
  // Exchanges one alteration for one or two others, one of which explains `i`,
  // if that leaves less contradicted. Whether it did.
  bool Exchange(Combination& combination, std::size_t i);
  std::size_t CountContradicted(const Combination& combination,
                                std::size_t stop);
  void Additions(const Combination& combination, std::size_t i,
                 std::size_t size, std::vector<Combination>& found);

  // The first constraint that is contradicted; which one depends on `quick`:
  // the first to come to mind, or the one that touches the fewest.
  std::optional<std::size_t> Contradicted(const Trier& trier, bool quick);
  bool EachIsNeeded(const Combination& combination);
  bool Refuted(const Trier& trier, const std::set<std::size_t>& except);
  std::vector<std::uint16_t> Candidates(const Combination& combination,
                                        std::size_t i);
  bool Spent();

  Evidence& evidence_;
  std::vector<std::size_t> constraints_;  // that touch the fewest first
  std::vector<std::size_t> killers_;      // that refuted most lately first
  std::set<Combination> seen_;
  const std::size_t limit_;
  bool gave_up_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_DIAGNOSIS_SEARCH_H_
