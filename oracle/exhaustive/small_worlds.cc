#include "oracle/exhaustive/small_worlds.h"

#include <array>
#include <cstddef>
#include <cstdio>
#include <set>

#include "oracle/exhaustive/walk_set.h"
#include "oracle/judgement/permitted.h"
#include "oracle/machine_state.h"
#include "oracle/reference/caches/caching_reference.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kRoots[] = {0x1000, 0xb000};
constexpr std::uint64_t kEptpLow = 0x1e;  // write-back, four levels
constexpr std::uint32_t kFieldEptp = 0x201a;

// An entry, and the values between which stores change it.
struct Word {
  std::uint64_t address = 0;
  std::array<std::uint64_t, 2> values = {};
};

struct World {
  std::array<Word, 5> words;
  bool flags = false;
};

// The PTE of page 1: another page, a right less, not present, misconfigured.
constexpr std::uint64_t kPtes[] = {0xa037, 0x9031, 0, 0x9032};
// The PDE: another table, without the right to write, not present.
constexpr std::uint64_t kPdes[] = {0x5007, 0x5001, 0};
constexpr int kOrders = 4;  // which values memory has to begin with
constexpr int kFlags = 2;
constexpr int kWorlds = 4 * 3 * kOrders * kFlags;

World WorldNumber(int number) {
  World world;
  const std::uint64_t pte = kPtes[number % 4];
  number /= 4;
  const std::uint64_t pde = kPdes[number % 3];
  number /= 3;
  const int order = number % kOrders;
  world.flags = number / kOrders != 0;
  const std::uint64_t set = world.flags ? 0x100 : 0;
  world.words = {{{0x2000, {0x3007 | set, 0x6007}},
                  {0x3000, {0x4007 | set, pde}},
                  {0x4008, {0x9037, pte}},
                  {0x4010, {0xd037 | set, 0}},
                  {0x5008, {0xc037, 0xc031}}}};
  if (order & 1) std::swap(world.words[2].values[0], world.words[2].values[1]);
  if (order & 2) std::swap(world.words[1].values[0], world.words[1].values[1]);
  return world;
}

enum class What : std::uint8_t {
  kStore,  // of word `operand`: the value that it has not
  kRead,   // of page `operand`
  kWrite,
  kInveptSingle,  // of root `operand`
  kInveptAll,
  kEnter,  // with the root that is not current
};
struct SmallStep {
  What what;
  unsigned operand;
};
constexpr SmallStep kSteps[] = {
    {What::kStore, 0},        {What::kStore, 1},     {What::kStore, 2},
    {What::kStore, 3},        {What::kStore, 4},     {What::kRead, 1},
    {What::kWrite, 1},        {What::kRead, 2},      {What::kInveptSingle, 0},
    {What::kInveptSingle, 1}, {What::kInveptAll, 0}, {What::kEnter, 0}};

std::string WordsOf(const SmallStep& step) {
  constexpr const char* kWords[] = {"store",         "read",       "write",
                                    "INVEPT single", "INVEPT all", "enter"};
  return std::string(kWords[static_cast<std::size_t>(step.what)]) + " " +
         std::to_string(step.operand);
}

std::string WordsOf(const std::set<SmallAnswer>& answers) {
  std::string words;
  char text[64];
  for (const SmallAnswer& answer : answers) {
    std::snprintf(text, sizeof(text), " %d(%llx,%llx",
                  static_cast<int>(answer.kind),
                  static_cast<unsigned long long>(answer.address),
                  static_cast<unsigned long long>(answer.rights));
    words += text;
    for (const auto& [address, value] : answer.writes) {
      std::snprintf(text, sizeof(text), ",%llx=%llx",
                    static_cast<unsigned long long>(address),
                    static_cast<unsigned long long>(value));
      words += text;
    }
    words += ")";
  }
  return words;
}

bool IsAccess(const SmallStep& step) {
  return step.what == What::kRead || step.what == What::kWrite;
}

// What an alternative of the reference permits, as the set of walks would say
// it: each optional bit written or not.
void AddAnswers(const Alternative& alternative, const MachineState& before,
                std::set<SmallAnswer>& answers) {
  const Outcome outcome = PlainOutcome(alternative, before);
  SmallAnswer answer;
  if (outcome.event.kind != EventKind::kCompleted) {
    if (outcome.event.exit_reason == 49) {
      answer.kind = SmallAnswer::Kind::kMisconfiguration;
    } else {
      answer.kind = SmallAnswer::Kind::kViolation;
      answer.rights = outcome.event.qualification >> 3 & 7;
    }
    answers.insert(answer);
    return;
  }
  answer.address = outcome.event.translations[0].address.value & ~0xfffull;
  for (const MemoryWord& word : outcome.writes) {
    answer.writes[word.address.value] = word.value;
  }
  std::set<SmallAnswer> all = {answer};
  for (const BitWrite& write : alternative.optional) {
    const std::uint64_t now = before.memory.Load(write.word);
    for (std::uint64_t left = write.value & ~now; left != 0; left &= left - 1) {
      const std::set<SmallAnswer> without = all;
      for (SmallAnswer other : without) {
        other.writes.try_emplace(write.word.value, now).first->second |=
            left & -left;
        all.insert(other);
      }
    }
  }
  answers.merge(all);
}

class Explorer {
 public:
  Explorer(const World& world, int steps, const Dialect& dialect,
           const std::function<void(const std::string&)>& tell)
      : world_(world), steps_(steps), reference_(dialect), tell_(tell) {}

