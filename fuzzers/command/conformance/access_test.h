// x86/access.c of kvm-unit-tests: a page directory entry and a page table entry
// in every combination of a few bits, under a few settings, and what a
// processor makes of an access. The test computes what to expect; so does this.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_ACCESS_TEST_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_ACCESS_TEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/text/case_text.h"

namespace eptdiff {

// The settings of the processor. `pkru` holds the bits of protection key 1
// (1: access disable, 2: write disable) and matters with `pke` alone.
struct AccessSettings {
  bool nxe = true;
  bool wp = true;
  bool smep = false;
  bool pke = false;
  std::uint8_t pkru = 0;
  bool user = false;  // CPL 3
};

// One access. Entries have their bits where the processor has them: P, R/W,
// U/S, A, D, PS, XD, key 1, and the reserved bits 13 (of a large page), 36 and
// 51. They are without an address.
struct AccessTry {
  std::uint64_t pde = 0;
  std::uint64_t pte = 0;
  bool read_only_pdpte = false;
  AccessKind kind = AccessKind::kRead;  // or write, or fetch
};

// What the test expects of it.
struct AccessAnswer {
  bool faults = false;
  std::uint32_t error_code = 0;
  // The entries afterwards: bits 5 (A) and 6 (D). If `pde_open`, A of the PDE
  // may be either.
  std::uint64_t pde = 0;
  std::uint64_t pte = 0;
  bool pde_open = false;
};
AccessAnswer Expect(const AccessSettings& settings, const AccessTry& access);

// All of `tries`, at most 100, each with entries of its own, as a case.
TextCase AccessCase(const AccessSettings& settings,
                    const std::vector<AccessTry>& tries);

// The processor of the test has 36 address bits, so that bits 36 and 51 are
// reserved.
inline constexpr std::uint8_t kAccessMaxphyaddr = 36;

// The bits that the test combines, in each entry.
inline constexpr std::uint64_t kPteBits[] = {0x1,
                                             0x2,
                                             0x4,
                                             0x20,
                                             0x40,
                                             std::uint64_t{1} << 36,
                                             std::uint64_t{1} << 51,
                                             std::uint64_t{1} << 59,
                                             std::uint64_t{1} << 63};
inline constexpr std::uint64_t kPdeBits[] = {0x1,
                                             0x2,
                                             0x4,
                                             0x20,
                                             0x40,
                                             0x80,
                                             0x2000,
                                             std::uint64_t{1} << 36,
                                             std::uint64_t{1} << 51,
                                             std::uint64_t{1} << 63};

// Whether the test tries this: at most one reserved bit, bit 13 and the key
// of a PDE only if it maps a page.
bool IsTried(const AccessSettings& settings, const AccessTry& access);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_ACCESS_TEST_H_
