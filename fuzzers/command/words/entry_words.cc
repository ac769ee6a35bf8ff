#include "fuzzers/command/words/entry_words.h"

#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fuzzers/text/case_text.h"
#include "oracle/acceptable_state.h"
#include "oracle/judgement/spine.h"
#include "oracle/outcome.h"

namespace eptdiff {
namespace {

bool VmEntryFails(const Case& c) {
  const Spine entry(c);
  return entry.verdict().standing == Standing::kJudged &&
         IsFailedEntry(entry.verdict().alternatives[0].event.kind);
}

// By message, and by name: what stands in the text of a case.
using Fields = std::map<std::string, std::map<std::string, std::string>>;

Fields FieldsOf(const Case& c) {
  TextCase text;
  text.c.controls = c.controls;
  text.c.guest = c.guest;
  Fields fields;
  std::string message;
  const std::vector<std::string> lines = absl::StrSplit(FormatCase(text), '\n');
  for (const std::string& line : lines) {
    const std::vector<std::string> words =
        absl::StrSplit(absl::StripAsciiWhitespace(line), ' ');
    if (words.size() != 2) continue;
    if (words[1] == "{") {
      message = words[0];
    } else {
      fields[message][words[0]] = words[1];
    }
  }
  return fields;
}

}  // namespace

std::string WhatVmEntryLacks(const Case& c) {
  if (c.steps.empty() || !VmEntryFails(c)) return {};
  Case mended = c;
  MakeEntryAcceptable(mended);
  if (VmEntryFails(mended)) return {};
  Fields now = FieldsOf(c);
  Fields then = FieldsOf(mended);
  std::vector<std::string> messages;
  for (const char* message : {"controls", "guest"}) {
    std::vector<std::string> fields;
    for (const auto& [name, value] : then[message]) {
      if (now[message][name] != value) {
        fields.push_back(absl::StrCat(name, " ", value));
      }
    }
    for (const auto& [name, value] : now[message]) {
      if (!then[message].contains(name)) {
        fields.push_back(absl::StrCat(name, value == "true" ? " false" : " 0"));
      }
    }
    if (fields.empty()) continue;
    messages.push_back(
        absl::StrCat(message, " { ", absl::StrJoin(fields, " "), " }"));
  }
  return absl::StrJoin(messages, ", ");
}

}  // namespace eptdiff
