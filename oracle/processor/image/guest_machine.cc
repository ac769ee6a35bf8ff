#include "oracle/processor/image/guest_machine.h"

#include <algorithm>
#include <cstring>

#include "oracle/processor/guest_code.h"
#include "oracle/processor/image/interrupts.h"
#include "oracle/processor/image/port.h"
#include "oracle/processor/image/vmcs.h"

extern "C" {
extern const char guest_exit[];   // guest_entry.S
extern char gdt[], task_state[];  // boot.S
}

namespace eptdiff::image {
namespace {

using namespace vmcs;

constexpr std::uint64_t Bit(int n) { return std::uint64_t{1} << n; }
constexpr bool Has(std::uint64_t value, int n) { return (value >> n & 1) != 0; }

constexpr std::uint64_t kPage = 4096;
constexpr int kSecondaryVpid = 5, kSecondaryPml = 17, kSecondaryVe = 18;
constexpr int kPinTimer = 6;
constexpr int kCr4Pke = 22, kCr4Cet = 23;
// IA32_U_CET, IA32_S_CET: shadow stacks, and WRSS.
constexpr std::uint64_t kShadowStacks = 3;
constexpr int kEferLma = 10;
constexpr std::uint32_t kEferMsr = 0xc0000080, kPatMsr = 0x277;
constexpr int kCapInvvpidAll = 43;

// Basic exit reasons (appendix C).
enum Reason : std::uint16_t {
  kException = 0,
  kExternalInterrupt = 1,
  kInvalidGuestState = 33,
  kApicAccess = 44,
  kEptViolation = 48,
  kEptMisconfiguration = 49,
  kTimer = 52,
  kMonitorTrap = 37,
  kVmfunc = 59,
  kPmlFull = 62,
  kSppEvent = 66,
};
constexpr unsigned kBreakpoint = 3, kUndefined = 6, kNotPresent = 11,
                   kProtection = 13, kPage14 = 14, kVirtualization = 20;

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

volatile std::uint64_t& WordAt(Hpa address) {
  return *reinterpret_cast<volatile std::uint64_t*>(address.value);
}
std::uint8_t* BytesAt(Hpa address) {
  return reinterpret_cast<std::uint8_t*>(address.value);
}

// PKRU is in no VMCS. WRPKRU needs CR4.PKE, and then counts for this program's
// own accesses, too, of which there are none meanwhile.
void LoadPkru(std::uint32_t pkru) {
  const std::uint64_t cr4 = ReadCr4();
  asm volatile("mov %0, %%cr4\n\twrpkru\n\tmov %1, %%cr4"
               :
               : "r"(cr4 | Bit(kCr4Pke)), "r"(cr4), "a"(pkru), "c"(0), "d"(0)
               : "memory");
}

}  // namespace

GuestMachine::GuestMachine(const VmxCapabilities& capabilities,
                           std::span<const FreeRange> memory)
    : capabilities_(capabilities), memory_(memory) {
  // Some milliseconds; the timer counts once in 2^MISC[4:0] ticks.
  constexpr std::uint64_t kTicks = 1 << 24;
  step_timer_ =
      static_cast<std::uint32_t>((kTicks >> (capabilities.misc & 31)) + 1);
  WriteHostState();
}

void GuestMachine::Write(std::uint32_t field, std::uint64_t value) {
  ++counts_.vmwrites;
  VmWrite(field, value);
}

// A field that no guest of ours can change: written if it is another value.
void GuestMachine::WriteNew(std::uint32_t field, std::uint64_t value) {
  const std::size_t i = field / 2;
  if (is_written_[i] && written_[i] == value) return;
  is_written_[i] = true;
  written_[i] = value;
  Write(field, value);
}

std::uint64_t GuestMachine::Read(std::uint32_t field) {
  ++counts_.vmreads;
  return VmRead(field);
}

Reply GuestMachine::Fail(std::string_view why) {
  why_ = why;
  return Reply::kHarnessError;
}

void GuestMachine::WriteHostState() {
  Write(kHostCr0, ReadCr0());
  Write(kHostCr3, ReadCr3());
  Write(kHostCr4, ReadCr4());
  constexpr std::uint64_t kCode = 0x08, kData = 0x10, kTask = 0x18;
  for (std::uint32_t segment = 0; segment < 7; ++segment) {
    Write(kHostEsSelector + 2 * segment, segment == kCs ? kCode
                                         : segment == 6 ? kTask
                                                        : kData);
  }
  Write(kHostFsBase, 0);
  Write(kHostFsBase + 2, 0);
  Write(kHostTrBase, reinterpret_cast<std::uint64_t>(task_state));
  Write(kHostGdtrBase, reinterpret_cast<std::uint64_t>(gdt));
  Write(kHostIdtrBase, InterruptTableAddress());
  Write(kHostSysenterCs, 0);
  Write(kHostSysenterEsp, 0);
  Write(kHostSysenterEip, 0);
  Write(kHostRip, reinterpret_cast<std::uint64_t>(guest_exit));
  Write(kHostPat, ReadMsr(kPatMsr));
  Write(kHostEfer, ReadMsr(kEferMsr));
  Write(kVmcsLink, ~std::uint64_t{0});
  if (capabilities_.limits.has_shadow_stacks) {
    for (const std::uint32_t field :
         {kHostSCet, kHostSsp, kHostSspTable, kGuestSspTable, kGuestSsp}) {
      Write(field, 0);
    }
    // At CPL 3, where this program never is.
    constexpr std::uint32_t kUCetMsr = 0x6a0;
    TryWriteMsr(kUCetMsr, kShadowStacks);
  }
  for (const std::uint32_t field :
       {kTscOffset, kXssExitingBitmap, kPageFaultMask, kPageFaultMatch,
        kCr3TargetCount, kExitMsrStoreCount, kExitMsrLoadCount,
        kEntryMsrLoadCount, kEntryInterruption, kGuestDebugctl,
        kGuestSysenterCs, kGuestSysenterEsp, kGuestSysenterEip, kCr0Mask,
        kCr4Mask, kCr0Shadow, kCr4Shadow, kSecondaryExit}) {
    Write(field, 0);
  }
}

void GuestMachine::WriteControls(const Controls& k) {
  WriteNew(kPinBased, k.pin_based);
  WriteNew(kPrimary, k.primary);
  WriteNew(kSecondary, k.secondary);
  WriteNew(kExitControls, k.exit_controls);
  WriteNew(kEntryControls, k.entry_controls);
  WriteNew(kExceptionBitmap, k.exception_bitmap);
  // Fields that a processor may not have.
  WriteNew(kTertiary, k.tertiary);
  WriteNew(kVmFunctions, k.vm_functions);
  WriteNew(kPmlAddress, k.pml_address);
  WriteNew(kSpptp, k.spptp);
  WriteNew(kVeInformationAddress, k.ve_information_address);
  WriteNew(kEptpListAddress, k.eptp_list_address);
  WriteNew(kHlatp, k.hlatp);
  WriteNew(kHlatPrefixSize, k.hlat_prefix_size);
  WriteNew(kVpid, k.vpid);
  WriteNew(kApicAccessAddress, k.apic_access_address);
}

void GuestMachine::WriteGuest(const GuestState& g) {
  WriteNew(kGuestCr0, g.cr0);
  WriteNew(kGuestCr3, g.cr3);
  WriteNew(kGuestCr4, g.cr4);
  WriteNew(kGuestEfer, g.efer);
  WriteNew(kGuestPat, g.pat);
  WriteNew(kGuestPkrs, g.pkrs);
  if (capabilities_.limits.has_shadow_stacks) {
    WriteNew(kGuestSCet, Has(g.cr4, kCr4Cet) ? kShadowStacks : 0);
  }
  WriteNew(kGuestDr7, 0x400);
  WriteNew(kGuestRsp, 0);
  // Flat segments. Rights: type, S, DPL, P, L, D/B, G.
  const std::uint64_t dpl = std::uint64_t{g.cpl} << 5;
  const std::uint64_t code =
      0x809b | dpl | (g.cs_l ? std::uint64_t{0x2000} : std::uint64_t{0x4000});
  for (std::uint32_t segment = kEs; segment <= kGs; ++segment) {
    const std::uint64_t rights = segment == kCs   ? code
                                 : segment == kSs ? 0xc093 | dpl
                                                  : 0xc0f3;
    const std::uint64_t selector = segment == kCs ? 0x08 : 0x10;
    WriteNew(kGuestEsSelector + 2 * segment, selector | g.cpl);
    WriteNew(kGuestEsBase + 2 * segment, 0);
    WriteNew(kGuestEsLimit + 2 * segment, 0xffffffff);
    WriteNew(kGuestEsRights + 2 * segment, rights);
  }
  WriteNew(kGuestEsSelector + 2 * kLdtr, 0);
  WriteNew(kGuestEsBase + 2 * kLdtr, 0);
  WriteNew(kGuestEsLimit + 2 * kLdtr, 0);
  WriteNew(kGuestEsRights + 2 * kLdtr, 0x10000);  // unusable
  WriteNew(kGuestEsSelector + 2 * kTr, 0x18);
  WriteNew(kGuestEsBase + 2 * kTr, 0);
  WriteNew(kGuestEsLimit + 2 * kTr, 0x67);
  WriteNew(kGuestEsRights + 2 * kTr, 0x8b);
  WriteNew(kGuestGdtrBase, 0);
  WriteNew(kGuestGdtrLimit, 0);
  WriteNew(kGuestIdtrBase, 0);
  WriteNew(kGuestIdtrLimit, 0);
  if (capabilities_.limits.processor.pku && loaded_pkru_ != g.pkru) {
    LoadPkru(g.pkru);
    loaded_pkru_ = g.pkru;
  }
}

void GuestMachine::WriteStep(const MachineState& state, std::uint64_t rip,
                             std::uint32_t timer) {
  Write(kEptp, state.controls.eptp);
  Write(kPmlIndex, state.controls.pml_index);
  Write(kEptpIndex, state.controls.eptp_index);
  for (std::uint32_t i = 0; i < 4; ++i) {
    Write(kGuestPdpte0 + 2 * i, state.guest.pdpte[i]);
  }
  Write(kGuestRip, rip);
  Write(kGuestRflags, state.guest.rflags);
  Write(kGuestInterruptibility, 0);
  Write(kGuestActivity, 0);
  Write(kGuestPendingDebug, 0);
  Write(kPreemptionTimer, timer);
}

bool GuestMachine::IsMine(Hpa word) const {
  return std::any_of(memory_.begin(), memory_.end(), [&](const FreeRange& r) {
    return word.value - r.first.value < r.bytes;
  });
}

// Whether the address is in memory of ours. What lay there when the machine was
// started is then gone.
bool GuestMachine::Clean(Hpa address) {
  if (!IsMine(address)) return false;
  const std::uint64_t page = address.value / kPage;
  if (is_clean_[page]) return true;
  is_clean_[page] = true;
  std::memset(BytesAt(Hpa{page * kPage}), 0, kPage);
  return true;
}

void GuestMachine::Claim(std::span<const MovedRegion> regions) {
  for (const MovedRegion& region : regions) {
    // Of what a large page maps, only what is accessed matters.
    if (region.shift == 12) Clean(Hpa{region.to});
  }
}

void GuestMachine::Load(const ArrangedCase& arranged,
                        const MachineState& state) {
  const Stopwatch watch(counts_.ticks);
  arranged_ = &arranged;
  for (const Hpa word : state.memory.addresses()) {
    // What lies elsewhere nothing leads to (moving.h).
    if (Clean(word)) WordAt(word) = state.memory.Load(word);
  }
  WriteControls(state.controls);
  WriteGuest(state.guest);
}

GuestMachine::Ended GuestMachine::Run(const MachineState& state,
                                      std::uint64_t rip, std::uint32_t timer) {
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries; ++i) {
    WriteStep(state, rip, timer);
    ++counts_.invalidations;
    if (Invept(2, 0, 0) != VmResult::kSucceed) {
      why_ = "INVEPT of all contexts fails";
      return Ended::kFailed;
    }
    if (Has(state.controls.secondary, kSecondaryVpid) &&
        Has(capabilities_.ept_vpid_cap, kCapInvvpidAll)) {
      ++counts_.invalidations;
      Invvpid(2, 0, 0);
    }
    const GuestRegisters before = registers_;
    ++counts_.entries;
    if (RunGuest(registers_) != VmResult::kSucceed) return Ended::kFailed;
    const std::uint64_t reason = Read(kExitReason);
    const bool nmi =
        reason == kException && (Read(kExitInterruption) >> 8 & 7) == 2;
    if (reason != kExternalInterrupt && !nmi) return Ended::kYes;
    registers_ = before;
    ++counts_.retries;
  }
  why_ = "interrupts come without end";
  return Ended::kRetry;
}

