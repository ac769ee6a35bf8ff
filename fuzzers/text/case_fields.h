// The one list of what stands where: each field of case.proto with the member
// of the Case that it is, and its limits. Reading and writing both go through
// it, so that neither can know a field that the other does not.
//
// A visitor has
//   void Number(int field, T& member, Limits limits = the width of T)
//   void Flag(int field, bool& member)
//   void Kind(int field, E& member) for the enumerations
//   void Numbers(int field, std::array<std::uint64_t, N>& members)
// where `field` is a field number of the message that the function is about.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_TEXT_CASE_FIELDS_H_
#define EPTDIFF_FUZZERS_TEXT_CASE_FIELDS_H_

#include <cstdint>

#include "engine/types.h"
#include "fuzzers/text/case.pb.h"
#include "oracle/case.h"
#include "oracle/judgement/expectation.h"

namespace eptdiff {

// The values that a number may have.
struct Limits {
  std::uint64_t min = 0;
  std::uint64_t max = ~std::uint64_t{0};
  std::uint64_t alignment = 1;
  std::uint64_t forbidden = 0;  // bits that must be 0
};

inline constexpr std::uint64_t kMaxAddress = (std::uint64_t{1} << 52) - 1;
inline constexpr Limits kByteAddress{.max = kMaxAddress};
inline constexpr Limits kWordAddress{.max = kMaxAddress, .alignment = 8};
inline constexpr Limits kAccessBytes{.min = 1, .max = kMaxAccessBytes};
inline constexpr Limits kPatIndex{.max = 7};
inline constexpr Limits k32Bits{.max = 0xffffffff};
inline constexpr Limits kTableAddress{.max = kMaxAddress, .alignment = 2048};
// Whatever is no address and does not say "page".
inline constexpr Limits kEntryFlags{.forbidden = 0x000ffffffffff080};
inline constexpr Limits kPageLevel{.min = 1, .max = 3};

template <typename Visitor>
void VisitProcessor(Visitor&& visitor, Processor& processor) {
  using F = CaseFile::Processor;
  visitor.Number(F::kMaxphyaddrFieldNumber, processor.maxphyaddr,
                 {.min = 32, .max = 52});
  visitor.Number(F::kEptVpidCapFieldNumber, processor.ept_vpid_cap);
  visitor.Flag(F::kEptViolationVeFieldNumber, processor.ept_violation_ve);
  visitor.Flag(F::kPage1GbFieldNumber, processor.page_1gb);
  visitor.Flag(F::kNxFieldNumber, processor.nx);
  visitor.Flag(F::kPse36FieldNumber, processor.pse36);
  visitor.Flag(F::kSmepFieldNumber, processor.smep);
  visitor.Flag(F::kSmapFieldNumber, processor.smap);
  visitor.Flag(F::kPkuFieldNumber, processor.pku);
  visitor.Flag(F::kPksFieldNumber, processor.pks);
  visitor.Flag(F::kCetSsFieldNumber, processor.cet_ss);
  visitor.Flag(F::kLa57FieldNumber, processor.la57);
  visitor.Flag(F::kPcidFieldNumber, processor.pcid);
  visitor.Number(F::kKeyidBitsFieldNumber, processor.keyid_bits, {.max = 15});
}

template <typename Visitor>
void VisitControls(Visitor&& visitor, Controls& controls) {
  using F = CaseFile::Controls;
  visitor.Number(F::kPinBasedFieldNumber, controls.pin_based);
  visitor.Number(F::kPrimaryFieldNumber, controls.primary);
  visitor.Number(F::kSecondaryFieldNumber, controls.secondary);
  visitor.Number(F::kTertiaryFieldNumber, controls.tertiary);
  visitor.Number(F::kVmFunctionsFieldNumber, controls.vm_functions);
  visitor.Number(F::kExceptionBitmapFieldNumber, controls.exception_bitmap);
  visitor.Number(F::kEptpFieldNumber, controls.eptp);
  visitor.Number(F::kPmlAddressFieldNumber, controls.pml_address);
  visitor.Number(F::kPmlIndexFieldNumber, controls.pml_index);
  visitor.Number(F::kSpptpFieldNumber, controls.spptp);
  visitor.Number(F::kVeInformationAddressFieldNumber,
                 controls.ve_information_address);
  visitor.Number(F::kEptpListAddressFieldNumber, controls.eptp_list_address);
  visitor.Number(F::kEptpIndexFieldNumber, controls.eptp_index);
  visitor.Number(F::kHlatpFieldNumber, controls.hlatp);
  visitor.Number(F::kHlatPrefixSizeFieldNumber, controls.hlat_prefix_size);
  visitor.Number(F::kVpidFieldNumber, controls.vpid);
  visitor.Number(F::kEntryControlsFieldNumber, controls.entry_controls);
  visitor.Number(F::kExitControlsFieldNumber, controls.exit_controls);
  visitor.Number(F::kApicAccessAddressFieldNumber,
                 controls.apic_access_address);
  visitor.Number(F::kSecondaryExitControlsFieldNumber,
                 controls.secondary_exit_controls);
}

template <typename Visitor>
void VisitGuest(Visitor&& visitor, GuestState& guest) {
  using F = CaseFile::Guest;
  visitor.Number(F::kCr0FieldNumber, guest.cr0);
  visitor.Number(F::kCr3FieldNumber, guest.cr3);
  visitor.Number(F::kCr4FieldNumber, guest.cr4);
  visitor.Number(F::kEferFieldNumber, guest.efer);
  visitor.Number(F::kPatFieldNumber, guest.pat);
  visitor.Number(F::kRflagsFieldNumber, guest.rflags);
  visitor.Number(F::kPkruFieldNumber, guest.pkru);
  visitor.Number(F::kPkrsFieldNumber, guest.pkrs);
  visitor.Numbers(F::kPdpteFieldNumber, guest.pdpte);
  visitor.Number(F::kCplFieldNumber, guest.cpl, {.max = 3});
  visitor.Flag(F::kCsLFieldNumber, guest.cs_l);
  visitor.Flag(F::kEventDeliveryFieldNumber, guest.event_delivery);
  visitor.Flag(F::kNmiUnblockingFieldNumber, guest.nmi_unblocking);
  visitor.Flag(F::kTransactionalFieldNumber, guest.transactional);
  visitor.Flag(F::kBusyShadowStackFieldNumber, guest.busy_shadow_stack);
  visitor.Number(F::kDeliveredEventFieldNumber, guest.delivered_event,
                 {.forbidden = ~std::uint64_t{0x80000fff}});
  visitor.Number(F::kDeliveredErrorCodeFieldNumber, guest.delivered_error_code);
  visitor.Number(F::kInstructionLengthFieldNumber, guest.instruction_length,
                 {.max = 15});
  visitor.Number(F::kInterruptibilityFieldNumber, guest.interruptibility,
                 {.max = 0x1f});
  visitor.Number(F::kPendingDebugFieldNumber, guest.pending_debug,
                 {.forbidden = ~std::uint64_t{0x1580f}});
}

template <typename Visitor>
void VisitWord(Visitor&& visitor, MemoryWord& word) {
  using F = CaseFile::Word;
  visitor.Number(F::kAddressFieldNumber, word.address.value, kWordAddress);
  visitor.Number(F::kValueFieldNumber, word.value);
}

// The message of a step is the one that its kind selects; see StepFieldOf().
template <typename Visitor>
void VisitStep(Visitor&& visitor, Step& step) {
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess: {
      using F = CaseFile::GuestPhysicalAccess;
      visitor.Kind(F::kKindFieldNumber, step.access.kind);
      visitor.Number(F::kSizeFieldNumber, step.access.size, kAccessBytes);
      visitor.Number(F::kGpaFieldNumber, step.gpa.value, kByteAddress);
      visitor.Flag(F::kImplicitSupervisorFieldNumber,
                   step.access.implicit_supervisor);
      visitor.Flag(F::kWrussFieldNumber, step.access.wruss);
      visitor.Flag(F::kAsynchronousFieldNumber, step.access.asynchronous);
      visitor.Flag(F::kGlaValidFieldNumber, step.page.gla_valid);
      visitor.Number(F::kGlaFieldNumber, step.page.gla.value);
      visitor.Flag(F::kUserFieldNumber, step.page.user);
      visitor.Flag(F::kWritableFieldNumber, step.page.writable);
      visitor.Flag(F::kExecuteDisableFieldNumber, step.page.execute_disable);
      visitor.Number(F::kPatIndexFieldNumber, step.page.pat_index, kPatIndex);
      visitor.Flag(F::kPebsFieldNumber, step.access.pebs);
      return;
    }
    case StepKind::kLinearAccess: {
      using F = CaseFile::LinearAccess;
      visitor.Kind(F::kKindFieldNumber, step.access.kind);
      visitor.Number(F::kSizeFieldNumber, step.access.size, kAccessBytes);
      visitor.Number(F::kGlaFieldNumber, step.gla.value);
      visitor.Flag(F::kImplicitSupervisorFieldNumber,
                   step.access.implicit_supervisor);
      visitor.Flag(F::kWrussFieldNumber, step.access.wruss);
      visitor.Flag(F::kAsynchronousFieldNumber, step.access.asynchronous);
      return;
    }
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate: {
      using F = CaseFile::PagingStructureAccess;
      visitor.Number(F::kGpaFieldNumber, step.gpa.value, kByteAddress);
      visitor.Number(F::kGlaFieldNumber, step.page.gla.value);
      visitor.Number(F::kPatIndexFieldNumber, step.page.pat_index, kPatIndex);
      return;
    }
    case StepKind::kPdpteLoad:
      return;
    case StepKind::kStore: {
      using F = CaseFile::Store;
      visitor.Number(F::kHpaFieldNumber, step.hpa.value, kWordAddress);
      visitor.Number(F::kValueFieldNumber, step.value);
      return;
    }
    case StepKind::kEptpSwitch: {
      using F = CaseFile::EptpSwitch;
      visitor.Number(F::kIndexFieldNumber, step.index);
      visitor.Number(F::kFunctionFieldNumber, step.value, k32Bits);
      return;
    }
    case StepKind::kTableOperation: {
      using F = CaseFile::TableOperation;
      TableOperation& operation = step.operation;
      visitor.Kind(F::kKindFieldNumber, operation.kind);
      visitor.Number(F::kGpaFieldNumber, operation.gpa.value, kByteAddress);
      visitor.Number(F::kHpaFieldNumber, operation.hpa.value, kTableAddress);
      visitor.Number(F::kBytesFieldNumber, operation.bytes, kTableAddress);
      visitor.Number(F::kFlagsFieldNumber, operation.flags, kEntryFlags);
      visitor.Number(F::kLevelFieldNumber, operation.level, kPageLevel);
      visitor.Number(F::kFailingAllocationFieldNumber,
                     operation.failing_allocation,
                     {.max = kMaxFailingAllocation});
      visitor.Number(F::kMeanwhileFieldNumber, operation.meanwhile,
                     {.max = kMaxMeanwhile});
      visitor.Number(F::kViewFieldNumber, operation.view, {.max = kAllViews});
      return;
    }
    case StepKind::kRegisterWrite: {
      using F = CaseFile::RegisterWrite;
      visitor.Kind(F::kRegFieldNumber, step.reg);
      visitor.Number(F::kValueFieldNumber, step.value);
      return;
    }
    case StepKind::kVmEntry: {
      using F = CaseFile::VmEntry;
      visitor.Number(F::kFieldFieldNumber, step.index, {.max = 0xffff});
      visitor.Number(F::kValueFieldNumber, step.value);
      return;
    }
    case StepKind::kInvalidation: {
      using F = CaseFile::Invalidation;
      visitor.Kind(F::kKindFieldNumber, step.invalidation.kind);
      visitor.Number(F::kTypeFieldNumber, step.invalidation.type);
      visitor.Number(F::kFirstFieldNumber, step.invalidation.first);
      visitor.Number(F::kSecondFieldNumber, step.invalidation.second);
      return;
    }
  }
}

