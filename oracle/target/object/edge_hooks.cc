// The functions that an object calls which clang or gcc compiled with
// -fsanitize-coverage= or -fsanitize=fuzzer-no-link. A program that has them,
// and exports them, can load such objects; EdgeCounters gets what they tell of
// edges. What they tell of comparisons, indirect calls and the depth of the
// stack goes nowhere: cases are mutated by meaning, not by bytes.
//
// The names, and what is passed, are of clang's SanitizerCoverage; gcc has
// trace-pc and the comparisons. libFuzzer
// brings its own, so that fuzz targets do not link this.
#include <cstddef>
#include <cstdint>

#include "oracle/target/object/edge_counters.h"

#define EPTDIFF_HOOK extern "C" __attribute__((visibility("default"))) void

// NOLINTBEGIN(bugprone-reserved-identifier)
#define EPTDIFF_OF_THREAD                                    \
  __attribute__((visibility("default"), tls_model("initial-" \
                                                  "exec"))) thread_local

extern "C" {
EPTDIFF_OF_THREAD std::uintptr_t __sancov_lowest_stack = UINTPTR_MAX;
}

EPTDIFF_HOOK __sanitizer_cov_8bit_counters_init(std::uint8_t* begin,
                                                std::uint8_t* end) {
  eptdiff::EdgeCounters::Get().Announce(std::span(begin, end));
}
EPTDIFF_HOOK __sanitizer_cov_bool_flag_init(std::uint8_t* begin,
                                            std::uint8_t* end) {
  eptdiff::EdgeCounters::Get().Announce(std::span(begin, end));
}
EPTDIFF_HOOK __sanitizer_cov_trace_pc_guard_init(std::uint32_t* begin,
                                                 std::uint32_t* end) {
  eptdiff::EdgeCounters::Get().Announce(std::span(begin, end));
}
EPTDIFF_HOOK __sanitizer_cov_trace_pc_guard(const std::uint32_t* guard) {
  eptdiff::EdgeCounters::Get().Count(*guard);
}

EPTDIFF_HOOK __sanitizer_cov_trace_pc() {
  eptdiff::EdgeCounters::Get().CountAt(
      reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)));
}

EPTDIFF_HOOK __sanitizer_cov_pcs_init(const std::uintptr_t*,
                                      const std::uintptr_t*) {}
EPTDIFF_HOOK __sanitizer_cov_trace_pc_indir(std::uintptr_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_cmp1(std::uint8_t, std::uint8_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_cmp2(std::uint16_t, std::uint16_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_cmp4(std::uint32_t, std::uint32_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_cmp8(std::uint64_t, std::uint64_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_const_cmp1(std::uint8_t, std::uint8_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_const_cmp2(std::uint16_t, std::uint16_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_const_cmp4(std::uint32_t, std::uint32_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_const_cmp8(std::uint64_t, std::uint64_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_cmpf(float, float) {}
EPTDIFF_HOOK __sanitizer_cov_trace_cmpd(double, double) {}
EPTDIFF_HOOK __sanitizer_cov_trace_switch(std::uint64_t, std::uint64_t*) {}
EPTDIFF_HOOK __sanitizer_cov_trace_div4(std::uint32_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_div8(std::uint64_t) {}
EPTDIFF_HOOK __sanitizer_cov_trace_gep(std::uintptr_t) {}
// NOLINTEND(bugprone-reserved-identifier)