Reply GuestMachine::Enter(const MachineState& state, Outcome& outcome) {
  outcome.event = Event();
  outcome.saved = SavedState();
  outcome.registers = RegistersOf(state);
  outcome.writes.clear();
  if (!Has(state.controls.pin_based, kPinTimer)) {
    return Fail("there is no VMX-preemption timer");
  }
  switch (Run(state, 0, 0)) {
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
  const std::uint64_t reason = Read(kExitReason);
  if ((reason & 0xffff) == kInvalidGuestState && Has(reason, 31)) {
    outcome.event.kind = EventKind::kGuestStateFailure;
    outcome.event.exit_reason = kInvalidGuestState;
    outcome.event.qualification = Read(kExitQualification);
    return Reply::kAnswered;
  }
  if (reason != kTimer) {
    // Something of the guest came first.
    outcome.event.kind = EventKind::kVmExit;
    outcome.event.exit_reason = static_cast<std::uint16_t>(reason);
  }
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
  if (step.kind == StepKind::kStore) {
    if (!Clean(step.hpa)) return Reply::kOwnMemory;
    if (state.memory.Load(step.hpa) != step.value) {
      outcome.writes.push_back({step.hpa, step.value});
    }
    WordAt(step.hpa) = step.value;
    return Reply::kAnswered;
  }
  if (step.kind == StepKind::kVmEntry) {
    WriteControls(state.controls);
    WriteGuest(state.guest);
    return Enter(state, outcome);
  }
  if (step.kind == StepKind::kInvalidation) {
    return Invalidate(step.invalidation, outcome);
  }
  if (step.kind != StepKind::kLinearAccess) {
    return PerformInstruction(state, step, verdict, outcome);
  }
  const Reply reply = PrepareAccess(state, step, verdict);
  if (reply != Reply::kAnswered) return reply;
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
    Write(kGuestSsp, step.gla.value);
    registers_.rcx = 1;
  } else if (step.access.implicit_supervisor) {
    Write(kGuestGdtrBase, step.gla.value - kDescriptorOffset);
    Write(kGuestGdtrLimit, 0xffff);
    registers_.rax = kDescriptorOffset | 3;
  }
  switch (Run(state, rip, step_timer_)) {
    case Ended::kYes:
      break;
    case Ended::kRetry:
      return Reply::kHarnessError;
    case Ended::kFailed:
      return Fail("VM entry fails at a step, having succeeded before");
  }
  ReadEvent(state, step, outcome);
  registers_.rcx = 0;
  if (step.access.kind == AccessKind::kShadowStackRead) Write(kGuestSsp, 0);
  if (guest.event_delivery) {
    Write(kEntryInterruption, 0);
    Write(kGuestIdtrBase, 0);
    Write(kGuestIdtrLimit, 0);
  }
  if (outcome.event.kind == EventKind::kCompleted) {
    Event& event = outcome.event;
    event.translation_count =
        step.gla.value % kPage + step.access.size > kPage ? 2 : 1;
    const bool right = IsAsExpected(step);
    for (std::size_t i = 0; i < event.translation_count; ++i) {
      event.translations[i].address = right && i < pieces_.size()
                                          ? pieces_[i].address
                                          : Hpa{~std::uint64_t{0}};
    }
    if (!shows_address_) fields &= ~SetOf(eptdiff::Field::kAddress);
  }
  RestorePieces();
  ReadRegisters(outcome);
  if (outcome.event.kind == EventKind::kVmExit) ReadSaved(outcome);
  CollectWrites(state, verdict, outcome);
  return Reply::kAnswered;
}

