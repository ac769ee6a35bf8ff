#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {

std::span<const NamedCase> Witnesses() {
  static const std::vector<NamedCase>& all = *[] {
    auto* cases = new std::vector<NamedCase>;
    for (
        auto family :
        {EntryWitnesses,      VmfuncWitnesses,        Cr0Witnesses,
         Cr4Witnesses,        Cr3Witnesses,           RegisterWitnesses,
         EntryAgainWitnesses, WalkWitnesses,          ConfigurationWitnesses,
         ViolationWitnesses,  QualificationWitnesses, FlagWitnesses,
         MemoryTypeWitnesses, SubPageWitnesses,       ApicWitnesses,
         VeWitnesses,         SavedStateWitnesses,    GuestWitnesses,
         GuestModeWitnesses,  GuestEntryWitnesses,    GuestFlagWitnesses,
         GuestTableWitnesses, GuestEptWitnesses,      HlatWitnesses,
         GuestRightWitnesses, ProtectionKeyWitnesses, GuestShadowStackWitnesses,
         ErrorCodeWitnesses,  VerificationWitnesses,  LinearWitnesses,
         LinearFlagWitnesses, SeparationWitnesses,    MaskingWitnesses,
         BochsGuestWitnesses, CacheUseWitnesses,      CacheEndWitnesses,
         CacheGuestWitnesses, CombinedWitnesses}) {
      const std::vector<NamedCase> more = family();
      cases->insert(cases->end(), more.begin(), more.end());
    }
    return cases;
  }();
  return all;
}

}  // namespace eptdiff
