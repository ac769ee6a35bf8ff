#include "oracle/processor/moving.h"

#include <algorithm>

#include "oracle/step_kinds.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr std::uint64_t Low(unsigned n) { return Bit(n) - 1; }

constexpr std::uint64_t kAddress = Low(52) & ~Low(12);
constexpr std::uint8_t kPage = 12;

// Of entries of EPT, 29.3.2; of EPTPs, table 25-9; of the tables of sub-page
// permissions, 29.3.4.
constexpr std::uint64_t kPermissions = 7;
constexpr std::uint64_t kUserExecute = Bit(10);
constexpr std::uint64_t kLeaf = Bit(7);
constexpr std::uint64_t kSppValid = Bit(0);
constexpr unsigned WalkLength(std::uint64_t eptp) { return eptp >> 3 & 7; }
constexpr bool HasWalkLength(std::uint64_t eptp) {
  return WalkLength(eptp) == 3 || WalkLength(eptp) == 4;
}

// IA32_VMX_EPT_VPID_CAP, A.10.
constexpr unsigned kCap2Mb = 16;
constexpr unsigned kCap1Gb = 17;

// Roles of pages: tables by their level, ...
constexpr std::uint32_t EptTable(unsigned level) { return 1u << level; }
constexpr std::uint32_t SppTable(unsigned level) { return 1u << (level + 5); }
constexpr std::uint32_t kEptTables = 0x3e;
constexpr std::uint32_t kSppTables = 7u << 7;
constexpr std::uint32_t kSppVectors = SppTable(1);
constexpr std::uint32_t kEptpList = 1u << 10;
constexpr std::uint32_t kLog = 1u << 11;
constexpr std::uint32_t kVeArea = 1u << 12;
constexpr std::uint32_t kPlain = 1u << 13;     // ... and what holds nothing.
constexpr std::uint32_t kApicPage = 1u << 14;  // The APIC-access page.
// In these, words have addresses of the host; in those, they are something
// else.
constexpr std::uint32_t kHoldsAddresses = kEptTables | kSppTables | kEptpList;
constexpr std::uint32_t kHoldsOther = kSppVectors | kLog | kVeArea;

// Secondary processor-based controls, table 25-7, and who needs them.
constexpr std::uint32_t kEnableEpt = 1u << 1;
constexpr std::uint32_t kModeBasedExecute = 1u << 22;
constexpr std::uint32_t kActivateSecondary = 1u << 31;  // of the primary ones

// Fields of the VMCS, appendix B.
constexpr std::uint32_t kFieldPmlAddress = 0x200e;
constexpr std::uint32_t kFieldApicAccess = 0x2014;
constexpr std::uint32_t kFieldEptp = 0x201a;
constexpr std::uint32_t kFieldEptpList = 0x2024;
constexpr std::uint32_t kFieldVeArea = 0x202a;
constexpr std::uint32_t kFieldSpptp = 0x2030;
constexpr std::uint32_t kFieldPrimary = 0x4002;
constexpr std::uint32_t kFieldSecondary = 0x401e;

struct AddressField {
  std::uint32_t encoding;
  std::uint64_t Controls::* member;
  std::uint32_t control;  // that uses it
  std::uint32_t role;
};
constexpr AddressField kAddressFields[] = {
    {kFieldPmlAddress, &Controls::pml_address, 1u << 17, kLog},
    {kFieldApicAccess, &Controls::apic_access_address, 1u << 0, kApicPage},
    {kFieldEptpList, &Controls::eptp_list_address, 1u << 13, kEptpList},
    {kFieldVeArea, &Controls::ve_information_address, 1u << 18, kVeArea},
    {kFieldSpptp, &Controls::spptp, 1u << 23, SppTable(4)},
};

unsigned PhysicalWidth(const Processor& p) {
  const int width = p.maxphyaddr - p.keyid_bits;
  return static_cast<unsigned>(width > 32 ? width : 32);
}

bool HasSecondary(std::uint32_t primary, std::uint32_t secondary,
                  std::uint32_t control) {
  return (primary & kActivateSecondary) != 0 && (secondary & control) != 0;
}

