// Questions, answers and verdicts in words, for reports.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_ANSWER_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_ANSWER_WORDS_H_

#include <string>
#include <vector>

#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/rules.h"
#include "oracle/verdict.h"

namespace eptdiff {

// "write"; "VM exit".
const char* AccessKindWords(AccessKind kind);
const char* EventKindWords(EventKind kind);
const char* InstructionWords(InvalidationKind kind);

// "write of 8 bytes at guest-physical 0x1234, translated from 0x7000 ...".
std::string StepWords(const Step& step);

// "CFG-8 at the PDPTE".
std::string RuleAtWords(RuleAt at);

// "CFG-8 (SDM table 29-3): 1-GByte leaf: any of bits 29:12".
std::string RuleWords(Rule rule);

// What became of a step, on one line, in the fields that its oracle fills in;
// and what it changed, a line each.
std::string EventWords(const Event& event, FieldSet fields);
std::vector<std::string> EffectWords(const MachineState& before,
                                     const Outcome& outcome);

// The same of an alternative, with what is undefined or optional in it.
std::string ExpectedEventWords(const Alternative& alternative);
std::vector<std::string> ExpectedEffectWords(const MachineState& before,
                                             const Alternative& alternative);

// "qualification bit 6 (user-executable): expected 1, given 0; QUAL-6".
std::string DisagreementWords(const Disagreement& disagreement);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_ANSWER_WORDS_H_
