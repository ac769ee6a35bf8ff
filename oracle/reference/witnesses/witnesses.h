// Hand-written cases: at least one for each rule, with the outcome that the
// SDM demands, and for each alteration one on which it shows.
//
// A witness tells an alteration from the SDM: some outcome conforms to the
// SDM's verdict on its last step and not to the altered one, or the other way
// round. Entries and addresses are literal, and the outcomes were written down
// from the SDM's text, not from what the reference says. The cases are also the
// seed corpus. Not part of any fuzz target.
//
// This folder uses the reference, and judgement/ to hold it to them. Begin with
// walk_witnesses.cc; case_builder.h and answer.h are the language that they are
// written in.
//
// Thread-safety: constant after its first use.
#ifndef EPTDIFF_ORACLE_REFERENCE_WITNESSES_WITNESSES_H_
#define EPTDIFF_ORACLE_REFERENCE_WITNESSES_WITNESSES_H_

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "oracle/case.h"
#include "oracle/reference/witnesses/answer.h"

namespace eptdiff {

struct NamedCase {
  std::string_view name;  // a file name without extension: "cfg-8-bit-12"
  std::string_view rule;  // the identifier of the rule that it is about
  std::vector<std::string_view> tells;  // alterations, by name
  Case c;
  // Of the last step, or of VM entry if there is none. One that conforms; where
  // the SDM leaves a choice there are others.
  Answer answer;
  // One that does not, if it is told: what an alteration would permit.
  std::optional<Answer> forbidden = std::nullopt;

  // Whether it is judged as for who may keep translations.
  bool keeps() const { return rule.starts_with("CACHE-"); }
};

// All of them. Each name occurs once.
std::span<const NamedCase> Witnesses();

// By family of rules.
std::vector<NamedCase> EntryWitnesses();             // EPTP, CTL
std::vector<NamedCase> VirtualApicWitnesses();       // CTL-11 to CTL-14
std::vector<NamedCase> GuestStateWitnesses();        // GST
std::vector<NamedCase> VmfuncWitnesses();            // VMF
std::vector<NamedCase> Cr0Witnesses();               // REG-1 to REG-4
std::vector<NamedCase> Cr4Witnesses();               // REG-5 to REG-9
std::vector<NamedCase> Cr3Witnesses();               // REG-10 to REG-12
std::vector<NamedCase> RegisterWitnesses();          // REG-13 to REG-15
std::vector<NamedCase> EntryAgainWitnesses();        // a second VM entry
std::vector<NamedCase> WalkWitnesses();              // WALK
std::vector<NamedCase> ConfigurationWitnesses();     // CFG
std::vector<NamedCase> ViolationWitnesses();         // VIO, PRI
std::vector<NamedCase> QualificationWitnesses();     // QUAL, INFO
std::vector<NamedCase> FlagWitnesses();              // AD, PML, ALIAS
std::vector<NamedCase> MemoryTypeWitnesses();        // MT
std::vector<NamedCase> SubPageWitnesses();           // SPP
std::vector<NamedCase> SavedStateWitnesses();        // HAND
std::vector<NamedCase> VeWitnesses();                // VE
std::vector<NamedCase> ApicWitnesses();              // APIC
std::vector<NamedCase> GuestWitnesses();             // GW-17
std::vector<NamedCase> GuestModeWitnesses();         // GW-1 to GW-4
std::vector<NamedCase> GuestEntryWitnesses();        // GW-5, GW-6, ...
std::vector<NamedCase> GuestFlagWitnesses();         // GW-12, GW-20
std::vector<NamedCase> GuestTableWitnesses();        // GW-13, GW-14
std::vector<NamedCase> GuestEptWitnesses();          // EPT under a guest walk
std::vector<NamedCase> HlatWitnesses();              // GW-15, GW-19
std::vector<NamedCase> GuestRightWitnesses();        // GW-7, GW-8, GW-9
std::vector<NamedCase> ProtectionKeyWitnesses();     // GW-10, GW-18
std::vector<NamedCase> GuestShadowStackWitnesses();  // GW-11, VIO-12
std::vector<NamedCase> ErrorCodeWitnesses();         // GW-8, GW-18
std::vector<NamedCase> VerificationWitnesses();      // VIO-13, QUAL-15, CTL-5
std::vector<NamedCase> LinearWitnesses();      // PRI-2, VIO-7, VIO-8, reports
std::vector<NamedCase> LinearFlagWitnesses();  // AD, PML, VIO-14
std::vector<NamedCase> SeparationWitnesses();  // GW-22
std::vector<NamedCase> MaskingWitnesses();     // GW-23
std::vector<NamedCase> BochsGuestWitnesses();  // where Bochs departs in linear
                                               // accesses
std::vector<NamedCase> CacheUseWitnesses();    // CACHE
std::vector<NamedCase> CacheEndWitnesses();    // CACHE-5 to -7, -13
std::vector<NamedCase> CacheGuestWitnesses();  // CACHE-8, -11, -12
std::vector<NamedCase> CombinedWitnesses();    // where rules meet

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_WITNESSES_WITNESSES_H_
