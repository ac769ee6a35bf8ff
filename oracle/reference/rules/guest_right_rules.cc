// GW-7 to GW-11, GW-18: what the guest's paging allows, and the error code of
// what it refuses (3A 4.6, 4.7).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {
namespace {

bool IsData(const Situation& s) { return !s.linear.fetch; }

// A data access that is no shadow-stack access: "only the items noted
// explicitly apply to shadow-stack accesses".
bool IsOrdinaryData(const Situation& s) {
  return IsData(s) && !s.linear.shadow_stack;
}

// 4.6.2: bits 2i (access disable) and 2i + 1 (write disable) for the key i of
// the leaf, in PKRU or IA32_PKRS by the mode of the address.
struct Key {
  bool access_disable = false;
  bool write_disable = false;
};
Key KeyOf(const Situation& s) {
  if (!s.FourOrFiveLevel()) return {};
  const bool user = s.UserModeAddress();
  if (!s.Cr4(user ? 22 : 24)) return {};
  const std::uint64_t rights = user ? s.state->guest.pkru : s.state->guest.pkrs;
  const int i = static_cast<int>(Bits(s.linear.path.back().value, 62, 59));
  return {Bit(rights, 2 * i), Bit(rights, 2 * i + 1)};
}

}  // namespace

std::uint64_t Gw7User(const Situation& s) {
  return !s.linear.shadow_stack && s.linear.user_access && !s.UserModeAddress();
}

std::uint64_t Gw7Write(const Situation& s) {
  return IsOrdinaryData(s) && s.linear.write && !s.InAllGuestEntries(1) &&
         (s.linear.user_access || s.WriteProtect());
}

std::uint64_t Gw8Fetch(const Situation& s) {
  return s.linear.fetch && s.linear.mode != GuestMode::k32Bit &&
         s.ExecuteDisableEnabled() && s.InSomeGuestEntry(63);
}

// I/D: "the access causing the page-fault exception was an instruction fetch,
// and either CR4.SMEP = 1 or both CR4.PAE = 1 and IA32_EFER.NXE = 1".
std::uint64_t Gw8Error(const Situation& s) {
  return s.linear.fetch &&
         (s.Cr4(20) || (s.Cr4(5) && s.ExecuteDisableEnabled()));
}

std::uint64_t Gw9Smep(const Situation& s) {
  return s.linear.fetch && !s.linear.user_access && s.Cr4(20) &&
         s.UserModeAddress();
}

std::uint64_t Gw9Smap(const Situation& s) {
  if (!IsOrdinaryData(s) || s.linear.user_access || !s.Cr4(21)) return false;
  const bool ac = Bit(s.state->guest.rflags, 18);
  return s.UserModeAddress() && (s.linear.implicit || !ac);
}

// Shadow-stack accesses are data accesses here; the SDM does not say otherwise.
std::uint64_t Gw10(const Situation& s) {
  if (!IsData(s)) return false;
  const Key key = KeyOf(s);
  return key.access_disable || (key.write_disable && s.linear.write &&
                                (s.linear.user_access || s.WriteProtect()));
}

// 4.6.1: R/W is 0 and D is 1 in the entry that maps the page, R/W is 1 in
// every other.
std::uint64_t Gw11Page(const Situation& s) {
  if (!s.linear.shadow_stack) return false;
  const std::size_t last = s.linear.path.size() - 1;
  for (std::size_t i = 0; i < last; ++i) {
    if (!Bit(s.linear.path[i].value, 1)) return true;
  }
  const std::uint64_t leaf = s.linear.path[last].value;
  return Bit(leaf, 1) || !Bit(leaf, 6);
}

std::uint64_t Gw11Mode(const Situation& s) {
  return s.linear.shadow_stack && s.linear.user_access != s.UserModeAddress();
}

// The load of a shadow stack's token faults first, or counts as the write that
// follows it.
std::uint64_t Gw18Write(const Situation& s) {
  const bool token = s.linear.shadow_stack && s.linear.read_modify_write;
  return token ? kUndefinedBit : s.linear.write;
}

std::uint64_t Gw18User(const Situation& s) { return s.linear.user_access; }

std::uint64_t Gw18ShadowStack(const Situation& s) {
  return s.linear.shadow_stack;
}

// The keys refuse, whatever else does. A user-mode write to a supervisor-mode
// address whose key disables writes, with CR0.WP = 0: such a write is never
// permitted, and whether it is the key that forbids it is left open.
std::uint64_t Gw18Key(const Situation& s) {
  if (!s.linear.key_refuses) return 0;
  const bool open = Gw10(s) && !KeyOf(s).access_disable &&
                    !s.UserModeAddress() && s.linear.user_access &&
                    !s.WriteProtect();
  return open ? kUndefinedBit : 1;
}

}  // namespace eptdiff::sdm
