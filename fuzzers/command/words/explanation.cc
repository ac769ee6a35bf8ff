#include "fuzzers/command/words/explanation.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/builder_words.h"
#include "fuzzers/command/words/finding_words.h"
#include "fuzzers/command/words/guest_words.h"
#include "fuzzers/command/words/stale_words.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"
#include "oracle/judgement/spine.h"

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

std::string Items(std::size_t indent, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += Item(indent, "-", "", line);
  return text;
}

// The EPT entries from the root to where one translation ended, and the guest
// entry, if any, whose address they translate.
struct Way {
  std::uint8_t guest_level = 0;
  std::vector<EntryRead> entries;
};

bool SameWay(const Way& a, const Way& b) {
  return a.guest_level == b.guest_level &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(),
                    b.entries.end(),
                    [](const EntryRead& x, const EntryRead& y) {
                      return x.address == y.address && x.value == y.value;
                    });
}

// Tells the entries that were read in their order. What only leads to an entry
// of the guest stands back, and is told once: the flags of the entry are set
// the same way.
class EntriesTeller {
 public:
  EntriesTeller(const MachineState& before, const Style& style,
                const std::vector<EntryNote>& notes)
      : before_(before), style_(style), notes_(notes) {}

  std::string Tell(const Trace& trace) {
    for (const EntryRead& entry : trace.entries) {
      const bool on_the_way =
          entry.structure == Structure::kEpt && entry.guest_level != 0;
      const bool begins = way_.entries.empty() ||
                          entry.level >= way_.entries.back().level ||
                          entry.guest_level != way_.guest_level;
      if (!on_the_way || begins) EndWay();
      if (on_the_way) {
        way_.guest_level = entry.guest_level;
        way_.entries.push_back(entry);
      } else {
        AddEntry(4, entry);
      }
    }
    EndWay();
    return text_;
  }

 private:
  void EndWay() {
    if (way_.entries.empty()) return;
    const bool told =
        std::any_of(ways_.begin(), ways_.end(),
                    [this](const Way& other) { return SameWay(way_, other); });
    if (told) {
      const std::string text =
          absl::StrCat("(its flags are set the same way: the guest ",
                       View(NameOfLevel(way_.guest_level)), ")");
      text_ += Item(8, text, style_.Dim(text), "");
    } else {
      for (const EntryRead& entry : way_.entries) AddEntry(8, entry);
      ways_.push_back(way_);
    }
    way_ = {};
  }

  void AddEntry(std::size_t indent, const EntryRead& entry) {
    const std::string name = EntryNameWords(entry);
    text_ += Item(indent, name, indent == 4 ? style_.Bold(name) : name,
                  absl::StrCat("at ", Hexadecimal(entry.address.value), " = ",
                               Hexadecimal(entry.value), ": ",
                               EntryWords(entry, before_.processor,
                                          before_.controls, before_.guest)));
    for (const EntryNote& note : notes_) {
      if (AreOfOnePlace(note.entry, entry)) {
        text_ += Item(indent + 4, "-", "", note.words);
      }
    }
  }

  const MachineState& before_;
  const Style& style_;
  const std::vector<EntryNote>& notes_;
  std::string text_;
  Way way_;  // under way
  std::vector<Way> ways_;
};

// Of a rule of EPT: the guest entry to which the access was.
std::string OnTheWayWords(const RuleHit& hit) {
  if (hit.guest_level == 0 || IdentifierOf(hit.rule).starts_with("GW-")) {
    return "";
  }
  return absl::StrCat(" on the way to the guest ",
                      View(NameOfLevel(hit.guest_level)));
}

// The prohibitions that applied, then the other rules that were used.
std::string RulesText(const Trace& trace, const Style& style) {
  std::string text;
  for (const RuleHit& hit : ForbiddingRules(trace)) {
    const std::string lead = ForbidsWords(hit);
    text += Item(4, lead, style.Rule(lead), ForbiddingRuleWords(hit.rule));
  }
  if (const auto used = UsedRules(trace); !used.empty()) {
    text += Item(4, "used:", style.Dim("used:"), absl::StrJoin(used, " "));
  }
  return text;
}

std::string AlternativeText(const MachineState& before, const Alternative& a,
                            absl::string_view mark, const Style& style) {
  std::string text = Item(4, mark, "", ExpectedEventWords(a));
  if (IsDecided(a)) {
    const std::string lead =
        absl::StrCat("decided by ", RuleAtWords(a.decided), ":");
    text += Item(8, lead, style.Rule(lead),
                 std::string(InfoOf(a.decided.rule).words));
  }
  return text + Items(8, ExpectedEffectWords(before, a));
}

// As a terminal has it.
class TextTelling : public Telling {
 public:
  explicit TextTelling(const Style& style) : style_(style) {}

  std::string Verdict(const MachineState& before,
                      const eptdiff::Verdict& verdict, const Trace& trace,
                      const std::vector<EntryNote>& notes) override {
    return VerdictText(before, verdict, trace, style_, notes);
  }

