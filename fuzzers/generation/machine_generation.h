// The first part of a generated case: a processor, controls and guest
// registers that go together. VM entry accepts them, save where it is meant
// to refuse. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_MACHINE_GENERATION_H_
#define EPTDIFF_FUZZERS_GENERATION_MACHINE_GENERATION_H_

#include <cstdint>

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// Features that not every oracle models. They are drawn for one case in five
// and then several together, so that the other four can be answered by all.
struct Exotic {
  bool five_level_ept = false;
  bool no_execute_only = false;
  bool no_2mb_pages = false;
  bool paging_write = false;  // also guest-paging verification, HLAT
  bool transactional = false;
  bool asynchronous = false;
  bool eptp_switching = false;
  bool key_identifiers = false;
  bool apic_page = false;
  bool changes = false;        // of registers and controls, between accesses
  bool refused_entry = false;  // by a control ...
  bool refused_guest = false;  // ... or by the guest's state
};

// What a generated case is about.
enum class Focus : std::uint8_t {
  kEpt,     // EPT alone: accesses by guest-physical address, mostly
  kLinear,  // linear accesses through the guest's own paging
  kCaches,  // either, and what may have been kept of them
};

Exotic DrawExotic(Random& random, Focus focus);

// Fills in processor, controls (save the addresses of structures) and guest
// registers (save CR3 and the PDPTEs).
void GenerateMachine(Random& random, const Exotic& exotic, Focus focus,
                     Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_MACHINE_GENERATION_H_
