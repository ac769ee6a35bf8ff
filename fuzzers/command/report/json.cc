#include "fuzzers/command/report/json.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace eptdiff {
namespace {

std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

void JsonWriter::Begin(char open, char close) {
  BeforeValue();
  text_ += open;
  closers_ += close;
  first_ = true;
}

void JsonWriter::End() {
  const char close = closers_.back();
  closers_.pop_back();
  if (!first_ && line_ == 0) NewLine();
  text_ += close;
  first_ = false;
  if (closers_.size() < line_) line_ = 0;
}

JsonWriter& JsonWriter::Key(absl::string_view name) {
  BeforeValue();
  absl::StrAppend(&text_, Quoted(name), ": ");
  after_key_ = true;
  return *this;
}

void JsonWriter::Number(double value) {
  BeforeValue();
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= kExact) {
    absl::StrAppendFormat(&text_, "%.0f", value);
  } else {
    absl::StrAppendFormat(&text_, "%.6g", std::isfinite(value) ? value : 0.0);
  }
}

void JsonWriter::Bool(bool value) {
  BeforeValue();
  text_ += value ? "true" : "false";
}

void JsonWriter::String(absl::string_view text) {
  BeforeValue();
  text_ += Quoted(text);
}

void JsonWriter::BeforeValue() {
  if (after_key_ || closers_.empty()) {
    after_key_ = false;
    return;
  }
  const bool inside = line_ != 0 && closers_.size() >= line_;
  if (!first_) text_ += inside ? ", " : ",";
  first_ = false;
  if (!inside) NewLine();
}

void JsonWriter::NewLine() {
  absl::StrAppend(&text_, "\n", std::string(2 * closers_.size(), ' '));
}

}  // namespace eptdiff