bool WritesField(const Step& step, std::uint32_t encoding) {
  return step.kind == StepKind::kVmEntry && step.index == encoding;
}

// Whether the guest runs without EPT at some time, and then accesses memory.
bool RunsWithoutEpt(const Case& c) {
  std::uint32_t primary = c.controls.primary;
  std::uint32_t secondary = c.controls.secondary;
  bool off = !HasSecondary(primary, secondary, kEnableEpt);
  for (const Step& step : c.steps) {
    if (off && AccessesMemory(step.kind)) return true;
    const auto value = static_cast<std::uint32_t>(step.value);
    if (WritesField(step, kFieldPrimary)) primary = value;
    if (WritesField(step, kFieldSecondary)) secondary = value;
    // Each logical processor has fields of its own: off on one is off.
    off = off || !HasSecondary(primary, secondary, kEnableEpt);
  }
  return false;
}

// Whether the control is on at any time.
bool MayUse(const Case& c, std::uint32_t control) {
  if ((c.controls.secondary & control) != 0) return true;
  for (const Step& step : c.steps) {
    if (WritesField(step, kFieldSecondary) && (step.value & control) != 0) {
      return true;
    }
  }
  return false;
}

bool NamesTables(const Invalidation& asked) {
  constexpr std::uint8_t kSingleContext = 1;
  return asked.kind == InvalidationKind::kInvept &&
         asked.type == kSingleContext && HasWalkLength(asked.first);
}

}  // namespace

std::string_view WordsOf(Unmovable why) {
  switch (why) {
    case Unmovable::kNone:
      return "moved";
    case Unmovable::kTableOperations:
      return "operations are for a table builder";
    case Unmovable::kEptOff:
      return "without EPT the guest's addresses are the machine's own";
    case Unmovable::kTwoRoles:
      return "a page holds addresses of the host and what is none";
    case Unmovable::kApicStructures:
      return "a structure lies in the APIC-access page, where the processor's "
             "own accesses may exit or not";
    case Unmovable::kNoReservedBits:
      return "no physical address is too wide for this machine";
    case Unmovable::kNoRoomFor4Kb:
      return "the machine has no room for the case's pages of 4 KBytes";
    case Unmovable::kNoRoomFor2Mb:
      return "the machine has no room for the case's pages of 2 MBytes";
    case Unmovable::kNoRoomFor1Gb:
      return "the machine has no room for the case's pages of 1 GByte";
  }
  return "";
}

Mover::Mover(std::span<const FreeRange> free)
    : free_(free.begin(), free.end()) {}

Unmovable Mover::Move(const Case& c, const Processor& machine, Case& moved) {
  Begin(c, machine);
  if (HasTableOperations(c)) return Unmovable::kTableOperations;
  if (RunsWithoutEpt(c)) return Unmovable::kEptOff;
  AddFields(c);
  FollowAll();
  if (lacks_reserved_bits_) return Unmovable::kNoReservedBits;
  if (HasTwoRoles()) return Unmovable::kTwoRoles;
  if (HasStructureOf(kApicPage)) return Unmovable::kApicStructures;
  MergeRegions();
  if (const Unmovable why = Place(); why != Unmovable::kNone) return why;
  PlaceFrames();
  moved = c;
  moved.processor = machine;
  ChangeFields(moved.controls);
  for (MemoryWord& word : moved.memory) {
    const Frame& frame = *FrameAt(word.address.value);
    if (IsLiveIn(frame.roles, word.value)) word.value = Change(word.value);
    word.address.value = frame.to + word.address.value % Bit(kPage);
  }
  for (Step& step : moved.steps) ChangeStep(step);
  return Unmovable::kNone;
}

