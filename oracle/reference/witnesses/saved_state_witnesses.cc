// Cases of HAND: what VM exits save for their handlers. Without an event, IRET
// or blocking that is RFLAGS with RF: 10002H.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

// Events as table 25-20 has them.
constexpr std::uint32_t kInterrupt = 0x8000'0020;       // external, vector 32
constexpr std::uint32_t kNmi = 0x8000'0202;             // vector 2
constexpr std::uint32_t kPageFaultEvent = 0x8000'0b0e;  // with an error code
constexpr std::uint32_t kIntN = 0x8000'0480;            // INT 80H
constexpr std::uint32_t kInt3 = 0x8000'0603;

// A read of a page that is not present, while `event` is delivered.
CaseBuilder Delivering(std::uint32_t event) {
  return Walk4().Pte(0).With([event](Case& c) {
    c.guest.event_delivery = true;
    c.guest.delivered_event = event;
  });
}
// "CR3-load exiting".
CaseBuilder ExitsAtCr3() {
  return Walk4().With([](Case& c) { c.controls.primary |= 0x8000; });
}
// "INVLPG exiting".
CaseBuilder ExitsAtInvalidations() {
  return Walk4().With([](Case& c) { c.controls.primary |= 0x200; });
}
Answer ViolationOfRead() { return Violation(0x581, 0x1234); }

void PushOnShadowStack(Case& c) { c.guest.busy_shadow_stack = true; }
// The VM-exit control "prematurely busy shadow stack".
void ReportBusy(Case& c) {
  c.controls.exit_controls |= 1u << 31;
  c.controls.secondary_exit_controls = 8;
}
void Iret(Case& c) { c.guest.nmi_unblocking = true; }
void NmiExiting(Case& c) { c.controls.pin_based = 8; }
template <std::uint8_t kState>
void Blocking(Case& c) {
  c.guest.interruptibility = kState;
}
void BlockingBySti(Case& c) {
  Blocking<1>(c);
  c.guest.rflags |= 0x200;  // IF
}
template <std::uint8_t kBytes>
void Length(Case& c) {
  c.guest.instruction_length = kBytes;
}
void Resume(Case& c) { c.guest.rflags |= 0x10000; }
// Breakpoint 0 was met and enabled.
void PendingBreakpoint(Case& c) { c.guest.pending_debug = 0x1001; }
// An interrupt is being delivered, the instruction is the handler's.
void Handler(Case& c) {
  c.guest.event_delivery = true;
  c.guest.delivered_event = kInterrupt;
}
void ErrorCode2(Case& c) { c.guest.delivered_error_code = 2; }

std::vector<NamedCase> ShadowStackCases() {
  return {
      {"hand-1-busy-shadow-stack",
       "HAND-1",
       {"HAND-1/busy-missing"},
       Walk4()
           .Pte(0)
           .With(PushOnShadowStack)
           .With(ReportBusy)
           .ShadowStackWrite(0x1230)
           .Build(),
       Violation(0x2582, 0x1230).Saves([](SavedState& saved) {
         saved.exit_reason_flags = 0x200;
       })},
      {"hand-1-busy-without-control",
       "HAND-1",
       {"HAND-1/busy-without-control"},
       Walk4().Pte(0).With(PushOnShadowStack).ShadowStackWrite(0x1230).Build(),
       Violation(0x2582, 0x1230)},
      {"hand-9-misconfiguration",
       "HAND-9",
       {"HAND-9/missing"},
       Walk4()
           .Pte(2)
           .With(PushOnShadowStack)
           .With(ReportBusy)
           .ShadowStackWrite(0x1230)
           .Build(),
       Misconfiguration(0x1230).Saves(
           [](SavedState& saved) { saved.exit_reason_flags = 0x200; })},
      {"hand-9-log-full",
       "HAND-9",
       {"HAND-9/missing"},
       Walk4()
           .AccessedDirty()
           .Pml(0xffff)
           .With(PushOnShadowStack)
           .With(ReportBusy)
           .ShadowStackWrite(0x1230)
           .Build(),
       LogFull().At(kGlaPage | 0x230).Saves([](SavedState& saved) {
         saved.exit_reason_flags = 0x200;
       })},
  };
}