// Where a step happens: of CaseFile.Step itself.
template <typename Visitor>
void VisitPlace(Visitor&& visitor, Step& step) {
  visitor.Number(CaseFile::Step::kProcessorFieldNumber, step.processor,
                 {.max = kLogicalProcessors - 1});
}

// The message of an event is the one that its kind selects; see EventFieldOf().
template <typename Visitor>
void VisitExpectedEvent(Visitor&& visitor, Expectation& expectation) {
  switch (expectation.event) {
    case EventKind::kCompleted:
      visitor.Number(CaseFile::Completion::kHpaFieldNumber,
                     expectation.hpa.value, kByteAddress);
      return;
    case EventKind::kVmExit: {
      using F = CaseFile::VmExit;
      visitor.Number(F::kReasonFieldNumber, expectation.exit_reason);
      visitor.Number(F::kQualificationFieldNumber, expectation.qualification);
      visitor.Number(F::kMaskFieldNumber, expectation.qualification_mask);
      visitor.Number(F::kGpaFieldNumber, expectation.gpa.value, kByteAddress);
      return;
    }
    case EventKind::kPageFault:
      visitor.Number(CaseFile::PageFault::kErrorCodeFieldNumber,
                     expectation.error_code);
      return;
    default:  // there is no more to it
      return;
  }
}

