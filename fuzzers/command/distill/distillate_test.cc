#include "fuzzers/command/distill/distillate.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "fuzzers/command/distill/decided.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/encoding/encoding.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/builder/judge/table_witnesses.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

Case Witness(std::string_view name) {
  for (const NamedCase& witness : Witnesses()) {
    if (witness.name == name) return witness.c;
  }
  ADD_FAILURE() << "there is no witness " << name;
  return Case();
}

TEST(DistillateTest, SmallestOfThoseThatDoTheSameIsKept) {
  const Case c = Witness("cfg-8-bit-12");
  Distillate distillate;
  distillate.Add("large", 900, c);
  distillate.Add("small-b", 500, c);
  distillate.Add("small-a", 500, c);
  EXPECT_THAT(distillate.Kept(), ElementsAre("small-a"));
}

TEST(DistillateTest, WhatDoesSomethingElseIsKeptToo) {
  Distillate distillate;
  distillate.Add("a", 500, Witness("cfg-8-bit-12"));
  const std::size_t things = distillate.things();
  distillate.Add("b", 900, Witness("cfg-9-bit-12"));
  EXPECT_THAT(distillate.Kept(), ElementsAre("a", "b"));
  EXPECT_GT(distillate.things(), things);
}

// A write that reaches into the next sub-page decides SPP-6 only if its first
// byte could be written; where nothing can, the same happens.
TEST(DistillateTest, WhatDecidesIsKeptBesideWhatHappensAlike) {
  const Case decides = Witness("spp-6-second-sub-page-refused");
  Case asks = decides;
  for (MemoryWord& word : asks.memory) {
    if (word.value == 0x100) word.value = 0;  // the vector of sub-pages
  }
  Distillate distillate;
  distillate.Add("asks", 500, asks);
  distillate.Add("decides", 900, decides);
  EXPECT_THAT(distillate.Kept(), ElementsAre("asks", "decides"));
}

TEST(DistillateTest, WhatIsKeptTellsEachAlterationThatAllTell) {
  const DecidedRules decided(/*counting=*/false);
  Distillate distillate;
  std::map<std::string, std::vector<std::size_t>> told;
  for (const NamedCase& witness : Witnesses()) {
    const std::string name(witness.name);
    told[name] = decided.ToldBy(witness.c);
    distillate.Add(name, EncodedSize(witness.c), witness.c);
  }
  std::set<std::size_t> by_all, by_kept;
  const std::set<std::string> kept = distillate.Kept();
  for (const auto& [name, alterations] : told) {
    by_all.insert(alterations.begin(), alterations.end());
    if (!kept.contains(name)) continue;
    by_kept.insert(alterations.begin(), alterations.end());
  }
  EXPECT_EQ(by_kept, by_all);
  EXPECT_GT(by_all.size(), 500u);
}

TEST(DistillateTest, CasesAboutBuildersAreToldApartByWhatHappens) {
  Distillate distillate;
  for (const TableWitness& witness : TableWitnesses()) {
    distillate.Add(std::string(witness.name), 500, witness.c);
  }
  const std::set<std::string> kept = distillate.Kept();
  EXPECT_GE(kept.size(), 10u);
  EXPECT_TRUE(kept.contains("table-flags-set-meanwhile"));
}

// The same guest's entry in another mode of paging is another thing.
TEST(DistillateTest, ModesOfGuestPagingAreToldApart) {
  Distillate distillate;
  for (const char* mode : {"32-bit", "pae", "4-level", "5-level"}) {
    distillate.Add(mode, 500,
                   Witness(std::string("gw-7-supervisor-page-") + mode));
  }
  EXPECT_EQ(distillate.Kept().size(), 4u);
}

