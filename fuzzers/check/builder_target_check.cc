#include "fuzzers/check/builder_target_check.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <tuple>
#include <utility>

#include "fuzzers/check/builder_causes.h"
#include "fuzzers/generation/table_generation.h"
#include "fuzzers/generation/table_insertions.h"
#include "fuzzers/generation/table_views.h"
#include "fuzzers/reduction/minimizer.h"
#include "oracle/builder/diagnosis/cause_words.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 128;
constexpr std::size_t kMaxKept = 256;
// A builder that can hardly be asked anything gets few cases, not none.
constexpr int kAttempts = 1000;
// For the smallest case of one finding: many times what it takes, so that it is
// the same on a machine that has much else to do.
constexpr std::chrono::seconds kFindingTime{20};
constexpr int kMaxHangs = 3;

bool IsHang(const BuilderReply& reply) {
  return reply.incident.kind == IncidentKind::kTimeLimit;
}

// Symptoms of a case that the cause does not explain.
template <typename Symptoms>
std::ptrdiff_t OthersIn(const Symptoms& symptoms, const BuilderCause& cause) {
  return std::count_if(symptoms.begin(), symptoms.end(),
                       [&](Symptom s) { return !cause.Matches(s); });
}

// The profile without these operations.
eptdiff_builder_profile Without(eptdiff_builder_profile profile,
                                const std::set<Work>& works) {
  for (int i = 0; i < kTableOperationKindCount; ++i) {
    if (works.contains(WorkOf(static_cast<TableOperationKind>(i)))) {
      profile.operations &= ~EPTDIFF_OPERATION(i);
    }
  }
  return profile;
}

}  // namespace

BuilderTargetCheck::BuilderTargetCheck(BuilderSession& session,
                                       std::uint64_t seed)
    : session_(session),
      fitting_(session.profile()),
      asking_(session.profile()),
      random_(seed),
      full_random_(~seed) {}

