#include "fuzzers/text/case_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/text/case.pb.h"
#include "fuzzers/text/case_fields.h"
#include "fuzzers/text/parse_errors.h"
#include "fuzzers/text/text_printer.h"
#include "fuzzers/text/view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::TextFormat;
using ParseInfo = TextFormat::ParseInfoTree;

constexpr int kMaxNesting = 16;  // case.proto nests 3 deep
constexpr int kSingular = -1;    // protobuf's index of a field not repeated

// A visitor (case_fields.h) that takes the fields of one message into the
// members, and reports what is beyond its limits.
class Reader {
 public:
  // `path` names the message in reports: "step[2].store"; "" is the file.
  // `info` may be null: then the place is not known.
  Reader(const Message& message, const ParseInfo* info, std::string path,
         ParseErrors& errors)
      : message_(message),
        info_(info),
        path_(std::move(path)),
        errors_(errors) {}

  template <typename T>
  void Number(int number, T& member, Limits limits = {}) {
    const FieldDescriptor& field = FieldAt(number);
    if (!reflection().HasField(message_, &field)) return;
    limits.max =
        std::min<std::uint64_t>(limits.max, std::numeric_limits<T>::max());
    const std::uint64_t value = reflection().GetUInt64(message_, &field);
    const bool hexadecimal = field.type() == FieldDescriptor::TYPE_FIXED64;
    const auto text = [hexadecimal](std::uint64_t n) {
      return hexadecimal ? absl::StrFormat("0x%x", n) : absl::StrCat(n);
    };
    if (value < limits.min || value > limits.max) {
      Report(field, kSingular,
             absl::StrCat(text(value), " is out of range: ", text(limits.min),
                          " to ", text(limits.max)));
    } else if (value % limits.alignment != 0) {
      Report(field, kSingular,
             absl::StrCat(text(value), " is misaligned: not a multiple of ",
                          limits.alignment));
    } else if ((value & limits.forbidden) != 0) {
      Report(field, kSingular,
             absl::StrCat(text(value), " has bits that it must not have: ",
                          text(value & limits.forbidden)));
    } else {
      member = static_cast<T>(value);
    }
  }

  void Flag(int number, bool& member) {
    const FieldDescriptor& field = FieldAt(number);
    if (!reflection().HasField(message_, &field)) return;
    member = reflection().GetBool(message_, &field);
  }

  template <typename E>
  void Kind(int number, E& member) {
    const FieldDescriptor& field = FieldAt(number);
    if (!reflection().HasField(message_, &field)) return;
    member = static_cast<E>(reflection().GetEnumValue(message_, &field));
  }

  template <std::size_t N>
  void Numbers(int number, std::array<std::uint64_t, N>& members) {
    const FieldDescriptor& field = FieldAt(number);
    const int count = reflection().FieldSize(message_, &field);
    for (int i = 0; i < count; ++i) {
      if (static_cast<std::size_t>(i) == N) {
        return Report(field, i, absl::StrCat("more than ", N, " values"));
      }
      members[i] = reflection().GetRepeatedUInt64(message_, &field, i);
    }
  }

  // A reader of the message in this field; `index` is kSingular if there is
  // but one.
  Reader Nested(const FieldDescriptor& field, int index) const {
    const Message& message =
        index == kSingular
            ? reflection().GetMessage(message_, &field)
            : reflection().GetRepeatedMessage(message_, &field, index);
    const ParseInfo* info =
        info_ == nullptr ? nullptr : info_->GetTreeForNested(&field, index);
    return Reader(message, info, PathOf(field, index), errors_);
  }

  void Report(const FieldDescriptor& field, int index,
              absl::string_view what) const {
    TextFormat::ParseLocation place;
    if (info_ != nullptr) place = info_->GetLocation(&field, index);
    // Of a list in brackets only the first has a place.
    if (info_ != nullptr && place.line < 0 && index > 0) {
      place = info_->GetLocation(&field, 0);
    }
    errors_.AddError(place.line, std::max(place.column, 0),
                     absl::StrCat(PathOf(field, index), ": ", what));
  }

  const FieldDescriptor& FieldAt(int number) const {
    return *message_.GetDescriptor()->FindFieldByNumber(number);
  }
  const Message& message() const { return message_; }

 private:
  const google::protobuf::Reflection& reflection() const {
    return *message_.GetReflection();
  }
  std::string PathOf(const FieldDescriptor& field, int index) const {
    return absl::StrCat(path_, path_.empty() ? "" : ".", field.name(),
                        index < 0 ? "" : absl::StrCat("[", index, "]"));
  }

