// What has happened in a case so far: the facts from which the reference tells
// what a processor may have kept (SDM 29.4). A moment is the state after so
// many steps; what a step does to memory it does at once, at its end. Moment 0
// is the case as it begins. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_HISTORY_H_
#define EPTDIFF_ORACLE_HISTORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/types.h"
#include "oracle/case.h"
#include "oracle/outcome.h"

namespace eptdiff {

// What each logical processor has of its own.
struct ProcessorContext {
  Controls controls;
  GuestState guest;
  friend bool operator==(const ProcessorContext&,
                         const ProcessorContext&) = default;
};

// A step that is over. What it met, as far as it says what was kept where.
struct PastStep {
  Step step;
  std::uint8_t processor = 0;
  Event event;
  ProcessorContext before;
};

class History {
 public:
  // A case with more steps is judged no further.
  static constexpr std::size_t kMaxMoments = 64;

  // A case begins, on each logical processor alike.
  void Begin(const ProcessorContext& context);

  // `past` has ended with `outcome`, and has left `after` on its processor;
  // `old` are the values that the words of outcome.writes had before.
  void Add(const PastStep& past, const ProcessorContext& after,
           const Outcome& outcome, std::span<const std::uint64_t> old);

  // The last moment; now.
  std::size_t now() const { return past_.size(); }
  bool full() const { return past_.size() + 1 >= kMaxMoments; }

  // The step that led to this moment, from 1 on.
  const PastStep& StepTo(std::size_t moment) const { return past_[moment - 1]; }

  // What was current on a logical processor at this moment.
  const ProcessorContext& ContextAt(std::uint8_t processor,
                                    std::size_t moment) const;

  // A value that a word had, from this moment until the next version.
  struct Version {
    std::size_t from = 0;
    std::uint64_t value = 0;
  };
  // Empty if no step has changed the word; else oldest first, now last.
  std::span<const Version> VersionsOf(Hpa word) const;

 private:
  struct Word {
    Hpa address;
    std::vector<Version> versions;
  };
  struct Change {
    std::size_t from = 0;
    ProcessorContext context;
  };

  std::vector<PastStep> past_;
  std::vector<Word> words_;
  std::array<std::vector<Change>, kLogicalProcessors> contexts_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_HISTORY_H_
