#include "fuzzers/targets/planted.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <utility>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

using namespace bits;

constexpr std::uint16_t kExitEptViolation = 48;

// The address of the 2-MByte leaf that maps the first byte of a step; none if
// it has none.
std::optional<Hpa> LargeLeaf(const MachineState& state, const Step& step) {
  const bool linear = step.kind == StepKind::kLinearAccess;
  const std::uint64_t gpa = linear ? step.gla.value : step.gpa.value;
  const std::uint64_t eptp = state.controls.eptp;
  Hpa table{eptp & kAddress};
  for (int level = (eptp & kWalkLengthMask) == kFiveLevels ? 5 : 4; level > 2;
       --level) {
    const std::uint64_t entry =
        state.memory.Load(Hpa{table.value + 8 * IndexAt(gpa, level)});
    if ((entry & kPermissions) == 0 || (entry & kLeaf) != 0) return {};
    table = Hpa{entry & kAddress};
  }
  const Hpa address{table.value + 8 * IndexAt(gpa, 2)};
  if ((state.memory.Load(address) & kLeaf) == 0) return {};
  return address;
}

// Passes everything on.
class Planted : public Oracle {
 public:
  explicit Planted(std::unique_ptr<Oracle> oracle)
      : oracle_(std::move(oracle)) {}

  std::string_view name() const override { return oracle_->name(); }
  FieldSet fields() const override { return oracle_->fields(); }
  bool models_entry() const override { return oracle_->models_entry(); }
  Skip Enter(const MachineState& state, Outcome& outcome) override {
    return oracle_->Enter(state, outcome);
  }
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    return oracle_->Perform(state, step, outcome);
  }

 private:
  std::unique_ptr<Oracle> oracle_;
};

// Bit 12 of a 2-MByte leaf is not seen (CFG-9).
class LargeLeafBit12 final : public Planted {
 public:
  using Planted::Planted;
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    const std::optional<Hpa> leaf = LargeLeaf(state, step);
    if (!leaf.has_value() || (state.memory.Load(*leaf) & Bit(12)) == 0) {
      return Planted::Perform(state, step, outcome);
    }
    seen_ = state;
    seen_.memory.Store(*leaf, state.memory.Load(*leaf) & ~Bit(12));
    const Skip skip = Planted::Perform(seen_, step, outcome);
    // It does not see the bit, but does not lose it either.
    for (MemoryWord& word : outcome.writes) {
      if (word.address == *leaf) word.value |= Bit(12);
    }
    return skip;
  }

 private:
  MachineState seen_;
};

// No dirty flag is ever set (AD-2, AD-3).
class DirtyFlagForgotten final : public Planted {
 public:
  using Planted::Planted;
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    const Skip skip = Planted::Perform(state, step, outcome);
    if (skip != Skip::kNone || step.kind == StepKind::kStore) return skip;
    const FixedVector<MemoryWord, kMaxStepWrites> writes = outcome.writes;
    outcome.writes.clear();
    for (MemoryWord word : writes) {
      const std::uint64_t old = state.memory.Load(word.address);
      const std::uint64_t flags = word.value ^ old;
      if ((flags & ~(kAccessed | kDirty)) == 0)
        word.value &= ~flags | kAccessed;
      if (word.value != old) outcome.writes.push_back(word);
    }
    return skip;
  }
};

// The qualification of an EPT violation is another one.
class Qualification : public Planted {
 public:
  using Planted::Planted;
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    const Skip skip = Planted::Perform(state, step, outcome);
    if (skip == Skip::kNone && outcome.event.kind == EventKind::kVmExit &&
        outcome.event.exit_reason == kExitEptViolation) {
      Change(state, outcome.event.qualification);
    }
    return skip;
  }

 private:
  virtual void Change(const MachineState& state,
                      std::uint64_t& qualification) const = 0;
};

// Bit 8 is the wrong way round (QUAL-8).
class QualificationBit8 final : public Qualification {
 public:
  using Qualification::Qualification;

 private:
  void Change(const MachineState&,
              std::uint64_t& qualification) const override {
    qualification ^= Bit(8);
  }
};

