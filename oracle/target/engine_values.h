// What the target's header asks, in the types of the engine; and an answer in
// those, as the target's header has it. For code in C++ that answers questions,
// or is asked them, by way of eptdiff_target.h.
// Thread-safety: pure.
#ifndef EPTDIFF_ORACLE_TARGET_ENGINE_VALUES_H_
#define EPTDIFF_ORACLE_TARGET_ENGINE_VALUES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "engine/types.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {

inline Processor ProcessorOf(const eptdiff_question& q) {
  const auto has = [&](std::uint32_t feature) {
    return (q.cpu & feature) != 0;
  };
  Processor p;
  p.maxphyaddr = q.maxphyaddr;
  p.keyid_bits = q.keyid_bits;
  p.ept_vpid_cap = q.ept_vpid_cap;
  p.ept_violation_ve = has(EPTDIFF_CPU_EPT_VIOLATION_VE);
  p.page_1gb = has(EPTDIFF_CPU_1_GBYTE_PAGES);
  p.pse36 = has(EPTDIFF_CPU_PSE36);
  p.nx = has(EPTDIFF_CPU_NX);
  p.smep = has(EPTDIFF_CPU_SMEP);
  p.smap = has(EPTDIFF_CPU_SMAP);
  p.pku = has(EPTDIFF_CPU_PKU);
  p.pks = has(EPTDIFF_CPU_PKS);
  p.cet_ss = has(EPTDIFF_CPU_CET_SS);
  p.la57 = has(EPTDIFF_CPU_LA57);
  p.pcid = has(EPTDIFF_CPU_PCID);
  return p;
}

inline Controls ControlsOf(const eptdiff_question& q) {
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

inline GuestState GuestOf(const eptdiff_question& q) {
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

// The enumerations of both have the same order.
inline Access AccessOf(const eptdiff_question& q) {
  return {.kind = static_cast<AccessKind>(q.access),
          .size = q.access_bytes,
          .implicit_supervisor = q.implicit_supervisor != 0,
          .wruss = q.wruss != 0,
          .asynchronous = q.asynchronous != 0,
          .pebs = q.pebs != 0};
}

inline GuestPage PageOf(const eptdiff_question& q) {
  return {.gla_valid = q.gla_valid != 0,
          .gla = Gla{q.gla},
          .user = q.page_user != 0,
          .writable = q.page_writable != 0,
          .execute_disable = q.page_execute_disable != 0,
          .pat_index = q.page_pat_index};
}

// Each leaves what else `answer` has as it is.
inline void SetEvent(const Event& event, eptdiff_answer& answer) {
  answer.event = static_cast<std::uint32_t>(event.kind);
  answer.translation_count = event.translation_count;
  for (std::size_t i = 0; i < event.translation_count; ++i) {
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

inline void SetSaved(const SavedState& saved, eptdiff_answer& answer) {
  answer.exit_reason_flags = saved.exit_reason_flags;
  answer.vectoring_information = saved.vectoring_information;
  answer.vectoring_error_code = saved.vectoring_error_code;
  answer.instruction_length = saved.instruction_length;
  answer.interruptibility = saved.interruptibility;
  answer.rflags = saved.rflags;
  answer.pending_debug = saved.pending_debug;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_ENGINE_VALUES_H_