// One instruction that accesses nothing of its own, and then the monitor trap
// flag: nothing behind it is fetched.
Reply GuestMachine::PerformInstruction(const MachineState& state,
                                       const Step& step, const Verdict& verdict,
                                       Outcome& outcome) {
  constexpr std::uint64_t kMonitorTrapFlag = Bit(27);
  pieces_.clear();
  registers_.rax =
      step.kind == StepKind::kPdpteLoad ? state.guest.cr3 : step.value;
  registers_.rcx = step.kind == StepKind::kEptpSwitch ? step.index : 0;
  registers_.rdx = 0;
  Write(kPrimary, state.controls.primary | kMonitorTrapFlag);
  const Ended ended =
      Run(state, arranged_->code.value + CodeOffset(step), step_timer_);
  Write(kPrimary, state.controls.primary);
  registers_.rcx = 0;
  // The guest may have other registers now.
  loaded_pkru_.reset();
  for (const std::uint32_t field :
       {kGuestCr0, kGuestCr3, kGuestCr4, kGuestEfer, kGuestPat}) {
    is_written_[field / 2] = false;
  }
  if (ended == Ended::kRetry) return Reply::kHarnessError;
  if (ended == Ended::kFailed) {
    return Fail("VM entry fails at a step, having succeeded before");
  }
  const std::uint64_t reason = Read(kExitReason);
  if (reason != kMonitorTrap) ReadEvent(state, step, outcome);
  if (reason == kVmfunc) {
    outcome.event.kind = EventKind::kVmExit;
    outcome.event.exit_reason = kVmfunc;
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

// Finds where the access should go, and makes it be seen there.
Reply GuestMachine::PrepareAccess(const MachineState& state, const Step& step,
                                  const Verdict& verdict) {
  // An instruction of the guest may have changed some.
  WriteGuest(state.guest);
  pieces_.clear();
  shows_address_ = false;
  registers_.rax = 0;
  const auto* completed =
      std::find_if(verdict.alternatives.begin(), verdict.alternatives.end(),
                   [](const Alternative& alternative) {
                     return alternative.event.kind == EventKind::kCompleted;
                   });
  if (avoids_apic_fetches_ && step.access.kind == AccessKind::kFetch &&
      std::any_of(verdict.alternatives.begin(), verdict.alternatives.end(),
                  [](const Alternative& alternative) {
                    return alternative.event.exit_reason == kApicAccess;
                  })) {
    return Reply::kUnsafe;
  }
  has_hint_ = completed != verdict.alternatives.end();
  if (!has_hint_) return Reply::kAnswered;
  std::size_t left = step.access.size;
  for (std::size_t i = 0; i < completed->event.translation_count; ++i) {
    Piece& piece = pieces_.emplace_back();
    piece.address = completed->event.translations[i].address;
    piece.bytes =
        std::min<std::size_t>(left, kPage - piece.address.value % kPage);
    left -= piece.bytes;
    if (!Clean(piece.address)) return Fail("an access outside free memory");
    std::memcpy(piece.before, BytesAt(piece.address), piece.bytes);
    std::memcpy(piece.expected, piece.before, piece.bytes);
  }
  if (step.access.kind == AccessKind::kFetch) {
    return PlaceFetch(step) ? Reply::kAnswered : Reply::kOwnMemory;
  }
  if (step.access.implicit_supervisor) {
    return PlaceDescriptor(state.guest.event_delivery) ? Reply::kAnswered
                                                       : Reply::kOwnMemory;
  }
  return PlaceData(step, *completed) ? Reply::kAnswered : Reply::kOwnMemory;
}

// A data segment for everybody, or an interrupt gate, that is not present: who
// reads it there says so with #NP.
bool GuestMachine::PlaceDescriptor(bool gate) {
  const std::uint8_t descriptor[16] = {
      0xff,
      0xff,
      8,
      0,
      0,
      static_cast<std::uint8_t>(gate ? 0x6e : 0x73),
      static_cast<std::uint8_t>(gate ? 0 : 0xcf),
      0};
  for (const Piece& piece : pieces_) {
    for (std::size_t i = 0; i < piece.bytes; ++i) {
      if (WordAt(Hpa{(piece.address.value + i) & ~std::uint64_t{7}}) != 0) {
        pieces_.clear();
        return false;
      }
    }
  }
  std::size_t done = 0;
  for (Piece& piece : pieces_) {
    std::memcpy(piece.expected, descriptor + done, piece.bytes);
    std::memcpy(BytesAt(piece.address), piece.expected, piece.bytes);
    done += piece.bytes;
  }
  shows_address_ = true;
  return true;
}

// INT3 at the last byte, and before it prefixes that mean nothing to it.
bool GuestMachine::PlaceFetch(const Step& step) {
  constexpr std::uint8_t kInt3 = 0xcc, kPrefix = 0x3e;
  std::size_t left = step.access.size;
  bool possible = true;
  for (Piece& piece : pieces_) {
    for (std::size_t i = 0; i < piece.bytes; ++i) {
      piece.expected[i] = --left == 0 ? kInt3 : kPrefix;
      // A word of the case's stays as it is.
      const std::uint64_t word =
          WordAt(Hpa{(piece.address.value + i) & ~std::uint64_t{7}});
      if (piece.before[i] != piece.expected[i] && word != 0) possible = false;
    }
  }
  if (!possible) {
    pieces_.clear();
    return false;
  }
  for (const Piece& piece : pieces_) {
    std::memcpy(BytesAt(piece.address), piece.expected, piece.bytes);
  }
  shows_address_ = true;
  return true;
}

// Whether the access is to a word that these writes change.
bool GuestMachine::ArePiecesIn(const BitWrites& writes) const {
  return std::any_of(
      writes.begin(), writes.end(), [&](const BitWrite& write) {
        return std::any_of(
            pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
              const std::uint64_t word = write.word.value;
              return word + 7 >= piece.address.value &&
                     word < piece.address.value + piece.bytes;
            });
      });
}

// What no word names is made recognisable for a read, and by a write; what some
// word names is written with what it has.
bool GuestMachine::PlaceData(const Step& step, const Effects& effects) {
  // INCSSP reads, and keeps what it has read to itself.
  if (step.access.kind == AccessKind::kShadowStackRead) return true;
  const bool reads = step.access.kind == AccessKind::kRead;
  const bool writes = step.access.kind == AccessKind::kWrite ||
                      step.access.kind == AccessKind::kShadowStackWrite;
  bool free = true;
  if (ArePiecesIn(effects.required) || ArePiecesIn(effects.optional)) {
    // A write would undo the flags or the log entry that come with it.
    if (writes) {
      pieces_.clear();
      return false;
    }
    free = false;
  }
  for (const Piece& piece : pieces_) {
    const std::uint64_t last = piece.address.value + piece.bytes - 1;
    for (std::uint64_t word = piece.address.value & ~std::uint64_t{7};
         word <= last; word += 8) {
      free = free && WordAt(Hpa{word}) == 0;
    }
  }
  pattern_ = pattern_ * 6364136223846793005u + 1442695040888963407u;
  const std::uint64_t pattern = pattern_ | 0x0101010101010101;
  std::uint8_t bytes[8];
  std::memcpy(bytes, &pattern, 8);
  std::uint8_t data[8] = {};
  std::size_t done = 0;
  for (Piece& piece : pieces_) {
    for (std::size_t i = 0; i < piece.bytes; ++i, ++done) {
      if (free) {
        piece.expected[i] = bytes[done];
        data[done] = bytes[done];
      } else if (writes) {
        data[done] = piece.before[i];
      }
    }
    if (reads) std::memcpy(BytesAt(piece.address), piece.expected, piece.bytes);
  }
  if (!reads) std::memcpy(&registers_.rax, data, 8);
  shows_address_ = free;
  return true;
}

bool GuestMachine::IsAsExpected(const Step& step) {
  if (!has_hint_) return false;
  if (step.access.implicit_supervisor) {
    // #NP; any other descriptor would have been refused with #GP.
    return (Read(kExitInterruption) & 0xff) == kNotPresent;
  }
  if (step.access.kind == AccessKind::kRead) {
    std::uint8_t data[8];
    std::memcpy(data, &registers_.rax, 8);
    std::size_t done = 0;
    for (const Piece& piece : pieces_) {
      if (std::memcmp(data + done, piece.expected, piece.bytes) != 0) {
        return false;
      }
      done += piece.bytes;
    }
    return true;
  }
  return std::all_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) {
    return std::memcmp(BytesAt(piece.address), piece.expected, piece.bytes) ==
           0;
  });
}

