#include "fuzzers/check/mtrr_target_check.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "fuzzers/generation/mtrr_generation.h"

namespace eptdiff {
namespace {

constexpr std::size_t kBatch = 1024;
constexpr std::uint64_t k4K = 0x1000;

Mtrrs& MtrrsOf(MtrrQuestion& question, const DecidingMtrrs& which) {
  return which.are_the_guests ? question.page->mtrrs : question.mtrrs;
}

// Makes all memory WB: of two that decide, the other does.
void WriteBackAlone(Mtrrs& mtrrs) {
  constexpr std::uint64_t kEnabled = 1 << 11, kWriteBack = 6;
  mtrrs.def_type = kEnabled | kWriteBack;
  mtrrs.variable = {};
  mtrrs.smrr = {};
}

}  // namespace

std::string MtrrFinding::Signature(const std::string& name) const {
  return "eptdiff-" + name + "-" +
         (reply.incident.kind != IncidentKind::kNone
              ? SignaturePart(reply.incident)
              : std::string(InfoOf(rule).name));
}

MtrrTargetCheck::Kind MtrrTargetCheck::KindOf(const MtrrFinding& finding) {
  const Incident& incident = finding.reply.incident;
  if (incident.kind == IncidentKind::kNone) return {"", finding.rule};
  return {SignaturePart(incident), MtrrRule::kDisabled};
}

bool MtrrTargetCheck::IsRight(const MtrrReply& reply,
                              const MtrrQuestion& question) const {
  return reply.incident.kind == IncidentKind::kNone &&
         !RuleBrokenBy(reply.answer, question, session_.policy()).has_value();
}

MtrrFinding MtrrTargetCheck::Wrong(const MtrrReply& reply,
                                   const MtrrQuestion& question) const {
  const PageType type = TypeOf(question, session_.policy());
  const auto broken = RuleBrokenBy(reply.answer, question, session_.policy());
  return {broken.value_or(type.rule), reply, question, type.permitted, 1, ""};
}

std::vector<MtrrQuestion> MtrrTargetCheck::SmallPagesIn(
    const MtrrQuestion& question) const {
  std::vector<MtrrQuestion> pages;
  const auto deciding = DecidingFor(question, session_.policy());
  if (question.bytes == k4K || deciding.empty()) return pages;
  for (std::uint64_t at = 0; at < question.bytes;) {
    MtrrQuestion& page = pages.emplace_back(question);
    page.bytes = k4K;
    page.hpa += at;
    if (page.page.has_value()) page.page->gpa += at;
    std::uint64_t next = question.bytes;
    for (const DecidingMtrrs& one : deciding) {
      next = std::min(next,
                      TypeAt(*one.mtrrs, one.address + at).end - one.address);
    }
    at = next;
  }
  return pages;
}

std::vector<MtrrReply> MtrrTargetCheck::AskAll(
    const std::vector<MtrrQuestion>& questions) {
  std::vector<MtrrReply> replies;
  while (replies.size() < questions.size()) {
    const std::vector<MtrrReply> some =
        session_.Ask(std::span(questions).subspan(replies.size()));
    replies.insert(replies.end(), some.begin(), some.end());
  }
  return replies;
}

std::vector<MtrrFinding> MtrrTargetCheck::Look(
    std::span<const MtrrQuestion> questions,
    std::span<const MtrrReply> replies) {
  std::vector<MtrrFinding> findings;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (IsRight(replies[i], questions[i])) continue;
    findings.push_back(Wrong(replies[i], questions[i]));
  }
  BlameSmallPages(findings);
  BlameOneOfBoth(findings);
  BlameFixedRanges(findings);
  return findings;
}

void MtrrTargetCheck::BlameSmallPages(std::vector<MtrrFinding>& findings) {
  std::vector<MtrrQuestion> small;
  std::vector<MtrrFinding*> whose;
  for (MtrrFinding& finding : findings) {
    if (finding.reply.incident.kind != IncidentKind::kNone) continue;
    for (const MtrrQuestion& page : SmallPagesIn(finding.question)) {
      small.push_back(page);
      whose.push_back(&finding);
    }
  }
  const std::vector<MtrrReply> replies = AskAll(small);
  for (std::size_t i = replies.size(); i-- > 0;) {  // the first one stays
    if (IsRight(replies[i], small[i])) continue;
    *whose[i] = Wrong(replies[i], small[i]);
  }
}

void MtrrTargetCheck::BlameOneOfBoth(std::vector<MtrrFinding>& findings) {
  std::vector<MtrrQuestion> others;
  std::vector<MtrrFinding*> whose;
  for (MtrrFinding& finding : findings) {
    const auto deciding = DecidingFor(finding.question, session_.policy());
    if (finding.reply.incident.kind != IncidentKind::kNone ||
        deciding.size() != 2) {
      continue;
    }
    for (const DecidingMtrrs& mute : deciding) {
      MtrrQuestion& other = others.emplace_back(finding.question);
      WriteBackAlone(MtrrsOf(other, mute));
      whose.push_back(&finding);
    }
    const MtrrRule rule = finding.rule;
    if (rule != MtrrRule::kUnsnooped && rule != MtrrRule::kPatIgnored &&
        rule != MtrrRule::kSeveralTypes && rule != MtrrRule::kUndefined) {
      finding.rule = MtrrRule::kBoth;
    }
  }
  const std::vector<MtrrReply> replies = AskAll(others);
  for (std::size_t i = replies.size(); i-- > 0;) {  // the first one stays
    if (IsRight(replies[i], others[i])) continue;
    *whose[i] = Wrong(replies[i], others[i]);
  }
}

