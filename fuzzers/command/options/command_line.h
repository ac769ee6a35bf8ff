// The command line of one subcommand: its options, its operands, its --help.
//
// Abseil's flags are one set for a process, know no subcommands, and end with
// exit status 1, which here means a disagreement; so the table is our own.
//
//   CommandLine line("run", "FILE...", "Puts cases to all oracles.");
//   line.Text("oracles", "LIST", &oracles, "who answers");
//   if (const auto exit = line.Parse(arguments)) return *exit;
//
// Understands --name VALUE, --name=VALUE, -x VALUE, --flag, and -- before
// operands that begin with a dash. Thread-safety: thread-compatible.
//
// This folder is what subcommands begin and end with: options here, mistyped
// words in nearest.h, exit codes in exit_code.h. It uses words/style.h.
#ifndef EPTDIFF_FUZZERS_COMMAND_OPTIONS_COMMAND_LINE_H_
#define EPTDIFF_FUZZERS_COMMAND_OPTIONS_COMMAND_LINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace eptdiff {

class CommandLine {
 public:
  // `operands` as --help shows them; "" if there are none. `about` is one or
  // more sentences; --help wraps them, and begins a line with "Exit: ".
  CommandLine(std::string name, std::string operands, std::string about)
      : name_(std::move(name)),
        operands_text_(std::move(operands)),
        about_(std::move(about)) {}

  // Options. What `target` holds at Parse() is the default; `help` is shown.
  // A name of one letter is written with one dash.
  void Flag(std::string name, bool* target, std::string help);
  void Text(std::string name, std::string value, std::string* target,
            std::string help);
  void Number(std::string name, std::string value, std::uint64_t min,
              std::uint64_t max, std::uint64_t* target, std::string help);
  // One of `choices`.
  void Choice(std::string name, std::vector<std::string> choices,
              std::string* target, std::string help);

  // --color, as WantsColour() takes it.
  void Colour(std::string* target);

  // A word that the operand `operand` ("WHAT") may be.
  void Word(std::string operand, std::string word, std::string help);

  // What --help shows of the command in use: the arguments.
  void Example(std::string arguments) {
    examples_.push_back(std::move(arguments));
  }
  // Operands are for another program, and stand after -- alone.
  void TakesOperandsOnlyAfterDashes() { only_after_dashes_ = true; }

  // Takes the arguments after the subcommand. Returns the exit status if the
  // command ends here: 0 after --help, which was printed; 2 after a mistake,
  // which was reported. Between `min` and `max` operands must stand there.
  std::optional<int> Parse(const std::vector<std::string>& arguments,
                           std::size_t min, std::size_t max);

  const std::vector<std::string>& operands() const { return operands_; }

  // Reports a mistake in the use of the subcommand; returns exit status 2.
  int Mistake(absl::string_view what) const;

  std::string Help() const;

 private:
  struct Option {
    std::string name;
    std::string value;  // "" for flags
    std::string help;
    std::function<absl::Status(absl::string_view)> set;
  };
  absl::Status Consume(const std::vector<std::string>& arguments);
  absl::Status ConsumeOption(const std::vector<std::string>& arguments,
                             std::size_t& i);

  std::string name_;
  std::string operands_text_;
  std::string about_;
  std::vector<Option> options_;
  struct Row {
    std::string lead;
    std::string help;
  };
  std::string words_of_;  // which operand is one of `words_`
  std::vector<Row> words_;
  std::vector<std::string> examples_;
  bool only_after_dashes_ = false;
  std::vector<std::string> operands_;
  bool help_ = false;
};

// "--seconds", "-o": how an option of this name is written.
std::string Spelled(absl::string_view option);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_OPTIONS_COMMAND_LINE_H_
