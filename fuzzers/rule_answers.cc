#include "fuzzers/rule_answers.h"

#include <bitset>

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

// Calls f(rule, position, whether it is the rule's first) for each part of an
// answer with these features.
template <typename F>
void ForEachPart(const Features& features, const Step* step, F&& f) {
  std::size_t last_rule = kRuleCount;
  std::size_t last_position = RuleAnswers::kPositions;
  ForEachConsequence(features, [&](std::size_t feature) {
    const std::size_t rule = feature / kOfOneRule;
    const std::size_t position = PositionOf(feature, step);
    if (rule == last_rule && position == last_position) return;
    f(rule, position, rule != last_rule);
    last_rule = rule;
    last_position = position;
  });
}

}  // namespace

void RuleAnswers::Agree(GuestPagingMode mode, const Step* step,
                        const Features& features) {
  const auto of_mode = static_cast<std::size_t>(mode);
  ForEachPart(features, step,
              [&](std::size_t rule, std::size_t position, bool first) {
                if (first) ++rules_[rule].agreeing;
                ++cells_[rule][of_mode][position].agreeing;
              });
}

void RuleAnswers::Disagree(std::span<const Rule> at_fault, GuestPagingMode mode,
                           const Step* step, const Features& features) {
  std::bitset<kRuleCount> guilty;
  for (const Rule rule : at_fault) guilty.set(static_cast<std::size_t>(rule));
  // Also one that had no consequence in the SDM's own judgement.
  for (std::size_t rule = 0; rule < kRuleCount; ++rule) {
    rules_[rule].disagreeing += guilty[rule];
  }
  const auto of_mode = static_cast<std::size_t>(mode);
  ForEachPart(features, step,
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

}  // namespace eptdiff
