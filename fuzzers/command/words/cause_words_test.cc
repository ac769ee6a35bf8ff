// Masks that were learned are told beside the SDM's.
#include "fuzzers/command/words/cause_words.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::StartsWith;

Effect Takes(Part part, std::uint64_t mask, std::uint64_t value,
             std::uint64_t from = 0, Structure structure = Structure::kEpt) {
  return {.kind = Effect::Kind::kTakes,
          .word = Word::kEntry,
          .structure = structure,
          .mask = mask,
          .value = value,
          .from = from,
          .part = part};
}

Atom Role(EntryRole role) {
  return AtItself(Word::kEntryRole, static_cast<std::uint64_t>(role));
}

TEST(CauseWordsTest, WhatIsLearnedStandsBesideTheSdms) {
  const struct {
    Effect effect;
    std::vector<Atom> when;
    std::string sentence;
    std::string learned;
  } kCauses[] = {
      {Takes(Part::kUse, 0x401, 0x400, 0x1),
       {},
       "takes an EPT paging-structure entry for one that allows reads by bit "
       "10 and not by bit 0: ",
       "an entry allows reads by bit 10; by the SDM it does so by bit 0"},
      {Takes(Part::kConfiguration, 0x1, 0, 0x1),
       {AtItself(Word::kEntryLevel, 1)},
       "takes a PTE for one that allows reads, where misconfigurations are "
       "judged, not by bit 0: ",
       "an entry allows reads, where misconfigurations are judged, by no bit; "
       "by the SDM it does so by bit 0"},
      {Takes(Part::kRight, 0x800, 0x800, 0x2),
       {},
       "takes an EPT paging-structure entry for one that allows writes, and "
       "tells so, by bit 11: ",
       "an entry allows writes, and tells so, by bits 11 and 1; by the SDM it "
       "does so by bit 1"},
      {Takes(Part::kUse, 0x200, 0x200, 0x2, Structure::kGuest),
       {},
       "takes a guest paging-structure entry for one that is writable by bit "
       "9: ",
       "an entry is writable by bits 9 and 1; by the SDM it does so by bit 1"},
      {Takes(Part::kReserved, 0x900, 0x900),
       {AtItself(Word::kEntryLevel, 2)},
       "takes bits 11 and 8 of a PDE for reserved: ",
       "as reserved it takes bits 11 and 8 as well; by the SDM these are "
       "ignored"},
      {Takes(Part::kIndex, 0x300000000, 0),
       {},
       "takes bits 33:32 of the guest-physical address for 0 in the index of "
       "an EPT PDPTE: ",
       "as the index it takes bits 38:34 and 31:30; by the SDM these are bits "
       "38:30"},
      {Takes(Part::kPresence, 0x14, 0x10),
       {},
       "takes an EPT paging-structure entry for present by bit 4 and not by "
       "bit 2: ",
       "an entry is present by bits 4 and 1:0; by the SDM these are bits 2:0, "
       "and 10 with MBEC"},
      // What is not checked.
      {Takes(Part::kWhole, 0x1000, 0),
       {AtItself(Word::kEntryLevel, 2), Role(EntryRole::kPage)},
       "takes bit 12 of a PDE that maps 2 MBytes for 0: ",
       "as reserved it checks bits 20:13; by the SDM these are bits 20:12, "
       "beside those at or above MAXPHYADDR"},
      // A right, wherever it is looked at.
      {Takes(Part::kWhole, 0x2, 0, 0x100),
       {},
       "takes bit 1 (write) of an EPT paging-structure entry for its bit 8: ",
       "an entry allows writes by bit 8; by the SDM it does so by bit 1"},
  };
  for (const auto& told : kCauses) {
    Cause cause;
    cause.effect = told.effect;
    cause.when = told.when;
    EXPECT_THAT(CauseWords(cause), StartsWith(told.sentence));
    EXPECT_EQ(ExperimentWords(cause)[0], told.learned);
  }
}

