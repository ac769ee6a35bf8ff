#include "fuzzers/command/words/bit_words.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/bit_names.h"
#include "fuzzers/command/words/guest_words.h"
#include "fuzzers/command/words/word_list.h"

namespace eptdiff {
namespace {

// The secondary controls count only if primary bit 31 is 1, the tertiary ones
// only if bit 17 is (25.6.2).
bool Secondary(const Controls& controls, int bit) {
  return Bit(controls.primary, 31) && Bit(controls.secondary, bit);
}
bool Tertiary(const Controls& controls, int bit) {
  return Bit(controls.primary, 17) && Bit(controls.tertiary, bit);
}

// The bits that an entry of this level must have clear (tables 29-1 to 29-7).
std::uint64_t ReservedBits(int level, bool leaf, int maxphyaddr) {
  std::uint64_t reserved = Mask(51, maxphyaddr);
  if (level >= 4) return reserved | Mask(7, 3);
  if (!leaf) return reserved | Mask(6, 3);
  if (level == 3) return reserved | Mask(29, 12);
  if (level == 2) return reserved | Mask(20, 12);
  return reserved;
}

Words RightsIn(std::uint64_t value, bool mbec) {
  Words words;
  Append(words, value, kEptEntryBits, {0, 1});
  if (mbec) {
    Append(words, value, {{2, "supervisor execute"}});
    Append(words, value, kEptEntryBits, {10});
  } else {
    Append(words, value, kEptEntryBits, {2});
  }
  return words;
}

std::string EptEntryWords(std::uint64_t value, int level,
                          const Processor& processor,
                          const Controls& controls) {
  const bool mbec = Secondary(controls, 22);
  const bool present = (value & 7) != 0 || (mbec && Bit(value, 10));
  const bool leaf = level == 1 || (level <= 3 && Bit(value, 7));
  Words words = RightsIn(value, mbec);
  if (!present) words.push_back("not present");
  if (present && leaf) {
    const char* const kPages[] = {"", "4-KByte", "2-MByte", "1-GByte"};
    const int low = 12 + 9 * (level - 1);
    words.push_back(absl::StrCat(kPages[level], " page at ",
                                 Hexadecimal(value & Mask(51, low))));
    words.push_back(LeafTypeWords(value >> 3 & 15));
  } else if (present) {
    words.push_back(
        absl::StrCat("table at ", Hexadecimal(value & Mask(51, 12))));
  }
  if (Bit(controls.eptp, 6) && present) {
    Append(words, value, kEptEntryBits, {8});
    if (leaf) Append(words, value, kEptEntryBits, {9});
  }
  if (present && leaf) {
    if (Tertiary(controls, 2) && Tertiary(controls, 3)) {
      Append(words, value, kEptEntryBits, {57});
    }
    if (Tertiary(controls, 2)) Append(words, value, kEptEntryBits, {58});
    if (Bit(controls.eptp, 7)) Append(words, value, kEptEntryBits, {60});
    if (Secondary(controls, 23) && level == 1) {
      Append(words, value, kEptEntryBits, {61});
    }
  }
  if (Secondary(controls, 18) && (leaf || !present)) {
    Append(words, value, kEptEntryBits, {63});
  }
  const std::uint64_t reserved =
      value &
      ReservedBits(level, leaf,
                   std::max(32, processor.maxphyaddr - processor.keyid_bits));
  if (present && reserved != 0) {
    words.push_back(ReservedBitsWords(reserved));
  }
  return Joined(words, "0");
}

std::string SppEntryWords(std::uint64_t value, int level) {
  if (level == 1) {
    return absl::StrCat("writable sub-pages (even bits): ",
                        value == 0 ? "none" : BitNumbers(value));
  }
  if (!Bit(value, 0)) return "not valid";
  return absl::StrCat("valid, table at ", Hexadecimal(value & Mask(51, 12)));
}

}  // namespace

std::string BitNumbers(std::uint64_t value) {
  std::vector<int> bits;
  for (int bit = 0; bit < 64; ++bit) {
    if (Bit(value, bit)) bits.push_back(bit);
  }
  return absl::StrJoin(bits, ", ");
}

std::string ReservedBitsWords(std::uint64_t bits) {
  return absl::StrCat("reserved bits set: ", BitNumbers(bits));
}

std::string Hexadecimal(std::uint64_t value) {
  return absl::StrFormat("0x%x", value);
}

std::string MemoryTypeWords(std::uint64_t encoding) {
  switch (static_cast<MemoryType>(encoding)) {
    case MemoryType::kUncacheable:
      return "UC";
    case MemoryType::kWriteCombining:
      return "WC";
    case MemoryType::kWriteThrough:
      return "WT";
    case MemoryType::kWriteProtected:
      return "WP";
    case MemoryType::kWriteBack:
      return "WB";
    case MemoryType::kUncacheableMinus:
      // In an EPT entry this encoding is as reserved as 2 and 3.
      break;
  }
  return absl::StrCat("memory type ", encoding);
}

std::string EptRightsWords(std::uint64_t rights, bool mbec) {
  return Joined(RightsIn(rights, mbec), "none");
}

std::string LeafTypeWords(std::uint64_t type) {
  Words words = {MemoryTypeWords(type & 7)};
  Append(words, type << 3, kEptEntryBits, {6});
  return absl::StrJoin(words, ", ");
}

std::string SizeWords(std::uint64_t bytes) {
  const char* const kUnits[] = {"byte", "KByte", "MByte", "GByte", "TByte"};
  int unit = 0;
  while (unit < 4 && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return absl::StrCat(bytes, " ", kUnits[unit], bytes == 1 ? "" : "s");
}

std::string ExitReasonWords(std::uint16_t reason) {
  switch (reason) {
    case 0:
      return "exception";
    case 44:
      return "APIC access";
    case 48:
      return "EPT violation";
    case 49:
      return "EPT misconfiguration";
    case 59:
      return "VMFUNC";
    case 62:
      return "page-modification log full";
    case 66:
      return "SPP-related event";
    default:
      return "unexpected";
  }
}

std::string QualificationWords(std::uint64_t value, std::uint64_t defined) {
  Words words;
  Append(words, value & defined, kQualificationBits);
  return Joined(words, "no bit set");
}

std::string CapabilityWords(std::uint64_t capabilities) {
  Words words;
  Append(words, capabilities, kCapabilityBits);
  return Joined(words, "none");
}

std::string EptpWords(std::uint64_t eptp) {
  Words words = {MemoryTypeWords(eptp & 7),
                 absl::StrCat((eptp >> 3 & 7) + 1, " levels")};
  Append(words, eptp, kEptpBits);
  words.push_back(absl::StrCat("tables at ", Hexadecimal(eptp & Mask(51, 12))));
  const std::uint64_t reserved = eptp & (Mask(11, 8) | Mask(63, 52));
  if (reserved != 0) {
    words.push_back(ReservedBitsWords(reserved));
  }
  return absl::StrJoin(words, ", ");
}

std::string ControlWords(const Controls& controls) {
  Words words;
  if (Bit(controls.primary, 31)) {
    Append(words, controls.secondary,
           {{1, "EPT"},
            {5, "VPID"},
            {7, "unrestricted guest"},
            {13, "VM functions"},
            {17, "PML"},
            {18, "EPT-violation #VE"},
            {22, "mode-based execute"},
            {23, "sub-page write permissions"}});
  }
  if (Bit(controls.primary, 17)) {
    Append(
        words, controls.tertiary,
        {{1, "HLAT"}, {2, "paging-write"}, {3, "guest-paging verification"}});
  }
  if (Secondary(controls, 13)) {
    Append(words, controls.vm_functions, {{0, "EPTP switching"}});
  }
  if (Bit(controls.pin_based, 3)) words.push_back("NMI exiting");
  if (Bit(controls.pin_based, 5)) words.push_back("virtual NMIs");
  if (Bit(controls.exception_bitmap, 20)) words.push_back("#VE intercepted");
  return Joined(words, "none");
}

std::string EntryNameWords(const EntryRead& entry) {
  const char* const kEpt[] = {"?", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"};
  switch (entry.structure) {
    case Structure::kEpt:
      return kEpt[entry.level <= 5 ? entry.level : 0];
    case Structure::kSpp:
      return entry.level == 1 ? "SPP vector"
                              : absl::StrCat("SPP L", entry.level, " entry");
    case Structure::kPdpte:
      return "guest PDPTE";
    case Structure::kEptpList:
      return "EPTP-list entry";
    case Structure::kGuest:
      return absl::StrCat("guest ", kEpt[entry.level <= 5 ? entry.level : 0]);
  }
  return "?";
}

std::string EntryWords(const EntryRead& entry, const Processor& processor,
                       const Controls& controls, const GuestState& guest) {
  switch (entry.structure) {
    case Structure::kEpt:
      return EptEntryWords(entry.value, entry.level, processor, controls);
    case Structure::kSpp:
      return SppEntryWords(entry.value, entry.level);
    case Structure::kPdpte:
      return Bit(entry.value, 0)
                 ? absl::StrCat("present, page directory at ",
                                Hexadecimal(entry.value & Mask(51, 12)))
                 : "not present";
    case Structure::kEptpList:
      return EptpWords(entry.value);
    case Structure::kGuest:
      return GuestEntryWords(entry.value, entry.level, processor, guest,
                             controls);
  }
  return "";
}

}  // namespace eptdiff
