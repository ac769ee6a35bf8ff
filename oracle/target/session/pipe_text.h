// Questions, answers and profiles as lines of text: pipe_protocol.md.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_PIPE_TEXT_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_PIPE_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {

inline constexpr int kPipeVersion = 1;

// "ask ... end", or "enter ... end" where `step` is null, with all of memory.
std::string QuestionText(const MachineState& state, const Step* step);

// What a target said, up to its "end".
struct PipeAnswer {
  bool declined = false;  // "not_modelled"
  eptdiff_answer answer;
  std::vector<MemoryWord> stores;
};

// Reads an answer, given in `state`; the "end" is not part of `text`. False if
// it cannot be read.
bool ReadPipeAnswer(std::string_view text, const MachineState& state,
                    PipeAnswer& answer);

// Reads the lines by which a target describes itself. False, with the line in
// `error`, if one cannot be read.
bool ReadPipeProfile(std::string_view text, eptdiff_profile& profile,
                     std::string& error);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_PIPE_TEXT_H_
