#include "oracle/processor/image/guest_machine.h"

#include <algorithm>
#include <cstring>

#include "oracle/processor/guest_bits.h"
#include "oracle/processor/guest_code.h"
#include "oracle/processor/image/exits.h"
#include "oracle/processor/image/interrupts.h"
#include "oracle/processor/image/port.h"
#include "oracle/processor/image/vmcs.h"

namespace eptdiff::image {
namespace {

using namespace guest_bits;
using namespace vmcs;

constexpr int kPinTimer = 6;
constexpr std::uint64_t kMonitorTrapFlag = Bit(27);  // of the primary controls
constexpr int kCapInvvpidAll = 43;

// Adds the time that it lives to a count.
class Stopwatch {
 public:
  explicit Stopwatch(std::uint64_t& count)
      : count_(count), start_(TimeStamp()) {}
  ~Stopwatch() { count_ += TimeStamp() - start_; }

 private:
  std::uint64_t& count_;
  const std::uint64_t start_;
};

// Whether the guest uses PAE paging: else a VM exit leaves the fields of the
// PDPTEs undefined (28.3.4).
bool HasPdptes(const GuestState& g) {
  return Pages(g) && Has(g.cr4, kCr4Pae) && !Has(g.efer, kEferLma);
}

// A case has few pages, mostly side by side.
std::uint64_t PageBit(std::uint64_t address) {
  return Bit(static_cast<int>(address / kPage % 64));
}

// Whether a page is 0, a few words at a time: all pages are looked at often.
bool IsClear(Hpa page) {
  constexpr std::size_t kAtOnce = 64;
  const auto* const words = reinterpret_cast<const std::uint64_t*>(page.value);
  for (std::size_t i = 0; i < kPage / 8; i += kAtOnce) {
    std::uint64_t any = 0;
    for (std::size_t k = 0; k < kAtOnce; ++k) any |= words[i + k];
    if (any != 0) return false;
  }
  return true;
}

bool IsNmi(std::uint64_t information) {
  constexpr std::uint64_t kNmi = 2;
  return Has(information, 31) && (information >> 8 & 7) == kNmi;
}

// Delivery of an NMI that exits leaves NMIs blocked, here too: IRET ends that.
void UnblockNmis() {
  asm volatile(
      "movq %%rsp, %%rax\n\t"
      "pushq $0x10\n\t"
      "pushq %%rax\n\t"
      "pushfq\n\t"
      "pushq $0x08\n\t"
      "pushq $1f\n\t"
      "iretq\n"
      "1:"
      :
      :
      : "rax", "memory", "cc");
}

}  // namespace

GuestMachine::GuestMachine(const VmxCapabilities& capabilities,
                           std::span<const FreeRange> memory)
    : capabilities_(capabilities), memory_(memory) {
  // Some milliseconds; the timer counts once in 2^MISC[4:0] ticks.
  constexpr std::uint64_t kTicks = 1 << 24;
  step_timer_ =
      static_cast<std::uint32_t>((kTicks >> (capabilities.misc & 31)) + 1);
  // IA32_ARCH_CAPABILITIES.PSCHANGE_MC_NO.
  constexpr std::uint32_t kArchCapabilities = 0x10a;
  std::uint64_t value = 0;
  changes_page_sizes_ = Cpuid(0).eax >= 7 && Has(Cpuid(7).edx, 29) &&
                        TryReadMsr(kArchCapabilities, value) && Has(value, 6);
  WriteHostState();
}

Reply GuestMachine::Fail(std::string_view why) {
  why_ = why;
  return Reply::kHarnessError;
}

bool GuestMachine::IsClean(Hpa address) const {
  return address.value / kPage < kPagesBelow4Gb &&
         is_clean_[address.value / kPage];
}

bool GuestMachine::IsMine(Hpa word) const {
  if (IsClean(word)) return true;
  return std::any_of(memory_.begin(), memory_.end(), [&](const FreeRange& r) {
    return word.value - r.first.value < r.bytes;
  });
}

// Whether the address is in memory of ours. What lay there when the machine was
// started is then gone.
bool GuestMachine::Clean(Hpa address) {
  if (IsClean(address)) return true;
  if (!IsMine(address)) return false;
  const std::uint64_t page = address.value / kPage;
  is_clean_[page] = true;
  clean_pages_.push_back(static_cast<std::uint32_t>(page));
  std::memset(BytesAt(Hpa{page * kPage}), 0, kPage);
  return true;
}

void GuestMachine::Claim(std::span<const MovedRegion> regions) {
  for (const MovedRegion& region : regions) {
    if (region.shift == 12) {
      Clean(Hpa{region.to});
    } else {
      ClearLarge(region);
    }
  }
}

// Of what a large page maps, the guest's walks read what is no word of the
// case, too: it is 0.
void GuestMachine::ClearLarge(const MovedRegion& region) {
  std::vector<bool>& are_cleared = cleared_[region.shift == 30];
  const std::uint64_t place = region.to >> region.shift;
  if (place >= are_cleared.size()) are_cleared.resize(place + 1);
  if (are_cleared[place]) return;
  are_cleared[place] = true;
  for (std::uint64_t offset = 0; offset >> region.shift == 0; offset += kPage) {
    const Hpa page{region.to + offset};
    if (!IsClean(page)) std::memset(BytesAt(page), 0, kPage);
  }
}

// The words that steps have added to the state since. When the case begins,
// their pages are cleaned; what lies elsewhere nothing leads to (moving.h).
void GuestMachine::WatchWords(const MachineState& state, bool begins) {
  const std::span<const Hpa> words = state.memory.addresses();
  for (std::size_t i = watched_.size(); i < words.size(); ++i) {
    const bool is_mine = begins ? Clean(words[i]) : IsMine(words[i]);
    watched_.push_back({words[i].value, state.memory.Load(words[i]), is_mine});
    watched_pages_ |= PageBit(words[i].value);
  }
}

void GuestMachine::Load(const ArrangedCase& arranged,
                        const MachineState& state) {
  const Stopwatch watch(counts_.ticks);
  arranged_ = &arranged;
  has_trouble_ = trouble_ != Trouble::kNone;
  watched_.clear();
  watched_pages_ = 0;
  WatchWords(state, /*begins=*/true);
  for (const Watched& word : watched_) {
    if (word.is_mine) WordAt(Hpa{word.address}) = word.value;
  }
  WriteControls(state.controls);
  WriteGuest(state.guest);
  has_entered_ = false;
  // Combined mappings are ended by INVEPT, too, but whoever gets that wrong is
  // not to answer a case by what an earlier one has left.
  EndAllKept();
  if (Has(capabilities_.ept_vpid_cap, kCapInvvpidAll)) {
    ++counts_.invalidations;
    Invvpid(2, 0, 0);
  }
}

// INVEPT of all contexts is there (WhyNoEpt), and enough: with EPT all that is
// kept is guest-physical or combined (29.4.3.1).
bool GuestMachine::EndAllKept() {
  ++counts_.invalidations;
  if (Invept(2, 0, 0) != VmResult::kSucceed) {
    why_ = "INVEPT of all contexts fails";
    return false;
  }
  has_changed_ = false;
  return true;
}

GuestMachine::Ended GuestMachine::Run(const MachineState& state,
                                      std::uint64_t rip, std::uint32_t timer) {
  constexpr int kTries = 1000;
  // What the processor does in between, as at an SMI, may take the guest's
  // time. Who is stuck is so each time. An interrupted guest goes on where it
  // is: what it has done, such as to the log, it does not do again.
  constexpr int kExpiries = 3;
  int expired = 0;
  // At each moment of a step: by an NMI that comes with the VM entry, before
  // its instruction, and before what ends it.
  const bool interrupts = has_trouble_ && trouble_ == Trouble::kInterruptions;
  for (int i = 0; i < kTries; ++i) {
    const int moment = has_nmis_ ? i : i + 1;
    const bool by_nmi = interrupts && moment == 0;
    const bool before_all = interrupts && moment == 1;
    const bool before_end = interrupts && moment == 2 && !ends_by_trap_ &&
                            capabilities_.limits.has_monitor_trap;
    if (before_end) Write(kPrimary, state.controls.primary | kMonitorTrapFlag);
    WriteStep(state, rip, before_all ? 0 : timer, i != 0);
    if (has_changed_ && !arranged_->keeps && !EndAllKept()) {
      return Ended::kFailed;
    }
    if (by_nmi && !HoldNmi()) {
      why_ = "no NMI can be had to interrupt a guest with";
      return Ended::kRetry;
    }
    ++counts_.entries;
    const VmResult result = RunGuest(registers_);
    if (by_nmi) UnblockNmis();
    if (before_end) Write(kPrimary, state.controls.primary);
    if (result != VmResult::kSucceed) return Ended::kFailed;
    exit_reason_ = Read(kExitReason);
    exit_interruption_ = exit_vectoring_ = 0;
    if (exit_reason_ == kException) {
      exit_interruption_ = Read(kExitInterruption);
      exit_vectoring_ = Read(kVectoringInformation);
    }
    // Without NMI exiting it is delivered to the guest, whose IDT is empty.
    const bool nmi = IsNmi(exit_interruption_) ||
                     (IsNmi(exit_vectoring_) && !state.guest.event_delivery);
    const bool late = (exit_reason_ == kTimer && timer != 0 &&
                       (before_all || ++expired < kExpiries)) ||
                      (before_end && exit_reason_ == kMonitorTrap);
    if (exit_reason_ != kExternalInterrupt && !nmi && !late) {
      return Ended::kYes;
    }
    if (nmi) UnblockNmis();
    has_changed_ = true;
    ++counts_.retries;
  }
  why_ = "interrupts come without end";
  return Ended::kRetry;
}

Reply GuestMachine::Enter(const MachineState& state, bool may_wait,
                          Outcome& outcome) {
  outcome.event = Event();
  outcome.saved = SavedState();
  outcome.registers = RegistersOf(state);
  outcome.writes.clear();
  has_pdptes_ = HasPdptes(state.guest);
  if (!Has(state.controls.pin_based, kPinTimer)) {
    return Fail("there is no VMX-preemption timer");
  }
  if (may_wait) return Reply::kAnswered;
  const Reply reply = ReadEntry(Run(state, 0, 0), outcome);
  if (reply != Reply::kAnswered ||
      outcome.event.kind != EventKind::kCompleted || exit_reason_ == kTimer) {
    return reply;
  }
  // Something of the guest came first.
  outcome.event.kind = EventKind::kVmExit;
  outcome.event.exit_reason = static_cast<std::uint16_t>(exit_reason_);
  return reply;
}

// What a VM entry says of itself: it completes, or fails.
Reply GuestMachine::ReadEntry(Ended ended, Outcome& outcome) {
  switch (ended) {
    case Ended::kRetry:
      return Reply::kHarnessError;
    case Ended::kFailed:
      switch (Read(kInstructionError)) {
        case 7:
          outcome.event.kind = EventKind::kVmEntryFailure;
          return Reply::kAnswered;
        case 8:
          return Fail("VM entry refuses the state of the host");
        default:
          return Fail("VM entry fails for no reason of a case's");
      }
    case Ended::kYes:
      break;
  }
  if ((exit_reason_ & 0xffff) == kInvalidGuestState && Has(exit_reason_, 31)) {
    outcome.event.kind = EventKind::kGuestStateFailure;
    outcome.event.exit_reason = kInvalidGuestState;
    outcome.event.qualification = Read(kExitQualification);
    return Reply::kAnswered;
  }
  has_entered_ = true;
  return Reply::kAnswered;
}

Reply GuestMachine::Perform(const MachineState& state, const Step& step,
                            const Verdict& verdict, Outcome& outcome,
                            FieldSet& fields) {
  const Stopwatch watch(counts_.ticks);
  outcome.event = Event();
  outcome.saved = SavedState();
  outcome.registers = RegistersOf(state);
  outcome.writes.clear();
  ssp_ = 0;
  has_pdptes_ = step.kind != StepKind::kLinearAccess || HasPdptes(state.guest);
  if (step.kind == StepKind::kStore) return Store(state, step, outcome);
  if (step.kind == StepKind::kVmEntry) {
    WriteControls(state.controls);
    WriteGuest(state.guest);
    has_changed_ = true;
    return Enter(state, /*may_wait=*/false, outcome);
  }
  if (step.kind == StepKind::kInvalidation && !HasInstruction(step)) {
    return Invalidate(step.invalidation, outcome);
  }
  if (step.kind != StepKind::kLinearAccess) {
    return PerformInstruction(state, step, verdict, outcome);
  }
  const bool troubled = IsTroubled(step);
  const Reply reply = PrepareAccess(state, step, verdict);
  if (reply != Reply::kAnswered) {
    if (troubled && trouble_ == Trouble::kNotRam) NextTrouble();
    return reply;
  }
  const bool fetch = step.access.kind == AccessKind::kFetch;
  // An event is delivered before anything is fetched.
  const std::uint64_t rip = fetch ? step.gla.value
                            : state.guest.event_delivery
                                ? 0
                                : arranged_->code.value + CodeOffset(step);
  registers_.rbx = step.gla.value;
  const GuestState& guest = state.guest;
  if (guest.event_delivery) {
    const std::uint64_t entry = Has(guest.efer, kEferLma) ? 16 : 8;
    Write(kEntryInterruption, guest.delivered_event);
    Write(kEntryErrorCode, guest.delivered_error_code);
    Write(kEntryInstructionLength, guest.instruction_length);
    Write(kGuestIdtrBase,
          step.gla.value - entry * (guest.delivered_event & 0xff));
    Write(kGuestIdtrLimit, 0xffff);
  } else if (step.access.kind == AccessKind::kShadowStackRead) {
    ssp_ = step.gla.value;
    registers_.rcx = 1;
  } else if (step.access.implicit_supervisor) {
    Write(kGuestGdtrBase, step.gla.value - kDescriptorOffset);
    Write(kGuestGdtrLimit, 0xffff);
    registers_.rax = kDescriptorOffset | 3;
  }
  if (troubled) BeginTrouble(step);
  const Ended ended = Run(state, rip, step_timer_);
  if (!has_entered_) {
    const Reply entry = ReadEntry(ended, outcome);
    if (entry != Reply::kAnswered) return entry;
    if (outcome.event.kind != EventKind::kCompleted) {
      TakeBackPieces();
      outcome.registers = RegistersOf(state);
      return Reply::kNotEntered;
    }
  }
  switch (ended) {
    case Ended::kYes:
      break;
    case Ended::kRetry:
      return Reply::kHarnessError;
    case Ended::kFailed:
      return Fail("VM entry fails at a step, having succeeded before");
  }
  const bool expected = ReadEvent(state, step, outcome);
  if (troubled) EndTrouble(state, step, outcome);
  registers_.rcx = 0;
  if (ssp_ != 0) Write(kGuestSsp, 0);
  ssp_ = 0;
  if (guest.event_delivery) {
    Write(kEntryInterruption, 0);
    Write(kGuestIdtrBase, 0);
    Write(kGuestIdtrLimit, 0);
    constexpr std::uint32_t kNmi = 2;
    if ((guest.delivered_event >> 8 & 7) == kNmi) UnblockNmis();
  }
  if (!expected) {
    TakeBackPieces();
    return Fail("an exit that no step expects");
  }
  if (outcome.event.kind == EventKind::kCompleted) {
    Event& event = outcome.event;
    event.translation_count =
        step.gla.value % kPage + step.access.size > kPage ? 2 : 1;
    const Target* reached = FindReached(step);
    if (fetch && reached != nullptr && step.gla == arranged_->code) {
      code_place_ = (*reached)[0].address;
    }
    for (std::size_t i = 0; i < event.translation_count; ++i) {
      event.translations[i].address = reached != nullptr && i < reached->size()
                                          ? (*reached)[i].address
                                          : Hpa{~std::uint64_t{0}};
    }
    if (!shows_address_) fields &= ~SetOf(eptdiff::Field::kAddress);
  }
  TakeBackPieces();
  ReadRegisters(outcome);
  if (outcome.event.kind == EventKind::kVmExit) ReadSaved(outcome);
  CollectWrites(state, verdict, outcome);
  // What was placed may have been taken for an entry.
  has_changed_ =
      has_changed_ || !outcome.writes.empty() ||
      std::any_of(targets_.begin(), targets_.end(),
                  [&](const Target& target) { return MayHoldWords(target); });
  return Reply::kAnswered;
}

// Whether a page of the target may have a word of the case in it.
bool GuestMachine::MayHoldWords(const Target& target) const {
  return std::any_of(target.begin(), target.end(), [&](const Piece& piece) {
    return (watched_pages_ & PageBit(piece.address.value)) != 0;
  });
}

Reply GuestMachine::Store(const MachineState& state, const Step& step,
                          Outcome& outcome) {
  if (!Clean(step.hpa)) return Reply::kOwnMemory;
  const std::uint64_t old = state.memory.Load(step.hpa);
  // A page that is executed changes its size, if the word is an entry.
  constexpr int kLargePage = 7;
  constexpr std::uint64_t kExecute = 1 << 2 | 1 << 10;
  if (!changes_page_sizes_ && Has(old ^ step.value, kLargePage) &&
      (old & kExecute) != 0 && (step.value & kExecute) != 0) {
    return Reply::kUnsafe;
  }
  if (old != step.value) outcome.writes.push_back({step.hpa, step.value});
  WordAt(step.hpa) = step.value;
  has_changed_ = true;
  WatchWords(state);
  for (Watched& word : watched_) {
    if (word.address == step.hpa.value) word.value = step.value;
  }
  return Reply::kAnswered;
}

void GuestMachine::LoadOperands(const MachineState& state, const Step& step) {
  registers_.rax = step.value;
  registers_.rbx = registers_.rcx = registers_.rdx = 0;
  switch (step.kind) {
    case StepKind::kPdpteLoad:
      registers_.rax = state.guest.cr3;
      return;
    case StepKind::kEptpSwitch:
      registers_.rcx = step.index;
      return;
    case StepKind::kInvalidation: {
      const bool page = step.invalidation.kind == InvalidationKind::kInvlpg;
      registers_.rax = step.invalidation.type;
      registers_.rbx = page ? step.invalidation.second
                            : arranged_->code.value + kInvpcidDescriptor;
      return;
    }
    default:
      break;
  }
  const std::uint64_t msr = step.reg == GuestRegister::kEfer   ? 0xc0000080
                            : step.reg == GuestRegister::kPat  ? 0x277
                            : step.reg == GuestRegister::kPkrs ? 0x6e1
                                                               : 0;
  if (msr == 0) return;
  registers_.rcx = msr;
  registers_.rax = step.value & 0xffffffff;
  registers_.rdx = step.value >> 32;
}

// One instruction that accesses nothing of its own, and then the monitor trap
// flag: nothing behind it is fetched.
Reply GuestMachine::PerformInstruction(const MachineState& state,
                                       const Step& step, const Verdict& verdict,
                                       Outcome& outcome) {
  constexpr std::uint64_t kUseMsrBitmaps = Bit(28);
  targets_.clear();
  LoadOperands(state, step);
  const bool writes = step.kind == StepKind::kRegisterWrite;
  Write(kPrimary, state.controls.primary | kMonitorTrapFlag |
                      (writes ? kUseMsrBitmaps : 0));
  ends_by_trap_ = true;
  const Ended ended =
      Run(state, arranged_->code.value + CodeOffset(step), step_timer_);
  ends_by_trap_ = false;
  has_changed_ = true;
  Write(kPrimary, state.controls.primary);
  registers_.rcx = registers_.rdx = 0;
  // The guest may have other registers now.
  has_guest_ = false;
  loaded_pkru_.reset();
  for (const std::uint32_t field : {kGuestCr0, kGuestCr3, kGuestCr4, kGuestEfer,
                                    kGuestPat, kGuestPkrs, kEptp, kEptpIndex}) {
    is_written_[field / 2] = false;
  }
  if (ended == Ended::kRetry) return Reply::kHarnessError;
  if (ended == Ended::kFailed) {
    return Fail("VM entry fails at a step, having succeeded before");
  }
  const std::uint64_t reason = exit_reason_;
  if (reason == kVmfunc || reason == kInvlpg || reason == kInvpcid) {
    outcome.event = Event();
    outcome.event.kind = EventKind::kVmExit;
    outcome.event.exit_reason = static_cast<std::uint16_t>(reason);
    outcome.event.qualification = Read(kExitQualification);
  } else if (reason != kMonitorTrap && !ReadEvent(state, step, outcome)) {
    return Fail("an exit that no step expects");
  }
  ReadRegisters(outcome);
  if (outcome.event.kind == EventKind::kVmExit) ReadSaved(outcome);
  CollectWrites(state, verdict, outcome);
  return Reply::kAnswered;
}

Reply GuestMachine::Invalidate(const Invalidation& asked, Outcome& outcome) {
  constexpr std::uint64_t kInvalidOperand = 28;
  ++counts_.invalidations;
  const VmResult result = asked.kind == InvalidationKind::kInvept
                              ? Invept(asked.type, asked.first, asked.second)
                              : Invvpid(asked.type, asked.first, asked.second);
  if (result == VmResult::kSucceed) return Reply::kAnswered;
  if (result != VmResult::kFailValid ||
      Read(kInstructionError) != kInvalidOperand) {
    return Fail("INVEPT or INVVPID fails for no reason of a case's");
  }
  outcome.event.kind = EventKind::kInvalidOperand;
  return Reply::kAnswered;
}

bool GuestMachine::Unload(const MachineState& state, bool conformed) {
  const Stopwatch watch(counts_.ticks);
  bool same = true;
  WatchWords(state);
  for (const Watched& word : watched_) {
    if (!word.is_mine) continue;
    const Hpa at{word.address};
    same = same &&
           (WordAt(at) == word.value || WordAt(at) == state.memory.Load(at));
    WordAt(at) = 0;
  }
  if (!conformed) Forget(state);
  targets_.clear();
  return same;
}

std::span<const MemoryWord> GuestMachine::FindStrays() {
  constexpr std::size_t kMost = 8;
  strays_.clear();
  for (const std::uint32_t page : clean_pages_) {
    const std::uint64_t first = page * kPage;
    if (IsClear(Hpa{first})) continue;
    for (std::uint64_t word = first; word != first + kPage; word += 8) {
      const std::uint64_t value = WordAt(Hpa{word});
      if (value == 0) continue;
      if (strays_.size() < kMost) strays_.push_back({Hpa{word}, value});
      WordAt(Hpa{word}) = 0;
    }
  }
  return strays_;
}

// A departure may have left anything in the log, the area, the pages, and in
// the registers of the guest.
void GuestMachine::Forget(const MachineState& state) {
  const Controls& k = state.controls;
  forgotten_.clear();
  const auto forget = [&](std::uint64_t address) {
    forgotten_.push_back(address & ~(kPage - 1));
  };
  if (Has(k.secondary, kSecondaryPml)) forget(k.pml_address);
  if (Has(k.secondary, kSecondaryVe)) forget(k.ve_information_address);
  for (const Target& target : targets_) {
    for (const Piece& piece : target) forget(piece.address.value);
  }
  for (const Hpa word : state.memory.addresses()) forget(word.value);
  std::sort(forgotten_.begin(), forgotten_.end());
  const auto end = std::unique(forgotten_.begin(), forgotten_.end());
  std::for_each(forgotten_.begin(), end, [&](std::uint64_t page) {
    if (IsMine(Hpa{page})) std::memset(BytesAt(Hpa{page}), 0, kPage);
  });
  std::fill(is_written_.begin(), is_written_.end(), false);
  segments_ = 0;
  has_guest_ = false;
  loaded_pkru_.reset();
}

}  // namespace eptdiff::image