void Mover::Begin(const Case& c, const Processor& machine) {
  width_ = PhysicalWidth(c.processor);
  machine_width_ = PhysicalWidth(machine);
  large_2mb_ = (machine.ept_vpid_cap >> kCap2Mb & 1) != 0;
  large_1gb_ = (machine.ept_vpid_cap >> kCap1Gb & 1) != 0;
  mode_based_ = MayUse(c, kModeBasedExecute);
  lacks_reserved_bits_ = false;
  values_.clear();
  frames_.clear();
  to_follow_.clear();
  leaves_.clear();
  regions_.clear();
  too_wide_.clear();
  for (const MemoryWord& word : c.memory) {
    values_.push_back({word.address.value, word.value});
  }
  for (const Step& step : c.steps) {
    if (step.kind != StepKind::kStore) continue;
    values_.push_back({step.hpa.value, step.value});
  }
  std::sort(values_.begin(), values_.end(), [](const Value& a, const Value& b) {
    return a.address < b.address;
  });
}

void Mover::AddFields(const Case& c) {
  std::uint64_t last = ~std::uint64_t{0};
  for (const Value& value : values_) {
    const std::uint64_t page = value.address & ~Low(kPage);
    if (page != last) AddFrame(page, kPlain);
    last = page;
  }
  AddTables(c.controls.eptp);
  for (const AddressField& field : kAddressFields) {
    if (!MayUse(c, field.control)) continue;
    AddFrame(c.controls.*field.member & kAddress, field.role);
    for (const Step& step : c.steps) {
      if (!WritesField(step, field.encoding)) continue;
      AddFrame(step.value & kAddress, field.role);
    }
  }
  for (const Step& step : c.steps) {
    if (WritesField(step, kFieldEptp)) AddTables(step.value);
    if (step.kind == StepKind::kInvalidation &&
        NamesTables(step.invalidation)) {
      AddTables(step.invalidation.first);
    }
  }
}

// What is too wide gets no place: nobody goes there.
void Mover::AddFrame(std::uint64_t address, std::uint32_t role) {
  if (IsTooWide(address)) {
    if (role != kPlain && machine_width_ >= 52) lacks_reserved_bits_ = true;
    if (role != kPlain) return;
  }
  const auto at = std::lower_bound(
      frames_.begin(), frames_.end(), address,
      [](const Frame& frame, std::uint64_t a) { return frame.address < a; });
  if (at != frames_.end() && at->address == address) {
    if ((at->roles & role) != 0) return;
    at->roles |= role;
  } else {
    frames_.insert(at, {address, role, 0});
    regions_.push_back({address, 0, kPage});
  }
  if ((role & kHoldsAddresses) != 0) to_follow_.push_back({address, role, 0});
}

void Mover::AddTables(std::uint64_t eptp) {
  AddFrame(eptp & kAddress, EptTable(WalkLength(eptp) == 4 ? 5 : 4));
}

void Mover::FollowAll() {
  while (!to_follow_.empty()) {
    const Frame frame = to_follow_.back();
    to_follow_.pop_back();
    auto at = std::lower_bound(
        values_.begin(), values_.end(), frame.address,
        [](const Value& value, std::uint64_t a) { return value.address < a; });
    for (; at != values_.end() && at->address - frame.address <= Low(kPage);
         ++at) {
      Follow(frame.roles, at->value);
    }
  }
}

void Mover::Follow(std::uint32_t role, std::uint64_t value) {
  if (!IsLive(role, value)) return;
  if (role == kEptpList) return AddTables(value);
  const std::uint64_t address = value & kAddress;
  const std::uint8_t shift = LeafShift(role, value);
  if (shift == 0) return AddFrame(address, role >> 1);
  if (IsTooWide(address)) {
    if (machine_width_ >= 52) lacks_reserved_bits_ = true;
    return;
  }
  leaves_.push_back({address & ~Low(shift), 0, shift});
}

bool Mover::IsTooWide(std::uint64_t address) const {
  return address >> width_ != 0;
}

// Whether a word in a page of this role has an address that is looked at.
bool Mover::IsLive(std::uint32_t role, std::uint64_t value) const {
  if (role == kEptpList) return HasWalkLength(value);
  if ((role & kSppTables) != 0) return (value & kSppValid) != 0;
  return (value & kPermissions) != 0 ||
         (mode_based_ && (value & kUserExecute) != 0);
}