// Whoever looks first, at whatever part: what all see as the best stays.
TEST(DistillateTest, DistillingPartsAndTheirUnionIsDistillingAll) {
  Distillate all, even, odd;
  std::vector<NamedCase> witnesses(Witnesses().begin(), Witnesses().end());
  const auto add = [](Distillate& to, const NamedCase& witness) {
    to.Add(std::string(witness.name), EncodedSize(witness.c), witness.c);
  };
  for (std::size_t i = 0; i < witnesses.size(); ++i) {
    add(all, witnesses[i]);
    add(i % 2 == 0 ? even : odd, witnesses[i]);
  }
  std::set<std::string> parts = even.Kept();
  parts.merge(odd.Kept());
  Distillate both;
  for (auto witness = witnesses.rbegin(); witness != witnesses.rend();
       ++witness) {
    if (parts.count(std::string(witness->name)) > 0) add(both, *witness);
  }
  EXPECT_EQ(both.Kept(), all.Kept());
  EXPECT_EQ(both.things(), all.things());
  EXPECT_LT(all.Kept().size(), witnesses.size());
}

std::string Bytes(const Case& c) {
  const std::vector<std::uint8_t> bytes = EncodeCase(c);
  return std::string(bytes.begin(), bytes.end());
}

TEST(DistilInPlaceTest, RemovesWhatIsNotNeededAndLeavesTheYoungAlone) {
  const TestDirectory directory;
  Case large = Witness("cfg-8-bit-12");
  large.memory.push_back({{0x7000}, 7});
  directory.File("large", Bytes(large));
  directory.File("small", Bytes(Witness("cfg-8-bit-12")));
  directory.File("other", Bytes(Witness("cfg-9-bit-12")));
  directory.File("a.textproto", "no case");
  namespace fs = std::filesystem;
  for (const char* name : {"large", "small", "other", "a.textproto"}) {
    fs::last_write_time(directory.Path(name), fs::file_time_type::clock::now() -
                                                  std::chrono::seconds(100));
  }
  directory.File("young", Bytes(large));
  const auto distilled =
      DistilInPlace(directory.path(), std::chrono::seconds(60));
  ASSERT_TRUE(distilled.ok()) << distilled.status();
  EXPECT_EQ(distilled->cases, 3u);
  EXPECT_EQ(distilled->kept, 2u);
  EXPECT_THAT(*CasesUnder(directory.path()),
              UnorderedElementsAre(
                  directory.Path("a.textproto"), directory.Path("other"),
                  directory.Path("small"), directory.Path("young")));
}

TEST(DistillCommandTest, WritesTheSmallestAndNothingTwice) {
  const TestDirectory directory;
  std::filesystem::create_directory(directory.Path("a"));
  std::filesystem::create_directory(directory.Path("b"));
  directory.File("a/x", Bytes(Witness("cfg-8-bit-12")));
  directory.File("b/y", Bytes(Witness("cfg-8-bit-12")));
  directory.File("b/z", Bytes(Witness("cfg-9-bit-12")));
  const std::vector<std::string> command = {"distill", "a", "b", "--out",
                                            "kept"};
  const Ran ran = RunEptdiff(command, {}, directory.path());
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("2 cases: 2 do all "));
  const auto first = *CasesUnder(directory.Path("kept"));
  EXPECT_EQ(first.size(), 2u);
  // The same again, of what came of it.
  EXPECT_EQ(RunEptdiff({"distill", "kept", "a", "--out", "kept"}, {},
                       directory.path())
                .status,
            0);
  EXPECT_EQ(*CasesUnder(directory.Path("kept")), first);
}

TEST(DistillCommandTest, BadUseAndBadInputAreTold) {
  const TestDirectory directory;
  EXPECT_THAT(RunEptdiff({"distill", directory.path()}).err,
              HasSubstr("either --out or --in-place"));
  EXPECT_EQ(
      RunEptdiff({"distill", "no-such", "--out", "x"}, {}, directory.path())
          .status,
      2);
  directory.File("a.textproto", "processor { maxphyaddr: 99 }");
  const Ran bad =
      RunEptdiff({"distill", ".", "--out", "x"}, {}, directory.path());
  EXPECT_EQ(bad.status, 2);
  EXPECT_THAT(bad.err, HasSubstr("a.textproto:1:13"));
}

}  // namespace
}  // namespace eptdiff
