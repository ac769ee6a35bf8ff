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
// With guest paging, EPT maps these guest-physical pages in its PT at 4000H:
//
//   10000H a page, at 20000H        16000H another one, at 26000H
//   11000H PT, 12000H PD, 13000H PDPT, 14000H PML4, 15000H PML5, at 21000H ...
//   19000H PT, 1A000H PD, ... 1D000H PML5 of HLAT paging, at 29000H ...
//
// and every guest entry leads to the next, user-mode and writable, with A (and
// D in the PTE) set:
//
//   Guest4().GuestPte(0x10065).Write(kGla).Build()
//
// Not part of any fuzz target. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_REFERENCE_WITNESSES_CASE_BUILDER_H_
#define EPTDIFF_ORACLE_REFERENCE_WITNESSES_CASE_BUILDER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/types.h"
#include "oracle/case.h"

namespace eptdiff {

// The page of the guest-linear address that every access translates from.
inline constexpr std::uint64_t kGlaPage = 0x5555'5555'5000;

// How the guest pages, for CaseBuilder::Guest().
enum class GuestPaging : std::uint8_t { k32Bit, kPae, k4Level, k5Level };

class CaseBuilder {
 public:
  explicit CaseBuilder(int levels);

  // The processor. It has every capability until told otherwise.
  CaseBuilder& N(std::uint8_t maxphyaddr);
  CaseBuilder& Keyids(std::uint8_t bits);
  CaseBuilder& Without(int capability);

  // Controls. Each sets the one control and what it needs to be valid.
  CaseBuilder& Eptp(std::uint64_t eptp);
  CaseBuilder& AccessedDirty();          // EPTP bit 6
  CaseBuilder& SupervisorShadowStack();  // EPTP bit 7
  CaseBuilder& Mbec();
  CaseBuilder& Pml(std::uint16_t index);
  CaseBuilder& ApicPage(std::uint64_t hpa);  // "virtualize APIC accesses"
  CaseBuilder& SubPage();
  CaseBuilder& Ve();
  CaseBuilder& EptpSwitching();
  CaseBuilder& PagingWrite();
  CaseBuilder& Verification();
  CaseBuilder& Vpid(std::uint16_t vpid);
  CaseBuilder& TraceOutput();  // "Intel PT uses guest physical addresses"
  CaseBuilder& Pebs();         // "PEBS uses guest physical addresses"
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
  CaseBuilder& Read(std::uint64_t gpa, std::uint16_t size = 1);
  CaseBuilder& Write(std::uint64_t gpa, std::uint16_t size = 1);
  CaseBuilder& ReadModifyWrite(std::uint64_t gpa, std::uint16_t size = 1);
  CaseBuilder& Fetch(std::uint64_t gpa, std::uint16_t size = 1);
  CaseBuilder& ShadowStackRead(std::uint64_t gpa);
  CaseBuilder& ShadowStackWrite(std::uint64_t gpa);
  CaseBuilder& ShadowStackToken(std::uint64_t gpa);  // its read-modify-write
  CaseBuilder& PebsWrite(std::uint64_t gpa, std::uint16_t size = 8);
  // The guest maps the page of the last step user-mode.
  CaseBuilder& User();
  // Changes the last step otherwise.
  template <typename Function>
  CaseBuilder& But(Function change) {
    change(case_.steps.back());
    return *this;
  }
  CaseBuilder& Linear(AccessKind kind, std::uint64_t gla,
                      std::uint16_t size = 1);

