// Variants of GW-7 to GW-11 and GW-18: what the guest's paging allows, and the
// error code of what it refuses.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/sdm.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;

// Bit `position` of the last guest entry that was used: once the rights are
// judged, the one that maps the page.
bool InLeaf(const Situation& s, int position) {
  return !s.linear.path.empty() && Bit(s.linear.path.back().value, position);
}

// A data access that is no shadow-stack access.
bool IsOrdinaryData(const Situation& s) {
  return !s.linear.fetch && !s.linear.shadow_stack;
}

bool IsShadowStackPage(const Situation& s) {
  for (std::size_t i = 0; i + 1 < s.linear.path.size(); ++i) {
    if (!Bit(s.linear.path[i].value, 1)) return false;
  }
  return !InLeaf(s, 1) && InLeaf(s, 6);
}

// WRUSS is a user-mode access at CPL 0.
bool IsWruss(const Situation& s) {
  return s.linear.user_access && s.state->guest.cpl != 3;
}

// What the key of `entry` bars: bit 0 for AD, bit 1 for WD.
std::uint64_t KeyRights(std::uint32_t rights, std::uint64_t entry) {
  const int key = static_cast<int>(Bits(entry, 62, 59));
  return Bits(rights, 2 * key + 1, 2 * key);
}

// Whether the key that `rights` gives bars a data access to the page.
bool KeyRefuses(const Situation& s, bool enabled, std::uint32_t rights) {
  if (!enabled || s.linear.fetch || s.linear.path.empty()) return false;
  const std::uint64_t barred = KeyRights(rights, s.linear.path.back().value);
  return Bit(barred, 0) || (Bit(barred, 1) && s.linear.write &&
                            (s.linear.user_access || s.WriteProtect()));
}
bool PkruRefuses(const Situation& s) {
  return KeyRefuses(s, s.Cr4(22), s.state->guest.pkru);
}
bool PkrsRefuses(const Situation& s) {
  return KeyRefuses(s, s.Cr4(24), s.state->guest.pkrs);
}

Fault FaultOf(const Situation& s) { return static_cast<Fault>(s.operand); }

