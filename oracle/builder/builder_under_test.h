// Whoever builds tables and is judged: the engine's builder, one with a planted
// fault, or a builder from elsewhere.
//
// All that it has is the pool: frames come from it and go back to it, every
// store to a frame is reported to it, INVEPT is executed by it.
//
// This folder is the words for builders: what they are asked
// (builder_operation.h), what they are lent (frame_pool.h), what should come of
// it (mapping_model.h), how a mistake looks (symptom.h). Of the engine it uses
// the words of its builder. judge/, diagnosis/ and planted/ use it: begin with
// judge/builder_trial.h.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_BUILDER_UNDER_TEST_H_
#define EPTDIFF_ORACLE_BUILDER_BUILDER_UNDER_TEST_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/table/table_error.h"
#include "engine/types.h"
#include "oracle/builder/frame_pool.h"
#include "oracle/builder/mapping_model.h"
#include "oracle/builder/table_facts.h"
#include "oracle/case.h"
#include "oracle/outcome.h"

namespace eptdiff {

class BuilderUnderTest {
 public:
  virtual ~BuilderUnderTest() = default;

  // Short and without spaces; stands in signatures.
  virtual std::string_view name() const = 0;

  // Begins with an empty table; whatever was there before is over, without a
  // store. The controls are those of the VMCS, of EPTP's address the builder
  // makes its own. `unused` is what an entry holds that maps nothing. Borrows
  // `pool`. Refuses what VM entry would refuse (kBadControls).
  virtual TableResult Create(FramePool& pool, const Processor& processor,
                             const Controls& controls,
                             std::uint64_t unused) = 0;

  // Whether entries that map nothing may hold other words that are not present.
  virtual bool any_unused_word() const { return false; }
  // Bits of entries that it sets or clears as it likes where processors ignore
  // them: nobody asks it for them.
  virtual std::uint64_t own_bits() const { return 0; }
  // Whether no processor uses the tables while Create(), Perform() or Destroy()
  // runs. Its stores need not be reported then.
  virtual bool guest_stopped() const { return false; }
  // Whether it takes addresses of frames for pointers: those from
  // FramePool::kPlaced on have to be.
  virtual bool casts_addresses() const { return false; }
  // Whether several threads may be in Perform() at once.
  virtual bool several_threads() const { return false; }
  // Whether it logs what is written to (EPTDIFF_LOG_ON).
  virtual bool logs() const { return false; }
  // How many tables it has beside the first (views), kMaxViews - 1 at most; and
  // whether operations on regions may be for all of them.
  virtual int more_views() const { return 0; }
  virtual bool takes_all_views() const { return false; }
  // Whether it deals with exits: HandleExit().
  virtual bool handles_exits() const { return false; }
  // Whether it says what operations take out.
  virtual bool shows_taken() const { return true; }

  // What TableFacts have beside the machine's: any_unused_word() and
  // own_bits(), traps, whether mapping replaces.
  virtual void AddFacts(TableFacts& facts) const {
    facts.any_unused = any_unused_word();
    facts.own = own_bits();
  }
  // Whether the last Perform() has declined, having done nothing, and be it
  // that it should; asked once.
  virtual bool TakeNotModelled() { return false; }

  // The rest only after Create() has succeeded, until Destroy().
  virtual std::uint64_t eptp() const = 0;
  virtual std::uint64_t view_eptp(int) const { return eptp(); }
  // `taken`, empty before, gets what it takes out (taken_out.h), in any order.
  virtual TableResult Perform(const TableOperation& operation,
                              std::vector<Interval>& taken) = 0;
  // The pages that the last Perform(), about the log, has told.
  virtual const std::vector<Interval>& told() const {
    static const std::vector<Interval> kNone;
    return kNone;
  }
  // What a processor exited for; what the builder says of it.
  enum class ExitResult : std::uint8_t { kRetry, kNotOurs, kNoFrames };
  virtual ExitResult HandleExit(std::uint8_t, const Event&) {
    return ExitResult::kNotOurs;
  }
  // All pages that are mapped, in order, with the flags of their entries; false
  // if the builder cannot say.
  virtual bool List(std::vector<Interval>& pages) = 0;
  // Gives everything back.
  virtual void Destroy() = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_BUILDER_UNDER_TEST_H_
