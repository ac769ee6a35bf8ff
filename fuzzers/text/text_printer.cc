#include "fuzzers/text/text_printer.h"

#include <cstddef>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace eptdiff {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::size_t kColumns = 80;

std::vector<const FieldDescriptor*> SetFields(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return fields;
}

std::string Number(const FieldDescriptor& field, std::uint64_t value) {
  return field.type() == FieldDescriptor::TYPE_FIXED64
             ? absl::StrCat("0x", absl::Hex(value))
             : absl::StrCat(value);
}

std::string Literal(absl::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
}

const std::string& StringAt(const Message& message,
                            const FieldDescriptor& field, int i,
                            std::string& scratch) {
  const auto& reflection = *message.GetReflection();
  return field.is_repeated()
             ? reflection.GetRepeatedStringReference(message, &field, i,
                                                     &scratch)
             : reflection.GetStringReference(message, &field, &scratch);
}

const Message& MessageAt(const Message& message, const FieldDescriptor& field,
                         int i) {
  const auto& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, i)
                             : reflection.GetMessage(message, &field);
}

// The value of a field that is no message, on one line.
std::string Value(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT64: {
      if (!field.is_repeated()) {
        return Number(field, reflection.GetUInt64(message, &field));
      }
      std::vector<std::string> values;
      for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
        values.push_back(
            Number(field, reflection.GetRepeatedUInt64(message, &field, i)));
      }
      return absl::StrCat("[", absl::StrJoin(values, ", "), "]");
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return std::string(reflection.GetEnum(message, &field)->name());
    default:
      return "";
  }
}

int CountOf(const Message& message, const FieldDescriptor& field) {
  return field.is_repeated()
             ? message.GetReflection()->FieldSize(message, &field)
             : 1;
}

bool IsMessage(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}
bool IsString(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}

// "{ a: 1 b: 2 }".
std::string OneLine(const Message& message) {
  std::vector<std::string> parts;
  std::string scratch;
  for (const FieldDescriptor* field : SetFields(message)) {
    for (int i = 0; i < CountOf(message, *field); ++i) {
      if (IsMessage(*field)) {
        parts.push_back(absl::StrCat(field->name(), " ",
                                     OneLine(MessageAt(message, *field, i))));
      } else if (IsString(*field)) {
        parts.push_back(
            absl::StrCat(field->name(), ": ",
                         Literal(StringAt(message, *field, i, scratch))));
      } else {
        parts.push_back(
            absl::StrCat(field->name(), ": ", Value(message, *field)));
        break;  // repeated numbers are one list
      }
    }
  }
  if (parts.empty()) return "{}";
  return absl::StrCat("{ ", absl::StrJoin(parts, " "), " }");
}

// Cuts after the last space or newline within `width`, or where a word must be
// broken: never inside a UTF-8 sequence.
absl::string_view NextPiece(absl::string_view text, std::size_t width) {
  const std::size_t newline = text.find('\n');
  if (newline < width) return text.substr(0, newline + 1);
  if (text.size() <= width) return text;
  const std::size_t space = text.rfind(' ', width - 1);
  if (space != absl::string_view::npos) return text.substr(0, space + 1);
  while (width > 1 && (text[width] & 0xc0) == 0x80) --width;
  return text.substr(0, width);
}

class Printer {
 public:
  std::string Print(const Message& message) {
    Fields(message, 0);
    return std::move(out_);
  }

 private:
  void Fields(const Message& message, int indent) {
    const FieldDescriptor* previous = nullptr;
    std::string scratch;
    for (const FieldDescriptor* field : SetFields(message)) {
      const bool apart = IsMessage(*field) && indent == 0;
      if (previous != nullptr && apart) out_ += "\n";
      previous = field;
      for (int i = 0; i < CountOf(message, *field); ++i) {
        if (IsMessage(*field)) {
          Submessage(*field, MessageAt(message, *field, i), indent);
        } else if (IsString(*field)) {
          String(*field, StringAt(message, *field, i, scratch), indent);
        } else {
          Line(indent,
               absl::StrCat(field->name(), ": ", Value(message, *field)));
          break;  // repeated numbers are one list
        }
      }
    }
  }

  void Submessage(const FieldDescriptor& field, const Message& message,
                  int indent) {
    if (indent > 0 || field.is_repeated()) {
      const std::string line =
          absl::StrCat(field.name(), " ", OneLine(message));
      if (line.size() + indent <= kColumns) return Line(indent, line);
    }
    Line(indent, absl::StrCat(field.name(), " {"));
    Fields(message, indent + 2);
    Line(indent, "}");
  }

  void String(const FieldDescriptor& field, absl::string_view text,
              int indent) {
    const std::string line = absl::StrCat(field.name(), ": ", Literal(text));
    const std::size_t newline = text.find('\n');
    const bool one_line =
        newline == absl::string_view::npos || newline + 1 == text.size();
    if (one_line && line.size() + indent <= kColumns) {
      return Line(indent, line);
    }
    Line(indent, absl::StrCat(field.name(), ":"));
    while (!text.empty()) {
      const absl::string_view piece =
          NextPiece(text, kColumns - indent - 6);  // indent, quotes, "\n"
      Line(indent + 2, Literal(piece));
      text.remove_prefix(piece.size());
    }
  }

  void Line(int indent, absl::string_view text) {
    out_.append(static_cast<std::size_t>(indent), ' ');
    absl::StrAppend(&out_, text, "\n");
  }

  std::string out_;
};

}  // namespace

std::string PrintText(const Message& message) {
  return Printer().Print(message);
}

}  // namespace eptdiff
