#include "oracle/bochs/bochs_oracle.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "oracle/bochs/machine.h"
#include "oracle/step_memory.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int n) { return std::uint64_t{1} << n; }

// Primary, secondary and tertiary controls (SDM tables 25-6, 25-7, 25-8).
constexpr std::uint64_t kInvlpgExiting = Bit(9);
constexpr std::uint64_t kActivateTertiary = Bit(17);
constexpr std::uint64_t kActivateSecondary = Bit(31);
constexpr std::uint64_t kVirtualizeApicAccesses = Bit(0);
constexpr std::uint64_t kEnableEpt = Bit(1);
constexpr std::uint64_t kEnablePml = Bit(17);
constexpr std::uint64_t kSubPageWritePermissions = Bit(23);
constexpr std::uint64_t kEnableHlat = Bit(1);
constexpr std::uint64_t kPagingWrite = Bit(2);
// Exception bitmap.
constexpr std::uint32_t kExceptionVe = Bit(20);
// IA32_VMX_EPT_VPID_CAP.
constexpr std::uint64_t kCapExecuteOnly = Bit(0);
constexpr std::uint64_t kCap2MbytePages = Bit(16);
constexpr std::uint64_t kCap1GbytePages = Bit(17);
constexpr std::uint64_t kCapAdvancedInformation = Bit(22);
// Guest registers.
constexpr std::uint64_t kCr0Pg = Bit(31);
constexpr std::uint64_t kCr4Pse = Bit(4);
constexpr std::uint64_t kCr4Pae = Bit(5);
constexpr std::uint64_t kCr4La57 = Bit(12);
constexpr std::uint64_t kCr4Pke = Bit(22);
constexpr std::uint64_t kCr4Pks = Bit(24);
constexpr std::uint64_t kCr4Lass = Bit(27);
constexpr std::uint64_t kCr4LamSup = Bit(28);
constexpr std::uint64_t kCr3Lam = Bit(61) | Bit(62);
constexpr std::uint64_t kEferLma = Bit(10);
constexpr std::uint64_t kEferNxe = Bit(11);

constexpr std::uint64_t kPageBytes = 0x1000;
constexpr std::uint16_t kLargestOperand = 64;  // of an instruction of Bochs's
constexpr std::uint16_t kLastPmlIndex = 511;
constexpr unsigned kVectorGp = 13, kVectorPf = 14, kVectorVe = 20;

std::string& PanicMessage() {
  static std::string message;
  return message;
}

bool InIa32eMode(const GuestState& guest) {
  return (guest.cr0 & kCr0Pg) && (guest.cr4 & kCr4Pae) &&
         (guest.efer & kEferLma);
}

bool In64BitMode(const GuestState& guest) {
  return InIa32eMode(guest) && guest.cs_l;
}

// Whether the first and the last byte of a linear access have addresses that
// Bochs's callers let through to paging. Where addresses have 32 bits, those
// make no wider ones; only the bases of descriptor tables are, in IA-32e mode.
bool IsCanonical(std::uint64_t gla, const Access& access,
                 const GuestState& guest) {
  const bool implicit = InIa32eMode(guest) && access.implicit_supervisor;
  if (!In64BitMode(guest) && !implicit) return gla >> 32 == 0;
  const int width = guest.cr4 & kCr4La57 ? 57 : 48;
  const auto canonical = [width](std::uint64_t address) {
    const std::uint64_t sign = address >> (width - 1);
    return sign == 0 || sign == ~std::uint64_t{0} >> (width - 1);
  };
  return canonical(gla) && canonical(gla + access.size - 1);
}

// Whether linear-address masking, which Bochs has not, may change an address:
// one that 48 bits sign-extend to is never changed.
bool MayBeMasked(const Step& step, const GuestState& guest) {
  const bool masks = (guest.cr4 & kCr4LamSup) || (guest.cr3 & kCr3Lam);
  if (!masks || !InIa32eMode(guest)) return false;
  if (step.access.kind == AccessKind::kFetch) return false;
  const auto changes = [](std::uint64_t address) {
    const std::uint64_t sign = address >> 47;
    return sign != 0 && sign != ~std::uint64_t{0} >> 47;
  };
  return changes(step.gla.value) ||
         changes(step.gla.value + step.access.size - 1);
}

