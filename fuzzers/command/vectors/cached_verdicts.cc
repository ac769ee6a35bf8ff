#include "fuzzers/command/vectors/cached_verdicts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "oracle/judgement/permitted.h"
#include "oracle/judgement/spine.h"
#include "oracle/machine_state.h"
#include "oracle/reference/caches/caching_reference.h"

namespace eptdiff {
namespace {

// As far as answers are followed: so many steps judged for a case, so many
// verdicts on a step, so many optional writes of an alternative. What lies
// beyond is not said.
constexpr std::size_t kMostJudged = 4096;
constexpr std::size_t kMostVerdicts = 64;
constexpr std::size_t kMostOptional = 4;

bool Same(const CachedAnswer& a, const CachedAnswer& b) {
  return a.kept == b.kept && a.then == b.then && a.last == b.last &&
         a.alternative.decided == b.alternative.decided &&
         Permits(a.alternative, b.alternative) &&
         Permits(b.alternative, a.alternative);
}

bool Same(const CachedVerdict& a, const CachedVerdict& b) {
  return a.before == b.before &&
         std::equal(a.answers.begin(), a.answers.end(), b.answers.begin(),
                    b.answers.end(),
                    [](const auto& x, const auto& y) { return Same(x, y); });
}

// The optional writes that are bits of `set` are made, and no others.
Alternative WithOptional(const Alternative& alternative, unsigned set) {
  Alternative with = alternative;
  with.optional.clear();
  for (std::size_t i = 0; i < alternative.optional.size(); ++i) {
    if (set >> i & 1) with.required.push_back(alternative.optional[i]);
  }
  return with;
}

class Follower {
 public:
  explicit Follower(const Case& c) : case_(c), verdicts_(c.steps.size()) {
    MachineState state;
    state.records_history = true;
    state.Load(c);
    if (!c.steps.empty()) Follow(state, 0);
  }

  std::vector<std::vector<CachedVerdict>> Take() && {
    for (Spine spine(case_); !spine.over(); spine.Advance()) {
      if (spine.step() == 0) continue;
      auto& of_step = verdicts_[spine.step() - 1];
      if (of_step.size() == 1 && IsEverybodys(of_step[0], spine.verdict())) {
        of_step.clear();
      }
    }
    return std::move(verdicts_);
  }

 private:
  // Whether a verdict says what `by_memory` does, and leads nowhere else.
  static bool IsEverybodys(const CachedVerdict& verdict,
                           const Verdict& by_memory) {
    const auto leads_on = [](const CachedAnswer& answer) {
      return answer.then == 0 && !answer.last;
    };
    if (verdict.answers.size() != by_memory.alternatives.size() ||
        !std::all_of(verdict.answers.begin(), verdict.answers.end(),
                     leads_on)) {
      return false;
    }
    Verdict same;
    for (const CachedAnswer& answer : verdict.answers) {
      same.alternatives.push_back(answer.alternative);
    }
    return SameVerdict(same, by_memory);
  }

  // The number of the verdict on a step that meets `state`.
  std::optional<std::size_t> Follow(MachineState state, std::size_t number) {
    if (judged_ == kMostJudged) return std::nullopt;
    ++judged_;
    const Step& step = case_.steps[number];
    state.Begin(step);
    reference_.Judge(state, &step, verdict_, trace_);
    if (verdict_.standing != Standing::kJudged) return std::nullopt;
    reference_.reference().Judge(state, &step, by_memory_, trace_);
    CachedVerdict verdict;
    verdict.before = RegistersOf(state);
    for (const Alternative& alternative : verdict_.alternatives) {
      CachedAnswer answer;
      answer.alternative = alternative;
      answer.kept = std::none_of(by_memory_.alternatives.begin(),
                                 by_memory_.alternatives.end(),
                                 [&](const Alternative& other) {
                                   return Permits(other, alternative);
                                 });
      verdict.answers.push_back(answer);
    }
    const std::vector<CachedAnswer> answers = std::move(verdict.answers);
    verdict.answers.clear();
    for (const CachedAnswer& answer : answers) {
      AddAnswer(answer, state, number, verdict.answers);
    }
    return NumberOf(std::move(verdict), number);
  }

  std::optional<std::size_t> NumberOf(CachedVerdict verdict,
                                      std::size_t number) {
    auto& known = verdicts_[number];
    const auto same = std::find_if(
        known.begin(), known.end(),
        [&](const CachedVerdict& other) { return Same(other, verdict); });
    if (same != known.end()) {
      return static_cast<std::size_t>(same - known.begin());
    }
    if (known.size() == kMostVerdicts) return std::nullopt;
    known.push_back(std::move(verdict));
    return known.size() - 1;
  }

