#include "fuzzers/command/words/condition_words.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/guest_words.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/text/view.h"
#include "oracle/bits_words.h"
#include "oracle/judgement/judge.h"

namespace eptdiff {
namespace {

constexpr WordName kWordNames[] = {
    {Word::kCapabilities, "IA32_VMX_EPT_VPID_CAP", kCapabilityBits},
    {Word::kMaxphyaddr, "MAXPHYADDR", {}},
    {Word::kKeyidBits, "the number of key-identifier bits", {}},
    {Word::kViolationVe, "support of #VE", {}},
    {Word::kPage1Gb, "support of 1-GByte guest pages", {}},
    {Word::kNx, "support of execute-disable", {}},
    {Word::kPse36, "support of PSE-36", {}},
    {Word::kPinBased, "the pin-based controls", kPinControlBits},
    {Word::kPrimary, "the primary controls", kPrimaryControlBits},
    {Word::kSecondary, "the secondary controls", kSecondaryControlBits},
    {Word::kTertiary, "the tertiary controls", kTertiaryControlBits},
    {Word::kVmFunctions, "the VM-function controls", {}},
    {Word::kExceptionBitmap, "the exception bitmap", {}},
    {Word::kEptp, "EPTP", kEptpBits},
    {Word::kPmlAddress, "the PML address", {}},
    {Word::kPmlIndex, "the PML index", {}},
    {Word::kSpptp, "SPPTP", {}},
    {Word::kVeAddress, "the #VE information address", {}},
    {Word::kEptpList, "the EPTP-list address", {}},
    {Word::kEptpIndex, "the EPTP index", {}},
    {Word::kHlatp, "HLATP", {}},
    {Word::kHlatPrefix, "the HLAT prefix size", {}},
    {Word::kVpid, "the VPID", {}},
    {Word::kEntryControls, "the VM-entry controls", {}},
    {Word::kExitControls, "the VM-exit controls", {}},
    {Word::kSecondaryExit, "the secondary VM-exit controls", {}},
    {Word::kApicAddress, "the APIC-access address", {}},
    {Word::kCr0, "CR0", kCr0Bits},
    {Word::kCr3, "CR3", {}},
    {Word::kCr4, "CR4", kCr4Bits},
    {Word::kEfer, "IA32_EFER", kEferBits},
    {Word::kPat, "IA32_PAT", {}},
    {Word::kRflags, "RFLAGS", kRflagsBits},
    {Word::kPkru, "PKRU", {}},
    {Word::kPkrs, "IA32_PKRS", {}},
    {Word::kPdpte0, "PDPTE0", {}},
    {Word::kPdpte1, "PDPTE1", {}},
    {Word::kPdpte2, "PDPTE2", {}},
    {Word::kPdpte3, "PDPTE3", {}},
    {Word::kCpl, "CPL", {}},
    {Word::kCsL, "CS.L", {}},
    {Word::kEventDelivery, "delivery of an event", {}},
    {Word::kNmiUnblocking, "NMI unblocking by IRET", {}},
    {Word::kTransactional, "a transactional region", {}},
    {Word::kBusyShadowStack, "a busy shadow stack", {}},
    {Word::kStepKind, "the kind of step", {}},
    {Word::kAccessKind, "the kind of access", {}},
    {Word::kSize, "the size of the access", {}},
    {Word::kImplicit, "an implicit supervisor access", {}},
    {Word::kWruss, "WRUSS", {}},
    {Word::kAsynchronous, "an asynchronous access", {}},
    {Word::kGpa, "the guest-physical address", {}},
    {Word::kGla, "the linear address", {}},
    {Word::kGlaValid, "validity of the linear address", {}},
    {Word::kPageGla, "the linear address that was translated", {}},
    {Word::kPageUser, "user mode of the guest's page", {}},
    {Word::kPageWritable, "writability of the guest's page", {}},
    {Word::kPageExecuteDisable, "execute-disable of the guest's page", {}},
    {Word::kPatIndex, "the PAT index of the guest's page", {}},
    {Word::kValue, "the value", {}},
    {Word::kIndex, "the index", {}},
    {Word::kInvalidation, "the kind of invalidation", {}},
    {Word::kInvalidationType, "its type", {}},
    {Word::kDescriptor0, "the first half of its descriptor", {}},
    {Word::kDescriptor1, "the second half of its descriptor", {}},
    {Word::kBeforeType, "the type of the invalidation before it", {}},
    {Word::kBeforeDescriptor0,
     "the first half of the descriptor of the invalidation before it",
     {}},
    {Word::kBeforeDescriptor1,
     "the second half of the descriptor of the invalidation before it",
     {}},
    {Word::kBefore, "the invalidation before it", {}},
    {Word::kGuestMode, "the mode of guest paging", {}},
    {Word::kEptLevels, "the levels of EPT", {}},
};

}  // namespace

const WordName& NamesOf(Word word) {
  return *std::find_if(std::begin(kWordNames), std::end(kWordNames),
                       [&](const WordName& name) { return name.word == word; });
}

std::string NameOfBit(std::span<const BitName> names, std::uint64_t mask) {
  if (!std::has_single_bit(mask)) return "";
  for (const BitName& name : names) {
    if (mask == std::uint64_t{1} << name.bit) {
      return absl::StrCat(" (", name.words, ")");
    }
  }
  return "";
}

std::span<const BitName> BitsOfEntry(Structure structure) {
  return structure == Structure::kGuest
             ? std::span<const BitName>(kGuestEntryBits)
             : std::span<const BitName>(kEptEntryBits);
}

namespace {

bool IsSet(std::uint64_t mask, unsigned number) { return mask >> number & 1; }

std::string Either(const std::vector<std::string>& words) {
  return absl::StrJoin(words, " or ");
}

// Of a set of numbers, from `least` to 63: "46 to 52", "1, 2 or 8".
std::string NumbersWords(std::uint64_t mask) {
  const int low = std::countr_zero(mask);
  const int high = 63 - std::countl_zero(mask);
  if (high > low + 1 && std::popcount(mask) == high - low + 1) {
    return absl::StrCat(low, " to ", high);
  }
  std::vector<std::string> words;
  for (unsigned i = 0; i < 64; ++i) {
    if (IsSet(mask, i)) words.push_back(absl::StrCat(i));
  }
  return Either(words);
}

// Of the values 0 to `last` of an enumeration, those in `mask`.
template <typename Kind>
std::string ChoicesWords(std::uint64_t mask, Kind last,
                         const char* (*words_of)(Kind)) {
  std::vector<std::string> words;
  for (unsigned i = 0; i <= static_cast<unsigned>(last); ++i) {
    if (IsSet(mask, i)) words.push_back(words_of(static_cast<Kind>(i)));
  }
  return Either(words);
}

const char* StepKindWords(StepKind kind) {
  switch (kind) {
    case StepKind::kGuestPhysicalAccess:
      return "an access by guest-physical address";
    case StepKind::kLinearAccess:
      return "an access by linear address";
    case StepKind::kPagingStructureRead:
      return "a read of a guest paging-structure entry";
    case StepKind::kPagingStructureUpdate:
      return "an update of a guest paging-structure entry";
    case StepKind::kPdpteLoad:
      return "a load of the PDPTE registers";
    case StepKind::kStore:
      return "a store";
    case StepKind::kEptpSwitch:
      return "an EPTP switch";
    case StepKind::kTableOperation:
      return "a table operation";
    case StepKind::kRegisterWrite:
      return "a write of a register";
    case StepKind::kVmEntry:
      return "VM entry";
    case StepKind::kInvalidation:
      return "an invalidation";
  }
  return "?";
}

constexpr AccessKind kLastAccess = AccessKind::kShadowStackReadModifyWrite;
constexpr InvalidationKind kLastInvalidation = InvalidationKind::kInvpcid;

}  // namespace

std::string AccessWords(std::uint64_t kind) {
  return kind <= static_cast<std::uint64_t>(kLastAccess)
             ? absl::StrCat("a ",
                            AccessKindWords(static_cast<AccessKind>(kind)))
             : absl::StrCat(kind);
}

std::string EntryWords(const std::vector<Atom>& when,
                       std::optional<Structure> structure, bool definite) {
  std::uint64_t levels = 0;
  std::uint64_t roles = 0;
  std::uint64_t access = 0;
  for (const Atom& atom : when) {
    if (atom.of != Atom::Of::kItself) continue;
    if (atom.word == Word::kEntryLevel) levels = atom.mask;
    if (atom.word == Word::kEntryRole) roles = atom.mask;
    if (atom.word == Word::kEntryFor) access = atom.mask;
    if (atom.word == Word::kEntryStructure) {
      structure = static_cast<Structure>(std::countr_zero(atom.mask));
    }
  }
  const char* owner = structure == Structure::kEpt     ? "EPT "
                      : structure == Structure::kGuest ? "guest "
                      : structure == Structure::kSpp   ? "SPP "
                                                       : "";
  std::vector<std::string> names;
  for (unsigned level = 5; level >= 1; --level) {
    if (!IsSet(levels, level)) continue;
    names.push_back(structure == Structure::kSpp
                        ? absl::StrCat("entry of level ", level)
                        : std::string(NameOfLevel(level)));
  }
  std::string words = names.empty() || names.size() == 5
                          ? "paging-structure entry"
                          : Either(names);
  if (structure == Structure::kGuest || names.empty() || names.size() == 5) {
    words = absl::StrCat(owner, words);
  }
  const bool vowel = words.starts_with("EPT") || words.starts_with("SPP");
  words = absl::StrCat(definite ? "the " : vowel ? "an " : "a ", words);
  if (roles == 1u << static_cast<unsigned>(EntryRole::kPage)) {
    words += levels == 1u << 2   ? " that maps 2 MBytes"
             : levels == 1u << 3 ? " that maps 1 GByte"
                                 : " that maps a page";
  } else if (roles == 1u << static_cast<unsigned>(EntryRole::kTable)) {
    words += " that references a table";
  } else if (roles == 1u << static_cast<unsigned>(EntryRole::kNotPresent)) {
    words += " that is not present";
  }
  if (structure == Structure::kEpt && access != 0 && (access & 1) == 0) {
    words += " on the way to a guest paging-structure entry";
  }
  return words;
}

namespace {

std::string BitAtomWords(const Atom& atom, const std::string& of,
                         std::span<const BitName> names) {
  const std::string bits =
      absl::StrCat(BitsWords(atom.mask), of, NameOfBit(names, atom.mask));
  if (atom.value == atom.mask) {
    return absl::StrCat(bits,
                        std::has_single_bit(atom.mask) ? " is 1" : " are 1");
  }
  return absl::StrCat(bits, std::has_single_bit(atom.mask) ? " is " : " are ",
                      atom.value == 0 ? "0" : Hexadecimal(atom.value));
}

}  // namespace

std::string AtomWords(const Atom& atom) {
  if (atom.of == Atom::Of::kItself) {
    if (atom.word != Word::kEntry) return "";
    return absl::StrCat("its ", BitAtomWords(atom, "", kEptEntryBits));
  }
  if (atom.of == Atom::Of::kOnTheWay) {
    const bool guest = atom.structure == Structure::kGuest;
    const std::string of = absl::StrCat(
        " of the ", guest ? "guest " : "", View(NameOfLevel(atom.level)),
        atom.guest_level != 0 && !guest
            ? absl::StrCat(" on the way to the guest ",
                           View(NameOfLevel(atom.guest_level)))
            : "");
    return BitAtomWords(atom, of, BitsOfEntry(atom.structure));
  }
  switch (atom.word) {
    case Word::kAccessKind:
      return absl::StrCat(
          "the access is a ",
          ChoicesWords(atom.mask, kLastAccess, AccessKindWords));
    case Word::kGuestMode:
      return absl::StrCat(
          "the guest uses ",
          ChoicesWords(atom.mask, GuestPagingMode::kFiveLevel, PagingWords));
    case Word::kStepKind:
      return absl::StrCat(
          "the step is ",
          ChoicesWords(atom.mask, StepKind::kInvalidation, StepKindWords));
    case Word::kInvalidation:
      return absl::StrCat(
          "the step is ",
          ChoicesWords(atom.mask, kLastInvalidation, InstructionWords));
    case Word::kBefore: {
      const std::string kinds =
          ChoicesWords(atom.mask >> 1, kLastInvalidation, InstructionWords);
      if (kinds.empty()) return "no invalidation comes before it";
      return absl::StrCat(kinds, IsSet(atom.mask, 0) ? ", or nothing," : "",
                          " comes before it");
    }
    case Word::kEptLevels:
      return absl::StrCat("EPT has ", NumbersWords(atom.mask), " levels");
    case Word::kSize:
      return absl::StrCat("the access has ", NumbersWords(atom.mask), " bytes");
    default:
      break;
  }
  const WordName& name = NamesOf(atom.word);
  if (KindOf(atom.word) == WordKind::kNumber) {
    return absl::StrCat(name.words, " is ", NumbersWords(atom.mask));
  }
  const WordInfo& info = kQuestionWords[static_cast<std::size_t>(atom.word)];
  if (info.bits == 1) {
    return absl::StrCat(atom.value != 0 ? "with " : "without ", name.words);
  }
  return BitAtomWords(atom, absl::StrCat(" of ", name.words), name.bits);
}

}  // namespace eptdiff
