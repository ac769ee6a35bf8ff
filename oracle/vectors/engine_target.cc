// eptdiff's engine behind the target's header: an implementation to which every
// vector can be put, and an example of one in C++.
// Thread-safety: one thread.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "engine/engine.h"
#include "engine/engine_inl.h"
#include "engine/types.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {
namespace {

class CallbackMemory {
 public:
  explicit CallbackMemory(const eptdiff_memory& memory) : memory_(memory) {}

  bool Load(Hpa address, std::uint64_t& word) const {
    word = memory_.load(memory_.context, address.value);
    return true;
  }
  bool Store(Hpa address, std::uint64_t value) {
    memory_.store(memory_.context, address.value, value);
    return true;
  }
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    return memory_.compare_exchange(memory_.context, address.value, expected,
                                    desired) != 0;
  }

 private:
  const eptdiff_memory& memory_;
};

Processor ProcessorOf(const eptdiff_question& q) {
  Processor p;
  p.maxphyaddr = q.maxphyaddr;
  p.keyid_bits = q.keyid_bits;
  p.ept_vpid_cap = q.ept_vpid_cap;
  p.ept_violation_ve = (q.cpu & EPTDIFF_CPU_EPT_VIOLATION_VE) != 0;
  p.page_1gb = (q.cpu & EPTDIFF_CPU_1_GBYTE_PAGES) != 0;
  p.pse36 = (q.cpu & EPTDIFF_CPU_PSE36) != 0;
  p.nx = (q.cpu & EPTDIFF_CPU_NX) != 0;
  p.smep = (q.cpu & EPTDIFF_CPU_SMEP) != 0;
  p.smap = (q.cpu & EPTDIFF_CPU_SMAP) != 0;
  p.pku = (q.cpu & EPTDIFF_CPU_PKU) != 0;
  p.pks = (q.cpu & EPTDIFF_CPU_PKS) != 0;
  p.cet_ss = (q.cpu & EPTDIFF_CPU_CET_SS) != 0;
  p.la57 = (q.cpu & EPTDIFF_CPU_LA57) != 0;
  p.pcid = (q.cpu & EPTDIFF_CPU_PCID) != 0;
  return p;
}

Controls ControlsOf(const eptdiff_question& q) {
  return {.pin_based = q.pin_based,
          .primary = q.primary,
          .secondary = q.secondary,
          .tertiary = q.tertiary,
          .vm_functions = q.vm_functions,
          .exception_bitmap = q.exception_bitmap,
          .eptp = q.eptp,
          .pml_address = q.pml_address,
          .pml_index = q.pml_index,
          .spptp = q.spptp,
          .ve_information_address = q.ve_information_address,
          .eptp_list_address = q.eptp_list_address,
          .eptp_index = q.eptp_index,
          .hlatp = q.hlatp,
          .hlat_prefix_size = q.hlat_prefix_size,
          .vpid = q.vpid,
          .entry_controls = q.entry_controls,
          .exit_controls = q.exit_controls,
          .apic_access_address = q.apic_access_address,
          .secondary_exit_controls = q.secondary_exit_controls};
}

GuestState GuestOf(const eptdiff_question& q) {
  GuestState g = {.cr0 = q.cr0,
                  .cr3 = q.cr3,
                  .cr4 = q.cr4,
                  .efer = q.efer,
                  .pat = q.pat,
                  .rflags = q.rflags,
                  .pkru = q.pkru,
                  .pkrs = q.pkrs,
                  .pdpte = {},
                  .cpl = q.cpl,
                  .cs_l = q.cs_l != 0,
                  .event_delivery = q.event_delivery != 0,
                  .nmi_unblocking = q.nmi_unblocking != 0,
                  .transactional = q.transactional != 0,
                  .busy_shadow_stack = q.busy_shadow_stack != 0,
                  .delivered_event = q.delivered_event,
                  .delivered_error_code = q.delivered_error_code,
                  .instruction_length = q.instruction_length,
                  .interruptibility = q.interruptibility,
                  .pending_debug = q.pending_debug};
  std::copy(std::begin(q.pdpte), std::end(q.pdpte), g.pdpte.begin());
  return g;
}

