#include <iterator>
#include <utility>

#include "fuzzers/command/conformance/caches/shape.h"

namespace eptdiff {

std::vector<CacheShape> AllCacheShapes() {
  std::vector<CacheShape> all;
  for (auto* shapes :
       {ChangeShapes, FirstUseShapes, OrderShapes, InveptShapes, InvvpidShapes,
        GuestShapes, FaultShapes, FlagShapes, ContextShapes, ProcessorShapes}) {
    std::vector<CacheShape> some = shapes();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace eptdiff
