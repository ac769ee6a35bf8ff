#include "fuzzers/command/check/check_builder.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/table/table_error.h"
#include "fuzzers/check/builder_target_check.h"
#include "fuzzers/command/check/check_progress.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/fuzz/seconds_since.h"
#include "fuzzers/command/words/builder_words.h"
#include "fuzzers/command/words/consequence_words.h"
#include "fuzzers/text/view.h"
#include "oracle/builder/diagnosis/cause_words.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTimeToMinimize{60};

void Show(const BuilderTargetCheck& check, double seconds,
          CheckProgress& progress) {
  progress.Show(seconds, [&] {
    const auto cases = static_cast<double>(check.cases());
    return absl::StrFormat("%d cases  %.0f/s  signatures %d", check.cases(),
                           seconds > 0 ? cases / seconds : 0.0,
                           check.signatures());
  });
}

void Ask(const BuilderCheckOptions& options, const std::vector<Case>& given,
         BuilderTargetCheck& check) {
  const Clock::time_point start = Clock::now();
  CheckProgress progress;
  const auto goes_on = [&] {
    return !Interrupt::Came() &&
           (options.cases != 0 ||
            SecondsSince(start) < static_cast<double>(options.seconds));
  };
  // In pieces, so that an interrupt is heard, and the end of the time.
  constexpr std::size_t kPiece = 128;
  for (std::size_t i = 0; i < given.size() && goes_on(); i += kPiece) {
    check.TryGiven(
        std::span(given).subspan(i, std::min(kPiece, given.size() - i)));
    Show(check, SecondsSince(start), progress);
  }
  const std::uint64_t asked = check.cases();
  const auto more = [&] {
    return goes_on() &&
           (options.cases == 0 || check.cases() < asked + options.cases);
  };
  while (more() && check.TryNew()) Show(check, SecondsSince(start), progress);
}

CheckFinding FindingOf(const BuilderTargetFinding& found) {
  CheckFinding finding;
  finding.signature = found.signature;
  finding.cases = found.cases;
  finding.output = found.output;
  finding.given = found.reply.Words();
  finding.has_case = true;
  finding.text_case.c = found.c;
  finding.text_case.signature = found.signature;
  finding.step = absl::StrCat(found.reply.step, ", ",
                              BuilderStepWords(found.c, found.reply.step));
  finding.consequence = found.reply.broken.has_value()
                            ? ConsequenceOf(*found.reply.broken)
                            : Consequence::kNoAnswer;
  if (!found.cause.has_value()) {
    finding.identifier = SignaturePart(found.reply.incident);
    finding.sentence = found.reply.Words();
    finding.text_case.explanation = finding.sentence;
    return finding;
  }
  finding.identifier = std::string(NameOf(*found.cause));
  finding.sentence = WordsOf(*found.cause);
  finding.lacks_frames = found.reply.lacked_frames;
  finding.text_case.explanation = found.reply.Words();
  const BuilderFinding broken = found.reply.Finding();
  finding.facts = FactsOf(found.c, broken);
  if (const std::optional<Rule> rule = SdmRuleOf(broken)) {
    finding.sdm_section = std::string(InfoOf(*rule).section);
    finding.text_case.sdm_section = finding.sdm_section;
    finding.text_case.rules = {std::string(IdentifierOf(*rule))};
    finding.expected = absl::StrCat(std::string(IdentifierOf(*rule)), ": ",
                                    std::string(InfoOf(*rule).words));
  }
  return finding;
}

