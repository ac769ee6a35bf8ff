#include <cstdint>
#include <vector>

#include "oracle/builder/judge/example_witnesses.h"
#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000;
constexpr std::uint64_t kAll = 0x37;  // read, write, execute; WB
constexpr std::uint64_t kNoWrite = 0x35;

// A page in the second view; and one in all of them, which share its table.
TableCase InSecond() { return TableCase().Map(0, 0x9000, kAll).In(1); }
TableCase InEach() {
  return TableCase().MapRegion(0, 0x9000, k4K, kAll).In(kAllViews);
}

std::vector<ExampleWitness> MakeWitnesses() {
  return {
      {"table-view-has-an-eptp-of-its-own",
       "INVEPT is executed for the view that changes", "", "first-flushed",
       BuilderRule::kInveptOtherView,
       InSecond().Protect(0, kNoWrite).In(1).Build()},
      {"table-view-is-come-back-to",
       "what a processor has cached in a view is there when it comes back", "",
       "first-flushed", BuilderRule::kStaleRight,
       InSecond()
           .Switch(1)
           .Write(0)
           .Switch(0)
           .Protect(0, kNoWrite)
           .In(1)
           .Switch(1)
           .Write(0)
           .Build()},
      {"table-view-in-which-some-run",
       "a view changes in which one processor runs, and others may", "",
       "running-flushed", BuilderRule::kInveptRunningView,
       InSecond().Switch(1).Protect(0, kNoWrite).In(1).Build()},
      {"table-view-gets-its-own-copy",
       "one of the views that share a table is to differ", "", "never-copies",
       BuilderRule::kViewShared, InEach().Protect(0, kNoWrite).In(1).Build()},
      {"table-view-alone-changes",
       "a page of two views loses a right in one of them", "", "wrong-view",
       BuilderRule::kViewWrong,
       InSecond().Map(0, 0x9000, kAll).Protect(0, kNoWrite).Build()},
      {"table-view-leaves-a-table-to-others",
       "a table that one view links no more is linked by others", "",
       "frees-shared", BuilderRule::kFreedShared,
       InEach().Protect(0, kNoWrite).In(2).Read(0).Build()},
      {"table-view-each-of-all", "a page goes from all views", "",
       "misses-last", BuilderRule::kViewMissed,
       InEach().UnmapRegion(0, k4K).In(kAllViews).Build()},
  };
}

}  // namespace

std::span<const ExampleWitness> ViewWitnesses() {
  static const std::vector<ExampleWitness>& witnesses =
      *new std::vector<ExampleWitness>(MakeWitnesses());
  return witnesses;
}

}  // namespace eptdiff
