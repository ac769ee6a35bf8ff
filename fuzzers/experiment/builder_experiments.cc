#include "fuzzers/experiment/builder_experiments.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/experiment/next_atom.h"

namespace eptdiff {
namespace {

constexpr std::size_t kMostAtoms = 6;
constexpr std::size_t kMostVaried = 1500;
constexpr double kNearContradiction = 5;
// Seen so often it is no chance.
constexpr std::size_t kEnoughWrong = 5, kEnoughRight = 20;
// So many times fewer are few.
constexpr std::size_t kFew = 10;

// A feature as it is in a symptom, or a circumstance.
struct Atom {
  std::uint64_t mask = 0;  // of the symptom; 0: a circumstance
  std::uint64_t value = 0;
  Circumstance when;
};

// Symptoms of one operation, of one mistake.
struct Item {
  std::vector<Symptom> symptoms;
  Circumstances at;
  double weight = 1;
  bool near = false;
};

bool Holds(const Atom& atom, const Item& item) {
  if (atom.mask == 0) return atom.when.Holds(item.at);
  return std::any_of(
      item.symptoms.begin(), item.symptoms.end(),
      [&](Symptom s) { return (s.bits & atom.mask) == atom.value; });
}

bool HoldAll(const std::vector<Atom>& atoms, const Item& item) {
  return std::all_of(atoms.begin(), atoms.end(),
                     [&](const Atom& atom) { return Holds(atom, item); });
}

// As of a walker's atoms.
double Readability(const Atom& atom) {
  // What is done says more than how.
  if (atom.mask == Symptom::MaskOf(Feature::kWork)) return 1.05;
  if (atom.mask != 0) return 1;
  const double set = atom.when.value ? 1 : 0.96;
  switch (atom.when.word) {
    case CircumstanceWord::kFlags:
    case CircumstanceWord::kLacks:
    case CircumstanceWord::kMeanwhile:
      return 0.99 * set;
    case CircumstanceWord::kBytes:
    case CircumstanceWord::kAlignment:
      return 0.97 * set;
    case CircumstanceWord::kSecondary:
    case CircumstanceWord::kEptp:
      return 0.95 * set;
    case CircumstanceWord::kThere:
      return 0.93 * set;
    case CircumstanceWord::kPage:
      return 0.88 * set;
    case CircumstanceWord::kCapabilities:
    case CircumstanceWord::kHpa:
    case CircumstanceWord::kGpa:
      return 0.9 * set;
  }
  return set;
}

// All that is so where it went wrong.
std::vector<Atom> AtomsOf(Symptom symptom, const Circumstances& at) {
  std::vector<Atom> atoms;
  for (int i = 1; i < kFeatureCount; ++i) {
    const std::uint64_t mask = Symptom::MaskOf(static_cast<Feature>(i));
    atoms.push_back({mask, symptom.bits & mask, {}});
  }
  for (std::size_t word = 0; word < kCircumstanceWords; ++word) {
    for (std::uint8_t bit = 0; bit < 64; ++bit) {
      atoms.push_back({0,
                       0,
                       {static_cast<CircumstanceWord>(word), bit,
                        (at.words[word] >> bit & 1) != 0}});
    }
  }
  return atoms;
}

// A bit that is lost was 1, and one that is gained was 0.
bool IsImplied(const Circumstance& when, const PageDifference& difference) {
  if (when.word != CircumstanceWord::kPage) return false;
  const std::uint64_t bits =
      when.value
          ? difference.lost | difference.address_lost
          : difference.gained | (difference.address & ~difference.address_lost);
  return (bits >> when.bit & 1) != 0;
}

// What is known of a mistake.
class Evidence {
 public:
  explicit Evidence(BuilderCause whole) : whole_(std::move(whole)) {}

  void Add(const BuilderAnswer& answer, bool near) {
    Item item{Matching(answer.wrong), answer.at, 1, near};
    if (!item.symptoms.empty()) yes_.push_back(std::move(item));
    for (const PassedSymptom& right : answer.right) {
      if (!whole_.Matches(right.symptom)) continue;
      no_.push_back(
          {{right.symptom}, right.at, near ? kNearContradiction : 1, near});
    }
  }

  std::vector<Symptom> Matching(const std::vector<Symptom>& symptoms) const {
    std::vector<Symptom> matching;
    for (const Symptom s : symptoms) {
      if (whole_.Matches(s)) matching.push_back(s);
    }
    return matching;
  }

  // The fewest of these that rule out what went right, but for `exceptions`;
  // none if they do not.
  std::vector<Atom> Condition(const std::vector<Atom>& atoms,
                              std::size_t& exceptions) const {
    std::vector<Atom> when;
    std::vector<Item> yes = yes_, no = no_;
    if (yes.size() < kEnoughWrong || no.size() < kEnoughRight) return {};
    // What is known once few are left, which may have to do with something
    // else.
    std::optional<std::size_t> atoms_then;
    while (!no.empty()) {
      if (!atoms_then.has_value() && no.size() * kFew <= yes.size()) {
        atoms_then = when.size();
        exceptions = no.size();
      }
      const auto next = NextAtom(atoms, yes, no, Readability, Holds);
      const auto rest = [&](const Item& item) { return !Holds(*next, item); };
      const bool is_known = next.has_value() && when.size() < kMostAtoms &&
                            !(atoms_then.has_value() &&
                              std::any_of(yes.begin(), yes.end(), rest));
      if (!is_known) break;
      when.push_back(*next);
      std::erase_if(yes, rest);
      std::erase_if(no, rest);
    }
    if (no.empty()) {
      exceptions = 0;
    } else if (atoms_then.has_value()) {
      when.resize(*atoms_then);
    } else {
      return {};
    }
    // What came first may be needless by now.
    for (std::size_t i = 0; i < when.size();) {
      std::vector<Atom> others = when;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      const auto right = std::count_if(
          no_.begin(), no_.end(),
          [&](const Item& item) { return HoldAll(others, item); });
      if (static_cast<std::size_t>(right) > exceptions) {
        ++i;
      } else {
        when = std::move(others);
      }
    }
    return when;
  }

