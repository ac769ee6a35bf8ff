// eptdiff SUBCOMMAND ...: finds the subcommand and hands over.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/nearest.h"
#include "fuzzers/command/subcommands.h"

namespace eptdiff {
namespace {

std::string Help() {
  std::string text =
      "Usage: eptdiff SUBCOMMAND [OPTION...] [OPERAND...]\n"
      "       eptdiff --help, eptdiff --version\n\n"
      "Puts questions about Intel EPT to an engine, to Bochs and to a "
      "reference "
      "that\nfollows the SDM, and says where their answers differ.\n\n";
  for (const Subcommand& subcommand : kSubcommands) {
    absl::StrAppend(&text, absl::StrFormat("  %-10s  %s\n", subcommand.name,
                                           subcommand.summary));
  }
  absl::StrAppend(&text,
                  "\n`eptdiff SUBCOMMAND --help` tells more.\n"
                  "Exit: 0 agree or done, 1 a disagreement, 2 bad input or "
                  "usage,\n3 nobody could answer, 4 it could not be done.\n");
  return text;
}

int Dispatch(const Arguments& arguments) {
  if (arguments.empty()) {
    std::fputs(Help().c_str(), stderr);
    return kExitBadInput;
  }
  const std::string& name = arguments[0];
  // `eptdiff help run` is `eptdiff run --help`.
  if (name == "help" && arguments.size() == 2) {
    return Dispatch({arguments[1], "--help"});
  }
  if (name == "--help" || name == "-h" || name == "help") {
    std::fputs(Help().c_str(), stdout);
    return kExitAgree;
  }
  if (name == "--version") return VersionCommand({});
  std::vector<std::string> names;
  for (const Subcommand& subcommand : kSubcommands) {
    if (name == subcommand.name) {
      return subcommand.run({arguments.begin() + 1, arguments.end()});
    }
    names.push_back(subcommand.name);
  }
  absl::FPrintF(stderr,
                "eptdiff: there is no subcommand %s%s\nSee `eptdiff --help`.\n",
                name, DidYouMean(name, names));
  return kExitBadInput;
}

}  // namespace
}  // namespace eptdiff

namespace {

// Whether nobody reads the standard output any more, as after `| head`.
bool ReaderIsGone() {
  pollfd output = {STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that has gone away, or a file that may not grow (ulimit -f), is an
  // error of writing, reported as such.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  const int status = eptdiff::Dispatch({argv + 1, argv + argc});
  // What was printed has arrived, or that is what the command ends with; unless
  // the reader had enough.
  if ((std::fflush(stdout) != 0 || std::ferror(stdout)) && !ReaderIsGone()) {
    absl::FPrintF(stderr, "eptdiff: cannot write to standard output: %s\n",
                  std::strerror(errno));
    return eptdiff::kExitFailed;
  }
  return status;
}
