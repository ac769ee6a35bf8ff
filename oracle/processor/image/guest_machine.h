// A machine that asks the processor it runs on: a VM entry for each step.
//
// Before a case everything that may have been kept of translations is ended
// (INVEPT, INVVPID); and before each entry, so that answers are those of
// memory, unless the case is about what is kept between its steps. Every
// exception of the guest causes a VM exit; a #VE that is not intercepted cannot
// be delivered, as the guest's IDT is empty, and is told by the vectoring
// information of the #GP that comes of it. A VMX-preemption timer of 0 shows
// that an entry succeeds without anything of the guest; with time in it, it
// bounds each step.
//
// guest_machine.cc is the order of things, guest_fields.cc what the VMCS is
// given, guest_answers.cc what is read from it and from memory, guest_pieces.cc
// how it is seen where an access goes.
//
// Where an access goes is seen by what it reads and writes: what no word of the
// case names gets a value of ours for the time of the step. An access may be
// permitted to go to one place or another, as memory has it and as it had it;
// each of these targets has a value of its own.
// Thread-safety: of one processor; one of it at a time.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_GUEST_MACHINE_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_GUEST_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "oracle/fixed_vector.h"
#include "oracle/processor/image/boot_information.h"
#include "oracle/processor/image/troubles.h"
#include "oracle/processor/image/vmx.h"
#include "oracle/processor/inquiry.h"
#include "oracle/processor/moving.h"

namespace eptdiff::image {

// What has been done, for the rate on other machines.
struct GuestCounts {
  std::uint64_t entries = 0;
  std::uint64_t vmwrites = 0;
  std::uint64_t vmreads = 0;
  std::uint64_t invalidations = 0;
  std::uint64_t retries = 0;  // after an NMI or an interrupt
  std::uint64_t ticks = 0;    // in Load(), Enter(), Perform(), Unload()
};

class GuestMachine final : public Machine {
 public:
  // In VMX operation. `memory` is all that cases may lie in.
  GuestMachine(const VmxCapabilities& capabilities,
               std::span<const FreeRange> memory);

  void Claim(std::span<const MovedRegion> regions) override;
  void Load(const ArrangedCase& arranged, const MachineState& state) override;
  Reply Enter(const MachineState& state, bool may_wait,
              Outcome& outcome) override;
  Reply Perform(const MachineState& state, const Step& step,
                const Verdict& verdict, Outcome& outcome,
                FieldSet& fields) override;
  bool Unload(const MachineState& state, bool conformed) override;
  // Looks at every page that some case has used: no case has a word there now.
  std::span<const MemoryWord> FindStrays() override;
  bool IsIntact() override { return SumOfProgram() == program_; }
  std::string_view why() const override { return why_; }

  // NMIs are none of the troubles.
  void AvoidNmis() { has_nmis_ = false; }
  // From now on, fetches that may come to the APIC-access page are unsafe.
  void AvoidApicFetches() { avoids_apic_fetches_ = true; }
  // Gates of 16 bytes across the end of the addresses of 32 bits are not asked:
  // who reads them in two parts goes to three places.
  void AvoidSplitGates() { avoids_split_gates_ = true; }
  // Nor are tokens of shadow stacks that are refused: who reads one before it
  // is written has begun with another access.
  void AvoidSplitTokens() { avoids_split_tokens_ = true; }
  // Pages that software executes change their size without INVEPT, though the
  // processor does not say that it survives that (CVE-2018-12207).
  void ChangePageSizes() { changes_page_sizes_ = true; }

  // From now on, one trouble after the other (troubles.h), a case each; or
  // interruptions alone, in all.
  void PlantTroubles() { trouble_ = Trouble::kUnexpectedExit; }
  void PlantInterruptions() {
    trouble_ = Trouble::kInterruptions;
    interrupts_all_ = true;
  }

  // What somebody else has left in memory, where no case has been yet: bytes of
  // E7H, entries that are present, of large pages.
  void LeaveGarbage();

  const GuestCounts& counts() const { return counts_; }

 private:
  // The bytes of an access in one page, where they should or may be.
  struct Piece {
    Hpa address = {};
    std::size_t bytes = 0;
    std::uint8_t before[16] = {};
    std::uint8_t expected[16] = {};  // when the access has been made
  };
  // Where a permitted answer has the access.
  using Target = FixedVector<Piece, 2>;
  static constexpr std::size_t kMaxTargets = 4;
  enum class Ended : std::uint8_t { kYes, kRetry, kFailed };

