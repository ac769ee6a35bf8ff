// What others found out on processors, as cases with expectations: the facts
// that a test asserts, in tables written by hand. corpus/conformance/ holds
// these cases; a test holds that it does. Nothing here asks the reference.
//
// kvm-unit-tests, of which these cases mirror the EPT part of x86/vmx_tests.c
// and the guest paging of x86/access.c, runs on Intel processors.
//
// Not part of any fuzz target. Thread-safety: pure functions.
//
// This folder uses the notations, and expectations. Begin with scene.h, the
// guest that the cases are about, then ept_right_cases.cc.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CONFORMANCE_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CONFORMANCE_H_

#include <string>
#include <vector>

#include "fuzzers/text/case_text.h"

namespace eptdiff {

struct ConformanceCase {
  std::string name;  // "kvm-unit-tests/ept_access_test_read_only/pte"
  TextCase text_case;
};

// x86/vmx_tests.c: EPT entries of the page that is accessed.
std::vector<ConformanceCase> EptRightCases();     // ept_access_test_<rights>
std::vector<ConformanceCase> EptBitCases();       // reserved and ignored bits
std::vector<ConformanceCase> EptScenarioCases();  // ept, eptad, pml
// EPT entries of the guest's page table: ept_access_test_paddr_*.
std::vector<ConformanceCase> GuestTableCases();
// VM entry: test_ept_eptp, test_pml, test_mode_based_execute_control.
std::vector<ConformanceCase> VmEntryCases();
// x86/access.c: a sample of its combinations; see access_test.h for all.
std::vector<ConformanceCase> AccessTestCases();

// All of them; names are unique, cases canonical.
std::vector<ConformanceCase> AllConformanceCases();

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CONFORMANCE_H_