 private:
  const BuilderCause whole_;
  std::vector<Item> yes_, no_;
};

void VaryOperation(const Case& c, std::size_t step,
                   const std::function<void(const Case&)>& f) {
  Case varied = c;
  TableOperation& now = varied.steps[step].operation;
  const TableOperation was = now;
  const auto call = [&] {
    if (now != was) f(varied);
    now = was;
  };
  constexpr std::uint64_t kFlags = 0xfff0000000000f7f;
  for (int b = 0; b < 64; ++b) {
    const std::uint64_t bit = std::uint64_t{1} << b;
    if ((kFlags & bit) != 0) {
      now.flags ^= bit;
      call();
    }
    if (b < 12 || b >= 52) continue;
    now.hpa.value ^= bit;
    call();
    now.gpa.value ^= bit;
    call();
    if (was.bytes == 0) continue;
    now.bytes = bit;
    call();
  }
  for (std::uint8_t level = 1; level <= 3; ++level) {
    now.level = level;
    call();
  }
  for (std::uint16_t failing = 0; failing <= 4; ++failing) {
    now.failing_allocation = failing;
    call();
  }
  for (int b = 0; b < 7; ++b) {
    now.meanwhile ^= static_cast<std::uint8_t>(1 << b);
    call();
  }
  now.meanwhile = 0;
  call();
  for (int i = 0; i < kTableOperationKindCount; ++i) {
    now.kind = static_cast<TableOperationKind>(i);
    if (now.bytes == 0) now.bytes = 0x1000;
    call();
  }
}

// Other addresses for all operations and accesses alike.
void MoveAll(const Case& c, const std::function<void(const Case&)>& f) {
  for (int b = 12; b < 52; ++b) {
    const std::uint64_t bit = std::uint64_t{1} << b;
    Case gpas = c, hpas = c;
    for (Step& step : gpas.steps) {
      step.gpa.value ^= step.kind == StepKind::kTableOperation ? 0 : bit;
      if (step.kind == StepKind::kTableOperation)
        step.operation.gpa.value ^= bit;
    }
    for (Step& step : hpas.steps) {
      if (step.kind == StepKind::kTableOperation)
        step.operation.hpa.value ^= bit;
    }
    f(gpas);
    f(hpas);
  }
}

void VaryMachine(const Case& c, const std::function<void(const Case&)>& f) {
  Case varied = c;
  for (int b = 0; b < 64; ++b) {
    const std::uint64_t bit = std::uint64_t{1} << b;
    varied.controls.secondary ^= static_cast<std::uint32_t>(bit);
    if (b < 32) f(varied);
    varied.controls.secondary = c.controls.secondary;
    if (b < 12) {
      varied.controls.eptp ^= bit;
      f(varied);
      varied.controls.eptp = c.controls.eptp;
    }
    varied.processor.ept_vpid_cap ^= bit;
    f(varied);
    varied.processor.ept_vpid_cap = c.processor.ept_vpid_cap;
  }
}

}  // namespace

void ForEachBuilderVariation(const Case& c,
                             const std::function<void(const Case&)>& f) {
  VaryMachine(c, f);
  MoveAll(c, f);
  for (std::size_t step = c.steps.size(); step-- > 0;) {
    if (c.steps[step].kind == StepKind::kTableOperation) {
      VaryOperation(c, step, f);
    }
    Case without = c;
    without.steps.erase(without.steps.begin() +
                        static_cast<std::ptrdiff_t>(step));
    f(without);
  }
}

std::optional<BuilderCause> StudyBuilder(const BuilderCause& cause,
                                         const Case& seed,
                                         std::span<const Case> pool,
                                         const AskBuilder& ask) {
  const Mistake mistake = cause.value.mistake();
  constexpr std::uint64_t kWhat =
      Symptom::MaskOf(Feature::kMistake) | Symptom::MaskOf(Feature::kDetail);
  BuilderCause found;
  found.fixed = cause.fixed & kWhat;
  found.value = {cause.value.bits & found.fixed};
  Evidence evidence(found);
  const std::vector<BuilderAnswer> itself = ask({&seed, 1}, mistake);
  if (itself.empty()) return std::nullopt;
  const std::vector<Symptom> shown = evidence.Matching(itself[0].wrong);
  if (shown.empty()) return std::nullopt;
  std::vector<Case> varied;
  ForEachBuilderVariation(seed, [&](const Case& c) {
    if (varied.size() == kMostVaried) return;
    Canonicalise(varied.emplace_back(c));
  });
  evidence.Add(itself[0], /*near=*/true);
  for (const BuilderAnswer& answer : ask(varied, mistake)) {
    evidence.Add(answer, /*near=*/true);
  }
  for (const BuilderAnswer& answer : ask(pool, mistake)) {
    evidence.Add(answer, /*near=*/false);
  }
  std::size_t exceptions = 0;
  const std::vector<Atom> when =
      evidence.Condition(AtomsOf(shown[0], itself[0].at), exceptions);
  if (when.empty()) return std::nullopt;
  found.right = exceptions;
  for (const Atom& atom : when) {
    if (atom.mask == 0) {
      if (!IsImplied(atom.when, cause.difference)) {
        found.when.push_back(atom.when);
      }
    } else {
      found.fixed |= atom.mask;
      found.value.bits |= atom.value;
    }
  }
  return found;
}

}  // namespace eptdiff