// What is as the access was to leave it becomes as it was before.
void GuestMachine::RestorePieces() {
  for (const Piece& piece : pieces_) {
    if (std::memcmp(BytesAt(piece.address), piece.expected, piece.bytes) == 0) {
      std::memcpy(BytesAt(piece.address), piece.before, piece.bytes);
    }
  }
}

bool GuestMachine::ReadEvent(const MachineState& state, const Step& step,
                             Outcome& outcome) {
  Event& event = outcome.event;
  const std::uint64_t reason = Read(kExitReason);
  switch (reason & 0xffff) {
    case kException:
      ReadException(state, step, outcome);
      return true;
    case kEptViolation:
    case kEptMisconfiguration:
    case kPmlFull:
    case kSppEvent:
    case kApicAccess:
      event.kind = EventKind::kVmExit;
      event.exit_reason = static_cast<std::uint16_t>(reason);
      event.qualification = Read(kExitQualification);
      event.gpa = Gpa{Read(kGuestPhysicalAddress)};
      event.gla = Gla{Read(kGuestLinearAddress)};
      return true;
    default:
      // A hang, a triple fault, or what no step is about.
      event.kind = EventKind::kGaveUp;
      event.exit_reason = static_cast<std::uint16_t>(reason);
      event.qualification = Read(kExitQualification);
      return false;
  }
}

