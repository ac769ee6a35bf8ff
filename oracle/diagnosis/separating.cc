// Diagnosis asks further: explanations that agree with all that is known are
// told apart by hand-written cases first, then by variations of what disagreed.
#include <cstddef>
#include <string_view>
#include <vector>

#include "oracle/diagnosis/combination.h"
#include "oracle/diagnosis/diagnosis.h"
#include "oracle/diagnosis/evidence.h"
#include "oracle/diagnosis/separation.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

// Cases asked in one call to confirm what cannot be separated any more.
constexpr std::size_t kConfirmations = 128;
// Originals of variations: the disagreements seen last.
constexpr std::size_t kMostOriginals = 64;

bool IsLate(const SeparationLimits& limits) {
  return limits.is_late && limits.is_late();
}

}  // namespace

std::vector<Case> Diagnosis::Originals() {
  std::vector<Case> originals;
  AlterationSet named;
  for (const Combination& candidate : candidates_) {
    for (std::uint16_t number : candidate) named.set(number);
  }
  for (auto it = constraints_.rbegin(); it != constraints_.rend(); ++it) {
    const Observation& o = evidence_[*it];
    if (o.agrees || (o.touched & named).none()) continue;
    if (originals.size() == kMostOriginals) break;
    originals.push_back(*o.c);
  }
  for (const NamedCase& witness : Witnesses()) {
    for (std::string_view name : witness.tells) {
      for (std::size_t a = 0; a < AllAlterations().size(); ++a) {
        if (!named[a] || AllAlterations()[a].name != name) continue;
        originals.push_back(witness.c);
      }
    }
  }
  return originals;
}

std::size_t Diagnosis::AskWitnesses(Oracle& oracle,
                                    const SeparationLimits& limits) {
  const auto witnesses = Witnesses();
  witness_asked_.resize(witnesses.size());
  std::size_t asked = 0;
  for (bool again = true; again;) {
    again = false;
    Update();
    if (candidates_[0].empty()) break;
    Separation separation(candidates_, evidence_.fields(),
                          oracle.keeps_translations(), oracle.declared());
    for (std::size_t i = 0; i < witnesses.size() && asked < limits.asked; ++i) {
      if (IsLate(limits)) return asked;
      if (witness_asked_[i]) continue;
      if (separation.UseOf(witnesses[i].c) == Use::kNone) continue;
      witness_asked_[i] = true;
      const std::vector<Combination> before = candidates_;
      Ask(oracle, witnesses[i].c);
      Update();
      ++asked;
      if (candidates_ == before) continue;
      again = true;
      break;
    }
  }
  return asked;
}

void Diagnosis::AskVariations(Oracle& oracle, const Vary& vary,
                              const SeparationLimits& limits,
                              std::size_t asked) {
  std::size_t confirmations = 0;
  for (bool again = true; again;) {
    again = false;
    if (candidates_[0].empty()) return;
    const std::vector<Case> originals = Originals();
    if (originals.empty()) return;
    Separation separation(candidates_, evidence_.fields(),
                          oracle.keeps_translations(), oracle.declared());
    Case varied;
    for (std::size_t fruitless = 0;
         fruitless < limits.fruitless && asked < limits.asked; ++fruitless) {
      if (candidates_.size() == 1 && confirmations >= kConfirmations) return;
      if (IsLate(limits)) return;
      ++seed_;
      vary(seed_, originals[seed_ % originals.size()], varied);
      const Use use = separation.UseOf(varied);
      if (use == Use::kNone) continue;
      if (use == Use::kConfirms && confirmations++ >= kConfirmations) continue;
      const std::vector<Combination> before = candidates_;
      Ask(oracle, varied);
      Update();
      ++asked;
      if (candidates_ == before) continue;
      again = true;
      break;
    }
  }
}

void Diagnosis::Separate(Oracle& oracle, const Vary& vary,
                         const SeparationLimits& limits) {
  const std::size_t asked = AskWitnesses(oracle, limits);
  if (vary) AskVariations(oracle, vary, limits, asked);
}

}  // namespace eptdiff
