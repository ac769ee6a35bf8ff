#include "oracle/reference/reference.h"

#include <bit>
#include <string_view>
#include <utility>

#include "oracle/reference/access.h"
#include "oracle/reference/examiner.h"
#include "oracle/reference/invalidation.h"
#include "oracle/reference/linear_access.h"
#include "oracle/reference/register_write.h"
#include "oracle/reference/report.h"
#include "oracle/reference/saved_state.h"
#include "oracle/unmodelled.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

constexpr std::uint32_t BitOf(EntryCheck check) {
  return 1u << static_cast<unsigned>(check);
}

// VM entry refuses an EPTP for these reasons (table 25-9).
std::uint32_t FailedEptpChecks(Examiner& x, std::uint64_t eptp) {
  std::uint32_t failed = 0;
  const auto ask = [&](Slot slot, EntryCheck check)
                       __attribute__((always_inline)) {
                         if (x.Ask(slot, eptp)) failed |= BitOf(check);
                       };
  ask(Slot::kEptp1, EntryCheck::kEptp1);
  ask(Slot::kEptp2, EntryCheck::kEptp2);
  ask(Slot::kEptp3, EntryCheck::kEptp3);
  ask(Slot::kEptp4, EntryCheck::kEptp4);
  ask(Slot::kEptp5, EntryCheck::kEptp5);
  return failed;
}

// 27.2.1.1.
std::uint32_t FailedChecks(Examiner& x) {
  std::uint32_t failed = 0;
  if (x.s.EnableEpt()) failed = FailedEptpChecks(x, x.state().controls.eptp);
  const auto ask = [&](Slot slot, EntryCheck check)
                       __attribute__((always_inline)) {
                         if (x.Ask(slot)) failed |= BitOf(check);
                       };
  ask(Slot::kCtl1, EntryCheck::kCtl1);
  ask(Slot::kCtl2, EntryCheck::kCtl2);
  ask(Slot::kCtl3, EntryCheck::kCtl3);
  ask(Slot::kCtl6, EntryCheck::kCtl6);
  ask(Slot::kCtl7, EntryCheck::kCtl7);
  ask(Slot::kCtl8, EntryCheck::kCtl8);
  ask(Slot::kCtl9, EntryCheck::kCtl9);
  ask(Slot::kCtl10, EntryCheck::kCtl10);
  ask(Slot::kCtl11, EntryCheck::kCtl11);
  ask(Slot::kCtl12, EntryCheck::kCtl12);
  ask(Slot::kCtl13, EntryCheck::kCtl13);
  ask(Slot::kCtl14, EntryCheck::kCtl14);
  return failed;
}

// Of the first of these checks; there is one.
RuleAt RuleOfCheck(std::uint32_t failed) {
  return {RuleOf(static_cast<EntryCheck>(std::countr_zero(failed))), 0};
}

// The readings of EPTP bit 7, where the processor has what it controls.
struct Bit7 {
  bool accepted = true;
  bool refused = false;
};
Bit7 ReadingsOfBit7(Examiner& x, std::uint64_t eptp) {
  if (!sdm::Bit(eptp, 7) || !x.s.Capability(23)) return {};
  const auto answer = static_cast<EptpBit7>(x.Ask(Slot::kEptp4Reserved, eptp));
  return {answer == EptpBit7::kEither, true};
}

// 27.2: VMfailValid with VM-instruction error 7; nothing is loaded.
void AddRefusedControls(const Examiner& x, std::uint32_t failed,
                        Verdict& verdict) {
  Alternative& entry = AddUntouched(x, RuleOfCheck(failed), verdict);
  entry.event.kind = EventKind::kVmEntryFailure;
  entry.failed_checks = failed;
}

// 27.8: the basic exit reason 33 (with bit 31), and a qualification.
[[gnu::noinline]] void AddRefusedGuest(const Examiner& x,
                                       std::uint64_t qualification, Rule why,
                                       Verdict& verdict) {
  constexpr std::uint16_t kInvalidGuestState = 33;
  Alternative& entry = AddUntouched(x, {why, 0}, verdict);
  entry.event.kind = EventKind::kGuestStateFailure;
  entry.event.exit_reason = kInvalidGuestState;
  entry.event.qualification = qualification;
  entry.qualification_defined = ~std::uint64_t{0};
}

// Whether one of the PDPTE fields fails (27.3.1.6).
bool SomePdpteFails(Examiner& x) {
  if (!x.s.EnableEpt() || !x.s.PagingEnabled() || !x.s.Cr4(5) ||
      x.s.Ia32eModeGuest()) {
    return false;
  }
  bool fails = false;
  for (const std::uint64_t pdpte : x.state().guest.pdpte) {
    x.s.entry = pdpte;
    if (x.Ask(Slot::kGst10)) fails = true;
  }
  return fails;
}