// What a profile says of a design, and that it was judged by.
void AddDeclared(const BuilderSession& session, CheckReport& report) {
  const eptdiff_builder_profile& profile = session.profile();
  const auto add = [&](bool is, std::string_view words) {
    if (is) report.remarks.push_back(absl::StrCat("declared: ", View(words)));
  };
  add(profile.guest_stopped != 0,
      "the guest is stopped while tables change; the order of stores was not "
      "looked at");
  add(session.reads_tables(),
      "its tables are its own, and were read after each operation; the order "
      "of stores was not looked at, nor how frames come and go");
  add(profile.map_replaces != 0, "mapping replaces whatever is there");
  add(profile.begins_mapped != 0, "something is mapped from the beginning");
  add(profile.on_demand != 0,
      "what is mapped may be absent, or have fewer rights, until it is used");
  add(profile.views != 0,
      absl::StrCat("it has ", profile.views + 1,
                   " tables, of which each processor uses one at a time"));
  add(profile.trap_mask != 0,
      absl::StrFormat("entries that are %x in the bits of %x map nothing",
                      profile.trap_value, profile.trap_mask));
  add(profile.always_flags != 0,
      absl::StrFormat("the bits of %x are 1 in each page",
                      profile.always_flags));
  add(profile.identity_maps == EPTDIFF_IDENTITY_ALWAYS,
      "addresses are mapped to themselves");
  add(profile.identity_maps == EPTDIFF_IDENTITY_HALF,
      "addresses are mapped to themselves half of the time");
  add(profile.frames != 0,
      absl::StrCat("it has ", profile.frames, " frames at most"));
  add(profile.spare_frames != 0,
      absl::StrCat("it may keep ", profile.spare_frames,
                   " frames that are in no table"));
  add(profile.companion_frames != 0,
      absl::StrCat("it has ", profile.companion_frames,
                   " more with each table that are in none"));
  add(profile.max_bytes != 0,
      absl::StrFormat("no region of more than %x bytes was asked for",
                      profile.max_bytes));
  add(profile.gpa_width != 0,
      absl::StrCat("no guest-physical address of more than ", profile.gpa_width,
                   " bits was asked for"));
}

void AddNotAsked(const BuilderTargetCheck& check, CheckReport& report) {
  std::string reasons;
  for (int i = 0; i <= EPTDIFF_BAD_CONTROLS; ++i) {
    const auto reason = static_cast<TableError>(i);
    const std::uint64_t cases = check.not_asked(reason);
    if (cases == 0) continue;
    absl::StrAppend(&reasons, reasons.empty() ? "" : ", ",
                    TableErrorText(reason), " (in ", cases,
                    cases == 1 ? " case)" : " cases)");
  }
  if (reasons.empty()) return;
  report.remarks.push_back(absl::StrCat(
      "not asked, for its profile declares no such refusal: ", reasons));
}

}  // namespace

CheckReport CheckBuilder(BuilderSession& session,
                         std::vector<std::unique_ptr<BuilderSession>> helpers,
                         const std::vector<Case>& given,
                         const BuilderCheckOptions& options) {
  const Clock::time_point start = Clock::now();
  session.Allow(options.allowed);
  for (const auto& helper : helpers) helper->Allow(options.allowed);
  BuilderTargetCheck check(session, options.seed);
  check.Add(std::move(helpers));
  Ask(options, given, check);
  CheckReport report;
  report.kind = CheckedKind::kBuilder;
  report.seconds = SecondsSince(start);
  check.Conclude(Clock::now() + kTimeToMinimize);
  report.target = options.target;
  report.name = session.name();
  report.cases = check.cases();
  report.given = check.given();
  report.unfit = check.unfit();
  report.steps = check.steps();
  report.disagreeing = check.disagreeing();
  for (const BuilderTargetFinding& found : check.findings()) {
    report.findings.push_back(FindingOf(found));
  }
  AddUnasked(given.size(), report);
  AddDeclared(session, report);
  for (int i = 0; i < kWaiverCount; ++i) {
    const auto waiver = static_cast<Waiver>(i);
    if (check.waived(waiver) == 0) continue;
    report.remarks.push_back(absl::StrCat(
        "allowed (", View(InfoOf(waiver).name),
        "), and no finding: ", View(InfoOf(waiver).words), "; seen in ",
        check.waived(waiver), check.waived(waiver) == 1 ? " case" : " cases"));
  }
  AddNotAsked(check, report);
  if (const std::uint64_t cases = check.not_modelled(); cases != 0) {
    report.remarks.push_back(
        absl::StrCat("declined as not modelled, and not judged: something in ",
                     cases, cases == 1 ? " case" : " cases"));
  }
  for (const Work work : check.given_up()) {
    report.remarks.push_back(absl::StrCat(
        "it hung three times: ",
        work == Work::kNone
            ? "nothing more was asked"
            : absl::StrCat("no more was asked about: ", View(NameOf(work)))));
  }
  return report;
}

}  // namespace eptdiff