// Bit 20, which is undefined, tells where EPT's root lies. No verdict can
// object to that.
class UndefinedBitByFrame final : public Qualification {
 public:
  using Qualification::Qualification;

 private:
  void Change(const MachineState& state,
              std::uint64_t& qualification) const override {
    qualification |= (state.controls.eptp & Bit(12)) << 8;
  }
};

// Something that a 2-MByte leaf with bit 12 brings about in place of an answer.
class Misbehaving final : public Planted {
 public:
  Misbehaving(std::unique_ptr<Oracle> oracle, void (*misbehave)())
      : Planted(std::move(oracle)), misbehave_(misbehave) {}
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    const std::optional<Hpa> leaf = LargeLeaf(state, step);
    if (leaf.has_value() && (state.memory.Load(*leaf) & Bit(12)) != 0) {
      misbehave_();
    }
    return Planted::Perform(state, step, outcome);
  }

 private:
  void (*misbehave_)();
};

void Hang() {
  for (volatile bool forever = true; forever;) {
  }
}

void TakeThreeGigabytes() {
  constexpr std::size_t kThreeGigabytes = std::size_t{3} << 30;
  static char* volatile taken;  // or the compiler would not take any
  taken = new char[kThreeGigabytes];
  delete[] taken;
}

// Answers as an implementation would that departs from the SDM by a dialect's
// alterations, where that makes a difference; otherwise passes questions on.
class Altered final : public Planted {
 public:
  Altered(std::unique_ptr<Oracle> oracle, const Dialect& dialect)
      : Planted(std::move(oracle)), altered_(dialect) {}
  Skip Enter(const MachineState& state, Outcome& outcome) override {
    const Skip skip = Planted::Enter(state, outcome);
    if (skip != Skip::kNone || !altered_.Departs(state, nullptr)) return skip;
    return altered_.Enter(state, outcome);
  }
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    return altered_.Departs(state, &step)
               ? altered_.Perform(state, step, outcome)
               : Planted::Perform(state, step, outcome);
  }

 private:
  DialectOracle altered_;
};

constexpr PlantedFault kFaults[] = {
    {"large-leaf-bit-12", "bit 12 of a 2-MByte leaf is not checked"},
    {"dirty-flag-forgotten", "no dirty flag is ever set"},
    {"qualification-bit-8",
     "bit 8 of an EPT violation's qualification is inverted"},
    {"undefined-bit-by-frame",
     "an undefined bit of the qualification depends on where EPT's root lies"},
    {"crash", "a 2-MByte leaf with bit 12 set aborts it"},
    {"hang", "a 2-MByte leaf with bit 12 set makes it loop"},
    {"memory", "a 2-MByte leaf with bit 12 set makes it take 3 GBytes"},
};

}  // namespace

std::span<const PlantedFault> AllPlantedFaults() { return kFaults; }

std::unique_ptr<Oracle> Plant(std::string_view fault,
                              std::unique_ptr<Oracle> oracle) {
  if (fault == kFaults[0].name) {
    return std::make_unique<LargeLeafBit12>(std::move(oracle));
  }
  if (fault == kFaults[1].name) {
    return std::make_unique<DirtyFlagForgotten>(std::move(oracle));
  }
  if (fault == kFaults[2].name) {
    return std::make_unique<QualificationBit8>(std::move(oracle));
  }
  if (fault == kFaults[3].name) {
    return std::make_unique<UndefinedBitByFrame>(std::move(oracle));
  }
  constexpr void (*kMisbehaviours[])() = {std::abort, Hang, TakeThreeGigabytes};
  for (std::size_t i = 0; i < std::size(kMisbehaviours); ++i) {
    if (fault != kFaults[4 + i].name) continue;
    return std::make_unique<Misbehaving>(std::move(oracle), kMisbehaviours[i]);
  }
  if (const std::optional<Dialect> dialect = FindDialect(fault)) {
    return std::make_unique<Altered>(std::move(oracle), *dialect);
  }
  return nullptr;
}

}  // namespace eptdiff