  const Message& message_;
  const ParseInfo* info_;
  std::string path_;
  ParseErrors& errors_;
};

// A visitor that sets the fields whose members differ from the defaults.
class Writer {
 public:
  explicit Writer(Message* message) : message_(message) {}

  template <typename T>
  void Number(int number, T& member, Limits = {}) {
    const FieldDescriptor& field = FieldAt(number);
    if (member == field.default_value_uint64()) return;
    reflection().SetUInt64(message_, &field, member);
  }
  void Flag(int number, bool& member) {
    const FieldDescriptor& field = FieldAt(number);
    if (member == field.default_value_bool()) return;
    reflection().SetBool(message_, &field, member);
  }
  // Written always: an access without its kind reads badly.
  template <typename E>
  void Kind(int number, E& member) {
    reflection().SetEnumValue(message_, &FieldAt(number),
                              static_cast<int>(member));
  }
  template <std::size_t N>
  void Numbers(int number, std::array<std::uint64_t, N>& members) {
    std::size_t count = N;
    while (count > 0 && members[count - 1] == 0) --count;
    for (std::size_t i = 0; i < count; ++i) {
      reflection().AddUInt64(message_, &FieldAt(number), members[i]);
    }
  }

 private:
  const FieldDescriptor& FieldAt(int number) const {
    return *message_->GetDescriptor()->FindFieldByNumber(number);
  }
  const google::protobuf::Reflection& reflection() const {
    return *message_->GetReflection();
  }

  Message* message_;
};

Step ReadStep(const Reader& reader) {
  const auto& message = static_cast<const CaseFile::Step&>(reader.message());
  Step step;
  step.kind = StepKindOf(message.kind_case());
  VisitStep(reader.Nested(reader.FieldAt(message.kind_case()), kSingular),
            step);
  VisitPlace(Reader(reader), step);
  return step;
}

Expectation ReadExpectation(const Reader& reader) {
  const auto& message =
      static_cast<const CaseFile::Expectation&>(reader.message());
  Expectation expectation;
  if (message.event_case() != CaseFile::Expectation::EVENT_NOT_SET) {
    expectation.event = kExpectedEvents[message.event_case() - 1];
    VisitExpectedEvent(
        reader.Nested(reader.FieldAt(message.event_case()), kSingular),
        expectation);
  }
  constexpr int kFind = CaseFile::Expectation::kFindFieldNumber;
  for (int i = 0; i < message.find_size(); ++i) {
    VisitExpectedBits(reader.Nested(reader.FieldAt(kFind), i),
                      expectation.memory.emplace_back());
  }
  return expectation;
}

void WriteExpectation(Expectation expectation, CaseFile::Expectation* message) {
  const FieldDescriptor* field = message->GetDescriptor()->FindFieldByNumber(
      EventFieldOf(expectation.event));
  VisitExpectedEvent(
      Writer(message->GetReflection()->MutableMessage(message, field)),
      expectation);
  for (ExpectedBits& bits : expectation.memory) {
    VisitExpectedBits(Writer(message->add_find()), bits);
  }
}

void CheckRecordCount(const Reader& reader, const CaseFile& file) {
  const auto words = static_cast<std::size_t>(file.memory_size());
  const auto steps = static_cast<std::size_t>(file.step_size());
  if (words + steps <= kMaxRecords) return;
  const bool in_memory = words > kMaxRecords;
  const std::size_t first = in_memory ? kMaxRecords : kMaxRecords - words;
  reader.Report(reader.FieldAt(in_memory ? CaseFile::kMemoryFieldNumber
                                         : CaseFile::kStepFieldNumber),
                static_cast<int>(first),
                absl::StrCat("beyond the limit of ", kMaxRecords,
                             " words of memory and steps together; there are ",
                             words, " and ", steps));
}

void CheckRules(const Reader& reader, const CaseFile& file) {
  for (int i = 0; i < file.rule_size(); ++i) {
    if (FindRule(file.rule(i)).has_value()) continue;
    reader.Report(reader.FieldAt(CaseFile::kRuleFieldNumber), i,
                  absl::StrCat("there is no rule \"", file.rule(i),
                               "\" in the catalogue"));
  }
}