// Whether it matters that what writes more than 64 bytes does so piece by piece
// in Bochs: pieces of one page go the same way, save where sub-pages differ.
bool IsLargeSubPageWrite(const MachineState& state, const Step& step) {
  const AccessKind kind = step.access.kind;
  const bool writes = kind == AccessKind::kWrite ||
                      kind == AccessKind::kReadModifyWrite ||
                      kind == AccessKind::kShadowStackWrite;
  return writes && step.access.size > kLargestOperand &&
         (state.controls.secondary & kSubPageWritePermissions);
}

bool HasTertiary(const Controls& controls, std::uint64_t control) {
  return (controls.primary & kActivateTertiary) &&
         (controls.tertiary & control);
}

// Why Bochs cannot answer a case with these controls; kNone if it can.
Skip NotModelled(const MachineState& state) {
  const Controls& controls = state.controls;
  if (!(controls.primary & kActivateSecondary) ||
      !(controls.secondary & kEnableEpt)) {
    return Skip::kEptOff;
  }
  // Verification operates with the paging-write control alone (CTL-5); HLAT is
  // a matter of linear accesses.
  if (HasTertiary(controls, kPagingWrite)) return Skip::kPagingWriteControls;
  if ((controls.eptp >> 3 & 7) == 4) return Skip::kFiveLevelEpt;
  const std::uint64_t cap = state.processor.ept_vpid_cap;
  if (!(cap & kCapExecuteOnly)) return Skip::kExecuteOnlyAlways;
  if (!(cap & kCap2MbytePages)) return Skip::kLargePagesAlways;
  if (state.processor.maxphyaddr < 32 || state.processor.maxphyaddr > 52) {
    return Skip::kMaxphyaddr;
  }
  if (controls.secondary & kVirtualizeApicAccesses) return Skip::kApicPage;
  if (state.processor.keyid_bits != 0) return Skip::kKeyids;
  if (state.guest.transactional) return Skip::kTransactional;
  if (state.guest.busy_shadow_stack) return Skip::kBusyShadowStack;
  return Skip::kNone;
}

// The same for a linear access.
Skip LinearNotModelled(const MachineState& state, const Step& step) {
  const GuestState& guest = state.guest;
  if (MayBeMasked(step, guest)) return Skip::kMasking;
  if (!IsCanonical(step.gla.value, step.access, guest)) {
    return Skip::kCallerError;
  }
  // Bochs's callers of translate_linear() separate the halves.
  if ((guest.cr4 & kCr4Lass) && InIa32eMode(guest)) return Skip::kGuestFeature;
  const bool hlat_address =
      state.controls.hlat_prefix_size == 0 || (step.gla.value & Bit(63));
  if (HasTertiary(state.controls, kEnableHlat) && InIa32eMode(guest) &&
      hlat_address) {
    return Skip::kHlat;
  }
  const bool paging_32 = (guest.cr0 & kCr0Pg) && !(guest.cr4 & kCr4Pae);
  if (paging_32 && (guest.cr4 & kCr4Pse) && !state.processor.pse36) {
    return Skip::kPse36Always;
  }
  return Skip::kNone;
}

bochs::Setup SetupOf(const MachineState& state) {
  const Processor& processor = state.processor;
  const Controls& controls = state.controls;
  const GuestState& guest = state.guest;
  return {
      .maxphyaddr = processor.maxphyaddr,
      .ept_page_1gb = (processor.ept_vpid_cap & kCap1GbytePages) != 0,
      .guest_page_1gb = processor.page_1gb,
      .advanced_exit_information =
          (processor.ept_vpid_cap & kCapAdvancedInformation) != 0,
      .cet = processor.cet_ss,
      .pin_based = controls.pin_based,
      .secondary = controls.secondary,
      // For #VE alone (VE-5): a question about a page fault or #GP is answered
      // with the exception itself.
      .exception_bitmap = controls.exception_bitmap & kExceptionVe,
      .eptp = controls.eptp,
      .pml_address = controls.pml_address,
      .spptp = controls.spptp,
      .ve_information_address = controls.ve_information_address,
      .eptp_index = controls.eptp_index,
      .cr0 = guest.cr0,
      .cr3 = guest.cr3,
      .cr4 = guest.cr4,
      .efer = guest.efer,
      .rflags = static_cast<std::uint32_t>(guest.rflags),
      .pkru = guest.pkru,
      .pkrs = guest.pkrs,
      .cpl = guest.cpl,
      .cs_l = guest.cs_l,
      .event_delivery = guest.event_delivery,
      .nmi_unblocking = guest.nmi_unblocking,
  };
}