std::vector<NamedCase> VectoringCases() {
  return {
      {"hand-1-injected-after-an-enclave",
       "HAND-1",
       {"HAND-1/enclave-missing", "HAND-5/enclave-dropped"},
       Delivering(kInterrupt).With(Blocking<0x10>).Read(0x1234).Build(),
       ViolationOfRead().Saves([](SavedState& saved) {
         saved.exit_reason_flags = 0x800;
         saved.vectoring_information = kInterrupt;
         saved.interruptibility = 0x10;
       })},
      {"hand-2-interrupt",
       "HAND-2",
       {"HAND-2/never-valid", "HAND-2/vector-missing"},
       Delivering(kInterrupt).Read(0x1234).Build(),
       ViolationOfRead().Saves([](SavedState& saved) {
         saved.vectoring_information = kInterrupt;
       })},
      {"hand-2-misconfiguration",
       "HAND-2",
       {"HAND-2/not-of-misconfigurations"},
       Delivering(kInterrupt).Pte(2).Read(0x1234).Build(),
       Misconfiguration(0x1234).Saves([](SavedState& saved) {
         saved.vectoring_information = kInterrupt;
       })},
      {"hand-2-nmi",
       "HAND-2",
       {"HAND-2/type-missing", "HAND-6/nmi-not-blocking"},
       Delivering(kNmi).Read(0x1234).Build(),
       ViolationOfRead().Saves([](SavedState& saved) {
         saved.vectoring_information = kNmi;
         saved.interruptibility = 8;
       })},
      {"hand-3-page-fault",
       "HAND-3",
       {"HAND-3/never", "HAND-3/code-missing"},
       Delivering(kPageFaultEvent).With(ErrorCode2).Read(0x1234).Build(),
       ViolationOfRead().Saves([](SavedState& saved) {
         saved.vectoring_information = kPageFaultEvent;
         saved.vectoring_error_code = 2;
       })},
      {"hand-3-real-address-mode",
       "HAND-3",
       {"HAND-3/in-real-address-mode"},
       Delivering(kPageFaultEvent)
           .With([](Case& c) {
             c.guest.cr0 = 0;
             c.guest.efer = 0;
             c.guest.cs_l = false;
           })
           .Read(0x1234)
           .Build(),
       Violation(0x781, 0x1234).At(0x5555'5234).Saves([](SavedState& saved) {
         saved.vectoring_information = 0x8000'030e;
       })},
  };
}

