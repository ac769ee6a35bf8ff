// What real processors do otherwise than the SDM, by erratum, as far as a
// verdict can say it. Each has a case in corpus/deviations/ under the dialect's
// name.
//
// Not here, for neither a case nor an outcome has a field for it: the memory
// type of what VMCS fields point to (AAU30), machine checks after a page
// changes size (SKL002). INVLPG spares global translations on bare metal alone
// (ADL063); CACHE-8/invlpg-leaves-globals is that mistake in a guest. What
// EPT's accessed and dirty flags do on Avoton, where software is not to use
// them (AVR41), is not known.
#ifndef EPTDIFF_ORACLE_REFERENCE_DIALECTS_SILICON_DIALECTS_H_
#define EPTDIFF_ORACLE_REFERENCE_DIALECTS_SILICON_DIALECTS_H_

#include <string_view>

namespace eptdiff {

struct SiliconErratum {
  std::string_view dialect;  // several errata may make up one
  std::string_view alteration;
  std::string_view processors;  // as reports name them
  std::string_view source;
};

inline constexpr SiliconErratum kSiliconErrata[] = {
    {"silicon-skylake-sp", "VE-1/update-despite-suppress",
     "Skylake-SP and Cascade Lake",
     "kernel bug 220631, and the patches to KVM of May 2024 that turn "
     "CONFIG_KVM_INTEL_PROVE_VE off"},
    {"silicon-xeon-5500", "QUAL-12/never", "Xeon 5500 and others of its time",
     "AAK134 and BY25: EPT violations do not record that NMIs were blocked "
     "before IRET; cited in Linux's handle_ept_violation (commit "
     "0be9c7a89f75)"},
    {"silicon-xeon-phi-x200", "GW-12/in-entries-not-present",
     "Xeon Phi x200, if the entry was cleared while it was used,",
     "Linux commit e4a84be6f05e (KNL4)"},
    {"silicon-core-i7-900", "CACHE-7/address-of-32-bits",
     "Core i7-900 and third-generation Core, under software outside 64-bit "
     "mode,",
     "AAJ159, BV75 and others, cited in VirtualBox's "
     "hmR0VmxInvalidatePage (HMVMXR0.cpp)"},
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_DIALECTS_SILICON_DIALECTS_H_
