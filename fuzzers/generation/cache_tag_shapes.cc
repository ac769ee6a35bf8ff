// What becomes of the tags of what is kept (shape_maker.h): EPTP, VPID, PCID;
// and of what is in no tag, but decides what is read.
#include <cstdint>

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/generation/shape_maker.h"

namespace eptdiff {

using namespace bits;

// Away, and mostly back; meanwhile the entry changes, or something ends what
// was kept, or what seems to be it.
void ShapeMaker::GoAndReturn(const Step& away, const Step& back, KeptOf of) {
  const auto change = [&] { Rewrite(random_.OneIn(3) ? 0 : Moved()); };
  const bool before = random_.OneIn(2);
  if (before) change();
  steps_.push_back(away);
  if (random_.OneIn(4)) Again();
  if (!before && random_.OneIn(2)) change();
  if (!random_.OneIn(3)) End(of);
  if (!random_.OneIn(4)) steps_.push_back(back);
}

// To an EPTP of the list, the one in use or one that is like it; often without
// VPIDs, where that ends something.
Step ShapeMaker::Switch() {
  Controls& k = c_.controls;
  if (!HasSecondary(c_, kSecondaryVmFunctions)) {
    k.secondary |= kSecondaryVmFunctions;
    k.eptp_list_address = 0x1000 + (random_.Bits(8) << 12);
  }
  k.vm_functions |= kFunctionEptpSwitch;
  if (!random_.OneIn(3)) k.secondary &= ~kSecondaryVpid;
  std::uint64_t eptp = k.eptp;
  if (random_.OneIn(4)) eptp ^= kAccessedDirty;
  if (random_.OneIn(4)) eptp = OtherFrame(random_, c_, eptp);
  StoreWord(c_, Hpa{k.eptp_list_address}, eptp);
  Step step;
  step.kind = StepKind::kEptpSwitch;
  step.processor = access_.processor;
  return step;
}

void ShapeMaker::ChangeTags() {
  const Controls& k = c_.controls;
  const std::uint64_t cr3 = c_.guest.cr3;
  const Step root = EnterWith(access_, kFieldEptp, k.eptp);
  switch (random_.Below(4)) {
    case 0: {  // another root, or another use of flags with the same root
      const std::uint64_t eptp = random_.OneIn(2)
                                     ? k.eptp ^ kAccessedDirty
                                     : OtherFrame(random_, c_, k.eptp);
      return GoAndReturn(EnterWith(access_, kFieldEptp, eptp), root, Of());
    }
    case 1: {
      const Step step = Switch();
      if (random_.OneIn(3)) return GoAndReturn(step, root, Of());
      Rewrite(Moved());
      ended_ = random_.OneIn(2);
      return steps_.push_back(step);
    }
    case 2:
      if (random_.OneIn(2) && ChangeHlatRoot()) return;
      return ChangeReading();
    default:
      return GoAndReturn(EnterWith(access_, kFieldCr3, cr3 ^ Bit(12)),
                         EnterWith(access_, kFieldCr3, cr3), Of());
  }
}

// The same root, read in another mode of paging or with another page-walk
// length; or none at all, as there is no paging.
void ShapeMaker::ChangeReading() {
  Controls& k = c_.controls;
  std::uint32_t field = kFieldEptp;
  std::uint64_t now = k.eptp;
  std::uint64_t other = k.eptp ^ kFourLevels ^ kFiveLevels;
  if (IsGuest()) {
    k.secondary |= kSecondaryVpid;
    if (k.vpid == 0) k.vpid = 1;
    const bool long_mode = IsIa32e(GuestModeOf(c_.guest));
    if (!long_mode && random_.OneIn(2)) {
      k.secondary |= kSecondaryUnrestricted;
      field = kFieldCr0;
      now = c_.guest.cr0;
      other = now ^ kCr0Pg;
    } else {
      c_.processor.la57 |= long_mode;
      field = kFieldCr4;
      now = c_.guest.cr4;
      other = now ^ (long_mode ? kCr4La57 : kCr4Pae);
    }
  } else {
    c_.processor.ept_vpid_cap |= kCapFourLevels | kCapFiveLevels;
  }
  const Step away = EnterWith(access_, field, other);
  if (random_.OneIn(3)) {
    return GoAndReturn(away, EnterWith(access_, field, now), Of());
  }
  steps_.push_back(away);
}

// HLAT paging begins at the tables that CR3 leads to, and then elsewhere: its
// root is in no tag.
bool ShapeMaker::ChangeHlatRoot() {
  Controls& k = c_.controls;
  if (!IsGuest() || !IsIa32e(GuestModeOf(c_.guest))) return false;
  k.primary |= kPrimaryTertiary;
  k.tertiary |= kTertiaryHlat;
  k.hlatp = GuestNextTable(GuestModeOf(c_.guest), c_.guest.cr3);
  k.hlat_prefix_size = 0;  // every address
  const Step away =
      EnterWith(access_, kFieldHlatp, OtherFrame(random_, c_, k.hlatp));
  if (random_.OneIn(3)) {
    GoAndReturn(away, EnterWith(access_, kFieldHlatp, k.hlatp), Of());
    return true;
  }
  if (random_.OneIn(2)) Rewrite(Moved());
  steps_.push_back(away);
  ended_ = random_.OneIn(2);
  return true;
}

void ShapeMaker::ChangeVpid() {
  Controls& k = c_.controls;
  if (!random_.OneIn(8)) k.secondary |= kSecondaryVpid;
  if (k.vpid == 0) k.vpid = 1;
  GoAndReturn(EnterWith(access_, kFieldVpid, k.vpid == 1 ? 2 : 1),
              EnterWith(access_, kFieldVpid, k.vpid), KeptOf::kOtherVpid);
}

// By MOV to CR3, or with VM entry, which ends nothing of the guest's.
void ShapeMaker::ChangePcid() {
  const std::uint64_t cr3 = c_.guest.cr3;
  const bool moves = MayMoveToCr(c_);
  const auto to = [&](std::uint64_t value, std::uint32_t ends_one_in) {
    if (!moves || random_.OneIn(3)) {
      return EnterWith(access_, kFieldCr3, value);
    }
    const bool ends = random_.OneIn(ends_one_in);
    return MoveToCr3(c_, access_, value | (ends ? 0 : kCr3Preserve));
  };
  const Step away = to(cr3 ^ 1, 4);
  GoAndReturn(away, to(cr3, 2), KeptOf::kOtherPcid);
}

}  // namespace eptdiff
