#include "fuzzers/check/rule_answers.h"

#include <bitset>

namespace eptdiff {
namespace {

bool IsStructureAccess(const Step* step) {
  return step != nullptr && (step->kind == StepKind::kPagingStructureRead ||
                             step->kind == StepKind::kPagingStructureUpdate);
}

std::size_t PositionOf(const RulePlace& place, const Step* step) {
  return (place.guest_entry || IsStructureAccess(step) ? 0 : 6) + place.level;
}

// Calls f(rule, position, whether it is the rule's first) for each part of an
// answer with these consequences.
template <typename F>
void ForEachPart(const RulePlaces& consequences, const Step* step, F&& f) {
  std::size_t last_rule = kRuleCount;
  std::size_t last_position = RuleAnswers::kPositions;
  consequences.ForEach([&](std::size_t number) {
    const RulePlace place = RulePlace::Number(number);
    const auto rule = static_cast<std::size_t>(place.rule);
    const std::size_t position = PositionOf(place, step);
    if (rule == last_rule && position == last_position) return;
    f(rule, position, rule != last_rule);
    last_rule = rule;
    last_position = position;
  });
}

}  // namespace

void RuleAnswers::Agree(GuestPagingMode mode, const Step* step,
                        const RulePlaces& consequences) {
  const auto of_mode = static_cast<std::size_t>(mode);
  ForEachPart(consequences, step,
              [&](std::size_t rule, std::size_t position, bool first) {
                if (first) ++rules_[rule].agreeing;
                ++cells_[rule][of_mode][position].agreeing;
              });
}

void RuleAnswers::Disagree(std::span<const Rule> at_fault, GuestPagingMode mode,
                           const Step* step, const RulePlaces& consequences) {
  std::bitset<kRuleCount> guilty;
  for (const Rule rule : at_fault) guilty.set(static_cast<std::size_t>(rule));
  // Also one that had no consequence in the SDM's own judgement.
  for (std::size_t rule = 0; rule < kRuleCount; ++rule) {
    rules_[rule].disagreeing += guilty[rule];
  }
  const auto of_mode = static_cast<std::size_t>(mode);
  ForEachPart(consequences, step,
              [&](std::size_t rule, std::size_t position, bool first) {
                Count& cell = cells_[rule][of_mode][position];
                if (guilty[rule]) {
                  ++cell.disagreeing;
                } else {
                  ++cell.obscured;
                  rules_[rule].obscured += first;
                }
              });
}

void RuleAnswers::Add(const RuleAnswers& other) {
  const auto add = [](Count& count, const Count& more) {
    count.agreeing += more.agreeing;
    count.disagreeing += more.disagreeing;
    count.obscured += more.obscured;
  };
  for (std::size_t rule = 0; rule < kRuleCount; ++rule) {
    add(rules_[rule], other.rules_[rule]);
    for (std::size_t mode = 0; mode < kModes; ++mode) {
      for (std::size_t position = 0; position < kPositions; ++position) {
        add(cells_[rule][mode][position], other.cells_[rule][mode][position]);
      }
    }
  }
}

}  // namespace eptdiff
