#include "fuzzers/builder_target_check.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "fuzzers/minimizer.h"
#include "fuzzers/table_generation.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 128;
constexpr std::size_t kMaxKept = 256;
// A builder that can hardly be asked anything gets few cases, not none.
constexpr int kAttempts = 1000;
constexpr std::chrono::seconds kFindingTime{4};

}  // namespace

BuilderTargetCheck::BuilderTargetCheck(BuilderSession& session,
                                       std::uint64_t seed)
    : session_(session), fitting_(session.profile()), random_(seed) {}

void BuilderTargetCheck::TryGiven(std::span<const Case> cases) {
  batch_.clear();
  for (const Case& given : cases) {
    ++given_;
    Case c = given;
    if (!HasTableOperations(c) || !fitting_.Fit(c)) {
      ++unfit_;
      continue;
    }
    batch_.push_back(std::move(c));
    if (batch_.size() == kBatch) TryBatch();
  }
  TryBatch();
}

bool BuilderTargetCheck::TryNew() {
  batch_.clear();
  Case c;
  while (batch_.size() < kBatch && Make(c)) batch_.push_back(c);
  const bool any = !batch_.empty();
  TryBatch();
  return any;
}

bool BuilderTargetCheck::Make(Case& c) {
  for (int i = 0; i < kAttempts; ++i) {
    if (kept_.empty() || random_.OneIn(2)) {
      GenerateTableCase(random_.Next(), c);
    } else {
      c = kept_[random_.Below(kept_.size())];
      MutateTableCase(random_.Next(), c);
    }
    if (fitting_.Fit(c)) return true;
  }
  return false;
}

void BuilderTargetCheck::TryBatch() {
  const std::vector<BuilderReply> replies = session_.Run(batch_);
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    ++cases_;
    steps_ += replies[i].compared;
    Keep(batch_[i]);
    if (!replies[i].IsFine()) Look(batch_[i], replies[i]);
  }
  batch_.clear();
}

void BuilderTargetCheck::Keep(const Case& c) {
  if (kept_.size() < kMaxKept) {
    kept_.push_back(c);
  } else if (random_.OneIn(16)) {
    kept_[random_.Below(kMaxKept)] = c;
  }
}

void BuilderTargetCheck::Look(const Case& c, const BuilderReply& reply) {
  ++disagree_;
  std::string signature = reply.Signature(session_.name());
  if (const auto known = findings_.find(signature); known != findings_.end()) {
    ++known->second.cases;
    return;
  }
  BuilderReply alone = session_.Run(c);
  if (alone.Signature(session_.name()) != signature) {
    alone = reply;
    alone.incident = {IncidentKind::kVaries};
    signature = alone.Signature(session_.name());
  }
  BuilderTargetFinding& finding = findings_[signature];
  ++finding.cases;
  if (finding.cases > 1) return;
  finding.signature = signature;
  finding.c = c;
  finding.reply = alone;
  if (alone.incident.kind != IncidentKind::kNone) {
    finding.output = session_.LastOutput();
  }
}

void BuilderTargetCheck::Conclude(Clock::time_point end) {
  for (auto& [signature, finding] : findings_) {
    if (finding.reply.incident.kind == IncidentKind::kVaries) continue;
    const Clock::time_point until = std::min(end, Clock::now() + kFindingTime);
    finding.c = Minimize(finding.c, [&](const Case& smaller) {
      if (Clock::now() >= until || !HasTableOperations(smaller) ||
          !fitting_.Fits(smaller)) {
        return false;
      }
      const BuilderReply reply = session_.Run(smaller);
      if (reply.Signature(session_.name()) != signature) return false;
      finding.reply = reply;
      return true;
    });
  }
}

}  // namespace eptdiff
