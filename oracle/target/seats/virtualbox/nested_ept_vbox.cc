// The half of nested_ept.c that is compiled with VirtualBox's headers: what its
// walk calls, and the way into it.
#define LOG_GROUP LOG_GROUP_PGM
#define VBOX_WITHOUT_PAGING_BIT_FIELDS  // as PGMAll.cpp has it

// In the order that VirtualBox's headers want.
// clang-format off
#include <VBox/vmm/pgm.h>
#include <VBox/vmm/cpum.h>
#include <VBox/vmm/hm.h>
#include <VBox/vmm/iem.h>
#include "PGMInternal.h"
#include <VBox/vmm/vmcc.h>
#include <VBox/err.h>
// clang-format on

#include "nested_ept.h"

extern "C" int pgmR0BthEPTProtNestedTrap0eHandler(PVMCPUCC cpu, RTGCUINT error,
                                                  PCPUMCTX context,
                                                  RTGCPHYS gpa, bool has_gla,
                                                  RTGCPTR gla, PPGMPTWALK walk,
                                                  bool* lock_taken);

namespace {

alignas(GVM) char the_vm[sizeof(GVM)];  // it has no constructor
CPUMCTX context;
PGMPTWALK walk;
nested_result* answer;

void Answer() {
  answer->violation = (walk.fFailed & PGM_WALKFAIL_EPT_VIOLATION) != 0;
  answer->misconfiguration = (walk.fFailed & PGM_WALKFAIL_EPT_MISCONFIG) != 0;
  answer->page = walk.GCPhys;
  answer->shift = walk.fGigantPage ? 30 : walk.fBigPage ? 21 : 12;
}

}  // namespace

extern "C" {

int PDMCritSectEnter(PVMCC, PPDMCRITSECT, int) { return VINF_SUCCESS; }

}  // extern "C"

int pgmPhysGCPhys2R3Ptr(PVMCC, RTGCPHYS address, PRTR3PTR pointer) {
  *reinterpret_cast<void**>(pointer) = nested_ept_table(address);
  return VINF_SUCCESS;
}

// The page may be used: the shadow tables are to be filled.
int pgmPoolAlloc(PVMCC, RTGCPHYS, PGMPOOLKIND, PGMPOOLACCESS, bool, uint16_t,
                 uint32_t, bool, PPPGMPOOLPAGE) {
  Answer();
  nested_ept_granted();
  return VERR_INTERNAL_ERROR;
}

void nested_ept_access(const nested_access* access, nested_result* result) {
  static PGMPOOLPAGE shadow_root;
  static EPTPML4 shadow_pml4;
  PGVM const vm = reinterpret_cast<PGVM>(the_vm);
  PGVMCPU const pVCpu = &vm->aCpus[0];
  uint64_t const fEptVpidCap = access->ept_vpid_cap;
  uint64_t const fMbzPageFrameMask =
      UINT64_C(0x000ffffffffff000) & ~((UINT64_C(1) << access->maxphyaddr) - 1);
  bool lock_taken = false;

  answer = result;
  *result = {};
  walk = {};
  pVCpu->CTX_SUFF(pVM) = vm;
#include "masks.h"
  pVCpu->pgm.s.fA20Enabled = true;
  pVCpu->pgm.s.GCPhysA20Mask = ~RTGCPHYS{0};
  pVCpu->pgm.s.enmGuestSlatMode = PGMSLAT_EPT;
  pVCpu->pgm.s.CTX_SUFF(pGstEptPml4) =
      static_cast<PEPTPML4>(nested_ept_table(access->eptp & EPT_EPTP_PG_MASK));
  shadow_root.CTX_SUFF(pvPage) = &shadow_pml4;
  pVCpu->pgm.s.CTX_SUFF(pShwPageCR3) = &shadow_root;

  pgmR0BthEPTProtNestedTrap0eHandler(pVCpu,
                                     (access->fetch ? X86_TRAP_PF_ID : 0) |
                                         (access->write ? X86_TRAP_PF_RW : 0),
                                     &context, access->gpa, true, access->gla,
                                     &walk, &lock_taken);
  Answer();
}
