#include "fuzzers/command/words/guest_words.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/bit_names.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/entries/guest_mode.h"

namespace eptdiff {

const char* PagingWords(GuestPagingMode mode) {
  switch (mode) {
    case GuestPagingMode::kNone:
      return "no paging";
    case GuestPagingMode::k32Bit:
      return "32-bit paging";
    case GuestPagingMode::kPae:
      return "PAE paging";
    case GuestPagingMode::kFourLevel:
      return "4-level paging";
    case GuestPagingMode::kFiveLevel:
      return "5-level paging";
  }
  return "?";
}

namespace {

using Mode = GuestPagingMode;

// What the entry has to have clear (3A tables 4-4 to 4-20).
std::uint64_t Reserved(std::uint64_t entry, int level, Mode mode,
                       const Processor& processor, const GuestState& guest) {
  const int n = processor.maxphyaddr;
  const bool large = level > 1 && Bit(entry, 7);
  if (mode == Mode::k32Bit) {
    if (!large || !Bit(guest.cr4, 4)) return 0;
    const int m = !processor.pse36 ? 32 : n < 40 ? n : 40;
    return Mask(21, m - 19);
  }
  if (mode == Mode::kPae && level == 3) return 0;  // checked when loaded
  std::uint64_t reserved = Mask(mode == Mode::kPae ? 62 : 51, n);
  if (!Bit(guest.efer, 11)) reserved |= Mask(63, 63);
  if (level >= 4) reserved |= Mask(7, 7);
  if (large && level == 3) {
    reserved |= processor.page_1gb ? Mask(29, 13) : Mask(7, 7);
  }
  if (large && level == 2) reserved |= Mask(20, 13);
  return reserved;
}

// "a hardware exception (vector 14, error code 0x2)" (table 25-20).
std::string DeliveredEventWords(const GuestState& guest) {
  static constexpr const char* kTypes[] = {"an external interrupt",
                                           "an event of type 1",
                                           "an NMI",
                                           "a hardware exception",
                                           "a software interrupt",
                                           "a privileged software exception",
                                           "a software exception",
                                           "an event of type 7"};
  const std::uint32_t event = guest.delivered_event;
  return absl::StrCat(
      kTypes[event >> 8 & 7], " (vector ", event & 0xff,
      Bit(event, 11) ? absl::StrCat(", error code ",
                                    Hexadecimal(guest.delivered_error_code))
                     : "",
      ")");
}

const char* PageWords(Mode mode, int level) {
  if (level == 1) return "4-KByte page";
  if (level == 3) return "1-GByte page";
  return mode == Mode::k32Bit ? "4-MByte page" : "2-MByte page";
}

}  // namespace

std::string GuestWords(const GuestState& guest, const Controls& controls) {
  const Mode mode = GuestModeOf(guest);
  Words words = {absl::StrCat("CPL ", guest.cpl)};
  if (!Bit(guest.cr0, 0)) words.push_back("no protection");
  words.push_back(PagingWords(mode));
  if (mode != Mode::kNone) {
    words.push_back(absl::StrCat("CR3 ", Hexadecimal(guest.cr3)));
  }
  if (mode == Mode::kPae) {
    Words registers;
    for (const std::uint64_t pdpte : guest.pdpte) {
      registers.push_back(Hexadecimal(pdpte));
    }
    words.push_back(
        absl::StrCat("PDPTE registers ", absl::StrJoin(registers, " ")));
  }
  if (IsIa32e(mode) && Bit(controls.primary, 17) && Bit(controls.tertiary, 1)) {
    words.push_back(absl::StrCat("HLATP ", Hexadecimal(controls.hlatp),
                                 " with prefix size ",
                                 controls.hlat_prefix_size));
  }
  Append(words, guest.cr0, kCr0Bits, {16});
  Append(words, guest.cr0, {{30, "caches disabled (CR0.CD)"}});
  if (mode == Mode::k32Bit) Append(words, guest.cr4, kCr4Bits, {4});
  Append(words, guest.cr4, kCr4Bits, {20, 21, 23, 27});
  if (IsIa32e(mode)) {
    Append(words, guest.cr4, kCr4Bits, {28});
    Append(words, guest.cr3, {{61, "LAM_U57"}, {62, "LAM_U48"}});
    Append(words, guest.cr4, kCr4Bits, {17});
    if (Bit(guest.cr4, 22)) {
      words.push_back(absl::StrCat("PKRU ", Hexadecimal(guest.pkru)));
    }
    if (Bit(guest.cr4, 24)) {
      words.push_back(absl::StrCat("PKRS ", Hexadecimal(guest.pkrs)));
    }
  }
  Append(words, guest.efer, kEferBits, {11});
  Append(words, guest.efer, kEferBits, {10});
  if (guest.cs_l) words.push_back("CS.L");
  Append(words, guest.rflags, kRflagsBits);
  if (guest.event_delivery) {
    words.push_back(
        guest.delivered_event >> 31 == 0
            ? "delivering an event"
            : absl::StrCat("delivering ", DeliveredEventWords(guest)));
  }
  if (guest.nmi_unblocking) words.push_back("IRET unblocking NMIs");
  if (guest.transactional) words.push_back("in a transaction");
  if (guest.busy_shadow_stack) {
    words.push_back("pushing onto a shadow stack just marked busy");
  }
  if (guest.instruction_length != 0) {
    words.push_back(
        absl::StrCat("instruction of ", guest.instruction_length,
                     guest.instruction_length == 1 ? " byte" : " bytes"));
  }
  Append(words, guest.interruptibility,
         {{0, "blocking by STI"},
          {1, "blocking by MOV SS"},
          {2, "blocking by SMI"},
          {3, "blocking by NMI"},
          {4, "enclave interruption"}});
  if (guest.pending_debug != 0) {
    words.push_back(absl::StrCat("pending debug exceptions ",
                                 Hexadecimal(guest.pending_debug)));
  }
  return absl::StrJoin(words, ", ");
}

std::string GuestEntryWords(std::uint64_t entry, int level,
                            const Processor& processor, const GuestState& guest,
                            const Controls& controls) {
  const Mode mode = GuestModeOf(guest);
  if (!Bit(entry, 0)) return "not present";
  Words words;
  const bool controls_rights = mode != Mode::kPae || level < 3;
  const bool leaf = controls_rights &&
                    GuestMapsPage(guest, mode, level, entry) &&
                    !(level == 3 && !processor.page_1gb);
  if (controls_rights) {
    words.push_back(Bit(entry, 1) ? BitWords(kGuestEntryBits, 1) : "read-only");
    words.push_back(Bit(entry, 2) ? BitWords(kGuestEntryBits, 2)
                                  : "supervisor");
    if (mode != Mode::k32Bit && Bit(guest.efer, 11)) {
      Append(words, entry, kGuestEntryBits, {63});
    }
    Append(words, entry, kGuestEntryBits, {5});
  }
  if (leaf) {
    Append(words, entry, kGuestEntryBits, {6});
    if (Bit(guest.cr4, 23) && !Bit(entry, 1) && Bit(entry, 6)) {
      words.push_back("shadow-stack page");
    }
    const bool keys = Bit(guest.cr4, 22) || Bit(guest.cr4, 24);
    if (IsIa32e(mode) && keys) {
      words.push_back(absl::StrCat("protection key ", entry >> 59 & 15));
    }
    words.push_back(
        absl::StrCat(PageWords(mode, level), " at ",
                     Hexadecimal(GuestTarget(mode, level, entry, /*gla=*/0))));
    Append(words, entry, {{level == 1 ? 7 : 12, "PAT"}});
  } else {
    words.push_back(
        absl::StrCat("table at ", Hexadecimal(GuestNextTable(mode, entry))));
  }
  Append(words, entry, kGuestEntryBits, {4});
  Append(words, entry, kGuestEntryBits, {3});
  if (IsIa32e(mode) && Bit(controls.primary, 17) && Bit(controls.tertiary, 1)) {
    Append(words, entry, {{11, "HLAT restart"}});
  }
  const std::uint64_t reserved =
      entry & Reserved(entry, level, mode, processor, guest);
  if (reserved != 0) {
    words.push_back(ReservedBitsWords(reserved));
  }
  return absl::StrJoin(words, ", ");
}

std::string ErrorCodeWords(std::uint32_t error_code) {
  Words words;
  Append(words, error_code, kErrorCodeBits);
  return Joined(words, "no flag");
}

}  // namespace eptdiff
