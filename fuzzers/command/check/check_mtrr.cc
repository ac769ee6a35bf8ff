#include "fuzzers/command/check/check_mtrr.h"

#include <chrono>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/check/mtrr_target_check.h"
#include "fuzzers/command/check/check_progress.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/fuzz/seconds_since.h"
#include "fuzzers/text/view.h"
#include "oracle/mtrr/memory_types.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

void Ask(const MtrrCheckOptions& options, MtrrTargetCheck& check) {
  const Clock::time_point start = Clock::now();
  CheckProgress progress;
  const auto more = [&] {
    if (Interrupt::Came()) return false;
    if (options.cases != 0) return check.asked() < options.cases;
    return SecondsSince(start) < static_cast<double>(options.seconds);
  };
  while (more()) {
    check.TryNew();
    progress.Show(SecondsSince(start), [&] {
      return absl::StrFormat("%d questions  signatures %d", check.asked(),
                             check.signatures());
    });
  }
}

std::string PermittedWords(std::uint32_t permitted) {
  std::vector<std::string> words;
  for (std::uint32_t answer = 0; answer < kNoSuchPage; ++answer) {
    if ((permitted >> answer & 1) == 0) continue;
    words.emplace_back(MtrrAnswerWords(answer));
  }
  return absl::StrJoin(words, ", or ");
}

// The registers that say something, by the SDM's names.
std::string RegistersText(const Mtrrs& mtrrs) {
  static constexpr const char* kFixed[kFixedMtrrs] = {
      "64K_00000", "16K_80000", "16K_A0000", "4K_C0000", "4K_C8000", "4K_D0000",
      "4K_D8000",  "4K_E0000",  "4K_E8000",  "4K_F0000", "4K_F8000"};
  std::string text = absl::StrFormat(
      "MAXPHYADDR %d\nIA32_MTRRCAP 0x%x\n"
      "IA32_MTRR_DEF_TYPE 0x%x\n",
      mtrrs.maxphyaddr, mtrrs.cap, mtrrs.def_type);
  for (std::size_t i = 0; i < kFixedMtrrs; ++i) {
    if (mtrrs.fixed[i] == 0) continue;
    absl::StrAppendFormat(&text, "IA32_MTRR_FIX%s 0x%016x\n", kFixed[i],
                          mtrrs.fixed[i]);
  }
  for (std::size_t i = 0; i < (mtrrs.cap & 0xff) && i < kVariableMtrrs; ++i) {
    const VariableMtrr& range = mtrrs.variable[i];
    if (range == VariableMtrr()) continue;
    absl::StrAppendFormat(
        &text, "IA32_MTRR_PHYSBASE%d 0x%x  PHYSMASK%d 0x%x  (%s%s)\n", i,
        range.base, i, range.mask, View(MtrrAnswerWords(range.base & 7)),
        (range.mask >> 11 & 1) != 0 ? "" : ", not valid");
  }
  return text;
}

CheckFinding FindingOf(const MtrrFinding& found, const std::string& name) {
  const MtrrRuleInfo& info = InfoOf(found.rule);
  CheckFinding finding;
  finding.signature = found.Signature(name);
  finding.cases = found.count;
  finding.output = found.output;
  finding.step = absl::StrFormat(
      "the memory type of the page of 0x%x bytes at "
      "host-physical 0x%x",
      found.question.bytes, found.question.hpa);
  finding.expected = PermittedWords(found.permitted);
  finding.question = RegistersText(found.question.mtrrs);
  finding.consequence = Consequence::kMemoryType;
  if (found.reply.incident.kind != IncidentKind::kNone) {
    finding.consequence = Consequence::kNoAnswer;
    finding.identifier = SignaturePart(found.reply.incident);
    finding.given = finding.sentence = WordsOf(found.reply.incident);
    return finding;
  }
  finding.identifier = std::string(info.name);
  finding.sdm_section = std::string(info.section);
  finding.sentence =
      absl::StrCat("it does not keep to this: ", View(info.words));
  finding.given = std::string(MtrrAnswerWords(found.reply.answer));
  return finding;
}

}  // namespace

CheckReport CheckMtrr(MtrrSession& session, const MtrrCheckOptions& options) {
  const Clock::time_point start = Clock::now();
  MtrrTargetCheck check(session, options.seed);
  Ask(options, check);
  CheckReport report;
  report.kind = CheckedKind::kMemoryTypes;
  report.seconds = SecondsSince(start);
  check.Conclude();
  report.target = options.target;
  report.name = session.name();
  report.cases = report.steps = check.asked();
  report.disagreeing = check.disagreeing();
  for (const MtrrFinding& found : check.findings()) {
    report.findings.push_back(FindingOf(found, session.name()));
  }
  for (int i = 0; i < kMtrrRuleCount; ++i) {
    const auto rule = static_cast<MtrrRule>(i);
    if (rule == MtrrRule::kUndefined || rule == MtrrRule::kFixedNotEnabled ||
        check.IsDecided(rule)) {
      continue;
    }
    report.remarks.push_back(
        absl::StrCat("never came up: ", View(InfoOf(rule).name)));
  }
  return report;
}

}  // namespace eptdiff
