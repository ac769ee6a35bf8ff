#include "fuzzers/command/words/cause_words.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/bit_names.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/condition_words.h"
#include "fuzzers/command/words/consequence_words.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/text/view.h"
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

std::string PresenceWords(const Cause& cause) {
  const Effect& effect = cause.effect;
  const std::uint64_t not_by = effect.mask & ~effect.value;
  std::vector<std::string> words;
  if (effect.value != 0) words.push_back("by " + BitsWords(effect.value));
  if (not_by != 0) words.push_back("not by " + BitsWords(not_by));
  return absl::StrCat("takes ", EntryWords(cause.when, effect.structure, false),
                      " for present ", absl::StrJoin(words, " and "));
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

std::string EffectWords(const Cause& cause) {
  const Effect& effect = cause.effect;
  switch (effect.kind) {
    case Effect::Kind::kTakes: {
      if (effect.word == Word::kEntry) {
        const auto names = BitsOfEntry(effect.structure);
        if (effect.part == Part::kPresence) return PresenceWords(cause);
        const char* root = effect.structure == Structure::kEpt ? "EPTP" : "CR3";
        return absl::StrCat(
            "takes ", BitsWords(effect.mask), NameOfBit(names, effect.mask),
            effect.part == Part::kAddress ? " of the address in " : " of ",
            effect.root ? absl::StrCat(root, " and of ") : "",
            EntryWords(cause.when, effect.structure, false), " for ",
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
      return absl::StrCat("takes ",
                          one_bit
                              ? std::string()
                              : absl::StrCat(BitsWords(effect.mask), " of "),
                          name.words, NameOfBit(name.bits, effect.mask),
                          " for ", effect.value == 0 ? "0" : "1");
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

// What it does, and when; `alone`: under no other condition.
std::string MistakeWords(const Cause& cause, bool alone) {
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
  std::string sentence = EffectWords(cause);
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

// The bits that it takes for what an entry is about, beside the SDM's.
std::string LearnedWords(const Effect& effect) {
  const std::uint64_t others = bits::kAddress & ~effect.mask;
  if (effect.kind != Effect::Kind::kTakes) return "";
  if (effect.value != 0 && effect.part != Part::kPresence) return "";
  switch (effect.part) {
    case Part::kWhole:
      return "";
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
  }
  return "";
}

}  // namespace

std::string CauseWords(const Cause& cause, std::span<const Cause> likewise) {
  std::string sentence = MistakeWords(cause, likewise.empty());
  for (const Cause& other : likewise) {
    absl::StrAppend(&sentence, "; and ", MistakeWords(other, false));
  }
  return absl::StrCat(sentence, ": ", ConsequenceWords(cause));
}

std::vector<std::string> ExperimentWords(const Cause& cause) {
  std::vector<std::string> lines;
  const std::string learned = LearnedWords(cause.effect);
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
