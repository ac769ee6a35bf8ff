#include "fuzzers/check/mtrr_target_check.h"

#include <cstddef>
#include <span>

#include "fuzzers/generation/mtrr_generation.h"

namespace eptdiff {
namespace {

constexpr std::size_t kBatch = 1024;
constexpr std::uint64_t k4K = 0x1000;

bool IsRight(const MtrrReply& reply, const PageType& type) {
  return reply.incident.kind == IncidentKind::kNone && reply.answer < 32 &&
         (type.permitted >> reply.answer & 1) != 0;
}

// The first 4-KByte page of each part of a large page that has a type.
std::vector<MtrrQuestion> SmallPagesIn(const MtrrQuestion& question) {
  std::vector<MtrrQuestion> pages;
  if (question.bytes == k4K) return pages;
  for (std::uint64_t at = question.hpa; at < question.hpa + question.bytes;
       at = TypeAt(question.mtrrs, at).end) {
    pages.push_back({question.mtrrs, at, k4K});
  }
  return pages;
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
    const PageType type = TypeOf(questions[i]);
    if (IsRight(replies[i], type)) continue;
    findings.push_back(
        {type.rule, replies[i], questions[i], type.permitted, 1, ""});
  }
  BlameSmallPages(findings);
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
    const PageType type = TypeOf(small[i]);
    if (IsRight(replies[i], type)) continue;
    *whose[i] = {type.rule, replies[i], small[i], type.permitted, 1, ""};
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
    const ByteType byte = TypeAt(question.mtrrs, question.hpa);
    if (finding.reply.incident.kind != IncidentKind::kNone ||
        question.bytes != k4K || question.hpa >= kMegabyte ||
        byte.rule == MtrrRule::kDisabled || byte.rule == MtrrRule::kFixed) {
      continue;
    }
    others.push_back(question);
    others.back().mtrrs.fixed.fill(byte.type * kEachField);
    whose.push_back(&finding);
  }
  const std::vector<MtrrReply> replies = AskAll(others);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (!IsRight(replies[i], TypeOf(others[i]))) continue;
    whose[i]->rule = MtrrRule::kFixedNotEnabled;
  }
}

void MtrrTargetCheck::TryNew() {
  std::vector<MtrrQuestion> batch;
  for (std::size_t i = 0; i < kBatch; ++i) {
    batch.push_back(GenerateMtrrQuestion(random_.Next()));
  }
  const std::vector<MtrrReply> replies = session_.Ask(batch);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const PageType type = TypeOf(batch[i]);
    if (replies[i].answer == kNoSuchPage || type.permitted == ~0u) continue;
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
    finding.permitted = TypeOf(finding.question).permitted;
    finding.reply = session_.Ask(finding.question);
    if (finding.reply.incident.kind != IncidentKind::kNone) {
      finding.output = session_.LastOutput();
    }
  }
}

std::vector<MtrrFinding> MtrrTargetCheck::findings() const {
  std::vector<MtrrFinding> list;
  for (const auto& [kind, finding] : findings_) list.push_back(finding);
  return list;
}

}  // namespace eptdiff
