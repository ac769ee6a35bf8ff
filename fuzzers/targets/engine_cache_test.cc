// The engine's translation cache against the SDM: generated cases in which
// entries change between accesses that use them, and sometimes something is
// invalidated. What it answers is permitted, always; often it is what memory
// has no longer; and a cache with a mistake is found out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/cache/cache_flaw.h"
#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/entry_mutation.h"
#include "fuzzers/entries/guest_entry_mutation.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/generator.h"
#include "fuzzers/generation/machine_generation.h"
#include "oracle/case.h"
#include "oracle/engine/engine_cache_oracle.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/trial.h"
#include "oracle/machine_state.h"
#include "oracle/reference/reference.h"
#include "oracle/unmodelled.h"

namespace eptdiff {
namespace {

using engine::CacheFlaw;

constexpr std::uint64_t kInstructions = 0x00000f01'06100000;  // A.10
constexpr std::uint32_t kVpidField = 0x0000, kEptpField = 0x201a,
                        kPatField = 0x2804, kCr3Field = 0x6802,
                        kCr4Field = 0x6804;

// Makes a case out of a generated one: steps that come again, and what may
// happen in between.
class CacheCases {
 public:
  explicit CacheCases(std::uint64_t seed) : random_(seed) {
    do {
      GenerateCase(random_.Next(), c_,
                   random_.Percent(35) ? Focus::kEpt : Focus::kLinear);
      Equip();
    } while (!FindBases());
    AddSteps();
    Canonicalise(c_);
  }
  const Case& Get() const { return c_; }

 private:
  // Accesses that complete, and not for the first time.
  bool FindBases() {
    bases_.clear();
    MachineState state;
    state.Load(c_);
    Outcome outcome;
    EngineOracle oracle;
    if (oracle.Enter(state, outcome) != Skip::kNone ||
        outcome.event.kind != EventKind::kCompleted) {
      return false;
    }
    for (const Step& step : c_.steps) {
      if (!IsAccess(step) || UnmodelledBy(state, step) != Skip::kNone) continue;
      for (int i = 0; i < 2; ++i) {
        if (oracle.Perform(state, step, outcome) != Skip::kNone) break;
        state.Apply(outcome);
      }
      if (outcome.event.kind == EventKind::kCompleted && bases_.size() < 2) {
        bases_.push_back(step);
      }
    }
    return !bases_.empty();
  }

  void Equip() {
    c_.processor.ept_vpid_cap |= kInstructions;
    if (random_.Percent(80)) {
      c_.controls.primary |= 1u << 31;
      c_.controls.secondary |= 1u << 5;
      c_.controls.vpid = 1;
    }
    c_.controls.primary &= ~(1u << 9);
    c_.controls.secondary |= 1u << 12;
    const bool ia32e = (c_.guest.efer >> 10 & 1) != 0;
    if (random_.Percent(60)) c_.guest.cr4 |= 1u << 7;  // PGE
    if (ia32e && random_.Percent(60)) {
      c_.guest.cr4 |= 1u << 17;
      c_.guest.cr3 = (c_.guest.cr3 & ~std::uint64_t{0xfff}) | 1;
    }
    // Most of the guest's pages are global.
    if (random_.Percent(30)) {
      UsedEntries used;
      for (const Step& step : c_.steps) {
        FindUsedEntries(c_, step, used);
        for (const UsedEntry& entry : used.list) {
          if (entry.kind != UsedKind::kGuest || !entry.leaf) continue;
          const std::uint64_t global =
              (entry.address.value & 4) != 0 ? 0x100ull << 32 : 0x100;
          StoreWord(c_, entry.address, LoadWord(c_, entry.address) | global);
        }
      }
    }
  }

  // Each is there in the cache; then some rounds of a change, of what may end
  // something, and of accesses.
  void AddSteps() {
    c_.steps.clear();
    for (const Step& base : bases_) {
      c_.steps.push_back(base);
      c_.steps.push_back(base);
      if (random_.OneIn(3)) AddAccess(base);
    }
    const unsigned rounds = 1 + random_.Below(4);
    for (unsigned i = 0; i < rounds; ++i) {
      const Step& base = bases_[random_.Below(bases_.size())];
      Step step;
      if (random_.Percent(85) && MakeStore(base, step))
        c_.steps.push_back(step);
      if (random_.Percent(30)) AddAccess(base);
      step = Step();
      const unsigned chance = random_.Below(100);
      if (chance < 60) {
        MakeInvalidation(base, step);
        Add(step);
      } else if (chance < 70) {
        MakeEntry(step);
        Add(step);
      } else if (chance < 85) {
        MakeRegisterWrite(step);
        Add(step);
      }
      AddAccess(base);
      if (random_.OneIn(3)) AddAccess(bases_[random_.Below(bases_.size())]);
    }
  }

