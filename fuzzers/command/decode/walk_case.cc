#include "fuzzers/command/decode/walk_case.h"

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"

namespace eptdiff {
namespace {

// Whatever a processor may have, unless it is said.
constexpr std::uint64_t kAllCapabilities = 0xf0106f341c1;

std::string LevelName(int level) {
  EntryRead entry;
  entry.level = static_cast<std::uint8_t>(level);
  return EntryNameWords(entry);
}

}  // namespace

Case CaseUnder(std::uint64_t eptp, const DecodeContext& context) {
  Case c;
  c.processor.maxphyaddr = static_cast<std::uint8_t>(context.maxphyaddr);
  c.processor.ept_vpid_cap = context.capabilities.value_or(kAllCapabilities);
  c.controls.primary = 1u << 31;
  c.controls.secondary = 1u << 1 | (context.mbec ? 1u << 22 : 0);
  c.controls.eptp = eptp;
  c.guest.cr0 = 0x80000031;
  c.guest.cr4 = 0x2020;
  c.guest.efer = 0xd00;
  c.guest.rflags = 2;
  c.guest.cs_l = true;
  return c;
}

absl::StatusOr<Case> WalkCase(std::uint64_t eptp, std::uint64_t gpa,
                              const std::vector<std::uint64_t>& entries,
                              const Access& access, const GuestPage& page,
                              const DecodeContext& context) {
  Case c = CaseUnder(eptp, context);
  const std::uint64_t present = 7 | (context.mbec ? 1u << 10 : 0);
  std::uint64_t table = eptp & Mask(51, 12);
  std::size_t next = 0;
  for (int level = static_cast<int>(eptp >> 3 & 7) + 1; level >= 1; --level) {
    const std::uint64_t at = table + 8 * (gpa >> (12 + 9 * (level - 1)) & 511);
    if (next == entries.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the ", LevelName(level), " is missing: the word at ",
                       Hexadecimal(at), " of host-physical memory"));
    }
    const std::uint64_t entry = entries[next++];
    c.memory.push_back({Hpa{at}, entry});
    const bool leaf = level == 1 || (level <= 3 && Bit(entry, 7));
    if (leaf || (entry & present) == 0) break;
    table = entry & Mask(51, 12);
  }
  if (next < entries.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the walk ends with ", Hexadecimal(entries[next - 1]),
                     ": it does not come to ", Hexadecimal(entries[next])));
  }
  Step step;
  step.access = access;
  step.gpa = Gpa{gpa};
  step.page = page;
  c.steps.push_back(step);
  return c;
}

}  // namespace eptdiff
