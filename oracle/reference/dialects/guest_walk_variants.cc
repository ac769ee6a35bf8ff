// Variants of GW-12 to GW-16 and GW-19 to GW-22: what a guest walk does beside
// the translation itself.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;
using sdm::Field;

constexpr std::uint64_t kAccessed = 1 << 5;
constexpr std::uint64_t kDirty = 1 << 6;

// PS is ignored in a PDE of 32-bit paging if CR4.PSE is 0.
bool IgnoresPageSize(const Situation& s) {
  return s.linear.mode == GuestMode::k32Bit && s.level == 2 && !s.Cr4(4);
}

// An entry that maps more than 4 KBytes, if it maps a page.
bool IsLarge(const Situation& s) {
  return s.level > 1 && Bit(s.entry, 7) && !IgnoresPageSize(s);
}

std::uint64_t PcdPwt(std::uint64_t value) { return Bits(value, 4, 3); }

bool IsRights(const Situation& s) {
  return static_cast<Fault>(s.operand) == Fault::kRights;
}

constexpr std::uint64_t Order(GuestEntryOrder order) {
  return static_cast<std::uint64_t>(order);
}
constexpr std::uint64_t When(GuestUpdates updates) {
  return static_cast<std::uint64_t>(updates);
}

// GW-22: what CR4.LASS is about, if SMAP and RFLAGS.AC do not object.
bool SupervisorInLowerHalf(const Situation& s) {
  return s.SeparatesLinearAddresses() && !s.linear.user_access &&
         !Bit(s.linear.gla.value, 63);
}

