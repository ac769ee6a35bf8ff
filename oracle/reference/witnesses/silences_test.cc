// The list of silences is true to the reference: it names rules and slots that
// exist, leaves out no choice, and where it says that an answer is open, one
// is.
#include "oracle/silences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "oracle/editions.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/witnesses/last_step.h"
#include "oracle/reference/witnesses/witnesses.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

std::vector<std::string> Words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

const SlotInfo* FindSlot(std::string_view name) {
  for (const SlotInfo& slot : kSlots) {
    if (slot.name == name) return &slot;
  }
  return nullptr;
}

TEST(SilencesTest, HaveNamesOfTheirOwnAndBothReadings) {
  std::set<std::string_view> names;
  for (const Silence& silence : kSilences) {
    SCOPED_TRACE(std::string(silence.identifier));
    EXPECT_TRUE(names.insert(silence.identifier).second);
    EXPECT_NE(silence.first, "");
    EXPECT_NE(silence.second, "");
    EXPECT_NE(silence.who, "");
    EXPECT_NE(CitedIn2026(silence.passages), silence.passages);
    EXPECT_EQ(CitedIn2026(silence.passages).find('?'), std::string::npos);
  }
}

TEST(SilencesTest, NameRulesAndSlotsOfTheirs) {
  for (const Silence& silence : kSilences) {
    SCOPED_TRACE(std::string(silence.identifier));
    const std::vector<std::string> rules = Words(silence.rules);
    EXPECT_FALSE(rules.empty());
    for (const std::string& rule : rules) EXPECT_TRUE(FindRule(rule)) << rule;
    for (const std::string& name : Words(silence.slots)) {
      const SlotInfo* slot = FindSlot(name);
      ASSERT_NE(slot, nullptr) << name;
      EXPECT_THAT(rules, testing::Contains(IdentifierOf(slot->rule))) << name;
    }
    // Rules that no slot asks are those of caches.
    EXPECT_EQ(silence.slots.empty(), rules[0].starts_with("CACHE"));
  }
}

TEST(SilencesTest, LeaveOutNoChoiceOfTheReference) {
  std::set<std::string> rules;
  std::set<std::string> slots;
  for (const Silence& silence : kSilences) {
    for (const std::string& rule : Words(silence.rules)) rules.insert(rule);
    for (const std::string& slot : Words(silence.slots)) slots.insert(slot);
  }
  for (const SlotInfo& slot : kSlots) {
    if (slot.kind != SlotKind::kPermits) continue;
    EXPECT_TRUE(slots.contains(std::string(slot.name))) << slot.name;
  }
  for (const RuleInfo& info : kRules) {
    const bool owns_up =
        info.section.find("silent") != std::string_view::npos ||
        info.section.find("(?)") != std::string_view::npos ||
        info.words.find("inferred") != std::string_view::npos ||
        info.words.find("eft open") != std::string_view::npos;
    if (owns_up) {
      EXPECT_TRUE(rules.contains(std::string(info.identifier)))
          << info.identifier;
    }
  }
}

// Of two permitted answers neither is the other's: there are two alternatives,
// or one with effects that may be missing.
bool HasChoice(const Verdict& verdict) {
  return verdict.alternatives.size() > 1 ||
         std::any_of(verdict.alternatives.begin(), verdict.alternatives.end(),
                     [](const Alternative& a) { return !a.optional.empty(); });
}

// One of the first 17 bits of a qualification, a bit of an error code or the
// memory type is not compared.
bool HasUndefinedPart(const Verdict& verdict) {
  constexpr std::uint64_t kReported = 0x1ffff;
  return std::any_of(
      verdict.alternatives.begin(), verdict.alternatives.end(),
      [](const Alternative& a) {
        const bool exits = a.event.kind == EventKind::kVmExit;
        return (exits && (~a.qualification_defined & kReported) != 0) ||
               ~a.error_code_defined != 0 || !a.memory_type_defined;
      });
}

TEST(SilencesTest, AreOpenWhereTheyShow) {
  for (const Silence& silence : kSilences) {
    SCOPED_TRACE(std::string(silence.identifier));
    if (silence.stance == Stance::kFirst) {
      EXPECT_EQ(silence.witness, "");
    }
    if (silence.witness.empty()) continue;
    const auto witness = std::find_if(
        Witnesses().begin(), Witnesses().end(),
        [&](const NamedCase& named) { return named.name == silence.witness; });
    ASSERT_NE(witness, Witnesses().end());
    JudgedStep judged;
    JudgeLastStep(witness->c, Dialect(), judged);
    switch (silence.stance) {
      case Stance::kBoth:
        EXPECT_TRUE(HasChoice(judged.verdict));
        break;
      case Stance::kUndefined:
        EXPECT_TRUE(HasUndefinedPart(judged.verdict));
        break;
      case Stance::kNotJudged:
        EXPECT_NE(judged.verdict.standing, Standing::kJudged);
        break;
      case Stance::kFirst:
        break;
    }
  }
}

}  // namespace
}  // namespace eptdiff
