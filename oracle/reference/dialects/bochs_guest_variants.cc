// What Bochs does otherwise than the SDM when it walks the guest's tables, and
// with the translations that it keeps of them.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;

// Whether the leaf's key refuses the access in Bochs: PKRU counts for every
// access, its access-disable bits only for user-mode ones; PKRS for every
// supervisor-mode access. The mode of the page is not looked at.
bool KeyRefuses(const Situation& s) {
  if (!s.FourOrFiveLevel() || s.linear.fetch) return false;
  const bool user = s.linear.user_access;
  const int key = static_cast<int>(Bits(s.linear.path.back().value, 62, 59));
  const bool write = s.linear.write && (user || s.WriteProtect());
  const auto refuses = [&](std::uint32_t rights, bool access_disable) {
    return (access_disable && Bit(rights, 2 * key)) ||
           (write && Bit(rights, 2 * key + 1));
  };
  const GuestState& guest = s.state->guest;
  return (s.Cr4(22) && refuses(guest.pkru, user)) ||
         (s.Cr4(24) && !user && refuses(guest.pkrs, true));
}

// The same in the development tree: one of the two registers counts, chosen by
// U/S of the entries above the leaf, which itself is not looked at.
bool KeyRefusesByUpperEntries(const Situation& s) {
  if (!s.FourOrFiveLevel() || s.linear.fetch) return false;
  bool user_page = true;
  for (std::size_t i = 0; i + 1 < s.linear.path.size(); ++i) {
    user_page = user_page && Bit(s.linear.path[i].value, 2);
  }
  if (!s.Cr4(user_page ? 22 : 24)) return false;
  const GuestState& guest = s.state->guest;
  const std::uint32_t rights = user_page ? guest.pkru : guest.pkrs;
  const int key = static_cast<int>(Bits(s.linear.path.back().value, 62, 59));
  const bool write_disable_counts =
      s.WriteProtect() || (user_page && s.linear.user_access);
  return Bit(rights, 2 * key) ||
         (s.linear.write && write_disable_counts && Bit(rights, 2 * key + 1));
}

constexpr Alteration kVariants[] = {
    {"VIO-8/walk-updates-unchecked", Slot::kVio8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.linear.mode == GuestMode::kNone && value;
     },
     "the walk of a linear address sets accessed and dirty flags in guest "
     "entries that EPT lets it read, whether or not it lets it write them"},
    {"GW-9/smap-implicit-with-ac", Slot::kGw9Smap,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !Bit(s.state->guest.rflags, 18);
     },
     "with EFLAGS.AC = 1, SMAP lets implicit supervisor accesses through, too"},
    {"GW-10/by-access", Slot::kGw10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return KeyRefuses(s);
     },
     "PKRU and IA32_PKRS are chosen by the mode of the access and not by that "
     "of the address"},
    {"GW-10/by-upper-entries", Slot::kGw10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return KeyRefusesByUpperEntries(s);
     },
     "PKRU or IA32_PKRS is chosen by U/S of the entries above the one that "
     "maps the page, whose own U/S does not count"},
    {"INFO-1/gla-of-compatibility-mode", Slot::kInfo1Gla,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const bool ia32e_mode =
           s.PagingEnabled() && s.Cr4(5) && Bit(s.state->guest.efer, 10);
       return ia32e_mode ? s.access.gla.value : value;
     },
     "in compatibility mode bits 63:32 of the guest-linear address are "
     "reported"},
    {"CACHE-5/virtualization-exception-ends-nothing", Slot::kCache5Combined,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value &&
              s.past->event.kind != EventKind::kVirtualizationException;
     },
     "an EPT violation that causes a #VE leaves what was kept of its linear "
     "address"},
    {"CACHE-12/of-fetches-ends-nothing", Slot::kCache12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.past->step.access.kind != AccessKind::kFetch;
     },
     "the page fault of a fetch leaves what was kept of its address"},
    {"CACHE-12/one-part-of-a-large-page", Slot::kCache12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (!s.mapping->whole || s.past->event.cr2.value >> 12 ==
                                                 s.mapping->gla.value >> 12);
     },
     "a page fault ends 4 KBytes of a large page"},
    {"GW-21/implicit-second-page", Slot::kGw21,
     [](const Situation& s, std::uint64_t value) {
       const bool second = s.operand != s.linear.gla.value;
       return s.CompatibilityMode() && second ? Bits(value, 31, 0) : value;
     },
     "in compatibility mode an access to a descriptor table that crosses pages "
     "goes on at bits 31:0 of the second page's address"},
};

}  // namespace

std::span<const Alteration> BochsGuestVariants() { return kVariants; }

}  // namespace eptdiff
