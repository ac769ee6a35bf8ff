// Where the image speaks: the first serial port and, where there is one, the
// screen; or, where firmware is below that has them, a file and its screen
// (firmware.h). An emulator with port E9H gets there, and as fast as it
// can take it, what a serial line takes 12,000 characters a second of.
// Thread-safety: of one processor.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_CONSOLE_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_CONSOLE_H_

#include <concepts>
#include <cstdint>
#include <string_view>

#include "oracle/processor/image/boot_information.h"

namespace eptdiff::image {

// Once, before anything is said.
void OpenConsole();
// Until then, and where there is no screen, only to the ports.
void UseScreen(const BootInformation& boot);

void Say(std::string_view words);
// What only programs read.
void SayToPorts(std::string_view words);
// What only somebody who is there reads; "\r" begins the line again.
void SayOnScreen(std::string_view words);

struct Hex {
  std::uint64_t value;
};
void Say(Hex number);  // 0x1f
void SayDecimal(std::uint64_t number);
template <std::unsigned_integral T>
void Say(T number) {
  SayDecimal(number);
}

template <typename... T>
  requires(sizeof...(T) > 1)
void Say(const T&... parts) {
  (Say(parts), ...);
}
// A line.
template <typename... T>
void SayLine(const T&... parts) {
  (Say(parts), ...);
  Say(std::string_view("\n"));
}

// How a run ends; the numbers are seen by whoever started an emulator.
enum class Ending : std::uint8_t {
  kAgreed = 0,
  kDeparted = 1,
  kCannotAsk = 2,  // no VT-x, no EPT ...: said in a sentence before
  kHarnessError = 3,
};

// Ends the run by the ways that emulators offer, else goes back to the firmware
// that is below, else halts for ever.
[[noreturn]] void End(Ending ending);

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_CONSOLE_H_
