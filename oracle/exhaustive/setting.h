// The settings of the exhaustive check: processor, controls and guest.
//
// A setting is a point in a small space (Choices). ChosenSettings() has each
// choice alone, and those together that the SDM's rules join; EverySetting()
// has all of them. What stays the same everywhere, and why:
//   EPT, CR0.CD, PAT     MT-1 and MT-3 to MT-6 see the memory type alone
//   IDT vectoring, NMI   QUAL-12 copies one bit, whatever the entry is
//   HLAT, verification   they need a guest's paging structures: fuzzers' work
//   EPTP memory type     MT-1 copies it
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_SETTING_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_SETTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types.h"

namespace eptdiff {

enum class ChosenGuest : std::uint8_t {
  kPaging,    // 4-level; accesses by guest-physical address
  kNoPaging,  // CR0.PG = 0: every linear address is a user-mode one
  kPae,       // the PDPTE registers are loaded from CR3
};

enum class PageLog : std::uint8_t { kOff, kOn, kFull };

struct Choices {
  // Capabilities.
  bool execute_only = true;
  bool large_2m = true;
  bool large_1g = true;
  bool advanced_information = true;
  // EPTP.
  bool accessed_dirty = false;
  bool shadow_stack = false;
  bool five_levels = false;
  // Controls.
  bool mbec = false;
  bool paging_write = false;
  bool sub_page = false;
  bool ve = false;
  PageLog log = PageLog::kOff;

  std::uint8_t maxphyaddr = 46;
  ChosenGuest guest = ChosenGuest::kPaging;
};

struct Setting {
  std::string name;  // a file name: "accessed-dirty+mbec"
  Choices choices;
};

std::vector<Setting> ChosenSettings();

inline constexpr std::uint64_t kEverySetting = (1u << 11) * 3 * 3 * 3;
// Setting number n of all kEverySetting.
Setting EverySetting(std::uint64_t n);

// The processor, the controls and the guest of a setting. Of the addresses
// that they hold, world.h says what lies there.
Processor ProcessorOf(const Choices& choices);
Controls ControlsOf(const Choices& choices);
GuestState GuestOf(const Choices& choices);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_SETTING_H_
