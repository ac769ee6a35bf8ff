// Dialects: the SDM with some slots filled otherwise.
//
// Every rule that the reference applies is asked through a slot; the reference
// never asks in which dialect it is. An alteration takes the answer that the
// slot would have given and gives another: a prohibition switched off, a value
// computed otherwise, an ignored bit taken as reserved. Alterations describe
// known departures (Bochs), knock-outs (how good is the fuzzer?) and what a
// foreign walker does instead of the SDM (diagnosis). Those that are known, and
// the dialects that have a name: dialects/known_dialects.h.
// Thread-safety: a Dialect is immutable after construction.
#ifndef EPTDIFF_ORACLE_REFERENCE_DIALECT_H_
#define EPTDIFF_ORACLE_REFERENCE_DIALECT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/rules.h"

namespace eptdiff {

struct Situation;  // situation.h

enum class Slot : std::uint16_t {
#define EPTDIFF_SLOT(name, rule, kind) k##name,
#include "oracle/reference/rules/slots.def"
#undef EPTDIFF_SLOT
};
inline constexpr std::size_t kSlotCount = 0
#define EPTDIFF_SLOT(name, rule, kind) +1
#include "oracle/reference/rules/slots.def"
#undef EPTDIFF_SLOT
    ;

enum class SlotKind : std::uint8_t { kForbids, kDefines, kOrders, kPermits };

struct SlotInfo {
  Slot slot;
  Rule rule;
  SlotKind kind;
  std::string_view name;  // as in slots.def
};
inline constexpr SlotInfo kSlots[kSlotCount] = {
#define EPTDIFF_SLOT(name, rule, kind) \
  {Slot::k##name, Rule::rule, SlotKind::kind, #name},
#include "oracle/reference/rules/slots.def"
#undef EPTDIFF_SLOT
};
constexpr const SlotInfo& InfoOf(Slot slot) {
  return kSlots[static_cast<std::size_t>(slot)];
}

// A set of slots; a slot that is a constant has a constant place in it.
class SlotSet {
 public:
  static constexpr SlotSet All() {
    SlotSet all;
    all.words_.fill(~std::uint64_t{0});
    return all;
  }
  constexpr void Add(Slot slot) { words_[Word(slot)] |= Bit(slot); }
  constexpr void Add(const SlotSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i)
      words_[i] |= other.words_[i];
  }
  constexpr bool Contains(Slot slot) const {
    return (words_[Word(slot)] & Bit(slot)) != 0;
  }

 private:
  static constexpr std::size_t Word(Slot slot) {
    return static_cast<std::size_t>(slot) / 64;
  }
  static constexpr std::uint64_t Bit(Slot slot) {
    return std::uint64_t{1} << (static_cast<std::size_t>(slot) % 64);
  }
  std::array<std::uint64_t, (kSlotCount + 63) / 64> words_ = {};
};

// One departure. `name` begins with the rule's identifier: "CFG-8/off",
// "QUAL-6/fetch-only". `words` says what an implementation with it does.
struct Alteration {
  // The slot's answer, given the situation and the answer so far.
  using Function = std::uint64_t (*)(const Situation&, std::uint64_t value);

  std::string_view name;
  Slot slot;
  Function function;
  std::string_view words;
};

class Dialect {
 public:
  // The SDM itself.
  Dialect() : Dialect("sdm", {}) {}
  Dialect(std::string name, std::vector<const Alteration*> alterations);

  const std::string& name() const { return name_; }
  // In the order in which they apply.
  std::span<const Alteration* const> alterations() const {
    return alterations_;
  }
  // This dialect without its alteration number `index`.
  Dialect Without(std::size_t index) const;
  // This dialect with `alteration` after the others.
  Dialect With(const Alteration& alteration) const;

  // The slots that alterations fill.
  const SlotSet& altered() const { return altered_; }
  bool Alters(Slot slot) const { return altered_.Contains(slot); }
  // What the slot answers, where the SDM's answer is `value`.
  std::uint64_t Answer(Slot slot, const Situation& situation,
                       std::uint64_t value) const;

 private:
  std::string name_;
  std::vector<const Alteration*> alterations_;
  SlotSet altered_;
  // Their functions by slot, in the order in which they apply, and the places
  // of each slot's first; that of the next slot follows its last.
  std::vector<Alteration::Function> functions_;
  std::array<std::uint16_t, kSlotCount + 1> first_ = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_DIALECT_H_
