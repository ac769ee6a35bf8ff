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

#include <string>
#include <vector>

#include "fuzzers/command/words/style.h"
#include "fuzzers/targets/panel.h"
#include "oracle/case.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/trace.h"

namespace eptdiff {

// Puts `c` to the panel and tells what happened. A step that no oracle answered
// is told from the state that the first thing which the SDM permits would
// leave.
std::string Explain(Panel& panel, const Case& c, const Style& style);

// The processor, the controls and the guest of a case, a line each.
std::string MachineText(const Case& c, const Style& style);

// A judged step's entries, rules and alternatives, as Explain() tells them.
// `notes` are told with the entries that they are of.
struct EntryNote {
  EntryRead entry;
  std::string words;
};
std::string VerdictText(const MachineState& before, const Verdict& verdict,
                        const Trace& trace, const Style& style,
                        const std::vector<EntryNote>& notes = {});

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_EXPLANATION_H_
