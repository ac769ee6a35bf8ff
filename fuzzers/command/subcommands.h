// The subcommands of eptdiff. Each takes the arguments after its name and
// returns the exit status; see exit_code.h.
//
// This folder is what people type: a file for each subcommand, and folders for
// what they need beside; it may use everything. Begin with main.cc, then
// run_command.cc.
#ifndef EPTDIFF_FUZZERS_COMMAND_SUBCOMMANDS_H_
#define EPTDIFF_FUZZERS_COMMAND_SUBCOMMANDS_H_

#include <string>
#include <vector>

namespace eptdiff {

using Arguments = std::vector<std::string>;

int RunCommand(const Arguments& arguments);
int ExplainCommand(const Arguments& arguments);
int MinimizeCommand(const Arguments& arguments);
int DecodeCommand(const Arguments& arguments);
int ImportCommand(const Arguments& arguments);
int LintCommand(const Arguments& arguments);
int ConvertCommand(const Arguments& arguments);
int TriageCommand(const Arguments& arguments);
int FuzzCommand(const Arguments& arguments);
int PowerCommand(const Arguments& arguments);
int CheckCommand(const Arguments& arguments);
int ImageCommand(const Arguments& arguments);
int DistillCommand(const Arguments& arguments);
int RulesCommand(const Arguments& arguments);
int DialectCommand(const Arguments& arguments);
int VectorsCommand(const Arguments& arguments);
int CompletionCommand(const Arguments& arguments);
int VersionCommand(const Arguments& arguments);

struct Subcommand {
  const char* name;
  int (*run)(const Arguments&);
  const char* summary;
};

inline constexpr Subcommand kSubcommands[] = {
    {"run", RunCommand, "put cases to all oracles and judge their answers"},
    {"explain", ExplainCommand,
     "walk through a case entry by entry, with the rules that decide"},
    {"decode", DecodeCommand,
     "a number from a log, bit by bit, with what is wrong with it"},
    {"import", ImportCommand,
     "exits and walks in a log of KVM, Xen, ... explained, made cases"},
    {"lint", LintCommand,
     "what is wrong with the EPT tables in an image of memory?"},
    {"minimize", MinimizeCommand, "the smallest case that still disagrees"},
    {"convert", ConvertCommand, "between textproto and the fuzzer's bytes"},
    {"triage", TriageCommand,
     "a folder of libFuzzer artifacts, one case for each signature"},
    {"fuzz", FuzzCommand, "ask new questions until the time is up"},
    {"power", PowerCommand,
     "how long the fuzzers take to notice each altered rule"},
    {"check", CheckCommand, "which rules does a hypervisor's EPT code break?"},
    {"image", ImageCommand,
     "something that boots, and asks the machine it boots on"},
    {"distill", DistillCommand,
     "of a corpus, the smallest case for each thing it does"},
    {"rules", RulesCommand, "the catalogue, and which rules a corpus decides"},
    {"dialect", DialectCommand, "known departures from the SDM"},
    {"vectors", VectorsCommand,
     "the corpus as JSON, for the unit tests of other projects"},
    {"completion", CompletionCommand,
     "of commands, options and rules, in bash, zsh and fish"},
    {"version", VersionCommand, "which eptdiff this is"},
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_SUBCOMMANDS_H_
