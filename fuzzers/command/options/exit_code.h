// What the command's exit status says. 1 means a disagreement and nothing
// else: whoever scripts it must not take a typo for a finding.
#ifndef EPTDIFF_FUZZERS_COMMAND_OPTIONS_EXIT_CODE_H_
#define EPTDIFF_FUZZERS_COMMAND_OPTIONS_EXIT_CODE_H_

namespace eptdiff {

inline constexpr int kExitAgree = 0;  // or: done
inline constexpr int kExitDisagree = 1;
inline constexpr int kExitBadInput = 2;  // or a bad command line
inline constexpr int kExitNobodyAnswered = 3;
inline constexpr int kExitFailed = 4;  // a full disk and the like

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_OPTIONS_EXIT_CODE_H_
