// Cases for tests, written down in one line each:
//
//   Walk4().AccessedDirty().Pte(0x9035).Write(0x1234)
//
// Tables lie in fixed frames; the entry of a level goes to where the address of
// the access selects it, so that a test names entries alone:
//
//   1000H PML4   2000H PDPT   3000H PD   4000H PT   5000H PML5
//   6000H #VE information area   7000H EPTP list   8000H page-modification log
//   9000H the page   A000H, B000H, C000H SPPL4 to SPPL2   D000H SPP vectors
//
// Not part of any fuzz target. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_REFERENCE_CASE_BUILDER_H_
#define EPTDIFF_ORACLE_REFERENCE_CASE_BUILDER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/types.h"
#include "oracle/case.h"

namespace eptdiff {

// The page of the guest-linear address that every access translates from.
inline constexpr std::uint64_t kGlaPage = 0x5555'5555'5000;

class CaseBuilder {
 public:
  explicit CaseBuilder(int levels);

  // The processor. It has every capability until told otherwise.
  CaseBuilder& N(std::uint8_t maxphyaddr);
  CaseBuilder& Without(int capability);

  // Controls. Each sets the one control and what it needs to be valid.
  CaseBuilder& Eptp(std::uint64_t eptp);
  CaseBuilder& AccessedDirty();          // EPTP bit 6
  CaseBuilder& SupervisorShadowStack();  // EPTP bit 7
  CaseBuilder& Mbec();
  CaseBuilder& Pml(std::uint16_t index);
  CaseBuilder& SubPage();
  CaseBuilder& Ve();
  CaseBuilder& EptpSwitching();
  CaseBuilder& PagingWrite();
  CaseBuilder& Verification();
  // Anything else.
  template <typename Function>
  CaseBuilder& With(Function change) {
    change(case_);
    return *this;
  }

  // Entries. Until told otherwise each allows everything and leads to the next:
  // 2007H, 3007H, 4007H and 9037H (write-back); with MBEC bit 10 is set, too.
  CaseBuilder& Pml5e(std::uint64_t entry) { return Entry(5, entry); }
  CaseBuilder& Pml4e(std::uint64_t entry) { return Entry(4, entry); }
  CaseBuilder& Pdpte(std::uint64_t entry) { return Entry(3, entry); }
  CaseBuilder& Pde(std::uint64_t entry) { return Entry(2, entry); }
  CaseBuilder& Pte(std::uint64_t entry) { return Entry(1, entry); }
  // Of the SPP tables; B001H, C001H and D001H, and a vector of 0.
  CaseBuilder& SppL4(std::uint64_t entry) { return SppEntry(4, entry); }
  CaseBuilder& SppL3(std::uint64_t entry) { return SppEntry(3, entry); }
  CaseBuilder& SppL2(std::uint64_t entry) { return SppEntry(2, entry); }
  CaseBuilder& Vector(std::uint64_t vector) { return SppEntry(1, vector); }
  // A word anywhere, after all others.
  CaseBuilder& Word(std::uint64_t address, std::uint64_t value);

  // Steps: accesses that translate from kGlaPage, to a page that the guest
  // maps supervisor-mode and read/write.
  CaseBuilder& Read(std::uint64_t gpa, std::uint8_t size = 1);
  CaseBuilder& Write(std::uint64_t gpa, std::uint8_t size = 1);
  CaseBuilder& ReadModifyWrite(std::uint64_t gpa, std::uint8_t size = 1);
  CaseBuilder& Fetch(std::uint64_t gpa, std::uint8_t size = 1);
  CaseBuilder& ShadowStackRead(std::uint64_t gpa);
  CaseBuilder& ShadowStackWrite(std::uint64_t gpa);
  // The guest maps the page of the last step user-mode.
  CaseBuilder& User();
  // Changes the last step otherwise.
  template <typename Function>
  CaseBuilder& But(Function change) {
    change(case_.steps.back());
    return *this;
  }
  CaseBuilder& Linear(AccessKind kind, std::uint64_t gla);
  CaseBuilder& StructureRead(std::uint64_t gpa);
  CaseBuilder& StructureUpdate(std::uint64_t gpa);
  CaseBuilder& PdpteLoad(std::uint64_t cr3);
  CaseBuilder& Store(std::uint64_t hpa, std::uint64_t value);
  CaseBuilder& Switch(std::uint32_t index);

  // The case. Entries are placed for the address of the first step that has
  // one, or for 0.
  Case Build() const;

 private:
  CaseBuilder& Entry(int level, std::uint64_t entry);
  CaseBuilder& SppEntry(int level, std::uint64_t entry);
  CaseBuilder& Secondary(int bit);
  CaseBuilder& Tertiary(int bit);
  CaseBuilder& AddAccess(AccessKind kind, std::uint64_t gpa, std::uint8_t size);
  CaseBuilder& AddStructureStep(StepKind kind, std::uint64_t gpa);

  int levels_;
  Case case_;
  std::optional<std::uint64_t> entries_[6];
  std::optional<std::uint64_t> spp_[5];
  std::optional<std::uint64_t> address_;
  std::vector<MemoryWord> words_;
};

// 4-level and 5-level EPT; WB tables; MAXPHYADDR 46; the guest in 64-bit mode
// with CPL 0, as a case stands before its controls and entries are told.
inline CaseBuilder Walk4() { return CaseBuilder(4); }
inline CaseBuilder Walk5() { return CaseBuilder(5); }

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_CASE_BUILDER_H_
