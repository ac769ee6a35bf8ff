#include "fuzzers/command/explanation.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/answer_words.h"
#include "fuzzers/command/bit_words.h"
#include "fuzzers/command/spine.h"
#include "fuzzers/text/view.h"

namespace eptdiff {
namespace {

// One oracle's part in one step.
struct Answer {
  std::size_t oracle;
  std::string reference;  // what it was judged by
  std::string text;
  Outcome outcome;
  bool conforms;
};

std::string Indented(absl::string_view mark,
                     const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, mark, line, "\n");
  }
  return text;
}

std::string EntriesText(const MachineState& before, const Trace& trace,
                        const Style& style) {
  std::string text;
  for (const EntryRead& entry : trace.entries) {
    absl::StrAppend(&text, "    ",
                    style.Bold(absl::StrFormat("%-6s", EntryNameWords(entry))),
                    " at ", Hexadecimal(entry.address.value), " = ",
                    Hexadecimal(entry.value), ": ",
                    EntryWords(entry, before.processor, before.controls), "\n");
  }
  return text;
}

// The prohibitions that applied, then the other rules that were used.
std::string RulesText(const Trace& trace, const Style& style) {
  std::string text;
  std::vector<std::string> used;
  for (const RuleHit& hit : trace.hits) {
    const std::string at = RuleAtWords({hit.rule, hit.level});
    if (hit.forbids) {
      absl::StrAppend(&text, "    ",
                      style.Rule(absl::StrCat(at, " forbids it")), ": ",
                      View(InfoOf(hit.rule).words), " (SDM ",
                      View(InfoOf(hit.rule).section), ")\n");
    } else if (const std::string id(IdentifierOf(hit.rule));
               std::find(used.begin(), used.end(), id) == used.end()) {
      used.push_back(id);
    }
  }
  if (!used.empty()) {
    absl::StrAppend(&text, "    ",
                    style.Dim(absl::StrCat("used: ", absl::StrJoin(used, " "))),
                    "\n");
  }
  return text;
}

std::string AlternativeText(const MachineState& before, const Alternative& a,
                            absl::string_view mark, const Style& style) {
  return absl::StrCat(
      "    ", mark, " ", ExpectedEventWords(a), "\n        ",
      style.Rule(absl::StrCat("decided by ", RuleAtWords(a.decided))), ": ",
      View(InfoOf(a.decided.rule).words), "\n",
      Indented("        ", ExpectedEffectWords(before, a)));
}

// Tells a trial from its observer's reports.
class Teller {
 public:
  Teller(const std::vector<std::string>& names, const Case& c,
         const Style& style)
      : names_(names), case_(c), style_(style), answers_(c.steps.size() + 1) {}

  void Hear(const StepReport& report) {
    const bool judged = report.verdict.standing == Standing::kJudged;
    answers_[report.step].push_back(
        {report.oracle,
         VerdictText(report.before, report.verdict, report.trace, style_),
         judged ? AnswerText(report) : "", report.outcome,
         judged && report.finding.conforms});
  }

  std::string Tell(const std::vector<Standings>& standings) {
    const bool disagreement = std::any_of(
        standings.begin(), standings.end(),
        [](const Standings& standing) { return standing.disagrees; });
    std::string text;
    Spine spine(case_);
    while (!spine.over()) {
      const std::size_t step = spine.step();
      const std::string answers = AnswersText(step, standings);
      if (answers.empty() && disagreement) {
        return absl::StrCat(text, "\nThe rest of the case is not judged.\n");
      }
      absl::StrAppend(&text, "\n", style_.Bold(Title(step)), "\n",
                      ReferenceText(spine), answers);
      const auto observed =
          std::find_if(answers_[step].begin(), answers_[step].end(),
                       [](const Answer& answer) { return answer.conforms; });
      if (observed == answers_[step].end()) {
        spine.Advance();
      } else {
        spine.Advance(observed->outcome);
      }
    }
    return text;
  }

 private:
  std::string Title(std::size_t step) const {
    if (step == 0) return "step 0: VM entry";
    return absl::StrCat("step ", step, ": ", StepWords(case_.steps[step - 1]));
  }

  std::string Name(std::size_t oracle) const {
    return absl::StrFormat("  %-9s ", names_[oracle]);
  }

