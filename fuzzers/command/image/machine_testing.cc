#include "fuzzers/command/image/machine_testing.h"

#include <map>
#include <string_view>

#include "fuzzers/encoding/encoding.h"
#include "oracle/judgement/trial.h"
#include "oracle/processor/moving.h"
#include "oracle/processor/moving_testing.h"
#include "oracle/processor/report_writer.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

void Append(void* to, std::string_view text) {
  static_cast<std::string*>(to)->append(text);
}

}  // namespace

std::string LogOf(Oracle& oracle, const std::vector<GivenCase>& cases) {
  std::string log;
  ReportWriter writer(Append, &log);
  writer.Begin("0.1.0", kEncodingVersion);
  writer.Machine({.vendor = "GenuineIntel",
                  .hypervisor = "",
                  .brand = "A machine that never was",
                  .firmware = "BIOS",
                  .family = 6,
                  .model = 0x8c,
                  .stepping = 1});
  writer.Run({.module_cases = cases.size(), .only = ""});
  const Dialect sdm;
  Trial trial;
  trial.Add(oracle, sdm);
  RulePlaces met;
  FindingFacts news;
  bool has_news = false;
  std::map<std::size_t, int> times_met;
  trial.set_observer([&](const StepReport& step) {
    if (step.verdict.standing != Standing::kJudged || !step.finding.conforms) {
      return;
    }
    step.trace.consequences.ForEach([&](std::size_t place) {
      if (++times_met[place] > 4) return;
      has_news = true;
      news.step = step.step;
      news.answer = step.outcome;
      news.fields = oracle.fields();
    });
    met.Add(step.trace.consequences);
  });
  ReportCounts counts;
  std::uint64_t number = 0;
  for (const GivenCase& named : cases) {
    const std::uint64_t index = counts.cases++;
    Mover mover(FreeMemory(named.c.processor.maxphyaddr));
    Case moved;
    if (mover.Move(named.c, named.c.processor, moved) != Unmovable::kNone) {
      ++counts.skipped;
      continue;
    }
    has_news = false;
    const Standings& standings = trial.Run(moved).front();
    const std::vector<std::uint8_t> there = EncodeCase(moved);
    if (has_news) {
      news.number = ++number;
      news.moved = there;
      writer.Agreed(news);
    }
    counts.steps += standings.compared;
    if (!standings.disagrees) {
      ++(standings.skip == Skip::kNone ? counts.agrees : counts.skipped);
      continue;
    }
    ++counts.departs;
    const std::vector<std::uint8_t> generated = EncodeCase(named.c);
    const std::string signature = SignatureOf("machine", standings.finding);
    FindingFacts facts;
    facts.number = ++number;
    facts.name = named.name;
    facts.index = index;
    facts.step = standings.step;
    facts.signature = signature;
    facts.first = standings.finding.disagreements[0];
    facts.answer = standings.outcome;
    facts.fields = oracle.fields();
    facts.generated = generated;
    facts.moved = there;
    writer.Finding(facts);
    writer.Progress(counts);
  }
  counts.milliseconds = 1500;
  std::vector<std::uint8_t> places((RulePlace::kCount + 7) / 8);
  met.ForEach([&](std::size_t place) {
    places[place / 8] |= static_cast<std::uint8_t>(1u << (place % 8));
  });
  writer.Met(places);
  writer.Skips("the machine has no room for the case's pages of 1 GByte", 3);
  writer.End(counts);
  return log;
}

std::vector<GivenCase> WitnessCases() {
  std::vector<GivenCase> cases;
  for (const NamedCase& witness : Witnesses()) {
    cases.push_back({std::string(witness.name), witness.c});
  }
  return cases;
}

}  // namespace eptdiff