TextCase ReadFile(const Reader& reader, const CaseFile& file) {
  TextCase result;
  result.explanation = file.explanation();
  result.signature = file.signature();
  result.sdm_section = file.sdm_section();
  result.rules.assign(file.rule().begin(), file.rule().end());
  result.expected = file.expected();
  result.alterations.assign(file.alteration().begin(), file.alteration().end());
  CheckRules(reader, file);
  CheckRecordCount(reader, file);

  const auto nested = [&reader](int field, int index = kSingular) {
    return reader.Nested(reader.FieldAt(field), index);
  };
  Case& c = result.c;
  VisitProcessor(nested(CaseFile::kProcessorFieldNumber), c.processor);
  VisitControls(nested(CaseFile::kControlsFieldNumber), c.controls);
  VisitGuest(nested(CaseFile::kGuestFieldNumber), c.guest);
  for (int i = 0; i < file.memory_size(); ++i) {
    VisitWord(nested(CaseFile::kMemoryFieldNumber, i), c.memory.emplace_back());
  }
  if (file.has_vm_entry()) {
    result.expectations[0] =
        ReadExpectation(nested(CaseFile::kVmEntryFieldNumber));
  }
  for (int i = 0; i < file.step_size(); ++i) {
    if (file.step(i).kind_case() == CaseFile::Step::KIND_NOT_SET) {
      reader.Report(reader.FieldAt(CaseFile::kStepFieldNumber), i,
                    "a step needs what is done, such as store {}");
      continue;
    }
    const Reader step = nested(CaseFile::kStepFieldNumber, i);
    c.steps.push_back(ReadStep(step));
    if (!file.step(i).has_must()) continue;
    result.expectations[c.steps.size()] = ReadExpectation(
        step.Nested(step.FieldAt(CaseFile::Step::kMustFieldNumber), kSingular));
  }
  return result;
}

}  // namespace

absl::StatusOr<TextCase> ParseCase(std::string_view text,
                                   std::string_view filename) {
  ParseErrors errors(View(filename), View(text));
  if (text.size() > kMaxTextBytes) {
    errors.AddError(-1, 0,
                    absl::StrCat(text.size(), " bytes are more than ",
                                 kMaxTextBytes, ", the limit of a text"));
    return errors.ToStatus();
  }
  ParseInfo info;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(&info);
  parser.SetRecursionLimit(kMaxNesting);
  CaseFile file;
  const bool parsed = parser.ParseFromString(std::string(text), &file);
  if (!parsed && errors.empty()) errors.AddError(-1, 0, "not a textproto");
  if (!errors.empty()) return errors.ToStatus();

  TextCase result = ReadFile(Reader(file, &info, "", errors), file);
  if (!errors.empty()) return errors.ToStatus();
  return result;
}

std::string FormatCase(const TextCase& text_case) {
  CaseFile file;
  if (!text_case.explanation.empty()) {
    file.set_explanation(text_case.explanation);
  }
  if (!text_case.signature.empty()) file.set_signature(text_case.signature);
  if (!text_case.sdm_section.empty()) {
    file.set_sdm_section(text_case.sdm_section);
  }
  file.mutable_rule()->Assign(text_case.rules.begin(), text_case.rules.end());
  if (!text_case.expected.empty()) file.set_expected(text_case.expected);
  file.mutable_alteration()->Assign(text_case.alterations.begin(),
                                    text_case.alterations.end());

  Case c = text_case.c;  // the visitors' members are not const
  VisitProcessor(Writer(file.mutable_processor()), c.processor);
  VisitControls(Writer(file.mutable_controls()), c.controls);
  VisitGuest(Writer(file.mutable_guest()), c.guest);
  if (c.processor == Processor()) file.clear_processor();
  if (c.controls == Controls()) file.clear_controls();
  if (c.guest == GuestState()) file.clear_guest();
  for (MemoryWord& word : c.memory) {
    VisitWord(Writer(file.add_memory()), word);
  }
  for (Step& step : c.steps) {
    CaseFile::Step* message = file.add_step();
    const FieldDescriptor* field =
        message->GetDescriptor()->FindFieldByNumber(StepFieldOf(step.kind));
    VisitStep(Writer(message->GetReflection()->MutableMessage(message, field)),
              step);
    VisitPlace(Writer(message), step);
  }
  for (const auto& [step, expectation] : text_case.expectations) {
    if (step > c.steps.size()) continue;
    WriteExpectation(
        expectation,
        step == 0
            ? file.mutable_vm_entry()
            : file.mutable_step(static_cast<int>(step) - 1)->mutable_must());
  }
  return absl::StrCat(
      "# proto-file: fuzzers/text/case.proto\n"
      "# proto-message: CaseFile\n\n",
      PrintText(file));
}

}  // namespace eptdiff
