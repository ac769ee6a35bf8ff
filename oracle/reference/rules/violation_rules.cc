// VIO: which accesses the EPT paging-structure entries allow (29.3.3.2).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {

// The entry that was met is not present.
std::uint64_t Vio1(const Situation&) { return true; }

std::uint64_t Vio2(const Situation& s) { return s.reads && !s.InAllEntries(0); }

std::uint64_t Vio3(const Situation& s) {
  return s.writes && !s.InAllEntries(1);
}

std::uint64_t Vio4(const Situation& s) {
  return s.fetches && !s.Mbec() && !s.InAllEntries(2);
}

std::uint64_t Vio5(const Situation& s) {
  return s.fetches && s.Mbec() && !s.user_mode && !s.InAllEntries(2);
}

std::uint64_t Vio6(const Situation& s) {
  return s.fetches && s.Mbec() && s.user_mode && !s.InAllEntries(10);
}

std::uint64_t Vio7(const Situation& s) {
  return !s.TranslatedByPaging() || s.access.page.user;
}

std::uint64_t Vio8(const Situation&) { return true; }

std::uint64_t Vio9(const Situation& s) { return s.AccessedDirtyEnabled(); }

std::uint64_t Vio10(const Situation&) { return false; }

// Asked when bit 1 is clear somewhere: only the leaf's may be.
std::uint64_t Vio11(const Situation& s) {
  if (!s.EptPagingWrite() || !s.paging_write) return false;
  for (const PathEntry& used : s.path) {
    if (!used.leaf && !Bit(used.value, 1)) return false;
  }
  return Bit(s.path.back().value, 58);
}

// Asked of a supervisor shadow-stack access under SSS.
std::uint64_t Vio12(const Situation& s) {
  if (!s.InAllEntries(0)) return true;
  for (const PathEntry& used : s.path) {
    if (!used.leaf && !Bit(used.value, 1)) return true;
  }
  return !Bit(s.path.back().value, 60);
}

// Asked where verification operates (CTL-5). The SDM says that it is an access
// "to the guest paging-structure entry that maps a page" to which verification
// may apply (29.3.3.2), but has it occur at the final access (29.3.3.3).
std::uint64_t Vio13(const Situation& s) {
  if (!Bit(s.path.back().value, 57)) return false;
  for (const GuestEntry& used : s.linear.path) {
    if (!Bit(used.ept_leaf, 58)) return true;
  }
  return false;
}

// Every page that has a byte of the access; the operand is their number.
std::uint64_t Vio14(const Situation& s) { return s.operand; }

std::uint64_t Vio15Write(const Situation&) { return true; }

// The operand of a read-modify-write is read first.
std::uint64_t Vio15Read(const Situation&) { return true; }

}  // namespace eptdiff::sdm