void GuestMachine::ReadException(const MachineState& state, const Step& step,
                                 Outcome& outcome) {
  Event& event = outcome.event;
  const std::uint64_t information = Read(kExitInterruption);
  const std::uint64_t vectoring = Read(kVectoringInformation);
  const unsigned vector = information & 0xff;
  if (Has(vectoring, 31) && (vectoring & 0xff) == kVirtualization) {
    const std::uint64_t area = state.controls.ve_information_address;
    event.kind = EventKind::kVirtualizationException;
    event.exit_reason = kEptViolation;
    event.qualification = WordAt(Hpa{area + 8});
    event.gla = Gla{WordAt(Hpa{area + 16})};
    event.gpa = Gpa{WordAt(Hpa{area + 24})};
    return;
  }
  switch (vector) {
    case kBreakpoint: {
      event.kind = EventKind::kCompleted;
      // Behind the access, or the last byte that was fetched.
      const std::uint64_t rip = Read(kGuestRip);
      const bool fetch = step.access.kind == AccessKind::kFetch;
      const std::uint64_t from =
          fetch ? step.gla.value : arranged_->code.value + CodeOffset(step);
      if (fetch ? rip != from && rip != from + step.access.size - 1
                : rip - from > 8) {
        event.kind = EventKind::kGaveUp;
        event.exit_reason = kException;
      }
      return;
    }
    case kPage14:
      event.kind = EventKind::kPageFault;
      event.error_code = static_cast<std::uint32_t>(Read(kExitErrorCode));
      event.cr2 = Gla{Read(kExitQualification)};
      // Of what was fetched where nothing should have been: zeros are ADD to
      // memory at RAX.
      if (step.access.kind == AccessKind::kFetch &&
          event.cr2.value - step.gla.value >= step.access.size) {
        event = Event();
      }
      return;
    case kNotPresent:
      event.kind = step.access.implicit_supervisor ? EventKind::kCompleted
                                                   : EventKind::kGaveUp;
      return;
    case kProtection: {
      // A descriptor that is none: it has been read, and elsewhere.
      const std::uint64_t selector =
          state.guest.event_delivery
              ? (state.guest.delivered_event & 0xff) << 3 | 2
              : std::uint64_t{kDescriptorOffset};
      event.kind =
          step.access.implicit_supervisor &&
                  (Read(kExitErrorCode) & ~std::uint64_t{1}) == selector
              ? EventKind::kCompleted
              : EventKind::kGeneralProtection;
      return;
    }
    case kUndefined:
      event.kind = EventKind::kInvalidOpcode;
      return;
    case kVirtualization:
      event.kind = EventKind::kVmExit;
      event.exit_reason = kException;
      event.qualification = Read(kExitQualification);
      event.interruption_information = static_cast<std::uint32_t>(information);
      return;
    default:
      event.kind = EventKind::kGaveUp;
      event.exit_reason = kException;
      event.interruption_information = static_cast<std::uint32_t>(information);
      return;
  }
}