// Which field of CaseFile.Expectation holds an event of this kind.
inline constexpr EventKind kExpectedEvents[] = {
    EventKind::kCompleted,         EventKind::kVmExit,
    EventKind::kPageFault,         EventKind::kVmEntryFailure,
    EventKind::kGeneralProtection, EventKind::kVirtualizationException,
    EventKind::kGuestStateFailure};
constexpr int EventFieldOf(EventKind kind) {
  for (int field = 1;; ++field) {
    if (kExpectedEvents[field - 1] == kind) return field;
  }
}
static_assert(EventFieldOf(EventKind::kCompleted) ==
              CaseFile::Expectation::kCompleteFieldNumber);
static_assert(EventFieldOf(EventKind::kVmExit) ==
              CaseFile::Expectation::kExitFieldNumber);
static_assert(EventFieldOf(EventKind::kPageFault) ==
              CaseFile::Expectation::kFaultFieldNumber);
static_assert(EventFieldOf(EventKind::kVmEntryFailure) ==
              CaseFile::Expectation::kFailFieldNumber);
static_assert(EventFieldOf(EventKind::kGeneralProtection) ==
              CaseFile::Expectation::kGpFieldNumber);
static_assert(EventFieldOf(EventKind::kVirtualizationException) ==
              CaseFile::Expectation::kVeFieldNumber);