  void Add(Step step) {
    if (random_.Percent(6)) step.processor = 1;
    c_.steps.push_back(step);
  }
  void AddAccess(Step step) {
    if (random_.Percent(25)) {
      step.access.kind =
          random_.OneIn(2) ? AccessKind::kRead : AccessKind::kWrite;
    }
    if (random_.Percent(15)) step.gla.value ^= 0x1000;
    Add(step);
  }

  // To an entry on the way of `base`.
  bool MakeStore(const Step& base, Step& step) {
    UsedEntries used;
    FindUsedEntries(c_, base, used);
    if (used.list.empty()) return false;
    const std::size_t last = used.list.size() - 1;
    const UsedEntry& entry =
        used.list[random_.Percent(30) ? last : random_.Below(last + 1)];
    const unsigned bytes = entry.kind == UsedKind::kGuest
                               ? ShapeOf(GuestModeOf(c_.guest)).entry_bytes
                               : 8;
    std::uint64_t value = LoadEntry(c_, entry.address, bytes);
    if (random_.Percent(35)) {
      value ^= 0x1000ull << random_.Below(10);  // goes elsewhere
    } else if (random_.Percent(30)) {
      value = 0;
    } else if (!random_.OneIn(4)) {
      value = entry.kind == UsedKind::kGuest
                  ? MutateGuestEntry(random_, c_, value, entry.level)
                  : MutateEntry(random_, value, std::max(entry.level, 1),
                                c_.processor.maxphyaddr);
    }
    step.kind = StepKind::kStore;
    step.hpa = Hpa{entry.address.value & ~std::uint64_t{7}};
    step.value =
        WithEntry(LoadWord(c_, entry.address), entry.address, bytes, value);
    return true;
  }

  void MakeInvalidation(const Step& base, Step& step) {
    step.kind = StepKind::kInvalidation;
    Invalidation& asked = step.invalidation;
    const Gla gla =
        base.kind == StepKind::kLinearAccess ? base.gla : base.page.gla;
    const std::uint64_t near =
        random_.Percent(25) ? 0x1000ull << random_.Below(10) : 0;
    asked.second = gla.value ^ near;
    // The guest's own need CPL 0.
    switch (random_.Below(c_.guest.cpl == 0 ? 4 : 2)) {
      case 0:
        asked.kind = InvalidationKind::kInvept;
        asked.type = static_cast<std::uint8_t>(1 + random_.Below(2));
        asked.first = c_.controls.eptp;
        asked.second = 0;
        if (random_.OneIn(4)) asked.first ^= 0x1000;
        break;
      case 1:
        asked.kind = InvalidationKind::kInvvpid;
        asked.type = static_cast<std::uint8_t>(random_.Below(4));
        asked.first = 1 + random_.Below(2);
        break;
      case 2:
        asked.kind = InvalidationKind::kInvlpg;
        break;
      default:
        asked.kind = InvalidationKind::kInvpcid;
        asked.type = static_cast<std::uint8_t>(random_.Below(4));
        asked.first = (c_.guest.cr4 >> 17 & 1) != 0 ? 1 + random_.Below(2) : 0;
        break;
    }
  }

  void MakeRegisterWrite(Step& step) {
    step.kind = StepKind::kRegisterWrite;
    const bool pcids = (c_.guest.cr4 >> 17 & 1) != 0;
    switch (c_.guest.cpl == 0 ? random_.Below(8) : 5 + random_.Below(3)) {
      case 0:
        step.reg = GuestRegister::kCr0;
        step.value = c_.guest.cr0 ^ (random_.OneIn(2) ? 0x80000000 : 0x10000);
        break;
      case 1:
      case 2:
      case 3:
        step.reg = GuestRegister::kCr3;
        step.value = c_.guest.cr3;
        if (pcids && random_.OneIn(2)) step.value ^= 3;
        if (pcids && random_.OneIn(3)) step.value |= std::uint64_t{1} << 63;
        break;
      case 4:
        step.reg = GuestRegister::kCr4;
        step.value = c_.guest.cr4 ^ (random_.OneIn(2) ? 0x80 : 0x100000);
        break;
      case 5:
        step.reg = GuestRegister::kCpl;
        step.value = 3 * random_.Below(2);
        break;
      case 6:
        step.reg = GuestRegister::kPkru;
        step.value = random_.Bits(32) & random_.Bits(32) & random_.Bits(32);
        break;
      default:
        step.reg = GuestRegister::kRflags;
        step.value = c_.guest.rflags ^ 0x40000;
        break;
    }
  }

