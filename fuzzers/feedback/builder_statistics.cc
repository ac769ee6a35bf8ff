#include "fuzzers/feedback/builder_statistics.h"

#include <iterator>
#include <map>
#include <string_view>

namespace eptdiff {
namespace {

constexpr std::string_view kKinds[] = {
    "map",          "unmap",       "remap",        "protect",
    "split",        "map_region",  "unmap_region", "protect_region",
    "merge_region", "clear_flags", "log_on",       "log_off",
    "log_ask",      "log_clear"};
static_assert(std::size(kKinds) == kTableOperationKindCount);

constexpr std::string_view kErrorNames[] = {"done",
                                            "refused.misaligned",
                                            "refused.out_of_range",
                                            "refused.overlap",
                                            "refused.not_mapped",
                                            "allocation_failed",
                                            "refused.unsupported",
                                            "refused.no_access",
                                            "refused.not_allowed",
                                            "refused.misconfigured",
                                            "refused.bad_controls",
                                            "refused.bad_frame"};
static_assert(std::size(kErrorNames) == BuilderStatistics::kErrors);

constexpr std::string_view kHappeningNames[] = {
    "page_added",     "page_removed", "page_changed", "split_2m",
    "split_1g",       "merged_2m",    "merged_1g",    "table_linked",
    "table_unlinked", "frame_freed",  "invept",       "flags_meanwhile"};
static_assert(std::size(kHappeningNames) == kHappeningCount);

constexpr std::string_view kEnds[] = {"done", "refused", "absent",
                                      "misconfigured", "other"};
static_assert(std::size(kEnds) == kAccessEndCount);

}  // namespace

std::string BuilderStatistics::Text() const {
  std::map<std::string, std::uint64_t> lines;
  const auto add = [&](std::string_view head, std::string_view name,
                       std::uint64_t count) {
    if (count == 0) return;
    lines["table." + std::string(head) + "." + std::string(name)] += count;
  };
  for (std::size_t kind = 0; kind < std::size(kKinds); ++kind) {
    for (std::size_t i = 0; i < kOutcomes; ++i) {
      add(kKinds[kind],
          i < kErrors ? kErrorNames[i] : kHappeningNames[i - kErrors],
          counts_[kind * kOutcomes + i]);
    }
  }
  for (std::size_t i = kOperationCounters; i < kCounters; ++i) {
    const std::size_t access = i - kOperationCounters;
    add("access", kEnds[access / 2 % kAccessEndCount], counts_[i]);
    if (access % 2 != 0) add("access", "stale", counts_[i]);
  }
  std::string text;
  for (const auto& [name, count] : lines) {
    text += name + " " + std::to_string(count) + "\n";
  }
  return text;
}

}  // namespace eptdiff
