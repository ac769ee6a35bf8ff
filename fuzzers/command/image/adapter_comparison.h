// A whole machine's answers beside those of somebody else to the same
// questions: the whole of Bochs, and Bochs's walker as it is compiled in. Both
// are of one source; where they differ, one of them is asked what was not
// meant, or what differs lies outside of what is compiled in.
//
// Each answer of the machine is carried out, and the next question is put in
// the state that it has left.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMAGE_ADAPTER_COMPARISON_H_
#define EPTDIFF_FUZZERS_COMMAND_IMAGE_ADAPTER_COMPARISON_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "oracle/oracle.h"
#include "oracle/processor/report_reader.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {

struct AdapterComparison {
  std::uint64_t cases = 0;
  std::uint64_t steps = 0;
  std::uint64_t same = 0;
  // Steps that were not compared, by the reason.
  std::map<std::string, std::uint64_t> left_out;
  // Steps in which the machine does otherwise by what its dialect has and the
  // other's has not, by the alteration.
  std::map<std::string, std::uint64_t> explained;
  // The others.
  struct Difference {
    std::size_t line = 0;  // of the log
    std::string words;
  };
  std::vector<Difference> unexplained;
};

// Puts the cases of `asked` (ImageReport::asked), whose machine speaks the
// dialect `machine`, to `oracle`, which speaks `other` and keeps nothing of
// translations, and adds what comes of it.
void CompareWithAdapter(const std::vector<ReportedFinding>& asked,
                        const Dialect& machine, Oracle& oracle,
                        const Dialect& other, AdapterComparison& comparison);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMAGE_ADAPTER_COMPARISON_H_
