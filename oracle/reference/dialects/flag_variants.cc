// Variants of AD, PML and ALIAS.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bits;
using sdm::Field;

constexpr std::uint64_t kAccessed = 1 << 8;
constexpr std::uint64_t kDirty = 1 << 9;

std::uint64_t AnswerOf(AccessedOnExit choice) {
  return static_cast<std::uint64_t>(choice);
}

constexpr Alteration kVariants[] = {
    {"AD-1/leaf-only", Slot::kAd1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t { return s.leaf; },
     "the accessed flag is set in the leaf alone"},
    {"AD-1/table-entries-only", Slot::kAd1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t { return !s.leaf; },
     "the accessed flag is not set in the leaf"},
    {"AD-1/never", Slot::kAd1,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "accessed flags are not set"},
    {"AD-2/never", Slot::kAd2,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "a write does not set the dirty flag"},
    {"AD-2/reads-too", Slot::kAd2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.purpose == Purpose::kTranslated;
     },
     "every access sets the dirty flag"},
    {"AD-2/4-kbyte-pages-only", Slot::kAd2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level == 1;
     },
     "the dirty flag of a large page is not set"},
    {"AD-3/updates-only", Slot::kAd3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.purpose == Purpose::kStructureUpdate;
     },
     "reading a guest paging-structure entry does not set the dirty flag"},
    {"AD-3/never", Slot::kAd3,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "accesses to guest paging structures do not set the dirty flag"},
    {"AD-3/pdpte-load-too", Slot::kAd3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || s.access.purpose == Purpose::kPdpteLoad;
     },
     "a load of the PDPTE registers sets the dirty flag"},
    {"AD-4/legacy-positions", Slot::kAd4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.entry | (s.operand & kAccessed) >> 3 |
              (s.operand & kDirty) >> 3;
     },
     "accessed and dirty flags are set at bits 5 and 6, as in ordinary paging"},
    {"AD-4/exchanged", Slot::kAd4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.entry | (s.operand & kAccessed) << 1 |
              (s.operand & kDirty) >> 1;
     },
     "accessed and dirty flags are exchanged: accessed is bit 9"},
    {"AD-4/high-bits-lost", Slot::kAd4,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 51, 0);
     },
     "setting a flag clears bits 63:52 of the entry"},
    {"AD-4/dirty-cleared", Slot::kAd4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.operand == kAccessed ? value & ~kDirty : value;
     },
     "setting the accessed flag alone clears the dirty flag"},
    {"AD-5/always", Slot::kAd5,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1; },
     "accessed and dirty flags are set although EPTP bit 6 is 0"},
    {"AD-5/never", Slot::kAd5,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "no flag is set although EPTP bit 6 is 1"},
    {"AD-6/never", Slot::kAd6,
     [](const Situation&, std::uint64_t) {
       return AnswerOf(AccessedOnExit::kNever);
     },
     "no accessed flag is set by an access that ends in a VM exit"},
    {"AD-6/always", Slot::kAd6,
     [](const Situation&, std::uint64_t) {
       return AnswerOf(AccessedOnExit::kAlways);
     },
     "accessed flags are set during the walk, also if the access ends in a VM "
     "exit"},
    {"PML-1/without-need", Slot::kPml1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.pml_index > 511;
     },
     "an index above 511 is a log-full event although no flag has to be set"},
    {"PML-1/dirty-only", Slot::kPml1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (s.operand & kDirty) != 0;
     },
     "log-full is met only if a dirty flag has to be set, not for an accessed "
     "one"},
    {"PML-1/index-512-accepted", Slot::kPml1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.pml_index != 512;
     },
     "a PML index of 512 is in range"},
    {"PML-1/wrapped-index-only", Slot::kPml1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.pml_index == 0xffff;
     },
     "only a PML index of FFFFH is out of range"},
    {"PML-1/index-0-full", Slot::kPml1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.operand != 0 && s.pml_index == 0);
     },
     "a PML index of 0 is a log-full event: the last slot is not used"},
    {"PML-1/accessed-on-the-way", Slot::kPml1Flags,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.leaf ? 0 : s.operand;
     },
     "the accessed flags of the entries above the leaf are set before log-full "
     "is met"},
    {"PML-1/accessed-all", Slot::kPml1Flags,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.operand & kAccessed;
     },
     "log-full leaves the dirty flag clear and sets accessed flags"},
    {"PML-2/next-slot", Slot::kPml2Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.pml_index == 0 ? value : value - 8;
     },
     "the index is decremented before the entry is written"},
    {"PML-2/from-the-start", Slot::kPml2Address,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.state->controls.pml_address +
              8 * (511 - Bits(s.pml_index, 8, 0));
     },
     "the log is filled from its start: entry 511 - index is written"},
    {"PML-2/unaligned", Slot::kPml2Value,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.gpa.value;
     },
     "the logged address keeps bits 11:0"},
    {"PML-2/linear-address", Slot::kPml2Value,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Field(s.access.gla.value, 63, 12);
     },
     "the guest-linear address is logged"},
    {"PML-2/host-address", Slot::kPml2Value,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.path.empty() ? 0 : Field(s.path.back().value, 51, 12);
     },
     "the host-physical address of the page is logged"},
    {"PML-2/flags-in-entry", Slot::kPml2Value,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value | 1;
     },
     "bit 0 of a log entry is set, as if it were a valid bit"},
    {"PML-2/index-incremented", Slot::kPml2Index,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(std::uint64_t{s.pml_index} + 1, 15, 0);
     },
     "the PML index is incremented"},
    {"PML-2/index-kept", Slot::kPml2Index,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.pml_index;
     },
     "the PML index does not change"},
    {"PML-2/index-modulo-512", Slot::kPml2Index,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 8, 0);
     },
     "the PML index goes from 0 to 511, not to FFFFH"},
    {"PML-2/index-saturates", Slot::kPml2Index,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.pml_index == 0 ? 0 : value;
     },
     "the PML index stays 0"},
    {"PML-3/accessed-too", Slot::kPml3,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1; },
     "setting accessed flags alone writes a log entry"},
    {"PML-4/large-page", Slot::kPml4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return 12 + 9 * (s.level - 1u);
     },
     "under a large page, the page's base is logged instead of a 4-KByte "
     "address"},
    {"PML-5/load-logs", Slot::kPml5,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1; },
     "a load of the PDPTE registers that sets accessed flags writes a log "
     "entry"},
    {"ALIAS-1/ordered", Slot::kAlias1,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "a step's own writes never reach what it reads: all reads come first"},
};

}  // namespace

std::span<const Alteration> FlagVariants() { return kVariants; }

}  // namespace eptdiff
