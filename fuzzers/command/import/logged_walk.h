// What a log told of, in words, and as a case where it holds a walk.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMPORT_LOGGED_WALK_H_
#define EPTDIFF_FUZZERS_COMMAND_IMPORT_LOGGED_WALK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/command/import/read_log.h"
#include "fuzzers/command/walk/walk_case.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/text/case_text.h"

namespace eptdiff {

// What is known beside the log; what the log says counts more.
struct BesideLog {
  std::optional<std::uint64_t> eptp;
  std::optional<std::uint64_t> gpa;
  KnownMachine machine;
};

// Whether the SDM has for the entries of a log what the log says of the exit.
enum class AsLogged : std::uint8_t { kNotSaid, kYes, kNo };

struct ToldLog {
  std::string text;                // for people, of 80 columns
  std::vector<std::string> wrong;  // with the exit, the entries, the EPTP
  std::string answer;              // the SDM's, to the walk; "" without one
  AsLogged as_logged = AsLogged::kNotSaid;
  std::string no_walk;                 // what is missing for one
  std::optional<TextCase> text_case;   // of the walk
  std::vector<Assumption> of_machine;  // likewise; not in the text
};

// "line 3", "lines 3 to 8": as people count them.
std::string LineWords(const Logged& logged);

ToldLog TellLogged(const Logged& logged, const BesideLog& beside,
                   const Style& style);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMPORT_LOGGED_WALK_H_
