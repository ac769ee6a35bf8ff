#include "oracle/exhaustive/setting.h"

#include <utility>

#include "oracle/exhaustive/world.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int position) {
  return std::uint64_t{1} << position;
}

// What a setting is called: what is not as in Choices{}.
std::string NameOf(const Choices& choices) {
  std::string name;
  const auto add = [&name](bool applies, const char* word) {
    if (!applies) return;
    if (!name.empty()) name += '+';
    name += word;
  };
  add(!choices.execute_only, "no-execute-only");
  add(!choices.large_2m, "no-2-mbyte");
  add(!choices.large_1g, "no-1-gbyte");
  add(!choices.advanced_information, "no-advanced-information");
  add(choices.accessed_dirty, "accessed-dirty");
  add(choices.shadow_stack, "shadow-stack");
  add(choices.five_levels, "5-levels");
  add(choices.mbec, "mbec");
  add(choices.paging_write, "paging-write");
  add(choices.sub_page, "sub-page");
  add(choices.ve, "ve");
  add(choices.log == PageLog::kOn, "log");
  add(choices.log == PageLog::kFull, "log-full");
  add(choices.maxphyaddr == 36, "36-bits");
  add(choices.maxphyaddr == 52, "52-bits");
  add(choices.guest == ChosenGuest::kNoPaging, "no-paging");
  add(choices.guest == ChosenGuest::kPae, "pae");
  return name.empty() ? "plain" : name;
}

// Takes choices out of a number.
class Digits {
 public:
  explicit Digits(std::uint64_t number) : number_(number) {}
  bool Flag() { return Next(2) != 0; }
  unsigned Next(unsigned base) {
    return static_cast<unsigned>(std::exchange(number_, number_ / base) % base);
  }

 private:
  std::uint64_t number_;
};

}  // namespace

std::vector<Setting> ChosenSettings() {
  const Choices kChosen[] = {
      {},
      {.accessed_dirty = true},
      {.mbec = true},
      {.accessed_dirty = true, .mbec = true},
      {.execute_only = false},
      {.execute_only = false, .mbec = true},
      {.large_1g = false, .accessed_dirty = true},
      {.large_2m = false, .accessed_dirty = true},
      {.advanced_information = false},
      {.shadow_stack = true},
      {.accessed_dirty = true, .shadow_stack = true, .mbec = true},
      {.paging_write = true},
      {.accessed_dirty = true, .mbec = true, .paging_write = true},
      {.execute_only = false, .paging_write = true},
      {.sub_page = true},
      {.accessed_dirty = true,
       .shadow_stack = true,
       .paging_write = true,
       .sub_page = true},
      {.ve = true},
      {.accessed_dirty = true, .mbec = true, .ve = true},
      {.accessed_dirty = true, .ve = true, .log = PageLog::kFull},
      {.accessed_dirty = true, .log = PageLog::kOn},
      {.accessed_dirty = true, .sub_page = true, .log = PageLog::kOn},
      {.log = PageLog::kOn},
      {.accessed_dirty = true, .log = PageLog::kFull},
      {.log = PageLog::kFull},
      {.maxphyaddr = 36},
      {.maxphyaddr = 52},
      {.five_levels = true},
      {.accessed_dirty = true, .five_levels = true, .mbec = true, .ve = true},
      {.accessed_dirty = true,
       .shadow_stack = true,
       .five_levels = true,
       .log = PageLog::kOn},
      {.mbec = true, .guest = ChosenGuest::kNoPaging},
      {.accessed_dirty = true, .ve = true, .guest = ChosenGuest::kNoPaging},
      {.guest = ChosenGuest::kPae},
      {.accessed_dirty = true,
       .paging_write = true,
       .log = PageLog::kOn,
       .guest = ChosenGuest::kPae},
      {.accessed_dirty = true,
       .mbec = true,
       .ve = true,
       .log = PageLog::kFull,
       .guest = ChosenGuest::kPae},
      {.shadow_stack = true,
       .five_levels = true,
       .sub_page = true,
       .guest = ChosenGuest::kPae},
  };
  std::vector<Setting> settings;
  for (const Choices& choices : kChosen) {
    settings.push_back({NameOf(choices), choices});
  }
  return settings;
}