constexpr Alteration kRightVariants[] = {
    {"GW-7/user-leaf-only", Slot::kGw7User,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !InLeaf(s, 2);
     },
     "U/S of the guest entry that maps the page alone lets user-mode accesses "
     "through"},
    {"GW-7/user-by-cpl", Slot::kGw7User,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (!s.linear.shadow_stack && s.state->guest.cpl == 3 &&
                        !s.UserModeAddress());
     },
     "implicit supervisor-mode accesses at CPL 3 are user-mode accesses to U/S "
     "of the guest entries"},
    {"GW-7/write-leaf-only", Slot::kGw7Write,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !InLeaf(s, 1);
     },
     "R/W of the guest entry that maps the page alone lets writes through"},
    {"GW-7/write-protect-ignored", Slot::kGw7Write,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.linear.user_access;
     },
     "supervisor-mode writes to read-only guest pages are let through although "
     "CR0.WP is 1"},
    {"GW-7/write-protect-always", Slot::kGw7Write,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return IsOrdinaryData(s) && s.linear.write && !s.InAllGuestEntries(1);
     },
     "supervisor-mode writes to read-only guest pages fault although CR0.WP is "
     "0"},
    {"GW-7/write-protect-for-user-too", Slot::kGw7Write,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.WriteProtect();
     },
     "with CR0.WP = 0 user-mode writes, too, go through to read-only guest "
     "pages"},
    {"GW-7/read-modify-write-as-read", Slot::kGw7Write,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.linear.read_modify_write;
     },
     "to the guest's rights a read-modify-write is a read"},
    {"GW-7/shadow-stack-page-writable", Slot::kGw7Write,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !(s.Cr4(23) && IsShadowStackPage(s));
     },
     "ordinary writes to shadow-stack pages are let through"},
    {"GW-8/leaf-only", Slot::kGw8Fetch,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && InLeaf(s, 63);
     },
     "XD counts in the guest entry that maps the page alone"},
    {"GW-8/user-fetches-only", Slot::kGw8Fetch,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.linear.user_access;
     },
     "XD does not stop supervisor-mode fetches"},
    {"GW-9/smep-needs-nxe", Slot::kGw9Smep,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.ExecuteDisableEnabled();
     },
     "SMEP is ignored with IA32_EFER.NXE = 0"},
    {"GW-9/smep-not-in-32-bit-paging", Slot::kGw9Smep,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.linear.mode != GuestMode::k32Bit;
     },
     "SMEP is ignored in 32-bit paging, which has no XD either"},
    {"GW-9/smep-leaf-only", Slot::kGw9Smep,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.linear.fetch && !s.linear.user_access && s.Cr4(20) &&
              InLeaf(s, 2);
     },
     "SMEP takes a page for user-mode by U/S of the entry that maps it alone"},
    {"GW-9/smap-ac-ignored", Slot::kGw9Smap,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return IsOrdinaryData(s) && !s.linear.user_access && s.Cr4(21) &&
              s.UserModeAddress();
     },
     "EFLAGS.AC does not lift SMAP"},
    {"GW-9/smap-not-for-implicit", Slot::kGw9Smap,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.linear.implicit;
     },
     "SMAP does not stop implicit supervisor-mode accesses"},
    {"GW-9/smap-leaf-only", Slot::kGw9Smap,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       const bool ac = Bit(s.state->guest.rflags, 18);
       return IsOrdinaryData(s) && !s.linear.user_access && s.Cr4(21) &&
              (s.linear.implicit || !ac) && InLeaf(s, 2);
     },
     "SMAP takes a page for user-mode by U/S of the entry that maps it alone"},
    {"GW-9/smap-writes-only", Slot::kGw9Smap,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.linear.write;
     },
     "SMAP does not stop reads"},
    {"GW-10/by-cpl", Slot::kGw10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       if (!s.FourOrFiveLevel()) return 0;
       return s.state->guest.cpl == 3 ? PkruRefuses(s) : PkrsRefuses(s);
     },
     "PKRU or IA32_PKRS is chosen by the CPL, not by the page's mode"},
    {"GW-10/supervisor-exempt", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (s.linear.user_access || !s.UserModeAddress());
     },
     "PKRU does not stop supervisor-mode accesses to user-mode pages"},
    {"GW-10/pkrs-never", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.UserModeAddress();
     },
     "supervisor-mode pages have no protection keys"},
    {"GW-10/pkru-for-every-page", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.FourOrFiveLevel() && PkruRefuses(s));
     },
     "PKRU is applied to supervisor-mode pages, too"},
    {"GW-10/pkru-write-protect-ignored", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.FourOrFiveLevel() && IsOrdinaryData(s) && s.linear.write &&
               s.UserModeAddress() && s.Cr4(22) &&
               Bit(KeyRights(s.state->guest.pkru, s.linear.path.back().value),
                   1));
     },
     "WD of PKRU bars supervisor-mode writes with CR0.WP = 0, too"},
    {"GW-10/pkrs-write-protect-ignored", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.FourOrFiveLevel() && IsOrdinaryData(s) && s.linear.write &&
               !s.linear.user_access && !s.UserModeAddress() && s.Cr4(24) &&
               Bit(KeyRights(s.state->guest.pkrs, s.linear.path.back().value),
                   1));
     },
     "WD of IA32_PKRS bars supervisor-mode writes with CR0.WP = 0, too"},
    {"GW-10/write-disable-for-user-only", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint32_t rights =
           s.UserModeAddress() ? s.state->guest.pkru : s.state->guest.pkrs;
       return value && (s.linear.user_access ||
                        Bit(KeyRights(rights, s.linear.path.back().value), 0));
     },
     "WD bars user-mode writes alone, whatever CR0.WP is"},
    {"GW-10/read-modify-write-as-read", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint32_t rights =
           s.UserModeAddress() ? s.state->guest.pkru : s.state->guest.pkrs;
       return value && (!s.linear.read_modify_write ||
                        Bit(KeyRights(rights, s.linear.path.back().value), 0));
     },
     "to protection keys a read-modify-write is a read"},
    {"GW-10/enabled-always", Slot::kGw10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       if (!s.FourOrFiveLevel()) return 0;
       const GuestState& guest = s.state->guest;
       return KeyRefuses(s, /*enabled=*/true,
                         s.UserModeAddress() ? guest.pkru : guest.pkrs);
     },
     "protection keys are applied with CR4.PKE or CR4.PKS = 0, too"},
    {"GW-10/fetches-too", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (!s.FourOrFiveLevel() || !s.linear.fetch) return value;
       const bool user = s.UserModeAddress();
       const std::uint32_t rights =
           user ? s.state->guest.pkru : s.state->guest.pkrs;
       return s.Cr4(user ? 22 : 24) &&
              Bit(KeyRights(rights, s.linear.path.back().value), 0);
     },
     "AD of a protection key bars instruction fetches, too"},
    {"GW-10/pae-too", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (s.linear.mode != GuestMode::kPae) return value;
       return s.UserModeAddress() ? PkruRefuses(s) : PkrsRefuses(s);
     },
     "PAE paging has protection keys, too"},
    {"GW-10/32-bit-paging-too", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (s.linear.mode != GuestMode::k32Bit) return value;
       return s.UserModeAddress() ? PkruRefuses(s) : PkrsRefuses(s);
     },
     "pages of 32-bit paging have protection key 0"},
    {"GW-10/shadow-stacks-exempt", Slot::kGw10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.linear.shadow_stack;
     },
     "protection keys do not stop shadow-stack accesses"},
    {"GW-11/page-leaf-only", Slot::kGw11Page,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !(!InLeaf(s, 1) && InLeaf(s, 6));
     },
     "a shadow-stack page is known by the entry that maps it alone: R/W may be "
     "0 above"},
    {"GW-11/page-dirty-not-needed", Slot::kGw11Page,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (!value || InLeaf(s, 1)) return value;
       for (std::size_t i = 0; i + 1 < s.linear.path.size(); ++i) {
         if (!Bit(s.linear.path[i].value, 1)) return 1;
       }
       return 0;
     },
     "a read-only page is a shadow-stack page although its dirty flag is 0"},
    {"GW-11/page-writable-too", Slot::kGw11Page,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !(s.InAllGuestEntries(1) && InLeaf(s, 6));
     },
     "shadow-stack accesses to writable pages are let through"},
    {"GW-11/mode-user-to-supervisor", Slot::kGw11Mode,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.linear.user_access;
     },
     "user-mode shadow-stack accesses reach supervisor-mode pages"},
    {"GW-11/mode-supervisor-to-user", Slot::kGw11Mode,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.linear.user_access;
     },
     "supervisor-mode shadow-stack accesses reach user-mode pages"},
    {"GW-11/mode-leaf-only", Slot::kGw11Mode,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.linear.shadow_stack && s.linear.user_access != InLeaf(s, 2);
     },
     "the mode of a shadow-stack page is U/S of the entry that maps it alone"},
    {"GW-11/mode-wruss-is-supervisor", Slot::kGw11Mode,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.linear.shadow_stack && IsWruss(s) ? s.UserModeAddress() : value;
     },
     "WRUSS is a supervisor-mode access"},
};

