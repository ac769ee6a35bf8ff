#include "fuzzers/command/memory_types/memory_type_panel.h"

#include <chrono>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/words/memory_type_words.h"
#include "fuzzers/text/view.h"

namespace eptdiff {

absl::StatusOr<std::unique_ptr<MemoryTypePanel>> MemoryTypePanel::Make(
    const std::string& target) {
  constexpr std::chrono::milliseconds kLimit(2000);
  std::unique_ptr<MtrrSession> session;
  if (!target.empty()) {
    std::string error;
    session = MtrrSession::Open(target, kLimit, error);
    if (session == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--target: ", error.empty()
                            ? target + " says no memory types: it has none of "
                                       "the functions of eptdiff_mtrr.h"
                            : error));
    }
  }
  return absl::WrapUnique(new MemoryTypePanel(std::move(session)));
}

bool MemoryTypePanel::IsAskable(const MtrrQuestion& question) const {
  return session_ != nullptr &&
         (question.page.has_value() ? session_->SaysPages()
                                    : session_->SaysMemory());
}

std::optional<MtrrFinding> MemoryTypePanel::FindingIn(
    const MtrrQuestion& question, bool smallest) {
  MtrrTargetCheck check(*session_, 0);
  check.Try({question});
  if (smallest) check.Conclude();
  const auto findings = check.findings();
  if (findings.empty()) return std::nullopt;
  return findings[0];
}

std::string MemoryTypePanel::Explain(const MtrrQuestion& question,
                                     const Style& style) {
  const bool asked = IsAskable(question);
  return absl::StrCat(
      ExplainMemoryType(question, asked ? &session_->policy() : nullptr,
                        asked ? session_->Ask(question).answer : kNoSuchPage,
                        style),
      Run(question, style).text);
}

MemoryTypePanel::Standing MemoryTypePanel::Run(const MtrrQuestion& question,
                                               const Style& style) {
  Standing standing;
  const std::string name = session_ == nullptr ? "" : session_->name();
  const auto tell = [&](const std::string& verb, const std::string& styled,
                        const std::string& words) {
    standing.text = Item(2, absl::StrCat(name, " ", verb),
                         absl::StrCat(name, " ", styled), words);
    return standing;
  };
  if (session_ == nullptr) return standing;
  const auto nothing = [&](const char* why) {
    return tell("no answer:", style.Dim("no answer:"), why);
  };
  if (!IsAskable(question)) {
    return nothing(question.page.has_value()
                       ? "it says no types of guests' pages"
                       : "it says no types of the machine's memory");
  }
  const std::optional<MtrrFinding> found = FindingIn(question, false);
  if (found.has_value()) {
    standing.is_answered = standing.disagrees = true;
    const bool answers = found->reply.incident.kind == IncidentKind::kNone;
    return tell(
        "DISAGREES:", style.Bad("DISAGREES:"),
        answers ? absl::StrCat(MtrrAnswerWords(found->reply.answer), ", where ",
                               PermittedTypeWords(found->permitted),
                               " is permitted: ", MtrrRuleWords(found->rule))
                : WordsOf(found->reply.incident));
  }
  const MtrrReply reply = session_->Ask(question);
  if (reply.answer == kNoSuchPage) return nothing("it has no such page");
  standing.is_answered = true;
  return tell("agrees:", style.Good("agrees:"), MtrrAnswerWords(reply.answer));
}

absl::StatusOr<MemoryTypeCase> MemoryTypePanel::Minimize(
    const MemoryTypeCase& c, const std::string& signature) {
  std::optional<MtrrFinding> found;
  if (IsAskable(c.question)) found = FindingIn(c.question, true);
  if (!found.has_value()) {
    return absl::FailedPreconditionError(
        "nobody disagrees on it, so there is nothing to keep; see `eptdiff "
        "run`");
  }
  const std::string shown = found->Signature(session_->name());
  if (!signature.empty() && shown != signature) {
    return absl::FailedPreconditionError(
        absl::StrCat("it does not show ", signature, "; it shows ", shown));
  }
  const bool answers = found->reply.incident.kind == IncidentKind::kNone;
  return MemoryTypeCase{
      .question = found->question,
      .explanation = c.explanation,
      .signature = shown,
      .sdm_section = answers ? std::string(InfoOf(found->rule).section) : "",
      .expected = PermittedTypeWords(found->permitted)};
}

}  // namespace eptdiff