  // The verdicts on this step, each once, with who was judged by it if not all
  // were judged alike.
  std::string ReferenceText(const Spine& spine) const {
    const std::vector<Answer>& answers = answers_[spine.step()];
    std::vector<std::string> texts;
    for (const Answer& answer : answers) {
      if (std::find(texts.begin(), texts.end(), answer.reference) ==
          texts.end()) {
        texts.push_back(answer.reference);
      }
    }
    if (texts.empty()) {
      texts.push_back(
          VerdictText(spine.before(), spine.verdict(), spine.trace(), style_));
    }
    if (texts.size() == 1) return absl::StrCat("  reference\n", texts[0]);
    std::string all;
    for (const std::string& text : texts) {
      std::vector<std::string> who;
      for (const Answer& answer : answers) {
        if (answer.reference == text) who.push_back(names_[answer.oracle]);
      }
      absl::StrAppend(&all, "  reference, for ", absl::StrJoin(who, ", "), "\n",
                      text);
    }
    return all;
  }

  // The answers to this step, and who left the case here.
  std::string AnswersText(std::size_t step,
                          const std::vector<Standings>& standings) const {
    std::string text;
    for (const Answer& answer : answers_[step]) text += answer.text;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (standings[i].step != step) continue;
      if (standings[i].skip != Skip::kNone) {
        absl::StrAppend(&text, Name(i),
                        "no answer: ", View(WordsOf(standings[i].skip)), "\n");
      } else if (standings[i].undefined) {
        absl::StrAppend(&text, Name(i), "not compared from here on\n");
      }
    }
    return text;
  }

  std::string AnswerText(const StepReport& report) const {
    const bool conforms = report.finding.conforms;
    std::string text = absl::StrCat(
        Name(report.oracle),
        conforms ? style_.Good("agrees") : style_.Bad("DISAGREES"), ": ",
        EventWords(report.outcome.event), "\n",
        Indented("            ", EffectWords(report.before, report.outcome)));
    for (const Disagreement& d : report.finding.disagreements) {
      absl::StrAppend(&text, "            ", style_.Bad(DisagreementWords(d)),
                      "\n");
    }
    return text;
  }

  const std::vector<std::string>& names_;
  const Case& case_;
  const Style& style_;
  std::vector<std::vector<Answer>> answers_;  // for each step
};

}  // namespace

std::string MachineText(const Case& c, const Style& style) {
  return absl::StrCat(
      style.Bold("processor"), "  MAXPHYADDR ", c.processor.maxphyaddr, "; ",
      CapabilityWords(c.processor.ept_vpid_cap), "\n", style.Bold("controls"),
      "   ", ControlWords(c.controls), "\n", style.Bold("EPTP"), "       ",
      Hexadecimal(c.controls.eptp), ": ", EptpWords(c.controls.eptp), "\n",
      style.Bold("guest"), "      ", GuestWords(c.guest), "\n");
}

std::string VerdictText(const MachineState& before, const Verdict& verdict,
                        const Trace& trace, const Style& style) {
  std::string text =
      absl::StrCat(EntriesText(before, trace, style), RulesText(trace, style));
  switch (verdict.standing) {
    case Standing::kUndefined:
      return absl::StrCat(
          text, "    undefined from here: ", RuleWords(Rule::kAlias1), "\n");
    case Standing::kCallerError:
      return absl::StrCat(text, "    not a question: ", verdict.unmodelled,
                          "\n");
    case Standing::kNotModelled:
      return absl::StrCat(text, "    not modelled: ", verdict.unmodelled, "\n");
    case Standing::kJudged:
      break;
  }
  for (std::size_t i = 0; i < verdict.alternatives.size(); ++i) {
    absl::StrAppend(&text, AlternativeText(before, verdict.alternatives[i],
                                           i == 0 ? "=>" : "or", style));
  }
  return text;
}

std::string Explain(Trial& trial, const std::vector<std::string>& names,
                    const Case& c, const Style& style) {
  Teller teller(names, c, style);
  trial.set_observer([&teller](const StepReport& r) { teller.Hear(r); });
  const std::vector<Standings> standings = trial.Run(c);
  trial.set_observer({});
  return teller.Tell(standings);
}

}  // namespace eptdiff
