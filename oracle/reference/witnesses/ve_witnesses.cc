// Cases of VE.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;
constexpr std::uint64_t kBit63 = std::uint64_t{1} << 63;

// The EPTP index is 7, and other bytes beside its place are in use.
CaseBuilder Ve() {
  return Walk4()
      .Ve()
      .With([](Case& c) { c.controls.eptp_index = 7; })
      .Word(0x6020, 0xaabb'ccdd'1122'3344);
}

// The information area after an EPT violation at 1234H.
Answer WithArea(Answer answer, std::uint64_t qualification,
                std::uint64_t gla = kGlaPage | 0x234) {
  return answer.Writes(0x6000, 0xffff'ffff'0000'0030)
      .Writes(0x6008, qualification)
      .Writes(0x6010, gla)
      .Writes(0x6018, 0x1234)
      .Writes(0x6020, 0xaabb'ccdd'1122'0007);
}

void ProtectionOff(Case& c) { c.guest.cr0 = 0; }
void EventDelivery(Case& c) { c.guest.event_delivery = true; }
void InterceptVe(Case& c) { c.controls.exception_bitmap = 1 << 20; }
void InterceptPageFaults(Case& c) { c.controls.exception_bitmap = 1 << 14; }
void TraceAddress(Step& step) {
  step.access.asynchronous = true;
  step.page.gla_valid = false;
}

std::vector<NamedCase> ConvertibleCases() {
  return {
      {"ve-1-not-present",
       "VE-1",
       {"VE-1/inverted", "VE-1/not-present-never"},
       Ve().Pte(0).Read(0x1234).Build(),
       WithArea(VirtualizationException(), 0x581)},
      {"ve-1-leaf",
       "VE-1",
       {"VE-1/inverted"},
       Ve().Pte(0x9035).Write(0x1234).Build(),
       WithArea(VirtualizationException(), 0x5aa)},
      {"ve-1-suppressed-by-leaf",
       "VE-1",
       {"VE-1/every-violation"},
       Ve().Pte(kBit63 | 0x9035).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"ve-1-suppressed-by-entry-not-present",
       "VE-1",
       {"VE-1/every-violation", "VE-1/leaf-only"},
       Ve().Pte(kBit63).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"ve-1-bit-63-of-table-entry",
       "VE-1",
       {"VE-1/any-entry", "VE-1/first-entry"},
       Ve().Pml4e(kBit63 | 0x2007).Pte(0).Read(0x1234).Build(),
       WithArea(VirtualizationException(), 0x581)},
      {"ve-1-update-suppressed",
       "VE-1",
       {"VE-1/update-despite-suppress"},
       Ve().Pte(kBit63 | 0x9035).StructureUpdate(0x1008).Build(),
       Violation(0xaa, 0x1008).At(kGlaPage)},
      {"ve-1-control-off",
       "VE-1",
       {},
       Walk4().Pte(0).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"ve-1-beyond-width",
       "VE-1",
       {},
       Ve().N(52).Read(0x0001'0000'0000'1234).Build(),
       Violation(0x581, 0x0001'0000'0000'1234)},
      {"ve-2-misconfiguration",
       "VE-2",
       {"VE-2/misconfiguration-too"},
       Ve().Pte(0x9032).Read(0x1234).Build(),
       Misconfiguration(0x1234)},
      {"ve-2-log-full",
       "VE-2",
       {"VE-2/log-full-too"},
       Ve().AccessedDirty().Pml(0xffff).Write(0x1234).Build(),
       LogFull()},
      {"ve-2-spp-miss",
       "VE-2",
       {"VE-2/spp-event-too"},
       Ve().SubPage().Pte(kBit61 | 0x9035).SppL4(0).Write(0x1234).Build(),
       SppEvent(0x800, 0x1234)},
  };
}

std::vector<NamedCase> DeliveryCases() {
  return {
      {"ve-3-protection-off",
       "VE-3",
       {"VE-3/protection-ignored"},
       Ve().Pte(0)
           .With(ProtectionOff)
           .Linear(AccessKind::kRead, 0x1234)
           .Build(),
       Violation(0x781, 0x1234).At(0x1234)},
      {"ve-3-event-delivery",
       "VE-3",
       {"VE-3/event-delivery-ignored"},
       Ve().Pte(0).With(EventDelivery).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"ve-3-busy",
       "VE-3",
       {"VE-3/busy-ignored", "VE-3/busy-all-ones"},
       Ve().Pte(0).Word(0x6000, 0x1'0000'0000).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"ve-3-busy-by-its-last-bit",
       "VE-3",
       {"VE-3/busy-ignored", "VE-3/busy-all-ones"},
       Ve().Pte(0).Word(0x6000, 0x8000'0000'0000'0000).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"ve-3-busy-by-bit-16",
       "VE-3",
       {"VE-3/busy-ignored", "VE-3/busy-all-ones"},
       Ve().Pte(0).Word(0x6000, 0x0001'0000'0000'0000).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"ve-3-only-the-dword-at-4-is-busy",
       "VE-3",
       {},
       Ve().Pte(0).Word(0x6000, 0x1234'5678).Read(0x1234).Build(),
       WithArea(VirtualizationException(), 0x581)},
      {"ve-3-trace-address",
       "VE-3",
       {"VE-3/trace-output-too"},
       Ve().TraceOutput().Pte(0).Write(0x1234).But(TraceAddress).Build(),
       Violation(0x10002, 0x1234)},
      {"ve-3-pebs",
       "VE-3",
       {"VE-3/pebs-too"},
       Ve().Pebs().Pte(0).PebsWrite(0x1238).Build(),
       Violation(0x10002, 0x1238)},
      {"ve-3-busy-shadow-stack",
       "VE-3",
       {"VE-3/busy-shadow-stack-ignored"},
       Ve().Pte(0)
           .With([](Case& c) { c.guest.busy_shadow_stack = true; })
           .ShadowStackWrite(0x1230)
           .Build(),
       Violation(0x2582, 0x1230)},
      {"ve-3-second-violation-exits",
       "VE-3",
       {"VE-3/busy-ignored"},
       Ve().Pte(0).Read(0x1234).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"ve-4-area",
       "VE-4",
       {"VE-4/reason-missing", "VE-4/busy-missing", "VE-4/busy-one",
        "VE-4/qualification-missing", "VE-4/gla-is-gpa", "VE-4/gpa-is-gla",
        "VE-4/index-missing", "VE-4/index-of-eight-bytes",
        "VE-4/index-of-vmfunc", "VE-4/gpa-of-page"},
       Ve().Pte(0).Read(0x1234).Build(),
       WithArea(VirtualizationException(), 0x581)},
      {"ve-5-intercepted",
       "VE-5",
       {"VE-5/never-intercepted", "VE-5/page-fault-bit"},
       Ve().Pte(0).With(InterceptVe).Read(0x1234).Build(),
       WithArea(InterceptedVe(0x8000'0314), 0x581)},
      {"ve-5-intercepted-with-nmi-unblocking",
       "VE-5",
       {"QUAL-12/never"},
       Ve().Pte(0)
           .With(InterceptVe)
           .With([](Case& c) { c.guest.nmi_unblocking = true; })
           .Read(0x1234)
           .Build(),
       WithArea(InterceptedVe(0x8000'1314), 0x1581)},
      {"ve-5-not-intercepted",
       "VE-5",
       {"VE-5/always-intercepted", "VE-5/page-fault-bit"},
       Ve().Pte(0).With(InterceptPageFaults).Read(0x1234).Build(),
       WithArea(VirtualizationException(), 0x581)},
  };
}

}  // namespace

std::vector<NamedCase> VeWitnesses() {
  std::vector<NamedCase> cases = ConvertibleCases();
  const std::vector<NamedCase> more = DeliveryCases();
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

}  // namespace eptdiff
