#include "fuzzers/command/conformance/caches/answers.h"

#include <algorithm>
#include <iterator>
#include <memory>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/conformance/caches/shape_words.h"
#include "fuzzers/text/view.h"
#include "oracle/bochs/bochs_oracle.h"
#include "oracle/engine/engine_cache_oracle.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/permitted.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

// Each combination of optional writes is an alternative of its own.
std::vector<Alternative> Settled(const Alternative& alternative) {
  std::vector<Alternative> all(1, alternative);
  all[0].optional.clear();
  for (const BitWrite& write : alternative.optional) {
    const std::size_t count = all.size();
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(all[i]);
      all.back().required.push_back(write);
    }
  }
  return all;
}

bool Fits(const Alternative& alternative, const MachineState& before,
          const Outcome& outcome) {
  const auto verdict = std::make_unique<Verdict>();
  verdict->alternatives.push_back(alternative);
  return Judge(*verdict, before, outcome, kAllFields).conforms;
}

// Whether `given`, as far as its oracle fills it in, is `hand`.
bool SameAnswer(const Outcome& given, const Outcome& hand, FieldSet fields) {
  const Event& a = given.event;
  const Event& b = hand.event;
  if (a.kind != b.kind || given.writes != hand.writes ||
      !(given.registers == hand.registers)) {
    return false;
  }
  const auto differ = [&](Field field, auto x, auto y) {
    return (fields & SetOf(field)) != 0 && x != y;
  };
  if (a.translation_count != b.translation_count) return false;
  for (std::size_t i = 0; i < a.translation_count; ++i) {
    const Translation& x = a.translations[i];
    const Translation& y = b.translations[i];
    if (differ(Field::kAddress, x.address.value, y.address.value) ||
        differ(Field::kPageSize, x.page_shift, y.page_shift) ||
        differ(Field::kMemoryType, x.memory_type, y.memory_type)) {
      return false;
    }
  }
  return !differ(Field::kExitReason, a.exit_reason, b.exit_reason) &&
         !differ(Field::kQualification, a.qualification, b.qualification) &&
         !differ(Field::kErrorCode, a.error_code, b.error_code);
}

// Puts variants to one implementation.
class Asking {
 public:
  Asking(const ShapeVariant& variant, const FollowedVariant& followed)
      : variant_(variant), followed_(followed) {}

  GivenAnswer Ask(Oracle& oracle, const Dialect& dialect) {
    GivenAnswer given;
    Trial trial;
    trial.Add(oracle, dialect);
    const FieldSet fields = oracle.fields();
    const std::size_t last = variant_.c.steps.size();
    trial.set_observer([&](const StepReport& report) {
      if (report.step == 0 || !given.otherwise.empty()) return;
      if (report.step < last) {
        if (SameAnswer(report.outcome, followed_.answers[report.step - 1],
                       fields)) {
          return;
        }
        given.otherwise =
            absl::StrCat("the question does not come; step ", report.step, " ",
                         AnswerWords(report.before, report.outcome, fields));
        return;
      }
      given.answer = NumberOf(report, fields);
      if (!given.answer) {
        given.otherwise = AnswerWords(report.before, report.outcome, fields);
      }
    });
    const Standings& standings = trial.Run(variant_.c)[0];
    if (standings.skip != Skip::kNone && given.otherwise.empty()) {
      given.answer.reset();
      given.otherwise = std::string(WordsOf(standings.skip));
    }
    return given;
  }

 private:
  std::optional<std::size_t> NumberOf(const StepReport& report,
                                      FieldSet fields) const {
    for (std::size_t i = 0; i < variant_.answers.size(); ++i) {
      if (SameAnswer(report.outcome,
                     variant_.answers[i].answer.In(report.before), fields)) {
        return i;
      }
    }
    return std::nullopt;
  }

  const ShapeVariant& variant_;
  const FollowedVariant& followed_;
};

}  // namespace

