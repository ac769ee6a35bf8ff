#include "fuzzers/command/words/cause_words.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/bit_names.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/condition_words.h"
#include "fuzzers/command/words/consequence_words.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/text/view.h"
#include "oracle/bits_words.h"
#include "oracle/judgement/judge.h"

namespace eptdiff {
namespace {

std::string ClassWords(const EventClass& event) {
  switch (event.kind) {
    case EventKind::kCompleted:
      return "completion";
    case EventKind::kVmExit:
      return ExitReasonWords(event.exit_reason);
    case EventKind::kVirtualizationException:
      return "#VE";
    case EventKind::kPageFault:
      return "#PF";
    case EventKind::kGeneralProtection:
      return "#GP";
    case EventKind::kVmEntryFailure:
      return "a VM entry that fails for its controls";
    case EventKind::kGuestStateFailure:
      return "a VM entry that fails for the guest's state";
    case EventKind::kGaveUp:
      return "no answer";
    case EventKind::kInvalidOpcode:
      return "#UD";
    case EventKind::kInvalidOperand:
      return "VMfailValid";
  }
  return "";
}

std::string FieldWords(const Effect& effect) {
  switch (effect.field) {
    case Field::kQualification:
      return absl::StrCat(
          "bit ", effect.index, " of the exit qualification",
          NameOfBit(kQualificationBits, std::uint64_t{1} << effect.index));
    case Field::kErrorCode:
      return absl::StrCat(
          "bit ", effect.index, " of the error code",
          NameOfBit(kErrorCodeBits, std::uint64_t{1} << effect.index));
    case Field::kMemory:
      return absl::StrCat("bit ", effect.index, " of a word of memory");
    case Field::kGpa:
      return "the guest-physical address of the exit";
    case Field::kGla:
      return "the guest-linear address of the exit";
    case Field::kAddress:
      return "the host-physical address";
    case Field::kPageSize:
      return "the size of the page";
    case Field::kMemoryType:
      return "the memory type";
    case Field::kStructureMemoryType:
      return "the memory type of the EPT paging structures";
    case Field::kPmlIndex:
      return "the PML index";
    default:
      return std::string(eptdiff::NameOf(effect.field));
  }
}

// What an entry is by a bit that it has: "allows writes".
struct UseName {
  Structure structure;
  std::uint64_t bit;
  const char* words;
};
constexpr UseName kUseNames[] = {
    {Structure::kEpt, bits::kRead, "allows reads"},
    {Structure::kEpt, bits::kWrite, "allows writes"},
    {Structure::kEpt, bits::kExecute, "allows fetches"},
    {Structure::kEpt, bits::kUserExecute, "allows user-mode fetches"},
    {Structure::kEpt, bits::kIgnorePat, "has the PAT ignored"},
    {Structure::kEpt, bits::kLeaf, "maps a page"},
    {Structure::kEpt, bits::kSubPage, "has sub-page write permissions"},
    {Structure::kEpt, bits::kSuppressVe, "suppresses #VE"},
    {Structure::kGuest, bits::kGuestPresent, "is present"},
    {Structure::kGuest, bits::kGuestWritable, "is writable"},
    {Structure::kGuest, bits::kGuestUser, "is of user mode"},
    {Structure::kGuest, bits::kGuestLarge, "maps a page"},
    {Structure::kGuest, bits::kGuestNoExecute, "disables fetches"},
};

// Of a bit; "" if it has no such name.
std::string UseWords(Structure structure, std::uint64_t bit) {
  for (const UseName& name : kUseNames) {
    if (name.structure == structure && name.bit == bit) return name.words;
  }
  return "";
}

// What an entry is taken for in one use.
std::string UseWords(const Effect& effect) {
  if (effect.part == Part::kPresence) return "is present";
  const char* where = "";
  if (effect.part == Part::kRight) where = ", and tells so,";
  if (effect.part == Part::kConfiguration) {
    where = ", where misconfigurations are judged,";
  }
  return UseWords(effect.structure, effect.from) + where;
}

// "by bit 4 and not by bit 2".
std::string ByWords(const Effect& effect) {
  const std::uint64_t not_by = effect.mask & ~effect.value;
  std::vector<std::string> words;
  if (effect.value != 0) words.push_back("by " + BitsWords(effect.value));
  if (not_by != 0) words.push_back("not by " + BitsWords(not_by));
  return absl::StrJoin(words, " and ");
}

// Where the index of a level is, in the address that is translated.
std::uint64_t IndexBits(std::uint64_t mask) {
  for (unsigned low = 12; low < 57; low += 9) {
    const std::uint64_t field = bits::Low(low + 9) & ~bits::Low(low);
    if ((mask & field) != 0) return field;
  }
  return 0;
}

std::string IndexWords(const Effect& effect) {
  const bool ept = effect.structure == Structure::kEpt;
  const std::uint64_t field = IndexBits(effect.mask);
  const auto level =
      static_cast<std::uint8_t>((std::countr_zero(field) - 12) / 9 + 1);
  return absl::StrCat("takes ", BitsWords(effect.mask), " of the guest-",
                      ept ? "physical" : "linear", " address for ",
                      effect.value == 0 ? "0" : "1", " in the index of ",
                      ept ? "an EPT " : "a guest ", View(NameOfLevel(level)));
}

std::string OneUseWords(const Cause& cause) {
  const Effect& effect = cause.effect;
  const std::string entry = EntryWords(cause.when, effect.structure, false);
  switch (effect.part) {
    case Part::kPresence:
      return absl::StrCat("takes ", entry, " for present ", ByWords(effect));
    case Part::kReserved:
      return absl::StrCat("takes ", BitsWords(effect.mask), " of ", entry,
                          " for reserved");
    case Part::kIndex:
      return IndexWords(effect);
    default:
      return absl::StrCat("takes ", entry, " for one that ", UseWords(effect),
                          " ", ByWords(effect));
  }
}

std::string GivenWords(Field field, std::uint64_t value) {
  switch (field) {
    case Field::kMemoryType:
    case Field::kStructureMemoryType:
      return MemoryTypeWords(value);
    case Field::kPageSize:
      return absl::StrCat("2^", value, " bytes");
    default:
      return value < 10 ? absl::StrCat(value) : Hexadecimal(value);
  }
}

// What the guest's own paging has in place of what EPT has.
const char* FirstDimensionWords(Field field) {
  switch (field) {
    case Field::kGpa:
      return "the guest-linear address";
    case Field::kGla:
      return "the guest-physical address";
    case Field::kPageSize:
      return "that of the guest's page";
    default:
      return "the guest's PAT has it";
  }
}

std::string PlaceWords(const Effect& effect) {
  switch (effect.place) {
    case WordPlace::kEptEntry:
      return "the flags of an EPT paging-structure entry";
    case WordPlace::kGuestEntry:
      return "the flags of a guest paging-structure entry";
    case WordPlace::kLog:
      return "the entry of the page-modification log";
    case WordPlace::kVeArea:
      return absl::StrCat("the word at offset ", 8 * effect.was,
                          " of the #VE information area");
    case WordPlace::kElse:
      break;
  }
  return "a word of memory";
}

// "8 bytes below".
std::string DistanceWords(std::uint64_t distance) {
  const bool below = distance >> 63 != 0;
  return absl::StrCat(below ? -distance : distance,
                      below ? " bytes below" : " bytes above");
}

// `both`: in both dimensions.
std::string EffectWords(const Cause& cause, bool both) {
  const Effect& effect = cause.effect;
  switch (effect.kind) {
    case Effect::Kind::kTakes: {
      if (effect.word == Word::kEntry) {
        const auto names = BitsOfEntry(effect.structure);
        if (IsOneUse(effect.part)) return OneUseWords(cause);
        const char* root = both ? "EPTP, of CR3"
                           : effect.structure == Structure::kEpt ? "EPTP"
                                                                 : "CR3";
        return absl::StrCat(
            "takes ", BitsWords(effect.mask), NameOfBit(names, effect.mask),
            effect.part == Part::kAddress ? " of the address in " : " of ",
            effect.root ? absl::StrCat(root, " and of ") : "",
            EntryWords(cause.when,
                       both ? std::nullopt : std::optional(effect.structure),
                       false),
            " for ",
            effect.from != 0    ? "its " + BitsWords(effect.from)
            : effect.value == 0 ? "0"
                                : "1",
            effect.part == Part::kBeyond ? " where they are beyond MAXPHYADDR"
                                         : "");
      }
      const WordName& name = NamesOf(effect.word);
      if (KindOf(effect.word) == WordKind::kNumber) {
        const std::string value = effect.word == Word::kAccessKind
                                      ? AccessWords(effect.value)
                                      : absl::StrCat(effect.value);
        return absl::StrCat("takes ", name.words, " for ", value);
      }
      const bool one_bit =
          kQuestionWords[static_cast<std::size_t>(effect.word)].bits == 1;
      return absl::StrCat(
          "takes ",
          one_bit ? std::string()
                  : absl::StrCat(BitsWords(effect.mask), " of "),
          name.words, NameOfBit(name.bits, effect.mask), " for ",
          effect.from != 0    ? "its " + BitsWords(effect.from)
          : effect.value == 0 ? "0"
                              : "1");
    }
    case Effect::Kind::kAltered: {
      const Rule rule = InfoOf(effect.alteration->slot).rule;
      return absl::StrCat(View(IdentifierOf(rule)), ": ",
                          View(effect.alteration->words));
    }
    case Effect::Kind::kAnswers:
      break;
  }
  if (effect.field <= Field::kExitReason) {
    return absl::StrCat("answers ", ClassWords(effect.given_event),
                        " where the SDM has ",
                        ClassWords(effect.expected_event));
  }
  switch (effect.form) {
    case Form::kConstant:
      return absl::StrCat("gives ", FieldWords(effect), " as ",
                          GivenWords(effect.field, effect.given));
    case Form::kInstead:
      return absl::StrCat("gives ", FieldWords(effect), " as ",
                          GivenWords(effect.field, effect.given),
                          " where the SDM has ",
                          GivenWords(effect.field, effect.was));
    case Form::kInverted:
      return absl::StrCat("inverts ", FieldWords(effect));
    case Form::kCleared:
      return absl::StrCat("gives ", FieldWords(effect), " without ",
                          BitsWords(effect.given));
    case Form::kOffset: {
      const bool less = effect.given >> 63 != 0;
      return absl::StrCat(
          "gives ", FieldWords(effect), " as ",
          GivenWords(Field::kAddress, less ? -effect.given : effect.given),
          less ? " less" : " more", " than it is");
    }
    case Form::kFlipped:
      return absl::StrCat("gives ", FieldWords(effect), " with ",
                          BitsWords(effect.given), " inverted");
    case Form::kFrame:
      return absl::StrCat("gives ", FieldWords(effect),
                          " as the number of its frame, shifted right by 12");
    case Form::kOfEntry:
      return absl::StrCat(
          "gives ", FieldWords(effect), " as the EPT ",
          View(NameOfLevel(static_cast<std::uint8_t>(effect.was))), " has it");
    case Form::kFirstDimension:
      return absl::StrCat("gives ", FieldWords(effect), " as ",
                          FirstDimensionWords(effect.field));
    case Form::kOtherPage:
      return absl::StrCat("gives ", FieldWords(effect), " of the ",
                          effect.index == 0 ? "first" : "second",
                          " page as that of the other page");
    case Form::kPrevious:
      return absl::StrCat(
          "gives ",
          effect.field == Field::kQualification ? "the exit qualification"
          : effect.field == Field::kErrorCode   ? "the error code"
                                                : FieldWords(effect),
          " as it was in the answer before");
    case Form::kMissing:
      return "does not write " + PlaceWords(effect);
    case Form::kMisplaced:
      return absl::StrCat("writes ", PlaceWords(effect), " ",
                          DistanceWords(effect.given), " its place");
    case Form::kDoubled:
      return absl::StrCat("writes ", PlaceWords(effect), " a second time, ",
                          DistanceWords(effect.given), " its place");
    case Form::kOther:
      return absl::StrCat("gives ", FieldWords(effect), " wrongly");
  }
  return "";
}

// What follows; "" where the effect says it.
std::string ConsequenceWords(const Cause& cause) {
  const auto event_of = [&](bool given, bool completes) {
    for (const auto& [expected, answered] : cause.events) {
      const EventClass& one = given ? answered : expected;
      const EventClass& other = given ? expected : answered;
      const bool done = other.kind == EventKind::kCompleted;
      if (done == completes) return ClassWords(one);
    }
    return std::string();
  };
  switch (cause.consequence) {
    case Consequence::kReaches:
      return absl::StrCat("an access completes that the SDM has end in ",
                          event_of(false, true));
    case Consequence::kRefuses:
      return absl::StrCat(event_of(true, true),
                          ", where the SDM has the access complete");
    case Consequence::kOtherEvent:
      for (const auto& [expected, given] : cause.events) {
        return absl::StrCat(ClassWords(given), ", where the SDM has ",
                            ClassWords(expected));
      }
      return "another event";
    default:
      return std::string(WordsOf(cause.consequence));
  }
}

// What it does, and when; `alone`: under no other condition; `both`: in both
// dimensions.
std::string MistakeWords(const Cause& cause, bool alone, bool both = false) {
  std::vector<std::string> conditions;
  const bool about_last =
      !IsOfEntries(cause.effect) &&
      std::any_of(cause.when.begin(), cause.when.end(), [](const Atom& atom) {
        return atom.of == Atom::Of::kItself;
      });
  if (about_last) {
    conditions.push_back(absl::StrCat(
        "the last entry is ", EntryWords(cause.when, Structure::kEpt, false)));
  }
  for (const Atom& atom : cause.when) {
    const std::string words = AtomWords(atom);
    if (!words.empty()) conditions.push_back(words);
  }
  const bool exact = cause.contradicted == 0;
  std::string sentence = EffectWords(cause, both);
  if (both) sentence += ", in EPT and in the guest's paging alike";
  if (!conditions.empty()) {
    absl::StrAppend(&sentence,
                    !exact  ? ", mostly if "
                    : alone ? ", if and only if "
                            : ", if ",
                    absl::StrJoin(conditions, " and "));
  } else if (!exact) {
    absl::StrAppend(&sentence, ", but not always");
  }
  return sentence;
}

// The numbers that a condition allows the entry itself; 0 if it says nothing.
std::uint64_t NumbersAtItself(const std::vector<Atom>& when, Word word) {
  for (const Atom& atom : when) {
    if (atom.of == Atom::Of::kItself && atom.word == word) return atom.mask;
  }
  return 0;
}

// Tables 29-1 to 29-7: the reserved bits below the address, of an EPT entry.
std::uint64_t ReservedBits(unsigned level, EntryRole role) {
  if (role != EntryRole::kPage) {
    return level >= 4 ? bits::Low(8) & ~bits::Low(3)
                      : bits::Low(7) & ~bits::Low(3);
  }
  return bits::Low(12 + 9 * (level - 1)) & ~bits::Low(12);
}

// Of bits that are taken for 0 and are reserved wherever the condition holds.
std::string UncheckedWords(const Cause& cause) {
  const Effect& effect = cause.effect;
  const std::uint64_t levels =
      NumbersAtItself(cause.when, Word::kEntryLevel) & bits::Low(6);
  const std::uint64_t roles = NumbersAtItself(cause.when, Word::kEntryRole);
  if (effect.value != 0 || effect.from != 0 || levels == 0) return "";
  std::uint64_t common = ~std::uint64_t{0};
  for (const EntryRole role : {EntryRole::kTable, EntryRole::kPage}) {
    if (roles != 0 && (roles & NumberSet(static_cast<unsigned>(role))) == 0) {
      continue;
    }
    for (unsigned level = 1; level <= 5; ++level) {
      const bool page = role == EntryRole::kPage;
      if ((levels & NumberSet(level)) == 0 || (page && level > 3) ||
          (!page && level == 1)) {
        continue;
      }
      common &= ReservedBits(level, role);
    }
  }
  if (common == 0 || (effect.mask & ~common) != 0) return "";
  const std::uint64_t checked = common & ~effect.mask;
  return absl::StrCat("as reserved it checks ",
                      checked == 0 ? "none of them" : BitsWords(checked),
                      "; by the SDM these are ", BitsWords(common),
                      ", beside those at or above MAXPHYADDR");
}

// The bits that it takes for what an entry is about, beside the SDM's.
std::string LearnedWords(const Cause& cause) {
  const Effect& effect = cause.effect;
  const std::uint64_t others = bits::kAddress & ~effect.mask;
  if (!IsOfEntries(effect)) return "";
  if (effect.value != 0 && !IsOneUse(effect.part) &&
      effect.part != Part::kWhole) {
    return "";
  }
  switch (effect.part) {
    case Part::kWhole: {
      const std::string use = UseWords(effect.structure, effect.mask);
      if (use.empty()) return UncheckedWords(cause);
      return absl::StrCat("an entry ", use, " ",
                          effect.from != 0    ? "by " + BitsWords(effect.from)
                          : effect.value == 0 ? "by no bit"
                                              : "whatever its bits are",
                          "; by the SDM it does so by ",
                          BitsWords(effect.mask));
    }
    case Part::kAddress:
      return absl::StrCat("as the address it takes ",
                          others == 0 ? "no bits" : BitsWords(others),
                          "; by the SDM these are bits 51:12 below MAXPHYADDR");
    case Part::kBeyond:
      return absl::StrCat("of those at or above MAXPHYADDR it checks ",
                          others == 0 ? "no bits" : BitsWords(others),
                          "; by the SDM these are bits 51:12");
    case Part::kPresence:
      return absl::StrCat("an entry is present by ",
                          BitsWords(PresenceBits(effect, false)),
                          "; by the SDM these are bits 2:0, and 10 with MBEC");
    case Part::kUse:
    case Part::kRight:
    case Part::kConfiguration: {
      const std::uint64_t by = UseBits(effect);
      return absl::StrCat("an entry ", UseWords(effect), " by ",
                          by == 0 ? "no bit" : BitsWords(by),
                          "; by the SDM it does so by ",
                          BitsWords(effect.from));
    }
    case Part::kReserved:
      return absl::StrCat("as reserved it takes ", BitsWords(effect.mask),
                          " as well; by the SDM these are ignored");
    case Part::kIndex: {
      const std::uint64_t field = IndexBits(effect.mask);
      return absl::StrCat(
          "as the index it takes ",
          field == effect.mask ? "no bits" : BitsWords(field & ~effect.mask),
          "; by the SDM these are ", BitsWords(field));
    }
  }
  return "";
}

}  // namespace

std::string CauseWords(const Cause& cause, std::span<const Cause> likewise) {
  // Of one use an entry of the guest goes by another name.
  const auto alike = [&](const Cause& other) {
    return !IsOneUse(cause.effect.part) &&
           AreAlikeInBothDimensions(cause, other);
  };
  const auto told = std::count_if(likewise.begin(), likewise.end(), alike);
  std::string sentence =
      MistakeWords(cause, static_cast<std::size_t>(told) == likewise.size(),
                   /*both=*/told != 0);
  for (const Cause& other : likewise) {
    if (alike(other)) continue;
    absl::StrAppend(&sentence, "; and ", MistakeWords(other, false));
  }
  return absl::StrCat(sentence, ": ", ConsequenceWords(cause));
}

std::vector<std::string> ExperimentWords(const Cause& cause) {
  std::vector<std::string> lines;
  const std::string learned = LearnedWords(cause);
  if (!learned.empty()) lines.push_back(learned);
  lines.push_back(absl::StrCat(
      "it departs so in ", cause.explained, " of the answers, and agrees in ",
      cause.contradicted, " where this would have it depart"));
  for (std::size_t i = 0; i < cause.when.size(); ++i) {
    const std::string words = AtomWords(cause.when[i]);
    const std::string what =
        words.empty()
            ? EntryWords({cause.when[i]}, cause.effect.structure, false)
            : words;
    lines.push_back(
        absl::StrCat(i < cause.without.size() ? cause.without[i].agree : 0,
                     " answers agree, and ",
                     i < cause.without.size() ? cause.without[i].depart : 0,
                     " depart, for want of no more than: ", what));
  }
  return lines;
}

}  // namespace eptdiff
