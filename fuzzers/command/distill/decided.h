// Which rules a set of cases decides. A case decides a rule when altering that
// rule changes the verdict on one of its steps: the case would notice an
// implementation that gets the rule wrong in this way.
//
// Every alteration of a rule that a step asks is tried on that step, with all
// other rules as the SDM has them. Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_DISTILL_DECIDED_H_
#define EPTDIFF_FUZZERS_COMMAND_DISTILL_DECIDED_H_

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzzers/command/distill/rule_matrix.h"
#include "oracle/case.h"
#include "oracle/judgement/spine.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/dialect.h"
#include "oracle/rules.h"
#include "oracle/verdict.h"

namespace eptdiff {

class DecidedRules {
 public:
  // With `counting`, every case is tried with every alteration, for the sake
  // of the counts; without, only with those that no case has told apart yet.
  explicit DecidedRules(bool counting);

  void Add(const Case& c);

  // Of the alterations `wanted`, by their number in AllAlterations(), those
  // that `c` by itself tells from the SDM, whatever was added. Nothing is
  // added.
  std::vector<std::size_t> ToldBy(const Case& c,
                                  std::vector<bool> wanted) const;
  std::vector<std::size_t> ToldBy(const Case& c) const;

  // How many cases decide the rule, or tell alteration number i of
  // AllAlterations() from the SDM. At most 1 without counting.
  std::size_t CasesDeciding(Rule rule) const {
    return rules_[static_cast<std::size_t>(rule)];
  }
  std::size_t CasesTelling(std::size_t alteration) const {
    return alterations_[alteration];
  }
  // Rules decided by some case.
  std::size_t decided() const;

  // With counting: by situation. A case decides a rule in a situation when
  // altering it there, and nowhere else, changes the verdict.
  const RuleMatrix& matrix() const { return matrix_; }

 private:
  // Whether a step, as `spine` judged it, tells alteration number `i`.
  bool Tells(std::size_t i, const Spine& spine, const Step* step) const;
  // Each step is looked at twice: as for who keeps nothing, and, with the
  // alterations that show there alone, as for who may keep translations.
  void AddSpine(Spine spine, bool keeps, const Case& c, std::vector<bool>& told,
                std::bitset<kRuleCount>& decided);
  void AddSituations(const Alteration& alteration, const Spine& spine,
                     const Step* step);

  const bool counting_;
  std::vector<CachingReference> references_;  // one for each alteration
  std::vector<CachingReference> probes_;      // one for each slot
  RuleMatrix matrix_;
  // Those that the case which is being added decides.
  std::bitset<kRuleCount * kPositions> situations_;
  std::vector<std::size_t> alterations_;
  std::array<std::size_t, kRuleCount> rules_ = {};
};

// Whether the reference asks this rule at all: others are still to come.
bool IsAsked(Rule rule);
// How many rules it asks.
std::size_t AskedRules();

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_DISTILL_DECIDED_H_