  std::string Answer(const AnswerTold& answer) override {
    const std::string name = answer.who + " ";
    const std::string verb = answer.conforms ? "agrees:" : "DISAGREES:";
    std::string text =
        Item(2, name + verb,
             name + (answer.conforms ? style_.Good(verb) : style_.Bad(verb)),
             answer.given) +
        Items(6, answer.effects);
    for (const std::string& fault : answer.faults) {
      text += Item(6, "!", style_.Bad("!"), fault);
    }
    return text;
  }

  std::string NoAnswer(const std::string& words) override {
    return Item(2, words.substr(0, words.find(' ')), "",
                words.substr(words.find(' ') + 1));
  }

  std::string End(const std::string& words) override {
    return absl::StrCat("\n", words, "\n");
  }

  std::string Step(const StepTold& step) override {
    const std::string lead = absl::StrCat("step ", step.number, ":");
    std::string text =
        absl::StrCat("\n", Item(0, lead, style_.Bold(lead), step.words));
    for (const StepTold::Reference& reference : step.references) {
      absl::StrAppend(&text, "  reference",
                      reference.who.empty() ? "" : ", for ", reference.who,
                      "\n", reference.verdict);
    }
    return absl::StrCat(text, absl::StrJoin(step.answers, ""));
  }

 private:
  const Style& style_;
};

// Tells a trial from its observer's reports.
class Teller {
 public:
  Teller(const Panel& panel, const Case& c, Telling& telling)
      : panel_(panel),
        case_(c),
        telling_(telling),
        answers_(c.steps.size() + 1) {}

  void Hear(const StepReport& report) {
    const bool judged = report.verdict.standing == Standing::kJudged;
    answers_[report.step].push_back(
        {report.oracle,
         telling_.Verdict(report.before, report.verdict, report.trace,
                          NotesOf(report)),
         judged ? telling_.Answer(AnswerIn(report)) : "", report.outcome,
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
      StepTold told;
      told.number = step;
      told.words = step == 0 ? "VM entry" : StepWords(case_.steps[step - 1]);
      told.answers = AnswersTo(step, standings);
      const bool all_have_left = std::all_of(
          standings.begin(), standings.end(),
          [&](const Standings& standing) { return standing.step < step; });
      if (told.answers.empty() && disagreement && all_have_left) {
        return absl::StrCat(
            text, telling_.End("The rest of the case is not judged."));
      }
      told.references = ReferencesTo(spine);
      text += telling_.Step(told);
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
  // The verdicts on this step, each once, with who was judged by it if not all
  // were judged alike. In the order of the panel's seats: the SDM's own reading
  // before that of somebody's dialect.
  std::vector<StepTold::Reference> ReferencesTo(const Spine& spine) const {
    const std::vector<Answer>& answers = answers_[spine.step()];
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < panel_.names().size(); ++i) {
      for (const Answer& answer : answers) {
        if (answer.oracle == i && std::find(texts.begin(), texts.end(),
                                            answer.reference) == texts.end()) {
          texts.push_back(answer.reference);
        }
      }
    }
    if (texts.empty()) {
      texts.push_back(
          telling_.Verdict(spine.before(), spine.verdict(), spine.trace(), {}));
    }
    if (texts.size() == 1) return {{"", texts[0]}};
    std::vector<StepTold::Reference> references;
    for (const std::string& text : texts) {
      std::vector<std::string> who;
      for (const Answer& answer : answers) {
        if (answer.reference == text)
          who.push_back(panel_.names()[answer.oracle]);
      }
      references.push_back({absl::StrJoin(who, ", "), text});
    }
    return references;
  }

  // The answers to this step, and who left the case here.
  std::vector<std::string> AnswersTo(
      std::size_t step, const std::vector<Standings>& standings) const {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < panel_.names().size(); ++i) {
      for (const Answer& answer : answers_[step]) {
        if (answer.oracle == i && !answer.text.empty()) {
          texts.push_back(answer.text);
        }
      }
      const std::string& name = panel_.names()[i];
      if (standings[i].step != step) continue;
      if (standings[i].skip != Skip::kNone) {
        texts.push_back(telling_.NoAnswer(absl::StrCat(
            name, " gives no answer: ", View(WordsOf(standings[i].skip)))));
      } else if (standings[i].undefined) {
        texts.push_back(telling_.NoAnswer(
            absl::StrCat(name, " is not compared from here on")));
      }
    }
    return texts;
  }

  bool Keeps(const StepReport& report) const {
    return report.step != 0 &&
           panel_.oracle(report.oracle).keeps_translations();
  }

  // What may still be used of the values that entries had, and what not.
  std::vector<EntryNote> NotesOf(const StepReport& report) const {
    std::vector<EntryNote> notes;
    if (!Keeps(report)) return notes;
    for (const PastValue& value : PastValuesOf(
             report.before, case_.steps[report.step - 1], report.trace)) {
      notes.push_back({value.entry.entry, PastValueWords(case_, value)});
    }
    return notes;
  }

  AnswerTold AnswerIn(const StepReport& report) const {
    const Oracle& oracle = panel_.oracle(report.oracle);
    AnswerTold answer = {.who = panel_.names()[report.oracle],
                         .conforms = report.finding.conforms,
                         .given = GivenWords(oracle, report.outcome.event),
                         .effects = EffectWords(report.before, report.outcome),
                         .faults = {}};
    for (const Disagreement& d : report.finding.disagreements) {
      answer.faults.push_back(DisagreementWords(d));
    }
    if (answer.conforms || !Keeps(report)) return answer;
    const std::optional<StaleUse> use =
        FindStaleUse(report.before, case_.steps[report.step - 1],
                     report.outcome, oracle.fields());
    if (use.has_value()) answer.faults.push_back(StaleUseWords(case_, *use));
    return answer;
  }

  const Panel& panel_;
  const Case& case_;
  Telling& telling_;
  std::vector<std::vector<Answer>> answers_;  // for each step
};

std::string KeyidWords(int bits) {
  return bits == 0 ? "" : absl::StrCat(", of which key identifiers ", bits);
}

}  // namespace