static_assert(EventFieldOf(EventKind::kGuestStateFailure) ==
              CaseFile::Expectation::kFailGuestFieldNumber);

template <typename Visitor>
void VisitExpectedBits(Visitor&& visitor, ExpectedBits& bits) {
  using F = CaseFile::ExpectedBits;
  visitor.Number(F::kAddressFieldNumber, bits.address.value, kWordAddress);
  visitor.Number(F::kValueFieldNumber, bits.value);
  visitor.Number(F::kMaskFieldNumber, bits.mask);
}

// Which field of CaseFile.Step holds a step of this kind; the fields are
// numbered in the order of the kinds.
constexpr int StepFieldOf(StepKind kind) { return static_cast<int>(kind) + 1; }
constexpr StepKind StepKindOf(int field) {
  return static_cast<StepKind>(field - 1);
}
static_assert(StepFieldOf(StepKind::kGuestPhysicalAccess) ==
              CaseFile::Step::kGuestPhysicalAccessFieldNumber);
static_assert(StepFieldOf(StepKind::kLinearAccess) ==
              CaseFile::Step::kLinearAccessFieldNumber);
static_assert(StepFieldOf(StepKind::kPagingStructureRead) ==
              CaseFile::Step::kPagingStructureReadFieldNumber);
static_assert(StepFieldOf(StepKind::kPagingStructureUpdate) ==
              CaseFile::Step::kPagingStructureUpdateFieldNumber);
