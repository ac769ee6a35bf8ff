// AD, PML, PRI and ALIAS: what an access does to memory, and in which order
// (29.3.5, 29.3.6).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {

// Asked of each entry used, when A and D are in use.
std::uint64_t Ad1(const Situation&) { return true; }

std::uint64_t Ad2(const Situation& s) {
  return s.writes && s.access.purpose == Purpose::kTranslated;
}

// "When accessed and dirty flags for EPT are enabled, processor accesses to
// guest paging-structure entries are treated as writes."
std::uint64_t Ad3(const Situation& s) { return s.IsStructureAccess(); }

// The operand is the set of flags: nothing else changes.
std::uint64_t Ad4(const Situation& s) { return s.entry | s.operand; }

std::uint64_t Ad5(const Situation& s) { return s.AccessedDirtyEnabled(); }

std::uint64_t Ad6(const Situation&) {
  return static_cast<std::uint64_t>(AccessedOnExit::kEither);
}

// The operand is the set of flags that have to be set.
std::uint64_t Pml1(const Situation& s) {
  return s.operand != 0 && s.pml_index > 511;
}

// "In this case, the accessed or dirty flag is not set": none of them.
std::uint64_t Pml1Flags(const Situation&) { return 0; }

std::uint64_t Pml2Address(const Situation& s) {
  return s.state->controls.pml_address + 8 * std::uint64_t{s.pml_index};
}

// The operand is log2 of the granularity (PML-4).
std::uint64_t Pml2Value(const Situation& s) {
  return Field(s.access.gpa.value, 63, static_cast<int>(s.operand));
}

std::uint64_t Pml2Index(const Situation& s) {
  return Bits(std::uint64_t{s.pml_index} - 1, 15, 0);
}

std::uint64_t Pml3(const Situation&) { return false; }

std::uint64_t Pml4(const Situation&) { return 12; }

// The operand: has a dirty flag changed from 0 to 1?
std::uint64_t Pml5(const Situation&) { return false; }

std::uint64_t Pri1(const Situation&) {
  return static_cast<std::uint64_t>(AccessOrder::kSdm);
}

// The operand: is the word one that the step reads for translation?
std::uint64_t Alias1(const Situation& s) { return s.operand; }

}  // namespace eptdiff::sdm