bochs::Access AccessOf(AccessKind kind) {
  switch (kind) {
    case AccessKind::kRead:
      return bochs::Access::kRead;
    case AccessKind::kWrite:
      return bochs::Access::kWrite;
    case AccessKind::kReadModifyWrite:
      return bochs::Access::kReadModifyWrite;
    case AccessKind::kFetch:
      return bochs::Access::kFetch;
    case AccessKind::kShadowStackRead:
      return bochs::Access::kShadowStackRead;
    case AccessKind::kShadowStackWrite:
    case AccessKind::kShadowStackReadModifyWrite:  // skipped
      return bochs::Access::kShadowStackWrite;
  }
  return bochs::Access::kRead;
}

// Bochs expects its callers to cut linear addresses to 32 bits where they are
// no wider. In compatibility mode implicit accesses have wide ones, and Bochs
// reports those as they are.
std::uint64_t CutLinear(std::uint64_t gla, const GuestState& guest) {
  return InIa32eMode(guest) ? gla : gla & 0xffffffff;
}

// What Bochs is asked for `step`, for the first page that it touches. The page
// is described as Bochs's own guest walk would have found it.
bochs::Question QuestionOf(const GuestState& guest, const Step& step) {
  const bool paging = (guest.cr0 & kCr0Pg) != 0;
  const bool execute_disable_exists =
      (guest.cr4 & kCr4Pae) && (guest.efer & kEferNxe);

  bochs::Question question;
  switch (step.kind) {
    case StepKind::kLinearAccess:
      question.operation = bochs::Operation::kLinear;
      question.gla = CutLinear(step.gla.value, guest);
      break;
    case StepKind::kPdpteLoad:
      question.operation = bochs::Operation::kPdpteLoad;
      break;
    case StepKind::kGuestPhysicalAccess:
      question.gla_valid = step.page.gla_valid;
      if (paging) {
        question.user_page = step.page.user;
        question.writable_page = step.page.writable;
        question.execute_disable_page =
            step.page.execute_disable && execute_disable_exists;
      }
      question.gpa = step.gpa.value;
      question.gla = CutLinear(step.page.gla.value, guest);
      break;
    default:  // kPagingStructureRead, kPagingStructureUpdate
      question.page_walk = true;
      question.gpa = step.gpa.value;
      question.gla = CutLinear(step.page.gla.value, guest);
      break;
  }
  if (step.kind == StepKind::kPagingStructureUpdate) {
    question.access = bochs::Access::kWrite;
  } else if (step.kind != StepKind::kPagingStructureRead &&
             step.kind != StepKind::kPdpteLoad) {
    question.access = AccessOf(step.access.kind);
    question.user_access =
        (guest.cpl == 3 && !step.access.implicit_supervisor) ||
        step.access.wruss;
  }
  return question;
}

bool IsAccess(const Step& step) {
  return step.kind == StepKind::kGuestPhysicalAccess ||
         step.kind == StepKind::kLinearAccess;
}

// The same access from the start of the next page on, whose address Bochs's
// access_read_linear() cuts outside 64-bit mode, whoever calls it.
bochs::Question InNextPage(bochs::Question question, const GuestState& guest) {
  const bool linear = question.operation == bochs::Operation::kLinear;
  const std::uint64_t offset =
      (linear ? question.gla : question.gpa) % kPageBytes;
  question.gpa += kPageBytes - offset;
  question.gla = CutLinear(question.gla + kPageBytes - offset, guest);
  if (linear && !In64BitMode(guest)) question.gla &= 0xffffffff;
  return question;
}

std::uint64_t LoadWord(void* context, std::uint64_t address) {
  return static_cast<StepMemory*>(context)->Load(Hpa{address});
}

void StoreWord(void* context, std::uint64_t address, std::uint64_t value) {
  static_cast<StepMemory*>(context)->Store(Hpa{address}, value);
}

