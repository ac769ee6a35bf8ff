#include "fuzzers/mtrr_target_check.h"

#include <cstddef>

#include "fuzzers/mtrr_generation.h"

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

// With the right type in them it would be right.
bool MtrrTargetCheck::TakesFixed(const MtrrFinding& finding) {
  constexpr std::uint64_t kMegabyte = 0x100000;
  constexpr std::uint64_t kEachField = 0x0101010101010101;
  const MtrrQuestion& question = finding.question;
  const ByteType byte = TypeAt(question.mtrrs, question.hpa);
  if (question.hpa >= kMegabyte || byte.rule == MtrrRule::kDisabled ||
      byte.rule == MtrrRule::kFixed) {
    return false;
  }
  MtrrQuestion other = question;
  other.mtrrs.fixed.fill(byte.type * kEachField);
  return IsRight(session_.Ask(other), TypeOf(other));
}

std::optional<MtrrFinding> MtrrTargetCheck::Look(const MtrrQuestion& question,
                                                 const MtrrReply& reply) {
  const PageType type = TypeOf(question);
  if (IsRight(reply, type)) return {};
  MtrrFinding finding = {type.rule, reply, question, type.permitted, 1, ""};
  if (reply.incident.kind != IncidentKind::kNone) return finding;
  const std::vector<MtrrQuestion> small = SmallPagesIn(question);
  const std::vector<MtrrReply> replies =
      small.empty() ? std::vector<MtrrReply>() : session_.Ask(small);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const PageType own = TypeOf(small[i]);
    if (IsRight(replies[i], own)) continue;
    finding = {own.rule, replies[i], small[i], own.permitted, 1, ""};
    break;
  }
  if (finding.question.bytes == k4K && TakesFixed(finding)) {
    finding.rule = MtrrRule::kFixedNotEnabled;
  }
  return finding;
}

void MtrrTargetCheck::TryNew() {
  std::vector<MtrrQuestion> batch;
  for (std::size_t i = 0; i < kBatch; ++i) {
    batch.push_back(GenerateMtrrQuestion(random_.Next()));
  }
  const std::vector<MtrrReply> replies = session_.Ask(batch);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    ++asked_;
    const PageType type = TypeOf(batch[i]);
    if (replies[i].answer != kNoSuchPage && type.permitted != ~0u) {
      decided_[static_cast<int>(type.rule)] = true;
    }
    const std::optional<MtrrFinding> found = Look(batch[i], replies[i]);
    if (!found.has_value()) continue;
    ++disagreeing_;
    const auto [at, is_new] = findings_.emplace(KindOf(*found), *found);
    if (!is_new) ++at->second.count;
  }
}

void MtrrTargetCheck::Conclude() {
  for (auto& [kind, finding] : findings_) {
    const auto shows = [&, &kind = kind](const MtrrQuestion& question) {
      const auto found = Look(question, session_.Ask(question));
      return found.has_value() && KindOf(*found) == kind;
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
