#include <cstdint>
#include <vector>

#include "oracle/builder/judge/example_witnesses.h"
#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000;
constexpr std::uint64_t kAll = 0x37;        // read, write, execute; WB
constexpr std::uint64_t kFlags = 0x10005e;  // EPTP with accessed and dirty
// Its log is full as soon as something is in it.
constexpr std::uint8_t kLast = kLogicalProcessors - 1;

// Two pages, at 0 and above.
TableCase TwoPages() {
  return TableCase(kFlags).Map(0, 0x9000, kAll).Map(k4K, 0xa000, kAll);
}

std::vector<ExampleWitness> MakeWitnesses() {
  return {
      {"table-log-tells", "a write is told once the log is asked", "by-log",
       "not-read-out", BuilderRule::kLogTells,
       TwoPages().LogOn().Write(k4K).LogAsk(0, 2 * k4K).Build()},
      {"table-log-of-each-processor",
       "two processors write, each to another page", "by-log", "off-by-one",
       BuilderRule::kLogTells,
       TwoPages().LogOn().Write(0).Write(k4K).On(1).LogAsk(0, 2 * k4K).Build()},
      {"table-log-begins-empty",
       "what is written before the log is on is not told", "", "flags-stay",
       BuilderRule::kLogTellsNoMore,
       TwoPages().Write(0).LogOn().LogAsk(0, k4K).Build()},
      {"table-log-cleared-between-load-and-store",
       "a processor writes to a page just before the store that clears its "
       "dirty flag: the page is told, then or later",
       "", "races", BuilderRule::kLogRaced,
       TwoPages().LogOn().LogClear(0, k4K).Meanwhile(1).LogAsk(0, k4K).Build()},
      {"table-log-written-again",
       "a page that was told and forgotten is written to again", "by-log",
       "dirty-stays", BuilderRule::kLogTells,
       TwoPages()
           .LogOn()
           .Write(0)
           .LogClear(0, k4K)
           .Write(0)
           .LogAsk(0, k4K)
           .Build()},
      {"table-log-cleared-and-flushed",
       "a processor may keep that a page is dirty until INVEPT", "",
       "never-flushed", BuilderRule::kInvept,
       TwoPages()
           .LogOn()
           .Write(0)
           .LogClear(0, k4K)
           .Write(0)
           .LogAsk(0, k4K)
           .Build()},
      {"table-log-forgets-its-region-alone",
       "of two pages that are written to one is forgotten", "",
       "forgets-unasked", BuilderRule::kLogTells,
       TwoPages()
           .LogOn()
           .Write(0)
           .Write(k4K)
           .LogClear(0, k4K)
           .LogAsk(0, 2 * k4K)
           .Build()},
      {"table-log-is-full",
       "a processor whose log is full exits, and writes when there is room",
       "by-log", "full-stays-full", BuilderRule::kExitProceeds,
       TwoPages()
           .LogOn()
           .Write(0)
           .On(kLast)
           .Write(k4K)
           .On(kLast)
           .LogAsk(0, 2 * k4K)
           .Build()},
      {"table-log-ends",
       "a log's frame is freed once no processor writes to it; nothing is told "
       "then",
       "by-log", "frees-its-logs", BuilderRule::kLogFreed,
       TwoPages()
           .LogOn()
           .Write(0)
           .LogOff()
           .Write(k4K)
           .LogAsk(0, 2 * k4K)
           .Build()},
  };
}

}  // namespace

std::span<const ExampleWitness> LogWitnesses() {
  static const std::vector<ExampleWitness>& witnesses =
      *new std::vector<ExampleWitness>(MakeWitnesses());
  return witnesses;
}

}  // namespace eptdiff