constexpr Alteration kErrorVariants[] = {
    {"GW-8/error-always", Slot::kGw8Error,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.linear.fetch;
     },
     "I/D is set for every instruction fetch, with SMEP and NXE off, too"},
    {"GW-8/error-never", Slot::kGw8Error,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "bit 4 of the error code (I/D) is never set"},
    {"GW-8/error-with-nxe-only", Slot::kGw8Error,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.ExecuteDisableEnabled();
     },
     "I/D is not set with IA32_EFER.NXE = 0, whatever CR4.SMEP is"},
    {"GW-8/error-with-smep-only", Slot::kGw8Error,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.Cr4(20);
     },
     "I/D is not set with CR4.SMEP = 0, whatever IA32_EFER.NXE is"},
    {"GW-8/error-with-nxe-without-pae", Slot::kGw8Error,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.linear.fetch && s.ExecuteDisableEnabled());
     },
     "I/D is set with IA32_EFER.NXE = 1 in 32-bit paging, too"},
    {"GW-18/write-rights-only", Slot::kGw18Write,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && FaultOf(s) != Fault::kNotPresent;
     },
     "W/R is clear where an entry is not present"},
    {"GW-18/write-read-modify-write-as-read", Slot::kGw18Write,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.linear.read_modify_write;
     },
     "W/R is clear for a read-modify-write"},
    {"GW-18/write-not-for-shadow-stacks", Slot::kGw18Write,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.linear.shadow_stack;
     },
     "W/R is clear for a shadow-stack write"},
    {"GW-18/user-by-page", Slot::kGw18User,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !s.linear.path.empty() && s.UserModeAddress();
     },
     "U/S of the error code is the page's mode, not the access's"},
    {"GW-18/user-by-cpl", Slot::kGw18User,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.state->guest.cpl == 3;
     },
     "U/S of the error code is taken from the CPL, for implicit accesses and "
     "WRUSS, too"},
    {"GW-18/user-rights-only", Slot::kGw18User,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && FaultOf(s) != Fault::kNotPresent;
     },
     "U/S of the error code is clear where an entry is not present"},
    {"GW-18/shadowstack-never", Slot::kGw18ShadowStack,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "bit 6 of the error code (SS) is never set"},
    {"GW-18/shadowstack-rights-only", Slot::kGw18ShadowStack,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && FaultOf(s) == Fault::kRights;
     },
     "SS is clear where there is no translation"},
    {"GW-18/key-never", Slot::kGw18Key,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "bit 5 of the error code (PK) is never set"},
    {"GW-18/key-alone", Slot::kGw18Key,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const bool other = sdm::Gw7User(s) || sdm::Gw7Write(s) ||
                          sdm::Gw9Smap(s) || sdm::Gw11Page(s) ||
                          sdm::Gw11Mode(s);
       return other ? 0 : value;
     },
     "PK is set only where nothing but the protection key refuses"},
    {"GW-18/key-without-translation", Slot::kGw18Key,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (FaultOf(s) == Fault::kRights || s.level != 1) return value;
       if (!s.FourOrFiveLevel() || s.linear.fetch) return value;
       const bool user = Bit(s.entry, 2);
       const std::uint32_t rights =
           user ? s.state->guest.pkru : s.state->guest.pkrs;
       return s.Cr4(user ? 22 : 24) && Bit(KeyRights(rights, s.entry), 0);
     },
     "PK is set for the key of a PTE that is not present or has reserved bits "
     "set"},
};

}  // namespace

std::span<const Alteration> GuestRightVariants() { return kRightVariants; }
std::span<const Alteration> GuestErrorVariants() { return kErrorVariants; }

}  // namespace eptdiff