FollowedVariant Follow(const ShapeVariant& variant, const Dialect& dialect,
                       bool keeps) {
  FollowedVariant followed;
  const CachingReference sdm;
  const CachingReference last(dialect);
  MachineState state;
  state.records_history = keeps;
  state.Load(variant.c);
  const auto trace = std::make_unique<Trace>();
  for (std::size_t i = 0; i < variant.c.steps.size(); ++i) {
    const Step& step = variant.c.steps[i];
    const bool asks = i + 1 == variant.c.steps.size();
    state.Begin(step);
    followed.before.push_back(state);
    (asks ? last : sdm).Judge(state, &step, followed.verdict, *trace);
    if (followed.verdict.standing != Standing::kJudged ||
        followed.verdict.alternatives.empty()) {
      followed.mistake =
          absl::StrCat("step ", i + 1,
                       " is not judged: ", View(followed.verdict.unmodelled));
      return followed;
    }
    if (asks) return followed;
    Outcome outcome = PlainOutcome(followed.verdict.alternatives[0], state);
    if (const auto told = variant.met.find(i + 1);
        keeps && told != variant.met.end()) {
      outcome = told->second.In(state);
      if (!Judge(followed.verdict, state, outcome, kAllFields).conforms) {
        followed.mistake =
            absl::StrCat("step ", i + 1, " may not answer what was told");
        return followed;
      }
    }
    followed.answers.push_back(outcome);
    state.Apply(&step, outcome);
  }
  followed.mistake = "there is no step";
  return followed;
}

std::vector<std::string> Mistakes(const ShapeVariant& variant,
                                  const FollowedVariant& followed) {
  if (!followed.mistake.empty()) return {followed.mistake};
  std::vector<std::string> mistakes;
  const MachineState& before = followed.before.back();
  std::vector<Outcome> permitted;
  for (const ShapeAnswer& answer : variant.answers) {
    const Outcome outcome = answer.answer.In(before);
    const bool conforms =
        Judge(followed.verdict, before, outcome, kAllFields).conforms;
    if (conforms != answer.permitted()) {
      mistakes.push_back(absl::StrCat(
          AnswerWords(before, outcome),
          conforms ? ": the reference permits it" : ": it is not permitted"));
    }
    if (answer.permitted()) permitted.push_back(outcome);
  }
  for (const Alternative& alternative : followed.verdict.alternatives) {
    for (const Alternative& settled : Settled(alternative)) {
      const bool told = std::any_of(permitted.begin(), permitted.end(),
                                    [&](const Outcome& outcome) {
                                      return Fits(settled, before, outcome);
                                    });
      if (told) continue;
      mistakes.push_back(
          absl::StrCat(AnswerWords(before, PlainOutcome(settled, before)),
                       ": the reference permits it, and it is not told"));
    }
  }
  return mistakes;
}

std::vector<GivenAnswer> AskAll(const ShapeVariant& variant) {
  std::vector<GivenAnswer> all;
  const FollowedVariant followed = Follow(variant, Dialect());
  if (!followed.mistake.empty())
    return std::vector<GivenAnswer>(std::size(kAsked));
  Asking asking(variant, followed);
  DialectOracle memory{Dialect()};
  all.push_back(asking.Ask(memory, Dialect()));
  EngineOracle engine;
  all.push_back(asking.Ask(engine, Dialect()));
  EngineCacheOracle cache;
  all.push_back(asking.Ask(cache, Dialect()));
  const auto dialect = FindDialect(BochsDialectName());
  for (const BochsTlb tlb : {BochsTlb::kNone, BochsTlb::kKept}) {
    const std::unique_ptr<Oracle> bochs = MakeBochsOracle(tlb);
    if (bochs == nullptr) {
      all.push_back({std::nullopt, "not built in"});
    } else {
      all.push_back(asking.Ask(*bochs, dialect ? *dialect : Dialect()));
    }
  }
  return all;
}

}  // namespace eptdiff
