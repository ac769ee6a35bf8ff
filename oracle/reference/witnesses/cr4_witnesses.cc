// Cases of REG-5 to REG-9: MOV to CR4.
#include "oracle/reference/witnesses/register_scenes.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

using enum GuestRegister;

}  // namespace

std::vector<NamedCase> Cr4Witnesses() {
  return {
      {"reg-5-bit-15",
       "REG-5",
       {"REG-5/off"},
       In64BitMode().Give(kCr4, 0xa020).Build(),
       GeneralProtection()},
      {"reg-5-bit-31",
       "REG-5",
       {"REG-5/off"},
       In64BitMode().Give(kCr4, 0x80002020).Build(),
       GeneralProtection()},
      {"reg-5-bit-33",
       "REG-5",
       {"REG-5/off", "REG-5/high-half-unchecked"},
       In64BitMode().Give(kCr4, 0x2'0000'2020).Build(),
       GeneralProtection()},
      {"reg-5-smep-not-supported",
       "REG-5",
       {"REG-5/off", "REG-5/features-unchecked"},
       In64BitMode().Give(kCr4, 0x102020).Build(),
       GeneralProtection()},
      {"reg-5-smep",
       "REG-5",
       {},
       With(In64BitMode(), [](Case& c) { c.processor.smep = true; })
           .Give(kCr4, 0x102020)
           .Build(),
       Happens()},
      // The bit itself says that the processor has the feature.
      {"reg-5-smep-kept",
       "REG-5",
       {},
       In64BitMode().Cr4(0x100000).Give(kCr4, 0x1020a0).Build(),
       Happens()},
      {"reg-5-lass-and-lam",
       "REG-5",
       {"REG-5/lass-and-lam-reserved"},
       In64BitMode().Give(kCr4, 0x18002020).Build(),
       Happens()},
      {"reg-6-pae",
       "REG-6",
       {"REG-6/pae-off"},
       In64BitMode().Give(kCr4, 0x2000).Build(),
       GeneralProtection()},
      {"reg-6-pae-compatibility-mode",
       "REG-6",
       {"REG-6/pae-off"},
       InCompatibilityMode().Give(kCr4, 0x2000).Build(),
       GeneralProtection()},
      {"reg-6-pae-paging",
       "REG-6",
       {"REG-6/pae-paging-too"},
       InPaePaging().Give(kCr4, 0x2000).Build(),
       Happens()},
      {"reg-6-la57-set",
       "REG-6",
       {"REG-6/la57-off"},
       With(In64BitMode(), [](Case& c) { c.processor.la57 = true; })
           .Give(kCr4, 0x3020)
           .Build(),
       GeneralProtection()},
      {"reg-6-la57-cleared",
       "REG-6",
       {"REG-6/la57-off", "REG-6/la57-set-only"},
       In64BitMode().Cr4(0x1000).Give(kCr4, 0x2020).Build(),
       GeneralProtection()},
      {"reg-6-la57-pae-paging",
       "REG-6",
       {"REG-6/la57-never"},
       With(InPaePaging(), [](Case& c) { c.processor.la57 = true; })
           .Give(kCr4, 0x3020)
           .Build(),
       Happens()},
      {"reg-7-pae-paging",
       "REG-7",
       {"REG-7/mode-off"},
       With(InPaePaging(),
            [](Case& c) {
              c.processor.pcid = true;
              c.guest.cr3 = 0;
            })
           .Give(kCr4, 0x22020)
           .Build(),
       GeneralProtection()},
      {"reg-7-pwt",
       "REG-7",
       {"REG-7/cr3-off"},
       With(In64BitMode(),
            [](Case& c) {
              c.processor.pcid = true;
              c.guest.cr3 = 0x1008;
            })
           .Give(kCr4, 0x22020)
           .Build(),
       GeneralProtection()},
      {"reg-7-bit-5",
       "REG-7",
       {"REG-7/cr3-off", "REG-7/pwt-and-pcd-only"},
       With(In64BitMode(),
            [](Case& c) {
              c.processor.pcid = true;
              c.guest.cr3 = 0x1020;
            })
           .Give(kCr4, 0x22020)
           .Build(),
       GeneralProtection()},
      {"reg-7-set-already",
       "REG-7",
       {"REG-7/whatever-it-was"},
       With(In64BitMode(), [](Case& c) { c.guest.cr3 = 0x1005; })
           .Cr4(0x20000)
           .Give(kCr4, 0x220a0)
           .Build(),
       Happens()},
      {"reg-7-set",
       "REG-7",
       {},
       With(In64BitMode(),
            [](Case& c) {
              c.processor.pcid = true;
              c.guest.cr3 = 0x1000;
            })
           .Give(kCr4, 0x22020)
           .Build(),
       Happens()},
      {"reg-8-cet-without-wp",
       "REG-8",
       {"REG-8/off"},
       With(In64BitMode(), [](Case& c) { c.processor.cet_ss = true; })
           .Give(kCr4, 0x802020)
           .Build(),
       GeneralProtection()},
      {"reg-8-cet",
       "REG-8",
       {},
       With(In64BitMode(),
            [](Case& c) {
              c.processor.cet_ss = true;
              c.guest.cr0 = 0x80010001;
            })
           .Give(kCr4, 0x802020)
           .Build(),
       Happens()},
      {"reg-9-vmxe",
       "REG-9",
       {"REG-9/off"},
       In64BitMode().Give(kCr4, 0x20).Build(),
       GeneralProtection()},
  };
}

}  // namespace eptdiff
