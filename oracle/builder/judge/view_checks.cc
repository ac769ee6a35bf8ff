#include "oracle/builder/judge/view_checks.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace eptdiff {
namespace {

void AddNothing(BuilderFindings&) {}

}  // namespace

BuilderFindings ViewChecks::Begin(const TableFacts& facts,
                                  std::span<const std::uint64_t> eptps,
                                  SymptomLog* log,
                                  BuilderCheck::Meanwhile meanwhile,
                                  WaiverSet allowed) {
  End();
  log_ = log;
  count_ = eptps.size();
  std::copy(eptps.begin(), eptps.end(), eptps_.begin());
  const bool are_several = count_ > 1;
  write_log_ = {};
  leading_ = 0;
  concerned_ = 1;
  if (are_several) pool_.TakeEvents(events_);
  std::array<BuilderFindings, kMaxViews> found;
  for (std::size_t i = 0; i < count_; ++i) {
    const BuilderCheck::Among among = {are_several ? this : nullptr, i, i == 0,
                                       &write_log_};
    checks_[i].emplace(pool_, facts, eptps[i], i == 0 ? log : nullptr,
                       meanwhile, allowed, std::move(rooms_[i]), among);
    checks_[i]->TolerateMissingInvept();
    found[i] = checks_[i]->creation();
  }
  return are_several ? Conclude(std::span(found).first(count_), AddNothing)
                     : found[0];
}

void ViewChecks::End() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (checks_[i].has_value()) rooms_[i] = checks_[i]->GiveBack();
    checks_[i].reset();
  }
  count_ = 0;
}

BuilderFindings ViewChecks::JudgeEach(std::size_t leading,
                                      const JudgeOne& judge,
                                      const AddTo& conclude) {
  pool_.TakeEvents(events_);
  leading_ = leading;
  for (std::size_t i = 0; i < count_; ++i) {
    checks_[i]->BeginAmong(i == leading, i == leading ? log_ : nullptr);
  }
  std::array<BuilderFindings, kMaxViews> found;
  found[leading] = judge(leading);
  for (std::size_t i = 0; i < count_; ++i) {
    if (i != leading) found[i] = judge(i);
  }
  return Conclude(std::span(found).first(count_), conclude);
}

BuilderFindings ViewChecks::Judge(const TableOperation& operation,
                                  const TableResult& result,
                                  const std::vector<Interval>* taken) {
  const auto* const told = std::exchange(told_, nullptr);
  if (told != nullptr) checks_[0]->SetTold(*told);
  if (count_ == 1) return checks_[0]->Judge(operation, result, taken);
  const bool of_all = IsAboutAll(operation);
  concerned_ = ViewsOf(operation);
  against_ = Against(operation);
  may_lack_frames_ = MayLackFrames(operation);
  const std::size_t leading = of_all ? 0 : operation.view;
  // What goes from several of them nobody can tell apart.
  if (of_all) taken = nullptr;
  return JudgeEach(
      leading,
      [&](std::size_t i) {
        return IsAbout(operation, i)
                   ? checks_[i]->Judge(operation, result,
                                       i == leading ? taken : nullptr)
                   : checks_[i]->JudgeBeside(operation);
      },
      [&](BuilderFindings& all) {
        if (!IsAboutLog(operation.kind) || !result.ok()) return;
        for (const auto& finding : CheckTold(operation)) all.push_back(finding);
      });
}

BuilderFindings ViewChecks::CheckTold(const TableOperation& operation) {
  BuilderCheck& leading = *checks_[leading_];
  leading.findings_.clear();
  leading.CheckTold(operation, [this](std::uint64_t gpa) {
    Interval largest = {};
    for (std::size_t i = 0; i < count_; ++i) {
      const Interval page = checks_[i]->PageOf(pool_.memory(), gpa);
      if (page.bytes > largest.bytes) largest = page;
    }
    return largest;
  });
  return leading.findings_;
}

BuilderFindings ViewChecks::JudgeExit(std::size_t view) {
  if (count_ == 1) return checks_[0]->JudgeExit();
  concerned_ = 1u << view;
  return JudgeEach(
      view, [&](std::size_t i) { return checks_[i]->JudgeExit(); }, AddNothing);
}

BuilderFindings ViewChecks::JudgeEnd() {
  if (count_ == 1) return checks_[0]->JudgeEnd();
  concerned_ = (1u << count_) - 1;
  return JudgeEach(
      0, [&](std::size_t i) { return checks_[i]->JudgeEnd(); }, AddNothing);
}

void ViewChecks::AfterAccess() {
  if (count_ > 1) pool_.TakeEvents(events_);
  for (std::size_t i = 0; i < count_; ++i) checks_[i]->AfterAccess();
}

