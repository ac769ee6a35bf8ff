#include "oracle/processor/arranging.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int n) { return std::uint64_t{1} << n; }
constexpr bool Has(std::uint64_t value, int n) { return (value >> n & 1) != 0; }

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t k4Gb = std::uint64_t{1} << 32;
constexpr std::uint64_t kFrame = 0xf'ffff'ffff'f000;

// Controls (SDM tables 25-5 to 25-8, 25-13, 25-16).
constexpr std::uint64_t kPinAsked = Bit(3) | Bit(5);  // NMI exiting, virtual
constexpr std::uint64_t kPinTimer = Bit(6);
constexpr int kPrimaryTertiary = 17;
constexpr int kPrimarySecondary = 31;
constexpr std::uint64_t kPrimaryAsked =
    Bit(9) | Bit(kPrimaryTertiary) | Bit(kPrimarySecondary);
// APIC-access page, EPT, VPID, unrestricted guest, VM functions, PML, #VE,
// mode-based execute, sub-page write permissions.
constexpr std::uint64_t kSecondaryAsked = Bit(0) | Bit(1) | Bit(5) | Bit(7) |
                                          Bit(13) | Bit(17) | Bit(18) |
                                          Bit(22) | Bit(23);
constexpr int kSecondaryEpt = 1;
constexpr std::uint64_t kSecondaryUnrestricted = Bit(7);
constexpr std::uint64_t kTertiaryAsked = Bit(1) | Bit(2) | Bit(3);
// Host in 64-bit mode; IA32_PAT and IA32_EFER saved and loaded.
constexpr std::uint64_t kExitWanted =
    Bit(9) | Bit(18) | Bit(19) | Bit(20) | Bit(21);
constexpr std::uint64_t kEntryIa32e = Bit(9);
constexpr std::uint64_t kEntryWanted = Bit(14) | Bit(15);
constexpr std::uint64_t kEntryLoadPkrs = Bit(22);
constexpr std::uint32_t kExceptionVe = 1u << 20;

// Registers.
constexpr int kCr0Pe = 0, kCr0Wp = 16, kCr0Am = 18, kCr0Pg = 31;
constexpr int kCr4Pae = 5, kCr4La57 = 12, kCr4Pks = 24;
constexpr int kEferLme = 8, kEferLma = 10, kEferNxe = 11;
constexpr std::uint64_t kRflagsTaken = Bit(8) | Bit(9) | Bit(14) | Bit(17);

// Entries of the guest's tables and of EPT's, as the image makes them: every
// right, and flags that nobody has to set.
constexpr std::uint64_t kGuestTable = 0x27;
constexpr std::uint64_t kGuestLeaf = 0x63;
constexpr std::uint64_t kGuestUser = 4, kGuestWrite = 2;
constexpr std::uint64_t kEptTable = 0x507;
constexpr std::uint64_t kEptLeaf = 0x737;  // write-back
constexpr std::uint64_t kRights = 7;
constexpr std::uint64_t kLargePage = Bit(7);

constexpr std::uint8_t kInt3 = 0xcc;
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
bool Pages(const GuestState& g) { return Has(g.cr0, kCr0Pg); }
bool InIa32e(const GuestState& g) {
  return Pages(g) && Has(g.cr4, kCr4Pae) && Has(g.efer, kEferLma);
}
bool In64Bit(const GuestState& g) { return InIa32e(g) && g.cs_l; }

bool IsCanonical(std::uint64_t gla, int width) {
  const std::uint64_t upper = gla >> (width - 1);
  return upper == 0 || upper == ~std::uint64_t{0} >> (width - 1);
}
int LinearWidth(const GuestState& g) { return Has(g.cr4, kCr4La57) ? 57 : 48; }