// One mistake in both dimensions is told once.
TEST(CauseWordsTest, WhatIsSoInBothDimensionsIsSaidToBe) {
  constexpr std::uint64_t kCut = 0x000fe00000000000;
  Cause ept, guest;
  ept.effect = Takes(Part::kWhole, kCut, 0);
  guest.effect = Takes(Part::kWhole, kCut, 0, 0, Structure::kGuest);
  EXPECT_THAT(CauseWords(ept, std::vector{guest}),
              StartsWith("takes bits 51:45 of a paging-structure entry for 0, "
                         "in EPT and in the guest's paging alike: "));
  // Elsewhere it is another condition.
  guest.when = {AtItself(Word::kEntryLevel, 1)};
  EXPECT_FALSE(AreOneMistake(ept, guest));
  // What an entry is taken for goes by two names.
  ept.effect = Takes(Part::kUse, 0x200, 0x200, 0x2);
  guest.effect = Takes(Part::kUse, 0x200, 0x200, 0x2, Structure::kGuest);
  guest.when = {};
  EXPECT_TRUE(AreOneMistake(ept, guest));
  EXPECT_THAT(CauseWords(ept, std::vector{guest}),
              StartsWith("takes an EPT paging-structure entry for one that "
                         "allows writes by bit 9; and takes a guest "
                         "paging-structure entry for one that is writable by "
                         "bit 9: "));
}

// A bit of a table's address is no reserved one.
TEST(CauseWordsTest, WhatIsNotReservedIsNotToldAsUnchecked) {
  Cause cause;
  cause.effect = Takes(Part::kWhole, 0x1000, 0);
  cause.when = {AtItself(Word::kEntryLevel, 2), Role(EntryRole::kTable)};
  EXPECT_THAT(ExperimentWords(cause)[0], StartsWith("it departs so in "));
}

TEST(CauseWordsTest, WhatIsGivenInPlaceOfWhatIsRightIsSaid) {
  const struct {
    Field field;
    Form form;
    std::uint64_t given;
    std::uint64_t was;
    WordPlace place;
    std::string sentence;
  } kForms[] = {
      {Field::kGpa, Form::kFrame, 0, 0, WordPlace::kElse,
       "gives the guest-physical address of the exit as the number of its "
       "frame, shifted right by 12: "},
      {Field::kMemoryType, Form::kOfEntry, 0, 2, WordPlace::kElse,
       "gives the memory type as the EPT PDE has it: "},
      {Field::kMemoryType, Form::kFirstDimension, 0, 0, WordPlace::kElse,
       "gives the memory type as the guest's PAT has it: "},
      {Field::kPageSize, Form::kOtherPage, 0, 0, WordPlace::kElse,
       "gives the size of the page of the first page as that of the other "
       "page: "},
      {Field::kQualification, Form::kPrevious, 0, 0, WordPlace::kElse,
       "gives the exit qualification as it was in the answer before: "},
      {Field::kMemory, Form::kMissing, 0, 2, WordPlace::kVeArea,
       "does not write the word at offset 16 of the #VE information area: "},
      {Field::kMemory, Form::kMisplaced, ~std::uint64_t{7}, 0, WordPlace::kLog,
       "writes the entry of the page-modification log 8 bytes below its "
       "place: "},
      {Field::kMemory, Form::kDoubled, 8, 0, WordPlace::kEptEntry,
       "writes the flags of an EPT paging-structure entry a second time, 8 "
       "bytes above its place: "},
  };
  for (const auto& told : kForms) {
    Cause cause;
    cause.effect.field = told.field;
    cause.effect.form = told.form;
    cause.effect.given = told.given;
    cause.effect.was = told.was;
    cause.effect.place = told.place;
    EXPECT_THAT(CauseWords(cause), StartsWith(told.sentence));
  }
}

}  // namespace
}  // namespace eptdiff
