// Runs parts of the exhaustive check (parts.h); ci/exhaustive runs all of them.
//
// Usage: exhaustive --list [engine|bochs|caches]
//        exhaustive engine|bochs|bochs,engine|caches PART...
//        exhaustive --classes LEVEL
// Prints for each part a line "PART SITUATIONS SKIPPED DIGEST", or one for each
// oracle; on standard error, what differs. Which entries are told apart, which
// --classes finds out, is kept in the folder EPTDIFF_EXHAUSTIVE_CLASSES if
// there is one (parts.h). The parts of caches are the small worlds
// (small_worlds.h, combined_worlds.h), in which the reference's two statements
// of what may be kept are compared: sequences of five steps, or of four for
// linear addresses, none skipped, and what was kept. Exit: 0 nothing differs,
// 1 something does, 2 bad usage, 3 there is no such oracle in this build.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/bochs/bochs_oracle.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/exhaustive/combined_worlds.h"
#include "oracle/exhaustive/parts.h"
#include "oracle/exhaustive/small_worlds.h"
#include "oracle/judgement/judge.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

int Usage() {
  std::fprintf(stderr,
               "Usage: exhaustive --list [engine|bochs|caches]\n"
               "       exhaustive engine|bochs|bochs,engine|caches PART...\n"
               "       exhaustive --classes LEVEL\n");
  return 2;
}

constexpr struct {
  std::string_view prefix;
  int steps;
  int (*count)();
  SmallWorldTally (*compare)(int, int, const Dialect&,
                             const std::function<void(const std::string&)>&);
} kWorlds[] = {{"worlds-", 5, SmallWorldCount, CompareSmallWorld},
               {"combined-", 4, CombinedWorldCount, CompareCombinedWorld}};

void ListWorlds() {
  for (const auto& worlds : kWorlds) {
    for (int world = 0; world < worlds.count(); ++world) {
      std::printf("%s%d\n", std::string(worlds.prefix).c_str(), world);
    }
  }
}

// Of the parts with these names.
int RunWorlds(std::span<char* const> parts) {
  bool differs = false;
  for (const char* part : parts) {
    const auto* worlds = std::find_if(
        std::begin(kWorlds), std::end(kWorlds), [&](const auto& of) {
          return std::string_view(part).starts_with(of.prefix);
        });
    char* end = nullptr;
    const long world = worlds != std::end(kWorlds)
                           ? std::strtol(part + worlds->prefix.size(), &end, 10)
                           : -1;
    if (end == nullptr || *end != 0 || world < 0 || world >= worlds->count()) {
      std::fprintf(stderr, "exhaustive: there is no part %s\n", part);
      return 2;
    }
    const SmallWorldTally tally =
        worlds->compare(static_cast<int>(world), worlds->steps, Dialect(),
                        [&](const std::string& words) {
                          std::fprintf(stderr, "%s: %s\n", part, words.c_str());
                        });
    std::printf("%s %llu 0 %016llx\n", part,
                static_cast<unsigned long long>(tally.sequences),
                static_cast<unsigned long long>(tally.kept));
    std::fflush(stdout);
    differs |= tally.differing > 0;
  }
  return differs ? 1 : 0;
}

void Print(const std::string& part, const Oracle& oracle,
           const MachineState& state, const Step* step,
           const Finding& finding) {
  const Disagreement& first = finding.disagreements[0];
  std::fprintf(stderr,
               "%s: %s: step kind %d, access %d: expected %#llx, given "
               "%#llx; the words of memory:\n",
               part.c_str(), SignatureOf(oracle.name(), finding).c_str(),
               step == nullptr ? -1 : static_cast<int>(step->kind),
               step == nullptr ? -1 : static_cast<int>(step->access.kind),
               static_cast<unsigned long long>(first.expected),
               static_cast<unsigned long long>(first.given));
  for (const Hpa address : state.memory.addresses()) {
    std::fprintf(stderr, "  %#llx = %#llx\n",
                 static_cast<unsigned long long>(address.value),
                 static_cast<unsigned long long>(state.memory.Load(address)));
  }
}

// An oracle, and what it is judged by.
struct Asked {
  std::unique_ptr<Oracle> oracle;
  Dialect dialect;
};

// Null if this build has none.
Asked AskedNamed(std::string_view name) {
  if (name == "engine") return {std::make_unique<EngineOracle>(), Dialect()};
  return {MakeBochsOracle(), *FindDialect(BochsDialectName())};
}

// Of these oracles, of which the last is judged by the SDM itself if there are
// several. Whether something differs.
bool RunFor(std::span<const Asked> asked, const std::string& part) {
  std::vector<std::unique_ptr<Comparison>> comparisons;
  for (const Asked& one : asked) {
    comparisons.push_back(std::make_unique<Comparison>(
        *one.oracle, one.dialect,
        [&](const MachineState& state, const Step* step,
            const Finding& finding) {
          Print(part, *one.oracle, state, step, finding);
        }));
  }
  const bool together = comparisons.size() > 1 && !part.starts_with("entry-");
  if (together) comparisons[0]->set_also(comparisons[1].get());
  for (const auto& comparison : comparisons) {
    if (together && comparison != comparisons[0]) break;
    if (RunPart(part, *comparison)) continue;
    std::fprintf(stderr, "exhaustive: there is no part %s\n", part.c_str());
    std::exit(2);
  }
  bool differs = false;
  for (const auto& comparison : comparisons) {
    const Tally& tally = comparison->tally();
    std::printf("%s %llu %llu %016llx\n", part.c_str(),
                static_cast<unsigned long long>(tally.situations),
                static_cast<unsigned long long>(tally.skipped),
                static_cast<unsigned long long>(tally.digest.value()));
    differs |= tally.differing > 0;
  }
  std::fflush(stdout);
  return differs;
}

int Main(int argc, char** argv) {
  const bool lists = argc >= 2 && std::strcmp(argv[1], "--list") == 0;
  if (lists && argc == 3 && std::strcmp(argv[2], "caches") == 0) {
    ListWorlds();
    return 0;
  }
  if (lists) {
    for (const std::string& name : PartNames()) std::puts(name.c_str());
    return 0;
  }
  if (argc < 3) return Usage();
  const std::string_view first = argv[1];
  const auto parts = std::span(argv + 2, static_cast<std::size_t>(argc) - 2);
  if (first == "caches") return RunWorlds(parts);
  if (const char* folder = std::getenv("EPTDIFF_EXHAUSTIVE_CLASSES")) {
    KeepClassesIn(folder);
  }
  if (first == "--classes") {
    const int level = std::atoi(argv[2]);
    if (argc != 3 || level < 1 || level > 5) return Usage();
    MakeClasses(level);
    return 0;
  }
  std::vector<Asked> asked;
  for (const std::string_view name : {"bochs", "engine"}) {
    if (first != name && first != "bochs,engine") continue;
    asked.push_back(AskedNamed(name));
    if (asked.back().oracle != nullptr) continue;
    std::fprintf(stderr, "exhaustive: built without %s\n", name.data());
    return 3;
  }
  if (asked.empty()) return Usage();
  bool differs = false;
  for (const char* part : parts) differs |= RunFor(asked, part);
  return differs ? 1 : 0;
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) { return eptdiff::Main(argc, argv); }