  // Guest paging: CR0.WP, IA32_EFER.NXE and (with 32-bit paging) CR4.PSE are 1
  // and CPL is 0 until told otherwise. The accesses are linear ones.
  CaseBuilder& Guest(GuestPaging paging);
  CaseBuilder& Hlat(std::uint16_t prefix_size = 0);
  CaseBuilder& GuestPml5e(std::uint64_t entry) { return GuestEntry(5, entry); }
  CaseBuilder& GuestPml4e(std::uint64_t entry) { return GuestEntry(4, entry); }
  CaseBuilder& GuestPdpte(std::uint64_t entry) { return GuestEntry(3, entry); }
  CaseBuilder& GuestPde(std::uint64_t entry) { return GuestEntry(2, entry); }
  CaseBuilder& GuestPte(std::uint64_t entry) { return GuestEntry(1, entry); }
  CaseBuilder& HlatPml5e(std::uint64_t entry) { return HlatEntry(5, entry); }
  CaseBuilder& HlatPml4e(std::uint64_t entry) { return HlatEntry(4, entry); }
  CaseBuilder& HlatPdpte(std::uint64_t entry) { return HlatEntry(3, entry); }
  CaseBuilder& HlatPde(std::uint64_t entry) { return HlatEntry(2, entry); }
  CaseBuilder& HlatPte(std::uint64_t entry) { return HlatEntry(1, entry); }
  // The EPT PTE of the guest-physical page `gpa`.
  CaseBuilder& EptPte(std::uint64_t gpa, std::uint64_t entry);
  CaseBuilder& Cr4(std::uint64_t bits);  // sets these, too
  CaseBuilder& Cpl3();
  CaseBuilder& StructureRead(std::uint64_t gpa);
  CaseBuilder& StructureUpdate(std::uint64_t gpa);
  CaseBuilder& PdpteLoad(std::uint64_t cr3);
  CaseBuilder& Store(std::uint64_t hpa, std::uint64_t value);
  CaseBuilder& Switch(std::uint32_t index);
  CaseBuilder& Vmfunc(std::uint32_t eax, std::uint32_t ecx);
  CaseBuilder& Give(GuestRegister reg, std::uint64_t value);
  // VM entry again, after VMWRITE of `value` to the field with this encoding.
  CaseBuilder& EnterWith(std::uint32_t field, std::uint64_t value);
  CaseBuilder& Invept(std::uint8_t type, std::uint64_t eptp = 0);
  CaseBuilder& Invvpid(std::uint8_t type, std::uint64_t vpid,
                       std::uint64_t gla = 0);
  CaseBuilder& Invlpg(std::uint64_t gla);
  // With the control that enables it.
  CaseBuilder& Invpcid(std::uint8_t type, std::uint64_t pcid,
                       std::uint64_t gla);
  // The last step is one of another logical processor.
  CaseBuilder& On(std::uint8_t processor);

  // Until told otherwise a case is one that VM entry accepts as far as CR0.NE,
  // CR4.VMXE and bit 1 of RFLAGS go, and with "unrestricted guest" if CR0.PG or
  // CR0.PE is 0. This leaves the guest as it was told.
  CaseBuilder& AsItIs();

  // The case. Entries are placed for the address of the first step that has
  // one, or for 0.
  Case Build() const;

 private:
  CaseBuilder& Entry(int level, std::uint64_t entry);
  CaseBuilder& SppEntry(int level, std::uint64_t entry);
  CaseBuilder& GuestEntry(int level, std::uint64_t entry);
  CaseBuilder& HlatEntry(int level, std::uint64_t entry);
  static void MakeAcceptable(Case& c);
  void PlaceGuest(Case& c) const;
  void PlaceGuestTables(Case& c, std::uint64_t first_page,
                        const std::optional<std::uint64_t>* entries) const;
  CaseBuilder& Secondary(int bit);
  CaseBuilder& Tertiary(int bit);
  CaseBuilder& AddAccess(AccessKind kind, std::uint64_t gpa,
                         std::uint16_t size);
  CaseBuilder& Invalidate(const Invalidation& invalidation);
  CaseBuilder& AddStructureStep(StepKind kind, std::uint64_t gpa);

  int levels_;
  Case case_;
  std::optional<std::uint64_t> entries_[6];
  std::optional<std::uint64_t> spp_[5];
  std::optional<std::uint64_t> address_;
  std::vector<MemoryWord> words_;

  bool as_it_is_ = false;
  std::optional<GuestPaging> paging_;
  bool hlat_ = false;
  std::optional<std::uint64_t> guest_[6];
  std::optional<std::uint64_t> hlat_entries_[6];
  std::map<std::uint64_t, std::uint64_t> ept_ptes_;
};

// 4-level and 5-level EPT; WB tables; MAXPHYADDR 46; the guest in 64-bit mode
// with CPL 0, as a case stands before its controls and entries are told.
inline CaseBuilder Walk4() { return CaseBuilder(4); }
inline CaseBuilder Walk5() { return CaseBuilder(5); }

// 4-level EPT under each mode of guest paging. With kGla the guest entries are
// numbers 0AAH, 155H, 0AAH and 155H of their tables (PML5E: 0), with kGla32
// 155H and 155H of 32-bit paging, 0AAH and 155H of PAE paging (register 1).
inline constexpr std::uint64_t kGla = kGlaPage | 0x234;
inline constexpr std::uint64_t kGla32 = 0x5555'5234;
inline CaseBuilder Guest32() { return Walk4().Guest(GuestPaging::k32Bit); }
inline CaseBuilder GuestPae() { return Walk4().Guest(GuestPaging::kPae); }
inline CaseBuilder Guest4() { return Walk4().Guest(GuestPaging::k4Level); }
inline CaseBuilder Guest5() { return Walk4().Guest(GuestPaging::k5Level); }

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_WITNESSES_CASE_BUILDER_H_