// A guest-physical address has no more bits than this.
unsigned Width(const Processor& p) {
  return static_cast<unsigned>(p.maxphyaddr - p.keyid_bits);
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
  out.hindrance = Hindrance::kNone;
  out.step = 0;
  out_ = &out;
  frames_ = frames;
  frames_taken_ = 0;
  provided_ = false;
  mapped_ = 0;
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
  FitControls(out.c);
  FitGuest(out.c);
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
  const unsigned width = Width(machine_.processor);
  const bool five_levels = (out.c.controls.eptp >> 3 & 7) == 4;
  const unsigned shift = five_levels ? 48 : 39;
  const Hpa root{out.c.controls.eptp & kFrame};
  const auto word_of = [&](std::uint64_t gpa) {
    return Hpa{root.value + 8 * (gpa >> shift & 511)};
  };
  for (const Step& step : moved.steps) {
    if (step.kind != StepKind::kGuestPhysicalAccess &&
        !IsStructureAccess(step)) {
      continue;
    }
    if (step.gpa.value >> width == 0) continue;
    const std::uint64_t entry = state_.memory.Load(word_of(step.gpa.value));
    const Hpa folded = word_of(FoldedGpa(step.gpa.value));
    if (state_.memory.Load(folded) == 0 && entry != 0) Put(folded, entry);
  }
}

std::uint64_t Arranger::FoldedGpa(std::uint64_t gpa) const {
  return gpa & (Bit(static_cast<int>(Width(machine_.processor))) - 1);
}

void Arranger::FitControls(Case& c) const {
  Controls& k = c.controls;
  k.pin_based = static_cast<std::uint32_t>(
      machine_.pin_based.Fit((k.pin_based & kPinAsked) | kPinTimer));
  std::uint64_t secondary = k.secondary & kSecondaryAsked;
  if (!Has(k.primary, kPrimarySecondary)) secondary = 0;
  if (Has(secondary, kSecondaryEpt)) secondary |= kSecondaryUnrestricted;
  k.secondary = static_cast<std::uint32_t>(machine_.secondary.Fit(secondary));
  k.tertiary = Has(k.primary, kPrimaryTertiary)
                   ? k.tertiary & kTertiaryAsked & machine_.tertiary.may
                   : 0;
  k.primary = static_cast<std::uint32_t>(machine_.primary.Fit(
      (k.primary & kPrimaryAsked) | Bit(kPrimarySecondary)));
  if (!Has(k.primary, kPrimaryTertiary)) k.tertiary = 0;
  k.vm_functions &= machine_.vm_functions;
  k.exit_controls = static_cast<std::uint32_t>(machine_.exit.Fit(kExitWanted));
  k.secondary_exit_controls = 0;
  const bool pks = Has(c.guest.cr4, kCr4Pks);
  k.entry_controls = static_cast<std::uint32_t>(
      machine_.entry.Fit(kEntryWanted | (pks ? kEntryLoadPkrs : 0)));
  // #VE alone may reach the guest: all others show what became of the step.
  k.exception_bitmap |= ~kExceptionVe;
}

void Arranger::FitGuest(Case& c) const {
  GuestState& g = c.guest;
  const Processor& p = machine_.processor;
  if (maps_) {
    g.cr0 = Bit(kCr0Pe) | Bit(4) | Bit(5) | Bit(kCr0Pg);
    if (g.cpl == 3) g.cr0 |= Bit(kCr0Wp);
    g.cr4 = Bit(kCr4Pae) | Bit(13);
    g.efer = Bit(kEferLme) | Bit(kEferLma) | (p.nx ? Bit(kEferNxe) : 0);
    g.cs_l = true;
  }
  // EM and TS are for others; alignment checks would come before all else.
  g.cr0 &= ~(Bit(2) | Bit(3) | Bit(kCr0Am));
  g.cr4 &= machine_.cr4.may;
  if (maps_) g.cr3 = 0;
  if (!machine_.lam) g.cr3 &= ~(Bit(61) | Bit(62));
  if (!p.nx) g.efer &= ~Bit(kEferNxe);
  if (Has(g.efer, kEferLma)) {
    c.controls.entry_controls |= static_cast<std::uint32_t>(kEntryIa32e);
  } else {
    c.controls.entry_controls &= ~static_cast<std::uint32_t>(kEntryIa32e);
  }
  g.cs_l = g.cs_l && Has(g.efer, kEferLma);
  if (!Has(g.cr0, kCr0Pe)) g.cpl = 0;
  g.rflags &= ~kRflagsTaken;
  g.nmi_unblocking = false;
  g.interruptibility = 0;
  g.pending_debug = 0;
  FitEvent(g);
}