Setting EverySetting(std::uint64_t n) {
  Digits digits(n);
  Choices c;
  c.execute_only = digits.Flag();
  c.large_2m = digits.Flag();
  c.large_1g = digits.Flag();
  c.advanced_information = digits.Flag();
  c.accessed_dirty = digits.Flag();
  c.shadow_stack = digits.Flag();
  c.five_levels = digits.Flag();
  c.mbec = digits.Flag();
  c.paging_write = digits.Flag();
  c.sub_page = digits.Flag();
  c.ve = digits.Flag();
  c.log = static_cast<PageLog>(digits.Next(3));
  constexpr std::uint8_t kWidths[] = {46, 36, 52};
  c.maxphyaddr = kWidths[digits.Next(3)];
  c.guest = static_cast<ChosenGuest>(digits.Next(3));
  return {NameOf(c), c};
}

Processor ProcessorOf(const Choices& choices) {
  Processor processor;
  processor.maxphyaddr = choices.maxphyaddr;
  processor.ept_vpid_cap =
      Bit(6) | Bit(7) | Bit(8) | Bit(14) | Bit(20) | Bit(21) | Bit(23);
  if (choices.execute_only) processor.ept_vpid_cap |= Bit(0);
  if (choices.large_2m) processor.ept_vpid_cap |= Bit(16);
  if (choices.large_1g) processor.ept_vpid_cap |= Bit(17);
  if (choices.advanced_information) processor.ept_vpid_cap |= Bit(22);
  processor.ept_violation_ve = true;
  processor.nx = processor.cet_ss = true;
  return processor;
}

Controls ControlsOf(const Choices& choices) {
  Controls controls;
  controls.primary = static_cast<std::uint32_t>(Bit(31) | Bit(17));
  // EPT; Intel PT uses guest-physical addresses, for trace output.
  std::uint64_t secondary = Bit(1) | Bit(24);
  if (choices.guest == ChosenGuest::kNoPaging) secondary |= Bit(7);
  if (choices.log != PageLog::kOff) secondary |= Bit(17);
  if (choices.ve) secondary |= Bit(18);
  if (choices.mbec) secondary |= Bit(22);
  if (choices.sub_page) secondary |= Bit(23);
  controls.secondary = static_cast<std::uint32_t>(secondary);
  // Which has to load and clear IA32_RTIT_CTL.
  controls.entry_controls = static_cast<std::uint32_t>(Bit(18));
  controls.exit_controls = static_cast<std::uint32_t>(Bit(25));
  controls.tertiary = Bit(12);  // PEBS uses guest-physical addresses
  if (choices.paging_write) controls.tertiary |= Bit(2);
  controls.eptp =
      (choices.five_levels ? TableOf(5) | 4 << 3 : TableOf(4) | 3 << 3) | 6;
  if (choices.accessed_dirty) controls.eptp |= Bit(6);
  if (choices.shadow_stack) controls.eptp |= Bit(7);
  controls.pml_address = kLogAddress;
  controls.pml_index = choices.log == PageLog::kFull ? 0xffff : 100;
  controls.spptp = SubPageTableOf(4);
  controls.ve_information_address = kVeArea;
  return controls;
}

GuestState GuestOf(const Choices& choices) {
  GuestState guest;
  guest.cr4 = Bit(5) | Bit(13);
  guest.rflags = Bit(1);
  switch (choices.guest) {
    case ChosenGuest::kPaging:
      guest.cr0 = Bit(31) | Bit(5) | Bit(0);
      guest.efer = Bit(8) | Bit(10) | Bit(11);
      guest.cs_l = true;
      break;
    case ChosenGuest::kNoPaging:
      guest.cr0 = Bit(30) | Bit(5) | Bit(0);
      break;
    case ChosenGuest::kPae:
      guest.cr0 = Bit(31) | Bit(5) | Bit(0);
      guest.cr3 = GpaOf(choices).value;
      break;
  }
  return guest;
}

}  // namespace eptdiff
