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

void ReportWriter::Put(std::string_view text) {
  for (const char c : text) {
    sum_ = (sum_ ^ static_cast<unsigned char>(c)) * 0x01000193;
  }
  sink_(context_, text);
}

void ReportWriter::Open(std::string_view kind) {
  sink_(context_, kReportMark);
  sum_ = ReportSum("");
  Put(kind);
}

void ReportWriter::Text(std::string_view key, std::string_view value) {
  Put(" ");
  Put(key);
  Put("=");
  std::size_t plain = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (StandsForItself(value[i])) continue;
    Put(value.substr(plain, i - plain));
    plain = i + 1;
    const auto byte = static_cast<unsigned char>(value[i]);
    const char escaped[] = {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    Put({escaped, sizeof(escaped)});
  }
  Put(value.substr(plain));
}

void ReportWriter::Number(std::string_view key, std::uint64_t value) {
  char digits[20];
  char* at = digits + sizeof(digits);
  do {
    *--at = kDigits[value % 10];
    value /= 10;
  } while (value != 0);
  Text(key, {at, static_cast<std::size_t>(digits + sizeof(digits) - at)});
}

void ReportWriter::Hex(std::string_view key, std::uint64_t value) {
  char digits[18];
  char* at = digits + sizeof(digits);
  do {
    *--at = kDigits[value & 15];
    value >>= 4;
  } while (value != 0);
  *--at = 'x';
  *--at = '0';
  Text(key, {at, static_cast<std::size_t>(digits + sizeof(digits) - at)});
}

void ReportWriter::Bytes(std::string_view key,
                         std::span<const std::uint8_t> value) {
  Put(" ");
  Put(key);
  Put("=");
  for (const std::uint8_t byte : value) {
    const char digits[] = {kDigits[byte >> 4], kDigits[byte & 15]};
    Put({digits, sizeof(digits)});
  }
}

void ReportWriter::Close() {
  char end[2 + kReportSumDigits + 1] = {' ', '*'};
  for (std::size_t i = 0; i < kReportSumDigits; ++i) {
    end[2 + i] = kDigits[sum_ >> (4 * (kReportSumDigits - 1 - i)) & 15];
  }
  end[sizeof(end) - 1] = '\n';
  sink_(context_, {end, sizeof(end)});
}

void ReportWriter::Begin(std::string_view image_version,
                         unsigned encoding_version) {
  Open("begin");
  Number("protocol", kReportProtocol);
  Text("image", image_version);
  Number("encoding", encoding_version);
  Number("rules", kRuleCount);
  Close();
}

void ReportWriter::Machine(const MachineFacts& facts) {
  Open("machine");
  Text("vendor", Trimmed(facts.vendor));
  Text("hypervisor", Trimmed(facts.hypervisor));
  Text("brand", Trimmed(facts.brand));
  Text("firmware", Trimmed(facts.firmware));
  Hex("family", facts.family);
  Hex("model", facts.model);
  Hex("stepping", facts.stepping);
  Hex("microcode", facts.microcode);
  Hex("arch_capabilities", facts.arch_capabilities);
  Close();
}

void ReportWriter::ProcessorIs(const Processor& processor) {
  Open("processor");
  Number("maxphyaddr", processor.maxphyaddr);
  Number("keyid_bits", processor.keyid_bits);
  Hex("ept_vpid_cap", processor.ept_vpid_cap);
  Hex("features", FeaturesOf(processor));
  Close();
}

void ReportWriter::Msr(std::uint32_t index, std::uint64_t value) {
  Open("msr");
  Hex("index", index);
  Hex("value", value);
  Close();
}

void ReportWriter::Memory(std::uint64_t first, std::uint64_t bytes,
                          std::uint32_t type) {
  Open("memory");
  Hex("first", first);
  Hex("bytes", bytes);
  Number("type", type);
  Close();
}

void ReportWriter::Run(const RunFacts& facts) {
  Open("run");
  Number("module", facts.module_cases);
  Number("seed", facts.seed);
  Number("seconds", facts.seconds);
  Number("repeat", facts.repeat);
  Text("only", facts.only);
  Hex("fields", facts.fields);
  Close();
}

void ReportWriter::Refused(std::string_view words, std::string_view advice) {
  Open("refused");
  Text("words", words);
  Text("advice", advice);
  Close();
}

void ReportWriter::Counts(std::string_view kind, const ReportCounts& counts) {
  Open(kind);
  Number("cases", counts.cases);
  Number("steps", counts.steps);
  Number("agrees", counts.agrees);
  Number("departs", counts.departs);
  Number("skipped", counts.skipped);
  Number("harness", counts.harness);
  Number("milliseconds", counts.milliseconds);
  Close();
}

void ReportWriter::Progress(const ReportCounts& counts) {
  Counts("progress", counts);
}

void ReportWriter::End(const ReportCounts& counts) { Counts("end", counts); }

