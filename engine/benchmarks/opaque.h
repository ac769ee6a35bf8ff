// What the optimiser may not see through: benchmark::DoNotOptimize() for values
// of any type. That one lets the compiler choose a register, and g++ 12 then
// takes the fields of a small struct for something else than they were.
// Thread-safety: plain functions.
#ifndef EPTDIFF_ENGINE_BENCHMARKS_OPAQUE_H_
#define EPTDIFF_ENGINE_BENCHMARKS_OPAQUE_H_

namespace eptdiff {

// From here on `value` may have changed, and has been read.
template <typename T>
[[gnu::always_inline]] inline void Hide(T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_BENCHMARKS_OPAQUE_H_
