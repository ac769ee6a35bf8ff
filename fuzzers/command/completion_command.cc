#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/nearest.h"
#include "fuzzers/command/subcommands.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Writes what makes a shell (bash, if none is named) complete subcommands, "
    "options and their values, rules and files. The words come from the "
    "eptdiff "
    "that is called: a newer one needs no new script. The installed package "
    "brings all three.";

// What --help and the lists print is what there is. These go into each script.
constexpr char kCommands[] = R"(sed -n 's/^  \([a-z][a-z]*\)  *[a-z].*/\1/p')";
constexpr char kOptions[] = R"(sed -n 's/^  \(--*[a-z][-a-z]*\).*/\1/p')";
constexpr char kDialects[] =
    R"(sed -n -e 's/^dialects: //p' -e 's/^  \([A-Z].*\)/\1/p' | tr -d ,)";
constexpr char kListRules[] = R"(sed -n 's/^\([A-Z][A-Z]*-[0-9]*\) .*/\1/p')";

// What an operand may be; and, of the option $before, its value.
constexpr char kWords[] = R"(sed -n 's/^  \([a-z][-a-z]*\)  .*/\1/p')";
constexpr char kValues[] =
    R"(sed -n "s/^  $before \([^ ]*|[^ ]*\).*/\1/p" | tr '|' ' ')";

constexpr char kBash[] = R"sh(# source <(eptdiff completion bash)
_eptdiff() {
  local eptdiff=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]}
  local command=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
  # --option=value is three words.
  [[ $before != = ]] || before=${COMP_WORDS[COMP_CWORD - 2]}
  [[ $word != = ]] || word=
  if ((COMP_CWORD == 1)); then
    words=$("$eptdiff" --help | @COMMANDS; echo --help --version)
  elif [[ $word == -* ]]; then
    words=$("$eptdiff" "$command" --help | @OPTIONS)
  elif [[ $command == dialect || $before == --dialect ]]; then
    words=$("$eptdiff" dialect | @DIALECTS)
  elif [[ $before == --* ]]; then
    words=$("$eptdiff" "$command" --help | @VALUES)
  elif [[ $command == rules ]]; then
    words=$("$eptdiff" rules | @RULES)
  elif ((COMP_CWORD == 2)); then
    words=$("$eptdiff" "$command" --help | @WORDS)
  fi 2>/dev/null
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _eptdiff eptdiff
)sh";

// As a file of $fpath its body is the function; read, it registers itself.
constexpr char kZsh[] = R"sh(#compdef eptdiff
# source <(eptdiff completion zsh), after compinit
_eptdiff() {
  local eptdiff=${(Q)words[1]} word=$words[CURRENT]
  local command=$words[2] before=$words[CURRENT-1]
  local -a replies
  if [[ $word == --*=* ]]; then
    before=${word%%=*} word=${word#*=}
    compset -P '*='
  fi
  if ((CURRENT == 2)); then
    replies=($("$eptdiff" --help | @COMMANDS) --help --version)
  elif [[ $word == -* ]]; then
    replies=($("$eptdiff" "$command" --help | @OPTIONS))
  elif [[ $command == dialect || $before == --dialect ]]; then
    replies=($("$eptdiff" dialect | @DIALECTS))
  elif [[ $before == --* ]]; then
    replies=($("$eptdiff" "$command" --help | @VALUES))
  elif [[ $command == rules ]]; then
    replies=($("$eptdiff" rules | @RULES))
  elif ((CURRENT == 3)); then
    replies=($("$eptdiff" "$command" --help | @WORDS))
  fi 2>/dev/null
  if (($#replies)); then compadd -a replies; else _files; fi
}
if [[ $funcstack[1] == _eptdiff ]]; then
  _eptdiff "$@"
else
  compdef _eptdiff eptdiff
fi
)sh";

constexpr char kFish[] = R"sh(# eptdiff completion fish | source
function __eptdiff_words
  set -l words (commandline -opc)
  set -l word (commandline -ct)
  set -l before $words[-1]
  set -l prefix ''
  if string match -q -- '--*=*' $word
    set before (string replace -r '=.*' '' -- $word)
    set prefix $before=
  end
  set -l replies
  if test (count $words) -eq 1
    set replies ($words[1] --help 2>/dev/null | @COMMANDS) --help --version
  else if string match -q -- '-*' $word; and test -z "$prefix"
    set replies ($words[1] $words[2] --help 2>/dev/null | @OPTIONS)
  else if test $words[2] = dialect -o x$before = x--dialect
    set replies ($words[1] dialect 2>/dev/null | @DIALECTS | string split -n ' ')
  else if string match -q -- '--*' $before
    set replies ($words[1] $words[2] --help 2>/dev/null | @VALUES |
      string split -n ' ')
  else if test $words[2] = rules
    set replies ($words[1] rules 2>/dev/null | @RULES)
  else if test (count $words) -eq 2
    set replies ($words[1] $words[2] --help 2>/dev/null | @WORDS)
  end
  if set -q replies[1]
    printf "$prefix%s\n" $replies
  else
    __fish_complete_path $word
  end
end
complete -c eptdiff -f -a '(__eptdiff_words)'
)sh";

struct Shell {
  const char* name;
  const char* script;
  const char* help;
};
constexpr Shell kShells[] = {
    {"bash", kBash, "in .bashrc: source <(eptdiff completion bash)"},
    {"zsh", kZsh,
     "in .zshrc, after compinit: source <(eptdiff completion zsh)"},
    {"fish", kFish, "in config.fish: eptdiff completion fish | source"},
};

}  // namespace

int CompletionCommand(const Arguments& arguments) {
  CommandLine line("completion", "[SHELL]", kAbout);
  for (const Shell& shell : kShells) {
    line.Word("SHELL", shell.name, shell.help);
  }
  line.Example(">~/.local/share/bash-completion/completions/eptdiff");
  line.Example("fish >~/.config/fish/completions/eptdiff.fish");
  if (const auto exit = line.Parse(arguments, 0, 1)) return *exit;
  const std::string wanted =
      line.operands().empty() ? kShells[0].name : line.operands()[0];
  std::vector<std::string> names;
  for (const Shell& shell : kShells) {
    names.push_back(shell.name);
    if (wanted != shell.name) continue;
    std::fputs(absl::StrReplaceAll(shell.script, {{"@COMMANDS", kCommands},
                                                  {"@OPTIONS", kOptions},
                                                  {"@DIALECTS", kDialects},
                                                  {"@RULES", kListRules},
                                                  {"@VALUES", kValues},
                                                  {"@WORDS", kWords}})
                   .c_str(),
               stdout);
    return kExitAgree;
  }
  return line.Mistake(absl::StrCat("there is no script for \"", wanted, "\"",
                                   DidYouMean(wanted, names)));
}

}  // namespace eptdiff
