#include "fuzzers/command/image/adapter_comparison.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/encoding/encoding.h"
#include "oracle/judgement/judge.h"
#include "oracle/machine_state.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/verdict.h"

namespace eptdiff {
namespace {

// That an answer is this one, bit by bit: what the SDM leaves undefined is
// defined by the source that both have in common. What a VM exit saves besides
// a walker does not say.
void MakeOnlyAnswer(const Outcome& answer, Verdict& verdict) {
  constexpr std::uint16_t kEptViolation = 48, kEptMisconfiguration = 49;
  constexpr std::uint64_t kLinearAddressValid = 1 << 7;
  verdict.standing = Standing::kJudged;
  verdict.alternatives.clear();
  Alternative& only = verdict.alternatives.emplace_back(Effects());
  only.registers = answer.registers;
  for (const MemoryWord& word : answer.writes) {
    only.required.push_back(
        {word.address, ~std::uint64_t{0}, word.value, RuleAt()});
  }
  only.event = answer.event;
  only.qualification_defined = ~std::uint64_t{0};
  only.pdptes_defined = true;
  const std::uint16_t reason = answer.event.exit_reason;
  only.gpa_defined = reason == kEptViolation || reason == kEptMisconfiguration;
  only.gla_defined = reason == kEptViolation &&
                     (answer.event.qualification & kLinearAddressValid) != 0;
}

class Comparing {
 public:
  Comparing(const Dialect& machine, Oracle& oracle, const Dialect& other,
            AdapterComparison& comparison)
      : oracle_(oracle), machine_(machine), comparison_(comparison) {
    const auto alterations = machine.alterations();
    const auto others = other.alterations();
    for (std::size_t i = 0; i < alterations.size(); ++i) {
      const Alteration* const own = alterations[i];
      if (std::find(others.begin(), others.end(), own) != others.end()) {
        continue;
      }
      without_.emplace_back(own, CachingReference(machine.Without(i)));
    }
  }

  // The answers to one case.
  void Compare(const ReportedFinding* first, const ReportedFinding* end) {
    ++comparison_.cases;
    const auto rest = [&](const ReportedFinding* from) {
      return static_cast<std::uint64_t>(end - from);
    };
    std::string_view reason;
    if (first->moved.empty()) reason = "the case is not whole";
    if (first->keeps) reason = "the machine may use what it has kept";
    if (!reason.empty()) return LeaveOut(reason, rest(first));
    const Case c = DecodeCase(first->moved);
    state_.Load(c);
    if (const Skip skip = oracle_.Enter(state_, given_); skip != Skip::kNone) {
      return LeaveOut(WordsOf(skip), rest(first));
    }
    for (const ReportedFinding* told = first; told != end; ++told) {
      const bool is_entry = told->step == 0;
      if (told->step > c.steps.size()) {
        return LeaveOut("the case has no such step", rest(told));
      }
      const Step* const step = is_entry ? nullptr : &c.steps[told->step - 1];
      if (!is_entry) state_.Begin(*step);
      const Skip skip =
          is_entry ? Skip::kNone : AskOracle(oracle_, state_, *step, given_);
      if (skip != Skip::kNone) return LeaveOut(WordsOf(skip), rest(told));
      if (is_entry || step->kind == StepKind::kVmEntry) {
        // GST-5, say: of such a guest the SDM says nothing.
        if (!Permits(sdm_, *told, step)) {
          return LeaveOut("VM entry should have failed", rest(told));
        }
        LeaveOut(WordsOf(Skip::kVmEntryNotModelled), 1);
      } else {
        CompareStep(*told, *step);
      }
      state_.Apply(step, told->answer);
    }
  }

 private:
  void LeaveOut(std::string_view reason, std::uint64_t steps) {
    comparison_.left_out[std::string(reason)] += steps;
  }

  void CompareStep(const ReportedFinding& told, const Step& step) {
    ++comparison_.steps;
    MakeOnlyAnswer(given_, *verdict_);
    const Finding finding =
        Judge(*verdict_, state_, told.answer, told.fields & oracle_.fields());
    if (finding.conforms) {
      ++comparison_.same;
      return;
    }
    if (const Alteration* const why = Explanation(told, step)) {
      ++comparison_.explained[std::string(why->name)];
      return;
    }
    comparison_.unexplained.push_back(
        {told.line,
         absl::StrCat(
             "step ", told.step, ", ", StepWords(step), ": the ",
             "machine has ", EventWords(told.answer.event, told.fields),
             ", the other ", EventWords(given_.event, oracle_.fields()), "; ",
             DisagreementWords(finding.disagreements[0]))});
  }

  bool Permits(const CachingReference& reference, const ReportedFinding& told,
               const Step* step) {
    reference.Judge(state_, step, *verdict_, trace_);
    return verdict_->standing == Standing::kJudged &&
           Judge(*verdict_, state_, told.answer, told.fields).conforms;
  }

  // What of the machine's own the machine's answer needs.
  const Alteration* Explanation(const ReportedFinding& told, const Step& step) {
    if (!Permits(machine_, told, &step)) return nullptr;
    for (const auto& [alteration, reference] : without_) {
      if (!Permits(reference, told, &step)) return alteration;
    }
    return nullptr;
  }

  Oracle& oracle_;
  const CachingReference sdm_{Dialect()};
  const CachingReference machine_;
  std::vector<std::pair<const Alteration*, CachingReference>> without_;
  AdapterComparison& comparison_;
  MachineState state_;
  Outcome given_;
  // Kept, not made anew: they are large.
  const std::unique_ptr<Verdict> verdict_ = std::make_unique<Verdict>();
  Trace trace_;
};

}  // namespace

void CompareWithAdapter(const std::vector<ReportedFinding>& asked,
                        const Dialect& machine, Oracle& oracle,
                        const Dialect& other, AdapterComparison& comparison) {
  Comparing comparing(machine, oracle, other, comparison);
  const ReportedFinding* const end = asked.data() + asked.size();
  for (const ReportedFinding* first = asked.data(); first != end;) {
    const ReportedFinding* last = first;
    while (last != end && last->index == first->index) ++last;
    comparing.Compare(first, last);
    first = last;
  }
}

}  // namespace eptdiff