// Of a page that an entry of EPT in a page of this role maps; 0: it maps none.
std::uint8_t Mover::LeafShift(std::uint32_t role, std::uint64_t value) const {
  if (role == EptTable(1)) return 12;
  if (role == EptTable(2)) return large_2mb_ && (value & kLeaf) != 0 ? 21 : 0;
  if (role == EptTable(3)) return large_1gb_ && (value & kLeaf) != 0 ? 30 : 0;
  return 0;
}

const Mover::Frame* Mover::FrameAt(std::uint64_t address) const {
  const std::uint64_t page = address & ~Low(kPage);
  const auto at = std::lower_bound(
      frames_.begin(), frames_.end(), page,
      [](const Frame& frame, std::uint64_t a) { return frame.address < a; });
  return at != frames_.end() && at->address == page ? &*at : nullptr;
}

std::uint32_t Mover::RolesAt(std::uint64_t address) const {
  const Frame* const frame = FrameAt(address);
  return frame != nullptr ? frame->roles : 0;
}

bool Mover::IsLiveIn(std::uint32_t roles, std::uint64_t value) const {
  for (std::uint32_t left = roles & kHoldsAddresses; left != 0;
       left &= left - 1) {
    if (IsLive(left & ~(left - 1), value)) return true;
  }
  return false;
}

bool Mover::IsLiveEntry(std::uint64_t address, std::uint64_t value) const {
  return IsLiveIn(RolesAt(address), value);
}

bool Mover::HasTwoRoles() const {
  return std::any_of(frames_.begin(), frames_.end(), [](const Frame& frame) {
    return (frame.roles & kHoldsAddresses) != 0 &&
           (frame.roles & kHoldsOther) != 0;
  });
}

// Whether the page of this role has a structure in it (30.4.6.2).
bool Mover::HasStructureOf(std::uint32_t role) const {
  return std::any_of(frames_.begin(), frames_.end(), [&](const Frame& frame) {
    return (frame.roles & role) != 0 &&
           (frame.roles & (kHoldsAddresses | kHoldsOther)) != 0;
  });
}

bool Mover::guest_reaches_tables() const {
  for (const Frame& frame : frames_) {
    if ((frame.roles & kHoldsAddresses) == 0) continue;
    for (const MovedRegion& leaf : leaves_) {
      if ((frame.address ^ leaf.from) >> leaf.shift == 0) return true;
    }
  }
  return false;
}

bool Mover::HoldsAddress(Hpa to) const {
  Hpa from;
  return Back(to, from) && (RolesAt(from.value) & kHoldsAddresses) != 0;
}

// Regions are pages of their size, so one either contains another or has
// nothing of it.
void Mover::MergeRegions() {
  regions_.insert(regions_.end(), leaves_.begin(), leaves_.end());
  std::sort(regions_.begin(), regions_.end(),
            [](const MovedRegion& a, const MovedRegion& b) {
              return a.from != b.from ? a.from < b.from : a.shift > b.shift;
            });
  std::size_t kept = 0;
  for (const MovedRegion& region : regions_) {
    if (kept != 0) {
      const MovedRegion& last = regions_[kept - 1];
      if ((region.from - last.from) >> last.shift == 0) continue;
    }
    regions_[kept++] = region;
  }
  regions_.resize(kept);
}

// The largest first: each leaves what is smaller whole.
Unmovable Mover::Place() {
  left_ = free_;
  for (const std::uint8_t shift : {30, 21, 12}) {
    for (MovedRegion& region : regions_) {
      if (region.shift != shift || TakePlace(shift, region.to)) continue;
      return shift == 30   ? Unmovable::kNoRoomFor1Gb
             : shift == 21 ? Unmovable::kNoRoomFor2Mb
                           : Unmovable::kNoRoomFor4Kb;
    }
  }
  return Unmovable::kNone;
}

// Each lies in some region; both lists are by address.
void Mover::PlaceFrames() {
  auto region = regions_.begin();
  for (Frame& frame : frames_) {
    while ((frame.address - region->from) >> region->shift != 0) ++region;
    frame.to = region->to + (frame.address - region->from);
  }
}

