#include "oracle/processor/report_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace eptdiff {
namespace {

// A case is at most this long (oracle/case.h), and the places of all rules take
// less.
constexpr std::size_t kMaxBytes = kMaxEncodedBytes;
constexpr std::size_t kMaxFindings = 100000;
constexpr std::size_t kMaxTroubles = 1000;

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

std::optional<std::vector<std::uint8_t>> BytesOfHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = HexDigit(hex[i]);
    const auto low = HexDigit(hex[i + 1]);
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(*high << 4 | *low));
  }
  return bytes;
}

std::string Unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = HexDigit(text[i + 1]);
      const auto low = HexDigit(text[i + 2]);
      if (high && low) {
        plain += static_cast<char>(*high << 4 | *low);
        i += 2;
        continue;
      }
    }
    plain += text[i];
  }
  return plain;
}

template <typename Fields>
std::string TextOf(const Fields& fields, std::string_view key) {
  const auto at = fields.find(key);
  return at == fields.end() ? "" : Unescaped(at->second);
}

// 0 if there is no such number.
template <typename Number = std::uint64_t, typename Fields>
Number NumberOf(const Fields& fields, std::string_view key) {
  const auto at = fields.find(key);
  if (at == fields.end()) return 0;
  std::string_view digits = at->second;
  int base = 10;
  if (digits.starts_with("0x")) {
    digits.remove_prefix(2);
    base = 16;
  }
  Number value = 0;
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value, base);
  return read.ec == std::errc() && read.ptr == end ? value : 0;
}

template <typename Fields>
ReportCounts CountsOf(const Fields& fields) {
  return {.cases = NumberOf(fields, "cases"),
          .steps = NumberOf(fields, "steps"),
          .agrees = NumberOf(fields, "agrees"),
          .departs = NumberOf(fields, "departs"),
          .skipped = NumberOf(fields, "skipped"),
          .harness = NumberOf(fields, "harness"),
          .milliseconds = NumberOf(fields, "milliseconds")};
}

// No value of the enumeration is larger than its last.
template <typename Enum, typename Fields>
Enum EnumOf(const Fields& fields, std::string_view key, Enum last) {
  const auto value = NumberOf<std::uint8_t>(fields, key);
  return value <= static_cast<std::uint8_t>(last) ? static_cast<Enum>(value)
                                                  : Enum{};
}

}  // namespace

void ReportReader::Complain(std::string words) {
  if (report_.troubles.size() < kMaxTroubles) {
    report_.troubles.push_back({line_, std::move(words)});
  }
}

void ReportReader::Add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      // What is longer than any line of a report is none.
      if (pending_.size() < (1 << 16)) pending_.append(bytes);
      return;
    }
    ++line_;
    if (pending_.empty()) {
      Line(bytes.substr(0, end));
    } else {
      pending_.append(bytes.substr(0, end));
      Line(pending_);
      pending_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
}

void ReportReader::Finish() {
  if (!pending_.empty()) {
    ++line_;
    Line(pending_);
    pending_.clear();
  }
  if (report_.begun && !report_.ended && report_.refused.empty()) {
    Complain("the log ends before the run does");
  }
  EndRun();
}

// Whatever stands before the mark, or behind the sum, is somebody else's.
void ReportReader::Line(std::string_view line) {
  std::size_t at = line.find(kReportMark);
  while (at != std::string_view::npos) {
    line.remove_prefix(at + kReportMark.size());
    at = line.find(kReportMark);
    Marked(line.substr(0, at));
  }
}

void ReportReader::Marked(std::string_view text) {
  const std::size_t star = text.find(" *");
  if (star == std::string_view::npos ||
      text.size() < star + 2 + kReportSumDigits) {
    return Complain("cut short");
  }
  const std::string_view digits = text.substr(star + 2, kReportSumDigits);
  std::uint32_t sum = 0;
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, sum, 16);
  text = text.substr(0, star);
  if (read.ec != std::errc() || read.ptr != end || sum != ReportSum(text)) {
    return Complain("damaged: its sum is another");
  }
  const std::size_t blank = text.find(' ');
  const std::string_view kind = text.substr(0, blank);
  Fields fields;
  while (text.find(' ') != std::string_view::npos) {
    text.remove_prefix(text.find(' ') + 1);
    const std::string_view field = text.substr(0, text.find(' '));
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) continue;
    fields.emplace(field.substr(0, equals), field.substr(equals + 1));
  }
  Take(kind, fields);
}

