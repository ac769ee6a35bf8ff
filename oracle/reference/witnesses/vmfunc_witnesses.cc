// Cases of VMF: VMFUNC with any EAX.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {

std::vector<NamedCase> VmfuncWitnesses() {
  const CaseBuilder enabled = Walk4().EptpSwitching().Word(0x7008, 0x1c01e);
  return {
      {"vmf-1-not-enabled",
       "VMF-1",
       {"VMF-1/control-off"},
       Walk4().Vmfunc(0, 1).Build(),
       InvalidOpcode()},
      {"vmf-1-not-enabled-leaf-1",
       "VMF-1",
       {"VMF-1/control-off"},
       Walk4().Vmfunc(1, 1).Build(),
       InvalidOpcode()},
      {"vmf-1-leaf-64",
       "VMF-1",
       {"VMF-1/leaf-off", "VMF-1/leaf-64-accepted"},
       CaseBuilder(enabled).Vmfunc(64, 1).Build(),
       InvalidOpcode()},
      {"vmf-1-leaf-256",
       "VMF-1",
       {"VMF-1/leaf-off", "VMF-1/leaf-low-byte"},
       CaseBuilder(enabled).Vmfunc(256, 1).Build(),
       InvalidOpcode()},
      {"vmf-1-leaf-bit-31",
       "VMF-1",
       {"VMF-1/leaf-off", "VMF-1/leaf-low-byte"},
       CaseBuilder(enabled).Vmfunc(0x80000000, 1).Build(),
       InvalidOpcode()},
      {"vmf-2-leaf-1",
       "VMF-2",
       {"VMF-2/off", "VMF-1/leaf-above-0"},
       CaseBuilder(enabled).Vmfunc(1, 1).Build(),
       VmfuncExit()},
      {"vmf-2-leaf-63",
       "VMF-2",
       {"VMF-2/off", "VMF-1/leaf-above-0"},
       CaseBuilder(enabled).Vmfunc(63, 1).Build(),
       VmfuncExit()},
  };
}

}  // namespace eptdiff