constexpr Alteration kVariants[] = {
    {"GW-12/never-accessed", Slot::kGw12Accessed,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "guest accessed flags are never set"},
    {"GW-12/accessed-in-pages-only", Slot::kGw12Accessed,
     [](const Situation& s, std::uint64_t value) {
       return s.level == 1 || IsLarge(s) ? value : 0;
     },
     "entries that reference a guest table do not get the accessed flag"},
    {"GW-12/accessed-in-tables-only", Slot::kGw12Accessed,
     [](const Situation& s, std::uint64_t value) {
       return s.level == 1 || IsLarge(s) ? 0 : value;
     },
     "entries that map a guest page do not get the accessed flag"},
    {"GW-12/in-entries-not-present", Slot::kGw12NotPresent,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1 << 5; },
     "an entry that is not present gets the accessed flag before the page "
     "fault"},
    {"GW-12/accessed-at-bit-8", Slot::kGw12Accessed,
     [](const Situation&, std::uint64_t value) { return value << 3; },
     "the guest's accessed flag is taken to be bit 8, as in EPT"},
    {"GW-12/hlat-never-accessed", Slot::kGw12Accessed,
     [](const Situation& s, std::uint64_t value) {
       return s.linear.hlat ? 0 : value;
     },
     "entries used by HLAT paging do not get the accessed flag"},
    {"GW-12/accessed-not-beside-ignored-page-size", Slot::kGw12Accessed,
     [](const Situation& s, std::uint64_t value) {
       return IgnoresPageSize(s) && Bit(s.entry, 7) ? 0 : value;
     },
     "a PDE whose PS is ignored, as CR4.PSE is 0, does not get the accessed "
     "flag"},
    {"GW-12/never-dirty", Slot::kGw12Dirty,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "guest dirty flags are never set"},
    {"GW-12/reads-dirty", Slot::kGw12Dirty,
     [](const Situation&, std::uint64_t) { return kDirty; },
     "a read, too, sets the guest's dirty flag"},
    {"GW-12/dirty-at-bit-9", Slot::kGw12Dirty,
     [](const Situation&, std::uint64_t value) { return value << 3; },
     "the guest's dirty flag is taken to be bit 9, as in EPT"},
    {"GW-12/dirty-in-4-kbyte-pages-only", Slot::kGw12Dirty,
     [](const Situation& s, std::uint64_t value) {
       return s.level == 1 ? value : 0;
     },
     "a write to a large guest page does not set its dirty flag"},

    {"GW-12/read-only-pages-dirty", Slot::kGw12ReadOnly,
     [](const Situation&, std::uint64_t) {
       return static_cast<std::uint64_t>(ReadOnlyDirty::kYes);
     },
     "a write that CR0.WP = 0 allows sets D in a read-only entry, CET or not"},
    {"GW-12/read-only-pages-clean", Slot::kGw12ReadOnly,
     [](const Situation& s, std::uint64_t value) {
       return Bit(s.entry, 1) ? value
                              : static_cast<std::uint64_t>(ReadOnlyDirty::kNo);
     },
     "a write that CR0.WP = 0 allows sets no D in a read-only entry"},

    {"GW-13/reserved-first", Slot::kGw13,
     [](const Situation&, std::uint64_t) {
       return Order(GuestEntryOrder::kReservedFirst);
     },
     "reserved bits are checked before, not after, the present flag"},
    {"GW-13/rights-per-level", Slot::kGw13,
     [](const Situation&, std::uint64_t) {
       return Order(GuestEntryOrder::kRightsPerLevel);
     },
     "each guest entry's rights are judged before the next entry is read"},
    {"GW-13/restart-first", Slot::kGw13,
     [](const Situation&, std::uint64_t) {
       return Order(GuestEntryOrder::kRestartFirst);
     },
     "bit 11 restarts HLAT paging before P and reserved bits are checked"},

    {"GW-14/pat-ignored", Slot::kGw14Leaf,
     [](const Situation&, std::uint64_t value) { return Bits(value, 1, 0); },
     "the PAT bit of the guest entry that maps the page is ignored"},
    {"GW-14/bit-7-of-large-pages", Slot::kGw14Leaf,
     [](const Situation& s, std::uint64_t value) {
       return Bits(value, 1, 0) + 4 * std::uint64_t{Bit(s.entry, 7)};
     },
     "PAT is looked for at bit 7 of entries that map large pages, too"},
    {"GW-14/bit-12-of-ptes", Slot::kGw14Leaf,
     [](const Situation& s, std::uint64_t value) {
       return Bits(value, 1, 0) + 4 * std::uint64_t{Bit(s.entry, 12)};
     },
     "PAT is looked for at bit 12 of PTEs, too"},
    {"GW-14/all-levels", Slot::kGw14Leaf,
     [](const Situation& s, std::uint64_t value) {
       for (const GuestEntry& used : s.linear.path) {
         value |= PcdPwt(used.value);
       }
       return value;
     },
     "PCD and PWT of every guest entry used count for the page"},
    {"GW-14/tables-as-root", Slot::kGw14Table,
     [](const Situation& s, std::uint64_t) {
       return PcdPwt(s.state->guest.cr3);
     },
     "PCD and PWT of CR3 hold for every guest paging structure"},
    {"GW-14/tables-index-0", Slot::kGw14Table,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "PCD and PWT of an entry do not count for the table that it references"},
    {"GW-14/root-index-0", Slot::kGw14Root,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "PCD and PWT of CR3 are ignored"},
    {"GW-14/pcide-ignored", Slot::kGw14Root,
     [](const Situation& s, std::uint64_t) { return PcdPwt(s.operand); },
     "bits 4:3 of CR3 are PCD and PWT although CR4.PCIDE is 1"},
    {"GW-14/pcide-and-hlatp", Slot::kGw14Root,
     [](const Situation& s, std::uint64_t value) {
       return s.Cr4(17) ? 0 : value;
     },
     "with CR4.PCIDE = 1 bits 4:3 of HLATP are ignored like those of CR3"},
    {"GW-14/cr3-for-hlatp", Slot::kGw14Root,
     [](const Situation& s, std::uint64_t value) {
       return s.linear.hlat ? PcdPwt(s.state->guest.cr3) : value;
     },
     "PCD and PWT of the first HLAT paging structure come from CR3"},

    {"GW-15/other-sizes-as-1", Slot::kGw15Defined,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return true; },
     "HLAT prefix sizes other than 0 select the addresses with bit 63 set, "
     "whatever their maximum"},
    {"GW-15/never", Slot::kGw15Applies,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return false; },
     "HLAT paging is never used"},
    {"GW-15/prefix-ignored", Slot::kGw15Applies,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.EnableHlat();
     },
     "HLAT paging translates every address, whatever the prefix size"},
    {"GW-15/prefix-size-0-means-none", Slot::kGw15Applies,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.state->controls.hlat_prefix_size != 0;
     },
     "with an HLAT prefix size of 0 no address is translated by HLAT paging"},
    {"GW-15/lower-half", Slot::kGw15Applies,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.EnableHlat() && s.state->controls.hlat_prefix_size != 0 ? !value
                                                                        : value;
     },
     "an HLAT prefix size of 1 selects the addresses with bit 63 clear"},
    {"GW-15/root-from-cr3", Slot::kGw15Root,
     [](const Situation& s, std::uint64_t) {
       return Field(s.state->guest.cr3, s.N() - 1, 12);
     },
     "HLAT paging starts from CR3, not from HLATP"},
    {"GW-15/root-below-4-gbytes", Slot::kGw15Root,
     [](const Situation&, std::uint64_t value) { return Bits(value, 31, 0); },
     "bits 51:32 of HLATP are lost"},
    {"GW-15/no-restart", Slot::kGw15Restart,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return false; },
     "bit 11 of an entry does not restart HLAT paging"},
    {"GW-15/restart-in-pages-only", Slot::kGw15Restart,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (s.level == 1 || IsLarge(s));
     },
     "bit 11 restarts HLAT paging in entries that map a page alone"},
    {"GW-15/restart-in-tables-only", Slot::kGw15Restart,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level != 1 && !IsLarge(s);
     },
     "bit 11 does not restart HLAT paging in entries that map a page"},
    {"GW-15/error-never", Slot::kGw15Error,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return false; },
     "bit 7 of the error code is never set"},
    {"GW-15/error-for-rights", Slot::kGw15Error,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.linear.hlat;
     },
     "bit 7 of the error code is set for access rights, too"},
    {"GW-15/error-after-restart", Slot::kGw15Error,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.EnableHlat() && !IsRights(s) &&
                        s.state->controls.hlat_prefix_size == 0);
     },
     "bit 7 of the error code stays set after HLAT paging was restarted"},
    {"GW-15/error-for-not-present-only", Slot::kGw15Error,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && static_cast<Fault>(s.operand) == Fault::kNotPresent;
     },
     "bit 7 of the error code is not set for a reserved bit"},

    {"GW-16/not-masked", Slot::kGw16,
     [](const Situation& s, std::uint64_t) { return s.linear.gla.value; },
     "CR2 gets more than 32 bits outside IA-32e mode"},
    {"GW-16/32-bits-always", Slot::kGw16,
     [](const Situation&, std::uint64_t value) { return Bits(value, 31, 0); },
     "CR2 gets bits 31:0 of a linear address of 64 bits"},
    {"GW-16/page-aligned", Slot::kGw16,
     [](const Situation&, std::uint64_t value) { return Field(value, 63, 12); },
     "bits 11:0 of CR2 are clear"},

    {"GW-19/rights-kept", Slot::kGw19Rights,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return true; },
     "the rights of entries used before HLAT paging was restarted still count"},
    {"GW-19/never-accessed", Slot::kGw19Accessed,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "the entry that restarts HLAT paging does not get the accessed flag"},
    {"GW-19/dirty", Slot::kGw19Accessed,
     [](const Situation& s, std::uint64_t) {
       return s.linear.write ? kAccessed | kDirty : kAccessed;
     },
     "the entry that restarts HLAT paging for a write gets the dirty flag"},

    {"GW-20/as-you-go", Slot::kGw20,
     [](const Situation&, std::uint64_t) {
       return When(GuestUpdates::kAsYouGo);
     },
     "each guest accessed flag is set before the next entry is read"},
    {"GW-20/after-rights", Slot::kGw20,
     [](const Situation&, std::uint64_t) {
       return When(GuestUpdates::kAfterRights);
     },
     "guest accessed flags are set once the guest's rights allow the access"},

    {"GW-21/no-wrap-around", Slot::kGw21,
     [](const Situation& s, std::uint64_t) { return s.operand; },
     "in compatibility mode an access goes on above 4 GBytes"},
    {"GW-21/implicit-too", Slot::kGw21,
     [](const Situation& s, std::uint64_t value) {
       return s.CompatibilityMode() ? Bits(value, 31, 0) : value;
     },
     "in compatibility mode the addresses of descriptor tables, too, are cut "
     "to 32 bits"},
    {"GW-21/64-bit-mode-too", Slot::kGw21,
     [](const Situation& s, std::uint64_t value) {
       return s.SixtyFourBitMode() ? Bits(value, 31, 0) : value;
     },
     "linear addresses are cut to 32 bits in 64-bit mode, too"},

    {"GW-22/data-without-smap", Slot::kGw22Data,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (SupervisorInLowerHalf(s) && !s.linear.fetch &&
                        (!Bit(s.state->guest.rflags, 18) || s.linear.implicit));
     },
     "CR4.LASS keeps supervisor-mode data accesses from the lower half with "
     "CR4.SMAP = 0, too"},
    {"GW-22/data-with-ac", Slot::kGw22Data,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (SupervisorInLowerHalf(s) && !s.linear.fetch && s.Cr4(21));
     },
     "CR4.LASS keeps supervisor-mode data accesses from the lower half with "
     "RFLAGS.AC = 1, too"},
    {"GW-22/implicit-with-ac", Slot::kGw22Data,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !Bit(s.state->guest.rflags, 18);
     },
     "with RFLAGS.AC = 1, CR4.LASS lets implicit supervisor-mode accesses into "
     "the lower half"},
    {"GW-22/data-in-64-bit-mode-only", Slot::kGw22Data,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.SixtyFourBitMode();
     },
     "CR4.LASS keeps no data access of compatibility mode from the lower half"},
    {"GW-22/fetch-in-64-bit-mode-only", Slot::kGw22Fetch,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.SixtyFourBitMode();
     },
     "CR4.LASS keeps no fetch of compatibility mode from the lower half"},
    {"GW-22/fetch-with-smep-only", Slot::kGw22Fetch,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.Cr4(20);
     },
     "CR4.LASS keeps supervisor-mode fetches from the lower half only with "
     "CR4.SMEP = 1"},
    {"GW-22/wrap-faults", Slot::kGw22Wrap,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return static_cast<std::uint64_t>(SeparationOfWrap::kFaults);
     },
     "CR4.LASS looks at each byte of an access that goes on at address 0"},
    {"GW-22/wrap-passes", Slot::kGw22Wrap,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return static_cast<std::uint64_t>(SeparationOfWrap::kPasses);
     },
     "CR4.LASS looks at the first byte of an access that goes on at address 0"},
    {"GW-22/wrap-by-page", Slot::kGw22Wrap,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return static_cast<std::uint64_t>(SeparationOfWrap::kByPage);
     },
     "CR4.LASS looks at each page of an access that goes on at address 0, just "
     "before it is translated"},
};

}  // namespace

std::span<const Alteration> GuestWalkVariants() { return kVariants; }

}  // namespace eptdiff
