#include "oracle/processor/report_writer.h"

#include <algorithm>

#include "oracle/rules.h"

namespace eptdiff {
namespace {

// Bytes of a case in one line.
constexpr std::size_t kLineBytes = 512;
constexpr char kDigits[] = "0123456789abcdef";

// Padding is no part of what CPUID says.
std::string_view Trimmed(std::string_view text) {
  const std::size_t zero = text.find('\0');
  if (zero != std::string_view::npos) text = text.substr(0, zero);
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

constexpr bool StandsForItself(char c) {
  return c > ' ' && c < 0x7f && c != '%' && c != '*';
}

std::uint64_t FeaturesOf(const Processor& p) {
  const bool features[] = {p.ept_violation_ve,
                           p.page_1gb,
                           p.nx,
                           p.pse36,
                           p.smep,
                           p.smap,
                           p.pku,
                           p.pks,
                           p.cet_ss,
                           p.la57,
                           p.pcid};
  std::uint64_t bits = 0;
  unsigned shift = 0;
  for (const bool feature : features) {
    bits |= std::uint64_t{feature} << shift++;
  }
  return bits;
}

}  // namespace

// What it counts with is kept out of memory: most of telling is here.
void ReportWriter::Put(std::string_view text) {
  while (!text.empty()) {
    if (held_bytes_ == held_.size()) SayHeld();
    const std::size_t bytes = std::min(text.size(), held_.size() - held_bytes_);
    char* const at = held_.data() + held_bytes_;
    std::uint32_t sum = sum_;
    for (std::size_t i = 0; i < bytes; ++i) {
      sum = (sum ^ static_cast<unsigned char>(text[i])) * 0x01000193;
      at[i] = text[i];
    }
    sum_ = sum;
    held_bytes_ += bytes;
    text.remove_prefix(bytes);
  }
}

// To say a piece takes about as long as to say much.
void ReportWriter::Hold(char c) {
  if (held_bytes_ == held_.size()) SayHeld();
  held_[held_bytes_++] = c;
}

void ReportWriter::SayHeld() {
  sink_(context_, {held_.data(), held_bytes_});
  held_bytes_ = 0;
}

// A line, from its kind to its sum.
class ReportWriter::Line {
 public:
  Line(ReportWriter& writer, std::string_view kind) : writer_(writer) {
    for (const char c : kReportMark) writer_.Hold(c);
    writer_.sum_ = ReportSum("");
    writer_.Put(kind);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() {
    char end[2 + kReportSumDigits + 1] = {' ', '*'};
    for (std::size_t i = 0; i < kReportSumDigits; ++i) {
      end[2 + i] =
          kDigits[writer_.sum_ >> (4 * (kReportSumDigits - 1 - i)) & 15];
    }
    end[sizeof(end) - 1] = '\n';
    for (const char c : end) writer_.Hold(c);
    writer_.SayHeld();
  }

  Line& Text(std::string_view key, std::string_view value) {
    Key(key);
    std::size_t plain = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (StandsForItself(value[i])) continue;
      writer_.Put(value.substr(plain, i - plain));
      plain = i + 1;
      const auto byte = static_cast<unsigned char>(value[i]);
      const char escaped[] = {'%', kDigits[byte >> 4], kDigits[byte & 15]};
      writer_.Put({escaped, sizeof(escaped)});
    }
    writer_.Put(value.substr(plain));
    return *this;
  }

  Line& Number(std::string_view key, std::uint64_t value) {
    char digits[20];
    char* at = digits + sizeof(digits);
    do {
      *--at = kDigits[value % 10];
      value /= 10;
    } while (value != 0);
    return Text(key,
                {at, static_cast<std::size_t>(digits + sizeof(digits) - at)});
  }

  Line& Hex(std::string_view key, std::uint64_t value) {
    char digits[18];
    char* at = digits + sizeof(digits);
    do {
      *--at = kDigits[value & 15];
      value >>= 4;
    } while (value != 0);
    *--at = 'x';
    *--at = '0';
    return Text(key,
                {at, static_cast<std::size_t>(digits + sizeof(digits) - at)});
  }

  Line& Bytes(std::string_view key, std::span<const std::uint8_t> value) {
    Key(key);
    constexpr std::size_t kAtOnce = 64;
    char digits[2 * kAtOnce];
    for (std::size_t at = 0; at < value.size(); at += kAtOnce) {
      const auto bytes =
          value.subspan(at, std::min(kAtOnce, value.size() - at));
      char* to = digits;
      for (const std::uint8_t byte : bytes) {
        *to++ = kDigits[byte >> 4];
        *to++ = kDigits[byte & 15];
      }
      writer_.Put({digits, 2 * bytes.size()});
    }
    return *this;
  }

