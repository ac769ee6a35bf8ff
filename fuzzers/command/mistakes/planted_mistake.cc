#include "fuzzers/command/mistakes/planted_mistake.h"

#include <bit>
#include <cstddef>
#include <iterator>
#include <map>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/mistakes/planting.h"
#include "fuzzers/entries/random.h"
#include "oracle/judgement/judge.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kAddress = 0x000ffffffffff000;

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

void DrawName(Random& random, PlantedMistake& mistake) {
  const auto& sites = NamedSites();
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
      mistake.other = kTakenForOne;
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
      : mistake.other == kTakenForOne
          ? "1"
          : absl::StrCat("bit ", std::countr_zero(mistake.other)));
  mistake.names = {BitPattern(mistake.bit)};
}

void DrawMachine(Random& random, PlantedMistake& mistake) {
  mistake.word = random.Below(MachineWords().size());
  const MachineWord& word = MachineWords()[mistake.word];
  const unsigned bit = word.bits[random.Below(word.bits.size())];
  mistake.bit = 1ull << bit;
  mistake.other = random.OneIn(2) ? 0 : kTakenForOne;
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
      const std::uint64_t others[] = {0, kTakenForOne,
                                      1ull << random.Below(12)};
      mistake.other = random.Pick(others);
      mistake.words = absl::StrCat("bit ", bit, " of the qualification is ",
                                   mistake.other == 0              ? "0"
                                   : mistake.other == kTakenForOne ? "1"
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
      mistake.bit = random.OneIn(2) ? kTakenForOne : 0xffff000000000000;
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
    case Kind::kKept:
    case Kind::kAfterInvalidation:
      break;
  }
  mistake.when = DrawCondition(random, mistake.kind == Kind::kMachine);
  NameCondition(mistake);
  return mistake;
}

}  // namespace eptdiff
