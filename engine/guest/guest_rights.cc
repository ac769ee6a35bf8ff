#include "engine/guest/guest_rights.h"

namespace eptdiff::engine {
namespace {

using bits::kGuestDirty, bits::kGuestNoExecute, bits::kGuestUser,
    bits::kGuestWritable;

constexpr std::uint32_t kAccessDisable = 0x55555555;
constexpr std::uint32_t kWriteDisable = 0xaaaaaaaa;

// GW-10. WD of PKRU bars user-mode writes whatever CR0.WP is, that of PKRS
// depends on CR0.WP alone (4.6.2).
void SetKeys(bool user_access, const GuestProtection& p, GuestRights& rights) {
  const auto bars = [&](bool writes) {
    return kAccessDisable | (writes && rights.writes ? kWriteDisable : 0);
  };
  rights.user_keys = p.user_keys & bars(user_access || p.write_protect);
  rights.supervisor_keys = p.supervisor_keys & bars(p.write_protect);
}

}  // namespace

GuestRights RightsFor(AccessKind kind, AccessMode mode,
                      const GuestProtection& p) {
  const bool user_access = mode == AccessMode::kUser;
  const bool fetch = kind == AccessKind::kFetch;
  GuestRights rights;
  rights.writes = IsWrite(kind);
  rights.error_code =
      (rights.writes ? bits::kFaultWrite : 0) |
      (user_access ? bits::kFaultUser : 0) |
      (fetch && (p.smep || p.no_execute) ? bits::kFaultFetch : 0) |
      (IsShadowStack(kind) ? bits::kFaultShadowStack : 0);

  // GW-7.
  if (user_access) rights.table = rights.leaf = kGuestUser;
  if (!fetch) SetKeys(user_access, p, rights);

  if (IsShadowStack(kind)) {  // GW-11
    rights.table |= kGuestWritable;
    rights.leaf |= kGuestDirty;
    rights.leaf_zero = kGuestWritable;
    if (!user_access) rights.not_all = kGuestUser;
    return rights;
  }
  if (fetch) {
    if (p.no_execute) rights.never = kGuestNoExecute;         // GW-8
    if (!user_access && p.smep) rights.not_all = kGuestUser;  // GW-9
    return rights;
  }
  if (rights.writes && (user_access || p.write_protect)) {  // GW-7
    rights.table |= kGuestWritable;
    rights.leaf |= kGuestWritable;
  }
  const bool allowed_to_user_pages =
      mode == AccessMode::kExplicitSupervisor && p.allow_user_data;
  if (!user_access && p.smap && !allowed_to_user_pages) {
    rights.not_all = kGuestUser;  // GW-9
  }
  return rights;
}

}  // namespace eptdiff::engine