void ReportReader::Take(std::string_view kind, const Fields& fields) {
  if (kind == "begin") return Begin(fields);
  if (other_version_) return;
  if (!report_.begun) {
    // One complaint is enough: a log may begin in the middle of a run.
    report_.begun = true;
    Complain("the log begins in the middle of a run");
  }
  if (kind == "machine" || kind == "processor" || kind == "msr" ||
      kind == "memory") {
    return TakeMachine(kind, fields);
  }
  if (kind == "run") {
    report_.module_cases = NumberOf(fields, "module");
    report_.seed = NumberOf(fields, "seed");
    report_.seconds = NumberOf(fields, "seconds");
    report_.repeat = NumberOf(fields, "repeat");
    report_.only = TextOf(fields, "only");
    if (fields.contains("dialect")) report_.dialect = TextOf(fields, "dialect");
    report_.fields = NumberOf(fields, "fields");
  } else if (kind == "refused") {
    report_.refused = TextOf(fields, "words");
    report_.advice = TextOf(fields, "advice");
  } else if (kind == "progress" || kind == "end") {
    report_.counts = CountsOf(fields);
    report_.ended = kind == "end";
  } else if (kind == "finding") {
    TakeFinding(fields, &ImageReport::findings);
  } else if (kind == "agreed") {
    TakeFinding(fields, &ImageReport::agreed);
  } else if (kind == "asked") {
    TakeFinding(fields, &ImageReport::asked);
  } else if (kind == "answer" || kind == "saved" || kind == "at" ||
             kind == "wrote") {
    TakeAnswer(kind, fields);
  } else if (kind == "case" || kind == "moved" || kind == "met") {
    TakeBytes(kind, fields);
  } else if (kind == "harness") {
    report_.harness_errors.push_back(
        {line_, TextOf(fields, "words"), TextOf(fields, "case"),
         NumberOf(fields, "index"), NumberOf(fields, "step")});
  } else if (kind == "skips") {
    report_.skips[TextOf(fields, "words")] += NumberOf(fields, "steps");
  } else if (kind == "seen") {
    report_.seen.push_back({TextOf(fields, "what"), NumberOf(fields, "times"),
                            NumberOf(fields, "of")});
  } else if (kind == "variant") {
    TakeVariant(fields);
  } else {
    Complain("a line of a kind that this program does not know: " +
             std::string(kind.substr(0, 40)));
  }
}

// A run begins; what stood before belongs to another.
void ReportReader::Begin(const Fields& fields) {
  if (report_.begun) {
    EndRun();
    std::vector<LogTrouble> troubles = std::move(report_.troubles);
    report_ = ImageReport();
    report_.troubles = std::move(troubles);
    numbers_.clear();
    Complain("another run begins; those before it are left out");
  }
  const auto protocol = NumberOf<std::uint32_t>(fields, "protocol");
  other_version_ = protocol != kReportProtocol;
  if (other_version_) {
    return Complain("a report of version " + std::to_string(protocol) +
                    "; this program reads version " +
                    std::to_string(kReportProtocol));
  }
  report_.begun = true;
  report_.image = TextOf(fields, "image");
  report_.encoding = NumberOf<unsigned>(fields, "encoding");
  report_.rules = NumberOf<unsigned>(fields, "rules");
}

