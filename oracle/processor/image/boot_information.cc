#include "oracle/processor/image/boot_information.h"

#include <algorithm>
#include <cstring>

#include "oracle/processor/image/efi_handoff.h"

// image.ld
extern "C" const char image_begin[], image_constant_end[], image_end[];

namespace eptdiff::image {
namespace {

constexpr std::uint64_t k4Gb = std::uint64_t{1} << 32;
constexpr std::uint32_t kRam = 1;  // in all three protocols

template <typename T>
T At(std::uint64_t address, std::uint64_t offset = 0) {
  T value;
  std::memcpy(&value, reinterpret_cast<const void*>(address + offset),
              sizeof(T));
  return value;
}

std::string_view StringAt(std::uint64_t address) {
  return address == 0 ? std::string_view()
                      : reinterpret_cast<const char*>(address);
}

void AddMemory(BootInformation& boot, std::uint64_t first, std::uint64_t bytes,
               std::uint32_t type) {
  if (type != kRam || first >= k4Gb || boot.memory.full()) return;
  boot.memory.push_back({first, std::min(bytes, k4Gb - first)});
}

void UseModule(BootInformation& boot, std::uint64_t first, std::uint64_t end) {
  if (!boot.module.empty() || first >= end || end > k4Gb) return;
  boot.module = {reinterpret_cast<const std::uint8_t*>(first), end - first};
}

// Multiboot 1 and 2 tell of the screen alike.
void UseScreenAt(std::uint32_t words, BootInformation& boot) {
  constexpr std::uint8_t kColours = 1, kText = 2;
  const auto type = At<std::uint8_t>(words, 21);
  Framebuffer f;
  f.pitch = At<std::uint32_t>(words, 8);
  f.width = At<std::uint32_t>(words, 12);
  f.height = At<std::uint32_t>(words, 16);
  f.bytes = (At<std::uint8_t>(words, 20) + 7u) / 8;
  boot.has_text_screen = type == kText;
  if (type != kColours) return;
  boot.framebuffer_at = At<std::uint64_t>(words);
  boot.framebuffer = f;
}

void ReadMultiboot1(std::uint32_t words, BootInformation& boot) {
  const auto has = [flags = At<std::uint32_t>(words)](int bit) {
    return (flags >> bit & 1) != 0;
  };
  boot.loader = "multiboot";
  if (has(9)) boot.loader = StringAt(At<std::uint32_t>(words, 64));
  if (has(2)) boot.command_line = StringAt(At<std::uint32_t>(words, 16));
  if (has(3) && At<std::uint32_t>(words, 20) > 0) {
    const std::uint32_t module = At<std::uint32_t>(words, 24);
    UseModule(boot, At<std::uint32_t>(module), At<std::uint32_t>(module, 4));
  }
  if (has(6)) {
    const std::uint32_t map = At<std::uint32_t>(words, 48);
    const std::uint32_t end = map + At<std::uint32_t>(words, 44);
    for (std::uint32_t entry = map; entry < end;
         entry += At<std::uint32_t>(entry) + 4) {
      AddMemory(boot, At<std::uint64_t>(entry, 4), At<std::uint64_t>(entry, 12),
                At<std::uint32_t>(entry, 20));
    }
  } else if (has(0)) {
    AddMemory(boot, 0x100000, std::uint64_t{At<std::uint32_t>(words, 8)} << 10,
              kRam);
  }
  // Without a word about it, it is as the BIOS leaves it.
  boot.has_text_screen = true;
  if (has(12)) UseScreenAt(words + 88, boot);
}

void ReadMultiboot2(std::uint32_t words, BootInformation& boot) {
  const std::uint32_t end = words + At<std::uint32_t>(words);
  std::uint32_t tag = words + 8;
  while (tag < end && At<std::uint32_t>(tag) != 0) {
    const std::uint32_t bytes = At<std::uint32_t>(tag, 4);
    switch (At<std::uint32_t>(tag)) {
      case 1:
        boot.command_line = StringAt(tag + 8);
        break;
      case 2:
        boot.loader = StringAt(tag + 8);
        break;
      case 3:
        UseModule(boot, At<std::uint32_t>(tag, 8), At<std::uint32_t>(tag, 12));
        break;
      case 6: {
        const std::uint32_t entry_bytes = At<std::uint32_t>(tag, 8);
        for (std::uint32_t entry = tag + 16; entry < tag + bytes;
             entry += entry_bytes) {
          AddMemory(boot, At<std::uint64_t>(entry), At<std::uint64_t>(entry, 8),
                    At<std::uint32_t>(entry, 16));
        }
        break;
      }
      case 8:
        UseScreenAt(tag + 8, boot);
        break;
      default:
        break;
    }
    tag += (bytes + 7) & ~7u;
  }
}

void ReadPvh(std::uint32_t words, BootInformation& boot) {
  boot.loader = "PVH";
  boot.command_line = StringAt(At<std::uint64_t>(words, 24));
  if (At<std::uint32_t>(words, 12) > 0) {
    const std::uint64_t module = At<std::uint64_t>(words, 16);
    const std::uint64_t first = At<std::uint64_t>(module);
    UseModule(boot, first, first + At<std::uint64_t>(module, 8));
  }
  const bool has_map = At<std::uint32_t>(words, 4) >= 1;
  const std::uint32_t entries = has_map ? At<std::uint32_t>(words, 48) : 0;
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::uint64_t entry = At<std::uint64_t>(words, 40) + 24 * i;
    AddMemory(boot, At<std::uint64_t>(entry), At<std::uint64_t>(entry, 8),
              At<std::uint32_t>(entry, 16));
  }
}

void ReadEfi(std::uint32_t words, BootInformation& boot) {
  const auto handoff = At<EfiHandoff>(words);
  boot.loader = "UEFI";
  boot.command_line = {reinterpret_cast<const char*>(handoff.words.first),
                       static_cast<std::size_t>(handoff.words.bytes)};
  UseModule(boot, handoff.module.first,
            handoff.module.first + handoff.module.bytes);
  for (std::uint64_t i = 0; i < handoff.memory_count; ++i) {
    AddMemory(boot, handoff.memory[i].first, handoff.memory[i].bytes, kRam);
  }
}

constexpr std::uint64_t Up(std::uint64_t address, std::uint64_t alignment) {
  return (address + alignment - 1) / alignment * alignment;
}

}  // namespace

