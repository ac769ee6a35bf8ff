// BuilderTrial's exits, which the builder has to deal with; and the
// page-modification logs of processors, of which one is that a log is full.
#include "oracle/builder/judge/builder_trial.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint16_t kEptViolation = 48;
constexpr std::uint16_t kEptMisconfiguration = 49;
constexpr std::uint16_t kLogFull = 62;

}  // namespace

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
    const std::size_t view = processors_.ViewOf(step.processor);
    // For a page of 4 KBytes, which may take most.
    const TableOperation page = {
        .kind = TableOperationKind::kMap,
        .level = 1,
        .view = static_cast<std::uint8_t>(view),
        .gpa = Gpa{gpa.value & ~(kPage - 1)},
    };
    const bool lacks = pool_.failed() || (result == ExitResult::kNoFrames &&
                                          checks_.MayLackFrames(page));
    if (lacks && !MayAsk(Only(TableError::kNoFrames))) return false;
    standings_.lacked_frames |= lacks;
    Take(checks_.JudgeExit(view));
    pool_.FailAllocation(0);
    processors_.EndOperation();
    checks_.AfterAccess();
    standings_.waived |= checks_.waived();
    LoadLog(step.processor);
    if (!standings_.finding.has_value() && allowed.has_value()) {
      // A misconfiguration does not tell by which right the page is accessed.
      const bool may_retry =
          *allowed || (event.exit_reason == kEptMisconfiguration &&
                       checks_[view].model().At(gpa.value).mapped);
      if (result == ExitResult::kRetry && !may_retry) {
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
          .events = checks_.leading().events(),
          .happenings = checks_.leading().happenings(),
          .finding = standings_.finding});
}

std::optional<bool> BuilderTrial::IsAllowed(const Step& step, Gpa page) const {
  const MappingModel& model =
      checks_[processors_.ViewOf(step.processor)].model();
  const MappingModel::Run run = model.At(page.value);
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

// A frame that is a log, and no table.
bool BuilderTrial::IsOfLog(Hpa word) const {
  return pool_.logs().IsLog(word.value & ~std::uint64_t{0xfff}) &&
         !checks_.IsInUse(word);
}

}  // namespace eptdiff
