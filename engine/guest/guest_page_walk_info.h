// What kind of guest page walk was under way when an access by linear address
// ended in an EPT violation: what a hypervisor needs to walk the guest's paging
// structures once more in software.
//
// The fields have the names, and the meaning, of GuestPageWalkInfo in x86_vcpu
// (arceos-hypervisor/x86_vcpu, src/ept.rs; get_ptw_info in src/vmx/vcpu.rs).
// Where x86_vcpu gives a constant, or what the SDM does not bear out, the SDM's
// meaning is taken:
//
//   field                x86_vcpu                      here
//   top_entry            CR3, with its flags or PCID   the address in CR3; 0
//                                                      without paging
//   level, width         4, 9 with CR4.LA57            5, 9
//   is_user_mode_access  CPL = 3                       the mode of the access,
//                                                      see below
//   is_write_access      false                         whether it writes, if
//   is_inst_fetch        false                         it can be known
//
// One can make it from what the engine knows, which is everything, or from what
// a hypervisor finds in the VMCS after the exit, which is not:
//
// - If the violation is one of the guest walk itself (qualification bit 7 set,
//   bit 8 clear), bits 2:0 describe the processor's access to the guest
//   paging-structure entry. Nothing in the exit tells whether the instruction
//   was about to read, write or fetch: is_write_access and is_inst_fetch have
//   no value. Who must know decodes the instruction at the guest's RIP (a GLA
//   outside of it was no fetch).
// - The CPL is not the mode of the access. Descriptor tables and task-state
//   segments are read in supervisor mode at CPL 3, and WRUSS makes a user-mode
//   access at CPL 0. is_user_mode_access is CPL = 3 unless bit 9 proves
//   otherwise: no user-mode access gets to a supervisor-mode address, and a
//   shadow-stack access has the mode of its address. Without bit 9 (no advanced
//   information, or a violation of the guest walk), implicit accesses at CPL 3
//   and WRUSS are taken for what the CPL says; so are implicit accesses to
//   user-mode addresses, which CR4.SMAP = 1 forbids.
//
// Thread-safety: plain values and pure functions.
#ifndef EPTDIFF_ENGINE_GUEST_GUEST_PAGE_WALK_INFO_H_
#define EPTDIFF_ENGINE_GUEST_GUEST_PAGE_WALK_INFO_H_

#include <cstdint>
#include <optional>

#include "engine/guest/guest_walk_state.h"
#include "engine/types.h"

namespace eptdiff {

struct GuestPageWalkInfo {
  // The top-level table in CR3: the PML5, PML4 or page-pointer-directory table
  // (32-byte aligned) or the page directory. With HLAT paging too: the table in
  // HLATP is never what a walk restarts from.
  Gpa top_entry = {};
  // How many levels the tables have: 5, 4, 3 (PAE), 2 (32-bit), 0 (no paging).
  // PAE paging has 3 although the processor keeps the topmost in registers.
  int level = 0;
  // Bits of the linear address that each level translates: 9, or 10 in 32-bit
  // paging; 0 without paging. (PAE's topmost level has 2 bits; as linear
  // addresses have 32 bits there, 9 come to the same.)
  int width = 0;
  bool is_user_mode_access = false;
  std::optional<bool> is_write_access = {};  // a read-modify-write is one, too
  std::optional<bool> is_inst_fetch = {};
  // Whether an entry can map a large page at level 2: CR4.PSE in 32-bit paging,
  // true elsewhere, without paging as well.
  bool pse = true;
  bool wp = false;   // CR0.WP
  bool nxe = false;  // IA32_EFER.NXE; false in 32-bit paging, which has no XD
  bool is_smap_on = false;  // CR4.SMAP
  bool is_smep_on = false;  // CR4.SMEP
  friend bool operator==(const GuestPageWalkInfo&,
                         const GuestPageWalkInfo&) = default;
};

// As the engine knows it: `walk` is Engine::last_guest_walk() after an access
// by linear address that did not complete, `guest` Engine::guest(). Bits of CR3
// from MAXPHYADDR on are 0, as VM entry demands (27.3.1.1).
GuestPageWalkInfo DescribeGuestWalk(const GuestState& guest,
                                    const GuestWalkState& walk);

// What a hypervisor has at hand after an EPT violation with qualification bit 7
// set, or in the handler of a #VE. VMCS fields and MSRs, raw.
struct ExitInformation {
  std::uint64_t qualification = 0;
  Gpa gpa = {};
  Gla gla = {};
  std::uint64_t cr0 = 0;
  std::uint64_t cr3 = 0;
  std::uint64_t cr4 = 0;
  std::uint64_t efer = 0;
  std::uint8_t ss_dpl = 0;            // the CPL (25.4.1)
  bool advanced_information = false;  // IA32_VMX_EPT_VPID_CAP bit 22
};

GuestPageWalkInfo DescribeGuestWalk(const ExitInformation& exit);

// At which levels of the guest's tables the entry can be whose access caused
// the violation: bit L for level L, 0 if it was no access to such an entry. The
// entry's place in its table has to be what the linear address selects there,
// which mostly leaves one level. Outside 64-bit mode exits report bits 31:0 of
// linear addresses (28.2.1); as these may then be all that is known of `gla`,
// higher bits exclude nothing unless one of them is set.
std::uint8_t PossibleEntryLevels(const ExitInformation& exit);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_GUEST_GUEST_PAGE_WALK_INFO_H_
