#include "oracle/reference/register_write.h"

#include <span>

#include "oracle/machine_state.h"
#include "oracle/reference/access.h"
#include "oracle/reference/report.h"

namespace eptdiff {
namespace {

bool IsControlRegister(GuestRegister reg) {
  return reg == GuestRegister::kCr0 || reg == GuestRegister::kCr3 ||
         reg == GuestRegister::kCr4;
}

bool IsMsr(GuestRegister reg) {
  return reg == GuestRegister::kEfer || reg == GuestRegister::kPat ||
         reg == GuestRegister::kPkrs;
}

// What no instruction does: why; empty if one does.
std::string_view FaultOf(const Situation& s, const Step& step) {
  const GuestState& guest = s.state->guest;
  const std::uint64_t value = step.value;
  const bool wide = sdm::Bits(value, 63, 32) != 0;
  if ((IsControlRegister(step.reg) || IsMsr(step.reg)) && guest.cpl != 0) {
    return "MOV to CR or WRMSR at a CPL other than 0";
  }
  if (IsControlRegister(step.reg) && wide && !s.SixtyFourBitMode()) {
    return "MOV to CR of more than 32 bits outside 64-bit mode";
  }
  switch (step.reg) {
    case GuestRegister::kPkru:
      return wide ? "a PKRU of more than 32 bits" : "";
    case GuestRegister::kRflags: {
      const bool same_vm = sdm::Bit(value, 17) == sdm::Bit(guest.rflags, 17);
      const bool reserved = sdm::Bits(value, 63, 22) != 0 ||
                            sdm::Bit(value, 15) || sdm::Bit(value, 5) ||
                            sdm::Bit(value, 3) || !sdm::Bit(value, 1);
      return reserved || !same_vm ? "no RFLAGS that POPF leaves" : "";
    }
    case GuestRegister::kCpl:
      return value > 3 ? "a CPL above 3" : "";
    default:
      return "";
  }
}

constexpr Slot kCr0Checks[] = {
    Slot::kReg1High, Slot::kReg1Pg,   Slot::kReg1Nw,
    Slot::kReg2Pae,  Slot::kReg2Code, Slot::kReg2Leave,
    Slot::kReg3Wp,   Slot::kReg3Pg,   Slot::kReg4};
constexpr Slot kCr3Checks[] = {Slot::kReg10};
constexpr Slot kCr4Checks[] = {Slot::kReg5,     Slot::kReg6Pae, Slot::kReg6La57,
                               Slot::kReg7Mode, Slot::kReg7Cr3, Slot::kReg8,
                               Slot::kReg9};
constexpr Slot kEferChecks[] = {Slot::kReg13Reserved, Slot::kReg13Lme};
constexpr Slot kPatChecks[] = {Slot::kReg14};
constexpr Slot kPkrsChecks[] = {Slot::kReg15};

std::span<const Slot> ChecksOf(GuestRegister reg) {
  switch (reg) {
    case GuestRegister::kCr0:
      return kCr0Checks;
    case GuestRegister::kCr3:
      return kCr3Checks;
    case GuestRegister::kCr4:
      return kCr4Checks;
    case GuestRegister::kEfer:
      return kEferChecks;
    case GuestRegister::kPat:
      return kPatChecks;
    case GuestRegister::kPkrs:
      return kPkrsChecks;
    case GuestRegister::kPkru:
    case GuestRegister::kRflags:
    case GuestRegister::kCpl:
      break;
  }
  return {};
}

// #GP(0); nothing has changed. Whether there is one: which check finds it does
// not show.
bool IsRefused(Examiner& x, const Step& step, Verdict& verdict) {
  bool refused = false;
  for (const Slot check : ChecksOf(step.reg)) {
    if (!x.Ask(check, step.value)) continue;
    if (!refused) {
      AddUntouched(x, x.At(check), verdict).event.kind =
          EventKind::kGeneralProtection;
    }
    refused = true;
  }
  return refused;
}

// 26.1.3, and what table 28-3 says of it. The operand's register is in no case.
bool Exits(Examiner& x, const Step& step, Verdict& verdict) {
  if (step.reg != GuestRegister::kCr3) return false;
  if (!x.Ask(Slot::kReg11Exits)) return false;
  constexpr std::uint64_t kOperand = 0xf00;
  Alternative& exit = AddUntouched(x, {Rule::kReg11, 0}, verdict);
  exit.event.kind = EventKind::kVmExit;
  exit.event.exit_reason = kExitControlRegister;
  exit.event.qualification = x.Ask(Slot::kReg11Qualification);
  exit.qualification_defined = 0xffff'007f & ~kOperand;
  return true;
}

// REG-12: whether the PDPTE registers are loaded.
bool LoadsPdptes(Examiner& x, const Step& step) {
  switch (step.reg) {
    case GuestRegister::kCr0:
      return x.Ask(Slot::kReg12Cr0, step.value);
    case GuestRegister::kCr3:
      return x.Ask(Slot::kReg12Cr3, step.value);
    case GuestRegister::kCr4:
      return x.Ask(Slot::kReg12Cr4, step.value);
    default:
      return false;
  }
}

}  // namespace

bool UsesPaePagingAfter(const GuestState& guest, const Step& step) {
  GuestState after = guest;
  WriteRegister(step.reg, step.value, after);
  return sdm::Bit(after.cr0, 31) && sdm::Bit(after.cr4, 5) &&
         !sdm::Bit(after.efer, 10);
}

// Once the 32 bytes are accessible, all four registers are loaded, or none.
void JudgePdpteLoad(Examiner& x, std::uint64_t cr3, Verdict& verdict) {
  PageAccess load;
  load.purpose = Purpose::kPdpteLoad;
  load.gpa = {x.Ask(Slot::kGw17Address, cr3)};
  load.bytes = 32;
  PageAccesses pages;
  pages.push_back(load);
  JudgeAccess(x, pages, verdict);
  for (Alternative& alternative : verdict.alternatives) {
    Event& event = alternative.event;
    if (event.kind != EventKind::kCompleted) continue;
    const std::uint64_t base = event.translations[0].address.value;
    event = {};
    x.s.level = 0;
    bool reserved = false;
    Registers loaded = alternative.registers;
    for (unsigned i = 0; i < 4; ++i) {
      x.s.entry = x.Read(Role::kPdpte, 0, {base + 8 * i});
      if (x.Ask(Slot::kGw17Reserved)) reserved = true;
      loaded.pdpte[i] = x.s.entry;
    }
    if (reserved) {
      event.kind = EventKind::kGeneralProtection;
      alternative.decided = {Rule::kGw17, 0};
    } else {
      alternative.registers = loaded;
    }
  }
}

void JudgeRegisterWrite(Examiner& x, const Step& step, Verdict& verdict) {
  const std::string_view fault = FaultOf(x.s, step);
  if (!fault.empty()) return Refuse(Standing::kCallerError, fault, verdict);
  const bool exit_first =
      static_cast<LoadOrder>(x.Ask(Slot::kReg11Order)) == LoadOrder::kExitFirst;
  if (exit_first && Exits(x, step, verdict)) return;
  if (IsRefused(x, step, verdict)) return;
  if (!exit_first && Exits(x, step, verdict)) return;
  if (!LoadsPdptes(x, step)) {
    AddUntouched(x, {Rule::kWalk6, 0}, verdict);
    return;
  }
  const std::uint64_t cr3 = step.reg == GuestRegister::kCr3
                                ? x.Ask(Slot::kReg12Root, step.value)
                                : x.state().guest.cr3;
  JudgePdpteLoad(x, cr3, verdict);
}

}  // namespace eptdiff