// 27.3.1: "These checks may be performed in any order", so that where both
// kinds of failure are there either qualification may be reported (27.8).
void JudgeGuestState(Examiner& x, Verdict& verdict) {
  bool accepted = true;
  const auto ask = [&](Slot slot) __attribute__((always_inline)) {
    if (!x.Ask(slot)) return;
    if (accepted) AddRefusedGuest(x, 0, InfoOf(slot).rule, verdict);
    accepted = false;
  };
  ask(Slot::kGst1);
  ask(Slot::kGst2);
  ask(Slot::kGst3);
  ask(Slot::kGst4);
  ask(Slot::kGst5);
  ask(Slot::kGst6);
  ask(Slot::kGst7);
  ask(Slot::kGst8);
  ask(Slot::kGst9);
  ask(Slot::kGst11);
  ask(Slot::kGst12);
  ask(Slot::kGst13);
  ask(Slot::kGst14);
  if (SomePdpteFails(x)) {
    AddRefusedGuest(x, x.Ask(Slot::kGst10Reason), Rule::kGst10, verdict);
    accepted = false;
  }
  const bool bus_lock = sdm::Bit(x.state().guest.pending_debug, 11);
  const bool is_open =
      bus_lock && static_cast<PendingBusLock>(x.Ask(Slot::kGst14BusLock)) ==
                      PendingBusLock::kEither;
  if (!accepted) return;
  if (is_open || !bus_lock) AddUntouched(x, {Rule::kWalk6, 0}, verdict);
  if (bus_lock) AddRefusedGuest(x, 0, Rule::kGst14, verdict);
}

void JudgeStore(Examiner& x, const Step& step, Verdict& verdict) {
  Alternative& stored = AddUntouched(x, {Rule::kWalk6, 0}, verdict);
  AddWrite(x.state(), step.hpa, ~std::uint64_t{0}, step.value,
           {Rule::kWalk6, 0}, stored.required);
}

// 26.5.6.2 and, of leaf 0, 26.5.6.3.
void JudgeVmfunc(Examiner& x, const Step& step, Verdict& verdict) {
  const std::uint64_t leaf = sdm::Bits(step.value, 31, 0);  // EAX
  Alternative& result = AddUntouched(x, {Rule::kCtl4, 0}, verdict);
  if (x.Ask(Slot::kVmf1Control) || x.Ask(Slot::kVmf1Leaf, leaf)) {
    result.event.kind = EventKind::kInvalidOpcode;
    result.decided = {Rule::kVmf1, 0};
    return;
  }
  const auto exit = [&](RuleAt decided) {
    ReportExit(x, kExitVmfunc, decided, false, result);
  };
  if (leaf != 0) {
    if (x.Ask(Slot::kVmf2, leaf)) return exit({Rule::kVmf2, 0});
  } else if (x.Ask(Slot::kCtl4Disabled)) {
    return exit({Rule::kCtl4, 0});
  }
  if (x.Ask(Slot::kCtl4Index, step.index)) return exit({Rule::kCtl4, 0});
  const std::uint64_t list = x.state().controls.eptp_list_address;
  const Hpa address{list + 8 * std::uint64_t{step.index}};
  const std::uint64_t eptp = x.state().memory.Load(address);
  x.trace().entries.push_back({Structure::kEptpList, 0, 0, address, eptp});
  x.NotePhysical(address);
  const std::uint32_t failed = FailedEptpChecks(x, eptp);
  if (failed != 0) return exit(RuleOfCheck(failed));
  if (x.Ask(Slot::kCtl4Refused, eptp)) return exit({Rule::kCtl4, 0});
  const Bit7 bit7 = ReadingsOfBit7(x, eptp);
  if (!bit7.accepted) return exit({Rule::kEptp4, 0});
  if (bit7.refused) {
    ReportExit(x, kExitVmfunc, {Rule::kEptp4, 0}, false,
               AddUntouched(x, {Rule::kEptp4, 0}, verdict));
  }
  result.registers.eptp = eptp;
  result.registers.eptp_index =
      static_cast<std::uint16_t>(x.Ask(Slot::kCtl4EptpIndex, step.index));
}

