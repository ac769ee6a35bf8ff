#include "oracle/exhaustive/entry_classes.h"

#include <unordered_set>

#include "oracle/engine_oracle.h"
#include "oracle/exhaustive/comparison.h"
#include "oracle/exhaustive/world.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kAddressBits = 0x000ffffffffff000;

// What the engine answers to each access.
void AddAnswers(const World& world, int level, std::uint64_t shape,
                std::span<const NamedStep> accesses, EngineOracle& engine,
                Digest& digest) {
  Outcome outcome;
  for (const NamedStep& access : accesses) {
    engine.Perform(world.state(), access.step, outcome);
    AddOutcome(outcome, digest, world.AddressOf(level),
               World::EntryOf(level, shape),
               World::EntryOf(level, shape) & kAddressBits);
  }
}

}  // namespace

std::vector<EntryClass> ClassesOfEntries(int level,
                                         std::span<const Setting> settings,
                                         Patterns patterns,
                                         std::uint64_t stride) {
  // Patterns depend on the width: those of one are used for all.
  constexpr std::uint8_t kWidth = 46;
  std::vector<std::uint64_t> shapes;
  for (const std::uint64_t high : HighBits(patterns, kWidth)) {
    for (std::uint64_t low = 0; low < kLowBits; low += stride) {
      shapes.push_back(high | low);
    }
  }
  std::vector<Digest> present(shapes.size());
  std::vector<Digest> absent(shapes.size());  // the next entry is 0
  EngineOracle engine;
  for (const Setting& setting : settings) {
    World world(setting.choices);
    if (level > world.top()) continue;
    const std::vector<NamedStep> accesses = AccessesOf(setting.choices);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      world.Set(level, shapes[i]);
      AddAnswers(world, level, shapes[i], accesses, engine, present[i]);
      if (level == 1) continue;
      world.Clear(level - 1);
      AddAnswers(world, level, shapes[i], accesses, engine, absent[i]);
      world.Reset(level - 1);
    }
  }
  std::vector<EntryClass> classes;
  std::unordered_set<std::uint64_t> met;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!met.insert(present[i].value()).second) continue;
    classes.push_back(
        {shapes[i], level == 1 || present[i].value() == absent[i].value()});
  }
  return classes;
}

}  // namespace eptdiff