void GuestMachine::ReadSaved(Outcome& outcome) {
  SavedState& saved = outcome.saved;
  saved.exit_reason_flags = static_cast<std::uint16_t>(Read(kExitReason) >> 16);
  saved.vectoring_information =
      static_cast<std::uint32_t>(Read(kVectoringInformation));
  saved.vectoring_error_code =
      static_cast<std::uint32_t>(Read(kVectoringErrorCode));
  saved.instruction_length =
      static_cast<std::uint32_t>(Read(kExitInstructionLength));
  saved.interruptibility =
      static_cast<std::uint32_t>(Read(kGuestInterruptibility));
  saved.rflags = Read(kGuestRflags);
  saved.pending_debug = Read(kGuestPendingDebug);
}

void GuestMachine::ReadRegisters(Outcome& outcome) {
  Registers& registers = outcome.registers;
  registers.eptp = Read(kEptp);
  if (Has(capabilities_.limits.secondary.may, kSecondaryPml)) {
    registers.pml_index = static_cast<std::uint16_t>(Read(kPmlIndex));
  }
  if (Has(capabilities_.limits.secondary.may, kSecondaryVe)) {
    registers.eptp_index = static_cast<std::uint16_t>(Read(kEptpIndex));
  }
  for (std::uint32_t i = 0; i < 4; ++i) {
    registers.pdpte[i] = Read(kGuestPdpte0 + 2 * i);
  }
}

