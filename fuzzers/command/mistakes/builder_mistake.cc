#include "fuzzers/command/mistakes/builder_mistake.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/mistakes/planting.h"
#include "fuzzers/entries/random.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kAddress = 0x000ffffffffff000;

constexpr const char* kOperations[] = {
    "map",        "unmap",        "remap",          "protect", "split",
    "map-region", "unmap-region", "protect-region", "merge",   "clear-flags"};

// How a headline names a bit of a page's entry.
std::vector<std::string> BitNames(std::uint64_t bit) {
  const int number = std::countr_zero(bit);
  std::vector<std::string> names = {absl::StrCat("@", number, "@")};
  const auto also = [&](const char* name) { names.emplace_back(name); };
  if (number == 0) also("read permission");
  if (number == 1) also("write permission");
  if (number == 2 || number == 10) also("execute permission");
  if (number >= 3 && number <= 5) also("memory type");
  if (number == 6) also("ignore-PAT");
  if (number == 8) also("accessed");
  if (number == 9) also("dirty");
  return names;
}

void DrawBit(Random& random, BuilderMistake& mistake) {
  const unsigned bits[] = {0,  1,  2,  3,  4,  5,  6,  8,  9,  10, 11, 13,
                           21, 30, 31, 33, 39, 45, 47, 50, 52, 57, 62, 63};
  mistake.bit = std::uint64_t{1} << random.Pick(bits);
  const unsigned others[] = {0, 1, 2, 6, 8, 9, 10, 11, 52, 62};
  switch (random.Below(4)) {
    case 0:
    case 1:
      mistake.other = 0;
      break;
    case 2:
      mistake.other = kTakenForOne;
      break;
    default:
      do {
        mistake.other = std::uint64_t{1} << random.Pick(others);
      } while (mistake.other == mistake.bit);
      break;
  }
}

std::string BitWords(const BuilderMistake& mistake) {
  return absl::StrCat(
      "bit ", std::countr_zero(mistake.bit), " is ",
      mistake.other == 0 ? "0"
      : mistake.other == kTakenForOne
          ? "1"
          : absl::StrCat("that of bit ", std::countr_zero(mistake.other)));
}

void DrawWhat(Random& random, BuilderMistake& mistake) {
  using Kind = BuilderMistake::Kind;
  constexpr Kind kKinds[] = {
      Kind::kPage,  Kind::kPage,   Kind::kPage,    Kind::kTable,  Kind::kAsked,
      Kind::kAsked, Kind::kBytes,  Kind::kSkipped, Kind::kInvept, Kind::kInvept,
      Kind::kFrame, Kind::kResult, Kind::kRemoved};
  mistake.kind = random.Pick(kKinds);
  switch (mistake.kind) {
    case Kind::kPage:
    case Kind::kTable: {
      DrawBit(random, mistake);
      const bool page = mistake.kind == Kind::kPage;
      mistake.words = absl::StrCat(BitWords(mistake), " in entries of ",
                                   page ? "pages" : "tables");
      mistake.names = BitNames(mistake.bit);
      if (!page) {
        mistake.names.insert(mistake.names.end(),
                             {"ignored bits", "entry is stored that is"});
      } else if ((mistake.bit & kAddress) != 0) {
        mistake.names.emplace_back("address");
      }
      return;
    }
    case Kind::kSkipped:
      mistake.words = "a store to a linked entry is not made";
      mistake.names = {"pages stay as they were", "nothing changes",
                       "neither linked nor freed", "not stored"};
      return;
    case Kind::kAsked: {
      mistake.word = random.Below(3);
      if (mistake.word == kFlags) {
        DrawBit(random, mistake);
        if ((mistake.bit & kAddress) != 0) mistake.bit = 1 << 1;
        if (mistake.other == mistake.bit) mistake.other = 0;
        mistake.words = absl::StrCat(BitWords(mistake), " in what is asked");
        mistake.names = BitNames(mistake.bit);
        return;
      }
      mistake.bit = std::uint64_t{1} << (12 + random.Below(38));
      mistake.words =
          absl::StrCat("bit ", std::countr_zero(mistake.bit), " of the ",
                       mistake.word == kGpa ? "GPA" : "HPA", " is 0");
      mistake.names = {"address", "pages stay as they were", "were not asked"};
      return;
    }
    case Kind::kBytes:
      mistake.word = random.Below(2);
      mistake.words = mistake.word == 0 ? "regions lack their last page"
                                        : "regions have a page too many";
      mistake.names =
          mistake.word == 0
              ? std::vector<std::string>{"end of the region"}
              : std::vector<std::string>{"were not asked", "have to stay",
                                         "beside the region"};
      return;
    case Kind::kInvept: {
      mistake.word = random.Below(3);
      constexpr const char* kWords[] = {"is left out", "is executed twice",
                                        "has another EPTP"};
      mistake.words = absl::StrCat("INVEPT ", kWords[mistake.word]);
      constexpr const char* kNames[] = {"INVEPT is missing",
                                        "INVEPT is executed twice",
                                        "INVEPT names another EPTP"};
      mistake.names = {kNames[mistake.word]};
      return;
    }
    case Kind::kFrame:
      mistake.word = random.Below(2);
      mistake.words = mistake.word == kNotFreed ? "a frame is not freed"
                                                : "a frame is freed twice";
      mistake.names = {mistake.word == kNotFreed
                           ? "not freed"
                           : "freed that is not in use|freed twice"};
      return;
    case Kind::kResult:
      mistake.word = random.Below(2);
      mistake.words = mistake.word == kDoneForRefused
                          ? "what is refused is said to be done"
                          : "what is done is said to be refused";
      mistake.names = {mistake.word == kDoneForRefused ? "said to be done"
                                                       : "refused"};
      return;
    case Kind::kRemoved:
      mistake.word = random.Below(2);
      mistake.words = mistake.word == kWithoutFlags
                          ? "what is removed is shown without flags"
                          : "what is removed is not shown";
      mistake.names = {mistake.word == kWithoutFlags
                           ? "without accessed or dirty|shown as removed"
                           : "not shown as removed|shown as removed"};
      return;
  }
}

