#include "engine/guest/guest_page_walk_info.h"

#include "engine/bits.h"
#include "engine/guest/guest_paging.h"
#include "engine/walk/exit_qualification.h"

namespace eptdiff {
namespace {

using engine::PagingMode;

// What is the same for every access.
GuestPageWalkInfo PagingOf(const GuestState& guest) {
  const auto cr4 = [&guest](std::uint64_t bit) {
    return (guest.cr4 & bit) != 0;
  };
  GuestPageWalkInfo info = {
      .wp = (guest.cr0 & bits::kCr0WriteProtect) != 0,
      .nxe = (guest.efer & bits::kEferNxe) != 0,
      .is_smap_on = cr4(bits::kCr4Smap),
      .is_smep_on = cr4(bits::kCr4Smep),
  };
  const auto set_tables = [&](int level, int width, std::uint64_t address) {
    info.level = level;
    info.width = width;
    info.top_entry = Gpa{guest.cr3 & address};
  };
  switch (engine::PagingModeOf(guest)) {
    case PagingMode::kNone:
      break;
    case PagingMode::k32Bit:
      set_tables(2, 10, bits::Bits(31, 12));
      info.pse = cr4(bits::kCr4Pse);
      info.nxe = false;
      break;
    case PagingMode::kPae:
      set_tables(3, 9, bits::Bits(31, 5));
      break;
    case PagingMode::kFourLevel:
      set_tables(4, 9, bits::kAddress);
      break;
    case PagingMode::kFiveLevel:
      set_tables(5, 9, bits::kAddress);
      break;
  }
  return info;
}

GuestPageWalkInfo PagingOf(const ExitInformation& exit) {
  return PagingOf(GuestState{
      .cr0 = exit.cr0, .cr3 = exit.cr3, .cr4 = exit.cr4, .efer = exit.efer});
}

ExitQualification QualificationOf(const ExitInformation& exit) {
  return ExitQualification::Decode(
      exit.qualification, {.advanced_information = exit.advanced_information});
}

bool IsUserMode(const ExitInformation& exit, const ExitQualification& q) {
  const bool by_cpl = exit.ss_dpl == 3;
  const bool paging = (exit.cr0 & bits::kCr0Paging) != 0;
  if (!paging || !q.user_mode_address.has_value()) return by_cpl;
  if (q.shadow_stack_access) return *q.user_mode_address;
  return by_cpl && *q.user_mode_address;
}

}  // namespace

GuestPageWalkInfo DescribeGuestWalk(const GuestState& guest,
                                    const GuestWalkState& walk) {
  GuestPageWalkInfo info = PagingOf(guest);
  info.is_user_mode_access = walk.user_mode;
  info.is_write_access = walk.write;
  info.is_inst_fetch = walk.fetch;
  return info;
}

GuestPageWalkInfo DescribeGuestWalk(const ExitInformation& exit) {
  const ExitQualification qualification = QualificationOf(exit);
  GuestPageWalkInfo info = PagingOf(exit);
  info.is_user_mode_access = IsUserMode(exit, qualification);
  if (qualification.to_translation) {
    info.is_write_access = qualification.write;
    info.is_inst_fetch = qualification.fetch;
  }
  return info;
}

std::uint8_t PossibleEntryLevels(const ExitInformation& exit) {
  if (!QualificationOf(exit).in_guest_walk()) return 0;
  const GuestPageWalkInfo paging = PagingOf(exit);
  const std::uint64_t known =
      bits::Bits(exit.gla.value > bits::Bits(31, 0) ? 63 : 31, 0);
  // PAE's topmost level is in registers.
  const int top = paging.level == 3 ? 2 : paging.level;
  const int entry_shift = 12 - paging.width;  // 4 or 8 bytes
  const std::uint64_t offset = exit.gpa.value & bits::Bits(11, 0);
  std::uint8_t levels = 0;
  for (int level = 1; level <= top; ++level) {
    const int shift = 12 + paging.width * (level - 1) - entry_shift;
    const std::uint64_t index = bits::Bits(11, entry_shift);
    const std::uint64_t differs = offset ^ (exit.gla.value >> shift & index);
    const std::uint64_t conclusive = ~index | known >> shift;
    if ((differs & conclusive) == 0) {
      levels |= static_cast<std::uint8_t>(1 << level);
    }
  }
  return levels;
}

}  // namespace eptdiff