// The bytes of an access, page by page; no guest-physical address has more than
// `width` bits (2026, 31.3.1). With CR0.PG = 0 linear addresses have 32 bits,
// and so have the guest-physical ones that they are.
bool SplitIntoPages(const Step& step, int width, PageAccesses& pages) {
  const bool linear = step.kind == StepKind::kLinearAccess;
  std::uint64_t done = 0;
  while (done < step.access.size) {
    PageAccess page;
    page.access = step.access;
    page.page = step.page;
    if (linear) {
      page.page = {};
      page.gla = {sdm::Bits(step.gla.value + done, 31, 0)};
      page.gpa = {page.gla.value};
    } else {
      page.gla = {step.page.gla.value + done};
      page.gpa = {step.gpa.value + done};
    }
    if (sdm::Bits(page.gpa.value, 63, width) != 0) return false;
    const std::uint64_t room = kPageBytes - sdm::Bits(page.gpa.value, 11, 0);
    const std::uint64_t left = step.access.size - done;
    page.bytes = static_cast<std::uint16_t>(left < room ? left : room);
    page.split = page.bytes < step.access.size;
    done += page.bytes;
    pages.push_back(page);
  }
  return true;
}

// GW-16: whether the mode makes no such linear address (3A 4.1.1).
bool IsTooWide(Examiner& x, const Step& step) {
  const auto mode = static_cast<GuestMode>(sdm::Gw1Mode(x.s));
  const bool ia32e = mode == GuestMode::k4Level || mode == GuestMode::k5Level;
  const bool has_64_bits =
      ia32e && (x.state().guest.cs_l || step.access.implicit_supervisor);
  return !has_64_bits && sdm::Bits(step.gla.value, 63, 32) != 0;
}

// The bytes of a linear access, page by page.
LinearParts SplitLinear(Examiner& x, const Step& step) {
  LinearParts parts;
  const std::uint64_t first = x.Ask(Slot::kGw23, step.gla.value);
  std::uint64_t done = 0;
  while (done < step.access.size) {
    LinearPart part;
    part.access = step.access;
    part.named = {step.gla.value + done};
    part.gla = {x.Ask(Slot::kGw21, first + done)};
    const std::uint64_t room = kPageBytes - sdm::Bits(part.gla.value, 11, 0);
    const std::uint64_t left = step.access.size - done;
    part.bytes = static_cast<std::uint16_t>(left < room ? left : room);
    part.split = part.bytes < step.access.size;
    done += part.bytes;
    parts.push_back(part);
  }
  return parts;
}

// Volume 1, 3.3.7.1: bits 63:47 (63:56 with 5-level paging) are the same.
bool IsCanonical(std::uint64_t gla, GuestMode mode) {
  const int low = mode == GuestMode::k5Level ? 56 : 47;
  const std::uint64_t upper = sdm::Bits(gla, 63, low);
  return upper == 0 || upper == sdm::Bits(~std::uint64_t{0}, 63, low);
}

// The address of the byte `done` bytes after `gla` as paging takes it, whatever
// a dialect makes of it: that decides what can be asked.
std::uint64_t SdmAddress(Examiner& x, std::uint64_t gla, std::uint64_t done) {
  x.s.operand = gla;
  x.s.operand = sdm::Gw23(x.s) + done;
  return sdm::Gw21(x.s);
}

// GW-22: before paging, whatever bytes of the access are concerned.
bool IsSeparated(Examiner& x, RuleAt& decided) {
  const auto forbids = [&](Slot slot) __attribute__((always_inline)) {
    if (!x.Ask(slot)) return false;
    decided = x.At(slot);
    return true;
  };
  return forbids(Slot::kGw22User) || forbids(Slot::kGw22Data) ||
         forbids(Slot::kGw22Fetch);
}

void JudgeLinear(Examiner& x, const Step& step, LinearParts parts,
                 Verdict& verdict) {
  std::uint64_t done = 0;
  for (const LinearPart& part : parts) {
    BeginLinear(x, part);
    if (!x.s.FourOrFiveLevel()) continue;
    if (!x.Ask(Slot::kGw23Defined, done)) {
      return Refuse(Standing::kUndefined, IdentifierOf(Rule::kGw23), verdict);
    }
    if (!IsCanonical(SdmAddress(x, step.gla.value, done), x.s.linear.mode)) {
      return Refuse(Standing::kCallerError, "a linear address not canonical",
                    verdict);
    }
    if (!x.Ask(Slot::kGw15Defined)) {
      return Refuse(Standing::kUndefined, IdentifierOf(Rule::kGw15), verdict);
    }
    done += part.bytes;
  }
  for (LinearPart& part : parts) {
    BeginLinear(x, part);
    RuleAt decided;
    if (!IsSeparated(x, decided)) continue;
    // Where it goes on at address 0, and breaks it there alone.
    const bool wraps = part.gla.value < parts[0].gla.value;
    const auto answer =
        wraps ? static_cast<SeparationOfWrap>(x.Ask(Slot::kGw22Wrap))
              : SeparationOfWrap::kFaults;
    if (answer == SeparationOfWrap::kFaults) {
      AddUntouched(x, decided, verdict).event.kind =
          EventKind::kGeneralProtection;
      return;
    }
    part.separation = answer;
    part.separated_by = decided;
  }
  JudgeLinearAccess(x, parts, verdict);
}

