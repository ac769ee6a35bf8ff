// Writes JSON with two-space indentation: what report.json needs, no more.
//
//   JsonWriter json;
//   json.Object(); json.Key("cases").Number(3); json.End();
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_JSON_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_JSON_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace eptdiff {

class JsonWriter {
 public:
  // Begin a value of several; End() ends the one begun last.
  void Object() { Begin('{', '}'); }
  void Array() { Begin('[', ']'); }
  void End();
  // The object or array that begins next stands on one line, all within it.
  void OnOneLine() { line_ = closers_.size() + 1; }

  // In an object, before each value.
  JsonWriter& Key(absl::string_view name);

  // A whole number is written without a fraction, up to 2^53.
  void Number(double value);
  void Bool(bool value);
  void String(absl::string_view text);

  // The text, once all has ended.
  std::string Finish() && { return std::move(text_) + "\n"; }

 private:
  void Begin(char open, char close);
  void BeforeValue();
  void NewLine();

  std::string text_;
  std::string closers_;  // of what has begun, the innermost last
  bool first_ = true;
  bool after_key_ = false;
  std::size_t line_ = 0;  // how deep what stands on one line is; 0: nothing
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_JSON_H_
