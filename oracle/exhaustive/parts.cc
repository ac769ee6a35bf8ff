#include "oracle/exhaustive/parts.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "oracle/exhaustive/world.h"

namespace eptdiff {
namespace {

constexpr int kLevels = 5;
constexpr std::uint64_t kChunks = 4;  // of all settings

void AskAll(const World& world, std::span<const NamedStep> accesses,
            Comparison& comparison) {
  for (const NamedStep& access : accesses) {
    comparison.Ask(world.state(), access.step);
  }
}

void CompareAll(int level, const Setting& setting, Patterns patterns,
                std::uint64_t stride, std::span<const NamedStep> accesses,
                Comparison& comparison) {
  World world(setting.choices);
  if (level > world.top() || !comparison.Enter(world.state())) return;
  for (const std::uint64_t high :
       HighBits(patterns, setting.choices.maxphyaddr)) {
    for (std::uint64_t low = 0; low < kLowBits; low += stride) {
      world.Set(level, high | low);
      AskAll(world, accesses, comparison);
      if (comparison.over()) return;
    }
  }
}

std::string& ClassesFolder() {
  static std::string& folder = *new std::string;
  return folder;
}

std::string ClassesFile(int level) {
  return ClassesFolder() + "/classes-" + std::to_string(level);
}

// A line for each class; the last one says how many there are.
bool ReadClasses(int level, std::vector<EntryClass>& classes) {
  std::ifstream file(ClassesFile(level));
  std::uint64_t shape = 0;
  int ends_walk = 0;
  while (file >> shape >> ends_walk) {
    if (ends_walk > 1) return shape == classes.size();
    classes.push_back({shape, ends_walk != 0});
  }
  return false;
}

void WriteClasses(int level, const std::vector<EntryClass>& classes) {
  const std::string fresh = ClassesFile(level) + ".new";
  {
    std::ofstream file(fresh);
    for (const EntryClass& one : classes) {
      file << one.shape << ' ' << one.ends_walk << '\n';
    }
    file << classes.size() << " 2\n";
    if (!file.flush()) return;
  }
  std::rename(fresh.c_str(), ClassesFile(level).c_str());
}

// Found out once in a process, or once for all.
const std::vector<EntryClass>& ClassesAt(int level) {
  static auto& classes = *new std::map<int, std::vector<EntryClass>>;
  const auto [found, fresh] = classes.try_emplace(level);
  if (!fresh) return found->second;
  const bool kept = !ClassesFolder().empty();
  if (kept && ReadClasses(level, found->second)) return found->second;
  found->second = ClassesOfEntries(level, ChosenSettings(), Patterns::kAll, 1);
  if (kept) WriteClasses(level, found->second);
  return found->second;
}

struct Part {
  std::string name;
  std::function<void(Comparison&)> run;
};

void RunSettings(int level, std::uint64_t chunk, Comparison& comparison) {
  const std::vector<EntryClass> classes = ShapesForSettings(ClassesAt(level));
  for (std::uint64_t n = chunk; n < kEverySetting; n += kChunks) {
    CompareShapes(level, EverySetting(n), classes, comparison);
  }
}

void RunPairs(int upper, int lower, Comparison& comparison) {
  for (const Setting& setting : ChosenSettings()) {
    ComparePairs(upper, ClassesAt(upper), lower, ClassesAt(lower), setting, 1,
                 comparison);
  }
}

std::vector<Part> Parts() {
  std::vector<Part> parts;
  for (int level = kLevels; level >= 1; --level) {
    for (const Setting& setting : ChosenSettings()) {
      if (level == 5 && !setting.choices.five_levels) continue;
      parts.push_back({"entries-" + std::to_string(level) + "-" + setting.name,
                       [=](Comparison& comparison) {
                         CompareEntries(level, setting, Patterns::kAll, 1,
                                        comparison);
                       }});
    }
  }
  for (int level = kLevels; level >= 1; --level) {
    for (const Setting& setting : ChosenSettings()) {
      const bool exists = level < 5 || setting.choices.five_levels;
      if (!exists || RareAccessesOf(setting.choices).empty()) continue;
      parts.push_back({"accesses-" + std::to_string(level) + "-" + setting.name,
                       [=](Comparison& comparison) {
                         CompareRareAccesses(level, setting, 1, comparison);
                       }});
    }
  }
  for (int upper = kLevels; upper >= 2; --upper) {
    for (int lower = upper - 1; lower >= 1; --lower) {
      parts.push_back(
          {"pairs-" + std::to_string(upper) + "-" + std::to_string(lower),
           [=](Comparison& comparison) {
             RunPairs(upper, lower, comparison);
           }});
    }
  }
  for (int level = kLevels; level >= 1; --level) {
    for (std::uint64_t chunk = 0; chunk < kChunks; ++chunk) {
      parts.push_back(
          {"settings-" + std::to_string(level) + "-" + std::to_string(chunk),
           [=](Comparison& comparison) {
             RunSettings(level, chunk, comparison);
           }});
    }
  }
  for (int space = 0; space < kEntrySpaces; ++space) {
    parts.push_back({"entry-" + std::string(EntrySpace(space).name),
                     [=](Comparison& comparison) {
                       CompareVmEntry(EntrySpace(space), 1, comparison);
                     }});
  }
  return parts;
}

}  // namespace

void CompareVmEntry(const EntryStates& states, std::uint64_t stride,
                    Comparison& comparison) {
  if (!comparison.compares_entry()) return;
  MachineState state;
  for (std::uint64_t n = 0; n < states.count; n += stride) {
    states.set(n, state);
    comparison.Enter(state);
    if (comparison.over()) return;
  }
}

void CompareEntries(int level, const Setting& setting, Patterns patterns,
                    std::uint64_t stride, Comparison& comparison) {
  CompareAll(level, setting, patterns, stride, AccessesOf(setting.choices),
             comparison);
}

void CompareRareAccesses(int level, const Setting& setting,
                         std::uint64_t stride, Comparison& comparison) {
  CompareAll(level, setting, Patterns::kFew, stride,
             RareAccessesOf(setting.choices), comparison);
}

void CompareShapes(int level, const Setting& setting,
                   std::span<const EntryClass> classes,
                   Comparison& comparison) {
  World world(setting.choices);
  if (level > world.top() || !comparison.Enter(world.state())) return;
  const std::vector<NamedStep> accesses = AccessesOf(setting.choices);
  for (const EntryClass& one : classes) {
    world.Set(level, one.shape);
    AskAll(world, accesses, comparison);
    if (comparison.over()) return;
  }
}

void ComparePairs(int upper, std::span<const EntryClass> upper_classes,
                  int lower, std::span<const EntryClass> lower_classes,
                  const Setting& setting, std::uint64_t stride,
                  Comparison& comparison) {
  World world(setting.choices);
  if (upper > world.top() || !comparison.Enter(world.state())) return;
  const std::vector<NamedStep> accesses = AccessesOf(setting.choices);
  // Present, absent, misconfigured.
  const EntryClass few[] = {{7, true}, {0, true}, {2, true}};
  std::uint64_t number = 0;
  for (const EntryClass& above : upper_classes) {
    world.Set(upper, above.shape);
    for (const EntryClass& below :
         above.ends_walk ? std::span<const EntryClass>(few) : lower_classes) {
      if (number++ % stride != 0) continue;
      world.Set(lower, below.shape);
      AskAll(world, accesses, comparison);
      if (comparison.over()) return;
    }
  }
}

std::vector<EntryClass> ShapesForSettings(std::span<const EntryClass> classes) {
  std::vector<EntryClass> shapes;
  for (const EntryClass& one : classes) {
    // Bits 6:3: "ignore PAT" and the memory type, reserved in table entries.
    constexpr std::uint64_t kWriteBack = 6, kReserved = 2;
    const std::uint64_t type = one.shape >> 3 & 0xf;
    if (type == 0 || type == kWriteBack || type == kReserved) {
      shapes.push_back(one);
    }
  }
  return shapes;
}

std::vector<std::string> PartNames() {
  std::vector<std::string> names;
  for (const Part& part : Parts()) names.push_back(part.name);
  return names;
}

void KeepClassesIn(const std::string& folder) { ClassesFolder() = folder; }

void MakeClasses(int level) { ClassesAt(level); }

bool RunPart(const std::string& name, Comparison& comparison) {
  const std::vector<Part> parts = Parts();
  const auto found =
      std::find_if(parts.begin(), parts.end(),
                   [&](const Part& p) { return p.name == name; });
  if (found == parts.end()) return false;
  found->run(comparison);
  return true;
}

}  // namespace eptdiff
