#include "oracle/builder/judge/builder_trial.h"

#include <sys/mman.h>

#include <algorithm>

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint64_t kAddressMask = 0x000ffffffffff000;

bool IsEptOn(const Controls& controls) {
  return (controls.primary >> 31 & 1) != 0 &&
         (controls.secondary >> 1 & 1) != 0;
}

// Bit 63 keeps absent pages from becoming #VEs.
std::uint64_t UnusedWord(const Controls& controls) {
  return std::uint64_t{controls.secondary >> 18 & 1} << 63;
}

}  // namespace

BuilderTrial::BuilderTrial(std::unique_ptr<BuilderUnderTest> builder,
                           Dialect dialect)
    : builder_(std::move(builder)),
      walker_(pool_.memory(), std::move(dialect)) {
  pool_.set_watcher(&processors_);
  processors_.set_in_use([this](Hpa word) { return checks_.IsInUse(word); });
}

const BuilderStandings& BuilderTrial::Run(const Case& c) {
  standings_ = {};
  tolerated_at_ = 0;
  case_ = &c;
  checks_.End();
  if (log_ != nullptr) log_->BeginCase(c.processor, c.controls);
  bool goes_on = Begin(c);
  while (standings_.step < c.steps.size()) {
    if (!goes_on) return standings_;
    const Step& step = c.steps[standings_.step++];
    switch (step.kind) {
      case StepKind::kTableOperation:
        goes_on = Perform(step.operation, BesideOf(standings_.step));
        break;
      case StepKind::kGuestPhysicalAccess:
      case StepKind::kPagingStructureRead:
      case StepKind::kPagingStructureUpdate:
        goes_on = Access(step);
        break;
      case StepKind::kStore:
        goes_on = Store(step);
        break;
      case StepKind::kEptpSwitch:
        Switch(step);
        break;
      case StepKind::kLinearAccess:
      case StepKind::kPdpteLoad:
      case StepKind::kRegisterWrite:
      case StepKind::kVmEntry:
      case StepKind::kInvalidation:
        standings_.skip = Skip::kBesideTableOperations;
        goes_on = false;
        break;
    }
  }
  if (goes_on) End();
  return standings_;
}

bool BuilderTrial::Begin(const Case& c) {
  const std::uint64_t first = c.controls.eptp & kAddressMask;
  walker_.Reset(c);
  if (!IsEptOn(c.controls)) {
    standings_.skip = Skip::kEptOff;
    return false;
  }
  const bool may_enter = walker_.MayEnter();
  if (!may_enter && !MayAsk(Only(TableError::kBadControls))) return false;
  // The width bounds the address only if entry is not refused for it.
  const std::uint64_t end = std::uint64_t{1} << c.processor.maxphyaddr;
  const std::uint64_t unused = UnusedWord(c.controls);
  const bool may_fail = (refusals_ & Only(TableError::kNoFrames)) != 0;
  const std::uint64_t frames = may_fail ? kFrames : kManyFrames;
  if (builder_->casts_addresses() && !PlaceFrames()) {
    standings_.skip = Skip::kCallerError;
    return false;
  }
  pool_.Reset(first, std::min(first + frames * kPage, end));
  pool_.logs().Reset(c.controls, c.processor.maxphyaddr);
  pool_.set_notes_writes(builder_->logs());
  processors_.Reset({}, {});
  const TableResult result =
      builder_->Create(pool_, c.processor, c.controls, unused);
  if (pool_.failed() && !MayAsk(Only(TableError::kNoFrames))) return false;
  standings_.lacked_frames |= pool_.failed();
  ++standings_.compared;
  if (result.ok() != may_enter) {
    // Without a frame below the width there can be no table either.
    if (!(may_enter && result.error == TableError::kNoFrames &&
          pool_.failed())) {
      if (log_ != nullptr) {
        log_->OnRefusal(
            result.ok() ? Mistake::kDoneNotRefused : Mistake::kRefusedNotDone,
            result.ok() ? TableError::kBadControls : result.error);
      }
      Find(BuilderRule::kRefused, first);
      standings_.finding->facts.refusal = {
          true, may_enter ? 0 : Only(TableError::kBadControls), result.error,
          false};
    }
  }
  eptps_.clear();
  std::optional<std::uint64_t> other;  // than it was asked for
  if (result.ok() && may_enter) {
    for (int view = 0; view <= builder_->more_views(); ++view) {
      eptps_.push_back(builder_->view_eptp(view));
      if (((eptps_.back() ^ c.controls.eptp) & ~kAddressMask) != 0) {
        other = eptps_.back();
      }
    }
  }
  if (other.has_value()) {
    standings_.finding = MakeBuilderFinding(BuilderRule::kEptp, *other);
    if (log_ != nullptr) log_->OnFinding(BuilderRule::kEptp, 0);
  } else if (result.ok() && may_enter) {
    Controls controls = c.controls;
    controls.eptp = builder_->eptp();
    facts_ = FactsOf(c.processor, controls, unused);
    builder_->AddFacts(facts_);
    const bool stopped = builder_->guest_stopped();
    Take(checks_.Begin(facts_, eptps_, log_,
                       stopped ? BuilderCheck::Meanwhile::kGuestIsStopped
                               : BuilderCheck::Meanwhile::kGuestRuns,
                       allowed_));
    standings_.waived = checks_.waived();
    processors_.Reset(facts_, eptps_, stopped);
    walker_.Enter(facts_, builder_->eptp());
  }
  Report({.number = 0,
          .step = nullptr,
          .result = result,
          .events = checks_.has_begun() ? checks_[0].events() : no_events_,
          .finding = standings_.finding});
  return result.ok() && !standings_.finding.has_value();
}

