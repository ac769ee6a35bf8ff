// Which shapes of cases about caches (cache_shapes.h) there are in a case,
// whoever made it: a case that was mutated has others than it was given.
// Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_GENERATION_SHAPES_IN_H_
#define EPTDIFF_FUZZERS_GENERATION_SHAPES_IN_H_

#include <bitset>

#include "fuzzers/generation/cache_shapes.h"
#include "oracle/case.h"

namespace eptdiff {

using CacheShapes = std::bitset<kCacheShapeCount>;

// What stores make of entries that an access before them used, and what is done
// to the tags of what was kept, where an access comes after it. As memory is by
// these stores alone: flags that accesses set are not followed.
CacheShapes ShapesIn(const Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_SHAPES_IN_H_
