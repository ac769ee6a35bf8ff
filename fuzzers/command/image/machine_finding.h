// What a machine has told of one case, looked at here: judged once more by the
// same reference, told in words, with smaller cases beside its own.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_FINDING_H_
#define EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_FINDING_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "fuzzers/command/report/check_report.h"
#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/machine_state.h"
#include "oracle/processor/report_reader.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/dialect.h"
#include "oracle/verdict.h"

namespace eptdiff {

struct Looked {
  const ReportedFinding* told = nullptr;
  std::shared_ptr<const Case> c;  // as it was moved
  // Judged by the SDM, in `before`.
  MachineState before;
  Verdict verdict;
  Finding finding;
  std::string problem;  // why it is none; "" if it is one
  bool agrees = false;  // with the SDM, after all
  bool beyond = false;  // what is wrong is beyond the diagnosis

  const Step* step() const {
    return told->step == 0 ? nullptr : &c->steps[told->step - 1];
  }
};

using LookedList = std::vector<std::unique_ptr<Looked>>;

// `told` must outlive what is returned.
std::unique_ptr<Looked> LookAt(const ReportedFinding& told);

// Whether the dialect permits what the machine answered; and whether it does,
// and would not without the alteration at `place` of it.
bool Permits(const CachingReference& reference, const Looked& looked);
bool Needs(const Dialect& dialect, std::size_t place, const Looked& looked);

// Tells the machine's case and answer, as they are.
void TellAsItIs(const Looked& looked, CheckFinding& told);

// `told`, with smaller cases in which an oracle that departs so and only so
// would show the same: the smallest, then the smallest with the machine's own
// settings of processor, controls and guest. Empty if it shows nothing.
std::vector<CheckFinding> TellSmaller(const Alteration& alteration,
                                      const Looked& looked,
                                      std::chrono::steady_clock::time_point end,
                                      const CheckFinding& told);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_FINDING_H_