BootInformation ReadBootInformation(std::uint32_t magic, std::uint32_t words) {
  constexpr std::uint32_t kMultiboot1 = 0x2badb002, kMultiboot2 = 0x36d76289,
                          kPvh = 0x336ec578;
  BootInformation boot;
  if (magic == kMultiboot1) {
    ReadMultiboot1(words, boot);
  } else if (magic == kMultiboot2) {
    ReadMultiboot2(words, boot);
  } else if (magic == kEfiMagic) {
    ReadEfi(words, boot);
  } else if (At<std::uint32_t>(words) == kPvh) {
    ReadPvh(words, boot);
  }
  return boot;
}

FixedVector<Range, kMaxRanges> FreeMemory(const BootInformation& boot,
                                          std::uint64_t alignment) {
  // What lies in RAM and is in use. The loader's own words are read by then.
  const std::uint64_t image_first =
      reinterpret_cast<std::uint64_t>(image_begin);
  const Range taken[] = {
      {0, 0x100000},
      {image_first, reinterpret_cast<std::uint64_t>(image_end) - image_first},
      {reinterpret_cast<std::uint64_t>(boot.module.data()), boot.module.size()},
      {reinterpret_cast<std::uint64_t>(boot.command_line.data()),
       boot.command_line.size()},
  };
  FixedVector<Range, kMaxRanges> free;
  for (const Range& ram : boot.memory) {
    // From the lowest free byte to the next that is taken, and so on.
    std::uint64_t first = ram.first;
    while (first < ram.end()) {
      std::uint64_t end = ram.end();
      bool moved = false;
      for (const Range& t : taken) {
        if (t.bytes == 0) continue;
        if (t.first <= first && first < t.end()) {
          first = t.end();
          moved = true;
        } else if (t.first > first) {
          end = std::min(end, t.first);
        }
      }
      if (moved) continue;
      const std::uint64_t low = Up(first, alignment);
      const std::uint64_t high = end / alignment * alignment;
      if (low < high && !free.full()) free.push_back({low, high - low});
      first = end;
    }
  }
  return free;
}

std::uint64_t SumOfProgram() {
  // FNV-1a, of words.
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const char* at = image_begin; at + 8 <= image_constant_end; at += 8) {
    sum = (sum ^ At<std::uint64_t>(reinterpret_cast<std::uint64_t>(at))) *
          0x100000001b3;
  }
  return sum;
}

}  // namespace eptdiff::image
