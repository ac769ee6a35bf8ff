// MT-6, all of it: 3A table 12-7 with the EPT memory type for the MTRR's.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "oracle/reference/witnesses/answer.h"
#include "oracle/reference/witnesses/case_builder.h"
#include "oracle/reference/witnesses/last_step.h"

namespace eptdiff {
namespace {

constexpr MemoryType kUC = MemoryType::kUncacheable;
constexpr MemoryType kWC = MemoryType::kWriteCombining;
constexpr MemoryType kWT = MemoryType::kWriteThrough;
constexpr MemoryType kWP = MemoryType::kWriteProtected;
constexpr MemoryType kWB = MemoryType::kWriteBack;

constexpr std::uint64_t kPatTypes[] = {0, 7, 1, 4, 6, 5};

constexpr struct {
  std::uint64_t ept;
  MemoryType effective[6];  // PAT type UC, UC-, WC, WT, WB, WP
} kTable[] = {
    {0, {kUC, kUC, kWC, kUC, kUC, kUC}},  // UC
    {1, {kUC, kWC, kWC, kUC, kWC, kUC}},  // WC
    {4, {kUC, kUC, kWC, kWT, kWT, kWP}},  // WT
    {5, {kUC, kWC, kWC, kWT, kWP, kWP}},  // WP
    {6, {kUC, kUC, kWC, kWT, kWB, kWP}},  // WB
};

TEST(MemoryTypeRulesTest, CombinesAsTheTableSays) {
  for (const auto& row : kTable) {
    for (std::size_t column = 0; column < 6; ++column) {
      const std::uint64_t pat = kPatTypes[column];
      SCOPED_TRACE(testing::Message() << "EPT " << row.ept << ", PAT " << pat);
      // Entry 3 of the PAT; the others are WP.
      const auto set_pat = [=](Case& c) {
        c.guest.pat = 0x0505'0505'0005'0505 | pat << 24;
      };
      JudgedStep judged;
      JudgeLastStep(Walk4()
                        .Pte(0x9007 | row.ept << 3)
                        .With(set_pat)
                        .Read(0x1234)
                        .But([](Step& step) { step.page.pat_index = 3; })
                        .Build(),
                    Dialect(), judged);
      for (MemoryType type : {kUC, kWC, kWT, kWP, kWB}) {
        EXPECT_EQ(
            judged.Accepts(Completes(0x9234).Type(type).In(judged.before)),
            type == row.effective[column]);
      }
    }
  }
}

// WRMSR refuses types 2 and 3: nothing is known of what they would do.
TEST(MemoryTypeRulesTest, ReservedPatTypeGivesNoType) {
  JudgedStep judged;
  JudgeLastStep(
      Walk4().With([](Case& c) { c.guest.pat = 2; }).Read(0x1234).Build(),
      Dialect(), judged);
  for (MemoryType type : {kUC, kWC, kWT, kWP, kWB}) {
    EXPECT_TRUE(judged.Accepts(Completes(0x9234).Type(type).In(judged.before)));
  }
  EXPECT_FALSE(judged.Accepts(Completes(0x9238).In(judged.before)));
}

}  // namespace
}  // namespace eptdiff
