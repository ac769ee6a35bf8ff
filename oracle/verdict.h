// The judgement: what the SDM permits as the answer to one step.
//
// A verdict is a short list of alternatives, nearly always one. Each fixes the
// event and its fields, with a mask of what is undefined, and the effects on
// memory as required and optional writes. An outcome conforms if it fits one
// alternative whole: sets of values field by field would accept mixtures that
// no processor gives. Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_VERDICT_H_
#define EPTDIFF_ORACLE_VERDICT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/types.h"
#include "oracle/fixed_vector.h"
#include "oracle/outcome.h"
#include "oracle/rules.h"

namespace eptdiff {

// A rule, and the level of the paging structure that it was applied to:
// 5 (PML5E) to 1 (PTE), or 0 where no entry is concerned.
struct RuleAt {
  Rule rule = Rule::kWalk6;
  std::uint8_t level = 0;
  friend bool operator==(const RuleAt&, const RuleAt&) = default;
};

// The bits of one word of memory selected by `mask` take those of `value`.
// Every listed write changes at least one bit of the word.
struct BitWrite {
  Hpa word;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  RuleAt why;
};

// The writes of one alternative: of a linear access to two pages, at most
// those of kMaxStepWrites, a bit at a time.
inline constexpr std::size_t kMaxAlternativeWrites = kMaxStepWrites;
using BitWrites = FixedVector<BitWrite, kMaxAlternativeWrites>;

// What a VM exit, or the #VE information area, says of an access.
struct AccessReport {
  std::uint64_t qualification = 0;
  Gpa gpa = {};
  Gla gla = {};
};
inline AccessReport ReportOf(const Event& event) {
  return {event.qualification, event.gpa, event.gla};
}

// What an access, or the part of it so far, does to registers and memory.
struct Effects {
  Registers registers;
  BitWrites required;
  // Each of these may be absent or present, whatever the others are.
  BitWrites optional;
};

struct Alternative : Effects {
  Alternative() = default;
  explicit Alternative(const Effects& effects) : Effects(effects) {}

  Event event;
  // Which bits of the exit qualification are defined.
  std::uint64_t qualification_defined = 0;
  std::uint32_t interruption_information_defined = ~std::uint32_t{0};
  std::uint32_t error_code_defined = ~std::uint32_t{0};
  // kVmExit: what it saves besides, and which bits of that are defined.
  SavedState saved;
  SavedState saved_defined;
  // Whether the GPA and GLA are, and how far beyond the value in `event` the
  // reported GPA, or CR2, may lie: 0 to span bytes (any refused byte may be
  // reported).
  bool gpa_defined = false;
  bool gla_defined = false;
  std::uint16_t span = 0;
  std::uint16_t gla_span = 0;  // that of the GLA
  // Whether the saved PDPTEs mean anything (28.3.4).
  bool pdptes_defined = false;
  // kVmEntryFailure: the checks that fail, as bits 1 << EntryCheck. The SDM
  // sets no order among them; any of these may be named.
  std::uint32_t failed_checks = 0;
  // #VE, delivered or intercepted: the information area (26.5.7.2) receives
  // `ve_information`, with what is undefined in it as above. Its other fields
  // are among the required writes.
  bool ve_written = false;
  Hpa ve_area;
  AccessReport ve_information;
  // What decided the event, and the memory type of a completed access.
  RuleAt decided;
  // False for a PAT entry that WRMSR would have refused; of the final access,
  // and of the accesses to guest paging structures.
  bool memory_type_defined = true;
  bool guest_structure_types_defined = true;
  Rule memory_type_rule = Rule::kMt5;
};

// 28.3.4: which bits of the PDPTE registers, as a VM exit saves them, are
// defined; of the one whose value is `pdpte`.
constexpr std::uint64_t DefinedPdpteBits(const Alternative& alternative,
                                         std::uint64_t pdpte) {
  if (!alternative.pdptes_defined) return 0;
  constexpr std::uint64_t kUndefined = 0xe00;  // bits 11:9
  return (pdpte & 1) != 0 ? ~kUndefined : 1;
}

// The most alternatives that a verdict can have.
inline constexpr std::size_t kMaxAlternatives = 64;

// How many effects the reference has under way at a time: those so far of an
// access, of its first page, without the final access to it, and what may come
// with them.
inline constexpr std::size_t kMaxDrafts = 4;

enum class Standing : std::uint8_t {
  kJudged,       // the alternatives say what is permitted
  kUndefined,    // ALIAS-1, APIC-2, GW-15, GW-23: anything may follow
  kCallerError,  // the step is none that a processor could be asked
  // unmodelled.def, an operation of a table builder, or more than
  // reference/caches/caching_reference.h follows.
  kNotModelled,
};

struct Verdict {
  Standing standing = Standing::kJudged;
  // kNotModelled, kCallerError: what it is. kUndefined: the rule's identifier.
  std::string_view unmodelled;
  FixedVector<Alternative, kMaxAlternatives> alternatives;
  // The reference's scratch paper (reference/draft.h), in the end empty.
  FixedVector<Effects, kMaxDrafts> drafts;
};

// Adds an alternative with these effects.
inline Alternative& AddAfter(const Effects& effects, Verdict& verdict) {
  return verdict.alternatives.emplace_back(effects);
}

// Whether each outcome that fits x fits y; which rules decided does not count.
bool Permits(const Alternative& y, const Alternative& x);

// Whether both have the same standing, and each alternative of one permits no
// more than one of the other does. What is undefined and which rules decided do
// not count: two verdicts are the same if nobody can be told by which one he is
// judged.
bool SameVerdict(const Verdict& a, const Verdict& b);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_VERDICT_H_