void ReportReader::TakeMachine(std::string_view kind, const Fields& fields) {
  AskedMachine& machine = report_.machine;
  if (kind == "machine") {
    machine.vendor = TextOf(fields, "vendor");
    machine.hypervisor = TextOf(fields, "hypervisor");
    machine.brand = TextOf(fields, "brand");
    machine.firmware = TextOf(fields, "firmware");
    machine.family = NumberOf<std::uint32_t>(fields, "family");
    machine.model = NumberOf<std::uint32_t>(fields, "model");
    machine.stepping = NumberOf<std::uint32_t>(fields, "stepping");
    machine.microcode = NumberOf<std::uint32_t>(fields, "microcode");
    machine.arch_capabilities = NumberOf(fields, "arch_capabilities");
  } else if (kind == "processor") {
    Processor& p = machine.processor;
    p.maxphyaddr = NumberOf<std::uint8_t>(fields, "maxphyaddr");
    p.keyid_bits = NumberOf<std::uint8_t>(fields, "keyid_bits");
    p.ept_vpid_cap = NumberOf(fields, "ept_vpid_cap");
    std::uint64_t features = NumberOf(fields, "features");
    for (bool* const feature :
         {&p.ept_violation_ve, &p.page_1gb, &p.nx, &p.pse36, &p.smep, &p.smap,
          &p.pku, &p.pks, &p.cet_ss, &p.la57, &p.pcid}) {
      *feature = (features & 1) != 0;
      features >>= 1;
    }
  } else if (kind == "msr") {
    machine.msrs[NumberOf<std::uint32_t>(fields, "index")] =
        NumberOf(fields, "value");
  } else {
    machine.memory.push_back({NumberOf(fields, "first"),
                              NumberOf(fields, "bytes"),
                              NumberOf<std::uint32_t>(fields, "type")});
  }
}

void ReportReader::TakeFinding(const Fields& fields, Findings list) {
  std::vector<ReportedFinding>& findings = report_.*list;
  if (findings.size() >= kMaxFindings) return;
  numbers_[NumberOf(fields, "number")] = {list, findings.size()};
  ReportedFinding& finding = findings.emplace_back();
  finding.line = line_;
  finding.name = TextOf(fields, "case");
  finding.index = NumberOf(fields, "index");
  finding.step = NumberOf(fields, "step");
  finding.signature = TextOf(fields, "signature");
  finding.field = TextOf(fields, "field");
  finding.rule = TextOf(fields, "rule");
  finding.expected = NumberOf(fields, "expected");
  finding.given = NumberOf(fields, "given");
  finding.fields =
      fields.contains("fields") ? NumberOf(fields, "fields") : report_.fields;
  // An image that does not say so may keep.
  finding.keeps = !fields.contains("keeps") || NumberOf(fields, "keeps") != 0;
  finding.seen = NumberOf(fields, "seen");
  finding.of = NumberOf(fields, "of");
}

ReportedFinding* ReportReader::FindNumber(std::uint64_t number) {
  const auto at = numbers_.find(number);
  if (at == numbers_.end()) return nullptr;
  return &(report_.*at->second.first)[at->second.second];
}

// Null, and said, if the line that named it is not there.
ReportedFinding* ReportReader::FindingOf(const Fields& fields) {
  ReportedFinding* const finding = FindNumber(NumberOf(fields, "number"));
  if (finding == nullptr) Complain("of a finding that no line before it has");
  return finding;
}

