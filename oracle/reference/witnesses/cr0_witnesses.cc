// Cases of REG-1 to REG-4: MOV to CR0.
#include "oracle/reference/witnesses/register_scenes.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

using enum GuestRegister;

}  // namespace

std::vector<NamedCase> Cr0Witnesses() {
  return {
      {"reg-1-bit-32",
       "REG-1",
       {"REG-1/high-off"},
       In64BitMode().Give(kCr0, 0x1'8000'0021).Build(),
       GeneralProtection()},
      {"reg-1-pg-without-pe",
       "REG-1",
       {"REG-1/pg-off"},
       Unrestricted(In64BitMode()).Give(kCr0, 0x80000020).Build(),
       GeneralProtection()},
      {"reg-1-nw-without-cd",
       "REG-1",
       {"REG-1/nw-off"},
       In64BitMode().Give(kCr0, 0xa0000021).Build(),
       GeneralProtection()},
      {"reg-1-cd-without-nw",
       "REG-1",
       {"REG-1/cd-without-nw-refused"},
       In64BitMode().Give(kCr0, 0xc0000021).Build(),
       Happens()},
      {"reg-1-ignored-bits",
       "REG-1",
       {"REG-1/low-reserved-bits-too"},
       In64BitMode().Give(kCr0, 0x9ffaffe1).Build(),
       Happens()},
      {"reg-2-pg-without-pae",
       "REG-2",
       {"REG-2/pae-off", "REG-2/lma-for-lme"},
       Unpaged(0x2000, 0x100).Give(kCr0, 0x80000021).Build(),
       GeneralProtection()},
      {"reg-2-64-bit-code",
       "REG-2",
       {"REG-2/code-off"},
       Unpaged(0x2020, 0x100, true).Give(kCr0, 0x80000021).Build(),
       GeneralProtection()},
      {"reg-2-begin-ia-32e-mode",
       "REG-2",
       {},
       Unpaged(0x2020, 0x100).Give(kCr0, 0x80000021).Build(),
       Happens()},
      {"reg-2-leave-64-bit-mode",
       "REG-2",
       {"REG-2/leave-off"},
       Unrestricted(In64BitMode()).Give(kCr0, 0x21).Build(),
       GeneralProtection()},
      {"reg-2-leave-compatibility-mode",
       "REG-2",
       {"REG-2/compatibility-mode-too", "REG-4/unrestricted-guest-ignored"},
       Unrestricted(InCompatibilityMode()).Give(kCr0, 0x21).Build(),
       Happens()},
      {"reg-3-wp-with-cet",
       "REG-3",
       {"REG-3/wp-off"},
       With(In64BitMode(),
            [](Case& c) {
              c.guest.cr0 = 0x80010001;
              c.guest.cr4 = 0x800020;
            })
           .Give(kCr0, 0x80000021)
           .Build(),
       GeneralProtection()},
      {"reg-3-wp-and-pg-with-cet",
       "REG-3",
       {"REG-3/wp-off", "REG-3/wp-with-pg-off"},
       With(Unrestricted(InCompatibilityMode()),
            [](Case& c) {
              c.guest.cr0 = 0x80010001;
              c.guest.cr4 = 0x800020;
            })
           .Give(kCr0, 0x21)
           .Build(),
       GeneralProtection()},
      {"reg-3-pg-with-pcid",
       "REG-3",
       {"REG-3/pg-off"},
       With(Unrestricted(InCompatibilityMode()),
            [](Case& c) { c.guest.cr4 = 0x20020; })
           .Give(kCr0, 0x21)
           .Build(),
       GeneralProtection()},
      {"reg-4-ne",
       "REG-4",
       {"REG-4/off", "REG-4/pe-and-pg-only"},
       In64BitMode().Give(kCr0, 0x80000001).Build(),
       GeneralProtection()},
      {"reg-4-pg",
       "REG-4",
       {"REG-4/off", "REG-4/ne-only"},
       InCompatibilityMode().Give(kCr0, 0x21).Build(),
       GeneralProtection()},
      {"reg-4-real-mode",
       "REG-4",
       {"REG-4/unrestricted-guest-ignored"},
       Unrestricted(InCompatibilityMode()).Give(kCr0, 0x20).Build(),
       Happens()},
  };
}

}  // namespace eptdiff
