// The engine with its translation cache, as an oracle: one for each logical
// processor, which keeps from step to step what it may. It is judged by what
// the SDM permits then.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_ENGINE_ENGINE_CACHE_ORACLE_H_
#define EPTDIFF_ORACLE_ENGINE_ENGINE_CACHE_ORACLE_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "engine/cache/cache_flaw.h"
#include "engine/cache/caching_engine.h"
#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/step_memory.h"

namespace eptdiff {

// The mistake of this name ("cache-invept-single"); none if there is none.
std::optional<engine::CacheFlaw> CacheFlawNamed(std::string_view name);
std::span<const std::string_view> CacheFlawNames();

class EngineCacheOracle final : public Oracle {
 public:
  static constexpr std::size_t kDefaultPages = 256;

  // With room for so many pages in each cache.
  explicit EngineCacheOracle(std::size_t pages = kDefaultPages);

  std::string_view name() const override { return "cache"; }
  bool keeps_translations() const override { return true; }
  // A case begins with nothing kept.
  Skip Enter(const MachineState& state, Outcome& outcome) override;
  Skip EnterAgain(const MachineState& state, const Step& step,
                  Outcome& outcome) override;
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override;

  // Makes all of its caches wrong ones.
  void PlantForTesting(engine::CacheFlaw flaw);

 private:
  struct LogicalProcessor {
    explicit LogicalProcessor(std::size_t pages)
        : cache(pages), engine(cache, Processor{}, Controls{}) {}
    TranslationCache cache;
    CachingEngine engine;
  };

  Event Invalidate(CachingEngine& engine, const Invalidation& asked);

  StepMemory memory_;  // of the current step
  std::array<std::unique_ptr<LogicalProcessor>, kLogicalProcessors> processors_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_ENGINE_ENGINE_CACHE_ORACLE_H_