 private:
  void Key(std::string_view key) {
    writer_.Put(" ");
    writer_.Put(key);
    writer_.Put("=");
  }

  ReportWriter& writer_;
};

void ReportWriter::Begin(std::string_view image_version,
                         unsigned encoding_version) {
  Line(*this, "begin")
      .Number("protocol", kReportProtocol)
      .Text("image", image_version)
      .Number("encoding", encoding_version)
      .Number("rules", kRuleCount);
}

void ReportWriter::Machine(const MachineFacts& facts) {
  Line(*this, "machine")
      .Text("vendor", Trimmed(facts.vendor))
      .Text("hypervisor", Trimmed(facts.hypervisor))
      .Text("brand", Trimmed(facts.brand))
      .Text("firmware", Trimmed(facts.firmware))
      .Hex("family", facts.family)
      .Hex("model", facts.model)
      .Hex("stepping", facts.stepping)
      .Hex("microcode", facts.microcode)
      .Hex("arch_capabilities", facts.arch_capabilities);
}

void ReportWriter::ProcessorIs(const Processor& processor) {
  Line(*this, "processor")
      .Number("maxphyaddr", processor.maxphyaddr)
      .Number("keyid_bits", processor.keyid_bits)
      .Hex("ept_vpid_cap", processor.ept_vpid_cap)
      .Hex("features", FeaturesOf(processor));
}

void ReportWriter::Msr(std::uint32_t index, std::uint64_t value) {
  Line(*this, "msr").Hex("index", index).Hex("value", value);
}

void ReportWriter::Memory(std::uint64_t first, std::uint64_t bytes,
                          std::uint32_t type) {
  Line(*this, "memory")
      .Hex("first", first)
      .Hex("bytes", bytes)
      .Number("type", type);
}

void ReportWriter::Run(const RunFacts& facts) {
  Line(*this, "run")
      .Number("module", facts.module_cases)
      .Number("seed", facts.seed)
      .Number("seconds", facts.seconds)
      .Number("repeat", facts.repeat)
      .Text("only", facts.only)
      .Text("dialect", facts.dialect)
      .Hex("fields", facts.fields);
}

void ReportWriter::Refused(std::string_view words, std::string_view advice) {
  Line(*this, "refused").Text("words", words).Text("advice", advice);
}

void ReportWriter::Counts(std::string_view kind, const ReportCounts& counts) {
  Line(*this, kind)
      .Number("cases", counts.cases)
      .Number("steps", counts.steps)
      .Number("agrees", counts.agrees)
      .Number("departs", counts.departs)
      .Number("skipped", counts.skipped)
      .Number("harness", counts.harness)
      .Number("milliseconds", counts.milliseconds);
}

void ReportWriter::Progress(const ReportCounts& counts) {
  Counts("progress", counts);
}

void ReportWriter::End(const ReportCounts& counts) { Counts("end", counts); }

void ReportWriter::CaseBytes(std::string_view kind, std::uint64_t number,
                             std::span<const std::uint8_t> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kLineBytes) {
    Line(*this, kind)
        .Number("number", number)
        .Number("at", at)
        .Number("of", bytes.size())
        .Bytes("hex",
               bytes.subspan(at, std::min(kLineBytes, bytes.size() - at)));
  }
}

void ReportWriter::Answer(std::uint64_t number, const Outcome& answer) {
  const Event& event = answer.event;
  {
    Line line(*this, "answer");
    line.Number("number", number);
    line.Number("event", static_cast<unsigned>(event.kind));
    line.Number("exit_reason", event.exit_reason);
    line.Hex("qualification", event.qualification);
    line.Hex("gpa", event.gpa.value);
    line.Hex("gla", event.gla.value);
    line.Hex("interruption_information", event.interruption_information);
    line.Hex("error_code", event.error_code);
    line.Hex("cr2", event.cr2.value);
    line.Number("failed_check", static_cast<unsigned>(event.failed_check));
    line.Hex("eptp", answer.registers.eptp);
    line.Hex("pml_index", answer.registers.pml_index);
    line.Number("eptp_index", answer.registers.eptp_index);
    constexpr std::string_view kPdptes[] = {"pdpte0", "pdpte1", "pdpte2",
                                            "pdpte3"};
    for (std::size_t i = 0; i < answer.registers.pdpte.size(); ++i) {
      line.Hex(kPdptes[i], answer.registers.pdpte[i]);
    }
  }
  if (event.kind == EventKind::kVmExit) {
    const SavedState& saved = answer.saved;
    Line(*this, "saved")
        .Number("number", number)
        .Hex("exit_reason_flags", saved.exit_reason_flags)
        .Hex("vectoring_information", saved.vectoring_information)
        .Hex("vectoring_error_code", saved.vectoring_error_code)
        .Number("instruction_length", saved.instruction_length)
        .Hex("interruptibility", saved.interruptibility)
        .Hex("rflags", saved.rflags)
        .Hex("pending_debug", saved.pending_debug);
  }
  for (std::size_t i = 0; i < event.translation_count; ++i) {
    const Translation& translation = event.translations[i];
    Line(*this, "at")
        .Number("number", number)
        .Hex("address", translation.address.value)
        .Number("page_shift", translation.page_shift)
        .Number("type", static_cast<unsigned>(translation.memory_type))
        .Number("structure_type",
                static_cast<unsigned>(translation.structure_memory_type))
        .Hex("guest_structure_types", translation.guest_structure_types);
  }
  for (const MemoryWord& word : answer.writes) {
    Line(*this, "wrote")
        .Number("number", number)
        .Hex("address", word.address.value)
        .Hex("value", word.value);
  }
}

void ReportWriter::Finding(const FindingFacts& finding) {
  Line(*this, "finding")
      .Number("number", finding.number)
      .Text("case", finding.name)
      .Number("index", finding.index)
      .Number("step", finding.step)
      .Number("keeps", finding.keeps ? 1 : 0)
      .Text("signature", finding.signature)
      .Text("field", NameOf(finding.first.field))
      .Number("part", finding.first.index)
      .Hex("word", finding.first.word.value)
      .Hex("expected", finding.first.expected)
      .Hex("given", finding.first.given)
      .Text("rule", IdentifierOf(finding.first.why.rule))
      .Number("level", finding.first.why.level)
      .Hex("fields", finding.fields)
      .Number("seen", finding.seen)
      .Number("of", finding.of);
  Answer(finding.number, finding.answer);
  CaseBytes("case", finding.number, finding.generated);
  CaseBytes("moved", finding.number, finding.moved);
}

void ReportWriter::Agreed(const FindingFacts& agreed) {
  AnswerOfCase("agreed", agreed);
}

void ReportWriter::Asked(const FindingFacts& asked) {
  AnswerOfCase("asked", asked);
}

void ReportWriter::AnswerOfCase(std::string_view kind,
                                const FindingFacts& facts) {
  Line(*this, kind)
      .Number("number", facts.number)
      .Text("case", facts.name)
      .Number("index", facts.index)
      .Number("step", facts.step)
      .Number("keeps", facts.keeps ? 1 : 0)
      .Hex("fields", facts.fields);
  Answer(facts.number, facts.answer);
  CaseBytes("moved", facts.number, facts.moved);
}

void ReportWriter::HarnessError(std::string_view words, std::string_view name,
                                std::uint64_t index, std::uint64_t step) {
  Line(*this, "harness")
      .Text("words", words)
      .Text("case", name)
      .Number("index", index)
      .Number("step", step);
}

void ReportWriter::Skips(std::string_view words, std::uint64_t steps) {
  Line(*this, "skips").Text("words", words).Number("steps", steps);
}

void ReportWriter::Met(std::span<const std::uint8_t> places) {
  for (std::size_t at = 0; at < places.size(); at += kLineBytes) {
    Line(*this, "met")
        .Number("at", at)
        .Bytes("hex",
               places.subspan(at, std::min(kLineBytes, places.size() - at)));
  }
}

void ReportWriter::Seen(std::string_view what, std::uint64_t times,
                        std::uint64_t of) {
  Line(*this, "seen")
      .Text("what", what)
      .Number("times", times)
      .Number("of", of);
}

void ReportWriter::Variant(const VariantFacts& variant) {
  Line(*this, "variant")
      .Text("case", variant.name)
      .Number("step", variant.step)
      .Number("kept", variant.kept ? 1 : 0)
      .Number("event", static_cast<unsigned>(variant.event))
      .Number("exit_reason", variant.exit_reason)
      .Hex("address", variant.address.value)
      .Number("times", variant.times)
      .Number("of", variant.of);
}

}  // namespace eptdiff