std::string ForbidsWords(const RuleHit& hit) {
  return absl::StrCat(RuleAtWords({hit.rule, hit.level}), OnTheWayWords(hit),
                      " forbids it:");
}

std::string ForbiddingRuleWords(Rule rule) {
  return absl::StrFormat("%s (SDM %s)", InfoOf(rule).words,
                         CitedInBoth(InfoOf(rule).section));
}

std::vector<RuleHit> ForbiddingRules(const Trace& trace) {
  std::vector<RuleHit> rules;
  for (const RuleHit& hit : trace.hits) {
    const bool told =
        std::any_of(rules.begin(), rules.end(), [&](const RuleHit& other) {
          return ForbidsWords(other) == ForbidsWords(hit);
        });
    if (hit.forbids && !told) rules.push_back(hit);
  }
  return rules;
}

std::vector<std::string> UsedRules(const Trace& trace) {
  std::vector<std::string> used;
  for (const RuleHit& hit : trace.hits) {
    const std::string id(IdentifierOf(hit.rule));
    if (!hit.forbids && std::find(used.begin(), used.end(), id) == used.end()) {
      used.push_back(id);
    }
  }
  return used;
}

bool IsDecided(const Alternative& a) {
  return a.event.kind != EventKind::kCompleted || a.event.translation_count > 0;
}

std::string NoVerdictWords(const Verdict& verdict) {
  switch (verdict.standing) {
    case Standing::kUndefined:
      return absl::StrCat(
          "undefined from here: ",
          RuleWords(FindRule(verdict.unmodelled).value_or(Rule::kAlias1)));
    case Standing::kCallerError:
      return absl::StrCat("not a question: ", std::string(verdict.unmodelled));
    case Standing::kNotModelled:
      return absl::StrCat("not modelled: ", std::string(verdict.unmodelled));
    case Standing::kJudged:
      break;
  }
  return "";
}

std::vector<std::pair<std::string, std::string>> MachineWords(const Case& c) {
  return {
      {"processor", absl::StrCat("MAXPHYADDR ", c.processor.maxphyaddr,
                                 KeyidWords(c.processor.keyid_bits), "; ",
                                 CapabilityWords(c.processor.ept_vpid_cap))},
      {"controls", ControlWords(c.controls)},
      {"EPTP", absl::StrCat(Hexadecimal(c.controls.eptp), ": ",
                            EptpWords(c.controls.eptp))},
      {"guest", GuestWords(c.guest, c.controls)}};
}

std::string MachineText(const Case& c, const Style& style) {
  std::string text;
  for (const auto& [what, words] : MachineWords(c)) {
    const std::string lead = absl::StrCat(what, ":");
    text += Item(0, lead, style.Bold(lead), words);
  }
  return text;
}

std::string VerdictText(const MachineState& before, const Verdict& verdict,
                        const Trace& trace, const Style& style,
                        const std::vector<EntryNote>& notes) {
  std::string text = absl::StrCat(
      EntriesTeller(before, style, notes).Tell(trace), RulesText(trace, style));
  if (const std::string none = NoVerdictWords(verdict); !none.empty()) {
    return absl::StrCat(text, Wrapped(none, 4));
  }
  // Several ways to one end are one alternative to the reader.
  std::set<std::string> told;
  for (const Alternative& alternative : verdict.alternatives) {
    const char* mark = told.empty() ? "=>" : "or";
    if (told.insert(AlternativeText(before, alternative, "", style)).second) {
      text += AlternativeText(before, alternative, mark, style);
    }
  }
  return text;
}

std::string Explain(Panel& panel, const Case& c, Telling& telling) {
  Teller teller(panel, c, telling);
  panel.trial().set_memory_first(false);
  panel.trial().set_observer(
      [&teller](const StepReport& r) { teller.Hear(r); });
  const std::vector<Standings> standings = panel.trial().Run(c);
  panel.trial().set_observer({});
  panel.trial().set_memory_first(true);
  return teller.Tell(standings);
}

std::string Explain(Panel& panel, const Case& c, const Style& style) {
  if (HasTableOperations(c)) {
    return ExplainTables(panel.builder_trial(), c, style);
  }
  TextTelling telling(style);
  return Explain(panel, c, telling);
}

}  // namespace eptdiff
