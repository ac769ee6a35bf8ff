// A case told step by step: what the reference read and which rules decided,
// what the SDM permits, and what each oracle answered.
//
// This folder is where a report's words come from; it uses the targets' panel,
// and nothing else of the command. Begin with answer_words.h; bit_words.h and
// guest_words.h spell out bits, finding_words.h findings, table_words.h and
// builder_words.h what is said of builders, style.h has width and colour.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_EXPLANATION_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_EXPLANATION_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/command/words/style.h"
#include "fuzzers/targets/panel.h"
#include "oracle/case.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/trace.h"

namespace eptdiff {

// What is told with the entry that it is of.
struct EntryNote {
  EntryRead entry;
  std::string words;
};

// One oracle's answer to one step.
struct AnswerTold {
  std::string who;
  bool conforms = false;
  std::string given;                 // the event
  std::vector<std::string> effects;  // what it changed, a line each
  std::vector<std::string> faults;   // what is wrong with that
};

// What is said of one step, each part as the telling below has put it.
struct StepTold {
  std::size_t number = 0;  // 0 is VM entry
  std::string words;
  struct Reference {
    std::string who;  // is judged so; "" if all are
    std::string verdict;
  };
  std::vector<Reference> references;
  std::vector<std::string> answers;  // and who gives none from here on
};

// How a case is told: as text, or as a page. Explain() says what, and when.
class Telling {
 public:
  virtual ~Telling() = default;
  virtual std::string Verdict(const MachineState& before,
                              const eptdiff::Verdict& verdict,
                              const Trace& trace,
                              const std::vector<EntryNote>& notes) = 0;
  virtual std::string Answer(const AnswerTold& answer) = 0;
  // A sentence in place of an answer; one at the case's end.
  virtual std::string NoAnswer(const std::string& words) = 0;
  virtual std::string End(const std::string& words) = 0;
  virtual std::string Step(const StepTold& step) = 0;
};

// Puts `c`, which has no operations on tables, to the panel and tells what
// happened. A step that no oracle answered is told from the state that the
// first thing which the SDM permits would leave.
std::string Explain(Panel& panel, const Case& c, Telling& telling);

// As text, of any case.
std::string Explain(Panel& panel, const Case& c, const Style& style);

// The processor, the controls and the guest of a case: what, and its words.
std::vector<std::pair<std::string, std::string>> MachineWords(const Case& c);
// A line each.
std::string MachineText(const Case& c, const Style& style);

// Of a rule that forbids: "CFG-9 at the PDE forbids it:", with the guest entry
// on whose way it did, and the rule in words.
std::string ForbidsWords(const RuleHit& hit);
std::string ForbiddingRuleWords(Rule rule);
// Those that forbid: what has the same words once.
std::vector<RuleHit> ForbiddingRules(const Trace& trace);
// The rules that were used and forbid nothing, each once.
std::vector<std::string> UsedRules(const Trace& trace);
// Whether a rule refused something, or said where an access goes: what only
// completes, as a VM entry or a store does, rests on none.
bool IsDecided(const Alternative& alternative);
// Why there are no alternatives; "" if the step is judged.
std::string NoVerdictWords(const Verdict& verdict);

// A judged step's entries, rules and alternatives, as the text has them.
std::string VerdictText(const MachineState& before, const Verdict& verdict,
                        const Trace& trace, const Style& style,
                        const std::vector<EntryNote>& notes = {});

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_EXPLANATION_H_