  void WriteHostState();
  void WriteControls(const Controls& controls);
  void WriteGuest(const GuestState& guest);
  void WriteSegments(std::uint64_t code, std::uint8_t cpl);
  // `again`: the guest has been interrupted, and goes on.
  void WriteStep(const MachineState& state, std::uint64_t rip,
                 std::uint32_t timer, bool again);
  Reply ReadEntry(Ended ended, Outcome& outcome);
  Ended Run(const MachineState& state, std::uint64_t rip, std::uint32_t timer);
  // False at an exit that no step expects: the guest runs what is none of ours.
  bool ReadEvent(const MachineState& state, const Step& step, Outcome& outcome);
  bool IsVirtualizationException(const MachineState& state,
                                 std::uint64_t vectoring) const;
  void ReadException(const MachineState& state, const Step& step,
                     Outcome& outcome);
  void ReadSaved(Outcome& outcome);
  void ReadRegisters(Outcome& outcome);
  void LoadOperands(const MachineState& state, const Step& step);
  Reply PerformInstruction(const MachineState& state, const Step& step,
                           const Verdict& verdict, Outcome& outcome);
  Reply Invalidate(const Invalidation& asked, Outcome& outcome);
  Reply PrepareAccess(const MachineState& state, const Step& step,
                      const Verdict& verdict);
  static bool MayFetchFromApic(const MachineState& state, const Step& step,
                               const Verdict& verdict);
  Reply FindTargets(const Step& step, const Verdict& verdict);
  bool AddTarget(const Step& step, const Event& completed);
  bool PlaceFetch(const Step& step);
  bool PlaceDescriptor(bool gate);
  bool AreTargetsIn(const BitWrites& writes) const;
  bool PlaceData(const Step& step, const Verdict& verdict);
  void TellApart(std::size_t number);
  const Target* FindReached(const Step& step);
  bool Changed(const Target& target) const;
  void TakeBackPieces();
  void CollectWrites(const MachineState& state, const Verdict& verdict,
                     Outcome& outcome);
  void LookAt(const MachineState& state, Hpa word, Outcome& outcome);
  void WatchWords(const MachineState& state, bool begins = false);
  bool IsMine(Hpa word) const;
  bool IsClean(Hpa address) const;
  void ClearLarge(const MovedRegion& region);
  bool Clean(Hpa address);
  bool IsTroubled(const Step& step) const;
  void BeginTrouble(const Step& step);
  void EndTrouble(const MachineState& state, const Step& step,
                  Outcome& outcome);
  void NextTrouble();
  bool EndAllKept();
  bool MayHoldWords(const Target& target) const;
  Reply Store(const MachineState& state, const Step& step, Outcome& outcome);
  void Forget(const MachineState& state);
  Reply Fail(std::string_view why);
  void Write(std::uint32_t field, std::uint64_t value);
  void WriteNew(std::uint32_t field, std::uint64_t value);
  std::uint64_t Read(std::uint32_t field);

  const VmxCapabilities capabilities_;
  const std::span<const FreeRange> memory_;
  // A bit for each page below 4 GBytes: it has been cleared.
  static constexpr std::size_t kPagesBelow4Gb = std::size_t{1} << 20;
  std::vector<bool> is_clean_ = std::vector<bool>(kPagesBelow4Gb);
  std::vector<std::uint32_t> clean_pages_;  // their numbers
  std::vector<bool> cleared_[2];  // likewise, pages of 2 MBytes, of 1 GByte
  std::vector<MemoryWord> strays_;
  std::vector<std::uint64_t> forgotten_;  // pages, by Forget()
  const std::uint64_t program_ = SumOfProgram();
  // What WriteNew() has written last, by encoding / 2.
  static constexpr std::size_t kFields = 0x7000 / 2;
  std::vector<std::uint64_t> written_ = std::vector<std::uint64_t>(kFields);
  std::vector<bool> is_written_ = std::vector<bool>(kFields);
  std::optional<std::uint32_t> loaded_pkru_;
  // Of the guest whose segments the VMCS has, the rights that they have by its
  // CPL and mode; 0: it has none.
  std::uint64_t segments_ = 0;
  // Whether the VMCS has the guest of the state: of what its own instructions
  // do to registers, it has not.
  bool has_guest_ = false;
  const ArrangedCase* arranged_ = nullptr;
  // The words of the case, in the order of the state's, with what is there as
  // far as answers have told.
  struct Watched {
    std::uint64_t address = 0;
    std::uint64_t value = 0;
    bool is_mine = false;
  };
  std::vector<Watched> watched_;
  std::uint64_t watched_pages_ = 0;  // as bits, by the low bits of numbers
  FixedVector<Target, kMaxTargets> targets_;
  bool avoids_apic_fetches_ = false;
  bool avoids_split_gates_ = false;
  bool avoids_split_tokens_ = false;
  bool changes_page_sizes_ = false;
  bool shows_address_ = false;
  bool ends_by_trap_ = false;  // the step that runs, by the monitor trap flag
  std::size_t fetched_ = 0;    // which target's code was executed
  bool has_entered_ = false;   // the guest of this case
  // Whether something that translations are made of has changed since what was
  // kept of them has been ended.
  bool has_changed_ = false;
  bool has_pdptes_ = false;        // the VMCS is to have, and has, the PDPTEs
  std::uint64_t exit_reason_ = 0;  // of the last VM exit
  std::uint64_t exit_interruption_ = 0;  // likewise; 0: it was no exception
  std::uint64_t exit_vectoring_ = 0;     // likewise
  std::uint64_t ssp_ = 0;  // what SSP begins with, where a step is about it
  Trouble trouble_ = Trouble::kNone;
  bool interrupts_all_ = false;
  bool has_nmis_ = true;
  bool has_trouble_ = false;  // this case is to have it
  Hpa code_place_ = {};       // of the page of code, where it was fetched last
  std::uint8_t replaced_[2] = {};
  GuestRegisters registers_;
  std::uint64_t pattern_ = 0x5a3c'96e1'7b2d'84f0;
  std::uint32_t step_timer_ = 0;
  std::string_view why_;
  GuestCounts counts_;
};

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_GUEST_MACHINE_H_
