// The smallest case for each thing that cases do, of any number of cases.
//
// A thing is a consequence of a rule at a level, in one of the two dimensions
// of a walk, in a mode of guest paging (a feature of the reference's trace, see
// trace.h); or an alteration of a rule that changes the verdict (decided.h), so
// that what is kept would notice every mistake that all would; or what was
// asked together with what came of it; of a case about a builder, what happened
// in an operation of which kind. A case is kept if it is the smallest for at
// least one; of two of the same size, the one whose name comes first. So the
// best of a thing never depends on who looks, in which order, at how much:
// distilling what was distilled changes nothing, and several machines may
// distil the same folder, since nobody drops a case before having seen a better
// one. Thread-safety: thread-compatible.
//
// This folder looks at many cases, or at one many times: which rules they
// decide (decided.h, rule_matrix.h), which are worth keeping (here), how small
// one gets (smallest.h), in a process that may crash (apart.h). It uses words/,
// files/ and the oracles. Begin with decided.h.
#ifndef EPTDIFF_FUZZERS_COMMAND_DISTILL_DISTILLATE_H_
#define EPTDIFF_FUZZERS_COMMAND_DISTILL_DISTILLATE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "fuzzers/command/distill/decided.h"
#include "oracle/case.h"

namespace eptdiff {

class Distillate {
 public:
  // Names must differ.
  void Add(const std::string& name, std::size_t size, const Case& c);

  std::size_t things() const { return best_.size(); }
  // The names of the cases to keep.
  std::set<std::string> Kept() const;

 private:
  struct Candidate {
    std::size_t size;
    std::string name;
    auto operator<=>(const Candidate&) const = default;
  };
  const DecidedRules decided_{/*counting=*/false};  // nothing is added to it
  std::map<std::uint32_t, Candidate> best_;
};

struct Distilled {
  std::size_t cases = 0;
  std::size_t kept = 0;
  std::size_t things = 0;
};

// Removes from the corpus in `directory` what its distillate does not keep.
// Files younger than `settled` are left alone and not looked at: somebody may
// still be writing them. Those that are no case are left alone, too.
absl::StatusOr<Distilled> DistilInPlace(const std::string& directory,
                                        std::chrono::seconds settled);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_DISTILL_DISTILLATE_H_
