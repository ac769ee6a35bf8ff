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
  std::vector<std::string> used;
  for (const RuleHit& hit : trace.hits) {
    if (hit.forbids) {
      const std::string lead = absl::StrCat(RuleAtWords({hit.rule, hit.level}),
                                            OnTheWayWords(hit), " forbids it:");
      text += Item(4, lead, style.Rule(lead),
                   absl::StrFormat("%s (SDM %s)", InfoOf(hit.rule).words,
                                   CitedInBoth(InfoOf(hit.rule).section)));
    } else if (const std::string id(IdentifierOf(hit.rule));
               std::find(used.begin(), used.end(), id) == used.end()) {
      used.push_back(id);
    }
  }
  if (!used.empty()) {
    text += Item(4, "used:", style.Dim("used:"), absl::StrJoin(used, " "));
  }
  return text;
}

// Whether a rule refused something, or said where an access goes: what only
// completes, as a VM entry or a store does, rests on none.
bool IsDecided(const Alternative& a) {
  return a.event.kind != EventKind::kCompleted || a.event.translation_count > 0;
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

// Tells a trial from its observer's reports.
class Teller {
 public:
  Teller(const Panel& panel, const Case& c, const Style& style)
      : panel_(panel), case_(c), style_(style), answers_(c.steps.size() + 1) {}

  void Hear(const StepReport& report) {
    const bool judged = report.verdict.standing == Standing::kJudged;
    answers_[report.step].push_back(
        {report.oracle,
         VerdictText(report.before, report.verdict, report.trace, style_,
                     NotesOf(report)),
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
      const bool all_have_left = std::all_of(
          standings.begin(), standings.end(),
          [&](const Standings& standing) { return standing.step < step; });
      if (answers.empty() && disagreement && all_have_left) {
        return absl::StrCat(text, "\nThe rest of the case is not judged.\n");
      }
      absl::StrAppend(&text, "\n", TitleText(step), ReferenceText(spine),
                      answers);
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
  std::string TitleText(std::size_t step) const {
    const std::string lead = absl::StrCat("step ", step, ":");
    return Item(0, lead, style_.Bold(lead),
                step == 0 ? "VM entry" : StepWords(case_.steps[step - 1]));
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
        if (answer.reference == text)
          who.push_back(panel_.names()[answer.oracle]);
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
    for (std::size_t i = 0; i < panel_.names().size(); ++i) {
      for (const Answer& answer : answers_[step]) {
        if (answer.oracle == i) text += answer.text;
      }
      const std::string& name = panel_.names()[i];
      if (standings[i].step != step) continue;
      if (standings[i].skip != Skip::kNone) {
        absl::StrAppend(&text, "  ", name,
                        " gives no answer: ", View(WordsOf(standings[i].skip)),
                        "\n");
      } else if (standings[i].undefined) {
        absl::StrAppend(&text, "  ", name, " is not compared from here on\n");
      }
    }
    return text;
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

  std::string AnswerText(const StepReport& report) const {
    const bool conforms = report.finding.conforms;
    const std::string name = panel_.names()[report.oracle] + " ";
    const std::string verb = conforms ? "agrees:" : "DISAGREES:";
    std::string text =
        Item(2, name + verb,
             name + (conforms ? style_.Good(verb) : style_.Bad(verb)),
             GivenWords(panel_.oracle(report.oracle), report.outcome.event)) +
        Items(6, EffectWords(report.before, report.outcome));
    for (const Disagreement& d : report.finding.disagreements) {
      text += Item(6, "!", style_.Bad("!"), DisagreementWords(d));
    }
    if (conforms || !Keeps(report)) return text;
    const std::optional<StaleUse> use =
        FindStaleUse(report.before, case_.steps[report.step - 1],
                     report.outcome, panel_.oracle(report.oracle).fields());
    if (use.has_value()) {
      text += Item(6, "!", style_.Bad("!"), StaleUseWords(case_, *use));
    }
    return text;
  }

  const Panel& panel_;
  const Case& case_;
  const Style& style_;
  std::vector<std::vector<Answer>> answers_;  // for each step
};

}  // namespace

namespace {
std::string KeyidWords(int bits) {
  return bits == 0 ? "" : absl::StrCat(", of which key identifiers ", bits);
}
}  // namespace

std::string MachineText(const Case& c, const Style& style) {
  const auto item = [&style](const char* lead, const std::string& text) {
    return Item(0, lead, style.Bold(lead), text);
  };
  return absl::StrCat(
      item("processor:",
           absl::StrCat("MAXPHYADDR ", c.processor.maxphyaddr,
                        KeyidWords(c.processor.keyid_bits), "; ",
                        CapabilityWords(c.processor.ept_vpid_cap))),
      item("controls:", ControlWords(c.controls)),
      item("EPTP:", absl::StrCat(Hexadecimal(c.controls.eptp), ": ",
                                 EptpWords(c.controls.eptp))),
      item("guest:", GuestWords(c.guest, c.controls)));
}

std::string VerdictText(const MachineState& before, const Verdict& verdict,
                        const Trace& trace, const Style& style,
                        const std::vector<EntryNote>& notes) {
  std::string text = absl::StrCat(
      EntriesTeller(before, style, notes).Tell(trace), RulesText(trace, style));
  switch (verdict.standing) {
    case Standing::kUndefined:
      return absl::StrCat(
          text, "    undefined from here: ", RuleWords(Rule::kAlias1), "\n");
    case Standing::kCallerError:
      return absl::StrCat(
          text, "    not a question: ", std::string(verdict.unmodelled), "\n");
    case Standing::kNotModelled:
      return absl::StrCat(
          text, "    not modelled: ", std::string(verdict.unmodelled), "\n");
    case Standing::kJudged:
      break;
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

std::string Explain(Panel& panel, const Case& c, const Style& style) {
  if (HasTableOperations(c)) {
    return ExplainTables(panel.builder_trial(), c, style);
  }
  Teller teller(panel, c, style);
  panel.trial().set_memory_first(false);
  panel.trial().set_observer(
      [&teller](const StepReport& r) { teller.Hear(r); });
  const std::vector<Standings> standings = panel.trial().Run(c);
  panel.trial().set_observer({});
  panel.trial().set_memory_first(true);
  return teller.Tell(standings);
}

}  // namespace eptdiff