// An event as VM entry takes it (27.2.1.3).
void Arranger::FitEvent(GuestState& g) const {
  if (!g.event_delivery) {
    g.delivered_event = 0;
    g.delivered_error_code = 0;
    g.instruction_length = 0;
    return;
  }
  constexpr std::uint32_t kValid = 1u << 31, kErrorCode = 1u << 11;
  constexpr std::uint32_t kWithErrorCode =
      1u << 8 | 0xfu << 10 | 1u << 14 | 1u << 17;
  constexpr std::uint32_t kNmi = 2, kHardware = 3, kSoftware = 4,
                          kSoftwareException = 6, kInvalidOpcode = 6;
  std::uint32_t type = g.delivered_event >> 8 & 7;
  std::uint32_t vector = g.delivered_event & 0xff;
  const bool has_type = Has(g.delivered_event, 31) && type != 0 && type != 1 &&
                        type != 7 && type != 5;
  if (!has_type || (type == kHardware && (vector > 19 || vector == 2)) ||
      (type == kSoftwareException && vector != 3 && vector != 4)) {
    type = kHardware;
    vector = kInvalidOpcode;
  }
  if (type == kNmi) vector = 2;
  const bool error_code =
      type == kHardware && (kWithErrorCode >> vector & 1) != 0;
  g.delivered_event =
      kValid | (error_code ? kErrorCode : 0) | type << 8 | vector;
  g.delivered_error_code = error_code ? g.delivered_error_code & 0x1f : 0;
  const bool software = type >= kSoftware;
  if (!software) g.instruction_length = 0;
  if (software && g.instruction_length == 0) g.instruction_length = 2;
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
        return Hindrance::kPdpteLoad;
      case StepKind::kEptpSwitch:
        return Hindrance::kEptpSwitch;
      case StepKind::kTableOperation:
        return Hindrance::kTableOperation;
      case StepKind::kRegisterWrite:
        return Hindrance::kRegisterWrite;
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
  if (access.wruss || IsShadowStack(access.kind)) {
    return Hindrance::kShadowStack;
  }
  Step linear;
  linear.kind = StepKind::kLinearAccess;
  linear.access.kind = access.kind;
  linear.access.size = access.size;
  linear.access.implicit_supervisor = access.implicit_supervisor;
  if (out.c.guest.event_delivery) {
    // What it reads of the IDT.
    linear.access.kind = AccessKind::kRead;
    linear.access.implicit_supervisor = true;
  }
  const Hindrance hindrance = LinearFrom(step, out.c, linear);
  if (hindrance != Hindrance::kNone) return hindrance;
  FitSize(out.c, linear);
  const GuestState& g = out.c.guest;
  const std::uint64_t last = linear.gla.value + linear.access.size - 1;
  const bool wide_addresses =
      In64Bit(g) || (linear.access.implicit_supervisor && InIa32e(g));
  if (!wide_addresses && last >= k4Gb) return Hindrance::kNotCanonical;
  if (wide_addresses && (!IsCanonical(linear.gla.value, LinearWidth(g)) ||
                         !IsCanonical(last, LinearWidth(g)))) {
    return Hindrance::kNotCanonical;
  }
  if (g.event_delivery) {
    // The base of the IDT lies below.
    const std::uint64_t entry = InIa32e(g) ? 16 : 8;
    if (!wide_addresses &&
        linear.gla.value < entry * (g.delivered_event & 0xff)) {
      return Hindrance::kNotCanonical;
    }
    out.c.steps.push_back(linear);
    out.origin.push_back(number);
    return Hindrance::kNone;
  }
  if (linear.access.kind != AccessKind::kFetch &&
      ProvideCode(out) != Hindrance::kNone) {
    if (linear.access.implicit_supervisor) return provision_;
    // What is in the way of the code is in the way of a fetch as well.
    linear.access.kind = AccessKind::kFetch;
    FitSize(out.c, linear);
  }
  if (linear.access.kind != AccessKind::kFetch) {
    AddCode(linear.access, In64Bit(g));
    Step fetch;
    fetch.kind = StepKind::kLinearAccess;
    fetch.access.kind = AccessKind::kFetch;
    fetch.gla = out.code;
    out.c.steps.push_back(fetch);
    out.origin.push_back(ArrangedCase::kCodeStep);
  }
  out.c.steps.push_back(linear);
  out.origin.push_back(number);
  return Hindrance::kNone;
}