// Describes how a walk that did not complete ended.
Skip DescribeEnd(const bochs::Answer& answer, const MachineState& state,
                 const StepMemory& memory, Event& event) {
  if (answer.end == bochs::End::kPanic) {
    PanicMessage() = answer.message;
    // Known: Bochs lets a supervisor write to a read-only page (CR0.WP = 0),
    // and with CET never sets D where R/W is 0.
    return PanicMessage().find("asked to set dirty") != std::string::npos
               ? Skip::kReadOnlyDirty
               : Skip::kPanic;
  }
  if (answer.end == bochs::End::kVmExit) {
    event.kind = EventKind::kVmExit;
    event.exit_reason = static_cast<std::uint16_t>(answer.exit_reason);
    event.qualification = answer.qualification;
    event.gpa = Gpa{answer.gpa};
    event.gla = Gla{answer.gla};
    event.interruption_information = answer.interruption_information;
    return Skip::kNone;
  }
  switch (answer.vector) {
    case kVectorVe: {
      // The area, and not the arguments: what counts is what software reads.
      const std::uint64_t area = state.controls.ve_information_address;
      event.kind = EventKind::kVirtualizationException;
      event.exit_reason = 48;
      event.qualification = memory.Load(Hpa{area + 8});
      event.gla = Gla{memory.Load(Hpa{area + 16})};
      event.gpa = Gpa{memory.Load(Hpa{area + 24})};
      return Skip::kNone;
    }
    case kVectorPf:
      event.kind = EventKind::kPageFault;
      event.error_code = answer.error_code;
      event.cr2 = Gla{answer.cr2};
      return Skip::kNone;
    case kVectorGp:
      event.kind = EventKind::kGeneralProtection;
      return Skip::kNone;
  }
  return Skip::kUnexpectedExit;
}

class BochsOracle final : public Oracle {
 public:
  explicit BochsOracle(BochsTlb tlb) : by_tlb_(tlb == BochsTlb::kKept) {}

  std::string_view name() const override {
    return by_tlb_ ? "bochs-tlb" : "bochs";
  }
  bool keeps_translations() const override { return by_tlb_; }

  FieldSet fields() const override {
    return kAllFields & ~kSavedFields & ~SetOf(Field::kFailedCheck) &
           ~SetOf(Field::kMemoryType) & ~SetOf(Field::kStructureMemoryType);
  }

  bool models_entry() const override { return false; }

