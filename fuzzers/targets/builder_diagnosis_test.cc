// Builders with planted faults, put to generated cases, and diagnosed: each
// fault is named, in words that lead to it, and nothing else is.
#include "oracle/builder/diagnosis/builder_diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/generation/table_generation.h"
#include "oracle/builder/diagnosis/cause_words.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/planted/planted_builder.h"

namespace eptdiff {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// What is said of a builder with these faults after so many cases.
std::vector<std::string> Diagnosed(std::string_view faults, int count) {
  BuilderTrial trial(PlantInBuilder(faults));
  const auto right = std::make_unique<SymptomCounts>();
  SymptomLog log(*right);
  trial.set_symptom_log(&log);
  std::map<std::vector<Symptom>, FailingCases> seen;
  Case c;
  for (int i = 0; i < count; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    if (i % 4 == 0) {
      GenerateTableCase(seed, c);
    } else {
      MutateTableCase(seed, c);
    }
    if (!trial.Run(c).finding.has_value()) continue;
    std::vector<Symptom> symptoms(log.symptoms().begin(), log.symptoms().end());
    EXPECT_FALSE(symptoms.empty()) << faults;
    std::sort(symptoms.begin(), symptoms.end());
    FailingCases& alike = seen[symptoms];
    alike.symptoms = symptoms;
    ++alike.cases;
    alike.seen.Add(log.circumstances());
    alike.difference.Add(log.difference());
  }
  std::vector<FailingCases> failing;
  for (const auto& [symptoms, alike] : seen) failing.push_back(alike);
  std::vector<std::string> words;
  for (const BuilderCause& cause : DiagnoseBuilder(failing, right->List())) {
    words.push_back(std::string(NameOf(cause)) + ": " + WordsOf(cause));
  }
  return words;
}

struct Diagnosis {
  std::string_view fault;
  std::string_view words;
};

constexpr Diagnosis kDiagnoses[] = {
    {"builder-split-drops-permission",
     "page-write-lost: pages lose write permission, where a large page is "
     "split"},
    {"builder-split-not-stored",
     "table-not-linked: a table is made for it, and neither linked nor "
     "freed: the result is not stored in the entry above, where a large "
     "page is split"},
    {"builder-unmap-clears-large-page",
     "page-gone: pages go that have to stay, in unmap, if the entry maps "
     "other pages, too"},
    {"builder-invept-missing-for-write",
     "invept-missing: INVEPT is missing after the removal of write "
     "permission alone"},
    {"builder-invept-never",
     "invept-missing: INVEPT is missing after changes that need it, while "
     "the tables are in use"},
    {"builder-freed-before-invept",
     "freed-early: a table's frame is freed first, and INVEPT is executed "
     "after that"},
    {"builder-freed-by-first-entry",
     "page-gone: pages go that have to stay, where a table is unlinked, "
     "if the entry maps other pages, too"},
    {"builder-linked-before-filled",
     "linked-unfilled: a table is linked before all of its entries are "
     "stored"},
    {"builder-address-32-bits",
     "page-high-address: pages lose bits 51:32 of their address"},
    {"builder-protect-skips-large-pages",
     "not-done: pages stay as they were, in protect, if the operation "
     "begins in a large page"},
    {"builder-hole-ends-region",
     "not-done: pages stay as they were, after a hole in the region "
     "(where nothing is mapped)"},
    {"builder-overlap-accepted",
     "done-not-refused: an operation is done that has to be refused "
     "(already mapped), in operations on regions, but not always"},
    {"builder-refused-after-change",
     "changed-though-refused: an operation that is refused changes an "
     "entry"},
    {"builder-iteration-skips-last",
     "listing: the list of what is mapped is not what the tables map"},
    {"builder-linked-twice", "linked-twice: a table is linked at two places"},
    {"builder-empty-table-stays",
     "empty-table: a table that maps nothing stays linked"},
    {"builder-ignored-bits-lost",
     "table-bits: ignored bits change in the entry of a table that stays"},
    {"builder-unreported-store",
     "unreported: memory changes in another way than by the stores"},
    {"builder-store-after-free",
     "foreign-store: a store goes to a frame that is not allocated (any "
     "more)"},
    {"builder-end-keeps-root",
     "leak: a frame that is linked no more is not freed, when the tables "
     "are given up"},
    {"builder-end-without-invept",
     "invept-missing: INVEPT is missing after the end of the tables, "
     "which processors may have cached"},
    {"builder-removed-skips-last",
     "removed-not-shown: pages go and are not shown as removed, in "
     "unmap-region"},
    {"builder-removed-flags-early",
     "removed-without-flags: pages are shown as removed without accessed or "
     "dirty flags that processors had set, but not always"},
    {"builder-flags-raced",
     "flags-raced: a processor sets accessed or dirty between the load of an "
     "entry and the store to it: lost; use compare_exchange, but not always"},
};

std::string WordsFor(std::string_view fault) {
  for (const Diagnosis& each : kDiagnoses) {
    if (each.fault == fault) return std::string(each.words);
  }
  return "";
}

TEST(BuilderDiagnosisTest, EachFaultIsNamedAndNothingElse) {
  ASSERT_EQ(std::size(kDiagnoses), AllBuilderFaults().size());
  for (const auto& [fault, words] : kDiagnoses) {
    EXPECT_THAT(Diagnosed(fault, 3000), ElementsAre(words)) << fault;
  }
}

// Pairs in which neither hides the other: a case ends at the first finding.
TEST(BuilderDiagnosisTest, TwoFaultsAreToldApart) {
  constexpr std::string_view kPairs[][2] = {
      {"builder-freed-by-first-entry", "builder-overlap-accepted"},
      {"builder-freed-before-invept", "builder-unreported-store"},
      {"builder-refused-after-change", "builder-empty-table-stays"},
      {"builder-unmap-clears-large-page", "builder-hole-ends-region"},
      {"builder-freed-by-first-entry", "builder-refused-after-change"},
      {"builder-split-not-stored", "builder-end-without-invept"},
      {"builder-unmap-clears-large-page", "builder-protect-skips-large-pages"},
      {"builder-invept-never", "builder-address-32-bits"},
      {"builder-iteration-skips-last", "builder-store-after-free"},
      {"builder-address-32-bits", "builder-empty-table-stays"},
      {"builder-split-not-stored", "builder-freed-before-invept"},
      {"builder-unreported-store", "builder-end-keeps-root"},
      {"builder-invept-missing-for-write", "builder-overlap-accepted"},
      {"builder-split-drops-permission", "builder-hole-ends-region"},
      {"builder-split-drops-permission", "builder-end-without-invept"},
      {"builder-linked-twice", "builder-store-after-free"},
      {"builder-ignored-bits-lost", "builder-end-keeps-root"},
      {"builder-invept-missing-for-write", "builder-protect-skips-large-pages"},
      {"builder-removed-skips-last", "builder-overlap-accepted"},
      {"builder-removed-flags-early", "builder-split-drops-permission"},
      {"builder-flags-raced", "builder-overlap-accepted"},
  };
  for (const auto& [one, other] : kPairs) {
    const std::string both = std::string(one) + "," + std::string(other);
    EXPECT_THAT(Diagnosed(both, 3000),
                UnorderedElementsAre(WordsFor(one), WordsFor(other)))
        << both;
  }
}

// A mistake that is made in two operations, and in a third is not, is two: so
// it is mended. Where too little of the third was seen it is one.
TEST(BuilderDiagnosisTest, TwoWaysOfOneMistakeAreTold) {
  const auto raced = [](Work work, std::uint64_t large) {
    return Symptom()
        .With(Feature::kMistake, Mistake::kFlagsRaced)
        .With(Feature::kDetail, PageBits::kDirtyLost)
        .With(Feature::kWork, work)
        .With(Feature::kLarge, large);
  };
  const auto told = [&](std::uint64_t wrong_cases, std::uint64_t right_cases,
                        std::vector<Work> works) {
    std::vector<FailingCases> failing;
    for (const Work work : works) {
      failing.push_back({{raced(work, 0)}, wrong_cases});
      failing.push_back({{raced(work, 1)}, 1});
    }
    const CountedSymptom right[] = {{raced(Work::kUnmap, 0), right_cases, {}},
                                    {raced(Work::kUnmap, 1), 1, {}}};
    std::vector<std::string> words;
    for (const BuilderCause& cause : DiagnoseBuilder(failing, right)) {
      const std::string all = WordsOf(cause);
      words.push_back(all.substr(all.find("compare_exchange") + 16));
    }
    return words;
  };
  const std::vector<Work> two = {Work::kProtect, Work::kClearFlags};
  const std::vector<Work> three = {Work::kProtect, Work::kSplit,
                                   Work::kClearFlags};
  // Whether it is often wrong, as often right, or mostly right.
  for (const auto& [wrong, right] : {std::pair{60, 5}, {14, 19}, {3, 90}}) {
    EXPECT_THAT(told(wrong, right, two),
                ElementsAre(", in protect", ", in clear-flags"))
        << wrong << " " << right;
    EXPECT_THAT(told(wrong, right, three),
                ElementsAre(", in protect", ", in split", ", in clear-flags"))
        << wrong << " " << right;
  }
  EXPECT_THAT(told(60, 3, two), ElementsAre(", but not always"));
}

// What sets wrong apart from right may be chance if either was seen seldom, and
// is none where it was seen to go right.
TEST(BuilderDiagnosisTest, ACircumstanceHasToBeSeenOften) {
  constexpr std::uint64_t kIgnorePat = 1 << 6, kAccessed = 1 << 8;
  const Symptom symptom = Symptom()
                              .With(Feature::kMistake, Mistake::kBits)
                              .With(Feature::kDetail, PageBits::kWriteLost);
  const auto when = [&](std::uint64_t wrong_cases, std::uint64_t wrong_flags,
                        std::uint64_t right_cases, std::uint64_t right_flags) {
    Circumstances wrong, right;
    wrong[CircumstanceWord::kFlags] = wrong_flags;
    right[CircumstanceWord::kFlags] = right_flags;
    FailingCases failing = {{symptom}, wrong_cases};
    failing.seen.Add(wrong);
    CountedSymptom went_right = {symptom, right_cases, {}};
    went_right.seen.Add(right);
    const auto causes = DiagnoseBuilder({&failing, 1}, {&went_right, 1});
    EXPECT_EQ(causes.size(), 1u);
    return causes[0].when.empty() ? std::nullopt
                                  : std::optional(causes[0].when[0]);
  };
  const Circumstance ignores = {CircumstanceWord::kFlags, 6, true};
  const Circumstance clear = {CircumstanceWord::kFlags, 8, false};
  EXPECT_EQ(when(5, kIgnorePat, 20, 0), ignores);
  EXPECT_EQ(when(5, 0, 20, kAccessed), clear);
  EXPECT_EQ(when(4, kIgnorePat, 20, 0), std::nullopt);
  EXPECT_EQ(when(5, kIgnorePat, 19, 0), std::nullopt);
  EXPECT_EQ(when(5, kIgnorePat, 20, kIgnorePat), std::nullopt);
}

}  // namespace
}  // namespace eptdiff
