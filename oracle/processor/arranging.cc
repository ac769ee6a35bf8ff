#include "oracle/processor/arranging.h"

#include <algorithm>
#include <bit>

#include "oracle/processor/fitting.h"
#include "oracle/processor/guest_bits.h"
#include "oracle/processor/guest_code.h"
#include "oracle/step_kinds.h"

namespace eptdiff {
namespace {

using namespace guest_bits;

constexpr std::uint32_t kGuestCr3Field = 0x6802;

bool IsAccess(const Step& step) {
  return step.kind == StepKind::kGuestPhysicalAccess ||
         step.kind == StepKind::kLinearAccess;
}
bool IsStructureAccess(const Step& step) {
  return step.kind == StepKind::kPagingStructureRead ||
         step.kind == StepKind::kPagingStructureUpdate;
}
bool IsShadowStack(AccessKind kind) {
  return kind == AccessKind::kShadowStackRead ||
         kind == AccessKind::kShadowStackWrite ||
         kind == AccessKind::kShadowStackReadModifyWrite;
}

// Whether something changes, or ends, before the last access.
bool MayUseWhatWasKept(const Case& c) {
  bool changed = false;
  for (const Step& step : c.steps) {
    if (changed && AccessesMemory(step.kind)) return true;
    switch (step.kind) {
      case StepKind::kStore:
      case StepKind::kEptpSwitch:
      case StepKind::kRegisterWrite:
      case StepKind::kVmEntry:
      case StepKind::kInvalidation:
        changed = true;
        break;
      default:
        break;
    }
  }
  return false;
}

bool IsCanonical(std::uint64_t gla, int width) {
  const std::uint64_t upper = gla >> (width - 1);
  return upper == 0 || upper == ~std::uint64_t{0} >> (width - 1);
}

}  // namespace

std::string_view WordsOf(Hindrance hindrance) {
  switch (hindrance) {
    case Hindrance::kNone:
      return "nothing hinders";
#define EPTDIFF_HINDRANCE(enumerator, words) \
  case Hindrance::enumerator:                \
    return words;
#include "oracle/processor/hindrances.def"
#undef EPTDIFF_HINDRANCE
  }
  return "";
}

Arranger::Arranger(const MachineLimits& machine)
    : machine_(machine), verdict_(std::make_unique<Verdict>()) {
  trace_.keeps_hits = false;
}

void Arranger::Arrange(const Case& moved, std::span<const Hpa> frames,
                       ArrangedCase& out) {
  out.c.processor = machine_.processor;
  out.c.controls = moved.controls;
  out.c.guest = moved.guest;
  out.c.memory = moved.memory;
  out.c.steps.clear();
  out.origin.clear();
  out.has_code = false;
  out.keeps = MayUseWhatWasKept(moved);
  out.hindrance = Hindrance::kNone;
  out.step = 0;
  out_ = &out;
  frames_ = frames;
  frames_taken_ = 0;
  provided_ = false;
  mapped_ = 0;
  invpcid_.reset();
  used_.clear();
  // Tables of ours are for a case about EPT alone that pages, or that is about
  // addresses which nothing but paging leads to.
  bool linear = false, wide = false, physical = false;
  for (const Step& step : moved.steps) {
    linear |= step.kind == StepKind::kLinearAccess;
    if (IsStructureAccess(step)) physical = true;
    if (step.kind != StepKind::kGuestPhysicalAccess) continue;
    physical = true;
    wide |= FoldedGpa(step.gpa.value) + step.access.size > k4Gb;
  }
  maps_ = physical && (Pages(moved.guest) ? !linear : wide);
  FitToMachine(machine_, maps_ ? GuestTables::kOwn : GuestTables::kOfCase,
               out.c);
  for (const Step& step : moved.steps) {
    if (!IsAccess(step) && !IsStructureAccess(step)) continue;
    used_.push_back(step.kind == StepKind::kLinearAccess
                        ? step.gla.value
                        : FoldedGpa(step.gpa.value));
  }
  state_.Load(out.c);
  FoldGuestPhysical(moved, out);
  out.hindrance = ArrangeSteps(moved, out);
}

// A guest-physical address of a wider processor: what EPT's first table has for
// it, it has for that address without the bits that are too many, unless there
// is something else already.
void Arranger::FoldGuestPhysical(const Case& moved, ArrangedCase& out) {
  const unsigned width = PhysicalWidth(machine_.processor);
  const bool five_levels = (out.c.controls.eptp >> 3 & 7) == 4;
  const unsigned shift = five_levels ? 48 : 39;
  const Hpa root{out.c.controls.eptp & kFrame};
  const auto word_of = [&](std::uint64_t gpa) {
    return Hpa{root.value + 8 * (gpa >> shift & 511)};
  };
  const auto fold = [&](std::uint64_t gpa) {
    if (gpa >> width == 0) return;
    const std::uint64_t entry = state_.memory.Load(word_of(gpa));
    const Hpa folded = word_of(FoldedGpa(gpa));
    if (state_.memory.Load(folded) == 0 && entry != 0) Put(folded, entry);
  };
  for (const Step& step : moved.steps) {
    if (step.kind == StepKind::kGuestPhysicalAccess ||
        IsStructureAccess(step)) {
      fold(step.gpa.value);
    }
  }
  if (!Pages(out.c.guest) || maps_) return;
  // Where the guest's tables begin. More bits than any processor has are meant.
  const auto fold_base = [&](std::uint64_t& base) {
    if ((base & ~kFrame) >> 52 != 0) return;
    fold(base & kFrame);
    base = FoldedGpa(base & kFrame) | (base & ~kFrame);
  };
  fold_base(out.c.guest.cr3);
  for (std::uint64_t& pdpte : out.c.guest.pdpte) {
    if (Has(pdpte, 0)) fold_base(pdpte);
  }
  state_.guest.cr3 = out.c.guest.cr3;
  state_.guest.pdpte = out.c.guest.pdpte;
}

std::uint64_t Arranger::FoldedGpa(std::uint64_t gpa) const {
  return gpa & (Bit(static_cast<int>(PhysicalWidth(machine_.processor))) - 1);
}

Hindrance Arranger::ArrangeSteps(const Case& moved, ArrangedCase& out) {
  const GuestState& g = moved.guest;
  out.step = 1;
  if (!Has(out.c.controls.secondary, kSecondaryEpt)) return Hindrance::kEptOff;
  if (out.c.guest.event_delivery && !Has(out.c.guest.cr0, kCr0Pe)) {
    return Hindrance::kEvents;
  }
  if (g.transactional) return Hindrance::kTransactional;
  if (g.busy_shadow_stack) return Hindrance::kBusyShadowStack;
  for (std::size_t i = 0; i < moved.steps.size(); ++i) {
    Step step = moved.steps[i];
    step.gpa = Gpa{FoldedGpa(step.gpa.value)};
    out.step = i + 1;
    Hindrance hindrance = Hindrance::kNone;
    if (step.processor != 0) return Hindrance::kProcessors;
    switch (step.kind) {
      case StepKind::kGuestPhysicalAccess:
      case StepKind::kLinearAccess:
        hindrance = ArrangeAccess(step, static_cast<std::uint16_t>(i), out);
        break;
      case StepKind::kStore:
        out.c.steps.push_back(step);
        out.origin.push_back(static_cast<std::uint16_t>(i));
        break;
      case StepKind::kPagingStructureRead:
      case StepKind::kPagingStructureUpdate:
        hindrance = ArrangeStructure(step, static_cast<std::uint16_t>(i), out);
        break;
      case StepKind::kPdpteLoad:
      case StepKind::kEptpSwitch:
      case StepKind::kRegisterWrite:
        hindrance =
            ArrangeInstruction(step, static_cast<std::uint16_t>(i), out);
        break;
      case StepKind::kTableOperation:
        return Hindrance::kTableOperation;
      case StepKind::kVmEntry:
        hindrance = ArrangeEntry(step, static_cast<std::uint16_t>(i), out);
        break;
      case StepKind::kInvalidation:
        hindrance =
            ArrangeInvalidation(step, static_cast<std::uint16_t>(i), out);
        break;
    }
    if (hindrance != Hindrance::kNone) return hindrance;
  }
  out.step = 0;
  return Hindrance::kNone;
}

Hindrance Arranger::ArrangeAccess(const Step& step, std::uint16_t number,
                                  ArrangedCase& out) {
  const Access& access = step.access;
  if (access.asynchronous || access.pebs) return Hindrance::kAsynchronous;
  if (step.kind == StepKind::kGuestPhysicalAccess && !step.page.gla_valid) {
    return Hindrance::kAsynchronous;
  }
  if (access.implicit_supervisor && access.kind != AccessKind::kRead) {
    return Hindrance::kImplicit;
  }
  if (IsShadowStack(access.kind) && !CanBeOnShadowStack(access, out.c)) {
    return Hindrance::kShadowStack;
  }
  Step linear;
  linear.kind = StepKind::kLinearAccess;
  linear.access.kind = access.kind;
  linear.access.size = access.size;
  linear.access.implicit_supervisor = access.implicit_supervisor;
  // Of other accesses it says nothing.
  linear.access.wruss =
      access.wruss && access.kind == AccessKind::kShadowStackWrite;
  if (out.c.guest.event_delivery) {
    // What it reads of the IDT.
    linear.access.kind = AccessKind::kRead;
    linear.access.implicit_supervisor = true;
    linear.access.wruss = false;
  }
  if (linear.access.implicit_supervisor && !Has(out.c.guest.cr0, kCr0Pe)) {
    return Hindrance::kRealMode;
  }
  const Hindrance hindrance = LinearFrom(step, out.c, linear);
  if (hindrance != Hindrance::kNone) return hindrance;
  FitSize(out.c, linear);
  const GuestState& g = out.c.guest;
  if (IsShadowStack(linear.access.kind) &&
      linear.gla.value % linear.access.size != 0) {
    return Hindrance::kShadowStack;  // no operand, and no SSP
  }
  const std::uint64_t last = linear.gla.value + linear.access.size - 1;
  const bool wide_addresses =
      In64Bit(g) || (linear.access.implicit_supervisor && InIa32e(g));
  if (!wide_addresses && last >= k4Gb) return Hindrance::kNotCanonical;
  if (wide_addresses && (!IsCanonical(linear.gla.value, LinearWidth(g)) ||
                         !IsCanonical(last, LinearWidth(g)))) {
    return Hindrance::kNotCanonical;
  }
  if (linear.access.implicit_supervisor) {
    // The base of the table lies below.
    const std::uint64_t gate = InIa32e(g) ? 16 : 8;
    const std::uint64_t below = g.event_delivery
                                    ? gate * (g.delivered_event & 0xff)
                                    : kDescriptorOffset;
    if (wide_addresses ? !IsCanonical(linear.gla.value - below, LinearWidth(g))
                       : linear.gla.value < below) {
      return Hindrance::kNotCanonical;
    }
  }
  if (g.event_delivery) {
    out.c.steps.push_back(linear);
    out.origin.push_back(number);
    return Hindrance::kNone;
  }
  if (linear.access.kind != AccessKind::kFetch &&
      ProvideCode(out) != Hindrance::kNone) {
    if (linear.access.implicit_supervisor) return provision_;
    // What is in the way of the code is in the way of a fetch as well.
    linear.access.kind = AccessKind::kFetch;
    linear.access.wruss = false;
    FitSize(out.c, linear);
  }
  if (linear.access.kind != AccessKind::kFetch) {
    AddInstruction(linear, number, out);
    return Hindrance::kNone;
  }
  out.c.steps.push_back(linear);
  out.origin.push_back(number);
  return Hindrance::kNone;
}

// INCSSP reads, WRSS and WRUSS write, CLRSSBSY looks for a token.
bool Arranger::CanBeOnShadowStack(const Access& access, const Case& c) const {
  const GuestState& g = c.guest;
  if (!machine_.has_shadow_stacks || !Has(g.cr4, kCr4Cet)) return false;
  if (g.event_delivery || !Has(g.cr0, kCr0Pe)) return false;
  if (access.wruss && g.cpl != 0) return false;
  if (access.kind == AccessKind::kShadowStackReadModifyWrite) {
    return access.size == 8 && !access.wruss && g.cpl == 0;
  }
  return access.size == 4 || access.size == 8;
}

// A step that an instruction of ours makes; that it can be fetched is a step of
// its own.
void Arranger::AddInstruction(const Step& step, std::uint16_t number,
                              ArrangedCase& out) {
  const std::uint16_t offset = CodeOffset(step);
  if (state_.memory.Load(Hpa{pages_[0].value + offset}) == 0) {
    PutCode(offset, CodeOf(step, In64Bit(out.c.guest)));
  }
  Step fetch;
  fetch.kind = StepKind::kLinearAccess;
  fetch.access.kind = AccessKind::kFetch;
  fetch.gla = out.code;
  out.c.steps.push_back(fetch);
  out.origin.push_back(ArrangedCase::kCodeStep);
  out.c.steps.push_back(step);
  out.origin.push_back(number);
}

// What changes the guest's mode, or with it the code that it would run, is not
// asked; nor are tables of ours to be replaced.
Hindrance Arranger::ArrangeInstruction(const Step& step, std::uint16_t number,
                                       ArrangedCase& out) {
  const GuestState& g = out.c.guest;
  const bool writes = step.kind == StepKind::kRegisterWrite;
  const Hindrance hindrance = step.kind == StepKind::kEptpSwitch
                                  ? Hindrance::kEptpSwitch
                              : writes ? Hindrance::kRegisterWrite
                                       : Hindrance::kPdpteLoad;
  if (!machine_.has_monitor_trap || !HasInstruction(step)) return hindrance;
  if (g.event_delivery) return Hindrance::kEvents;
  if (step.kind == StepKind::kPdpteLoad &&
      (maps_ || !Pages(g) || !Has(g.cr4, kCr4Pae) || Has(g.efer, kEferLma))) {
    return hindrance;
  }
  if (step.kind != StepKind::kEptpSwitch && step.reg != GuestRegister::kPkru &&
      g.cpl != 0) {
    return hindrance;
  }
  const bool is_msr = writes && (step.reg == GuestRegister::kEfer ||
                                 step.reg == GuestRegister::kPat ||
                                 step.reg == GuestRegister::kPkrs);
  if (is_msr && !CanWriteMsr(step.reg, out.c)) return hindrance;
  constexpr int kCr4Pke = 22;
  if (writes && step.reg == GuestRegister::kPkru && !Has(g.cr4, kCr4Pke)) {
    return hindrance;  // WRPKRU is undefined, and XRSTOR takes more
  }
  if (writes) {
    constexpr std::uint64_t kMode0 = Bit(kCr0Pe) | Bit(kCr0Pg);
    constexpr std::uint64_t kMode4 = Bit(kCr4Pae) | Bit(kCr4La57);
    const std::uint64_t value = step.value;
    if (!is_msr && !In64Bit(g) && value >= k4Gb) return hindrance;
    switch (step.reg) {
      case GuestRegister::kCr0:
        if (((g.cr0 ^ value) & kMode0) != 0) return hindrance;
        if (Has(value, kCr0Am)) return hindrance;
        break;
      case GuestRegister::kCr3:
        if (maps_) return hindrance;
        if (!machine_.lam && (value >> 61 & 3) != 0) return hindrance;
        break;
      case GuestRegister::kCr4:
        if (((g.cr4 ^ value) & kMode4) != 0) return hindrance;
        if ((value & ~machine_.cr4.may) != 0) return hindrance;
        break;
      default:
        break;
    }
  }
  const Hindrance missing = ProvideCode(out);
  if (missing != Hindrance::kNone) return missing;
  AddInstruction(step, number, out);
  return Hindrance::kNone;
}

// WRMSR does not exit where there is a bitmap that says so; VM entry loads what
// it has left the next time.
bool Arranger::CanWriteMsr(GuestRegister reg, const Case& c) const {
  constexpr int kPrimaryMsrBitmaps = 28, kEntryLoadPkrs = 22;
  if (!Has(machine_.primary.may, kPrimaryMsrBitmaps)) return false;
  return reg != GuestRegister::kPkrs ||
         Has(c.controls.entry_controls, kEntryLoadPkrs);
}

// The entry as the first of a walk, by a fetch with CR3 at its page. For an
// update it leads, by tables of ours, to the page of code.
Hindrance Arranger::ArrangeStructure(const Step& step, std::uint16_t number,
                                     ArrangedCase& out) {
  if (!maps_ || step.gpa.value % 8 != 0) return Hindrance::kStructure;
  if (out.c.guest.event_delivery) return Hindrance::kEvents;
  if (step.gpa.value >> PhysicalWidth(machine_.processor) != 0) {
    return Hindrance::kWideGuestPhysical;
  }
  const Hindrance missing = ProvideCode(out);
  if (missing != Hindrance::kNone) return missing;
  Hpa entry;
  if (step.kind == StepKind::kPagingStructureUpdate &&
      Locate(step.gpa, entry) && state_.memory.Load(entry) == 0) {
    LeadToCode(entry);
  }
  const std::uint64_t cacheability = std::uint64_t{step.page.pat_index & 3u}
                                     << 3;
  const auto load_cr3 = [&](std::uint64_t value) {
    Step enter;
    enter.kind = StepKind::kVmEntry;
    enter.index = kGuestCr3Field;
    enter.value = value;
    out.c.steps.push_back(enter);
    out.origin.push_back(number);
  };
  load_cr3((step.gpa.value & kFrame) | cacheability);
  Step fetch;
  fetch.kind = StepKind::kLinearAccess;
  fetch.access.kind = AccessKind::kFetch;
  std::uint64_t gla = (step.gpa.value >> 3 & 511) << 39;
  if (Has(gla, 47)) gla |= ~(Bit(48) - 1);
  fetch.gla = Gla{gla | (own_base_ & (Bit(39) - 1))};
  out.c.steps.push_back(fetch);
  out.origin.push_back(number);
  load_cr3(out.c.guest.cr3);
  return Hindrance::kNone;
}

// What else a VM entry could load means more than a case says.
Hindrance Arranger::ArrangeEntry(const Step& step, std::uint16_t number,
                                 ArrangedCase& out) {
  constexpr std::uint32_t kPmlIndex = 0x0812, kEptpIndex = 0x0004,
                          kEptp = 0x201a, kPmlAddress = 0x200e;
  const bool cr3 = step.index == kGuestCr3Field && !maps_;
  if (cr3 && !machine_.lam && (step.value >> 61 & 3) != 0) {
    return Hindrance::kEntryAgain;
  }
  if (!cr3 && step.index != kPmlIndex && step.index != kEptpIndex &&
      step.index != kEptp && step.index != kPmlAddress) {
    return Hindrance::kEntryAgain;
  }
  out.c.steps.push_back(step);
  out.origin.push_back(number);
  return Hindrance::kNone;
}

// Those of the guest are instructions in its code. INVPCID reads its
// descriptor, of which a case has one: that it can is a step of its own.
Hindrance Arranger::ArrangeOfGuest(const Step& step, std::uint16_t number,
                                   ArrangedCase& out) {
  const GuestState& g = out.c.guest;
  const Invalidation& asked = step.invalidation;
  const bool invpcid = asked.kind == InvalidationKind::kInvpcid;
  if (!machine_.has_monitor_trap || g.cpl != 0 || maps_) {
    return Hindrance::kInvalidation;
  }
  if (g.event_delivery) return Hindrance::kEvents;
  if (!In64Bit(g) && (invpcid ? asked.type : asked.second) >= k4Gb) {
    return Hindrance::kInvalidation;
  }
  // In other modes its operand is another.
  if (invpcid && !In64Bit(g)) return Hindrance::kInvalidation;
  const Hindrance missing = ProvideCode(out);
  if (missing != Hindrance::kNone) return missing;
  if (invpcid) {
    if (!invpcid_.has_value()) {
      Put(Hpa{pages_[0].value + kInvpcidDescriptor}, asked.first);
      Put(Hpa{pages_[0].value + kInvpcidDescriptor + 8}, asked.second);
      invpcid_ = asked;
    }
    if (invpcid_->first != asked.first || invpcid_->second != asked.second) {
      return Hindrance::kInvalidation;
    }
    Step read;
    read.kind = StepKind::kLinearAccess;
    read.access.size = 8;
    read.gla = Gla{out.code.value + kInvpcidDescriptor};
    AddInstruction(read, ArrangedCase::kCodeStep, out);
  }
  AddInstruction(step, number, out);
  return Hindrance::kNone;
}

Hindrance Arranger::ArrangeInvalidation(const Step& step, std::uint16_t number,
                                        ArrangedCase& out) {
  const InvalidationKind kind = step.invalidation.kind;
  const bool invvpid = kind == InvalidationKind::kInvvpid;
  if (kind != InvalidationKind::kInvept && !invvpid) {
    return ArrangeOfGuest(step, number, out);
  }
  constexpr int kCapInvvpid = 32;
  if (invvpid && !Has(machine_.processor.ept_vpid_cap, kCapInvvpid)) {
    return Hindrance::kInvalidation;
  }
  out.c.steps.push_back(step);
  out.origin.push_back(number);
  return Hindrance::kNone;
}

// Gives `linear` the address, of which only whole pages matter.
Hindrance Arranger::LinearFrom(const Step& step, const Case& c, Step& linear) {
  if (maps_) {
    if (step.kind != StepKind::kLinearAccess) return Map(step, linear);
    // Without paging, it was its own guest-physical address.
    Step physical = step;
    physical.gpa = Gpa{step.gla.value & (k4Gb - 1)};
    physical.page = {.user = true, .writable = true};
    return Map(physical, linear);
  }
  if (step.kind == StepKind::kLinearAccess) {
    linear.gla = step.gla;
    return Hindrance::kNone;
  }
  if (Pages(c.guest)) return Hindrance::kMixed;
  if (step.gpa.value + step.access.size > k4Gb) {
    return Hindrance::kWideGuestPhysical;
  }
  linear.gla = Gla{step.gpa.value};
  return Hindrance::kNone;
}

// What an instruction has: of the bytes in one page 1, 2, 4 or 8 from the first
// on; of two pages, some before and some behind the boundary.
void Arranger::FitSize(const Case& c, Step& step) const {
  Access& access = step.access;
  const std::uint64_t room = kPage - step.gla.value % kPage;
  const std::uint16_t widest = In64Bit(c.guest) ? 8 : 4;
  if (access.kind == AccessKind::kShadowStackReadModifyWrite) return;
  if (IsShadowStack(access.kind)) {
    access.size = std::min(access.size, widest);
    return;
  }
  if (access.implicit_supervisor) {
    // A descriptor, in one page or in two as the access was.
    const bool gate = c.guest.event_delivery && InIa32e(c.guest);
    const std::uint16_t descriptor = gate ? 16 : 8;
    if (access.size > room && room >= descriptor) {
      step.gla.value += room - descriptor / 2u;
    }
    if (access.size <= room && room < descriptor) {
      step.gla.value -= descriptor - room;
    }
    access.size = descriptor;
    return;
  }
  if (access.size > room) {
    if (access.kind == AccessKind::kFetch) {
      // One byte and one. INT3 behind a prefix where it completes; and the zero
      // that is the first of it elsewhere is an opcode that needs another byte.
      step.gla.value += room - 1;
      access.size = 2;
      return;
    }
    if (room >= widest) {
      step.gla.value += room - 1;
      access.size = 2;
      return;
    }
    access.size = static_cast<std::uint16_t>(std::bit_floor(room) * 2);
    return;
  }
  access.size = access.kind == AccessKind::kFetch
                    ? std::uint16_t{1}
                    : std::min(widest, std::bit_floor(std::min<std::uint16_t>(
                                           access.size, widest)));
}

}  // namespace eptdiff
