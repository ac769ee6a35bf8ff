#include "oracle/exhaustive/entry_classes.h"

#include <unordered_set>

#include "oracle/engine/engine_oracle.h"
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

// A digest for each shape of the entry at `level`: what the engine answers to
// each access in each setting, with the next entry as in World or absent.
std::vector<std::uint64_t> Answers(int level,
                                   std::span<const std::uint64_t> shapes,
                                   std::span<const Setting> settings,
                                   bool next_is_absent) {
  std::vector<Digest> digests(shapes.size());
  EngineOracle engine;
  for (const Setting& setting : settings) {
    World world(setting.choices);
    if (level > world.top()) continue;
    if (next_is_absent) world.Clear(level - 1);
    const std::vector<NamedStep> accesses = AccessesOf(setting.choices);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      world.Set(level, shapes[i]);
      AddAnswers(world, level, shapes[i], accesses, engine, digests[i]);
    }
  }
  std::vector<std::uint64_t> answers;
  for (const Digest& digest : digests) answers.push_back(digest.value());
  return answers;
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
  const std::vector<std::uint64_t> answers =
      Answers(level, shapes, settings, /*next_is_absent=*/false);
  std::vector<std::uint64_t> classes;
  std::vector<std::uint64_t> answers_of_classes;
  std::unordered_set<std::uint64_t> met;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!met.insert(answers[i]).second) continue;
    classes.push_back(shapes[i]);
    answers_of_classes.push_back(answers[i]);
  }
  const std::vector<std::uint64_t> absent =
      level == 1 ? answers_of_classes
                 : Answers(level, classes, settings, /*next_is_absent=*/true);
  std::vector<EntryClass> result;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    result.push_back({classes[i], absent[i] == answers_of_classes[i]});
  }
  return result;
}

}  // namespace eptdiff
