#include "fuzzers/generation/random_case.h"

#include "fuzzers/encoding/canonical.h"

namespace eptdiff {
namespace {

template <typename... T>
void Fill(Random& random, T&... fields) {
  ((fields = static_cast<T>(random.Next())), ...);
}

template <typename... Bools>
void Toss(Random& random, Bools&... flags) {
  ((flags = random.OneIn(2)), ...);
}

Step RandomStep(Random& random) {
  Step step;
  step.kind = static_cast<StepKind>(random.Below(kStepKindCount));
  step.access.kind = static_cast<AccessKind>(random.Below(7));
  Toss(random, step.access.implicit_supervisor, step.access.wruss,
       step.access.asynchronous, step.access.pebs, step.page.gla_valid,
       step.page.user, step.page.writable, step.page.execute_disable);
  step.reg = static_cast<GuestRegister>(random.Below(kGuestRegisterCount));
  step.invalidation.kind =
      static_cast<InvalidationKind>(random.Below(kInvalidationKindCount));
  Fill(random, step.processor, step.invalidation.type, step.invalidation.first,
       step.invalidation.second);
  Fill(random, step.access.size, step.gpa.value, step.gla.value,
       step.page.gla.value, step.page.pat_index, step.hpa.value, step.value,
       step.index);
  TableOperation& operation = step.operation;
  operation.kind =
      static_cast<TableOperationKind>(random.Below(kTableOperationKindCount));
  Fill(random, operation.level, operation.failing_allocation,
       operation.meanwhile, operation.gpa.value, operation.hpa.value,
       operation.bytes, operation.flags, operation.view);
  return step;
}

}  // namespace

Case RandomCase(Random& random, std::uint32_t max_records) {
  Case c;
  Processor& p = c.processor;
  Fill(random, p.maxphyaddr, p.keyid_bits, p.ept_vpid_cap);
  Toss(random, p.ept_violation_ve, p.page_1gb, p.nx, p.pse36, p.smep, p.smap,
       p.pku, p.pks, p.cet_ss, p.la57, p.pcid);
  Controls& k = c.controls;
  Fill(random, k.pin_based, k.primary, k.secondary, k.tertiary, k.vm_functions,
       k.exception_bitmap, k.eptp, k.pml_address, k.pml_index, k.spptp,
       k.ve_information_address, k.eptp_list_address, k.eptp_index, k.hlatp,
       k.hlat_prefix_size, k.vpid, k.entry_controls, k.exit_controls,
       k.apic_access_address, k.secondary_exit_controls);
  GuestState& g = c.guest;
  Fill(random, g.cr0, g.cr3, g.cr4, g.efer, g.pat, g.rflags, g.pkru, g.pkrs,
       g.pdpte[0], g.pdpte[1], g.pdpte[2], g.pdpte[3], g.cpl);
  Toss(random, g.cs_l, g.event_delivery, g.nmi_unblocking, g.transactional,
       g.busy_shadow_stack);
  Fill(random, g.delivered_event, g.delivered_error_code, g.instruction_length,
       g.interruptibility, g.pending_debug);
  const std::uint32_t records = random.Below(max_records + 1);
  for (std::uint32_t i = 0; i < records; ++i) {
    if (random.OneIn(4)) {
      c.steps.push_back(RandomStep(random));
    } else {
      c.memory.push_back({Hpa{random.Next()}, random.Next()});
    }
  }
  Canonicalise(c);
  return c;
}

}  // namespace eptdiff
