// The reference over the tables that a builder has made: accesses, and the
// walks that must give what the model of the mappings says.
//
// The reference reads words of a MachineState. Before it judges an access, the
// entries that the access can meet are copied there from the builder's frames,
// or, of a cached path, from the path.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_REFERENCE_WALKER_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_REFERENCE_WALKER_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/types.h"
#include "oracle/builder/frame_memory.h"
#include "oracle/builder/judge/caching_processor.h"
#include "oracle/builder/mapping_model.h"
#include "oracle/builder/table_facts.h"
#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

// How an access ended, as far as mappings are concerned.
enum class AccessEnd : std::uint8_t {
  kDone,
  kRefused,        // EPT violation or #VE: a right is missing
  kAbsent,         // ... or an entry is not present
  kMisconfigured,  // EPT misconfiguration
  kOther,          // log-full, an SPP event, undefined ...
};
inline constexpr int kAccessEndCount = 5;

class ReferenceWalker {
 public:
  // Borrows `frames`. Judges by `dialect`: the SDM, unless it is to be wrong on
  // purpose.
  explicit ReferenceWalker(const FrameMemory& frames, Dialect dialect = {})
      : frames_(frames), reference_(std::move(dialect)) {
    trace_.keeps_hits = false;
  }

  // Begins with what is there before the first step of `c`.
  void Reset(const Case& c);
  // The tables are there now.
  void Enter(const TableFacts& facts, std::uint64_t eptp);
  // Walks these from now on, the tables with this number (EPTP index).
  void UseTables(std::uint64_t eptp, std::uint16_t number);

  // Everything but the frames: registers, and memory that is no table.
  MachineState& state() { return state_; }
  const Verdict& verdict() const { return verdict_; }
  const Trace& trace() const { return trace_; }
  void set_keeps_hits(bool keeps_hits) { trace_.keeps_hits = keeps_hits; }

  // Whether VM entry takes the controls.
  bool MayEnter();

  // Whether INVEPT does not do what it is for, or need not: its type and its
  // descriptor are refused, or have bits that must be 0 (CACHE-13). `any_type`:
  // the type is not the caller's choice, and there is one.
  bool InveptFails(const Invalidation& invept, bool any_type);

  // Judges `step`, whose pages begin at `first` and, if it crosses into
  // another, at `last`; verdict() and trace() say what came out. `path`, if
  // there is one, is what the processor goes by in place of memory.
  AccessEnd Judge(const Step& step, Gpa first, Gpa last,
                  const CachedPath* path = nullptr);

  // Whether reads, writes and fetches at `gpa` go where `model` has it, with
  // its memory type, if it has the right, and not otherwise.
  bool AgreesWith(const MappingModel& model, Gpa gpa);

 private:
  // Copies the entries that a walk of `gpa` meets: those of `path`, as far as
  // it leads there, and then memory's.
  // Whether they lead to a trap.
  bool CopyPath(Gpa gpa, const CachedPath* path, SparseMemory& memory) const;
  // A misconfiguration is one, unless it is meant to be a trap.
  AccessEnd Classify(bool two_pages, bool trap) const;

  // What AgreesWith() has been asked, and has answered with yes. By the same
  // entries the same addresses lead to the same: most tables stay as they are
  // in most operations.
  struct Agreed {
    std::uint64_t eptp = 0;
    std::uint64_t gpa = 0;
    bool mapped = false;
    std::uint64_t hpa = 0, flags = 0;
    CachedPath path;  // as the frames have it, up to what ends the walk

    bool operator==(const Agreed& other) const;
  };
  // False if the walk leaves the frames.
  bool TakePath(Agreed& asked) const;
  bool IsKnown(const Agreed& asked) const;
  void Note(const Agreed& asked);

  static constexpr std::size_t kAgreed = 64;
  const FrameMemory& frames_;
  TableFacts facts_;
  Reference reference_;
  MachineState state_;
  MachineState plain_;  // for AgreesWith(): a simple guest, no log, no #VE
  Verdict verdict_;
  Trace trace_;
  std::vector<Agreed> agreed_;   // the oldest goes when another comes
  std::size_t next_agreed_ = 0;  // ... in its place
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_REFERENCE_WALKER_H_
