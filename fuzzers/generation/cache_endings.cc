#include "fuzzers/generation/cache_endings.h"

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"

namespace eptdiff {
namespace {

using namespace bits;

bool HasPcids(const Case& c) { return (c.guest.cr4 & kCr4Pcide) != 0; }

std::uint64_t LinearAddressOf(const Step& access) {
  return access.gla.value != 0 ? access.gla.value : access.page.gla.value;
}

// Of the page, or of another: a part of the same large one, or what has tables
// of its own.
std::uint64_t NearBy(Random& random, std::uint64_t gla) {
  switch (random.Below(5)) {
    case 0:
    case 1:
      return gla ^ Bit(12 + random.Below(9));
    case 2:
      return gla ^ Bit(12 + random.Below(27));
    default:
      return gla;
  }
}

Step Invept(Random& random, const Case& c) {
  Step step;
  step.kind = StepKind::kInvalidation;
  Invalidation& asked = step.invalidation;
  asked.kind = InvalidationKind::kInvept;
  asked.type = random.OneIn(3) ? 2 : 1;
  asked.first = c.controls.eptp;
  if (random.OneIn(4)) asked.first ^= kAccessedDirty;
  if (random.OneIn(4)) asked.first = OtherFrame(random, c, asked.first);
  if (random.OneIn(16)) asked.type = static_cast<std::uint8_t>(random.Below(4));
  if (random.OneIn(16)) asked.first ^= Bit(random.Below(64));
  if (random.OneIn(32)) asked.second = random.Next();
  return step;
}

Step Invvpid(Random& random, const Case& c, const Step& access) {
  Step step;
  step.kind = StepKind::kInvalidation;
  Invalidation& asked = step.invalidation;
  asked.kind = InvalidationKind::kInvvpid;
  asked.type = static_cast<std::uint8_t>(random.Below(4));
  asked.first = c.controls.vpid;
  asked.second = NearBy(random, LinearAddressOf(access));
  if (random.OneIn(4)) asked.first ^= 1;
  if (random.OneIn(16)) asked.type = static_cast<std::uint8_t>(random.Below(6));
  if (random.OneIn(16)) asked.first ^= Bit(random.Below(64));
  if (random.OneIn(16)) asked.second ^= Bit(47 + random.Below(17));
  return step;
}

// A register is written, by which what was kept ends, or some of it.
Step MoveToCr(Random& random, const Case& c, const Step& access) {
  const GuestState& g = c.guest;
  if (random.OneIn(2)) {
    std::uint64_t cr3 = g.cr3;
    if (HasPcids(c)) {
      if (random.OneIn(4)) cr3 ^= 1;
      if (random.OneIn(4)) cr3 |= kCr3Preserve;
    }
    return MoveToCr3(c, access, cr3);
  }
  constexpr std::uint64_t kToggles[] = {kCr4Pge, kCr4Pge, kCr4Smep, kCr4Pcide};
  Step step = MoveToCr3(c, access, g.cr4 ^ random.Pick(kToggles));
  step.reg = GuestRegister::kCr4;
  return step;
}

enum class Ending : std::uint8_t {
  kNone,
  kInvept,
  kInvvpid,
  kInvlpg,
  kInvpcid,
  kMoveToCr,
  kEntry,
  kRefusal
};

Ending Draw(Random& random, KeptOf of) {
  using enum Ending;
  static constexpr Ending kOfEpt[] = {
      kNone,   kNone,    kNone,   kNone,     kNone,    kNone,    kInvept,
      kInvept, kInvept,  kInvept, kInvept,   kInvvpid, kInvvpid, kInvvpid,
      kInvlpg, kInvpcid, kEntry,  kMoveToCr, kRefusal, kRefusal, kRefusal};
  static constexpr Ending kOfGuest[] = {
      kNone,     kNone,    kNone,    kNone,    kInvept,   kInvvpid,
      kInvvpid,  kInvvpid, kInvvpid, kInvvpid, kInvlpg,   kInvlpg,
      kInvlpg,   kInvpcid, kInvpcid, kInvpcid, kMoveToCr, kMoveToCr,
      kMoveToCr, kEntry,   kRefusal, kRefusal, kRefusal};
  static constexpr Ending kOfOtherVpid[] = {kNone,    kNone,    kInvept,
                                            kInvvpid, kInvvpid, kInvvpid,
                                            kInvvpid, kInvvpid, kInvlpg};
  static constexpr Ending kOfOtherPcid[] = {kNone,    kInvvpid, kInvpcid,
                                            kInvpcid, kInvpcid, kInvpcid,
                                            kInvpcid, kMoveToCr};
  switch (of) {
    case KeptOf::kEpt:
      return random.Pick(kOfEpt);
    case KeptOf::kGuest:
      return random.Pick(kOfGuest);
    case KeptOf::kOtherVpid:
      return random.Pick(kOfOtherVpid);
    case KeptOf::kOtherPcid:
      return random.Pick(kOfOtherPcid);
  }
  return kNone;
}

}  // namespace

Step AnyInvalidation(Random& random, const Case& c, const Step& access) {
  const bool privileged = c.guest.cpl == 0;
  Step step = random.OneIn(2)                  ? Invept(random, c)
              : !privileged || random.OneIn(2) ? Invvpid(random, c, access)
              : random.OneIn(2)                ? Invlpg(random, access)
                                               : Invpcid(random, c, access);
  step.processor = access.processor;
  Canonicalise(step);
  return step;
}

Step Invlpg(Random& random, const Step& access) {
  Step step;
  step.kind = StepKind::kInvalidation;
  step.invalidation.kind = InvalidationKind::kInvlpg;
  step.invalidation.second = NearBy(random, LinearAddressOf(access));
  return step;
}

Step Invpcid(Random& random, const Case& c, const Step& access) {
  Step step;
  step.kind = StepKind::kInvalidation;
  Invalidation& asked = step.invalidation;
  static constexpr std::uint8_t kTypes[] = {0, 0, 0, 1, 1, 2, 3};
  asked.kind = InvalidationKind::kInvpcid;
  asked.type = random.Pick(kTypes);
  asked.first = HasPcids(c) ? c.guest.cr3 & Low(12) : 0;
  asked.second = NearBy(random, LinearAddressOf(access));
  if (HasPcids(c) && random.OneIn(8)) asked.first ^= 1;
  if (random.OneIn(16)) asked.type = static_cast<std::uint8_t>(random.Below(6));
  if (random.OneIn(16)) asked.first ^= Bit(random.Below(64));
  return step;
}

std::uint64_t OtherFrame(Random& random, const Case& c, std::uint64_t value) {
  std::uint64_t frame = (value & kAddress) ^ Bit(12 + random.Below(3));
  if (random.OneIn(2) && !c.memory.empty()) {
    const MemoryWord& word = c.memory[random.Below(c.memory.size())];
    frame = word.value & kAddress;
    if (frame == 0) frame = word.address.value & kAddress;
  }
  const std::uint64_t width = Low(c.processor.maxphyaddr) & kAddress;
  return (value & ~kAddress) | (frame & width);
}

Step EnterWith(const Step& access, std::uint32_t field, std::uint64_t value) {
  Step step;
  step.kind = StepKind::kVmEntry;
  step.processor = access.processor;
  step.index = field;
  step.value = value;
  return step;
}

bool MayMoveToCr(const Case& c) {
  // With PAE paging what CR3 points to would matter, too.
  const GuestPagingMode mode = GuestModeOf(c.guest);
  return c.guest.cpl == 0 && (IsIa32e(mode) || mode == GuestPagingMode::k32Bit);
}

Step MoveToCr3(const Case& c, const Step& access, std::uint64_t value) {
  Step step;
  step.kind = StepKind::kRegisterWrite;
  step.processor = access.processor;
  step.reg = GuestRegister::kCr3;
  step.value = c.guest.cs_l ? value : value & Low(32);
  return step;
}

void AddEnding(Random& random, const Case& c, const Step& access, KeptOf of,
               std::vector<Step>& steps) {
  using enum Ending;
  const bool privileged = c.guest.cpl == 0;
  Step step;
  switch (Draw(random, of)) {
    case kNone:
      return;
    case kInvept:
      step = Invept(random, c);
      break;
    case kInvvpid:
      step = Invvpid(random, c, access);
      break;
    case kInvlpg:
      step = privileged ? Invlpg(random, access) : Invvpid(random, c, access);
      break;
    case kInvpcid:
      step =
          privileged ? Invpcid(random, c, access) : Invvpid(random, c, access);
      break;
    case kMoveToCr:
      step = MayMoveToCr(c) ? MoveToCr(random, c, access)
                            : Invvpid(random, c, access);
      break;
    case kEntry:
      step = EnterWith(access, kFieldVpid, c.controls.vpid);
      break;
    case kRefusal:
      // What is refused ends what refuses it.
      step = access;
      step.access.kind =
          random.OneIn(2) ? AccessKind::kFetch : AccessKind::kWrite;
      break;
  }
  step.processor = access.processor;
  if (random.OneIn(8)) step.processor ^= 1;
  Canonicalise(step);
  steps.push_back(step);
  // CR4.PGE is cleared for a moment, to end what is global.
  const bool toggles = step.kind == StepKind::kRegisterWrite &&
                       step.reg == GuestRegister::kCr4 && random.OneIn(2);
  if (!toggles) return;
  step.value = c.guest.cr4;
  steps.push_back(step);
}

}  // namespace eptdiff
