// BuilderCheck's look at the other tables of the builder: which of these share
// a table with its own, and for which of them INVEPT was executed.
#include <algorithm>

#include "oracle/builder/judge/builder_check.h"
#include "oracle/builder/judge/view_checks.h"

namespace eptdiff {

BuilderFindings BuilderCheck::JudgeBeside(const TableOperation& operation) {
  if (operation.kind == TableOperationKind::kClearFlags &&
      !facts_.accessed_dirty) {
    ignores_flags_ = true;
  }
  return JudgeUnchanged(operation);
}

void BuilderCheck::BeginAmong(bool leads, SymptomLog* log) {
  leads_ = leads;
  log_ = log;
  linked_before_ = linked_;
}

bool BuilderCheck::IsAboutThis(const TableOperation& operation) const {
  return views_ == nullptr || ViewChecks::IsAbout(operation, view_);
}

bool BuilderCheck::WasShared(std::uint64_t frame) const {
  return views_ != nullptr && views_->WasShared(frame);
}

bool BuilderCheck::WasShared(const FrameMap<TreePlace>& tables) const {
  return views_ != nullptr &&
         std::any_of(tables.begin(), tables.end(), [this](const auto& table) {
           return views_->WasShared(table.first);
         });
}

bool BuilderCheck::IsForOtherView(const TableEvent& invept) const {
  return views_ != nullptr && invept.type != kAllContexts &&
         invept.after != eptp_ && views_->HasEptp(invept.after);
}

void BuilderCheck::NoteOtherInvept(const TableEvent& event) {
  const auto running = static_cast<ProcessorSet>(event.before);
  other_invept_ |= event.processors;
  names_other_ |= (event.processors & ~running) != 0;
  run_apart_ |= running != kAllProcessors;
}

void BuilderCheck::LogMissing(BuilderRule rule, SymptomLog& log) const {
  log.OnInveptMissing(rule);
  // Where all processors run in that view, either may be what was meant.
  if (rule == BuilderRule::kInveptOtherView && !names_other_) {
    log.OnInveptMissing(BuilderRule::kInveptRunningView);
  }
}

BuilderRule BuilderCheck::RuleInView(BuilderRule rule, std::uint64_t where,
                                     const std::vector<Interval>& pages) const {
  if (views_ == nullptr || leads_) return rule;
  const bool is_over = rule == BuilderRule::kMapsAsAsked;
  if (views_->IsConcerned(view_)) {
    // `after_` is what was before, once all is replayed.
    std::uint64_t other;
    const bool stays = is_over && IsOneOrOther(pages, where, 1, ComparedFlags(),
                                               after_, after_, other);
    return stays ? BuilderRule::kViewMissed : rule;
  }
  const auto path =
      PathOf(facts_, is_over ? pool_.memory() : room_.memory, root_, where);
  if (path.empty()) return BuilderRule::kViewWrong;
  const Hpa entry = path[path.size() - 1].address;
  const BuilderCheck& leading = views_->leading();
  const bool is_shared =
      leading.IsInUse(entry) ||
      leading.linked_before_.contains(entry.value & ~0xfffull);
  return is_shared ? BuilderRule::kViewShared : BuilderRule::kViewWrong;
}

bool BuilderCheck::IsMappedStill(const TableEvent& release) {
  ReadTree(facts_, room_.memory, root_, room_.is);
  for (const Interval& gone : views_->leading().unmapped_) {
    if (gone.hpa >= release.address.value + release.after ||
        release.address.value >= gone.hpa + gone.bytes) {
      continue;
    }
    for (const Interval& page : room_.is.pages) {
      if (page.gpa - page.hpa == gone.gpa - gone.hpa &&
          page.gpa < gone.gpa + gone.bytes &&
          gone.gpa < page.gpa + page.bytes) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace eptdiff
