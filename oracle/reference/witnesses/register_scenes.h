// The modes that the cases of REG begin in. Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_REFERENCE_WITNESSES_REGISTER_SCENES_H_
#define EPTDIFF_ORACLE_REFERENCE_WITNESSES_REGISTER_SCENES_H_

#include <cstdint>

#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {

// In 64-bit mode, with CR0 = 80000021H (PG, NE, PE), CR4 = 2020H (VMXE, PAE),
// IA32_EFER = D00H (NXE, LMA, LME) and CR3 = 0. EPT maps page 0 at 9000H.
inline CaseBuilder In64BitMode() { return Walk4(); }

inline CaseBuilder InCompatibilityMode() {
  return Walk4().With([](Case& c) { c.guest.cs_l = false; });
}

// With PAE paging: CR3 = 20H. The PDPTEs there are at 9020H, and the registers
// hold others.
inline CaseBuilder InPaePaging() {
  return Walk4().Word(0x9020, 0x7001).With([](Case& c) {
    c.guest.efer = 0x800;
    c.guest.cs_l = false;
    c.guest.cr3 = 0x20;
    c.guest.pdpte.fill(0x6001);
  });
}

// With "unrestricted guest".
inline CaseBuilder Unrestricted(const CaseBuilder& builder) {
  return CaseBuilder(builder).With(
      [](Case& c) { c.controls.secondary |= 0x80; });
}

// Without paging: CR0 = 21H.
inline CaseBuilder Unpaged(std::uint64_t cr4, std::uint64_t efer,
                           bool cs_l = false) {
  return InPaePaging().With([=](Case& c) {
    c.guest.cr0 = 0x21;
    c.guest.cr4 = cr4;
    c.guest.efer = efer;
    c.guest.cs_l = cs_l;
  });
}

template <typename Function>
CaseBuilder With(const CaseBuilder& builder, Function change) {
  return CaseBuilder(builder).With(change);
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_WITNESSES_REGISTER_SCENES_H_
