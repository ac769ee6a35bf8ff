#include "fuzzers/text/memory_type_text.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/text/memory_type.pb.h"
#include "fuzzers/text/parse_errors.h"
#include "fuzzers/text/text_printer.h"
#include "fuzzers/text/view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"

namespace eptdiff {
namespace {

using google::protobuf::Message;
using google::protobuf::TextFormat;
using ParseInfo = TextFormat::ParseInfoTree;
using File = proto::MemoryTypeCase;

constexpr std::size_t kMaxBytes = std::size_t{1} << 16;
constexpr int kMaxNesting = 8;
// The first of the fixed ranges' fields; the others follow in order.
constexpr int kFirstFixed = File::Mtrrs::kFix64K00000FieldNumber;

// What is wrong with a field of `message`, which stands where `info` says.
class Mistakes {
 public:
  Mistakes(const Message& message, const ParseInfo* info, ParseErrors& errors)
      : message_(message), info_(info), errors_(errors) {}

  void Add(int number, std::string_view what, int index = -1) const {
    const auto* field = message_.GetDescriptor()->FindFieldByNumber(number);
    const auto place = info_ == nullptr ? TextFormat::ParseLocation()
                                        : info_->GetLocation(field, index);
    errors_.AddError(place.line, place.column,
                     absl::StrCat(field->name(), ": ", View(what)));
  }
  Mistakes Of(const Message& message, int number) const {
    const auto* field = message_.GetDescriptor()->FindFieldByNumber(number);
    return {message,
            info_ == nullptr ? nullptr : info_->GetTreeForNested(field, -1),
            errors_};
  }