bool BuilderTrial::PlaceFrames() {
  if (placed_ != nullptr) return true;
  const std::size_t bytes = kManyFrames * kPage;
  void* const wanted = reinterpret_cast<void*>(FramePool::kPlaced);
  void* const placed =
      mmap(wanted, bytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (placed == MAP_FAILED) return false;
  placed_ = {placed, [](void* at) { munmap(at, kManyFrames * kPage); }};
  pool_.memory().PlaceAtPointers(FramePool::kPlaced,
                                 FramePool::kPlaced + bytes);
  return true;
}

bool BuilderTrial::MayAsk(RefusalSet reasons) {
  const RefusalSet unknown = reasons & ~refusals_;
  standings_.not_asked |= unknown;
  return unknown == 0;
}

bool BuilderTrial::Store(const Step& step) {
  if (pool_.memory().At(step.hpa) != nullptr) {
    standings_.undefined = true;
    return false;
  }
  walker_.state().memory.Store(step.hpa, step.value);
  return true;
}

void BuilderTrial::End() {
  ++standings_.step;
  ++standings_.compared;
  builder_->Destroy();
  Take(checks_.JudgeEnd());
  standings_.waived = checks_.waived();
  if (!standings_.finding.has_value() && checks_.tolerated().has_value()) {
    standings_.finding = checks_.tolerated();
    standings_.step = tolerated_at_;
    if (log_ != nullptr) log_->BlameTolerated(standings_.finding->rule);
  }
  Report({.number = case_->steps.size() + 1,
          .step = nullptr,
          .result = {},
          .events = checks_[0].events(),
          .happenings = checks_[0].happenings(),
          .finding = standings_.finding});
}

void BuilderTrial::Take(const BuilderFindings& findings) {
  if (!findings.empty()) standings_.finding = findings[0];
}

void BuilderTrial::Find(BuilderRule rule, std::uint64_t gpa, std::size_t view) {
  standings_.finding = MakeBuilderFinding(
      rule, gpa, checks_.has_begun() ? checks_[view].LevelAt(gpa) : 0);
  if (rule == BuilderRule::kWalk) checks_[view].AddPage(*standings_.finding);
  if (log_ != nullptr) log_->OnFinding(rule, standings_.finding->level);
}

void BuilderTrial::Report(const BuilderStepReport& report) const {
  if (observer_) observer_(report);
}

}  // namespace eptdiff