bool Mover::TakePlace(std::uint8_t shift, std::uint64_t& place) {
  const std::uint64_t size = Bit(shift);
  for (FreeRange& range : left_) {
    const std::uint64_t first = range.first.value;
    place = (first + size - 1) & ~(size - 1);
    const std::uint64_t gap = place - first;
    if (range.bytes < gap || range.bytes - gap < size) continue;
    range = {Hpa{place + size}, range.bytes - gap - size};
    if (gap != 0) left_.push_back({Hpa{first}, gap});
    return true;
  }
  return false;
}

bool Mover::Forward(Hpa from, Hpa& to) const {
  const auto after =
      std::upper_bound(regions_.begin(), regions_.end(), from.value,
                       [](std::uint64_t address, const MovedRegion& region) {
                         return address < region.from;
                       });
  if (after == regions_.begin()) return false;
  const MovedRegion& region = *(after - 1);
  const std::uint64_t offset = from.value - region.from;
  if (offset >> region.shift != 0) return false;
  to.value = region.to + offset;
  return true;
}

bool Mover::Back(Hpa to, Hpa& from) const {
  for (const MovedRegion& region : regions_) {
    const std::uint64_t offset = to.value - region.to;
    if (offset >> region.shift != 0) continue;
    from.value = region.from + offset;
    return true;
  }
  return false;
}

// The address in `value` changed. One that is too wide keeps the bits that are
// too many for the machine, too, or else gets one.
std::uint64_t Mover::Change(std::uint64_t value) {
  const std::uint64_t address = value & kAddress;
  if (!IsTooWide(address)) {
    Hpa place{address};
    Forward(place, place);
    return (value & ~kAddress) | place.value;
  }
  if (machine_width_ >= 52) return value;
  std::uint64_t above = address & ~Low(machine_width_);
  if (above == 0) above = Bit(machine_width_);
  const std::uint64_t below = address & Low(std::min(width_, machine_width_));
  const std::uint64_t changed = (value & ~kAddress) | above | below;
  too_wide_.push_back({value, changed});
  return changed;
}

std::uint64_t Mover::ChangeBack(std::uint64_t value) const {
  for (const TooWide& pair : too_wide_) {
    if (pair.changed == value) return pair.original;
  }
  Hpa place{value & kAddress};
  Back(place, place);
  return (value & ~kAddress) | place.value;
}

void Mover::ChangeFields(Controls& k) {
  k.eptp = Change(k.eptp);
  for (const AddressField& field : kAddressFields) {
    k.*field.member = Change(k.*field.member);
  }
}

void Mover::ChangeStep(Step& step) {
  if (step.kind == StepKind::kStore) {
    if (IsLiveEntry(step.hpa.value, step.value)) {
      step.value = Change(step.value);
    }
    Forward(step.hpa, step.hpa);
    return;
  }
  if (step.kind == StepKind::kInvalidation && NamesTables(step.invalidation)) {
    step.invalidation.first = Change(step.invalidation.first);
    return;
  }
  if (WritesField(step, kFieldEptp)) step.value = Change(step.value);
  for (const AddressField& field : kAddressFields) {
    if (WritesField(step, field.encoding)) step.value = Change(step.value);
  }
}

bool Mover::MoveBack(Outcome& outcome) const {
  for (Translation& translation : outcome.event.translations) {
    if (outcome.event.kind != EventKind::kCompleted) break;
    const auto index = static_cast<std::size_t>(
        &translation - outcome.event.translations.data());
    if (index >= outcome.event.translation_count) break;
    if (!Back(translation.address, translation.address)) return false;
  }
  outcome.registers.eptp = ChangeBack(outcome.registers.eptp);
  for (MemoryWord& word : outcome.writes) {
    if (!Back(word.address, word.address)) return false;
    if (IsLiveEntry(word.address.value, word.value)) {
      word.value = ChangeBack(word.value);
    }
  }
  std::sort(outcome.writes.begin(), outcome.writes.end(),
            [](const MemoryWord& a, const MemoryWord& b) {
              return a.address.value < b.address.value;
            });
  return true;
}

}  // namespace eptdiff
