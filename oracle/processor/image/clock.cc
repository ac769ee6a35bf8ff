#include "oracle/processor/image/clock.h"

#include "oracle/processor/image/port.h"

namespace eptdiff::image {
namespace {

constexpr std::uint64_t kDay = 24 * 60 * 60;

std::uint8_t ReadCmos(std::uint8_t index) {
  Out8(0x70, static_cast<std::uint8_t>(0x80 | index));  // NMIs stay off, too
  return In8(0x71);
}

// Register B says whether numbers are binary, and hours 24.
std::uint64_t Number(std::uint8_t value, bool binary) {
  return binary ? value : (value >> 4) * 10u + (value & 15u);
}

std::uint64_t SecondOfDay() {
  constexpr std::uint8_t kUpdating = 0x80, kBinary = 0x04, k24Hours = 0x02,
                         kAfternoon = 0x80;
  for (int i = 0; i < 100000 && (ReadCmos(0x0a) & kUpdating) != 0; ++i) {
  }
  const std::uint8_t mode = ReadCmos(0x0b);
  const bool binary = (mode & kBinary) != 0;
  const std::uint64_t seconds = Number(ReadCmos(0), binary);
  const std::uint64_t minutes = Number(ReadCmos(2), binary);
  const std::uint8_t hour = ReadCmos(4);
  std::uint64_t hours =
      Number(static_cast<std::uint8_t>(hour & ~kAfternoon), binary);
  if ((mode & k24Hours) == 0) {
    hours = hours % 12 + ((hour & kAfternoon) != 0 ? 12 : 0);
  }
  return (hours * 60 + minutes) * 60 + seconds;
}

}  // namespace

std::uint64_t SecondsOfClock() {
  static bool begun = false;
  static std::uint64_t last = 0, passed = 0;
  const std::uint64_t now = SecondOfDay();
  if (begun) passed += (now + kDay - last) % kDay;
  begun = true;
  last = now;
  return passed;
}

}  // namespace eptdiff::image
