// The corpus keeps its promises: what the repository's cases are kept for still
// holds, with the oracles as they are now.
#include "fuzzers/command/files/corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/distill/decided.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/embedded_corpus.h"
#include "fuzzers/command/files/seeds.h"
#include "fuzzers/command/words/expected.h"
#include "fuzzers/encoding/canonical.h"
#include "fuzzers/targets/panel.h"
#include "fuzzers/text/memory_type_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/bochs/bochs_oracle.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/planted/planted_builder.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/trial.h"
#include "oracle/mtrr/memory_types.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

const std::filesystem::path kCorpus =
    std::filesystem::path(EPTDIFF_SOURCE_DIR) / "corpus";

std::vector<std::string> FilesUnder(const char* folder) {
  const std::filesystem::path path = kCorpus / folder;
  if (!std::filesystem::exists(path)) return {};
  const auto files = CasesUnder(path.string());
  EXPECT_TRUE(files.ok()) << files.status();
  return files.ok() ? *files : std::vector<std::string>();
}

TextCase Read(const std::string& path) {
  const auto content = ReadCaseFile(path);
  EXPECT_TRUE(content.ok()) << content.status();
  return content.ok() ? content->text_case : TextCase();
}

TEST(CorpusTest, TheCommandHasItWithin) {
  std::vector<Case> cases;
  for (const std::string& file : FilesUnder(".")) {
    cases.push_back(Read(file).c);
  }
  EXPECT_EQ(EmbeddedCorpus(), cases);
}

TEST(CorpusTest, SeedsAreTheHandWrittenCases) {
  for (const Seed& seed : Seeds()) {
    const std::string path = (kCorpus / "seeds" / PathOf(seed)).string();
    ASSERT_TRUE(std::filesystem::exists(path))
        << path << ": run eptdiff_write_seeds corpus/seeds";
    EXPECT_EQ(Read(path), seed.text_case) << path;
    EXPECT_TRUE(IsCanonical(seed.text_case.c)) << path;
  }
}

TEST(CorpusTest, SeedsDecideEveryRule) {
  DecidedRules decided(/*counting=*/false);
  for (const std::string& path : FilesUnder("seeds")) {
    decided.Add(Read(path).c);
  }
  for (const RuleInfo& info : kRules) {
    if (!IsAsked(info.rule)) continue;
    EXPECT_GT(decided.CasesDeciding(info.rule), 0u) << info.identifier;
  }
}

// A rule of the guest's paging is code of its own in each paging mode.
TEST(CorpusTest, SeedsDecideEveryGuestRuleInEveryModeWhereItApplies) {
  DecidedRules decided(/*counting=*/true);
  for (const std::string& path : FilesUnder("seeds")) {
    decided.Add(Read(path).c);
  }
  for (const std::string& undecided : decided.matrix().UndecidedGuestRules()) {
    ADD_FAILURE() << undecided;
  }
}

TEST(CorpusTest, NoOracleDisagreesWithAnyCase) {
  std::string error;
  const std::unique_ptr<Panel> panel =
      Panel::Make({.oracles = "engine,cache,bochs,bochs-tlb"}, error);
  ASSERT_NE(panel, nullptr) << error;
  for (const char* folder : {"seeds", "conformance", "regressions"}) {
    for (const std::string& path : FilesUnder(folder)) {
      EXPECT_THAT(panel->Findings(Read(path).c), testing::IsEmpty()) << path;
    }
  }
}

// Whether Bochs's answers to `c`, with its TLB or without, conform to the
// reference in `dialect`.
bool Conforms(const Case& c, const Dialect& dialect, BochsTlb tlb) {
  const std::unique_ptr<Oracle> bochs = MakeBochsOracle(tlb);
  Trial trial;
  trial.Add(*bochs, dialect);
  const Standings& standings = trial.Run(c)[0];
  EXPECT_EQ(standings.skip, Skip::kNone);
  EXPECT_FALSE(standings.undefined);
  return !standings.disagrees;
}

