// BuilderCheck's look at the log of what the guest writes to (write_log.h).
#include <utility>

#include "oracle/builder/judge/builder_check.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kDirty = 0x200;

}  // namespace

// Dirty flags are the builder's own while it logs. Who leads judges first.
void BuilderCheck::BeginLogging(bool about_log) {
  if (write_log_.on() || about_log) kept_flags_.Excuse(kDirty);
  if (leads_) write_log_.Begin();
}

Interval BuilderCheck::PageOf(const FrameMemory& memory,
                              std::uint64_t gpa) const {
  std::uint64_t leaf;
  int level;
  if (!FindLeaf(facts_, memory, root_, gpa, leaf, level)) return {};
  const std::uint64_t bytes = EntryBytes(level);
  return {gpa & ~(bytes - 1), AddressIn(leaf), bytes, leaf & kLeafFlags};
}

void BuilderCheck::ReplayWrite(const TableEvent& event) {
  if (event.before != root_.value) return;  // in another view
  const std::uint64_t gpa = event.after;
  Interval page = PageOf(room_.memory, gpa);
  // By what is cached of tables that are none any more.
  if (page.bytes == 0) page = {gpa & ~std::uint64_t{0xfff}, 0, 0x1000, 0};
  write_log_.OnWrite(gpa, page, !event.failed, view_);
}

void BuilderCheck::CheckTold(const TableOperation& operation,
                             const WriteLog::PageOf& page_of) {
  static const std::vector<Interval> kNothing;
  const auto* const told = std::exchange(told_, nullptr);
  const auto wrong =
      write_log_.OnDone(operation, told != nullptr ? *told : kNothing, page_of);
  if (!wrong.has_value()) return;
  const auto rule_of = [&] {
    using Kind = WriteLog::Wrong::Kind;
    switch (wrong->kind) {
      case Kind::kRaced:
        return BuilderRule::kLogRaced;
      case Kind::kTooMuch:
        return BuilderRule::kLogTellsNoMore;
      case Kind::kLostInView:
        return BuilderRule::kLogViewTells;
      case Kind::kStaysInView:
        return BuilderRule::kLogViewRearms;
      case Kind::kLost:
        break;
    }
    return BuilderRule::kLogTells;
  };
  const BuilderRule rule = rule_of();
  const int level = LevelAt(wrong->gpa);
  Find(rule, wrong->gpa, level);
  if (log_ == nullptr) return;
  // What is lost in one view for a reason may be lost in any for another.
  const bool stays = rule == BuilderRule::kLogViewRearms;
  if (stays) log_->OnFinding(BuilderRule::kLogViewTells, level);
  if (stays || rule == BuilderRule::kLogViewTells) {
    log_->OnFinding(BuilderRule::kLogTells, level);
  }
}

}  // namespace eptdiff
