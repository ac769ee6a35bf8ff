#include <iterator>
#include <utility>

#include "fuzzers/command/conformance/caches/shape.h"

namespace eptdiff {

std::vector<LitmusShape> AllLitmusShapes() {
  std::vector<LitmusShape> all;
  for (auto* shapes : {ChangeShapes, MemoryTypeShapes, PageSizeShapes,
                       FirstUseShapes, OrderShapes, InveptShapes, InvvpidShapes,
                       GuestShapes, CrossedShapes, FaultShapes, FlagShapes,
                       LogShapes, RootShapes, TagShapes, ProcessorShapes}) {
    std::vector<LitmusShape> some = shapes();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace eptdiff
