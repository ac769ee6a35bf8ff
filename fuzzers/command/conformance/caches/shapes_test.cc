// The reference permits what was written down by hand, and nothing else; the
// corpus holds these cases and pages; and a mistake is noticed.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "fuzzers/command/conformance/caches/answers.h"
#include "fuzzers/command/conformance/caches/page.h"
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/encoding/canonical.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/bochs/bochs_oracle.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/rules.h"
#include "oracle/silences.h"

namespace eptdiff {
namespace {

using ::testing::IsEmpty;

const std::filesystem::path kFolder =
    std::filesystem::path(EPTDIFF_SOURCE_DIR) / "corpus/conformance/caches";

bool IsSilence(const std::string& identifier) {
  return std::any_of(
      std::begin(kSilences), std::end(kSilences),
      [&](const Silence& silence) { return silence.identifier == identifier; });
}

// Calls `check(shape, variant)` for all.
template <typename Function>
void ForEachVariant(Function check) {
  for (const LitmusShape& shape : AllLitmusShapes()) {
    for (const ShapeVariant& variant : shape.variants) {
      SCOPED_TRACE(shape.name + "/" + variant.name);
      check(shape, variant);
    }
  }
}

TEST(LitmusShapesTest, TheReferencePermitsTheseAnswersAndNoOthers) {
  ForEachVariant([](const LitmusShape&, const ShapeVariant& variant) {
    EXPECT_THAT(Mistakes(variant, Follow(variant, Dialect())), IsEmpty());
  });
}

// Of memory alone it permits the first, and only that.
TEST(LitmusShapesTest, TheFirstAnswerIsThatOfMemory) {
  ForEachVariant([](const LitmusShape&, const ShapeVariant& variant) {
    if (!variant.met.empty()) return;
    ShapeVariant memory = variant;
    for (ShapeAnswer& answer : memory.answers) {
      answer.permission = Permission::kMayNot;
    }
    memory.answers[0].permission = Permission::kMay;
    EXPECT_THAT(Mistakes(memory, Follow(memory, Dialect(), /*keeps=*/false)),
                IsEmpty());
  });
}

// A rule that is named for an answer is the one that it rests on: without it
// the answer would not be permitted, or would be.
TEST(LitmusShapesTest, TheRulesThatAreNamedDecide) {
  ForEachVariant([](const LitmusShape&, const ShapeVariant& variant) {
    for (std::size_t i = 0; i < variant.answers.size(); ++i) {
      const ShapeAnswer& answer = variant.answers[i];
      if (answer.permission == Permission::kOpen) {
        EXPECT_TRUE(IsSilence(answer.rule)) << answer.rule;
        continue;
      }
      ASSERT_TRUE(FindRule(answer.rule)) << answer.rule;
      // What memory says rests on no rule of these, and "nothing else" on all.
      if (i == 0 || (!answer.permitted() && answer.rule == "CACHE-3")) continue;
      bool decides = false;
      for (const Alteration& alteration : AllAlterations()) {
        if (!alteration.name.starts_with(answer.rule + "/")) continue;
        const FollowedVariant altered =
            Follow(variant, Dialect().With(alteration));
        ShapeVariant one = variant;
        one.answers = {answer};
        for (const std::string& mistake : Mistakes(one, altered)) {
          decides |= mistake.ends_with(": it is not permitted") ||
                     mistake.ends_with(": the reference permits it");
        }
      }
      EXPECT_TRUE(decides) << answer.rule << " and answer " << i + 1 << ", "
                           << answer.why;
    }
  });
}

TEST(LitmusShapesTest, AWrongAnswerIsNoticed) {
  ForEachVariant([](const LitmusShape&, const ShapeVariant& variant) {
    const FollowedVariant followed = Follow(variant, Dialect());
    for (std::size_t i = 0; i < variant.answers.size(); ++i) {
      ShapeVariant wrong = variant;
      wrong.answers[i].permission = variant.answers[i].permitted()
                                        ? Permission::kMayNot
                                        : Permission::kMay;
      EXPECT_FALSE(Mistakes(wrong, followed).empty()) << "answer " << i + 1;
      if (!variant.answers[i].permitted()) continue;
      wrong = variant;
      wrong.answers.erase(wrong.answers.begin() +
                          static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(Mistakes(wrong, followed).empty())
          << "without answer " << i + 1;
    }
  });
}

TEST(LitmusShapesTest, WhoAnswersGivesAnAnswerThatIsPermitted) {
  ForEachVariant([](const LitmusShape&, const ShapeVariant& variant) {
    const std::vector<GivenAnswer> given = AskAll(variant);
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (!given[i].answer) {
        EXPECT_FALSE(given[i].otherwise.empty()) << kAsked[i];
        continue;
      }
      EXPECT_TRUE(variant.answers[*given[i].answer].permitted()) << kAsked[i];
    }
  });
}

TEST(LitmusShapesTest, NamesOccurOnce) {
  std::set<std::string> shapes;
  for (const LitmusShape& shape : AllLitmusShapes()) {
    EXPECT_TRUE(shapes.insert(shape.name).second) << shape.name;
    EXPECT_FALSE(shape.passages.empty()) << shape.name;
    std::set<std::string> variants;
    for (const ShapeVariant& variant : shape.variants) {
      EXPECT_TRUE(variants.insert(variant.name).second)
          << shape.name << "/" << variant.name;
    }
  }
}

// Expects of the file that it holds `text`; takes it from `files`.
void ExpectFile(const std::string& name, const std::string& text,
                std::set<std::string>& files) {
  EXPECT_EQ(files.erase(name), 1u)
      << name << ": run eptdiff_write_conformance corpus/conformance";
  const auto content = ReadBytes((kFolder / name).string(), kMaxTextBytes);
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(*content, text) << name;
}

TEST(LitmusShapesTest, TheCorpusHoldsTheseCasesAndPages) {
  std::set<std::string> files;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(kFolder)) {
    if (!entry.is_regular_file()) continue;
    files.insert(std::filesystem::relative(entry.path(), kFolder).string());
  }
  // The pages say what Bochs 3.0 answers.
  const bool has_bochs =
      BochsDialectName() == "bochs-3.0" && MakeBochsOracle() != nullptr;
  const std::vector<LitmusShape> shapes = AllLitmusShapes();
  ExpectFile("README.md", ShapeIndex(shapes), files);
  for (const LitmusShape& shape : shapes) {
    const std::string page = shape.name + ".md";
    if (has_bochs) {
      ExpectFile(page, ShapePage(shape), files);
    } else {
      files.erase(page);
    }
    for (const ShapeVariant& variant : shape.variants) {
      const TextCase text_case = ShapeCase(shape, variant);
      EXPECT_TRUE(IsCanonical(text_case.c));
      ExpectFile(shape.name + "/" + variant.name + ".textproto",
                 FormatCase(text_case), files);
    }
  }
  EXPECT_THAT(files, IsEmpty());
}

}  // namespace
}  // namespace eptdiff