// Its walker, that is, which is asked here. What the machine around it does, an
// image asks (image/boots_test).
bool IsAboutBochs(const std::string& path) {
  return path.find("/bochs-3.0/") != std::string::npos ||
         path.find("/bochs-2026-08/") != std::string::npos;
}

// Each departure is real, is described exactly, and is needed; what another
// tree of Bochs does otherwise, this one does as the SDM says.
TEST(CorpusTest, EveryDepartureOfBochsHasItsWitness) {
  if (MakeBochsOracle() == nullptr) GTEST_SKIP() << "built without Bochs";
  const std::optional<Dialect> bochs = FindDialect(BochsDialectName());
  ASSERT_TRUE(bochs.has_value());
  const std::vector<const Alteration*> departures(bochs->alterations().begin(),
                                                  bochs->alterations().end());
  std::vector<bool> witnessed(departures.size());
  for (const std::string& path : FilesUnder("deviations")) {
    if (!IsAboutBochs(path)) continue;
    const TextCase text_case = Read(path);
    ASSERT_EQ(text_case.alterations.size(), 1u) << path;
    EXPECT_NE(text_case.explanation, "") << path;
    EXPECT_NE(text_case.sdm_section, "") << path;
    const auto departure = std::find_if(
        departures.begin(), departures.end(), [&](const Alteration* one) {
          return one->name == text_case.alterations[0];
        });
    const Alteration* const alteration =
        FindAlteration(text_case.alterations[0]);
    ASSERT_NE(alteration, nullptr) << path;
    const BochsTlb tlb =
        NeedsCaching(*alteration) ? BochsTlb::kKept : BochsTlb::kNone;
    EXPECT_EQ(Conforms(text_case.c, Dialect(), tlb),
              departure == departures.end())
        << path;
    if (departure == departures.end()) continue;
    const std::size_t i = departure - departures.begin();
    witnessed[i] = true;
    EXPECT_TRUE(Conforms(text_case.c, *bochs, tlb)) << path;
    EXPECT_FALSE(Conforms(text_case.c, bochs->Without(i), tlb)) << path;
  }
  for (std::size_t i = 0; i < witnessed.size(); ++i) {
    EXPECT_TRUE(witnessed[i]) << departures[i]->name;
  }
}

// A signature without the name in it: "event-WALK-2-none".
std::string WhatOf(const std::string& signature) {
  const auto oracle = signature.find('-');
  const auto what = signature.find('-', oracle + 1);
  return what == std::string::npos ? signature : signature.substr(what + 1);
}

// What hypervisors do otherwise than the SDM has it is told without their code:
// whoever makes the mistake that the case names gives the wrong answer that its
// signature names. The oracles, and the reference, give the one that `must`
// demands.
TEST(CorpusTest, EveryDepartureOfAHypervisorIsAsItsCaseTells) {
  std::string error;
  const std::unique_ptr<Panel> panel = Panel::Make({}, error);
  ASSERT_NE(panel, nullptr) << error;
  std::size_t cases = 0;
  for (const std::string& path : FilesUnder("deviations")) {
    if (IsAboutBochs(path)) continue;
    const TextCase text_case = Read(path);
    if (HasTableOperations(text_case.c)) continue;
    ASSERT_EQ(text_case.alterations.size(), 1u) << path;
    const Alteration* mistake = FindAlteration(text_case.alterations[0]);
    ASSERT_NE(mistake, nullptr) << path << ": " << text_case.alterations[0];
    EXPECT_NE(text_case.explanation, "") << path;
    EXPECT_NE(text_case.sdm_section, "") << path;
    EXPECT_THAT(text_case.rules,
                testing::ElementsAre(IdentifierOf(InfoOf(mistake->slot).rule)))
        << path;
    EXPECT_FALSE(text_case.expectations.empty()) << path;
    EXPECT_THAT(UnmetExpectations(text_case, *panel), testing::IsEmpty())
        << path;
    EXPECT_THAT(panel->Findings(text_case.c), testing::IsEmpty()) << path;

    DialectOracle mistaken(Dialect().With(*mistake), NeedsCaching(*mistake)
                                                         ? Manner::kKept
                                                         : Manner::kPlain);
    Trial trial;
    trial.Add(mistaken, Dialect());
    const Standings& standings = trial.Run(text_case.c)[0];
    ASSERT_TRUE(standings.disagrees) << path;
    EXPECT_EQ(WhatOf(SignatureOf("dialect", standings.finding)),
              WhatOf(text_case.signature))
        << path;
    ++cases;
  }
  EXPECT_GT(cases, 0u);
}