  // VM entry with another value in some field.
  void MakeEntry(Step& step) {
    step.kind = StepKind::kVmEntry;
    switch (random_.Below(5)) {
      case 0:
        step.index = kVpidField;
        step.value = 1 + random_.Below(2);
        break;
      case 1:
        step.index = kEptpField;
        step.value = c_.controls.eptp ^ (random_.OneIn(2) ? 0x40 : 0x1000);
        break;
      case 2:
        step.index = kCr3Field;
        step.value = c_.guest.cr3 ^ (random_.OneIn(2) ? 3 : 0x1000);
        break;
      case 3:
        step.index = kCr4Field;
        step.value = c_.guest.cr4 ^ (1u << 20);
        break;
      default:
        step.index = kPatField;
        step.value = random_.OneIn(2) ? c_.guest.pat : 0x0606060606060606;
        break;
    }
  }

  Random random_;
  Case c_;
  std::vector<Step> bases_;
};

// What became of some cases.
struct Tally {
  std::uint64_t steps = 0;
  std::uint64_t kept = 0;  // answered by what memory has no longer
  std::uint64_t not_judged = 0;
  std::uint64_t disagreements = 0;
  std::string first;
};

Tally Judge(std::uint64_t first, std::uint64_t cases, std::size_t pages,
            const CacheFlaw* flaw) {
  EngineCacheOracle oracle(pages);
  if (flaw != nullptr) oracle.PlantForTesting(*flaw);
  Trial trial;
  trial.Add(oracle, Dialect());
  trial.set_memory_first(true);
  const Reference reference;
  Verdict fresh;
  Trace trace;
  Tally tally;
  const Case* c = nullptr;
  trial.set_observer([&](const StepReport& report) {
    if (report.verdict.standing != Standing::kJudged || report.step == 0 ||
        !report.finding.conforms ||
        c->steps[report.step - 1].kind == StepKind::kVmEntry) {
      return;
    }
    reference.Judge(report.before, c->steps[report.step - 1], fresh, trace);
    const bool as_memory =
        fresh.standing == Standing::kJudged &&
        Judge(fresh, report.before, report.outcome, kAllFields).conforms;
    tally.kept += !as_memory;
  });
  for (std::uint64_t seed = first; seed < first + cases; ++seed) {
    const CacheCases made(seed);
    c = &made.Get();
    const Standings& standings = trial.Run(*c)[0];
    tally.steps += standings.compared;
    tally.not_judged += standings.skip != Skip::kNone;
    if (!standings.disagrees) continue;
    if (tally.disagreements++ == 0) {
      tally.first = "seed " + std::to_string(seed) + ", step " +
                    std::to_string(standings.step) + ": " +
                    SignatureOf("engine", standings.finding);
    }
  }
  return tally;
}

TEST(EngineCacheTest, AnswersWhatIsPermitted) {
  for (const std::size_t pages : {1, 16, 256}) {
    const Tally tally = Judge(pages * 1'000'000, 2'500, pages, nullptr);
    EXPECT_EQ(tally.disagreements, 0u) << tally.first;
    EXPECT_GT(tally.steps, 15'000u);
    EXPECT_GT(tally.kept, tally.steps / 20);
    EXPECT_LT(tally.not_judged, 1'250u);
  }
}

class EngineCacheFlawTest : public testing::TestWithParam<int> {};

TEST_P(EngineCacheFlawTest, IsFound) {
  const auto flaw = static_cast<CacheFlaw>(GetParam());
  constexpr std::uint64_t kCases = 500, kMostCases = 20'000;
  for (std::uint64_t seed = 0; seed < kMostCases; seed += kCases) {
    if (Judge(seed, kCases, 256, &flaw).disagreements != 0) return;
  }
  FAIL() << "not in " << kMostCases << " cases";
}

INSTANTIATE_TEST_SUITE_P(All, EngineCacheFlawTest,
                         testing::Range(0, engine::kCacheFlawCount));

}  // namespace
}  // namespace eptdiff
