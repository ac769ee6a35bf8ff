#include "fuzzers/rule_answers.h"

namespace eptdiff {
namespace {

constexpr std::size_t kOfOneRule = Trace::kFeatures / kRuleCount;

bool IsStructureAccess(const Step* step) {
  return step != nullptr && (step->kind == StepKind::kPagingStructureRead ||
                             step->kind == StepKind::kPagingStructureUpdate);
}

// Of a consequence, by its number (trace.h).
std::size_t PositionOf(std::size_t feature, const Step* step) {
  const bool guest_entry = feature / 2 % 2 != 0 || IsStructureAccess(step);
  return (guest_entry ? 0 : 6) + feature % kOfOneRule / 4;
}

}  // namespace

void RuleAnswers::Agree(GuestPagingMode mode, const Step* step,
                        const Features& features) {
  const auto of_mode = static_cast<std::size_t>(mode);
  std::size_t last_rule = kRuleCount;
  std::size_t last_position = kPositions;
  ForEachConsequence(features, [&](std::size_t feature) {
    const std::size_t rule = feature / kOfOneRule;
    const std::size_t position = PositionOf(feature, step);
    if (rule != last_rule) {
      ++rules_[rule].agreeing;
    } else if (position == last_position) {
      return;
    }
    ++cells_[rule][of_mode][position].agreeing;
    last_rule = rule;
    last_position = position;
  });
}

void RuleAnswers::Disagree(Rule rule, GuestPagingMode mode, const Step* step,
                           const Features& features) {
  const auto of_rule = static_cast<std::size_t>(rule);
  const auto of_mode = static_cast<std::size_t>(mode);
  ++rules_[of_rule].disagreeing;
  std::size_t last_position = kPositions;
  ForEachConsequence(features, [&](std::size_t feature) {
    if (feature / kOfOneRule != of_rule) return;
    const std::size_t position = PositionOf(feature, step);
    if (position == last_position) return;
    ++cells_[of_rule][of_mode][position].disagreeing;
    last_position = position;
  });
}

}  // namespace eptdiff