  Skip Enter(const MachineState& state, Outcome& outcome) override {
    const Skip skip = NotModelled(state);
    if (skip != Skip::kNone) return skip;
    Use(state);
    outcome.event = Event();
    outcome.registers = RegistersOf(state);
    outcome.writes.clear();
    return Skip::kNone;
  }

  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    outcome.event = Event();
    outcome.registers = RegistersOf(state);
    memory_.Begin(state.memory);
    if (state.current != processor_) Use(state);
    const Skip skip = step.kind == StepKind::kStore ? Store(step, memory_)
                      : IsInvlpgInGuest(state, step)
                          ? Invlpg(step)
                          : Walk(state, step, memory_, outcome);
    if (skip != Skip::kNone) return skip;
    if (by_tlb_ && outcome.event.kind == EventKind::kVmExit) {
      bochs::ForgetAll();
    }
    if (memory_.overflowed()) return Skip::kUnexpectedExit;
    memory_.ListChanges(outcome.writes);
    return Skip::kNone;
  }

 private:
  // From here on the processor is the one that is current in `state`.
  void Use(const MachineState& state) {
    setup_ = SetupOf(state);
    processor_ = state.current;
    if (by_tlb_) bochs::ForgetAll();
  }

  bool IsInvlpgInGuest(const MachineState& state, const Step& step) const {
    return by_tlb_ && step.kind == StepKind::kInvalidation &&
           step.invalidation.kind == InvalidationKind::kInvlpg &&
           state.guest.cpl == 0 && !(state.controls.primary & kInvlpgExiting);
  }
  static Skip Invlpg(const Step& step) {
    bochs::ForgetPage(step.invalidation.second);
    return Skip::kNone;
  }

  static Skip Store(const Step& step, StepMemory& memory) {
    memory.Store(step.hpa, step.value);
    return Skip::kNone;
  }

  Skip Walk(const MachineState& state, const Step& step, StepMemory& memory,
            Outcome& outcome) {
    if (step.kind == StepKind::kEptpSwitch) return Skip::kEptpSwitch;
    if (step.kind == StepKind::kTableOperation) return Skip::kTableOperation;
    if (step.kind == StepKind::kRegisterWrite) return Skip::kRegisterWrite;
    if (step.kind == StepKind::kInvalidation) return Skip::kInvalidation;
    // Bochs looks at the index where nothing has to be logged, too (PML-1), but
    // not where its TLB answers.
    if (by_tlb_ && (state.controls.secondary & kEnablePml) &&
        state.controls.pml_index > kLastPmlIndex) {
      return Skip::kFullLogAndTlb;
    }
    if (IsAccess(step)) {
      if (step.access.size < 1 || step.access.size > kMaxAccessBytes) {
        return Skip::kCallerError;
      }
      // Its instructions read tokens and write them, by two accesses.
      if (step.access.kind == AccessKind::kShadowStackReadModifyWrite) {
        return Skip::kAccessKind;
      }
      if (IsLargeSubPageWrite(state, step)) return Skip::kLargeSubPageWrite;
      // Without a GLA it is trace-address pre-translation.
      if (step.access.asynchronous ||
          (step.kind == StepKind::kGuestPhysicalAccess &&
           !step.page.gla_valid)) {
        return Skip::kAsynchronous;
      }
      // The dialect says how Bochs's walk takes them (GW-10). Its TLB goes by
      // the key that the access had which filled it.
      if (by_tlb_ && (state.guest.cr4 & (kCr4Pke | kCr4Pks))) {
        return Skip::kGuestFeature;
      }
      if (step.kind == StepKind::kLinearAccess) {
        const Skip skip = LinearNotModelled(state, step);
        if (skip != Skip::kNone) return skip;
      }
    }

    bochs::Changing changing{.pml_index = state.controls.pml_index};
    for (int i = 0; i < 4; ++i) changing.pdpte[i] = state.guest.pdpte[i];
    bochs::Begin(setup_, changing, {&memory, LoadWord, StoreWord});

    const Skip skip = AskForEachPage(state, step, memory, outcome.event);
    if (skip != Skip::kNone) return skip;

    changing = bochs::ReadChanging();
    outcome.registers.pml_index = changing.pml_index;
    for (int i = 0; i < 4; ++i) outcome.registers.pdpte[i] = changing.pdpte[i];
    return Skip::kNone;
  }

  // As Bochs's own accesses do: the first page, then the second.
  Skip AskForEachPage(const MachineState& state, const Step& step,
                      const StepMemory& memory, Event& event) const {
    bochs::Question question = QuestionOf(state.guest, step);
    question.by_tlb = by_tlb_;
    const std::uint64_t first = question.operation == bochs::Operation::kLinear
                                    ? question.gla
                                    : question.gpa;
    const bool crosses =
        IsAccess(step) && first % kPageBytes + step.access.size > kPageBytes;
    for (int page = 0; page < (crosses ? 2 : 1); ++page) {
      if (page == 1) question = InNextPage(question, state.guest);
      const bochs::Answer& answer = bochs::Ask(question);
      if (answer.end != bochs::End::kCompleted) {
        event = Event();
        return DescribeEnd(answer, state, memory, event);
      }
      if (step.kind == StepKind::kPdpteLoad) continue;
      Translation& translation = event.translations[event.translation_count++];
      translation.address = Hpa{answer.address};
      translation.page_shift = answer.page_shift;
    }
    return Skip::kNone;
  }

  const bool by_tlb_;
  bochs::Setup setup_;  // of this logical processor:
  std::uint8_t processor_ = 0;
  StepMemory memory_;  // of the current step
};

}  // namespace

std::unique_ptr<Oracle> MakeBochsOracle(BochsTlb tlb) {
  return std::make_unique<BochsOracle>(tlb);
}

std::string_view BochsDialectName() { return EPTDIFF_BOCHS_DIALECT; }

std::string_view LastBochsPanic() { return PanicMessage(); }

}  // namespace eptdiff