void ReportWriter::CaseBytes(std::string_view kind, std::uint64_t number,
                             std::span<const std::uint8_t> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kLineBytes) {
    Open(kind);
    Number("number", number);
    Number("at", at);
    Number("of", bytes.size());
    Bytes("hex", bytes.subspan(at, std::min(kLineBytes, bytes.size() - at)));
    Close();
  }
}

void ReportWriter::Answer(std::uint64_t number, const Outcome& answer) {
  const Event& event = answer.event;
  Open("answer");
  Number("number", number);
  Number("event", static_cast<unsigned>(event.kind));
  Number("exit_reason", event.exit_reason);
  Hex("qualification", event.qualification);
  Hex("gpa", event.gpa.value);
  Hex("gla", event.gla.value);
  Hex("interruption_information", event.interruption_information);
  Hex("error_code", event.error_code);
  Hex("cr2", event.cr2.value);
  Number("failed_check", static_cast<unsigned>(event.failed_check));
  Hex("eptp", answer.registers.eptp);
  Hex("pml_index", answer.registers.pml_index);
  Number("eptp_index", answer.registers.eptp_index);
  constexpr std::string_view kPdptes[] = {"pdpte0", "pdpte1", "pdpte2",
                                          "pdpte3"};
  for (std::size_t i = 0; i < answer.registers.pdpte.size(); ++i) {
    Hex(kPdptes[i], answer.registers.pdpte[i]);
  }
  Close();
  if (event.kind == EventKind::kVmExit) {
    const SavedState& saved = answer.saved;
    Open("saved");
    Number("number", number);
    Hex("exit_reason_flags", saved.exit_reason_flags);
    Hex("vectoring_information", saved.vectoring_information);
    Hex("vectoring_error_code", saved.vectoring_error_code);
    Number("instruction_length", saved.instruction_length);
    Hex("interruptibility", saved.interruptibility);
    Hex("rflags", saved.rflags);
    Hex("pending_debug", saved.pending_debug);
    Close();
  }
  for (std::size_t i = 0; i < event.translation_count; ++i) {
    const Translation& translation = event.translations[i];
    Open("at");
    Number("number", number);
    Hex("address", translation.address.value);
    Number("page_shift", translation.page_shift);
    Number("type", static_cast<unsigned>(translation.memory_type));
    Number("structure_type",
           static_cast<unsigned>(translation.structure_memory_type));
    Hex("guest_structure_types", translation.guest_structure_types);
    Close();
  }
  for (const MemoryWord& word : answer.writes) {
    Open("wrote");
    Number("number", number);
    Hex("address", word.address.value);
    Hex("value", word.value);
    Close();
  }
}

void ReportWriter::Finding(const FindingFacts& finding) {
  Open("finding");
  Number("number", finding.number);
  Text("case", finding.name);
  Number("index", finding.index);
  Number("step", finding.step);
  Text("signature", finding.signature);
  Text("field", NameOf(finding.first.field));
  Number("part", finding.first.index);
  Hex("word", finding.first.word.value);
  Hex("expected", finding.first.expected);
  Hex("given", finding.first.given);
  Text("rule", IdentifierOf(finding.first.why.rule));
  Number("level", finding.first.why.level);
  Hex("fields", finding.fields);
  Number("seen", finding.seen);
  Number("of", finding.of);
  Close();
  Answer(finding.number, finding.answer);
  CaseBytes("case", finding.number, finding.generated);
  CaseBytes("moved", finding.number, finding.moved);
}

void ReportWriter::Agreed(const FindingFacts& agreed) {
  Open("agreed");
  Number("number", agreed.number);
  Text("case", agreed.name);
  Number("index", agreed.index);
  Number("step", agreed.step);
  Hex("fields", agreed.fields);
  Close();
  Answer(agreed.number, agreed.answer);
  CaseBytes("moved", agreed.number, agreed.moved);
}

void ReportWriter::HarnessError(std::string_view words, std::string_view name,
                                std::uint64_t index, std::uint64_t step) {
  Open("harness");
  Text("words", words);
  Text("case", name);
  Number("index", index);
  Number("step", step);
  Close();
}

void ReportWriter::Skips(std::string_view words, std::uint64_t steps) {
  Open("skips");
  Text("words", words);
  Number("steps", steps);
  Close();
}

void ReportWriter::Met(std::span<const std::uint8_t> places) {
  for (std::size_t at = 0; at < places.size(); at += kLineBytes) {
    Open("met");
    Number("at", at);
    Bytes("hex", places.subspan(at, std::min(kLineBytes, places.size() - at)));
    Close();
  }
}

void ReportWriter::Seen(std::string_view what, std::uint64_t times,
                        std::uint64_t of) {
  Open("seen");
  Text("what", what);
  Number("times", times);
  Number("of", of);
  Close();
}

}  // namespace eptdiff
