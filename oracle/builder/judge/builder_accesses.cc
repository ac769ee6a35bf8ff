// BuilderTrial's accesses: what memory says, and what a processor may say that
// has it cached. And processors that change over to other tables.
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/judgement/permitted.h"
#include "oracle/reference/rules/cache_tags.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint16_t kEptMisconfiguration = 49;

}  // namespace

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
  const std::size_t view = processors_.ViewOf(step.processor);
  UseTables(view);
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
  if (!IsAsAsked(step, end)) Find(BuilderRule::kWalk, first.value, view);

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
    if (counts && (done || begun)) {
      pool_.OnWritten(Hpa{AddressIn(processor.eptp())}, pages[i],
                      write && done);
    }
  }
  if (event.kind == EventKind::kVmExit) {
    processor.OnTransition();
    pool_.LeaveGuest(step.processor);
  }
  checks_.AfterAccess();
  return true;
}

bool BuilderTrial::IsAsAsked(const Step& step, AccessEnd end) const {
  if (end == AccessEnd::kMisconfigured) return false;
  const MappingModel& model =
      checks_[processors_.ViewOf(step.processor)].model();
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

void BuilderTrial::UseTables(std::size_t view) {
  if (checks_.size() == 1) return;
  walker_.UseTables(eptps_[view], static_cast<std::uint16_t>(view));
}

// By VMFUNC, which invalidates nothing (25.5.6.3); where the list of EPTPs has
// no such view, it exits.
void BuilderTrial::Switch(const Step& step) {
  if (step.value == 0 && step.index < checks_.size()) {
    processors_.Switch(step.processor, step.index);
  } else {
    processors_[step.processor].OnTransition();
    pool_.LeaveGuest(step.processor);
    checks_.AfterAccess();
  }
  Report({.number = standings_.step,
          .step = &step,
          .result = {},
          .events = no_events_,
          .finding = standings_.finding});
}

}  // namespace eptdiff