// One more condition, of a kind that the mistake has none of yet.
void DrawWhen(Random& random, BuilderMistake& mistake) {
  using Kind = BuilderCondition::Kind;
  constexpr Kind kKinds[] = {
      Kind::kOperation, Kind::kOperation,  Kind::kFlag,   Kind::kFlag,
      Kind::kNoFlag,    Kind::kGpa,        Kind::kHpa,    Kind::kBytes,
      Kind::kControl,   Kind::kCapability, Kind::kNoFrame};
  BuilderCondition when;
  do {
    when.kind = random.Pick(kKinds);
  } while (std::any_of(
      mistake.when.begin(), mistake.when.end(),
      [&](const BuilderCondition& other) { return other.kind == when.kind; }));
  std::vector<std::string>& names = mistake.condition_names.emplace_back();
  const auto bit = [&](const char* of) {
    absl::StrAppend(&mistake.words, ", where bit ", when.number, " of ", of,
                    " is ", when.kind == Kind::kNoFlag ? "0" : "1");
    names = {absl::StrCat("@", when.number, "@")};
  };
  switch (when.kind) {
    case Kind::kOperation:
      when.number = random.Below(std::size(kOperations));
      absl::StrAppend(&mistake.words, ", in ", kOperations[when.number]);
      names = {absl::StrCat("in ", kOperations[when.number])};
      break;
    case Kind::kFlag:
    case Kind::kNoFlag: {
      const unsigned bits[] = {0, 1, 2, 6, 8, 9, 10, 11, 52, 57, 62};
      when.number = random.Pick(bits);
      bit("what is asked");
      for (const std::string& name :
           BitNames(std::uint64_t{1} << when.number)) {
        names.push_back(name);
      }
      break;
    }
    case Kind::kGpa: {
      const unsigned bits[] = {12, 20, 21, 30, 39, 47};
      when.number = random.Pick(bits);
      bit("the GPA");
      break;
    }
    case Kind::kHpa: {
      const unsigned bits[] = {12, 21, 31, 32, 38};
      when.number = random.Pick(bits);
      bit("the HPA");
      break;
    }
    case Kind::kBytes: {
      const unsigned bits[] = {13, 21, 22, 30};
      when.number = random.Pick(bits);
      absl::StrAppend(&mistake.words, ", in regions of 2^", when.number,
                      " bytes or more");
      names = {"bytes", "KByte", "MByte", "GByte"};
      break;
    }
    case Kind::kControl: {
      const unsigned bits[] = {17, 18, 22};
      when.number = random.Pick(bits);
      bit("the secondary controls");
      break;
    }
    case Kind::kCapability: {
      const unsigned bits[] = {0, 16, 17, 21};
      when.number = random.Pick(bits);
      bit("IA32_VMX_EPT_VPID_CAP");
      break;
    }
    case Kind::kNoFrame:
      absl::StrAppend(&mistake.words, ", once an allocation has failed");
      names = {"allocation", "no frame"};
      break;
  }
  mistake.when.push_back(when);
}

}  // namespace

BuilderMistake DrawBuilderMistake(std::uint64_t number,
                                  std::optional<unsigned> conditions) {
  Random random(number ^ 0xb111d);
  BuilderMistake mistake;
  DrawWhat(random, mistake);
  if (!conditions.has_value()) conditions = random.OneIn(2) ? 0 : 1;
  for (unsigned i = 0; i < *conditions; ++i) DrawWhen(random, mistake);
  return mistake;
}

}  // namespace eptdiff