  SmallWorldTally Run() {
    MachineState state;
    state.records_history = true;
    Case c;
    c.processor.ept_vpid_cap = 0x00000f01'06f341c1;
    c.controls.primary = 0x80000000;
    c.controls.secondary = 2;
    c.controls.eptp = kRoots[0] | kEptpLow | (world_.flags ? 0x40 : 0);
    c.guest.cr0 = 0x80000021;
    c.guest.cr4 = 0x2020;
    c.guest.efer = 0xd00;
    c.guest.cs_l = true;
    c.guest.rflags = 2;
    WalkSet walks({0x1000, 0x2000}, kRoots[0], world_.flags);
    const auto store = [&](std::uint64_t address, std::uint64_t value) {
      c.memory.push_back({Hpa{address}, value});
      walks.Store(address, value);
    };
    const std::uint64_t set = world_.flags ? 0x100 : 0;
    store(kRoots[0], 0x2007 | set);
    store(kRoots[1], 0x2007);
    store(0x6000, 0x4007);
    for (const Word& word : world_.words) store(word.address, word.values[0]);
    state.Load(c);
    walks.Close();
    Explore(state, walks, 0, {});
    return tally_;
  }

 private:
  void Explore(const MachineState& state, const WalkSet& walks,
               std::uint64_t has, const std::string& before) {
    ++depth_;
    for (const SmallStep& step : kSteps) {
      if (depth_ == steps_ && !IsAccess(step)) continue;
      const std::string words = before + "; " + WordsOf(step);
      if (IsAccess(step)) {
        Access(step, state, walks, has, words);
      } else {
        Change(step, state, walks, has, words);
      }
    }
    --depth_;
  }

  void Change(const SmallStep& step, const MachineState& state,
              const WalkSet& walks, std::uint64_t has,
              const std::string& words) {
    MachineState after = state;
    WalkSet after_walks = walks;
    Step asked;
    Outcome outcome;
    const unsigned operand = step.operand;
    switch (step.what) {
      case What::kStore: {
        has ^= std::uint64_t{1} << operand;
        const Word& word = world_.words[operand];
        const std::uint64_t value = word.values[has >> operand & 1];
        asked = {
            .kind = StepKind::kStore, .hpa = Hpa{word.address}, .value = value};
        after_walks.Store(word.address, value);
        if (state.memory.Load(asked.hpa) != value) {
          outcome.writes.push_back({asked.hpa, value});
        }
        break;
      }
      case What::kInveptSingle:
        asked.kind = StepKind::kInvalidation;
        asked.invalidation = {InvalidationKind::kInvept, 1,
                              kRoots[operand] | kEptpLow, 0};
        after_walks.InveptSingle(kRoots[operand]);
        break;
      case What::kInveptAll:
        asked.kind = StepKind::kInvalidation;
        asked.invalidation = {InvalidationKind::kInvept, 2, 0, 0};
        after_walks.InveptAll();
        break;
      default: {
        const std::uint64_t eptp = state.controls.eptp ^ kRoots[0] ^ kRoots[1];
        asked.kind = StepKind::kVmEntry;
        asked.index = kFieldEptp;
        asked.value = eptp;
        after_walks.SetRoot(eptp & ~0xfffull);
        break;
      }
    }
    after.Begin(asked);
    outcome.registers = RegistersOf(after);
    after.Apply(&asked, outcome);
    after_walks.Close();
    Explore(after, after_walks, has, words);
  }

  void Access(const SmallStep& step, const MachineState& state,
              const WalkSet& walks, std::uint64_t has,
              const std::string& words) {
    const std::uint64_t page = std::uint64_t{step.operand} << 12;
    const bool write = step.what == What::kWrite;
    Step asked;
    asked.gpa = Gpa{page};
    asked.access.kind = write ? AccessKind::kWrite : AccessKind::kRead;
    asked.page.writable = true;
    MachineState before = state;
    before.Begin(asked);
    Verdict verdict;
    Trace trace;
    trace.keeps_hits = false;
    reference_.Judge(before, &asked, verdict, trace);
    std::set<SmallAnswer> permitted;
    for (const Alternative& alternative : verdict.alternatives) {
      AddAnswers(alternative, before, permitted);
    }
    const std::set<SmallAnswer> expected = walks.Access(page, write);
    ++tally_.sequences;
    tally_.answers += expected.size();
    tally_.kept += expected.size() - 1;
    if (permitted != expected && ++tally_.differing <= 3) {
      tell_(words + ":" + WordsOf(permitted) + " by the reference," +
            WordsOf(expected) + " by the walks");
    }
    if (depth_ == steps_ || verdict.alternatives.empty()) return;
    // What memory says, and what was kept longest.
    GoOn(asked, verdict.alternatives[0], before, walks, has, words);
    if (verdict.alternatives.size() > 1) {
      GoOn(asked, verdict.alternatives.back(), before, walks, has, words);
    }
  }

  void GoOn(const Step& asked, const Alternative& taken,
            const MachineState& before, const WalkSet& walks, std::uint64_t has,
            const std::string& words) {
    const Outcome outcome = PlainOutcome(taken, before);
    MachineState after = before;
    WalkSet after_walks = walks;
    after.Apply(&asked, outcome);
    for (const MemoryWord& word : outcome.writes) {
      after_walks.Store(word.address.value, word.value);
    }
    if (outcome.event.exit_reason == 48) after_walks.Violation(asked.gpa.value);
    after_walks.Close();
    Explore(after, after_walks, has, words);
  }

  const World& world_;
  const int steps_;
  const CachingReference reference_;
  const std::function<void(const std::string&)>& tell_;
  int depth_ = 0;
  SmallWorldTally tally_;
};

}  // namespace

int SmallWorldCount() { return kWorlds; }

SmallWorldTally CompareSmallWorld(
    int world, int steps, const Dialect& dialect,
    const std::function<void(const std::string&)>& tell) {
  const World small = WorldNumber(world);
  return Explorer(small, steps, dialect, tell).Run();
}

}  // namespace eptdiff