void JudgeData(Examiner& x, const Step& step, Verdict& verdict) {
  if (step.access.size == 0 || step.access.size > kMaxAccessBytes) {
    return Refuse(Standing::kCallerError, "a size of 0 or above 4096 bytes",
                  verdict);
  }
  const bool without_gla =
      step.kind == StepKind::kGuestPhysicalAccess && !step.page.gla_valid;
  // 26.5.4 and (2026) 28.5.5: no others are without a linear address.
  const bool pebs = step.access.pebs;
  if (without_gla && !pebs && !x.s.IntelPtGuestPhysical()) {
    return Refuse(Standing::kCallerError,
                  "trace output without \"Intel PT uses guest physical "
                  "addresses\"",
                  verdict);
  }
  if (pebs && !x.s.PebsGuestPhysical()) {
    return Refuse(Standing::kCallerError,
                  "PEBS without \"PEBS uses guest physical addresses\"",
                  verdict);
  }
  if (pebs && (!without_gla || step.access.kind != AccessKind::kWrite)) {
    return Refuse(Standing::kCallerError,
                  "PEBS that is no write, or has a linear address", verdict);
  }
  const bool asynchronous = without_gla || step.access.asynchronous;
  if (x.state().guest.event_delivery && asynchronous) {
    return Refuse(Standing::kCallerError,
                  "an asynchronous access as part of event delivery", verdict);
  }
  if (x.state().guest.busy_shadow_stack && asynchronous) {
    return Refuse(Standing::kCallerError,
                  "an asynchronous access as a push onto a shadow stack",
                  verdict);
  }
  if (step.kind == StepKind::kLinearAccess) {
    BeginLinear(x, {.access = step.access, .gla = step.gla, .named = step.gla});
    if (IsTooWide(x, step)) {
      return Refuse(Standing::kCallerError, "a linear address above 32 bits",
                    verdict);
    }
    // What was kept with CR0.PG = 1 may be used with CR0.PG = 0.
    if (x.s.linear.mode != GuestMode::kNone || x.chooser != nullptr) {
      return JudgeLinear(x, step, SplitLinear(x, step), verdict);
    }
  }
  PageAccesses pages;
  if (!SplitIntoPages(step, x.s.N(), pages)) {
    return Refuse(Standing::kCallerError,
                  "a guest-physical address beyond CPUID's physical-address "
                  "width",
                  verdict);
  }
  JudgeAccess(x, pages, verdict);
}

void JudgeStructureAccess(Examiner& x, const Step& step, Verdict& verdict) {
  if (sdm::Bits(step.gpa.value, 63, x.s.N()) != 0 ||
      sdm::Bits(step.gpa.value, 1, 0) != 0) {
    return Refuse(Standing::kCallerError,
                  "a guest entry beyond CPUID's physical-address width or not "
                  "4-byte aligned",
                  verdict);
  }
  PageAccess access;
  access.purpose = step.kind == StepKind::kPagingStructureRead
                       ? Purpose::kStructureRead
                       : Purpose::kStructureUpdate;
  access.gpa = step.gpa;
  access.gla = step.page.gla;
  access.page = step.page;
  access.bytes = 4;
  PageAccesses pages;
  pages.push_back(access);
  JudgeAccess(x, pages, verdict);
}

// 28.3.4: a VM exit saves PDPTEs that mean something if PAE paging is in use.
void DefinePdptes(bool in_use, Verdict& verdict) {
  for (Alternative& alternative : verdict.alternatives) {
    alternative.pdptes_defined = in_use;
  }
}

void JudgeInvalidationStep(Examiner& x, const Invalidation& asked,
                           Verdict& verdict) {
  const bool of_guest = asked.kind == InvalidationKind::kInvlpg ||
                        asked.kind == InvalidationKind::kInvpcid;
  if (of_guest && x.state().guest.cpl != 0) {
    return Refuse(Standing::kCallerError, "INVLPG or INVPCID above CPL 0",
                  verdict);
  }
  const bool refused = asked.kind == InvalidationKind::kInvept &&
                       FailedEptpChecks(x, asked.first) != 0;
  JudgeInvalidation(x, asked, refused, verdict);
  DefinePdptes(x.s.EnableEpt() && x.s.PaePaging(), verdict);
  DescribeSavedState(x, verdict);
}

