// WALK and CFG: how entries are found, and which are misconfigured (29.3.2,
// 29.3.3.1).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {

std::uint64_t Walk1(const Situation& s) {
  switch (s.level) {
    case 5:
      return Bits(s.access.gpa.value, 56, 48);  // EPT PML5E
    case 4:
      return Bits(s.access.gpa.value, 47, 39);  // EPT PML4E
    case 3:
      return Bits(s.access.gpa.value, 38, 30);  // EPT PDPTE
    case 2:
      return Bits(s.access.gpa.value, 29, 21);  // EPT PDE
    default:
      return Bits(s.access.gpa.value, 20, 12);  // EPT PTE
  }
}

std::uint64_t Walk2(const Situation& s) {
  return s.FourLevelEpt() && Bits(s.access.gpa.value, 51, 48) != 0;
}

std::uint64_t Walk3(const Situation& s) { return Bits(s.entry, 2, 0) != 0; }

std::uint64_t Walk4(const Situation& s) {
  return Bits(s.entry, 2, 0) != 0 || Bit(s.entry, 10);
}

std::uint64_t Walk5(const Situation& s) {
  switch (s.level) {
    case 3:
      return Bit(s.entry, 7);  // a 1-GByte page
    case 2:
      return Bit(s.entry, 7);  // a 2-MByte page
    case 1:
      return true;  // a 4-KByte page
    default:
      return false;
  }
}

std::uint64_t Walk6(const Situation& s) {
  const std::uint64_t gpa = s.access.gpa.value;
  switch (s.level) {
    case 3:
      return Field(s.entry, 51, 30) | Bits(gpa, 29, 0);
    case 2:
      return Field(s.entry, 51, 21) | Bits(gpa, 20, 0);
    default:
      return Field(s.entry, 51, 12) | Bits(gpa, 11, 0);
  }
}

// An ignored bit changes nothing: there is nothing to forbid.
std::uint64_t Walk7(const Situation&) { return false; }

// 29.3.3.3, step 1 before step 2.
std::uint64_t Walk8(const Situation&) {
  return static_cast<std::uint64_t>(WalkOrder::kSdm);
}

// The operand is the EPTP or the entry that references the table.
// "Bits 51:12 are from the EPTP" (and likewise of each entry on the way). That
// those beyond N-1 are 0 is for EPTP-5 and CFG-10 to see to.
std::uint64_t Walk9(const Situation& s) { return Field(s.operand, 51, 12); }

// 29.3.3.1, first item: bit 0 of the entry is clear, and ...

std::uint64_t Cfg1(const Situation& s) {
  return !Bit(s.entry, 0) && Bit(s.entry, 1);
}

std::uint64_t Cfg2(const Situation& s) {
  return !Bit(s.entry, 0) && !s.ExecuteOnlySupported() && Bit(s.entry, 2);
}

std::uint64_t Cfg3(const Situation& s) {
  return !Bit(s.entry, 0) && !s.ExecuteOnlySupported() && s.Mbec() &&
         Bit(s.entry, 10);
}

std::uint64_t Cfg4(const Situation& s) {
  return !Bit(s.entry, 0) && s.EptPagingWrite() && s.leaf && Bit(s.entry, 58);
}

// Second item: a reserved bit is set.

std::uint64_t Cfg5(const Situation& s) {
  return s.level >= 4 && Bits(s.entry, 7, 3) != 0;
}

std::uint64_t Cfg6(const Situation& s) {
  return (s.level == 3 || s.level == 2) && !s.leaf && Bits(s.entry, 6, 3) != 0;
}

std::uint64_t Cfg7(const Situation& s) {
  if (s.level == 3) return Bit(s.entry, 7) && !s.Capability(17);
  if (s.level == 2) return Bit(s.entry, 7) && !s.Capability(16);
  return false;
}

std::uint64_t Cfg8(const Situation& s) {
  return s.level == 3 && s.leaf && Bits(s.entry, 29, 12) != 0;
}

std::uint64_t Cfg9(const Situation& s) {
  return s.level == 2 && s.leaf && Bits(s.entry, 20, 12) != 0;
}

std::uint64_t Cfg10(const Situation& s) {
  return Bits(s.entry, 51, s.M()) != 0;
}

// Third item: the memory type of the last entry is reserved.
std::uint64_t Cfg11(const Situation& s) {
  const std::uint64_t type = Bits(s.entry, 5, 3);
  return s.leaf && (type == 2 || type == 3 || type == 7);
}

}  // namespace eptdiff::sdm