EngineStatus Ask(Engine& engine, const eptdiff_question& q,
                 CallbackMemory& memory, Event& event) {
  const Access access = {.kind = static_cast<AccessKind>(q.access),
                         .size = q.access_bytes,
                         .implicit_supervisor = q.implicit_supervisor != 0,
                         .wruss = q.wruss != 0,
                         .asynchronous = q.asynchronous != 0,
                         .pebs = q.pebs != 0};
  const GuestPage page = {.gla_valid = q.gla_valid != 0,
                          .gla = Gla{q.gla},
                          .user = q.page_user != 0,
                          .writable = q.page_writable != 0,
                          .execute_disable = q.page_execute_disable != 0,
                          .pat_index = q.page_pat_index};
  switch (q.step) {
    case EPTDIFF_STEP_GUEST_PHYSICAL:
      return engine.PerformAccess(memory, access, Gpa{q.gpa}, page, event);
    case EPTDIFF_STEP_LINEAR:
      return engine.PerformLinearAccess(memory, access, Gla{q.gla}, event);
    case EPTDIFF_STEP_STRUCTURE_READ:
      return engine.ReadPagingStructure(memory, Gpa{q.gpa}, Gla{q.gla},
                                        q.page_pat_index, event);
    case EPTDIFF_STEP_STRUCTURE_UPDATE:
      return engine.UpdatePagingStructure(memory, Gpa{q.gpa}, Gla{q.gla},
                                          q.page_pat_index, event);
    case EPTDIFF_STEP_PDPTE_LOAD:
      return engine.LoadPdptes(memory, event);
    case EPTDIFF_STEP_EPTP_SWITCH:
      return engine.Vmfunc(memory, q.function, q.index, event);
    case EPTDIFF_STEP_REGISTER_WRITE:
      return engine.WriteRegister(
          memory, static_cast<GuestRegister>(q.guest_register), q.value, event);
    default:
      return EngineStatus::kCallerError;
  }
}

void Fill(const Event& event, eptdiff_answer& answer) {
  // The two enumerations have the same order.
  answer.event = static_cast<std::uint32_t>(event.kind);
  answer.translation_count = event.translation_count;
  for (int i = 0; i < event.translation_count; ++i) {
    const Translation& from = event.translations[i];
    eptdiff_translation& to = answer.translations[i];
    to.address = from.address.value;
    to.page_shift = from.page_shift;
    to.memory_type = static_cast<std::uint8_t>(from.memory_type);
    to.structure_memory_type =
        static_cast<std::uint8_t>(from.structure_memory_type);
    to.guest_structure_types = from.guest_structure_types;
  }
  answer.exit_reason = event.exit_reason;
  answer.interruption_information = event.interruption_information;
  answer.qualification = event.qualification;
  answer.gpa = event.gpa.value;
  answer.gla = event.gla.value;
  answer.cr2 = event.cr2.value;
  answer.error_code = event.error_code;
  answer.failed_check = static_cast<std::uint32_t>(event.failed_check);
}

void FillSaved(const eptdiff_question& q, const Event& event,
               eptdiff_answer& answer) {
  if (event.kind != EventKind::kVmExit) return;
  const bool access =
      q.step == EPTDIFF_STEP_GUEST_PHYSICAL || q.step == EPTDIFF_STEP_LINEAR;
  const bool trace = q.step == EPTDIFF_STEP_GUEST_PHYSICAL && q.gla_valid == 0;
  const SavedState saved = SavedBy(event, ControlsOf(q), GuestOf(q),
                                   (access && q.asynchronous != 0) || trace);
  answer.exit_reason_flags = saved.exit_reason_flags;
  answer.vectoring_information = saved.vectoring_information;
  answer.vectoring_error_code = saved.vectoring_error_code;
  answer.instruction_length = saved.instruction_length;
  answer.interruptibility = saved.interruptibility;
  answer.rflags = saved.rflags;
  answer.pending_debug = saved.pending_debug;
}

}  // namespace
}  // namespace eptdiff

extern "C" {

EPTDIFF_TARGET_DEFINE_ABI;

void eptdiff_target_describe(eptdiff_profile* profile) {
  profile->models = ~std::uint64_t{0};
  profile->fills |= EPTDIFF_FILLS_SAVED_STATE;
}

int eptdiff_target_enter(const eptdiff_question* question,
                         const eptdiff_memory*, eptdiff_answer* answer) {
  eptdiff::Fill(eptdiff::EnterGuest(eptdiff::ProcessorOf(*question),
                                    eptdiff::ControlsOf(*question),
                                    eptdiff::GuestOf(*question)),
                *answer);
  return EPTDIFF_ANSWERED;
}

int eptdiff_target_answer(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  eptdiff::Engine engine(eptdiff::ProcessorOf(*question),
                         eptdiff::ControlsOf(*question),
                         eptdiff::GuestOf(*question));
  eptdiff::CallbackMemory words(*memory);
  eptdiff::Event event;
  if (eptdiff::Ask(engine, *question, words, event) !=
      eptdiff::EngineStatus::kAnswered) {
    return EPTDIFF_NOT_MODELLED;
  }
  eptdiff::Fill(event, *answer);
  eptdiff::FillSaved(*question, event, *answer);
  answer->eptp = engine.controls().eptp;
  answer->pml_index = engine.controls().pml_index;
  answer->eptp_index = engine.controls().eptp_index;
  std::copy(engine.guest().pdpte.begin(), engine.guest().pdpte.end(),
            answer->pdpte);
  return EPTDIFF_ANSWERED;
}

}  // extern "C"