std::vector<NamedCase> InstructionCases() {
  return {
      {"hand-4-vmfunc",
       "HAND-4",
       {"HAND-4/not-of-vmfunc", "HAND-7/always"},
       Walk4().EptpSwitching().With(Length<3>).Switch(512).Build(),
       VmfuncExit().Saves(
           [](SavedState& saved) { saved.instruction_length = 3; })},
      {"hand-4-mov-to-cr3",
       "HAND-4",
       {"HAND-4/not-of-mov-to-cr3", "HAND-7/of-mov-to-cr3", "HAND-7/always"},
       ExitsAtCr3().With(Length<3>).Give(GuestRegister::kCr3, 0x1000).Build(),
       ControlRegisterExit(3).Saves(
           [](SavedState& saved) { saved.instruction_length = 3; })},
      {"hand-7-mov-to-cr3-with-rf",
       "HAND-7",
       {"HAND-7/as-it-was", "HAND-7/of-mov-to-cr3"},
       ExitsAtCr3().With(Resume).Give(GuestRegister::kCr3, 0x1000).Build(),
       ControlRegisterExit(3)},
      {"hand-4-invlpg",
       "HAND-4",
       {"HAND-4/not-of-invalidations", "HAND-7/of-invalidations",
        "HAND-7/always"},
       ExitsAtInvalidations().With(Length<3>).Invlpg(kGla).Build(),
       InvlpgExit(kGla).Saves(
           [](SavedState& saved) { saved.instruction_length = 3; })},
      {"hand-4-invpcid",
       "HAND-4",
       {"HAND-4/not-of-invalidations", "HAND-7/of-invalidations",
        "HAND-7/always"},
       ExitsAtInvalidations().With(Length<5>).Invpcid(2, 0, 0).Build(),
       InvpcidExit().Saves(
           [](SavedState& saved) { saved.instruction_length = 5; })},
      {"hand-7-invlpg-with-rf",
       "HAND-7",
       {"HAND-7/as-it-was", "HAND-7/of-invalidations"},
       ExitsAtInvalidations().With(Resume).Invlpg(kGla).Build(),
       InvlpgExit(kGla)},
      // It is no access of the delivery.
      {"hand-2-invpcid-of-a-handler",
       "HAND-2",
       {},
       ExitsAtInvalidations().With(Handler).Invpcid(2, 0, 0).Build(),
       InvpcidExit()},
      {"hand-4-int-n",
       "HAND-4",
       {"HAND-4/not-in-delivery", "HAND-7/always", "HAND-7/in-delivery-too"},
       Delivering(kIntN).With(Length<2>).Read(0x1234).Build(),
       ViolationOfRead().Saves([](SavedState& saved) {
         saved.vectoring_information = kIntN;
         saved.instruction_length = 2;
         saved.rflags = 2;
       })},
      {"hand-4-int3",
       "HAND-4",
       {"HAND-4/software-interrupts-only", "HAND-4/not-in-delivery"},
       Delivering(kInt3).With(Length<1>).Read(0x1234).Build(),
       ViolationOfRead().Saves([](SavedState& saved) {
         saved.vectoring_information = kInt3;
         saved.instruction_length = 1;
         saved.rflags = 2;
       })},
      {"hand-7-violation",
       "HAND-7",
       {"HAND-7/as-it-was", "HAND-7/never", "HAND-7/in-delivery-alone",
        "HAND-1/bus-lock-always"},
       Walk4().Pte(0).Read(0x1234).Build(),
       ViolationOfRead()},
      {"hand-7-interrupt-with-rf",
       "HAND-7",
       {"HAND-7/never"},
       Delivering(kInterrupt).With(Resume).Read(0x1234).Build(),
       ViolationOfRead().Saves([](SavedState& saved) {
         saved.vectoring_information = kInterrupt;
       })},
  };
}

std::vector<NamedCase> InterruptibilityCases() {
  return {
      {"hand-5-event-delivery",
       "HAND-5",
       {"HAND-5/blocking-kept"},
       Delivering(kInterrupt).With(BlockingBySti).Read(0x1234).Build(),
       ViolationOfRead().Saves([](SavedState& saved) {
         saved.vectoring_information = kInterrupt;
       })},
      {"hand-5-smi",
       "HAND-5",
       {"HAND-5/smi-kept"},
       Walk4().Pte(0).With(Blocking<4>).Read(0x1234).Build(),
       ViolationOfRead()},
      {"hand-6-iret",
       "HAND-6",
       {"HAND-6/iret-keeps-blocking", "QUAL-12/never"},
       Walk4().Pte(0).With(Iret).With(Blocking<8>).Read(0x1234).Build(),
       Violation(0x1581, 0x1234)},
      {"hand-6-iret-with-nmi-exiting",
       "HAND-6",
       {"HAND-6/iret-always-unblocks"},
       Walk4()
           .Pte(0)
           .With(Iret)
           .With(NmiExiting)
           .With(Blocking<8>)
           .Read(0x1234)
           .Build(),
       ViolationOfRead().Saves(
           [](SavedState& saved) { saved.interruptibility = 8; })},
      {"hand-8-mov-ss",
       "HAND-8",
       {"HAND-8/always-clear", "HAND-8/breakpoints-alone",
        "HAND-5/blocking-dropped"},
       Walk4()
           .Pte(0)
           .With(Blocking<2>)
           .With(PendingBreakpoint)
           .Read(0x1234)
           .Build(),
       ViolationOfRead().Saves([](SavedState& saved) {
         saved.interruptibility = 2;
         saved.pending_debug = 0x1000;
       })},
      {"hand-8-no-blocking",
       "HAND-8",
       {"HAND-8/as-they-were"},
       Walk4().Pte(0).With(PendingBreakpoint).Read(0x1234).Build(),
       ViolationOfRead()},
  };
}

}  // namespace

std::vector<NamedCase> SavedStateWitnesses() {
  std::vector<NamedCase> cases;
  for (auto part : {ShadowStackCases, VectoringCases, InstructionCases,
                    InterruptibilityCases}) {
    const std::vector<NamedCase> more = part();
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