// The entry as the first of a walk, by a fetch with CR3 at its page. For an
// update it leads, by tables of ours, to the page of code.
Hindrance Arranger::ArrangeStructure(const Step& step, std::uint16_t number,
                                     ArrangedCase& out) {
  if (!maps_ || step.gpa.value % 8 != 0) return Hindrance::kStructure;
  if (out.c.guest.event_delivery) return Hindrance::kEvents;
  if (step.gpa.value >> Width(machine_.processor) != 0) {
    return Hindrance::kWideGuestPhysical;
  }
  const Hindrance missing = ProvideCode(out);
  if (missing != Hindrance::kNone) return missing;
  Hpa entry;
  if (step.kind == StepKind::kPagingStructureUpdate &&
      Locate(step.gpa, entry) && state_.memory.Load(entry) == 0) {
    constexpr std::uint64_t kNotAccessed = 0x07;
    const std::uint64_t third = own_base_ >> 30 & 511;
    Put(Hpa{pages_[5].value + 8 * third},
        (pages_gpa_ + 3 * kPage) | kGuestTable);
    Put(entry, (pages_gpa_ + 5 * kPage) | kNotAccessed);
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
  if (!cr3 && step.index != kPmlIndex && step.index != kEptpIndex &&
      step.index != kEptp && step.index != kPmlAddress) {
    return Hindrance::kEntryAgain;
  }
  out.c.steps.push_back(step);
  out.origin.push_back(number);
  return Hindrance::kNone;
}

// Those of the guest would be instructions in its code.
Hindrance Arranger::ArrangeInvalidation(const Step& step, std::uint16_t number,
                                        ArrangedCase& out) {
  const InvalidationKind kind = step.invalidation.kind;
  const bool invvpid = kind == InvalidationKind::kInvvpid;
  if (kind != InvalidationKind::kInvept && !invvpid) {
    return Hindrance::kInvalidation;
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

Hpa Arranger::NewFrame() {
  return frames_taken_ < frames_.size() ? frames_[frames_taken_++] : Hpa{0};
}

void Arranger::Put(Hpa word, std::uint64_t value) {
  state_.memory.Store(word, value);
  out_->c.memory.push_back({word, value});
}

void Arranger::PutBytes(Hpa first, std::span<const std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    std::uint64_t value = 0;
    std::memcpy(&value, &bytes[i], 8);
    Put(Hpa{first.value + i}, value);
  }
}

// The guest has its code, and what leads to it, once for each case.
Hindrance Arranger::ProvideCode(ArrangedCase& out) {
  if (provided_) return provision_;
  provided_ = true;
  provision_ = ProvideGuestPages(out.c);
  if (provision_ == Hindrance::kNone) {
    provision_ = maps_ ? ProvideOwnGuest(out) : ProvideGuestCode(out);
  }
  if (provision_ != Hindrance::kNone) return provision_;
  out.has_code = true;
  std::array<std::uint8_t, 8> int3;
  int3.fill(kInt3);
  PutBytes(pages_[0], int3);
  return provision_;
}

// A piece of guest-physical memory that EPT's tables have no use for becomes
// pages of ours.
Hindrance Arranger::ProvideGuestPages(const Case& c) {
  const int levels = (c.controls.eptp >> 3 & 7) == 4 ? 5 : 4;
  const GuestState& g = c.guest;
  const bool wide = InIa32e(g) || (Pages(g) && Has(g.cr4, kCr4Pae));
  const std::uint64_t limit =
      wide ? Bit(static_cast<int>(
                 std::min(Width(machine_.processor), levels == 5 ? 57u : 48u)))
           : k4Gb;
  Place place;
  if (!FindInEpt(Hpa{c.controls.eptp & kFrame}, levels, 0, limit, 0, place)) {
    return Hindrance::kNoPlaceInEpt;
  }
  Hpa table = place.table;
  unsigned index = place.index;
  for (int level = place.level; level > 1; --level) {
    const Hpa next = NewFrame();
    if (next.value == 0) return Hindrance::kNoFrames;
    Put(Hpa{table.value + 8 * index}, next.value | kEptTable);
    table = next;
    index = 0;
  }
  pages_gpa_ = place.base;
  for (std::size_t i = 0; i < kPages; ++i) {
    pages_[i] = NewFrame();
    if (pages_[i].value == 0) return Hindrance::kNoFrames;
    Put(Hpa{table.value + 8 * i}, pages_[i].value | kEptLeaf);
  }
  return Hindrance::kNone;
}

bool Arranger::IsUsed(std::uint64_t base, std::uint64_t bytes) const {
  return std::any_of(used_.begin(), used_.end(), [&](std::uint64_t address) {
    return address - base < bytes || address + kPage - base < bytes;
  });
}

// An entry that is 0, above level 1, in a table that every right leads to.
bool Arranger::FindInEpt(Hpa table, int level, std::uint64_t base,
                         std::uint64_t limit, int depth, Place& place) {
  const int shift = 12 + 9 * (level - 1);
  const std::uint64_t bytes = Bit(shift);
  const auto last = static_cast<int>(std::min<std::uint64_t>(
      511, limit > base ? (limit - base - 1) >> shift : 0));
  for (int i = last; i >= 0; --i) {
    const Hpa word{table.value + 8u * static_cast<unsigned>(i)};
    const std::uint64_t at = base + static_cast<std::uint64_t>(i) * bytes;
    if (state_.memory.Load(word) != 0 || IsUsed(at, bytes)) continue;
    place = {table, static_cast<unsigned>(i), level, at};
    return true;
  }
  if (level == 2 || depth == 3) return false;
  for (int i = last; i >= 0; --i) {
    const std::uint64_t entry =
        state_.memory.Load(Hpa{table.value + 8u * static_cast<unsigned>(i)});
    if ((entry & kRights) != kRights || (entry & kLargePage) != 0) continue;
    if (FindInEpt(Hpa{entry & kFrame}, level - 1,
                  base + static_cast<std::uint64_t>(i) * bytes, limit,
                  depth + 1, place)) {
      return true;
    }
  }
  return false;
}

// Where a guest-physical address is, if it may be read.
bool Arranger::Locate(Gpa gpa, Hpa& hpa) {
  Step step;
  step.kind = StepKind::kGuestPhysicalAccess;
  step.gpa = gpa;
  step.page = {.user = true, .writable = true};
  reference_.Judge(state_, step, *verdict_, trace_);
  if (verdict_->standing != Standing::kJudged) return false;
  for (const Alternative& alternative : verdict_->alternatives) {
    if (alternative.event.kind != EventKind::kCompleted) continue;
    hpa = alternative.event.translations[0].address;
    return true;
  }
  return false;
}

// Four tables that map the page of code at `own_base_`, and behind it what
// guest-physical accesses are about.
Hindrance Arranger::ProvideOwnGuest(ArrangedCase& out) {
  own_base_ = 0x0000'1234'4000'0000;
  for (int level = 4; level > 1; --level) {
    const std::size_t page = static_cast<std::size_t>(5 - level);
    const std::uint64_t index = own_base_ >> (12 + 9 * (level - 1)) & 511;
    Put(Hpa{pages_[page].value + 8 * index},
        (pages_gpa_ + kPage * (page + 1)) | kGuestTable);
  }
  const std::uint64_t user = out.c.guest.cpl == 3 ? kGuestUser : 0;
  Put(pages_[4], pages_gpa_ | kGuestLeaf | user);
  out.c.guest.cr3 = state_.guest.cr3 = pages_gpa_ + kPage;
  out.code = Gla{own_base_};
  return Hindrance::kNone;
}

// Guest-physical pages behind a linear address of ours.
Hindrance Arranger::Map(const Step& step, Step& linear) {
  const Hindrance missing = ProvideCode(*out_);
  if (missing != Hindrance::kNone) return missing;
  constexpr unsigned kMost = 160;
  if (mapped_ == kMost) return Hindrance::kNoPlaceInGuest;
  const std::uint64_t first = step.gpa.value & ~(kPage - 1);
  const std::uint64_t last = step.gpa.value + step.access.size - 1;
  if (last >> Width(machine_.processor) != 0) {
    return Hindrance::kWideGuestPhysical;
  }
  std::uint64_t bits = kGuestLeaf & ~kGuestWrite;
  if (step.page.user) bits |= kGuestUser;
  if (step.page.writable) bits |= kGuestWrite;
  if (step.page.execute_disable && machine_.processor.nx) bits |= Bit(63);
  const std::uint64_t pat = step.page.pat_index;
  bits |= (pat & 3) << 3 | (pat >> 2 & 1) << 7;
  const unsigned index = 2 + 3 * mapped_++;
  Put(Hpa{pages_[4].value + 8 * index}, first | bits);
  if (last >> 12 != first >> 12) {
    Put(Hpa{pages_[4].value + 8 * (index + 1)}, (first + kPage) | bits);
  }
  linear.gla = Gla{own_base_ + kPage * index + step.gpa.value % kPage};
  return Hindrance::kNone;
}

// The page of code in an unused place of the guest's own tables.
Hindrance Arranger::ProvideGuestCode(ArrangedCase& out) {
  const Case& c = out.c;
  const GuestState& g = c.guest;
  if (!Pages(g)) {
    out.code = Gla{pages_gpa_};
    return Hindrance::kNone;
  }
  const bool pae = Has(g.cr4, kCr4Pae);
  const std::uint64_t user = g.cpl == 3 ? kGuestUser : 0;
  Place place;
  std::size_t next = 1;  // of the pages, the next table
  const auto next_table = [&] { return pages_gpa_ + kPage * next; };
  if (pae && !Has(g.efer, kEferLma)) {
    int free = -1;
    for (int i = 3; i >= 0 && free < 0; --i) {
      const std::uint64_t base = static_cast<std::uint64_t>(i) << 30;
      if (g.pdpte[i] == 0 && !IsUsed(base, Bit(30))) free = i;
    }
    if (free >= 0) {
      out.c.guest.pdpte[free] = state_.guest.pdpte[free] = next_table() | 1;
      place = {pages_[next++], 0, 2, static_cast<std::uint64_t>(free) << 30};
    } else {
      bool found = false;
      for (int i = 3; i >= 0 && !found; --i) {
        if (!Has(g.pdpte[i], 0)) continue;
        found =
            FindInGuest(c, Gpa{g.pdpte[i] & kFrame}, 2,
                        static_cast<std::uint64_t>(i) << 30, k4Gb, 0, place);
      }
      if (!found) return Hindrance::kNoPlaceInGuest;
    }
  } else if (!pae) {
    if (!FindInGuest(c, Gpa{g.cr3 & 0xffff'f000}, 2, 0, k4Gb, 0, place)) {
      return Hindrance::kNoPlaceInGuest;
    }
  } else {
    const int levels = Has(g.cr4, kCr4La57) ? 5 : 4;
    const std::uint64_t limit = g.cs_l ? Bit(12 + 9 * levels) : k4Gb;
    if (!FindInGuest(c, Gpa{g.cr3 & kFrame}, levels, 0, limit, 0, place)) {
      return Hindrance::kNoPlaceInGuest;
    }
  }
  const unsigned entry_bytes = pae ? 8 : 4;
  const auto put = [&](Hpa address, std::uint64_t value) {
    const Hpa word{address.value & ~std::uint64_t{7}};
    const int shift = static_cast<int>(address.value % 8 * 8);
    Put(word, state_.memory.Load(word) | value << shift);
  };
  Hpa table = place.table;
  unsigned index = place.index;
  for (int level = place.level; level > 1; --level) {
    put(Hpa{table.value + entry_bytes * index}, next_table() | kGuestTable);
    table = pages_[next++];
    index = 0;
  }
  put(table, pages_gpa_ | kGuestLeaf | user);
  std::uint64_t gla = place.base;
  if (InIa32e(g) && Has(gla, LinearWidth(g) - 1)) {
    gla |= ~(Bit(LinearWidth(g)) - 1);
  }
  out.code = Gla{gla};
  return Hindrance::kNone;
}

bool Arranger::FindInGuest(const Case& c, Gpa table, int level,
                           std::uint64_t base, std::uint64_t limit, int depth,
                           Place& place) {
  Hpa at;
  if (!Locate(table, at)) return false;
  const bool pae = Has(c.guest.cr4, kCr4Pae);
  const int index_bits = pae ? 9 : 10;
  const unsigned entry_bytes = pae ? 8 : 4;
  const int shift = 12 + index_bits * (level - 1);
  const std::uint64_t bytes = Bit(shift);
  const auto last = static_cast<int>(std::min<std::uint64_t>(
      (1u << index_bits) - 1, (limit - base - 1) >> shift));
  const auto entry_at = [&](int i) {
    const std::uint64_t address =
        at.value + entry_bytes * static_cast<unsigned>(i);
    const std::uint64_t word =
        state_.memory.Load(Hpa{address & ~std::uint64_t{7}});
    return pae ? word : word >> (address % 8 * 8) & 0xffff'ffff;
  };
  // Of 64-bit addresses each privilege has a half, where halves are separated:
  // a user has the lower one.
  const int first = c.guest.cpl == 3 && last == 511 && level >= 4 ? 255 : last;
  for (int n = 0; n <= last; ++n) {
    const int i = first >= n ? first - n : first - n + last + 1;
    const std::uint64_t from = base + static_cast<std::uint64_t>(i) * bytes;
    if (entry_at(i) != 0 || IsUsed(from, bytes)) continue;
    place = {at, static_cast<unsigned>(i), level, from};
    return true;
  }
  if (level == 2 || depth == 3) return false;
  for (int i = last; i >= 0; --i) {
    const std::uint64_t entry = entry_at(i);
    if ((entry & kRights) != kRights || (entry & kLargePage) != 0) continue;
    if (FindInGuest(c, Gpa{entry & kFrame}, level - 1,
                    base + static_cast<std::uint64_t>(i) * bytes, limit,
                    depth + 1, place)) {
      return true;
    }
  }
  return false;
}

// 16 bytes for each access: the instruction, and INT3.
void Arranger::AddCode(const Access& access, bool is_64_bit) {
  const Hpa at{pages_[0].value + CodeOffset(access)};
  if (state_.memory.Load(at) != 0) return;
  std::array<std::uint8_t, 16> code;
  code.fill(kInt3);
  std::size_t n = 0;
  if (access.implicit_supervisor) {  // MOV ES, eAX
    code[n++] = 0x8e;
    code[n++] = 0xc0;
    return PutBytes(at, code);
  }
  if (access.size == 2) code[n++] = 0x66;
  if (access.size == 8 && is_64_bit) code[n++] = 0x48;
  const int wide = access.size == 1 ? 0 : 1;
  switch (access.kind) {
    case AccessKind::kRead:  // MOV r, [rBX]
      code[n++] = static_cast<std::uint8_t>(0x8a + wide);
      break;
    case AccessKind::kWrite:  // MOV [rBX], r
      code[n++] = static_cast<std::uint8_t>(0x88 + wide);
      break;
    default:  // XOR [rBX], r
      code[n++] = static_cast<std::uint8_t>(0x30 + wide);
      break;
  }
  code[n++] = 0x03;  // rAX, [rBX]
  PutBytes(at, code);
}

}  // namespace eptdiff