BuilderFindings ViewChecks::Conclude(std::span<BuilderFindings> each,
                                     const AddTo& conclude) {
  BuilderCheck& leading = *checks_[leading_];
  BuilderFindings all;
  bool tolerated = false;
  // What another view shows says more than what this one does.
  for (std::size_t i = 0; i < count_; ++i) {
    tolerated |= checks_[i]->tolerates_now_;
    if (i == leading_) continue;
    for (const auto& finding : each[i]) Log(*checks_[i], finding);
    for (const auto& finding : checks_[i]->tolerated_now_) {
      Log(*checks_[i], finding);
    }
    std::move(each[i].begin(), each[i].end(), std::back_inserter(all));
  }
  const bool is_done_elsewhere = all.empty();
  leading.findings_.clear();
  const bool of_all = concerned_ == (1u << count_) - 1 && !leading.at_once_;
  if (of_all && is_done_elsewhere && !each[leading_].empty() &&
      each[leading_][0].rule == BuilderRule::kMapsAsAsked && IsMissed()) {
    leading.Find(BuilderRule::kViewMissed, each[leading_][0].where,
                 each[leading_][0].level);
  }
  CheckNeedlessInvept();
  FrameMap<TreePlace> linked;
  for (std::size_t i = 0; i < count_; ++i) {
    for (const auto& [table, place] : checks_[i]->linked_) {
      linked.insert(table, place);
    }
  }
  if (!leading.is_end_) leading.FindLeaks(linked);
  std::move(leading.findings_.begin(), leading.findings_.end(),
            std::back_inserter(all));
  std::move(each[leading_].begin(), each[leading_].end(),
            std::back_inserter(all));
  conclude(all);
  leading.EndLog(!all.empty(), tolerated);
  return all;
}

void ViewChecks::Log(const BuilderCheck& check,
                     const BuilderFinding& finding) const {
  if (log_ == nullptr) return;
  if (check.needs_invept_ != 0 && finding.rule == check.RuleOfMissing()) {
    check.LogMissing(finding.rule, *log_);
  } else {
    log_->OnFinding(finding.rule, finding.level);
  }
}

// Of one that is missing that is the whole mistake.
void ViewChecks::CheckNeedlessInvept() {
  const auto is_missing = [](const auto& check) {
    return check.has_value() && check->needs_invept_ != 0;
  };
  BuilderCheck& leading = *checks_[leading_];
  if (leading.at_once_ ||
      std::any_of(checks_.begin(), checks_.end(), is_missing)) {
    return;
  }
  bool for_all = true;
  bool needless = false;
  for (std::size_t i = 0; i < count_; ++i) {
    for_all = for_all && checks_[i]->needless_for_all_;
    needless = needless || checks_[i]->needless_invept_;
  }
  if (for_all || needless) {
    leading.Find(BuilderRule::kInveptNeeded, leading.root_.value);
  }
}

// Whether the tables of the check that leads are as they were, those of another
// are not.
bool ViewChecks::IsMissed() const {
  const BuilderCheck& leading = *checks_[leading_];
  const auto differs = [](const BuilderCheck& check) {
    for (const TableEvent& event : check.events()) {
      if (event.kind == TableEvent::Kind::kStore && event.level != 0) {
        return true;
      }
    }
    return false;
  };
  if (differs(leading)) return false;
  for (std::size_t i = 0; i < count_; ++i) {
    if (i != leading_ && differs(*checks_[i])) return true;
  }
  return false;
}

void ViewChecks::ExcuseRefusal() {
  for (std::size_t i = 0; i < count_; ++i) checks_[i]->ExcuseRefusal();
}

RefusalSet ViewChecks::Against(const TableOperation& operation) const {
  RefusalSet against = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (IsAbout(operation, i)) against |= checks_[i]->Against(operation);
  }
  return against;
}

bool ViewChecks::IsInUse(Hpa word) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (checks_[i]->IsInUse(word)) return true;
  }
  return false;
}

WaiverSet ViewChecks::waived() const {
  WaiverSet waived = 0;
  for (std::size_t i = 0; i < count_; ++i) waived |= checks_[i]->waived();
  return waived;
}

const std::optional<BuilderFinding>& ViewChecks::tolerated() const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (checks_[i]->tolerated().has_value()) return checks_[i]->tolerated();
  }
  return checks_[0]->tolerated();
}

bool ViewChecks::WasShared(std::uint64_t frame) const {
  int views = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    views +=
        checks_[i].has_value() && checks_[i]->linked_before_.contains(frame);
  }
  return views > 1;
}

bool ViewChecks::IsLinked(std::uint64_t frame) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (checks_[i]->linked_.contains(frame)) return true;
  }
  return false;
}

bool ViewChecks::HasEptp(std::uint64_t eptp) const {
  const auto end = eptps_.begin() + static_cast<std::ptrdiff_t>(count_);
  return std::find(eptps_.begin(), end, eptp) != end;
}

std::uint64_t ViewChecks::TablesFor(const TableOperation& operation) const {
  const bool about_log = IsAboutLog(operation.kind);
  std::uint64_t tables = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (!IsAbout(operation, i)) continue;
    tables += about_log ? checks_[i]->TablesForLog()
                        : checks_[i]->TablesFor(operation);
  }
  return tables;
}

}  // namespace eptdiff
