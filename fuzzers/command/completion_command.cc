#include <cstdio>
#include <string>

#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/subcommands.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Writes what makes bash complete subcommands, options, rules and files; to "
    "be read by .bashrc, in zsh after `autoload bashcompinit; bashcompinit`. "
    "The words come from the eptdiff that is called: a newer one needs no new "
    "script.";

// What --help and the lists print is what there is.
constexpr char kScript[] = R"sh(# source <(eptdiff completion)
_eptdiff() {
  local eptdiff=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]}
  local command=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
  if ((COMP_CWORD == 1)); then
    words=$("$eptdiff" --help | sed -n 's/^  \([a-z][a-z]*\)  *[a-z].*/\1/p')
  elif [[ $word == -* ]]; then
    words=$("$eptdiff" "$command" --help |
      sed -n 's/^  \(--*[a-z][-a-z]*\).*/\1/p')
  elif [[ $command == dialect || $before == --dialect ]]; then
    words=$("$eptdiff" dialect |
      sed -n -e 's/^dialects: //p' -e 's/^  \([A-Z].*\)/\1/p' | tr -d ,)
  elif [[ $command == rules && $before != --* ]]; then
    words=$("$eptdiff" rules | sed -n 's/^\([A-Z][A-Z]*-[0-9]*\) .*/\1/p')
  fi 2>/dev/null
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _eptdiff eptdiff
)sh";

}  // namespace

int CompletionCommand(const Arguments& arguments) {
  CommandLine line("completion", "", kAbout);
  line.Example(">~/.local/share/bash-completion/completions/eptdiff");
  if (const auto exit = line.Parse(arguments, 0, 0)) return *exit;
  std::fputs(kScript, stdout);
  return kExitAgree;
}

}  // namespace eptdiff
