// The relations one by one: how a second question is made of the first, and
// what has to hold between the answers.
#include <algorithm>

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/targets/metamorphic.h"

namespace eptdiff {
namespace {

using namespace bits;

constexpr std::uint64_t kFrame = ~Low(12);
constexpr std::uint16_t kExitException = 0, kExitMisconfiguration = 49;

// Bits that are ignored in every EPT entry that is present (WALK-7).
constexpr std::uint64_t kIgnoredInEpt =
    Bit(11) | (Low(57) & ~Low(52)) | Bit(59) | Bit(62);
// And in those of the guest, in every mode (3A 4.3 to 4.5).
constexpr std::uint64_t kIgnoredInGuest = Bit(9) | Bit(10);

constexpr std::uint64_t WordOf(Hpa address) { return address.value & ~Low(3); }
constexpr std::uint64_t FrameOf(Hpa address) { return address.value & kFrame; }

bool IsEpt(const EntryRead& entry) {
  return entry.structure == Structure::kEpt;
}
bool IsLeaf(const EntryRead& entry) {
  return entry.level == 1 || (entry.level <= 3 && (entry.value & kLeaf) != 0);
}

// A bit of a guest entry, where it stands in its word.
std::uint64_t InWord(const EntryRead& entry, std::uint64_t bits) {
  return bits << (8 * (entry.address.value & 4));
}

bool LogsPages(const Case& c) {
  return HasSecondary(c, kSecondaryPml) &&
         (c.controls.eptp & kAccessedDirty) != 0;
}

// Where the processor writes, or looks, besides tables: each a frame.
bool IsStructure(const Controls& k, std::uint64_t frame) {
  for (const std::uint64_t address :
       {k.pml_address, k.spptp, k.ve_information_address,
        k.eptp_list_address}) {
    if ((address & kFrame) == frame) return true;
  }
  return false;
}

bool MayBeConverted(const Event& event) {
  return event.kind == EventKind::kVirtualizationException ||
         (event.kind == EventKind::kVmExit &&
          event.exit_reason == kExitException);
}

// That the access got past EPT: it completed, or the guest itself refused it.
bool PassedEpt(const Event& event) {
  return event.kind == EventKind::kCompleted ||
         event.kind == EventKind::kPageFault ||
         event.kind == EventKind::kGeneralProtection;
}

Event WithoutPageSizes(Event event) {
  for (Translation& translation : event.translations) {
    translation.page_shift = 0;
  }
  return event;
}

}  // namespace

// Whether the entry's word serves no other purpose in this step.
bool Metamorphic::HasOneRole(const EntryRead& entry) const {
  if (IsStructure(one_.controls, FrameOf(entry.address))) return false;
  return std::all_of(trace_.entries.begin(), trace_.entries.end(),
                     [&](const EntryRead& other) {
                       return WordOf(other.address) != WordOf(entry.address) ||
                              (other.structure == entry.structure &&
                               other.level == entry.level &&
                               other.address == entry.address);
                     });
}

// Whether its word, which another walk of the access uses, too, was changed.
bool Metamorphic::IsChanged(const EntryRead& entry) const {
  return LoadWord(changed_, entry.address) != LoadWord(one_, entry.address);
}

bool Metamorphic::IsPresent(const EntryRead& entry) const {
  const bool mbec = HasSecondary(one_, kSecondaryMbec);
  return IsEpt(entry) &&
         (entry.value & (kPermissions | (mbec ? kUserExecute : 0))) != 0;
}

bool Metamorphic::IsFree(std::uint64_t frame) const {
  if (frame == 0 || IsStructure(one_.controls, frame)) return false;
  for (const MemoryWord& word : one_.memory) {
    if ((word.address.value & kFrame) == frame) return false;
  }
  return std::none_of(trace_.entries.begin(), trace_.entries.end(),
                      [frame](const EntryRead& entry) {
                        return FrameOf(entry.address) == frame;
                      });
}

std::optional<std::uint64_t> Metamorphic::FreeFrame(std::uint64_t seed) const {
  Random random(seed);
  const std::uint64_t addresses = Low(PhysicalWidth(one_)) & kFrame;
  for (int attempts = 0; attempts < 4; ++attempts) {
    const std::uint64_t frame = random.Next() & addresses;
    if (IsFree(frame)) return frame;
  }
  return std::nullopt;
}

Metamorphic::Result Metamorphic::Compare(const Outcome& expected) {
  if (!Answer(changed_, answer_)) return Result::kDoesNotApply;
  return answer_ == expected ? Result::kHolds : Result::kBroken;
}

Metamorphic::Result Metamorphic::CheckCanonical(std::uint64_t variant) {
  Random random(variant);
  changed_ = one_;
  Step& step = changed_.steps[0];
  const bool linear = step.kind == StepKind::kLinearAccess;
  step.hpa.value = random.Next();
  step.value = random.Next();
  step.index = static_cast<std::uint32_t>(random.Next());
  if (linear) {
    step.gpa.value = random.Next();
    step.page.gla.value = random.Next();
    step.page.user = !step.page.user;
  } else {
    step.gla.value = random.Next();
  }
  if (!changed_.memory.empty()) {
    // What a later word replaces.
    const MemoryWord word =
        changed_.memory[random.Below(changed_.memory.size())];
    changed_.memory.insert(changed_.memory.begin(),
                           {word.address, random.Next()});
  }
  return Compare(base_);
}

Metamorphic::Result Metamorphic::CheckRepeat() {
  // A #VE leaves its area in use: the next one is an exit.
  if (MayBeConverted(base_.event)) return Result::kDoesNotApply;
  state_.Apply(base_);
  if (oracle_.Perform(state_, one_.steps[0], answer_) != Skip::kNone) {
    return Result::kDoesNotApply;
  }
  const bool same = answer_.event == base_.event &&
                    answer_.registers == base_.registers &&
                    answer_.writes.empty();
  return same ? Result::kHolds : Result::kBroken;
}

Metamorphic::Result Metamorphic::CheckIgnored(std::uint64_t variant) {
  Random random(variant);
  changed_ = one_;
  Outcome expected = base_;
  bool any = false;
  for (const EntryRead& entry : trace_.entries) {
    std::uint64_t flips = 0;
    if (IsPresent(entry)) flips = kIgnoredInEpt;
    if (entry.structure == Structure::kGuest) {
      flips = InWord(entry, kIgnoredInGuest);
    }
    if (variant != 0) flips &= random.Next();
    if (flips == 0 || !HasOneRole(entry) || IsChanged(entry)) continue;
    any = true;
    const std::uint64_t word = LoadWord(one_, entry.address) ^ flips;
    StoreWord(changed_, entry.address, word);
    for (MemoryWord& write : expected.writes) {
      if (write.address.value != WordOf(entry.address)) continue;
      write.value = (write.value & ~flips) | (word & flips);
    }
  }
  return any ? Compare(expected) : Result::kDoesNotApply;
}

Metamorphic::Result Metamorphic::CheckPermission(std::uint64_t variant) {
  if (!PassedEpt(base_.event)) return Result::kDoesNotApply;
  Random random(variant);
  changed_ = one_;
  Outcome expected = base_;
  bool any = false;
  for (const EntryRead& entry : trace_.entries) {
    if (!IsPresent(entry)) continue;
    // With bit 0 set, no other permission is a misconfiguration.
    std::uint64_t more = kPermissions | kUserExecute;
    if (variant != 0) more = kRead | (more & random.Next());
    if ((entry.value & more) == more) continue;
    if (!HasOneRole(entry) || IsChanged(entry)) continue;
    any = true;
    StoreWord(changed_, entry.address, entry.value | more);
    for (MemoryWord& write : expected.writes) {
      if (write.address == entry.address) write.value |= more;
    }
  }
  return any ? Compare(expected) : Result::kDoesNotApply;
}

bool Metamorphic::CanSplit(const EntryRead& entry) const {
  return IsPresent(entry) && IsLeaf(entry) && entry.level > 1 &&
         HasOneRole(entry) &&
         (entry.level == 2 || (one_.processor.ept_vpid_cap & kCap2Mb) != 0);
}

Metamorphic::Result Metamorphic::CheckSplit(std::uint64_t variant) {
  // The small pages have flags, and log entries, of their own.
  if (LogsPages(one_)) return Result::kDoesNotApply;
  if (base_.event.kind == EventKind::kVmExit &&
      base_.event.exit_reason == kExitMisconfiguration) {
    return Result::kDoesNotApply;
  }
  const auto frame = FreeFrame(variant);
  const EntryRead* large = nullptr;
  std::uint64_t skip = variant;
  for (const EntryRead& entry : trace_.entries) {
    if (!CanSplit(entry)) continue;
    large = &entry;
    if (skip-- == 0) break;
  }
  if (large == nullptr || !frame) return Result::kDoesNotApply;

  const int below = large->level - 1;
  const std::uint64_t first =
      large->value & kAddress & ~Low(PageShift(large->level));
  std::uint64_t bits = large->value & ~kAddress;
  // Bit 61 of a large page is ignored, that of a 4-KByte one is not.
  if (below == 1) bits &= ~(kLeaf | kSubPage);
  changed_ = one_;
  StoreWord(changed_, large->address,
            *frame | kPermissions | kUserExecute | (large->value & kAccessed));
  for (std::uint64_t i = 0; i < 512; ++i) {
    changed_.memory.push_back(
        {Hpa{*frame + 8 * i}, bits | (first + (i << PageShift(below)))});
  }
  if (!Answer(changed_, answer_)) return Result::kDoesNotApply;
  const bool same =
      WithoutPageSizes(answer_.event) == WithoutPageSizes(base_.event) &&
      answer_.registers == base_.registers;
  return same ? Result::kHolds : Result::kBroken;
}

void Metamorphic::MoveWords(std::uint64_t from, std::uint64_t to) {
  const std::size_t count = one_.memory.size();
  for (std::size_t i = 0; i < count; ++i) {
    const MemoryWord word = one_.memory[i];
    if (FrameOf(word.address) != from) continue;
    changed_.memory.push_back(
        {Hpa{word.address.value ^ from ^ to}, word.value});
  }
}

Metamorphic::Result Metamorphic::CheckMove(std::uint64_t variant) {
  const auto count = static_cast<std::uint64_t>(
      std::count_if(trace_.entries.begin(), trace_.entries.end(), IsEpt));
  const auto to = FreeFrame(variant + 1);
  if (count == 0 || !to) return Result::kDoesNotApply;
  std::uint64_t skip = Random(variant).Below(count);
  const std::uint64_t from = FrameOf(
      std::find_if(trace_.entries.begin(), trace_.entries.end(),
                   [&](const EntryRead& e) { return IsEpt(e) && skip-- == 0; })
          ->address);
  // Log entries, say, stay where they are.
  if (IsStructure(one_.controls, from)) return Result::kDoesNotApply;

  changed_ = one_;
  Outcome expected = base_;
  const bool is_root = (one_.controls.eptp & kAddress) == from;
  if (is_root) {
    changed_.controls.eptp ^= from ^ *to;
    expected.registers.eptp ^= from ^ *to;
  }
  for (const EntryRead& entry : trace_.entries) {
    const bool inside = FrameOf(entry.address) == from;
    const bool references =
        IsPresent(entry) && !IsLeaf(entry) && (entry.value & kAddress) == from;
    if (!inside && !references) continue;
    // A table that references itself is left alone.
    if (!IsEpt(entry) || !HasOneRole(entry) || (inside && references) ||
        (references && is_root)) {
      return Result::kDoesNotApply;
    }
    if (!references || IsChanged(entry)) continue;
    StoreWord(changed_, entry.address, entry.value ^ from ^ *to);
    for (MemoryWord& write : expected.writes) {
      if (write.address == entry.address) write.value ^= from ^ *to;
    }
  }
  MoveWords(from, *to);
  for (MemoryWord& write : expected.writes) {
    if (FrameOf(write.address) == from) write.address.value ^= from ^ *to;
  }
  std::sort(expected.writes.begin(), expected.writes.end(),
            [](const MemoryWord& a, const MemoryWord& b) {
              return a.address.value < b.address.value;
            });
  return Compare(expected);
}

}  // namespace eptdiff