static_assert(StepFieldOf(StepKind::kPdpteLoad) ==
              CaseFile::Step::kPdpteLoadFieldNumber);
static_assert(StepFieldOf(StepKind::kStore) ==
              CaseFile::Step::kStoreFieldNumber);
static_assert(StepFieldOf(StepKind::kEptpSwitch) ==
              CaseFile::Step::kEptpSwitchFieldNumber);
static_assert(StepFieldOf(StepKind::kTableOperation) ==
              CaseFile::Step::kTableOperationFieldNumber);
static_assert(StepFieldOf(StepKind::kRegisterWrite) ==
              CaseFile::Step::kRegisterWriteFieldNumber);
static_assert(StepFieldOf(StepKind::kVmEntry) ==
              CaseFile::Step::kVmEntryFieldNumber);
static_assert(StepFieldOf(StepKind::kInvalidation) ==
              CaseFile::Step::kInvalidationFieldNumber);
static_assert(kStepKindCount == 11, "a new kind of step needs its field");

static_assert(static_cast<int>(AccessKind::kRead) == CaseFile::READ);
static_assert(static_cast<int>(AccessKind::kWrite) == CaseFile::WRITE);
static_assert(static_cast<int>(AccessKind::kReadModifyWrite) ==
              CaseFile::READ_MODIFY_WRITE);
static_assert(static_cast<int>(AccessKind::kFetch) == CaseFile::FETCH);
static_assert(static_cast<int>(AccessKind::kShadowStackRead) ==
              CaseFile::SHADOW_STACK_READ);
static_assert(static_cast<int>(AccessKind::kShadowStackWrite) ==
              CaseFile::SHADOW_STACK_WRITE);
static_assert(static_cast<int>(AccessKind::kShadowStackReadModifyWrite) ==
              CaseFile::SHADOW_STACK_READ_MODIFY_WRITE);
static_assert(static_cast<int>(GuestRegister::kCpl) == CaseFile::CPL);
static_assert(kGuestRegisterCount == CaseFile::GuestRegister_ARRAYSIZE);
static_assert(static_cast<int>(InvalidationKind::kInvpcid) ==
              CaseFile::INVPCID);
static_assert(kInvalidationKindCount == CaseFile::InvalidationKind_ARRAYSIZE);

static_assert(static_cast<int>(TableOperationKind::kMap) == CaseFile::MAP);
static_assert(static_cast<int>(TableOperationKind::kUnmap) == CaseFile::UNMAP);
static_assert(static_cast<int>(TableOperationKind::kRemap) == CaseFile::REMAP);
static_assert(static_cast<int>(TableOperationKind::kProtect) ==
              CaseFile::PROTECT);
static_assert(static_cast<int>(TableOperationKind::kSplit) == CaseFile::SPLIT);
static_assert(static_cast<int>(TableOperationKind::kMapRegion) ==
              CaseFile::MAP_REGION);
static_assert(static_cast<int>(TableOperationKind::kUnmapRegion) ==
              CaseFile::UNMAP_REGION);
static_assert(static_cast<int>(TableOperationKind::kProtectRegion) ==
              CaseFile::PROTECT_REGION);
static_assert(static_cast<int>(TableOperationKind::kMergeRegion) ==
              CaseFile::MERGE_REGION);
static_assert(static_cast<int>(TableOperationKind::kClearFlags) ==
              CaseFile::CLEAR_FLAGS);
static_assert(static_cast<int>(TableOperationKind::kLogOn) == CaseFile::LOG_ON);
static_assert(static_cast<int>(TableOperationKind::kLogOff) ==
              CaseFile::LOG_OFF);
static_assert(static_cast<int>(TableOperationKind::kLogAsk) ==
              CaseFile::LOG_ASK);
static_assert(static_cast<int>(TableOperationKind::kLogClear) ==
              CaseFile::LOG_CLEAR);
static_assert(kTableOperationKindCount == 14, "a new kind needs its name");

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TEXT_CASE_FIELDS_H_