// Likewise, where `step` may begin PAE paging or end it.
void DefinePdptesAfter(const Examiner& x, const Step& step, Verdict& verdict) {
  const bool after = UsesPaePagingAfter(x.state().guest, step);
  for (Alternative& alternative : verdict.alternatives) {
    alternative.pdptes_defined = alternative.event.kind == EventKind::kCompleted
                                     ? after
                                     : x.s.PaePaging();
  }
}

void Reset(Verdict& verdict, Trace& trace) {
  verdict.standing = Standing::kJudged;
  verdict.unmodelled = "";
  verdict.alternatives.clear();
  trace.Clear();
}

}  // namespace

Reference::Reference(Dialect dialect) : dialect_(std::move(dialect)) {}

void Reference::JudgeEntry(const MachineState& state, Verdict& verdict,
                           Trace& trace) const {
  Reset(verdict, trace);
  Examiner x(dialect_, state, trace);
  std::uint32_t failed = FailedChecks(x);
  const Bit7 bit7 =
      x.s.EnableEpt() ? ReadingsOfBit7(x, state.controls.eptp) : Bit7{};
  if (failed != 0) {
    if (bit7.refused) failed |= BitOf(EntryCheck::kEptp4);
    return AddRefusedControls(x, failed, verdict);
  }
  if (bit7.accepted) JudgeGuestState(x, verdict);
  if (bit7.refused) {
    AddRefusedControls(x, BitOf(EntryCheck::kEptp4), verdict);
  }
  DefinePdptes(x.s.PaePaging(), verdict);
}

void Reference::Judge(const MachineState& state, const Step* step,
                      Verdict& verdict, Trace& trace) const {
  if (step == nullptr) {
    JudgeEntry(state, verdict, trace);
  } else {
    Judge(state, *step, verdict, trace);
  }
}

void Reference::Judge(const MachineState& state, const Step& step,
                      Verdict& verdict, Trace& trace, Chooser* chooser) const {
  if (step.kind == StepKind::kVmEntry && HasVmcsField(step.index)) {
    return JudgeEntry(state, verdict, trace);
  }
  Reset(verdict, trace);
  Examiner x(dialect_, state, trace, chooser);
  if (step.kind == StepKind::kVmEntry) {
    return Refuse(Standing::kCallerError, NameOfVmcsField(step.index), verdict);
  }
  if (step.kind == StepKind::kInvalidation) {
    return JudgeInvalidationStep(x, step.invalidation, verdict);
  }
  if (!x.s.EnableEpt()) {
    return Refuse(Standing::kCallerError, "EPT is off", verdict);
  }
  const Skip unmodelled = UnmodelledBy(state, step);
  if (unmodelled != Skip::kNone) {
    return Refuse(Standing::kNotModelled, WordsOf(unmodelled), verdict);
  }
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
    case StepKind::kLinearAccess:
      JudgeData(x, step, verdict);
      break;
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      JudgeStructureAccess(x, step, verdict);
      break;
    case StepKind::kPdpteLoad:
      JudgePdpteLoad(x, x.state().guest.cr3, verdict);
      break;
    case StepKind::kStore:
      JudgeStore(x, step, verdict);
      break;
    case StepKind::kEptpSwitch:
      JudgeVmfunc(x, step, verdict);
      break;
    case StepKind::kTableOperation:
      return Refuse(Standing::kNotModelled, "software builds tables", verdict);
    case StepKind::kRegisterWrite:
      JudgeRegisterWrite(x, step, verdict);
      break;
    case StepKind::kVmEntry:
    case StepKind::kInvalidation:
      return;  // above
  }
  if (step.kind == StepKind::kRegisterWrite) {
    DefinePdptesAfter(x, step, verdict);
  } else {
    // A load is for PAE paging, which a MOV to CR0 or CR4 may be about to
    // begin.
    DefinePdptes(x.s.PaePaging() || step.kind == StepKind::kPdpteLoad, verdict);
  }
  DescribeSavedState(x, verdict);
  x.s.level = 0;
  if (!x.Ask(Slot::kApic2Defined, x.reaches_apic_page())) {
    return Refuse(Standing::kUndefined, IdentifierOf(Rule::kApic2), verdict);
  }
  if (x.Ask(Slot::kAlias1, x.aliased())) {
    Refuse(Standing::kUndefined, IdentifierOf(Rule::kAlias1), verdict);
  }
}

}  // namespace eptdiff
