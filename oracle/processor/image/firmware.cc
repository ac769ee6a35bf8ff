#include "oracle/processor/image/firmware.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

extern "C" {
// efi_entry.S
void CallFirmware(std::uint64_t function, std::uint64_t first,
                  const void* second, std::uint64_t third);
[[noreturn]] void LeaveToFirmware(std::uint64_t status);
// boot.S
extern std::uint64_t pml4[512], pdpt[512], page_directories[2048];

// Memory below 4 GBytes, one to one, as boot.S maps it for other loaders.
void BuildPageTables() {
  constexpr std::uint64_t kTable = 3, kLargePage = 0x83;
  for (std::uint64_t i = 0; i < 2048; ++i) {
    page_directories[i] = i << 21 | kLargePage;
  }
  for (std::uint64_t i = 0; i < 4; ++i) {
    pdpt[i] =
        reinterpret_cast<std::uint64_t>(page_directories + 512 * i) | kTable;
  }
  pml4[0] = reinterpret_cast<std::uint64_t>(pdpt) | kTable;
}
}

namespace eptdiff::image {
namespace {

std::uint64_t say = 0;
char pending[1 << 16];
std::size_t pending_bytes = 0;

}  // namespace

void UseFirmware(const EfiHandoff& handoff) { say = handoff.say; }

bool HasFirmware() { return say != 0; }

void SayToFirmware(FirmwareSay kind, std::string_view text) {
  if (say == 0) return;
  if (kind != kSayToFile) {
    return CallFirmware(say, kind, text.data(), text.size());
  }
  while (!text.empty()) {
    const std::size_t bytes =
        std::min(text.size(), sizeof pending - pending_bytes);
    std::memcpy(pending + pending_bytes, text.data(), bytes);
    pending_bytes += bytes;
    text.remove_prefix(bytes);
    if (pending_bytes == sizeof pending) FlushToFirmware();
  }
}

void FlushToFirmware() {
  if (pending_bytes == 0) return;
  CallFirmware(say, kSayToFile, pending, pending_bytes);
  pending_bytes = 0;
}

void ReturnToFirmware(std::uint64_t status) {
  FlushToFirmware();
  LeaveToFirmware(status);
}

}  // namespace eptdiff::image
