#include "fuzzers/generation/table_views.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/generation/table_steps.h"

namespace eptdiff {
namespace {

class Views {
 public:
  Views(Random& random, ViewCounts counts) : random_(random), counts_(counts) {}

  std::uint8_t Some() {
    return static_cast<std::uint8_t>(random_.Below(counts_.beside + 1));
  }
  std::uint8_t Other(std::uint8_t view) {
    const unsigned others = random_.Below(counts_.beside);
    return static_cast<std::uint8_t>((view + 1 + others) %
                                     (counts_.beside + 1));
  }
  std::uint8_t For(TableOperationKind kind) {
    const bool all = counts_.may_be_all && FieldsOf(kind).bytes;
    return all && random_.OneIn(3) ? kAllViews : Some();
  }
  static Step Switch(std::uint8_t processor, std::uint8_t view) {
    Step step;
    step.kind = StepKind::kEptpSwitch;
    step.processor = processor;
    step.index = view;
    return step;
  }

  void Spread(Case& c) {
    std::vector<Step> steps;
    for (const Step& step : std::exchange(c.steps, {})) {
      if (steps.size() + 2 > kMaxTableSteps) break;
      if (step.kind != StepKind::kTableOperation) {
        if (random_.OneIn(2)) steps.push_back(Switch(step.processor, Some()));
        steps.push_back(step);
        continue;
      }
      steps.push_back(step);
      TableOperation& operation = steps.back().operation;
      if (IsAboutLog(operation.kind)) continue;
      const bool is_beside = step.processor != 0;
      operation.view = For(operation.kind);
      // What runs beside another often meets it.
      if (is_beside && random_.OneIn(2)) operation.view = last_;
      last_ = operation.view;
      if (is_beside) continue;
      const bool maps = operation.kind == TableOperationKind::kMap ||
                        operation.kind == TableOperationKind::kMapRegion;
      if (maps && operation.view != kAllViews && random_.OneIn(2)) {
        Step again = steps.back();
        again.operation.view = Other(operation.view);
        steps.push_back(again);
      }
    }
    c.steps = std::move(steps);
  }

  // While a log is kept: a page that may be mapped is written to in a view,
  // told and forgotten, and written to there again.
  void InsertLoggedVisit(Case& c) {
    const auto on =
        std::find_if(c.steps.begin(), c.steps.end(), [](const Step& step) {
          return step.kind == StepKind::kTableOperation &&
                 step.operation.kind == TableOperationKind::kLogOn;
        });
    const Step* found = SomeOther(random_, c);
    if (on == c.steps.end() || found == nullptr) return;
    const TableOperation mapped = found->operation;
    const std::uint8_t view = mapped.view == kAllViews ? Some() : mapped.view;
    const auto processor =
        static_cast<std::uint8_t>(random_.Below(kLogicalProcessors));
    Step use;
    use.processor = processor;
    use.gpa = Gpa{mapped.gpa.value & ~(k4K - 1)};
    use.access.kind = AccessKind::kWrite;
    Step clear, ask;
    clear.kind = ask.kind = StepKind::kTableOperation;
    clear.operation.kind = TableOperationKind::kLogClear;
    clear.operation.gpa = use.gpa;
    clear.operation.bytes = k4K;
    clear.operation.meanwhile = random_.OneIn(4) ? 1 : 0;
    ask.operation = clear.operation;
    ask.operation.kind = TableOperationKind::kLogAsk;
    auto at = static_cast<std::size_t>(on - c.steps.begin()) + 1;
    for (Step step : {Switch(processor, view), use, clear, use, ask}) {
      Canonicalise(step);
      InsertStep(at++, step, c);
    }
  }

  // Of a page that may be mapped.
  void InsertVisit(Case& c) {
    static constexpr TableOperationKind kKinds[] = {
        TableOperationKind::kProtect,       TableOperationKind::kUnmap,
        TableOperationKind::kRemap,         TableOperationKind::kProtectRegion,
        TableOperationKind::kProtectRegion, TableOperationKind::kUnmapRegion,
        TableOperationKind::kUnmapRegion,   TableOperationKind::kSplit};
    const Step* found = SomeOther(random_, c);
    if (found == nullptr) return;
    auto at = static_cast<std::size_t>(found - c.steps.data()) + 1;
    const TableOperation mapped = found->operation;
    const std::uint8_t view = mapped.view == kAllViews ? Some() : mapped.view;
    const auto processor =
        static_cast<std::uint8_t>(random_.Below(kLogicalProcessors));
    Step use;
    use.processor = processor;
    use.gpa = Gpa{mapped.gpa.value & ~(k4K - 1)};
    use.access.kind = random_.OneIn(3) ? AccessKind::kRead : AccessKind::kWrite;
    Step change;
    change.kind = StepKind::kTableOperation;
    change.operation = mapped;
    change.operation.kind = random_.Pick(kKinds);
    change.operation.failing_allocation = 0;
    change.operation.flags ^= 2;
    if (random_.OneIn(2)) change.operation.bytes = k4K;
    change.operation.view =
        random_.OneIn(3) ? For(change.operation.kind) : view;
    Step steps[] = {Switch(processor, view),        use,
                    Switch(processor, Other(view)), change,
                    Switch(processor, view),        use};
    for (Step& step : steps) {
      Canonicalise(step);
      InsertStep(at++, step, c);
    }
  }

 private:
  Random& random_;
  const ViewCounts counts_;
  std::uint8_t last_ = 0;  // of the operation before
};

}  // namespace

void SpreadOverViews(Random& random, ViewCounts counts, Case& c) {
  Views views(random, counts);
  views.Spread(c);
  if (!random.OneIn(4)) views.InsertVisit(c);
  views.InsertLoggedVisit(c);
}

}  // namespace eptdiff
