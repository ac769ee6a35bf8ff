#include "fuzzers/experiment/experiments_testing.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/experiment/experiments.h"
#include "fuzzers/generation/generator.h"
#include "gtest/gtest.h"
#include "oracle/judgement/judge.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {

std::optional<Observed> Judged(const Case& question, MachineState& state,
                               const Outcome& outcome) {
  const Step& step = question.steps[0];
  state.Begin(step);
  auto verdict = std::make_unique<Verdict>();
  auto trace = std::make_unique<Trace>();
  Reference().Judge(state, step, *verdict, *trace);
  if (verdict->standing != Standing::kJudged) return {};
  const Finding finding = Judge(*verdict, state, outcome, kAllFields);
  Observed observed;
  observed.question = question;
  observed.outcome = outcome;
  observed.entries.assign(trace->entries.begin(), trace->entries.end());
  observed.departs = !finding.conforms;
  observed.disagreements = finding.disagreements;
  observed.expected = ClassOf(verdict->alternatives[finding.alternative].event);
  return observed;
}

std::vector<Cause> CausesOf(const AnswerTo& answer, Focus focus,
                            const Declared& declared, std::size_t* pauses) {
  std::vector<Observed> pool;
  const auto ask = [&](const Case& c) {
    for (const Step& step : c.steps) {
      Case question = c;
      question.steps = {step};
      Canonicalise(question);
      if (auto observed = answer(question)) {
        pool.push_back(*std::move(observed));
      }
    }
  };
  for (const NamedCase& witness : Witnesses()) ask(witness.c);
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    Case c;
    GenerateCase(seed, c, focus);
    ask(c);
  }
  using Clock = Experiments::Clock;
  Experiments* studying = nullptr;
  const auto pause = [&] {
    if (pauses != nullptr) studying->set_pause(Clock::time_point::min());
  };
  constexpr std::size_t kPiece = 1000;
  std::size_t given = 0;  // of the pool
  Experiments experiments(
      Dialect(), kAllFields, declared,
      [&](std::span<const Case> questions,
          std::vector<std::optional<Observed>>& answers) {
        pause();
        for (const Case& question : questions) {
          answers.push_back(answer(question));
        }
      },
      [&](std::vector<Observed>& all) {
        pause();
        const std::size_t end = std::min(given + kPiece, pool.size());
        for (; given < end; ++given) all.push_back(pool[given]);
        return given < pool.size();
      });
  studying = &experiments;
  std::vector<Observed> departing;
  for (const Observed& observed : pool) {
    if (observed.departs && departing.size() < 200) {
      departing.push_back(observed);
    }
  }
  EXPECT_FALSE(departing.empty());
  for (const Observed& seed : departing) {
    if (experiments.CauseOf(seed).has_value()) continue;
    experiments.set_pause(Clock::time_point::max());
    while (experiments.Study(seed, departing) == Studied::kPaused) {
      ++*pauses;
      experiments.set_pause(Clock::time_point::max());
    }
  }
  return experiments.causes();
}

std::string Told(const std::vector<Cause>& causes) {
  std::ostringstream text;
  for (const Cause& cause : causes) {
    text << "effect " << static_cast<int>(cause.effect.kind) << " word "
         << static_cast<int>(cause.effect.word) << " part "
         << static_cast<int>(cause.effect.part) << std::hex << " mask "
         << cause.effect.mask << " value " << cause.effect.value << " from "
         << cause.effect.from << std::dec << " field "
         << static_cast<int>(cause.effect.field) << " form "
         << static_cast<int>(cause.effect.form) << " given "
         << cause.effect.given << " was " << cause.effect.was << " explains "
         << cause.explained << ", contradicted " << cause.contradicted << "\n";
    for (const Atom& atom : cause.when) {
      text << "  of " << static_cast<int>(atom.of) << " word "
           << static_cast<int>(atom.word) << std::hex << " mask " << atom.mask
           << " value " << atom.value << std::dec << "\n";
    }
  }
  return text.str();
}

}  // namespace eptdiff
