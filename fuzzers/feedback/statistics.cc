#include "fuzzers/feedback/statistics.h"

#include <algorithm>
#include <bitset>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/feedback/target_host.h"

namespace eptdiff {
namespace {

// "5-level EPT is not modelled" without blanks.
std::string AsWord(std::string_view words) {
  std::string word(words);
  std::replace(word.begin(), word.end(), ' ', '_');
  return word;
}

void AddLine(std::string_view name, std::uint64_t value, std::string& text) {
  text.append(name).append(" ").append(std::to_string(value)).append("\n");
}

}  // namespace

Statistics::Statistics(std::span<const std::string> oracle_names)
    : start_(std::chrono::steady_clock::now()) {
  for (const std::string& name : oracle_names) {
    oracles_.emplace_back().name = name;
  }
}

void Statistics::BeginCase(const Case& c) {
  consequences_.Clear();
  ++cases_;
  last_step_ = 0;
  mix_steps_ += c.steps.size();
  mix_words_ += c.memory.size();
  mix_several_steps_ += c.steps.size() > 1;
  mix_accessed_dirty_ += (c.controls.eptp & bits::kAccessedDirty) != 0;
  mix_five_levels_ += EptLevels(c) == 5;
  if (!PagingIsOn(c)) {
    ++mix_paging_off_;
    return;
  }
  for (const Step& step : c.steps) {
    mix_guest_walks_ += step.kind == StepKind::kLinearAccess;
  }
}

void Statistics::Observe(const StepReport& report, const Case& c) {
  // The oracles meet the same step one after the other; it counts once.
  if (report.step <= last_step_) return;
  last_step_ = report.step;
  ++steps_;
  const bool access = c.steps[report.step - 1].kind < StepKind::kStore;
  accesses_ += access;
  leaves_ += access && report.trace.reached_leaf;
  alias_ += report.verdict.standing == Standing::kUndefined;
  consequences_.Add(report.trace.consequences);
}

void Statistics::CountAccess(const Trace& trace) {
  ++steps_;
  ++accesses_;
  leaves_ += trace.reached_leaf;
  consequences_.Add(trace.consequences);
}

void Statistics::EndCase(std::span<const Standings> standings) {
  seen_.Add(consequences_);
  for (std::size_t i = 0; i < standings.size(); ++i) {
    OracleCounts& counts = oracles_[i];
    ++counts.cases;
    counts.compared += standings[i].compared;
    if (standings[i].skip == Skip::kNone) {
      ++counts.answered;
    } else {
      ++counts.skipped[static_cast<std::size_t>(standings[i].skip)];
    }
  }
}

void Statistics::AddCases(std::size_t oracle, const OracleCounts& counts) {
  cases_ += counts.cases;
  OracleCounts& all = oracles_[oracle];
  all.cases += counts.cases;
  all.compared += counts.compared;
  all.answered += counts.answered;
  for (std::size_t i = 0; i < all.skipped.size(); ++i) {
    all.skipped[i] += counts.skipped[i];
  }
}

void Statistics::Count(std::string_view name) {
  const auto found = named_.find(name);
  if (found == named_.end()) {
    named_.emplace(name, 1);
  } else {
    ++found->second;
  }
}

std::string Statistics::Text() const {
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start_;
  std::string text;
  AddLine("cases", cases_, text);
  AddLine("steps", steps_, text);
  AddLine("accesses", accesses_, text);
  AddLine("leaves", leaves_, text);
  AddLine("alias", alias_, text);
  text += "seconds " + std::to_string(seconds.count()) + "\n";
  for (const OracleCounts& oracle : oracles_) {
    const std::string prefix = "oracle." + oracle.name + ".";
    AddLine(prefix + "cases", oracle.cases, text);
    AddLine(prefix + "answered", oracle.answered, text);
    AddLine(prefix + "compared", oracle.compared, text);
    for (std::size_t i = 0; i < kSkipCount; ++i) {
      if (oracle.skipped[i] == 0) continue;
      AddLine(prefix + "skipped." + AsWord(WordsOf(static_cast<Skip>(i))),
              oracle.skipped[i], text);
    }
  }
  for (const auto& [name, count] : named_) AddLine(name, count, text);
  const std::bitset<kRuleCount> rules = seen_.Rules();
  for (const RuleInfo& rule : kRules) {
    if (!rules[static_cast<std::size_t>(rule.rule)]) continue;
    AddLine("rule." + std::string(rule.identifier), 1, text);
  }
  AddLine("mix.steps", mix_steps_, text);
  AddLine("mix.words", mix_words_, text);
  AddLine("mix.guest_walks", mix_guest_walks_, text);
  AddLine("mix.several_steps", mix_several_steps_, text);
  AddLine("mix.accessed_dirty", mix_accessed_dirty_, text);
  AddLine("mix.five_levels", mix_five_levels_, text);
  AddLine("mix.paging_off", mix_paging_off_, text);
  return text;
}

bool Statistics::WriteTo(const std::string& path) const {
  return ReplaceFile(path, Text());
}

}  // namespace eptdiff