  // As one answer if what follows is the same whatever optional writes are
  // made, else as one for each choice of them.
  void AddAnswer(CachedAnswer answer, const MachineState& before,
                 std::size_t number, std::vector<CachedAnswer>& answers) {
    const Alternative& alternative = answer.alternative;
    if (number + 1 == case_.steps.size() ||
        IsFailedEntry(alternative.event.kind)) {
      return answers.push_back(answer);
    }
    const std::size_t optional = alternative.optional.size();
    const bool many =
        optional > kMostOptional ||
        optional + alternative.required.size() > BitWrites::capacity();
    if (many || alternative.ve_written) {  // undefined bits in the area
      answer.last = true;
      return answers.push_back(answer);
    }
    std::vector<CachedAnswer> split;
    for (unsigned set = 0; set < 1u << optional; ++set) {
      CachedAnswer one = answer;
      one.alternative = WithOptional(alternative, set);
      const auto then = FollowAll(one.alternative, before, number);
      one.then = then.value_or(0);
      one.last = !then.has_value();
      split.push_back(one);
    }
    const bool same =
        std::all_of(split.begin(), split.end(), [&](const CachedAnswer& one) {
          return one.then == split[0].then && one.last == split[0].last;
        });
    if (!same) {
      answers.insert(answers.end(), split.begin(), split.end());
      return;
    }
    answer.then = split[0].then;
    answer.last = split[0].last;
    answers.push_back(answer);
  }

  // After the answer that is permitted by `alternative`, whatever is undefined
  // in it; without optional writes.
  std::optional<std::size_t> FollowAll(const Alternative& alternative,
                                       const MachineState& before,
                                       std::size_t number) {
    std::optional<std::size_t> then;
    for (const Outcome& outcome : OutcomesOf(alternative, before)) {
      MachineState after = before;
      after.Apply(&case_.steps[number], outcome);
      const auto other = Follow(std::move(after), number + 1);
      if (!other.has_value() || other != then.value_or(*other)) {
        return std::nullopt;
      }
      then = other;
    }
    return then;
  }

  // The plain one, and those that end something else of what was kept.
  std::vector<Outcome> OutcomesOf(const Alternative& alternative,
                                  const MachineState& before) {
    constexpr std::uint16_t kException = 0, kEptViolation = 48;
    const Event& event = alternative.event;
    const bool ends = event.kind == EventKind::kPageFault ||
                      (event.kind == EventKind::kVmExit &&
                       (event.exit_reason == kException ||
                        event.exit_reason == kEptViolation));
    if (!ends) return {PlainOutcome(alternative, before)};
    verdict_.alternatives.clear();
    verdict_.alternatives.push_back(alternative);
    std::vector<Outcome> outcomes = PermittedOutcomes(verdict_, before);
    for (Outcome& outcome : outcomes) {  // whatever else is undefined
      outcome.registers = outcomes[0].registers;
      outcome.writes = outcomes[0].writes;
    }
    const Event plain = outcomes[0].event;
    const auto ends_the_same = [&](const Outcome& other) {
      constexpr std::uint64_t kPage = ~std::uint64_t{0xfff};
      constexpr std::uint64_t kTranslated = 1 << 8;
      const Event& e = other.event;
      return ((plain.gpa.value ^ e.gpa.value) & kPage) == 0 &&
             ((plain.gla.value ^ e.gla.value) & kPage) == 0 &&
             ((plain.cr2.value ^ e.cr2.value) & kPage) == 0 &&
             ((plain.qualification ^ e.qualification) & kTranslated) == 0;
    };
    outcomes.erase(
        std::remove_if(outcomes.begin() + 1, outcomes.end(), ends_the_same),
        outcomes.end());
    return outcomes;
  }

  const Case& case_;
  const CachingReference reference_;
  std::size_t judged_ = 0;
  // Large: not on the stack of what calls itself.
  Verdict verdict_;
  Verdict by_memory_;
  Trace trace_;
  std::vector<std::vector<CachedVerdict>> verdicts_;
};

}  // namespace

std::vector<std::vector<CachedVerdict>> CachedVerdictsOf(const Case& c) {
  return Follower(c).Take();
}

}  // namespace eptdiff