// Of those who build tables likewise: the engine's builder is right there, and
// the fault that a case names, if one of those that can be planted is alike,
// gives its signature.
TEST(CorpusTest, EveryDepartureOfAHypervisorsBuilderIsAsItsCaseTells) {
  std::size_t planted = 0;
  for (const std::string& path : FilesUnder("deviations")) {
    const TextCase text_case = Read(path);
    if (!HasTableOperations(text_case.c)) continue;
    EXPECT_NE(text_case.explanation, "") << path;
    EXPECT_NE(text_case.sdm_section, "") << path;
    EXPECT_EQ(text_case.rules.size(), 1u) << path;
    BuilderTrial right(std::make_unique<EngineBuilder>());
    const BuilderStandings& standings = right.Run(text_case.c);
    EXPECT_FALSE(standings.finding.has_value()) << path;
    EXPECT_EQ(standings.compared, text_case.c.steps.size() + 2) << path;
    EXPECT_LE(text_case.alterations.size(), 1u) << path;
    for (const std::string& fault : text_case.alterations) {
      auto builder = PlantInBuilder(fault);
      ASSERT_NE(builder, nullptr) << path << ": " << fault;
      BuilderTrial wrong(std::move(builder));
      const auto& finding = wrong.Run(text_case.c).finding;
      ASSERT_TRUE(finding.has_value()) << path;
      EXPECT_EQ(WhatOf(SignatureOf("builder", *finding)),
                WhatOf(text_case.signature))
          << path;
      ++planted;
    }
  }
  EXPECT_GT(planted, 0u);
}

TEST(CorpusTest, CasesAboutMemoryTypesAreReadAndNamedByARule) {
  const auto paths = MemoryTypeCasesUnder((kCorpus / "deviations").string());
  ASSERT_TRUE(paths.ok()) << paths.status();
  for (const std::string& path : *paths) {
    const auto text = ReadBytes(path, kMaxTextBytes);
    ASSERT_TRUE(text.ok()) << text.status();
    const auto c = ParseMemoryTypeCase(*text, path);
    ASSERT_TRUE(c.ok()) << c.status();
    EXPECT_EQ(FormatMemoryTypeCase(*c), *text);
    EXPECT_NE(c->explanation, "") << path;
    const std::string name = std::filesystem::path(path).stem().string();
    EXPECT_TRUE(absl::EndsWith(c->signature, "-" + name)) << path;
    bool is_rule = false;
    for (int i = 0; i < kMtrrRuleCount; ++i) {
      is_rule |= InfoOf(static_cast<MtrrRule>(i)).name == name;
    }
    EXPECT_TRUE(is_rule) << path;
  }
}

// Whoever looks for what was found finds the case.
TEST(CorpusTest, EveryDepartureStandsInTheirTable) {
  const std::filesystem::path folder = kCorpus / "deviations";
  std::ifstream file(folder / "README.md");
  const std::string table(std::istreambuf_iterator<char>(file), {});
  ASSERT_NE(table, "");
  std::vector<std::string> paths = FilesUnder("deviations");
  const auto memory_types = MemoryTypeCasesUnder(folder.string());
  ASSERT_TRUE(memory_types.ok()) << memory_types.status();
  EXPECT_FALSE(memory_types->empty());
  paths.insert(paths.end(), memory_types->begin(), memory_types->end());
  for (const std::string& path : paths) {
    const std::string name = std::filesystem::path(path).stem().string();
    EXPECT_TRUE(absl::StrContains(table, absl::StrCat("`", name, "`")) ||
                absl::StrContains(table, absl::StrCat("/", name, "`")))
        << path;
  }
}

}  // namespace
}  // namespace eptdiff
