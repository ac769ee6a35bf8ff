#include "fuzzers/command/distill/distillate.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "fuzzers/command/distill/rule_matrix.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/feedback/builder_statistics.h"
#include "fuzzers/feedback/statistics.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/judgement/spine.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

namespace fs = std::filesystem;

// What was asked, and what came of it. Consequences are numbered below.
std::uint32_t AnswerThing(const Step* step, const Verdict& verdict) {
  constexpr std::uint32_t kAnswers = 1u << 31;
  std::uint32_t thing = kAnswers;
  if (step != nullptr) {
    thing |= (static_cast<std::uint32_t>(step->kind) + 1) << 24 |
             static_cast<std::uint32_t>(step->access.kind) << 20;
  }
  thing |= static_cast<std::uint32_t>(verdict.standing) << 16;
  if (verdict.alternatives.empty()) return thing;
  const Event& event = verdict.alternatives[0].event;
  return thing | static_cast<std::uint32_t>(event.kind) << 8 |
         (event.exit_reason & 0xffu);
}
// Alterations that a case tells from the SDM are numbered after consequences.
constexpr std::uint32_t kAlterations = RulePlace::kCount * kModes;
static_assert(kAlterations < 1u << 30);

// What happened in operations of which kind, and how accesses ended.
void AddTableThings(const Case& c, std::set<std::uint32_t>& things) {
  constexpr std::uint32_t kTables = 0xffu << 24;  // no kind of step is that
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  trial.set_observer([&](const BuilderStepReport& report) {
    BuilderStatistics::ForEach(report, [&](std::size_t n) {
      things.insert(kTables | static_cast<std::uint32_t>(n));
    });
  });
  trial.Run(c);
}

bool IsSettled(const fs::path& file, std::chrono::seconds settled) {
  std::error_code error;
  const auto written = fs::last_write_time(file, error);
  return !error && fs::file_time_type::clock::now() - written >= settled;
}

}  // namespace

void Distillate::Add(const std::string& name, std::size_t size, const Case& c) {
  std::set<std::uint32_t> things;
  if (HasTableOperations(c)) AddTableThings(c, things);
  for (Spine spine(c); !spine.over(); spine.Advance()) {
    const auto mode =
        static_cast<std::uint32_t>(GuestModeOf(spine.before().guest));
    spine.trace().consequences.ForEach([&](std::size_t place) {
      things.insert(static_cast<std::uint32_t>(place * kModes) + mode);
    });
    const std::size_t step = spine.step();
    things.insert(
        AnswerThing(step == 0 ? nullptr : &c.steps[step - 1], spine.verdict()));
  }
  const Candidate candidate{size, name};
  // Each costs a judgement: tried only where the case would be the best.
  std::vector<bool> wanted(AllAlterations().size());
  for (std::uint32_t i = 0; i < wanted.size(); ++i) {
    const auto best = best_.find(kAlterations + i);
    wanted[i] = best == best_.end() || candidate < best->second;
  }
  for (const std::size_t alteration : decided_.ToldBy(c, std::move(wanted))) {
    things.insert(kAlterations + static_cast<std::uint32_t>(alteration));
  }
  for (const std::uint32_t thing : things) {
    const auto [best, fresh] = best_.try_emplace(thing, candidate);
    if (!fresh && candidate < best->second) best->second = candidate;
  }
}

std::set<std::string> Distillate::Kept() const {
  std::set<std::string> names;
  for (const auto& [thing, best] : best_) names.insert(best.name);
  return names;
}

absl::StatusOr<Distilled> DistilInPlace(const std::string& directory,
                                        std::chrono::seconds settled) {
  const auto files = CasesUnder(directory);
  if (!files.ok()) return files.status();
  Distillate distillate;
  std::set<std::string> seen;
  for (const std::string& file : *files) {
    if (!IsSettled(file, settled)) continue;
    const auto content = ReadCaseFile(file);
    if (!content.ok()) continue;
    const Case& c = content->text_case.c;
    distillate.Add(file, EncodedSize(c), c);
    seen.insert(file);
  }
  const std::set<std::string> kept = distillate.Kept();
  for (const std::string& file : seen) {
    std::error_code gone;  // somebody else was quicker
    if (kept.count(file) == 0) fs::remove(file, gone);
  }
  return Distilled{seen.size(), kept.size(), distillate.things()};
}

}  // namespace eptdiff
