#include "fuzzers/command/mistakes/planted_mistake.h"

#include <bit>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/generation/generator.h"
#include "oracle/judgement/judge.h"
#include "oracle/machine_state.h"
#include "oracle/target/eptdiff_target.h"
#include "oracle/target/profile/profile.h"
#include "oracle/target/session/direct_session.h"

extern "C" {
void eptdiff_planted_describe(eptdiff_profile* profile);
int eptdiff_planted_answer(const eptdiff_question* question,
                           const eptdiff_memory* memory,
                           eptdiff_answer* answer);
}

namespace eptdiff {
namespace {

constexpr std::uint64_t kAddress = 0x000ffffffffff000;
constexpr std::uint64_t kSet = ~std::uint64_t{0};

// A place where the walker names a bit.
struct Site {
  std::string name;
  std::string function;
  std::uint64_t bits = 0;
};

// What is planted, and where the walker is.
struct Planting {
  const PlantedMistake* mistake = nullptr;
  std::map<int, Site>* sites = nullptr;  // gathered while this is not null
  eptdiff_question question;
  const eptdiff_memory* memory = nullptr;
  unsigned level = 0;  // of the entry that was loaded last; 0: none yet
  std::uint64_t entry = 0;
  bool walking = false;  // what is loaded now are entries on the way
};
Planting planting;

bool IsPage(std::uint64_t entry, unsigned level) {
  return level == 1 || (level <= 3 && (entry & 0x80) != 0);
}

bool Holds(const PlantedCondition& when) {
  switch (when.kind) {
    case PlantedCondition::Kind::kAlways:
      return true;
    case PlantedCondition::Kind::kLevel:
      return planting.level == when.number;
    case PlantedCondition::Kind::kAccess:
      return planting.question.access == when.number;
    case PlantedCondition::Kind::kEntry:
      return planting.level != 0 && (planting.entry >> when.number & 1) != 0;
    case PlantedCondition::Kind::kControl:
      return (planting.question.secondary >> when.number & 1) != 0;
    case PlantedCondition::Kind::kPage:
      return planting.level != 0 && IsPage(planting.entry, planting.level);
  }
  return false;
}

std::uint64_t Changed(std::uint64_t value, const PlantedMistake& mistake) {
  const bool set = mistake.other == kSet ||
                   (mistake.other != 0 && (value & mistake.other) != 0);
  return set ? value | mistake.bit : value & ~mistake.bit;
}

bool Makes(PlantedMistake::Kind kind) {
  return planting.mistake != nullptr && planting.mistake->kind == kind;
}

std::uint64_t Load(void*, std::uint64_t address) {
  const eptdiff_memory& memory = *planting.memory;
  std::uint64_t value = memory.load(memory.context, address);
  if (!planting.walking) return value;
  const bool five = (planting.question.eptp >> 3 & 7) == 4;
  planting.level = planting.level == 0 ? (five ? 5 : 4) : planting.level - 1;
  planting.entry = value;
  if (Makes(PlantedMistake::Kind::kEntry)) {
    const PlantedMistake& mistake = *planting.mistake;
    if ((mistake.level == 0 || mistake.level == planting.level) &&
        Holds(mistake.when)) {
      value = Changed(value, mistake);
    }
  }
  return value;
}

void Store(void*, std::uint64_t address, std::uint64_t value) {
  const eptdiff_memory& memory = *planting.memory;
  memory.store(memory.context, address, value);
}

int CompareExchange(void*, std::uint64_t address, std::uint64_t expected,
                    std::uint64_t desired) {
  const eptdiff_memory& memory = *planting.memory;
  return memory.compare_exchange(memory.context, address, expected, desired);
}

// The machine's words that a mistake may be about.
struct MachineWord {
  const char* words;  // as a headline names it, a regular expression
  std::uint64_t (*get)(const eptdiff_question&);
  void (*set)(eptdiff_question&, std::uint64_t);
  std::vector<unsigned> bits;
};
#define EPTDIFF_MACHINE_WORD(words, member, ...)                               \
  {words, [](const eptdiff_question& q) -> std::uint64_t { return q.member; }, \
   [](eptdiff_question& q, std::uint64_t v) {                                  \
     q.member = static_cast<decltype(q.member)>(v);                            \
   },                                                                          \
   __VA_ARGS__}
const std::vector<MachineWord>& MachineWords() {
  static const auto& words = *new std::vector<MachineWord>{
      EPTDIFF_MACHINE_WORD("IA32_VMX_EPT_VPID_CAP", ept_vpid_cap,
                           {0, 16, 17, 22}),
      EPTDIFF_MACHINE_WORD("the primary controls", primary, {31}),
      EPTDIFF_MACHINE_WORD("the secondary controls", secondary, {17, 18, 22}),
      EPTDIFF_MACHINE_WORD("EPTP", eptp, {6}),
      EPTDIFF_MACHINE_WORD("CR0", cr0, {0, 30, 31}),
      EPTDIFF_MACHINE_WORD("CR4", cr4, {5}),
      EPTDIFF_MACHINE_WORD("IA32_EFER", efer, {11}),
  };
  return words;
}
#undef EPTDIFF_MACHINE_WORD

// Parts of an answer that a mistake may be about.
enum AnswerPart : unsigned {
  kQualificationBit,
  kGpaOffset,
  kGlaLost,
  kMemoryType,
  kPageShift,
  kReason,
  kPmlIndex,
  kAnswerParts,
};

void ChangeAnswer(const PlantedMistake& mistake, eptdiff_answer& answer) {
  const bool exits =
      answer.event == EPTDIFF_VM_EXIT || answer.event == EPTDIFF_VE;
  eptdiff_translation& translation = answer.translations[0];
  switch (mistake.word) {
    case kQualificationBit:
      if (exits && answer.exit_reason == 48) {
        answer.qualification = Changed(answer.qualification, mistake);
      }
      return;
    case kGpaOffset:
      if (exits) answer.gpa &= ~mistake.bit;
      return;
    case kGlaLost:
      if (exits) answer.gla &= ~mistake.bit;
      return;
    case kMemoryType:
      if (answer.event == EPTDIFF_COMPLETED &&
          translation.memory_type == mistake.bit) {
        translation.memory_type = static_cast<std::uint8_t>(mistake.other);
      }
      return;
    case kPageShift:
      if (answer.event == EPTDIFF_COMPLETED &&
          translation.page_shift == mistake.bit) {
        translation.page_shift = static_cast<std::uint8_t>(mistake.other);
      }
      return;
    case kReason:
      if (answer.event == EPTDIFF_VM_EXIT &&
          answer.exit_reason == mistake.bit) {
        answer.exit_reason = static_cast<std::uint16_t>(mistake.other);
      }
      return;
    case kPmlIndex:
      if (answer.pml_index != planting.question.pml_index) {
        answer.pml_index = static_cast<std::uint16_t>(
            planting.question.pml_index - mistake.bit);
      }
      return;
    default:
      return;
  }
}

void Describe(eptdiff_profile* profile) {
  eptdiff_planted_describe(profile);
  std::strcpy(profile->name, "planted");
}

int Answer(const eptdiff_question* question, const eptdiff_memory* memory,
           eptdiff_answer* answer) {
  planting.question = *question;
  planting.memory = memory;
  planting.level = 0;
  planting.entry = 0;
  planting.walking = true;
  eptdiff_question told = *question;
  if (Makes(PlantedMistake::Kind::kMachine) && Holds(planting.mistake->when)) {
    const MachineWord& word = MachineWords()[planting.mistake->word];
    word.set(told, Changed(word.get(told), *planting.mistake));
  }
  eptdiff_memory watched = *memory;
  watched.load = Load;
  watched.store = Store;
  watched.compare_exchange = CompareExchange;
  const int status = eptdiff_planted_answer(&told, &watched, answer);
  if (Makes(PlantedMistake::Kind::kAnswer) && Holds(planting.mistake->when)) {
    ChangeAnswer(*planting.mistake, *answer);
  }
  return status;
}

}  // namespace

// What is named at a site.
std::uint64_t BitsAt(int site, const char* name, const char* function,
                     std::uint64_t bits) {
  if (planting.sites != nullptr) {
    (*planting.sites)[site] = {name, function, bits};
  }
  // What these load is no entry on the way, or one again.
  for (const char* after :
       {"set_flags", "is_converted", "qualification", "exit_guest"}) {
    if (std::strcmp(function, after) == 0) planting.walking = false;
  }
  if (!Makes(PlantedMistake::Kind::kName) || planting.mistake->site != site ||
      !Holds(planting.mistake->when)) {
    return bits;
  }
  return planting.mistake->instead;
}

namespace {

// "bit 12" in a list of bits: alone, in a run, at either end.
std::string BitPattern(std::uint64_t bits, const std::string& of = "") {
  std::vector<std::string> words;
  for (unsigned b = 0; b < 64; ++b) {
    if ((bits >> b & 1) == 0) continue;
    words.push_back(absl::StrCat(b));
  }
  return absl::StrCat("@", absl::StrJoin(words, ","), "@", of);
}

std::string LevelPattern(unsigned level) {
  const char* sizes[] = {"", "4-KByte", "2 MBytes|2-MByte", "1 GByte|1-GByte",
                         "", ""};
  std::string pattern(NameOfLevel(static_cast<std::uint8_t>(level)));
  if (*sizes[level] != 0) absl::StrAppend(&pattern, "|", sizes[level]);
  return pattern;
}

PlantedCondition DrawCondition(Random& random, bool before_walk) {
  PlantedCondition when;
  if (random.OneIn(2)) return when;
  using Kind = PlantedCondition::Kind;
  const Kind kinds[] = {Kind::kAccess, Kind::kControl, Kind::kLevel,
                        Kind::kEntry, Kind::kPage};
  when.kind = kinds[random.Below(before_walk ? 2 : 5)];
  switch (when.kind) {
    case Kind::kLevel:
      when.number = 1 + random.Below(4);
      break;
    case Kind::kAccess: {
      const unsigned accesses[] = {EPTDIFF_READ, EPTDIFF_WRITE, EPTDIFF_FETCH};
      when.number = random.Pick(accesses);
      break;
    }
    case Kind::kEntry: {
      const unsigned bits[] = {0, 1, 2, 6, 8, 9, 10, 11, 52, 59, 62, 63};
      when.number = random.Pick(bits);
      break;
    }
    case Kind::kControl: {
      const unsigned bits[] = {17, 18, 22};
      when.number = random.Pick(bits);
      break;
    }
    default:
      break;
  }
  return when;
}

void NameCondition(PlantedMistake& mistake) {
  using Kind = PlantedCondition::Kind;
  const unsigned number = mistake.when.number;
  auto& names = mistake.condition_names;
  switch (mistake.when.kind) {
    case Kind::kAlways:
      return;
    case Kind::kLevel:
      names = {LevelPattern(number)};
      absl::StrAppend(
          &mistake.words, ", in ",
          std::string(NameOfLevel(static_cast<std::uint8_t>(number))), "s");
      return;
    case Kind::kAccess: {
      const char* kinds[] = {"read", "write", "read-modify-write", "fetch"};
      names = {kinds[number]};
      absl::StrAppend(&mistake.words, ", on a ", kinds[number]);
      return;
    }
    case Kind::kEntry:
      names = {BitPattern(std::uint64_t{1} << number)};
      absl::StrAppend(&mistake.words, ", where bit ", number,
                      " of the entry is 1");
      return;
    case Kind::kControl:
      names = {BitPattern(std::uint64_t{1} << number)};
      absl::StrAppend(&mistake.words, ", with bit ", number,
                      " of the secondary controls");
      return;
    case Kind::kPage:
      names = {"maps"};
      absl::StrAppend(&mistake.words, ", in an entry that maps a page");
      return;
  }
}

const std::map<int, Site>& Sites();

void DrawName(Random& random, PlantedMistake& mistake) {
  const auto& sites = Sites();
  auto it = sites.begin();
  std::advance(it, random.Below(sites.size()));
  const Site& site = it->second;
  mistake.site = it->first;
  const bool mask = !std::has_single_bit(site.bits);
  const bool capability = site.name.starts_with("CAP_");
  const bool control = site.name.starts_with("SECONDARY_");
  if (mask) {
    const unsigned low = 12 + random.Below(40);
    const std::uint64_t run = random.OneIn(2) ? std::uint64_t{1} << low
                                              : kAddress & ~((2ull << low) - 1);
    mistake.instead = random.OneIn(4)
                          ? site.bits | (1ull << (52 + random.Below(11)))
                          : site.bits & ~run;
  } else {
    switch (random.Below(4)) {
      case 0:
        mistake.instead = site.bits << (site.bits >> 31 == 0 ? 1 : 0);
        if (mistake.instead == site.bits) mistake.instead = site.bits >> 1;
        break;
      case 1:
        mistake.instead = 0;
        break;
      case 2:
        mistake.instead = site.bits | 1ull << random.Below(12);
        break;
      default:
        mistake.instead = 1ull << random.Below(12);
        break;
    }
  }
  const std::uint64_t changed = site.bits ^ mistake.instead;
  mistake.words = absl::StrCat(site.name, " in ", site.function, "() is 0x",
                               absl::Hex(mistake.instead));
  if (capability) {
    mistake.names = {BitPattern(site.bits, "IA32_VMX"), BitPattern(changed)};
  } else if (control) {
    // A rule that is about the control names it.
    const char* name = site.name == "SECONDARY_MBEC"  ? "MBEC"
                       : site.name == "SECONDARY_PML" ? "PML"
                                                      : "#VE";
    mistake.names = {BitPattern(site.bits, "secondary"), name};
  } else {
    const std::uint64_t either = mask ? changed : changed | site.bits;
    mistake.names = {BitPattern(either)};
    if (site.function == "qualification") {
      // Rights are three bits further up in it, and rules are named so.
      mistake.names.push_back(BitPattern(either << 3));
      mistake.names.push_back("QUAL-[3-6]");
    }
    if (mask) {
      mistake.names.push_back("address");
      if (site.function == "descend") mistake.names.push_back("EPTP");
    }
  }
}

void DrawEntry(Random& random, PlantedMistake& mistake) {
  const unsigned bits[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                           12, 13, 20, 21, 29, 32, 40, 45, 47, 50, 63};
  mistake.level = random.Below(5);
  mistake.bit = 1ull << random.Pick(bits);
  const unsigned others[] = {0, 1, 2, 8, 9, 10, 11, 52, 62};
  switch (random.Below(3)) {
    case 0:
      mistake.other = 0;
      break;
    case 1:
      mistake.other = kSet;
      break;
    default:
      do {
        mistake.other = 1ull << random.Pick(others);
      } while (mistake.other == mistake.bit);
      break;
  }
  mistake.words = absl::StrCat(
      "bit ", std::countr_zero(mistake.bit), " of ",
      mistake.level == 0
          ? "all entries"
          : std::string(NameOfLevel(static_cast<std::uint8_t>(mistake.level))),
      " is taken for ",
      mistake.other == 0 ? "0"
      : mistake.other == kSet
          ? "1"
          : absl::StrCat("bit ", std::countr_zero(mistake.other)));
  mistake.names = {BitPattern(mistake.bit)};
}

void DrawMachine(Random& random, PlantedMistake& mistake) {
  mistake.word = random.Below(MachineWords().size());
  const MachineWord& word = MachineWords()[mistake.word];
  const unsigned bit = word.bits[random.Below(word.bits.size())];
  mistake.bit = 1ull << bit;
  mistake.other = random.OneIn(2) ? 0 : kSet;
  mistake.words = absl::StrCat("bit ", bit, " of ", word.words,
                               " is taken for ", mistake.other == 0 ? 0 : 1);
  mistake.names = {BitPattern(mistake.bit, word.words)};
}

void DrawAnswer(Random& random, PlantedMistake& mistake) {
  mistake.word = random.Below(kAnswerParts);
  switch (mistake.word) {
    case kQualificationBit: {
      const unsigned bit = random.Below(12);
      mistake.bit = 1ull << bit;
      const std::uint64_t others[] = {0, kSet, 1ull << random.Below(12)};
      mistake.other = random.Pick(others);
      mistake.words = absl::StrCat("bit ", bit, " of the qualification is ",
                                   mistake.other == 0      ? "0"
                                   : mistake.other == kSet ? "1"
                                                           : "another");
      mistake.names = {BitPattern(mistake.bit, "qualification")};
      return;
    }
    case kGpaOffset:
      mistake.bit = random.OneIn(2) ? 0x7 : 0xfff000000000;
      mistake.words =
          absl::StrCat("the GPA without 0x", absl::Hex(mistake.bit));
      mistake.names = {"guest-physical address of the exit"};
      return;
    case kGlaLost:
      mistake.bit = random.OneIn(2) ? kSet : 0xffff000000000000;
      mistake.words =
          absl::StrCat("the GLA without 0x", absl::Hex(mistake.bit));
      mistake.names = {"guest-linear address of the exit"};
      return;
    case kMemoryType: {
      const std::uint64_t types[] = {0, 1, 4, 5, 6};
      mistake.bit = random.Pick(types);
      do {
        mistake.other = random.Pick(types);
      } while (mistake.other == mistake.bit);
      mistake.words =
          absl::StrCat("memory type ", mistake.bit, " becomes ", mistake.other);
      mistake.names = {"memory type"};
      return;
    }
    case kPageShift: {
      const std::uint64_t shifts[] = {12, 21, 30};
      mistake.bit = random.Pick(shifts);
      do {
        mistake.other = random.Pick(shifts);
      } while (mistake.other == mistake.bit);
      mistake.words = absl::StrCat("a page of 2^", mistake.bit,
                                   " bytes is called one of 2^", mistake.other);
      mistake.names = {"size of the page"};
      return;
    }
    case kReason:
      mistake.bit = random.OneIn(2) ? 48 : 49;
      mistake.other = mistake.bit == 48 ? 49 : 48;
      mistake.words =
          absl::StrCat("exit reason ", mistake.bit, " becomes ", mistake.other);
      mistake.names = {
          "answers EPT (violation|misconfiguration) where the SDM has EPT"};
      return;
    default:
      mistake.bit = random.OneIn(2) ? 0 : 2;
      mistake.words = absl::StrCat("the PML index goes down by ", mistake.bit);
      mistake.names = {"PML index"};
      return;
  }
}

// Those that some of many questions comes by.
const std::map<int, Site>& Sites() {
  constexpr std::uint64_t kQuestions = 3000;
  static const std::map<int, Site>& sites = *[] {
    auto* found = new std::map<int, Site>;
    planting.sites = found;
    const auto walker = PlantedWalker(nullptr);
    MachineState state;
    Reply reply;
    Case c;
    for (std::uint64_t seed = 0; seed < kQuestions; ++seed) {
      GenerateCase(seed, c, Focus::kEpt);
      if (!FitTo(walker->profile(), c) || c.steps.empty()) continue;
      state.Load(c);
      state.Begin(c.steps[0]);
      if (c.steps[0].kind == StepKind::kStore) continue;
      walker->Enter(state, reply);
      walker->Perform(state, c.steps[0], reply);
    }
    planting.sites = nullptr;
    return found;
  }();
  return sites;
}

}  // namespace

PlantedMistake DrawMistake(std::uint64_t number) {
  Random random(number);
  PlantedMistake mistake;
  using Kind = PlantedMistake::Kind;
  const Kind kinds[] = {Kind::kName,  Kind::kName,    Kind::kEntry,
                        Kind::kEntry, Kind::kMachine, Kind::kAnswer};
  mistake.kind = random.Pick(kinds);
  switch (mistake.kind) {
    case Kind::kName:
      DrawName(random, mistake);
      break;
    case Kind::kEntry:
      DrawEntry(random, mistake);
      break;
    case Kind::kMachine:
      DrawMachine(random, mistake);
      break;
    case Kind::kAnswer:
      DrawAnswer(random, mistake);
      break;
  }
  mistake.when = DrawCondition(random, mistake.kind == Kind::kMachine);
  NameCondition(mistake);
  return mistake;
}

std::unique_ptr<TargetSession> PlantedWalker(const PlantedMistake* mistake) {
  planting.mistake = mistake;
  return std::make_unique<DirectSession>(
      TargetFunctions{.describe = Describe, .answer = Answer, .enter = nullptr},
      [] { std::abort(); });
}

}  // namespace eptdiff

extern "C" std::uint64_t eptdiff_planted_bits(int site, const char* name,
                                              const char* function,
                                              std::uint64_t bits) {
  return eptdiff::BitsAt(site, name, function, bits);
}
