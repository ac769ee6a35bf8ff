#include "oracle/processor/image/console.h"

#include <cstddef>

#include "oracle/processor/image/firmware.h"
#include "oracle/processor/image/port.h"
#include "oracle/processor/image/screen.h"
#include "oracle/processor/image/screen_window.h"
#include "oracle/processor/image/vmx.h"

extern "C" std::uint64_t pdpt[512];  // boot.S

namespace eptdiff::image {
namespace {

constexpr std::uint16_t kCom1 = 0x3f8;
constexpr std::uint16_t kDebugPort = 0xe9;
bool has_serial = false;
bool has_debug_port = false;
constinit Screen screen;
alignas(4096) std::uint64_t screen_directory[512];

void ToSerial(char byte) {
  // A port that takes nothing for so long is none.
  constexpr int kTries = 1 << 20;
  for (int i = 0; (In8(kCom1 + 5) & 0x20) == 0; ++i) {
    if (i == kTries) {
      has_serial = false;
      return;
    }
  }
  Out8(kCom1, static_cast<std::uint8_t>(byte));
}

}  // namespace

void OpenConsole() {
  // Emulators' port reads as its number; elsewhere nobody drives the bus.
  has_debug_port = In8(kDebugPort) == kDebugPort;
  // A 16450 and its successors keep what the scratch register is given.
  Out8(kCom1 + 7, 0x5a);
  has_serial = In8(kCom1 + 7) == 0x5a;
  if (!has_serial) return;
  Out8(kCom1 + 1, 0x00);  // no interrupts
  Out8(kCom1 + 3, 0x80);  // divisor 1: 115200 baud
  Out8(kCom1 + 0, 0x01);
  Out8(kCom1 + 1, 0x00);
  Out8(kCom1 + 3, 0x03);  // 8 bits, no parity, 1 stop bit
  Out8(kCom1 + 2, 0x07);  // FIFOs, emptied
  Out8(kCom1 + 4, 0x03);  // DTR, RTS
}

void UseScreen(const BootInformation& boot) {
  if (boot.has_text_screen) return screen.UseVgaText();
  Framebuffer framebuffer = boot.framebuffer;
  const int width = static_cast<int>(Cpuid(0x80000008).eax & 0xff);
  const auto points =
      ReachScreen(boot.framebuffer_at,
                  std::uint64_t{framebuffer.pitch} * framebuffer.height, width,
                  screen_directory);
  if (!points.has_value()) return;
  constexpr std::uint64_t kTable = 3;
  pdpt[4] = reinterpret_cast<std::uint64_t>(screen_directory) | kTable;
  framebuffer.points = reinterpret_cast<std::uint8_t*>(*points);
  screen.UseFramebuffer(framebuffer);
}

void SayToPorts(std::string_view words) {
  SayToFirmware(kSayToFile, words);
  if (has_debug_port) return OutAll(kDebugPort, words.data(), words.size());
  for (const char byte : words) {
    if (!has_serial) return;
    if (byte == '\n') ToSerial('\r');
    ToSerial(byte);
  }
}

void SayOnScreen(std::string_view words) {
  SayToFirmware(kSayOnScreen, words);
  screen.Say(words);
}

void Say(std::string_view words) {
  SayToPorts(words);
  SayOnScreen(words);
}

void Say(Hex number) {
  char digits[19];
  std::size_t first = sizeof digits;
  do {
    digits[--first] = "0123456789abcdef"[number.value & 15];
    number.value >>= 4;
  } while (number.value != 0);
  digits[--first] = 'x';
  digits[--first] = '0';
  Say(std::string_view(digits + first, sizeof digits - first));
}

void SayDecimal(std::uint64_t number) {
  char digits[20];
  std::size_t first = sizeof digits;
  do {
    digits[--first] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  Say(std::string_view(digits + first, sizeof digits - first));
}

void End(Ending ending) {
  StopVmx();
  FlushToFirmware();
  // The ports below belong to others on a real machine. Bochs does not say that
  // it is one to whoever asks CPUID, and takes port 501H for something else.
  const bool is_guest = (Cpuid(1).ecx >> 31 & 1) != 0;
  if (is_guest) {
    // QEMU's isa-debug-exit ends with 2 * value + 1.
    Out8(0x501,
         static_cast<std::uint8_t>(0x10 + static_cast<unsigned>(ending)));
  } else if (has_debug_port) {
    for (const char byte : std::string_view("Shutdown")) {
      Out8(0x8900, static_cast<std::uint8_t>(byte));
    }
  }
  if (HasFirmware()) ReturnToFirmware(static_cast<std::uint64_t>(ending));
  for (;;) asm volatile("cli; hlt");
}

}  // namespace eptdiff::image