void GuestMachine::LookAt(const MachineState& state, Hpa word,
                          Outcome& outcome) {
  if (!IsMine(word)) return;
  const std::uint64_t value = WordAt(word);
  if (value == state.memory.Load(word)) return;
  for (const MemoryWord& write : outcome.writes) {
    if (write.address == word) return;
  }
  if (!outcome.writes.full()) outcome.writes.push_back({word, value});
}

void GuestMachine::CollectWrites(const MachineState& state,
                                 const Verdict& verdict, Outcome& outcome) {
  for (const Hpa word : state.memory.addresses()) LookAt(state, word, outcome);
  for (const Alternative& alternative : verdict.alternatives) {
    for (const BitWrite& write : alternative.required) {
      LookAt(state, write.word, outcome);
    }
    for (const BitWrite& write : alternative.optional) {
      LookAt(state, write.word, outcome);
    }
  }
  const Controls& k = state.controls;
  if (Has(k.secondary, kSecondaryPml) && k.pml_index < 512) {
    for (std::uint64_t i = 0; i < 4 && i <= k.pml_index; ++i) {
      LookAt(state, Hpa{k.pml_address + 8 * (k.pml_index - i)}, outcome);
    }
  }
  if (Has(k.secondary, kSecondaryVe)) {
    for (std::uint64_t i = 0; i < 5; ++i) {
      LookAt(state, Hpa{k.ve_information_address + 8 * i}, outcome);
    }
  }
  // What was accessed, if it is not as the access was to leave it.
  for (const Piece& piece : pieces_) {
    LookAt(state, Hpa{piece.address.value & ~std::uint64_t{7}}, outcome);
  }
  std::sort(outcome.writes.begin(), outcome.writes.end(),
            [](const MemoryWord& a, const MemoryWord& b) {
              return a.address.value < b.address.value;
            });
}

bool GuestMachine::Unload(const MachineState& state, bool conformed) {
  const Stopwatch watch(counts_.ticks);
  bool same = true;
  for (const Hpa word : state.memory.addresses()) {
    if (!IsMine(word)) continue;
    same = same && WordAt(word) == state.memory.Load(word);
    WordAt(word) = 0;
  }
  if (!conformed) Forget(state);
  pieces_.clear();
  return same;
}

// A departure may have left anything in the log, the area, the pages, and in
// the registers of the guest.
void GuestMachine::Forget(const MachineState& state) {
  const Controls& k = state.controls;
  const auto clear = [&](std::uint64_t address) {
    const Hpa page{address & ~(kPage - 1)};
    if (IsMine(page)) std::memset(BytesAt(page), 0, kPage);
  };
  if (Has(k.secondary, kSecondaryPml)) clear(k.pml_address);
  if (Has(k.secondary, kSecondaryVe)) clear(k.ve_information_address);
  for (const Piece& piece : pieces_) clear(piece.address.value);
  for (const Hpa word : state.memory.addresses()) clear(word.value);
  std::fill(is_written_.begin(), is_written_.end(), false);
  loaded_pkru_.reset();
}

}  // namespace eptdiff::image
