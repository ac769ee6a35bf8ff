#include "engine/c/c_values.h"

#include "engine/engine.h"

namespace eptdiff::engine {
namespace {

// The header's numbers are those of the types, so that nothing is translated.
template <typename Enum>
constexpr bool Is(int number, Enum value) {
  return number == static_cast<int>(value);
}
static_assert(Is(EPTDIFF_ENGINE_ANSWERED, EngineStatus::kAnswered));
static_assert(Is(EPTDIFF_ENGINE_EPT_OFF, EngineStatus::kEptOff));
static_assert(Is(EPTDIFF_ENGINE_NOT_MODELLED, EngineStatus::kNotModelled));
static_assert(Is(EPTDIFF_ENGINE_CALLER_ERROR, EngineStatus::kCallerError));
static_assert(Is(EPTDIFF_ENGINE_NO_MEMORY, EngineStatus::kNoMemory));
static_assert(Is(EPTDIFF_ENGINE_USE_READ, Use::kRead));
static_assert(Is(EPTDIFF_ENGINE_USE_WRITE, Use::kWrite));
static_assert(Is(EPTDIFF_ENGINE_USE_READ_MODIFY_WRITE, Use::kReadModifyWrite));
static_assert(Is(EPTDIFF_ENGINE_USE_FETCH, Use::kSupervisorFetch));
static_assert(Is(EPTDIFF_ENGINE_USE_USER_FETCH, Use::kUserFetch));
static_assert(Is(EPTDIFF_ENGINE_USE_SHADOW_STACK_READ, Use::kShadowStackRead));
static_assert(Is(EPTDIFF_ENGINE_USE_SHADOW_STACK_WRITE,
                 Use::kShadowStackWrite));
static_assert(Is(EPTDIFF_ENGINE_USE_PAGING_READ, Use::kPagingRead));
static_assert(Is(EPTDIFF_ENGINE_USE_PAGING_UPDATE, Use::kPagingUpdate));
static_assert(Is(EPTDIFF_ENGINE_READ, AccessKind::kRead));
static_assert(Is(EPTDIFF_ENGINE_WRITE, AccessKind::kWrite));
static_assert(Is(EPTDIFF_ENGINE_READ_MODIFY_WRITE,
                 AccessKind::kReadModifyWrite));
static_assert(Is(EPTDIFF_ENGINE_FETCH, AccessKind::kFetch));
static_assert(Is(EPTDIFF_ENGINE_SHADOW_STACK_READ,
                 AccessKind::kShadowStackRead));
static_assert(Is(EPTDIFF_ENGINE_SHADOW_STACK_WRITE,
                 AccessKind::kShadowStackWrite));
static_assert(Is(EPTDIFF_ENGINE_SHADOW_STACK_READ_MODIFY_WRITE,
                 AccessKind::kShadowStackReadModifyWrite));
static_assert(Is(EPTDIFF_ENGINE_COMPLETED, EventKind::kCompleted));
static_assert(Is(EPTDIFF_ENGINE_VM_EXIT, EventKind::kVmExit));
static_assert(Is(EPTDIFF_ENGINE_VE, EventKind::kVirtualizationException));
static_assert(Is(EPTDIFF_ENGINE_PAGE_FAULT, EventKind::kPageFault));
static_assert(Is(EPTDIFF_ENGINE_GENERAL_PROTECTION,
                 EventKind::kGeneralProtection));
static_assert(Is(EPTDIFF_ENGINE_VM_ENTRY_FAILURE, EventKind::kVmEntryFailure));
static_assert(Is(EPTDIFF_ENGINE_GUEST_STATE_FAILURE,
                 EventKind::kGuestStateFailure));
static_assert(Is(EPTDIFF_ENGINE_INVALID_OPCODE, EventKind::kInvalidOpcode));
static_assert(Is(EPTDIFF_ENGINE_INVALID_OPERAND, EventKind::kInvalidOperand));
static_assert(Is(EPTDIFF_ENGINE_CR0, GuestRegister::kCr0));
static_assert(Is(EPTDIFF_ENGINE_CPL, GuestRegister::kCpl));
static_assert(Is(EPTDIFF_ENGINE_NOT_PRESENT, EntryKind::kNotPresent));
static_assert(Is(EPTDIFF_ENGINE_MISCONFIGURED, EntryKind::kMisconfigured));
static_assert(Is(EPTDIFF_ENGINE_TABLE, EntryKind::kTable));
static_assert(Is(EPTDIFF_ENGINE_LEAF, EntryKind::kLeaf));

struct Feature {
  std::uint32_t bit;
  bool Processor::* has;
};
constexpr Feature kFeatures[] = {
    {EPTDIFF_ENGINE_CPU_1_GBYTE_PAGES, &Processor::page_1gb},
    {EPTDIFF_ENGINE_CPU_PSE36, &Processor::pse36},
    {EPTDIFF_ENGINE_CPU_EPT_VIOLATION_VE, &Processor::ept_violation_ve},
    {EPTDIFF_ENGINE_CPU_NX, &Processor::nx},
    {EPTDIFF_ENGINE_CPU_SMEP, &Processor::smep},
    {EPTDIFF_ENGINE_CPU_SMAP, &Processor::smap},
    {EPTDIFF_ENGINE_CPU_PKU, &Processor::pku},
    {EPTDIFF_ENGINE_CPU_PKS, &Processor::pks},
    {EPTDIFF_ENGINE_CPU_CET_SS, &Processor::cet_ss},
    {EPTDIFF_ENGINE_CPU_LA57, &Processor::la57},
    {EPTDIFF_ENGINE_CPU_PCID, &Processor::pcid},
};

// Calls `f` with each member of the controls and of the guest and its twin.
template <typename ControlsT, typename GuestT, typename C, typename F>
void ForEachMember(ControlsT& controls, GuestT& guest, C& c, F f) {
  f(controls.pin_based, c.pin_based);
  f(controls.primary, c.primary);
  f(controls.secondary, c.secondary);
  f(controls.tertiary, c.tertiary);
  f(controls.vm_functions, c.vm_functions);
  f(controls.exception_bitmap, c.exception_bitmap);
  f(controls.eptp, c.eptp);
  f(controls.pml_address, c.pml_address);
  f(controls.pml_index, c.pml_index);
  f(controls.spptp, c.spptp);
  f(controls.ve_information_address, c.ve_information_address);
  f(controls.eptp_list_address, c.eptp_list_address);
  f(controls.eptp_index, c.eptp_index);
  f(controls.hlatp, c.hlatp);
  f(controls.hlat_prefix_size, c.hlat_prefix_size);
  f(controls.vpid, c.vpid);
  f(controls.entry_controls, c.entry_controls);
  f(controls.exit_controls, c.exit_controls);
  f(controls.apic_access_address, c.apic_access_address);
  f(controls.secondary_exit_controls, c.secondary_exit_controls);
  f(guest.cr0, c.cr0);
  f(guest.cr3, c.cr3);
  f(guest.cr4, c.cr4);
  f(guest.efer, c.efer);
  f(guest.pat, c.pat);
  f(guest.rflags, c.rflags);
  for (std::size_t i = 0; i < guest.pdpte.size(); ++i) {
    f(guest.pdpte[i], c.pdpte[i]);
  }
  f(guest.pkru, c.pkru);
  f(guest.pkrs, c.pkrs);
  f(guest.cpl, c.cpl);
  f(guest.cs_l, c.cs_l);
  f(guest.event_delivery, c.event_delivery);
  f(guest.nmi_unblocking, c.nmi_unblocking);
  f(guest.transactional, c.transactional);
  f(guest.busy_shadow_stack, c.busy_shadow_stack);
}

}  // namespace

eptdiff_engine_machine FreshMachine() { return ToC({}, {}, {}); }

std::optional<Machine> MachineOf(const eptdiff_engine_machine& c) {
  constexpr int kNarrowest = 32, kWidest = 52, kMostKeyidBits = 15;
  if (c.maxphyaddr < kNarrowest || c.maxphyaddr > kWidest ||
      c.keyid_bits > kMostKeyidBits ||
      c.maxphyaddr - c.keyid_bits < kNarrowest || c.cpl > 3) {
    return std::nullopt;
  }
  Machine machine;
  machine.processor.maxphyaddr = c.maxphyaddr;
  machine.processor.keyid_bits = c.keyid_bits;
  machine.processor.ept_vpid_cap = c.ept_vpid_cap;
  for (const Feature& feature : kFeatures) {
    machine.processor.*feature.has = (c.cpu & feature.bit) != 0;
  }
  ForEachMember(machine.controls, machine.guest, c,
                [](auto& ours, const auto& theirs) { ours = theirs; });
  return machine;
}

eptdiff_engine_machine ToC(const Processor& processor, const Controls& controls,
                           const GuestState& guest) {
  eptdiff_engine_machine c;
  std::memset(&c, 0, sizeof(c));
  c.size = sizeof(c);
  c.maxphyaddr = processor.maxphyaddr;
  c.keyid_bits = processor.keyid_bits;
  c.ept_vpid_cap = processor.ept_vpid_cap;
  for (const Feature& feature : kFeatures) {
    if (processor.*feature.has) c.cpu |= feature.bit;
  }
  ForEachMember(controls, guest, c,
                [](const auto& ours, auto& theirs) { theirs = ours; });
  return c;
}

std::optional<RequestedAccess> AccessOf(
    const eptdiff_engine_access_request& c) {
  if (c.kind > EPTDIFF_ENGINE_SHADOW_STACK_READ_MODIFY_WRITE ||
      c.pat_index > 7) {
    return std::nullopt;
  }
  RequestedAccess requested;
  requested.access = {
      .kind = static_cast<AccessKind>(c.kind),
      .size = c.bytes == 0 ? std::uint16_t{1} : c.bytes,
      .implicit_supervisor = c.implicit_supervisor != 0,
      .wruss = c.wruss != 0,
      .asynchronous = c.asynchronous != 0,
      .pebs = c.pebs != 0,
  };
  requested.page = {
      .gla_valid = c.without_gla == 0,
      .gla = Gla{c.gla},
      .user = c.user != 0,
      .writable = c.writable != 0,
      .execute_disable = c.execute_disable != 0,
      .pat_index = c.pat_index,
  };
  return requested;
}

eptdiff_engine_event ToC(const Event& event) {
  eptdiff_engine_event c;
  std::memset(&c, 0, sizeof(c));
  c.kind = static_cast<std::uint32_t>(event.kind);
  c.translation_count = event.translation_count;
  for (std::size_t i = 0; i < event.translation_count; ++i) {
    SetTranslation(event.translations[i], c.translations[i]);
  }
  c.failed_check = static_cast<std::uint32_t>(event.failed_check);
  c.exit_reason = event.exit_reason;
  c.interruption_information = event.interruption_information;
  c.qualification = event.qualification;
  c.gpa = event.gpa.value;
  c.gla = event.gla.value;
  c.cr2 = event.cr2.value;
  c.error_code = event.error_code;
  return c;
}

}  // namespace eptdiff::engine
