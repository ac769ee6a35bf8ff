#include "oracle/builder/judge/builder_trial.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "oracle/judgement/permitted.h"
#include "oracle/reference/rules/cache_tags.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint16_t kEptViolation = 48;
constexpr std::uint16_t kEptMisconfiguration = 49;
constexpr std::uint16_t kLogFull = 62;
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
  processors_.set_in_use(
      [this](Hpa word) { return check_.has_value() && check_->IsInUse(word); });
}

const BuilderStandings& BuilderTrial::Run(const Case& c) {
  standings_ = {};
  tolerated_at_ = 0;
  case_ = &c;
  if (check_.has_value()) room_ = check_->GiveBack();
  check_.reset();
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
      case StepKind::kLinearAccess:
      case StepKind::kPdpteLoad:
      case StepKind::kEptpSwitch:
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
  processors_.Reset({}, 0);
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
  if (result.ok() && may_enter &&
      ((builder_->eptp() ^ c.controls.eptp) & ~kAddressMask) != 0) {
    standings_.finding =
        MakeBuilderFinding(BuilderRule::kEptp, builder_->eptp());
    if (log_ != nullptr) log_->OnFinding(BuilderRule::kEptp, 0);
  } else if (result.ok() && may_enter) {
    Controls controls = c.controls;
    controls.eptp = builder_->eptp();
    facts_ = FactsOf(c.processor, controls, unused);
    builder_->AddFacts(facts_);
    const bool stopped = builder_->guest_stopped();
    check_.emplace(pool_, facts_, builder_->eptp(), log_,
                   stopped ? BuilderCheck::Meanwhile::kGuestIsStopped
                           : BuilderCheck::Meanwhile::kGuestRuns,
                   allowed_, std::move(room_));
    check_->TolerateMissingInvept();
    Take(check_->creation());
    standings_.waived = check_->waived();
    processors_.Reset(facts_, builder_->eptp(), stopped);
    walker_.Enter(facts_, builder_->eptp());
  }
  Report({.number = 0,
          .step = nullptr,
          .result = result,
          .events = check_.has_value() ? check_->events() : no_events_,
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

const TableOperation* BuilderTrial::BesideOf(std::size_t step) const {
  const auto is_operation = [this](std::size_t i, bool beside) {
    return i < case_->steps.size() &&
           case_->steps[i].kind == StepKind::kTableOperation &&
           (case_->steps[i].processor != 0) == beside;
  };
  if (!builder_->several_threads() || !is_operation(step - 1, false) ||
      !is_operation(step, true)) {
    return nullptr;
  }
  const TableOperation& one = case_->steps[step - 1].operation;
  const TableOperation& other = case_->steps[step].operation;
  RefusalSet against = 0;
  const bool can = check_->CanJudgeBoth(one, other, against);
  return can && (against & ~refusals_) == 0 ? &other : nullptr;
}

bool BuilderTrial::Perform(const TableOperation& operation,
                           const TableOperation* beside) {
  if (beside != nullptr) return AskBoth(operation, *beside);
  if ((IsAboutLog(operation.kind) && !builder_->logs()) ||
      !MayAsk(check_->Against(operation))) {
    Report({.number = standings_.step,
            .step = &case_->steps[standings_.step - 1],
            .result = {},
            .events = no_events_,
            .asked = false,
            .finding = standings_.finding});
    return true;
  }
  return Ask(operation);
}

bool BuilderTrial::Ask(const TableOperation& operation) {
  // What says when threads change says nothing of processors.
  TableOperation moments = operation;
  if (case_->steps[standings_.step - 1].processor != 0) moments.meanwhile = 0;
  const bool may_fail = (refusals_ & Only(TableError::kNoFrames)) != 0;
  pool_.FailAllocation(may_fail ? operation.failing_allocation : 0);
  processors_.BeginOperation(moments);
  taken_.clear();
  const TableResult result = builder_->Perform(operation, taken_);
  if (pool_.failed() && !MayAsk(Only(TableError::kNoFrames))) return false;
  standings_.lacked_frames |= pool_.failed();
  ++standings_.compared;
  if (builder_->TakeNotModelled()) {
    standings_.not_modelled = true;
    check_->ExcuseRefusal();
  }
  if (IsAboutLog(operation.kind)) check_->SetTold(builder_->told());
  Take(check_->Judge(operation, result,
                     builder_->shows_taken() ? &taken_ : nullptr));
  standings_.lacked_frames |= check_->lacked_frames();
  Conclude(operation);
  Report({.number = standings_.step,
          .step = &case_->steps[standings_.step - 1],
          .result = result,
          .events = check_->events(),
          .taken = &taken_,
          .told = &builder_->told(),
          .happenings = check_->happenings(),
          .finding = standings_.finding});
  return !standings_.finding.has_value();
}

bool BuilderTrial::AskBoth(const TableOperation& one,
                           const TableOperation& other) {
  const bool may_fail = (refusals_ & Only(TableError::kNoFrames)) != 0;
  pool_.FailAllocation(may_fail ? one.failing_allocation : 0);
  processors_.BeginOperation(one);
  taken_.clear();
  other_taken_.clear();
  TableResult one_result, other_result;
  Turns& turns = processors_.turns();
  const bool at_once = turns.Run(
      Turns::Schedule::Of(other.meanwhile),
      [&] { one_result = builder_->Perform(one, taken_); },
      [&] { other_result = builder_->Perform(other, other_taken_); });
  if (pool_.failed() && !MayAsk(Only(TableError::kNoFrames))) return false;
  standings_.lacked_frames |= pool_.failed();
  if (builder_->TakeNotModelled()) {  // which of them, nobody can say
    standings_.not_modelled = true;
    return false;
  }
  ++standings_.compared;
  if (!at_once) {
    Take(check_->Judge(one, one_result,
                       builder_->shows_taken() ? &taken_ : nullptr));
  } else {
    ++standings_.compared;
    Report({.number = standings_.step,
            .step = &case_->steps[standings_.step - 1],
            .result = one_result,
            .events = no_events_,
            .finding = standings_.finding});
    ++standings_.step;
    Take(check_->JudgeBoth(
        {one, other, one_result, other_result, turns.other_was_stopped()}));
  }
  Conclude(one);
  if (at_once && !standings_.finding.has_value()) CheckWalks(other);
  Report({.number = standings_.step,
          .step = &case_->steps[standings_.step - 1],
          .result = at_once ? other_result : one_result,
          .events = check_->events(),
          .taken = at_once ? nullptr : &taken_,
          .happenings = check_->happenings(),
          .finding = standings_.finding});
  return !standings_.finding.has_value();
}

void BuilderTrial::Conclude(const TableOperation& operation) {
  standings_.waived = check_->waived();
  pool_.FailAllocation(0);
  processors_.EndOperation();
  check_->AfterAccess();
  if (!standings_.finding.has_value()) CheckWalks(operation);
  if (!standings_.finding.has_value()) {
    listed_.clear();
    const std::uint64_t gpa_end = std::uint64_t{1}
                                  << (facts_.levels == 5 ? 52 : 48);
    if (builder_->List(listed_)) {
      Take(check_->JudgeIteration(listed_, gpa_end));
      if (standings_.finding.has_value() && log_ != nullptr) {
        log_->OnFinding(standings_.finding->rule, standings_.finding->level);
      }
    }
  }
  if (tolerated_at_ == 0 && check_->tolerated().has_value()) {
    tolerated_at_ = standings_.step;
  }
}

void BuilderTrial::CheckWalks(const TableOperation& operation) {
  constexpr std::uint64_t kLarge = 0x200000, kHuge = 0x40000000;
  const std::uint64_t first = operation.gpa.value & ~(kPage - 1);
  const std::uint64_t end =
      first + std::max(operation.bytes & ~(kPage - 1), kPage);
  // Both ends of what was touched, with their neighbours; and those of the
  // large pages that it lies in.
  const std::array<std::uint64_t, 8> gpas = {
      first,
      first - kPage,
      end - kPage,
      end,
      first & ~(kLarge - 1),
      ((end - 1) | (kLarge - 1)) & ~(kPage - 1),
      first & ~(kHuge - 1),
      ((end - 1) | (kHuge - 1)) & ~(kPage - 1)};
  const std::uint64_t gpa_end = std::uint64_t{1}
                                << (facts_.levels == 5 ? 52 : 48);
  for (std::size_t i = 0; i < gpas.size(); ++i) {
    const auto seen = gpas.begin() + static_cast<std::ptrdiff_t>(i);
    if (gpas[i] >= gpa_end || std::find(gpas.begin(), seen, gpas[i]) != seen) {
      continue;
    }
    if (!walker_.AgreesWith(check_->model(), Gpa{gpas[i]})) {
      return Find(BuilderRule::kWalk, gpas[i]);
    }
  }
}

std::pair<Gpa, Gpa> BuilderTrial::AddressesOf(const Step& step) {
  const std::uint64_t size =
      step.kind == StepKind::kGuestPhysicalAccess ? step.access.size : 1;
  return {step.gpa, Gpa{step.gpa.value + size - 1}};
}

// Guest entries are accessed for a linear address that is not their own.
std::optional<LinearUse> BuilderTrial::UseOf(const Step& step, Gpa page) {
  if (step.kind != StepKind::kGuestPhysicalAccess || !step.page.gla_valid) {
    return std::nullopt;
  }
  const std::uint64_t beyond =
      (page.value & ~(kPage - 1)) - (step.gpa.value & ~(kPage - 1));
  return LinearUse{sdm::VpidOf(walker_.state().controls),
                   Gla{step.page.gla.value + beyond}};
}

bool BuilderTrial::Access(const Step& step) {
  const auto [first, last] = AddressesOf(step);
  CachingProcessor& processor = processors_[step.processor];
  walker_.state().Begin(step);
  LoadLog(step.processor);
  if (builder_->handles_exits() && !HandleExits(step)) return false;
  const AccessEnd end = walker_.Judge(step, first, last);
  const Verdict& verdict = walker_.verdict();
  switch (verdict.standing) {
    case Standing::kJudged:
      break;
    case Standing::kUndefined:
      standings_.undefined = true;
      return false;
    case Standing::kNotModelled:
      standings_.skip = Skip::kBesideTableOperations;
      return false;
    case Standing::kCallerError:
      standings_.skip = Skip::kCallerError;
      return false;
  }
  ++standings_.compared;
  const Event event = verdict.alternatives[0].event;
  outcome_ = PlainOutcome(verdict.alternatives[0], walker_.state());
  if (!IsAsAsked(step, end)) Find(BuilderRule::kWalk, first.value);

  const bool two_pages = (first.value ^ last.value) >> 12 != 0;
  const Gpa pages[] = {first, last};
  const std::size_t page_count = two_pages ? 2 : 1;
  std::size_t stale = 0;
  for (std::size_t i = 0; i < page_count; ++i) {
    processor.ListStale(pages[i], UseOf(step, pages[i]), two_pages, paths_);
    stale += paths_.size();
    for (const CachedPath& path : paths_) {
      if (standings_.finding.has_value()) break;
      const Gpa other = pages[page_count - 1 - i];
      const AccessEnd by_path = walker_.Judge(step, pages[i], other, &path);
      if (stale_observer_) stale_observer_(step, walker_.verdict());
      if (const auto rule = Compare(by_path, end, event)) {
        const int level = facts_.levels - static_cast<int>(path.size()) + 1;
        standings_.finding = MakeBuilderFinding(*rule, pages[i].value, level);
        if (log_ != nullptr) log_->BlameTolerated(*rule);
      }
    }
  }
  // What memory says is what happens, and what is reported.
  walker_.Judge(step, first, last);
  Report({.number = standings_.step,
          .step = &step,
          .result = {},
          .events = no_events_,
          .before = &walker_.state(),
          .verdict = &walker_.verdict(),
          .trace = &walker_.trace(),
          .outcome = &outcome_,
          .end = end,
          .stale = stale,
          .finding = standings_.finding});
  if (standings_.finding.has_value()) return false;
  if (!Apply(outcome_)) {
    standings_.undefined = true;
    return false;
  }
  StoreLog(step.processor);
  const bool write = step.kind == StepKind::kPagingStructureUpdate ||
                     (step.kind == StepKind::kGuestPhysicalAccess &&
                      (step.access.kind == AccessKind::kWrite ||
                       step.access.kind == AccessKind::kReadModifyWrite));
  for (std::size_t i = 0; i < page_count; ++i) {
    // A trap is no violation.
    const bool violates = event.kind != EventKind::kVmExit ||
                          event.exit_reason != kEptMisconfiguration;
    if (violates && (end == AccessEnd::kRefused || end == AccessEnd::kAbsent)) {
      processor.OnViolation(pages[i], UseOf(step, pages[i]));
    }
    processor.Hold(pages[i], write, UseOf(step, pages[i]));
    // Where the second page ends the access, the first may have its flags.
    const bool done = end == AccessEnd::kDone;
    const bool begun = two_pages && i == 0;
    const bool counts = write || step.kind == StepKind::kPagingStructureRead;
    if (counts && (done || begun)) pool_.OnWritten(pages[i], write && done);
  }
  if (event.kind == EventKind::kVmExit) {
    processor.OnTransition();
    pool_.LeaveGuest(step.processor);
  }
  check_->AfterAccess();
  return true;
}

void BuilderTrial::LoadLog(std::uint8_t processor) {
  const PageLogs::Log& log = pool_.logs()[processor];
  Controls& controls = walker_.state().controls;
  controls.secondary = (controls.secondary & ~PageLogs::kEnablePml) |
                       (log.enabled ? PageLogs::kEnablePml : 0);
  controls.pml_address = log.address;
  controls.pml_index = log.index;
  if (!log.enabled) return;
  // What an access may write to, as the builder has left it.
  for (int i = 0; i < 4; ++i) {
    const int index = log.index - i;
    if (index < 0 || index >= PageLogs::kEntries) continue;
    const Hpa at{log.address + 8 * static_cast<std::uint64_t>(index)};
    if (const std::uint64_t* word = pool_.memory().At(at)) {
      walker_.state().memory.Store(at, *word);
    }
  }
}

void BuilderTrial::StoreLog(std::uint8_t processor) {
  const std::uint16_t index = walker_.state().controls.pml_index;
  PageLogs& logs = pool_.logs();
  if (!logs[processor].enabled || logs[processor].index == index) return;
  logs[processor].index = index;
  logs.OnAdded(processor, pool_.memory());
}

bool BuilderTrial::HandleExits(const Step& step) {
  const auto [first, last] = AddressesOf(step);
  for (int exits = 0; exits <= kMaxExits; ++exits) {
    walker_.Judge(step, first, last);
    const Verdict& verdict = walker_.verdict();
    if (verdict.standing != Standing::kJudged) return true;
    const Event event = verdict.alternatives[0].event;
    const bool is_full = event.exit_reason == kLogFull;
    if (event.kind != EventKind::kVmExit ||
        (!is_full && event.exit_reason != kEptViolation &&
         event.exit_reason != kEptMisconfiguration)) {
      return true;
    }
    if (exits == kMaxExits) {
      Find(BuilderRule::kExitProceeds, event.gpa.value);
      ReportExit(step);
      return false;
    }
    const Gpa gpa = is_full ? first : event.gpa;
    const auto allowed =
        is_full ? std::optional<bool>(true) : IsAllowed(step, gpa);
    if (!is_full) processors_[step.processor].OnViolation(gpa);
    pool_.LeaveGuest(step.processor);
    processors_.BeginOperation({});
    using ExitResult = BuilderUnderTest::ExitResult;
    const ExitResult result = builder_->HandleExit(step.processor, event);
    // For a page of 4 KBytes, which may take most.
    const TableOperation page = {
        .kind = TableOperationKind::kMap,
        .level = 1,
        .gpa = Gpa{gpa.value & ~(kPage - 1)},
    };
    const bool lacks = pool_.failed() || (result == ExitResult::kNoFrames &&
                                          check_->MayLackFrames({&page}));
    if (lacks && !MayAsk(Only(TableError::kNoFrames))) return false;
    standings_.lacked_frames |= lacks;
    Take(check_->JudgeExit());
    pool_.FailAllocation(0);
    processors_.EndOperation();
    check_->AfterAccess();
    standings_.waived |= check_->waived();
    LoadLog(step.processor);
    if (!standings_.finding.has_value() && allowed.has_value()) {
      if (result == ExitResult::kRetry && !*allowed) {
        Find(BuilderRule::kExitNotOurs, gpa.value);
      } else if (*allowed && (result == ExitResult::kNotOurs ||
                              (result == ExitResult::kNoFrames && !lacks))) {
        Find(BuilderRule::kExitHandled, gpa.value);
      }
    }
    ReportExit(step);
    if (standings_.finding.has_value()) return false;
    if (result != ExitResult::kRetry) return true;
  }
  return true;
}

void BuilderTrial::ReportExit(const Step& step) {
  Report({.number = standings_.step,
          .step = &step,
          .result = {},
          .events = check_->events(),
          .happenings = check_->happenings(),
          .finding = standings_.finding});
}

std::optional<bool> BuilderTrial::IsAllowed(const Step& step, Gpa page) const {
  const MappingModel::Run run = check_->model().At(page.value);
  if (!run.mapped) return false;
  std::uint64_t needed = 1;
  if (step.kind == StepKind::kPagingStructureUpdate ||
      (step.kind == StepKind::kPagingStructureRead && facts_.accessed_dirty)) {
    needed = 3;  // such a read counts as a write (VIO-9)
  } else if (step.kind == StepKind::kGuestPhysicalAccess) {
    switch (step.access.kind) {
      case AccessKind::kRead:
        break;
      case AccessKind::kWrite:
        needed = 2;
        break;
      case AccessKind::kReadModifyWrite:
        needed = 3;
        break;
      case AccessKind::kFetch:
        if (facts_.mbec) return {};
        needed = 4;
        break;
      default:
        return {};
    }
  }
  if ((run.flags & needed) == needed) return true;
  // What else lets it through, or not, is no matter of these rights.
  if (facts_.sub_page || facts_.paging_write || facts_.shadow_stack) return {};
  return false;
}

bool BuilderTrial::IsAsAsked(const Step& step, AccessEnd end) const {
  if (end == AccessEnd::kMisconfigured) return false;
  const MappingModel& model = check_->model();
  const auto [first, last] = AddressesOf(step);
  const bool two_pages = (first.value ^ last.value) >> 12 != 0;
  if (end == AccessEnd::kDone) {
    const Event& event = walker_.verdict().alternatives[0].event;
    const Gpa starts[] = {first, Gpa{last.value & ~(kPage - 1)}};
    for (int i = 0; i < (two_pages ? 2 : 1); ++i) {
      const MappingModel::Run page = model.At(starts[i].value);
      if (!page.mapped || event.translations[i].address.value != page.hpa) {
        return false;
      }
    }
    return true;
  }
  if (two_pages || facts_.on_demand) return true;
  const bool mapped = model.At(first.value).mapped;
  if (end == AccessEnd::kAbsent) return !mapped;
  return end != AccessEnd::kRefused || mapped;
}

std::optional<BuilderRule> BuilderTrial::Compare(AccessEnd stale, AccessEnd end,
                                                 const Event& by_memory) const {
  if (stale == AccessEnd::kOther || end == AccessEnd::kOther) return {};
  if (stale == AccessEnd::kMisconfigured) return BuilderRule::kStaleTable;
  const Event& by_path = walker_.verdict().alternatives[0].event;
  if (end == AccessEnd::kDone) {
    // A right that was added may cost one more violation (29.4.3.4).
    if (stale == AccessEnd::kRefused) return {};
    if (stale == AccessEnd::kAbsent) return BuilderRule::kStaleTable;
    for (std::size_t i = 0; i < by_memory.translation_count; ++i) {
      const Translation& old = by_path.translations[i];
      const Translation& now = by_memory.translations[i];
      if (old.address != now.address) return BuilderRule::kStaleTranslation;
      if (old.memory_type != now.memory_type) return BuilderRule::kStaleType;
    }
    return {};
  }
  if (stale != AccessEnd::kDone) return {};
  return end == AccessEnd::kAbsent ? BuilderRule::kStaleTranslation
                                   : BuilderRule::kStaleRight;
}

bool BuilderTrial::Apply(const Outcome& outcome) {
  const auto no_flags = [](std::uint64_t bits) {
    return (bits & ~kAccessedDirty) != 0;
  };
  for (const MemoryWord& word : outcome.writes) {
    const std::uint64_t* at = pool_.memory().At(word.address);
    if (at != nullptr && !IsOfLog(word.address) && no_flags(*at ^ word.value)) {
      return false;
    }
  }
  walker_.state().Apply(outcome);
  for (const MemoryWord& word : outcome.writes) {
    if (IsOfLog(word.address)) {
      if (std::uint64_t* at = pool_.memory().At(word.address)) *at = word.value;
    } else {
      pool_.SetFlags(word.address, word.value & kAccessedDirty);
    }
  }
  return true;
}

// A frame that is a log, and no table.
bool BuilderTrial::IsOfLog(Hpa word) const {
  return pool_.logs().IsLog(word.value & ~std::uint64_t{0xfff}) &&
         !check_->IsInUse(word);
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
  Take(check_->JudgeEnd());
  standings_.waived = check_->waived();
  if (!standings_.finding.has_value() && check_->tolerated().has_value()) {
    standings_.finding = check_->tolerated();
    standings_.step = tolerated_at_;
    if (log_ != nullptr) log_->BlameTolerated(standings_.finding->rule);
  }
  Report({.number = case_->steps.size() + 1,
          .step = nullptr,
          .result = {},
          .events = check_->events(),
          .happenings = check_->happenings(),
          .finding = standings_.finding});
}

void BuilderTrial::Take(const BuilderFindings& findings) {
  if (!findings.empty()) standings_.finding = findings[0];
}

void BuilderTrial::Find(BuilderRule rule, std::uint64_t gpa) {
  standings_.finding = MakeBuilderFinding(
      rule, gpa, check_.has_value() ? check_->LevelAt(gpa) : 0);
  if (rule == BuilderRule::kWalk) check_->AddPage(*standings_.finding);
  if (log_ != nullptr) log_->OnFinding(rule, standings_.finding->level);
}

void BuilderTrial::Report(const BuilderStepReport& report) const {
  if (observer_) observer_(report);
}

}  // namespace eptdiff