void BuilderTargetCheck::TryGiven(std::span<const Case> cases) {
  batch_.clear();
  for (const Case& given : cases) {
    ++given_;
    Case c = given;
    if (!HasTableOperations(c) || !asking_->Fit(c)) {
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
  if (given_up_.contains(Work::kNone)) return false;
  Case c;
  while (batch_.size() < kBatch && Make(c)) batch_.push_back(c);
  const bool any = !batch_.empty();
  if (any) AddFull();
  TryBatch();
  return any;
}

// Who has fewer frames than there are, and does not say so, is to run out of
// them: by numbers of its own, for all else is to be what it is without that.
void BuilderTargetCheck::AddFull() {
  const eptdiff_builder_profile& profile = session_.profile();
  constexpr std::uint32_t kNoFrames = EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  if (profile.frames != 0 || (profile.refusals & kNoFrames) == 0) return;
  Case c;
  GenerateTableCase(full_random_.Next(), c);
  if (!asking_->Fit(c)) return;
  InsertTables(full_random_, 4 + full_random_.Below(EPTDIFF_BUILDER_FRAMES), c);
  if (!asking_->Fit(c)) return;
  batch_.push_back(std::move(c));
  full_ = 1;
}

bool BuilderTargetCheck::Make(Case& c) {
  for (int i = 0; i < kAttempts; ++i) {
    if (kept_.empty() || random_.OneIn(2)) {
      GenerateTableCase(random_.Next(), c);
    } else {
      c = kept_[random_.Below(kept_.size())];
      MutateTableCase(random_.Next(), c);
    }
    if (!asking_->Fit(c)) continue;
    BringIn(c);
    return true;
  }
  return false;
}

// What few cases have and this builder is to meet often.
void BuilderTargetCheck::BringIn(Case& c) {
  const eptdiff_builder_profile& profile = session_.profile();
  const auto bring_in = [&](auto insert) {
    Random random(random_.Next());
    insert(random);
    asking_->Fit(c);
  };
  if (profile.several_threads != 0 && random_.OneIn(2)) {
    bring_in([&](Random& random) { InsertPair(random, c); });
  }
  constexpr std::uint64_t kAccessedDirty = 1 << 6;
  if ((c.controls.eptp & kAccessedDirty) != 0 && random_.OneIn(4)) {
    bring_in([&](Random& random) { InsertRace(random, c); });
  }
  if ((profile.operations & EPTDIFF_LOG_OPERATIONS) != 0 && random_.OneIn(2)) {
    bring_in([&](Random& random) { InsertLog(random, c); });
  }
  // Who has fewer frames than there are is to run out of them.
  if (profile.frames != 0 && random_.OneIn(4)) {
    bring_in([&](Random& random) { InsertTables(random, profile.frames, c); });
  }
  if (profile.views != 0 && !random_.OneIn(8)) {
    const ViewCounts views = {profile.views, profile.all_views != 0};
    bring_in([&](Random& random) { SpreadOverViews(random, views, c); });
  }
}

void BuilderTargetCheck::Add(
    std::vector<std::unique_ptr<BuilderSession>> helpers) {
  helpers_ = std::move(helpers);
}

// A reply for each case of the batch.
std::vector<BuilderReply> BuilderTargetCheck::AskAll() {
  std::vector<BuilderSession*> sessions = {&session_};
  for (const auto& helper : helpers_) sessions.push_back(helper.get());
  const std::size_t share =
      (batch_.size() + sessions.size() - 1) / sessions.size();
  const auto part_of = [&](std::size_t i) {
    const std::size_t begin = std::min(i * share, batch_.size());
    return std::span<const Case>(batch_).subspan(
        begin, std::min(share, batch_.size() - begin));
  };
  std::size_t used = 0;
  while (used < sessions.size() && !part_of(used).empty()) {
    sessions[used]->Begin(part_of(used));
    ++used;
  }
  std::vector<BuilderReply> all;
  for (std::size_t i = 0; i < used; ++i) {
    std::vector<BuilderReply> replies = sessions[i]->End();
    // What it did not survive cut the rest off.
    while (replies.size() < part_of(i).size()) {
      const auto more = sessions[i]->Run(part_of(i).subspan(replies.size()));
      replies.insert(replies.end(), more.begin(), more.end());
    }
    all.insert(all.end(), replies.begin(), replies.end());
  }
  return all;
}

// What went right in all sessions, in the order in which one alone tells it.
std::vector<CountedSymptom> BuilderTargetCheck::Right() const {
  std::map<Symptom, CountedSymptom> counts;
  const auto add = [&](const BuilderSession& session) {
    for (const CountedSymptom& each : session.Right()) {
      CountedSymptom& sum = counts[each.symptom];
      sum.symptom = each.symptom;
      sum.count += each.count;
      sum.seen.Add(each.seen);
    }
  };
  add(session_);
  for (const auto& helper : helpers_) add(*helper);
  std::vector<CountedSymptom> all;
  for (const auto& [symptom, sum] : counts) all.push_back(sum);
  return all;
}

void BuilderTargetCheck::TryBatch() {
  while (!batch_.empty()) {
    const std::vector<BuilderReply> replies = AskAll();
    const std::size_t given_up = given_up_.size();
    std::size_t done = 0;
    // What is given up changes what is asked.
    while (done < replies.size() && given_up_.size() == given_up) {
      const std::size_t i = done++;
      ++cases_;
      steps_ += replies[i].compared;
      for (std::size_t n = 0; n < waived_.size(); ++n) {
        waived_[n] += replies[i].waived >> n & 1;
      }
      for (std::size_t n = 0; n < not_asked_.size(); ++n) {
        not_asked_[n] += replies[i].not_asked >> n & 1;
      }
      not_modelled_ += replies[i].not_modelled;
      if (i + full_ < batch_.size()) Keep(batch_[i]);
      if (!replies[i].IsFine()) Look(batch_[i], replies[i]);
    }
    batch_.erase(batch_.begin(),
                 batch_.begin() + static_cast<std::ptrdiff_t>(done));
    if (given_up_.contains(Work::kNone)) batch_.clear();
    if (given_up_.size() == given_up) continue;
    std::erase_if(batch_, [this](Case& c) { return !asking_->Fit(c); });
  }
  full_ = 0;
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
  if (reply.incident.kind != IncidentKind::kNone) {
    return LookAtIncident(c, reply);
  }
  const std::string signature = reply.Signature(session_.name());
  if (!signatures_.contains(signature)) {
    const BuilderReply alone = session_.Run(c);
    if (alone.Signature(session_.name()) != signature) {
      BuilderReply varies = reply;
      varies.incident = {IncidentKind::kVaries};
      return LookAtIncident(c, varies);
    }
    signatures_.insert(signature);
  }
  std::vector<Symptom> symptoms(reply.symptoms.begin(), reply.symptoms.end());
  std::sort(symptoms.begin(), symptoms.end());
  Alike& alike = alike_[symptoms];
  alike.seen.Add(reply.circumstances);
  alike.difference.Add(reply.difference);
  if (++alike.cases == 1 || c.steps.size() < alike.c.steps.size()) {
    alike.c = c;
    alike.reply = reply;
  }
}

void BuilderTargetCheck::LookAtIncident(const Case& c,
                                        const BuilderReply& reply) {
  if (IsHang(reply)) CountHang(c, reply.step);
  std::string signature = reply.Signature(session_.name());
  if (const auto known = incidents_.find(signature);
      known != incidents_.end()) {
    ++known->second.cases;
    return;
  }
  BuilderReply alone = reply;
  if (reply.incident.kind != IncidentKind::kVaries) {
    alone = session_.Run(c);
    if (alone.Signature(session_.name()) != signature) {
      alone = reply;
      alone.incident = {IncidentKind::kVaries};
      signature = alone.Signature(session_.name());
    } else {
      alone.incident = reply.incident;  // the limit of the first hang
    }
  }
  signatures_.insert(signature);
  BuilderTargetFinding& finding = incidents_[signature];
  if (++finding.cases > 1) return;
  finding.signature = signature;
  finding.c = c;
  finding.reply = alone;
  finding.output = session_.LastOutput();
}

void BuilderTargetCheck::CountHang(const Case& c, std::uint64_t step) {
  const bool is_operation = step > 0 && step <= c.steps.size() &&
                            c.steps[step - 1].kind == StepKind::kTableOperation;
  const Work work =
      is_operation ? WorkOf(c.steps[step - 1].operation.kind) : Work::kNone;
  if (++hangs_[work] < kMaxHangs || !given_up_.insert(work).second) return;
  asking_.emplace(Without(session_.profile(), given_up_));
}

void BuilderTargetCheck::Conclude(Clock::time_point end) {
  FindCauses(end);
  for (auto& [signature, incident] : incidents_) {
    findings_.push_back(incident);
  }
  for (BuilderTargetFinding& finding : findings_) {
    if (finding.reply.incident.kind != IncidentKind::kVaries) {
      Shrink(finding, end);
    }
  }
  // What takes an allocation that fails comes last.
  std::vector<BuilderTargetFinding> first, last;
  for (BuilderTargetFinding& each : findings_) {
    (each.reply.lacked_frames ? last : first).push_back(std::move(each));
  }
  findings_ = std::move(first);
  std::move(last.begin(), last.end(), std::back_inserter(findings_));
}

void BuilderTargetCheck::FindCauses(Clock::time_point end) {
  std::vector<FailingCases> failing;
  std::vector<Case> cases = kept_;
  for (const auto& [symptoms, alike] : alike_) {
    failing.push_back({symptoms, alike.cases, alike.seen, alike.difference});
    cases.push_back(alike.c);
  }
  const std::vector<CountedSymptom> right = Right();
  findings_ = FindingsOf(FindBuilderCauses(
      {failing, right, cases},
      [&](const BuilderCause& cause) {
        BuilderTargetFinding shown = FindingsOf({cause})[0];
        Shrink(shown, end);
        return shown.c;
      },
      [this](std::span<const Case> asked, Mistake mistake) {
        return Ask(asked, mistake);
      },
      full_random_, end));
}

std::vector<BuilderTargetFinding> BuilderTargetCheck::FindingsOf(
    const std::vector<BuilderCause>& causes) const {
  std::vector<const Alike*> cases;
  std::vector<const std::vector<Symptom>*> shown;
  for (const auto& [symptoms, alike] : alike_) {
    cases.push_back(&alike);
    shown.push_back(&symptoms);
  }
  std::vector<int> explained(cases.size());
  for (const BuilderCause& cause : causes) {
    for (const std::size_t i : cause.explains) ++explained[i];
  }
  std::vector<BuilderTargetFinding> findings;
  for (const BuilderCause& cause : causes) {
    // The shortest, among those that show nothing else if there are any: no
    // other cause, and no more than this one; and for want of no frame.
    const auto rank = [&](std::size_t i) {
      return std::tuple(explained[i], cases[i]->reply.lacked_frames,
                        OthersIn(*shown[i], cause), cases[i]->c.steps.size());
    };
    const std::size_t best = *std::min_element(
        cause.explains.begin(), cause.explains.end(),
        [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    BuilderTargetFinding& finding = findings.emplace_back();
    finding.cause = cause;
    finding.cases = cause.cases;
    finding.c = cases[best]->c;
    finding.reply = cases[best]->reply;
    finding.signature = SignatureFor(finding);
  }
  return findings;
}

std::vector<BuilderAnswer> BuilderTargetCheck::Ask(std::span<const Case> cases,
                                                   Mistake mistake) {
  std::vector<Case> fit;
  for (const Case& c : cases) {
    if (HasTableOperations(c) && asking_->Fits(c)) fit.push_back(c);
  }
  std::vector<BuilderAnswer> answers;
  session_.Watch(mistake);
  for (std::size_t done = 0; done < fit.size();) {
    const auto replies = session_.Run(std::span(fit).subspan(done));
    done += replies.size();
    for (const BuilderReply& reply : replies) {
      if (reply.incident.kind != IncidentKind::kNone) continue;
      answers.push_back({{reply.symptoms.begin(), reply.symptoms.end()},
                         reply.circumstances,
                         {reply.passed.begin(), reply.passed.end()}});
    }
  }
  session_.Watch(std::nullopt);
  return answers;
}

void BuilderTargetCheck::Shrink(BuilderTargetFinding& finding,
                                Clock::time_point end) {
  const Clock::time_point until = std::min(end, Clock::now() + kFindingTime);
  const auto shows = [&](const BuilderReply& reply) {
    if (!finding.cause.has_value()) {
      return reply.Signature(session_.name()) == finding.signature;
    }
    const BuilderCause& cause = *finding.cause;
    return reply.incident.kind == IncidentKind::kNone &&
           cause.HoldsAt(reply.circumstances) &&
           std::any_of(reply.symptoms.begin(), reply.symptoms.end(),
                       [&](Symptom s) { return cause.Matches(s); }) &&
           OthersIn(reply.symptoms, cause) <=
               OthersIn(finding.reply.symptoms, cause);
  };
  finding.c = Minimize(finding.c, [&](const Case& smaller) {
    if (Clock::now() >= until || !HasTableOperations(smaller) ||
        !fitting_.Fits(smaller)) {
      return false;
    }
    const BuilderReply reply = session_.Run(smaller);
    if (!shows(reply)) return false;
    const Incident incident = finding.reply.incident;
    finding.reply = reply;
    finding.reply.incident = incident;
    return true;
  });
  finding.signature = SignatureFor(finding);
}

// As the report has it, so that the file of the case is found by its name.
std::string BuilderTargetCheck::SignatureFor(
    const BuilderTargetFinding& finding) const {
  if (!finding.cause.has_value() || !finding.reply.broken.has_value()) {
    return finding.reply.Signature(session_.name());
  }
  return SignatureOf(session_.name(), NameOf(*finding.cause),
                     finding.reply.Finding());
}

}  // namespace eptdiff
