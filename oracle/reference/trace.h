// What the reference looked at while it judged a step: the entries that it
// read and the rules that decided. Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_REFERENCE_TRACE_H_
#define EPTDIFF_ORACLE_REFERENCE_TRACE_H_

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "engine/types.h"
#include "oracle/fixed_vector.h"
#include "oracle/reference/rule_places.h"
#include "oracle/rules.h"

namespace eptdiff {

enum class Structure : std::uint8_t { kEpt, kSpp, kPdpte, kEptpList, kGuest };

// One entry that was read.
struct EntryRead {
  Structure structure = Structure::kEpt;
  // EPT and guest: 5 (PML5E) to 1 (PTE); SPP: 4 to 1 (vector).
  std::uint8_t level = 0;
  // EPT: of the guest entry that is being accessed; 0: the final access.
  std::uint8_t guest_level = 0;
  Hpa address;
  std::uint64_t value = 0;
  friend bool operator==(const EntryRead&, const EntryRead&) = default;
};

// Whether both were read in the same place, with whatever value.
inline bool AreOfOnePlace(const EntryRead& a, const EntryRead& b) {
  return a.structure == b.structure && a.level == b.level &&
         a.guest_level == b.guest_level && a.address == b.address;
}

// One answer of a slot that had a consequence: a prohibition that applied, or
// a definition that was used.
struct RuleHit {
  Rule rule = Rule::kWalk6;
  std::uint8_t level = 0;  // 0 where no entry is concerned
  // Of the guest entry that was being accessed; 0: the final access, or one
  // without guest paging.
  std::uint8_t guest_level = 0;
  bool forbids = false;  // a prohibition that applied
  std::uint64_t value = 0;
};

// What a word of memory is to the step that touches it. A word that is two
// things at once, one of them written, is ALIAS-1.
enum class Role : std::uint8_t {
  kEptEntry,
  kGuestEntry,  // of several levels at once, too: their flags are one flag
  kSppEntry,
  kPdpte,
  kLog,
  kVeArea,
};

struct Touched {
  Hpa word;
  Role role;
  std::uint8_t level;
  bool written;
};

struct Trace {
  FixedVector<EntryRead, 192> entries;
  // The first 2048, if they are kept: explanations need them, fuzzers do not.
  bool keeps_hits = true;
  FixedVector<RuleHit, 2048> hits;
  // Where a rule had a consequence: a slot of it answered other than 0.
  RulePlaces consequences;
  // Where one answered 0; only if hits are kept.
  RulePlaces silences;
  // The words that were read or written, as far as it takes to see ALIAS-1.
  // Two walks over HLAT and ordinary paging, an SPP lookup, logs, the #VE area.
  FixedVector<Touched, 192> touched;
  // Whether an alteration of the dialect changed any answer on the way. If
  // not, the verdict is that of the SDM.
  bool altered = false;
  // Whether a slot would have forbidden something that is left to hardware.
  bool left = false;
  // Whether the access (or one page of it) reached a leaf.
  bool reached_leaf = false;

  // Of which some slot was asked, if hits are kept.
  std::bitset<kRuleCount> AskedRules() const {
    return consequences.Rules() | silences.Rules();
  }

  // Forgets what was looked at; keeps_hits stays as it is.
  void Clear() {
    entries.clear();
    hits.clear();
    touched.clear();
    consequences.Clear();
    if (keeps_hits) silences.Clear();
    altered = false;
    left = false;
    reached_leaf = false;
  }
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_TRACE_H_