void ReportReader::TakeAnswer(std::string_view kind, const Fields& fields) {
  ReportedFinding* const finding = FindingOf(fields);
  if (finding == nullptr) return;
  Outcome& answer = finding->answer;
  Event& event = answer.event;
  if (kind == "answer") {
    event.kind = EnumOf(fields, "event", EventKind::kInvalidOperand);
    event.exit_reason = NumberOf<std::uint16_t>(fields, "exit_reason");
    event.qualification = NumberOf(fields, "qualification");
    event.gpa = Gpa{NumberOf(fields, "gpa")};
    event.gla = Gla{NumberOf(fields, "gla")};
    event.interruption_information =
        NumberOf<std::uint32_t>(fields, "interruption_information");
    event.error_code = NumberOf<std::uint32_t>(fields, "error_code");
    event.cr2 = Gla{NumberOf(fields, "cr2")};
    event.failed_check = EnumOf(fields, "failed_check", EntryCheck::kCtl14);
    answer.registers.eptp = NumberOf(fields, "eptp");
    answer.registers.pml_index = NumberOf<std::uint16_t>(fields, "pml_index");
    answer.registers.eptp_index = NumberOf<std::uint16_t>(fields, "eptp_index");
    constexpr std::string_view kPdptes[] = {"pdpte0", "pdpte1", "pdpte2",
                                            "pdpte3"};
    for (std::size_t i = 0; i < answer.registers.pdpte.size(); ++i) {
      answer.registers.pdpte[i] = NumberOf(fields, kPdptes[i]);
    }
  } else if (kind == "saved") {
    SavedState& saved = answer.saved;
    saved.exit_reason_flags =
        NumberOf<std::uint16_t>(fields, "exit_reason_flags");
    saved.vectoring_information =
        NumberOf<std::uint32_t>(fields, "vectoring_information");
    saved.vectoring_error_code =
        NumberOf<std::uint32_t>(fields, "vectoring_error_code");
    saved.instruction_length =
        NumberOf<std::uint32_t>(fields, "instruction_length");
    saved.interruptibility =
        NumberOf<std::uint32_t>(fields, "interruptibility");
    saved.rflags = NumberOf(fields, "rflags");
    saved.pending_debug = NumberOf(fields, "pending_debug");
  } else if (kind == "at") {
    if (event.translation_count == event.translations.size()) {
      return Complain("more translations than an access has");
    }
    Translation& at = event.translations[event.translation_count++];
    at.address = Hpa{NumberOf(fields, "address")};
    at.page_shift = NumberOf<std::uint8_t>(fields, "page_shift");
    at.memory_type = EnumOf(fields, "type", MemoryType::kUncacheableMinus);
    at.structure_memory_type =
        EnumOf(fields, "structure_type", MemoryType::kUncacheableMinus);
    at.guest_structure_types = NumberOf(fields, "guest_structure_types");
  } else if (answer.writes.full()) {
    Complain("more words than a step writes");
  } else {
    answer.writes.push_back(
        {Hpa{NumberOf(fields, "address")}, NumberOf(fields, "value")});
  }
}

void ReportReader::TakeVariant(const Fields& fields) {
  if (report_.variants.size() >= kMaxFindings) return;
  ImageReport::Variant& variant = report_.variants.emplace_back();
  variant.name = TextOf(fields, "case");
  variant.step = NumberOf(fields, "step");
  variant.kept = NumberOf(fields, "kept") != 0;
  Event& event = variant.event;
  event.kind = EnumOf(fields, "event", EventKind::kInvalidOperand);
  event.exit_reason = NumberOf<std::uint16_t>(fields, "exit_reason");
  if (event.kind == EventKind::kCompleted) {
    event.translation_count = 1;
    event.translations[0].address = Hpa{NumberOf(fields, "address")};
  }
  variant.times = NumberOf(fields, "times");
  variant.of = NumberOf(fields, "of");
}

void ReportReader::TakeBytes(std::string_view kind, const Fields& fields) {
  const auto hex = fields.find("hex");
  const auto bytes =
      hex == fields.end() ? std::nullopt : BytesOfHex(hex->second);
  const std::uint64_t at = NumberOf(fields, "at");
  if (!bytes || at > kMaxBytes || bytes->size() > kMaxBytes - at) {
    return Complain("bytes that are none");
  }
  if (kind == "met") {
    if (report_.met.size() < at + bytes->size()) {
      report_.met.resize(at + bytes->size());
    }
    std::copy(bytes->begin(), bytes->end(), report_.met.begin() + at);
    return;
  }
  if (FindingOf(fields) == nullptr) return;
  Pieces& pieces = pieces_[{NumberOf(fields, "number"), kind == "moved"}];
  // Pieces come in their order: a gap is a line that was lost.
  if (pieces.bytes.size() != at) pieces.broken = true;
  pieces.of = NumberOf(fields, "of");
  if (!pieces.broken) {
    pieces.bytes.insert(pieces.bytes.end(), bytes->begin(), bytes->end());
  }
}

void ReportReader::EndRun() {
  for (auto& [key, pieces] : pieces_) {
    ReportedFinding* const finding = FindNumber(key.first);
    if (finding == nullptr || pieces.broken ||
        pieces.bytes.size() != pieces.of) {
      continue;
    }
    (key.second ? finding->moved : finding->generated) =
        std::move(pieces.bytes);
  }
  pieces_.clear();
  for (const ReportedFinding& finding : report_.findings) {
    if (!finding.generated.empty() && !finding.moved.empty()) continue;
    if (report_.troubles.size() >= kMaxTroubles) break;
    report_.troubles.push_back(
        {finding.line, "the case of this finding is not whole"});
  }
}

}  // namespace eptdiff