// With the right type in them it would be right.
void MtrrTargetCheck::BlameFixedRanges(std::vector<MtrrFinding>& findings) {
  constexpr std::uint64_t kMegabyte = 0x100000;
  constexpr std::uint64_t kEachField = 0x0101010101010101;
  std::vector<MtrrQuestion> others;
  std::vector<MtrrFinding*> whose;
  for (MtrrFinding& finding : findings) {
    const MtrrQuestion& question = finding.question;
    if (finding.reply.incident.kind != IncidentKind::kNone ||
        question.bytes != k4K) {
      continue;
    }
    for (const DecidingMtrrs& one : DecidingFor(question, session_.policy())) {
      if (one.address >= kMegabyte) continue;
      const ByteType byte = TypeAt(*one.mtrrs, one.address);
      if (byte.rule == MtrrRule::kDisabled || byte.rule == MtrrRule::kFixed) {
        continue;
      }
      MtrrQuestion& other = others.emplace_back(question);
      MtrrsOf(other, one).fixed.fill(byte.type * kEachField);
      whose.push_back(&finding);
    }
  }
  const std::vector<MtrrReply> replies = AskAll(others);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (!IsRight(replies[i], others[i])) continue;
    whose[i]->rule = MtrrRule::kFixedNotEnabled;
  }
}

void MtrrTargetCheck::TryNew() {
  std::vector<MtrrQuestion> batch;
  for (std::size_t i = 0; i < kBatch; ++i) {
    const bool is_of_page =
        session_.SaysPages() && (!session_.SaysMemory() || i % 2 == 1);
    const std::uint64_t seed = random_.Next();
    batch.push_back(is_of_page ? GeneratePageQuestion(seed)
                               : GenerateMtrrQuestion(seed));
  }
  Try(batch);
}

void MtrrTargetCheck::Try(const std::vector<MtrrQuestion>& batch) {
  const std::vector<MtrrReply> replies = session_.Ask(batch);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const PageType type = TypeOf(batch[i], session_.policy());
    const bool answers = replies[i].incident.kind == IncidentKind::kNone;
    if (answers && replies[i].answer == kNoSuchPage) ++unjudged_;
    if (replies[i].answer == kNoSuchPage || type.rule == MtrrRule::kUndefined) {
      continue;
    }
    decided_[static_cast<int>(type.rule)] = true;
  }
  asked_ += replies.size();
  for (const MtrrFinding& found : Look(batch, replies)) {
    ++disagreeing_;
    const auto [at, is_new] = findings_.emplace(KindOf(found), found);
    if (!is_new) ++at->second.count;
  }
}

void MtrrTargetCheck::Conclude() {
  for (auto& [kind, finding] : findings_) {
    const auto shows = [&, &kind = kind](const MtrrQuestion& question) {
      const MtrrReply reply = session_.Ask(question);
      const auto found = Look({&question, 1}, {&reply, 1});
      return !found.empty() && KindOf(found[0]) == kind;
    };
    if (!shows(finding.question)) {
      finding.reply.incident = {IncidentKind::kVaries};
      continue;
    }
    finding.question = MinimizeMtrrQuestion(finding.question, shows);
    finding.permitted = TypeOf(finding.question, session_.policy()).permitted;
    finding.reply = session_.Ask(finding.question);
    if (finding.reply.incident.kind != IncidentKind::kNone) {
      finding.output = session_.LastOutput();
    }
  }
}

bool MtrrTargetCheck::IsAsked(MtrrRule rule) const {
  const MemoryPolicy& policy = session_.policy();
  const bool pages = session_.SaysPages();
  switch (rule) {
    case MtrrRule::kUndefined:
    case MtrrRule::kFixedNotEnabled:
    case MtrrRule::kUnsnooped:
    case MtrrRule::kPatIgnored:  // told by what it answers
      return false;
    case MtrrRule::kDevice:
      return pages;
    case MtrrRule::kWriteBack:
      return pages && policy.ram == RamPolicy::kWriteBack;
    case MtrrRule::kCacheDisabled:
      return pages && !policy.passes_cache_disable && !policy.pat_alone;
    case MtrrRule::kBoth:
      return pages && policy.and_machine;
    case MtrrRule::kSmrr:  // a guest has none
      return session_.SaysMemory() || policy.ram == RamPolicy::kAsMachine ||
             policy.and_machine;
    default:
      return session_.SaysMemory() || !policy.pat_alone;
  }
}

std::vector<MtrrFinding> MtrrTargetCheck::findings() const {
  std::vector<MtrrFinding> list;
  for (const auto& [kind, finding] : findings_) list.push_back(finding);
  return list;
}

}  // namespace eptdiff