 private:
  const Message& message_;
  const ParseInfo* const info_;
  ParseErrors& errors_;
};

Mtrrs ReadMtrrs(const File::Mtrrs& file, const Mistakes& mistakes) {
  Mtrrs mtrrs;
  if (file.maxphyaddr() < 32 || file.maxphyaddr() > 52) {
    mistakes.Add(File::Mtrrs::kMaxphyaddrFieldNumber,
                 absl::StrCat(file.maxphyaddr(), " is out of range: 32 to 52"));
  } else {
    mtrrs.maxphyaddr = static_cast<std::uint8_t>(file.maxphyaddr());
  }
  mtrrs.cap = file.cap();
  mtrrs.def_type = file.def_type();
  for (std::size_t i = 0; i < kFixedMtrrs; ++i) {
    mtrrs.fixed[i] = file.GetReflection()->GetUInt64(
        file, file.GetDescriptor()->FindFieldByNumber(kFirstFixed +
                                                      static_cast<int>(i)));
  }
  for (int i = 0; i < file.phys_size(); ++i) {
    if (i == static_cast<int>(kVariableMtrrs)) {
      mistakes.Add(File::Mtrrs::kPhysFieldNumber,
                   absl::StrCat("more than ", kVariableMtrrs, " ranges"), i);
      break;
    }
    mtrrs.variable[static_cast<std::size_t>(i)] = {file.phys(i).base(),
                                                   file.phys(i).mask()};
  }
  mtrrs.smrr = {file.smrr().base(), file.smrr().mask()};
  return mtrrs;
}

// An address of a page of `bytes`, of `width` bits.
std::uint64_t ReadAddress(int number, std::uint64_t address,
                          std::uint64_t bytes, unsigned width,
                          const Mistakes& mistakes) {
  if (address % bytes != 0) {
    mistakes.Add(number, absl::StrFormat("0x%x is not a multiple of the page's "
                                         "size, 0x%x",
                                         address, bytes));
  } else if (address >> width != 0) {
    mistakes.Add(number, absl::StrFormat("0x%x is beyond the %d bits of "
                                         "maxphyaddr",
                                         address, width));
  }
  return address;
}

MtrrQuestion ReadQuestion(const File& file, const Mistakes& mistakes) {
  MtrrQuestion question;
  question.mtrrs = ReadMtrrs(
      file.machine(), mistakes.Of(file.machine(), File::kMachineFieldNumber));
  if (file.bytes() == 0x1000 || file.bytes() == 0x20'0000 ||
      file.bytes() == 0x4000'0000) {
    question.bytes = file.bytes();
  } else {
    mistakes.Add(File::kBytesFieldNumber,
                 absl::StrCat(file.bytes(),
                              " is no page's size: 4096, 2097152, 1073741824"));
  }
  question.hpa = ReadAddress(File::kHpaFieldNumber, file.hpa(), question.bytes,
                             question.mtrrs.maxphyaddr, mistakes);
  if (!file.has_page()) return question;
  const File::Page& page = file.page();
  const Mistakes of_page = mistakes.Of(page, File::kPageFieldNumber);
  AskedPage& asked = question.page.emplace();
  asked.mtrrs = ReadMtrrs(
      page.guest(), of_page.Of(page.guest(), File::Page::kGuestFieldNumber));
  asked.gpa = ReadAddress(File::Page::kGpaFieldNumber, page.gpa(),
                          question.bytes, asked.mtrrs.maxphyaddr, of_page);
  asked.is_device = page.is_device();
  asked.is_unsnooped = page.is_unsnooped();
  asked.cache_disabled = page.cache_disabled();
  asked.paging_off = page.paging_off();
  return question;
}

void WriteRange(const VariableMtrr& range, File::Range* file) {
  if (range.base != 0) file->set_base(range.base);
  if (range.mask != 0) file->set_mask(range.mask);
}

void WriteMtrrs(const Mtrrs& mtrrs, File::Mtrrs* file) {
  file->set_maxphyaddr(mtrrs.maxphyaddr);
  file->set_cap(mtrrs.cap);
  file->set_def_type(mtrrs.def_type);
  for (std::size_t i = 0; i < kFixedMtrrs; ++i) {
    if (mtrrs.fixed[i] == 0) continue;
    file->GetReflection()->SetUInt64(file,
                                     file->GetDescriptor()->FindFieldByNumber(
                                         kFirstFixed + static_cast<int>(i)),
                                     mtrrs.fixed[i]);
  }
  std::size_t count = kVariableMtrrs;
  while (count > 0 && mtrrs.variable[count - 1] == VariableMtrr()) --count;
  for (std::size_t i = 0; i < count; ++i) {
    WriteRange(mtrrs.variable[i], file->add_phys());
  }
  if (mtrrs.smrr != VariableMtrr())
    WriteRange(mtrrs.smrr, file->mutable_smrr());
}

}  // namespace

absl::StatusOr<MemoryTypeCase> ParseMemoryTypeCase(std::string_view text,
                                                   std::string_view filename) {
  ParseErrors errors(View(filename), View(text));
  if (text.size() > kMaxBytes) {
    errors.AddError(-1, 0,
                    absl::StrCat(text.size(), " bytes are more than ",
                                 kMaxBytes, ", the limit of a text"));
    return errors.ToStatus();
  }
  ParseInfo info;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(&info);
  parser.SetRecursionLimit(kMaxNesting);
  File file;
  const bool parsed = parser.ParseFromString(std::string(text), &file);
  if (!parsed && errors.empty()) errors.AddError(-1, 0, "not a textproto");
  if (!errors.empty()) return errors.ToStatus();
  MemoryTypeCase c;
  c.question = ReadQuestion(file, Mistakes(file, &info, errors));
  if (!errors.empty()) return errors.ToStatus();
  c.explanation = file.explanation();
  c.signature = file.signature();
  c.sdm_section = file.sdm_section();
  c.expected = file.expected();
  return c;
}

std::string FormatMemoryTypeCase(const MemoryTypeCase& c) {
  File file;
  if (!c.explanation.empty()) file.set_explanation(c.explanation);
  if (!c.signature.empty()) file.set_signature(c.signature);
  if (!c.sdm_section.empty()) file.set_sdm_section(c.sdm_section);
  if (!c.expected.empty()) file.set_expected(c.expected);
  WriteMtrrs(c.question.mtrrs, file.mutable_machine());
  file.set_hpa(c.question.hpa);
  file.set_bytes(c.question.bytes);
  if (c.question.page.has_value()) {
    const AskedPage& asked = *c.question.page;
    File::Page* const page = file.mutable_page();
    WriteMtrrs(asked.mtrrs, page->mutable_guest());
    page->set_gpa(asked.gpa);
    if (asked.is_device) page->set_is_device(true);
    if (asked.is_unsnooped) page->set_is_unsnooped(true);
    if (asked.cache_disabled) page->set_cache_disabled(true);
    if (asked.paging_off) page->set_paging_off(true);
  }
  return absl::StrCat(
      "# proto-file: fuzzers/text/memory_type.proto\n"
      "# proto-message: MemoryTypeCase\n\n",
      PrintText(file));
}

}  // namespace eptdiff
