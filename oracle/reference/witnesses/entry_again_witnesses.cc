// Cases of a VM entry after the first: software has written to one field of the
// VMCS meanwhile (appendix B).
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint32_t kPmlIndex = 0x0812;
constexpr std::uint32_t kEptp = 0x201a;
constexpr std::uint32_t kSecondary = 0x401e;
constexpr std::uint32_t kGuestPdpte0 = 0x280a;
constexpr std::uint32_t kGuestCr3 = 0x6802;
constexpr std::uint32_t kGuestCsAccessRights = 0x4816;

constexpr std::uint64_t kBit46 = std::uint64_t{1} << 46;

// Accessed flags are set; the log is full.
CaseBuilder FullLog() {
  return Walk4()
      .AccessedDirty()
      .Pml(0xffff)
      .Pml4e(0x2107)
      .Pdpte(0x3107)
      .Pde(0x4107)
      .Pte(0x9137);
}

}  // namespace

std::vector<NamedCase> EntryAgainWitnesses() {
  return {
      // What a hypervisor does of a log-full event.
      {"pml-1-log-emptied",
       "PML-1",
       {},
       FullLog().Write(0x1234).EnterWith(kPmlIndex, 511).Write(0x1234).Build(),
       Completes(0x9234)
           .Writes(0x4008, 0x9337)
           .Writes(0x8ff8, 0x1000)
           .PmlIndex(510)},
      {"pml-1-log-left-full",
       "PML-1",
       {"PML-1/off"},
       FullLog().Write(0x1234).EnterWith(kPmlIndex, 512).Write(0x1234).Build(),
       LogFull()},
      {"eptp-5-entry-again",
       "EPTP-5",
       {"EPTP-5/off", "EPTP-5/high-bits-only"},
       Walk4().Read(0x1234).EnterWith(kEptp, 0x111e).Build(),
       EntryFails(EntryCheck::kEptp5)},
      {"walk-9-other-eptp",
       "WALK-9",
       {},
       Walk4()
           .Word(0x1c000, 0x1d007)
           .Word(0x1d000, 0x1e007)
           .Word(0x1e000, 0x1f007)
           .Word(0x1f008, 0x8037)
           .Read(0x1234)
           .EnterWith(kEptp, 0x1c01e)
           .Read(0x1234)
           .Build(),
       Completes(0x8234)},
      // Bit 10 of the entries is not set, and was not looked at before.
      {"vio-6-mbec-switched-on",
       "VIO-6",
       {"VIO-6/off"},
       Walk4()
           .Fetch(0x1234)
           .User()
           .EnterWith(kSecondary, 0x400002)
           .Fetch(0x1234)
           .User()
           .Build(),
       Violation(0x7bc, 0x1234)},
      {"gst-7-entry-again",
       "GST-7",
       {"GST-7/off"},
       Walk4().EnterWith(kGuestCr3, kBit46).Build(),
       GuestStateFails()},
      {"gst-10-entry-again",
       "GST-10",
       {"GST-10/off"},
       GuestPae().EnterWith(kGuestPdpte0, 0x12003).Build(),
       GuestStateFails(2)},
      // VM entry loads the PDPTE registers from the fields, whatever CR3 says.
      {"gw-3-pdptes-of-the-fields",
       "GW-3",
       {},
       GuestPae()
           .With([](Case& c) { c.guest.pdpte = {}; })
           .EnterWith(kGuestPdpte0 + 2, 0x12001)
           .Read(kGla32)
           .Build(),
       Reaches(0x20234, 2)},
      // CS.L, bit 13: the linear address has 32 bits from now on.
      {"gw-16-into-compatibility-mode",
       "GW-16",
       {},
       Guest4().EnterWith(kGuestCsAccessRights, 0xc09b).Read(kGla32).Build(),
       Reaches(0x20234, 4)},
  };
}

}  // namespace eptdiff
