#include "fuzzers/command/options/command_line.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/nearest.h"
#include "fuzzers/command/words/style.h"

namespace eptdiff {
namespace {

// An option and what it does, beside it if there is room.
std::string RowOf(absl::string_view option, absl::string_view help) {
  constexpr std::size_t kColumn = 24;
  const std::string lead = absl::StrCat("  ", option);
  const std::string text = Wrapped(help, kColumn);
  if (lead.size() + 2 > kColumn) return absl::StrCat(lead, "\n", text);
  return lead + text.substr(lead.size());
}

// `text` wrapped; what is said of exit statuses begins a line.
std::string Paragraphs(absl::string_view text) {
  const std::size_t exit = text.find("\nExit: ");
  std::string paragraphs = Wrapped(text.substr(0, exit), 0);
  if (exit != absl::string_view::npos) {
    paragraphs += Wrapped(text.substr(exit), 0);
  }
  return paragraphs;
}

}  // namespace

std::string Spelled(absl::string_view option) {
  return absl::StrCat(option.size() == 1 ? "-" : "--", option);
}

void CommandLine::Flag(std::string name, bool* target, std::string help) {
  options_.push_back(
      {std::move(name), "", std::move(help), [target](absl::string_view) {
         *target = true;
         return absl::OkStatus();
       }});
}

void CommandLine::Text(std::string name, std::string value, std::string* target,
                       std::string help) {
  options_.push_back({std::move(name), std::move(value), std::move(help),
                      [target](absl::string_view text) {
                        *target = std::string(text);
                        return absl::OkStatus();
                      }});
}

void CommandLine::Number(std::string name, std::string value, std::uint64_t min,
                         std::uint64_t max, std::uint64_t* target,
                         std::string help) {
  auto set = [target, min, max](absl::string_view text) {
    std::uint64_t number;
    if (!absl::SimpleAtoi(text, &number) || number < min || number > max) {
      return absl::InvalidArgumentError(absl::StrCat(
          "takes a number from ", min, " to ", max, ", not \"", text, "\""));
    }
    *target = number;
    return absl::OkStatus();
  };
  options_.push_back(
      {std::move(name), std::move(value), std::move(help), std::move(set)});
}

void CommandLine::Choice(std::string name, std::vector<std::string> choices,
                         std::string* target, std::string help) {
  std::string value = absl::StrJoin(choices, "|");
  auto set = [target, choices](absl::string_view text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("takes ", absl::StrJoin(choices, ", "), ", not \"", text,
                       "\"", DidYouMean(text, choices)));
    }
    *target = std::string(text);
    return absl::OkStatus();
  };
  options_.push_back(
      {std::move(name), std::move(value), std::move(help), std::move(set)});
}

void CommandLine::Colour(std::string* target) {
  Choice("color", {"auto", "always", "never"}, target,
         "colour the output (auto: on a terminal)");
}

void CommandLine::Word(std::string operand, std::string word,
                       std::string help) {
  words_of_ = std::move(operand);
  words_.push_back({std::move(word), std::move(help)});
}

std::optional<int> CommandLine::Parse(const std::vector<std::string>& arguments,
                                      std::size_t min, std::size_t max) {
  const absl::Status status = Consume(arguments);
  if (help_) {
    std::fputs(Help().c_str(), stdout);
    return kExitAgree;
  }
  if (!status.ok()) return Mistake(status.message());
  if (operands_.size() < min) {
    return Mistake(
        absl::StrCat("what to work on is missing: ", operands_text_));
  }
  if (operands_.size() > max) {
    return Mistake(absl::StrCat("unexpected operand \"", operands_[max], "\""));
  }
  return std::nullopt;
}

int CommandLine::Mistake(absl::string_view what) const {
  absl::FPrintF(stderr, "eptdiff %s: %s\nSee `eptdiff %s --help`.\n", name_,
                what, name_);
  return kExitBadInput;
}

absl::Status CommandLine::Consume(const std::vector<std::string>& arguments) {
  // --help is honoured wherever it stands, before any mistake is reported.
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    help_ |= argument == "--help" || argument == "-h";
  }
  if (help_) return absl::OkStatus();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") {
      operands_.insert(operands_.end(), arguments.begin() + i + 1,
                       arguments.end());
      break;
    }
    // A lone dash is the standard input.
    if (arguments[i].size() < 2 || arguments[i][0] != '-') {
      if (only_after_dashes_) {
        return absl::InvalidArgumentError(
            absl::StrCat("unexpected operand \"", arguments[i],
                         "\" (what is for another program follows --)"));
      }
      operands_.push_back(arguments[i]);
      continue;
    }
    if (absl::Status s = ConsumeOption(arguments, i); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status CommandLine::ConsumeOption(
    const std::vector<std::string>& arguments, std::size_t& i) {
  const absl::string_view argument = arguments[i];
  const std::size_t equals = argument.find('=');
  const bool has_value = equals != absl::string_view::npos;
  const std::string name(argument.substr(0, equals));

  std::vector<std::string> known = {"--help"};
  const Option* option = nullptr;
  for (const Option& candidate : options_) {
    known.push_back(Spelled(candidate.name));
    if (known.back() == name) option = &candidate;
  }
  if (option == nullptr) {
    if (name == "--help" || name == "-h") {
      return absl::InvalidArgumentError(absl::StrCat(name, " takes no value"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("there is no option ", name, DidYouMean(name, known)));
  }
  if (option->value.empty()) {
    if (has_value) {
      return absl::InvalidArgumentError(absl::StrCat(name, " takes no value"));
    }
    return option->set("");
  }
  absl::string_view value;
  if (has_value) {
    value = argument.substr(equals + 1);
  } else if (i + 1 < arguments.size()) {
    value = arguments[++i];
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " needs a value: ", name, " ", option->value));
  }
  const absl::Status status = option->set(value);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat(name, " ", status.message()));
}

std::string CommandLine::Help() const {
  std::string text = absl::StrCat(
      "Usage: eptdiff ", name_, options_.empty() ? "" : " [OPTION...]",
      operands_text_.empty() ? "" : " ", operands_text_, "\n\n",
      Paragraphs(about_), "\n");
  if (!words_.empty()) {
    absl::StrAppend(&text, words_of_, " is one of:\n");
    for (const Row& row : words_) {
      absl::StrAppend(&text, RowOf(row.lead, row.help));
    }
    text += "\n";
  }
  for (const Option& option : options_) {
    absl::StrAppend(&text, RowOf(absl::StrCat(Spelled(option.name),
                                              option.value.empty() ? "" : " ",
                                              option.value),
                                 option.help));
  }
  absl::StrAppend(&text, RowOf("--help", "this text"));
  if (examples_.empty()) return text;
  absl::StrAppend(&text,
                  examples_.size() == 1 ? "\nExample:\n" : "\nExamples:\n");
  for (const std::string& example : examples_) {
    absl::StrAppend(&text, "  eptdiff ", name_, " ", example, "\n");
  }
  return text;
}

}  // namespace eptdiff
