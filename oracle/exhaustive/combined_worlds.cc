#include "oracle/exhaustive/combined_worlds.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <set>
#include <utility>
#include <vector>

#include "oracle/exhaustive/combined_walks.h"
#include "oracle/exhaustive/combined_world.h"
#include "oracle/judgement/permitted.h"
#include "oracle/machine_state.h"
#include "oracle/reference/caches/caching_reference.h"

namespace eptdiff {
namespace {

using enum InvalidationKind;

constexpr std::uint32_t kFieldVpid = 0, kFieldEptp = 0x201a,
                        kFieldHlatp = 0x2040, kFieldHlatPrefix = 6,
                        kFieldCr0 = 0x6800;
constexpr std::uint64_t kBit63 = std::uint64_t{1} << 63;
constexpr std::uint64_t kPaging = 0x80000000;  // CR0.PG

std::string WordsOf(const std::set<CombinedAnswer>& answers) {
  std::string words;
  char text[96];
  for (const CombinedAnswer& answer : answers) {
    std::snprintf(text, sizeof(text), " %d(%llx,%llx,%d,%llx,%d)",
                  static_cast<int>(answer.kind),
                  static_cast<unsigned long long>(answer.address),
                  static_cast<unsigned long long>(answer.rights),
                  static_cast<int>(answer.translated),
                  static_cast<unsigned long long>(answer.error),
                  static_cast<int>(answer.writes.size()));
    words += text;
  }
  return words;
}

CombinedAnswer AnswerOf(const Outcome& outcome) {
  CombinedAnswer answer;
  const Event& event = outcome.event;
  if (event.kind == EventKind::kCompleted) {
    answer.address = event.translations[0].address.value & ~0xfffull;
  } else if (event.kind == EventKind::kPageFault) {
    answer.kind = CombinedAnswer::Kind::kPageFault;
    answer.error = event.error_code;
  } else if (event.exit_reason == 48) {
    answer.kind = CombinedAnswer::Kind::kViolation;
    answer.address = event.gpa.value & ~0xfffull;
    answer.rights = event.qualification >> 3 & 7;
    answer.translated = (event.qualification >> 8 & 1) != 0;
  } else {
    answer.kind = CombinedAnswer::Kind::kMisconfiguration;
    answer.address = event.gpa.value & ~0xfffull;
  }
  for (const MemoryWord& word : outcome.writes) {
    answer.writes[word.address.value] = word.value;
  }
  return answer;
}

// Each optional bit written or not.
void AddAnswers(const Alternative& alternative, const MachineState& before,
                std::set<CombinedAnswer>& answers) {
  std::set<CombinedAnswer> all = {AnswerOf(PlainOutcome(alternative, before))};
  for (const BitWrite& write : alternative.optional) {
    const std::uint64_t now = before.memory.Load(write.word);
    const std::set<CombinedAnswer> without = all;
    for (CombinedAnswer other : without) {
      other.writes.try_emplace(write.word.value, now).first->second |=
          write.value;
      all.insert(other);
    }
  }
  answers.merge(all);
}

// What each logical processor holds.
using Holdings = std::array<CombinedWalks, 2>;

class Explorer {
 public:
  Explorer(const CombinedWorld& world, int steps, const Dialect& dialect,
           const std::function<void(const std::string&)>& tell)
      : world_(world),
        beginning_(BeginningOf(world)),
        all_steps_(StepsOf(world.roots)),
        steps_(steps),
        reference_(dialect),
        tell_(tell) {}

  SmallWorldTally Run() {
    const auto& [c, tags, gpas, glas] = beginning_;
    Holdings held = {CombinedWalks(gpas, {glas[0], glas[1]}, tags),
                     CombinedWalks(gpas, {glas[0]}, tags)};
    for (const MemoryWord& word : c.memory) {
      for (CombinedWalks& walks : held) {
        walks.Store(word.address.value, word.value);
      }
    }
    MachineState state;
    state.records_history = true;
    state.Load(c);
    for (CombinedWalks& walks : held) walks.Close();
    Explore(state, held, 0, {});
    return tally_;
  }

 private:
  std::uint64_t VpidOf(std::uint64_t vpid) const {
    return world_.vpids ? vpid : 0;
  }

  void Explore(const MachineState& state, const Holdings& held,
               std::uint64_t has, const std::string& before) {
    ++depth_;
    for (const CombinedStep& step : all_steps_) {
      if (depth_ == steps_ && step.what != CombinedDeed::kAccess) continue;
      const std::string words = before + "; " + step.words;
      if (step.what == CombinedDeed::kAccess) {
        Access(step, state, held, has, words);
      } else {
        Change(step, state, held, has, words);
      }
    }
    --depth_;
  }

  void Change(const CombinedStep& step, const MachineState& state,
              const Holdings& held, std::uint64_t has,
              const std::string& words) {
    MachineState after = state;
    Holdings after_held = held;
    Step asked;
    asked.processor = step.processor;
    Outcome outcome;
    CombinedWalks& mine = after_held[step.processor];
    CombinedTags tags = mine.tags();
    switch (step.what) {
      case CombinedDeed::kStore: {
        has ^= std::uint64_t{1} << step.operand;
        const CombinedWord& word = world_.words[step.operand];
        const std::uint64_t value = word.values[has >> step.operand & 1];
        asked.kind = StepKind::kStore;
        asked.hpa = Hpa{word.address};
        asked.value = value;
        for (CombinedWalks& walks : after_held) {
          walks.Store(word.address, value);
        }
        if (state.memory.Load(asked.hpa) != value) {
          outcome.writes.push_back({asked.hpa, value});
        }
        break;
      }
      case CombinedDeed::kInvalidate:
        asked.kind = StepKind::kInvalidation;
        asked.invalidation = step.asked;
        Invalidate(step.asked, mine);
        break;
      case CombinedDeed::kMovCr3:
        asked.kind = StepKind::kRegisterWrite;
        asked.reg = GuestRegister::kCr3;
        asked.value = step.value;
        tags.cr3 = step.value & ~kBit63;
        if ((step.value & kBit63) == 0) mine.InvpcidSingle(tags.pcid());
        mine.SetTags(tags);
        break;
      case CombinedDeed::kEnterVpid:
        asked.kind = StepKind::kVmEntry;
        asked.index = kFieldVpid;
        asked.value = step.value;
        tags.vpid = VpidOf(step.value);
        if (!world_.vpids) mine.Transition();
        mine.SetTags(tags);
        break;
      case CombinedDeed::kEnterHlatp:
        asked.kind = StepKind::kVmEntry;
        asked.index = kFieldHlatp;
        asked.value =
            state.controls.hlatp ^ kCombinedHlatps[0] ^ kCombinedHlatps[1];
        if (tags.hlatp != 0) tags.hlatp = asked.value;
        mine.SetTags(tags);
        break;
      case CombinedDeed::kEnterPrefix:
        asked.kind = StepKind::kVmEntry;
        asked.index = kFieldHlatPrefix;
        asked.value = state.controls.hlat_prefix_size ^ 1;
        tags.hlatp = asked.value == 0 ? state.controls.hlatp : 0;
        mine.SetTags(tags);
        break;
      case CombinedDeed::kEnterCr0:
      case CombinedDeed::kMovCr0:
        asked.kind = step.what == CombinedDeed::kMovCr0
                         ? StepKind::kRegisterWrite
                         : StepKind::kVmEntry;
        asked.reg = GuestRegister::kCr0;
        if (step.what == CombinedDeed::kEnterCr0) asked.index = kFieldCr0;
        asked.value = state.guest.cr0 ^ kPaging;
        tags.levels = tags.levels ^ 2;
        if (step.what == CombinedDeed::kMovCr0 && tags.levels == 0)
          mine.MovCr0();
        mine.SetTags(tags);
        break;
      default:
        asked.kind = StepKind::kVmEntry;
        asked.index = kFieldEptp;
        asked.value = tags.root ^ kCombinedRoots[0] ^ kCombinedRoots[1] ^
                      kCombinedEptpLow;
        tags.root = asked.value & ~0xfffull;
        if (!world_.vpids) mine.Transition();
        mine.SetTags(tags);
        break;
    }
    after.Begin(asked);
    outcome.registers = RegistersOf(after);
    after.Apply(&asked, outcome);
    for (CombinedWalks& walks : after_held) walks.Close();
    Explore(after, after_held, has, words);
  }

  void Invalidate(const Invalidation& asked, CombinedWalks& mine) const {
    const bool by_software = asked.kind == kInvept || asked.kind == kInvvpid;
    if (by_software && !world_.vpids) mine.Transition();
    switch (asked.kind) {
      case kInvept:
        if (asked.type == 2) return mine.InveptAll();
        return mine.InveptSingle(asked.first & ~0xfffull);
      case kInvvpid:
        if (asked.type == 0) {
          return mine.InvvpidAddress(asked.first, asked.second);
        }
        if (asked.type == 1) return mine.InvvpidSingle(asked.first);
        if (asked.type == 2) return mine.InvvpidAll();
        return mine.InvvpidRetaining(asked.first);
      case kInvlpg:
        return mine.Invlpg(asked.second);
      case kInvpcid:
        if (asked.type == 0) {
          return mine.InvpcidAddress(asked.first, asked.second);
        }
        if (asked.type == 1) return mine.InvpcidSingle(asked.first);
        if (asked.type == 2) return mine.InvpcidAll();
        return mine.InvpcidRetaining();
    }
  }

  void Access(const CombinedStep& step, const MachineState& state,
              const Holdings& held, std::uint64_t has,
              const std::string& words) {
    Step asked;
    asked.kind = StepKind::kLinearAccess;
    asked.processor = step.processor;
    asked.gla = Gla{beginning_.glas[step.operand]};
    asked.access.kind = step.write ? AccessKind::kWrite : AccessKind::kRead;
    MachineState before = state;
    before.Begin(asked);
    reference_.Judge(before, &asked, verdict_, trace_);
    std::set<CombinedAnswer> permitted;
    std::vector<Outcome> taken;
    for (const Alternative& alternative : verdict_.alternatives) {
      AddAnswers(alternative, before, permitted);
    }
    // What memory says, and what was kept longest.
    if (depth_ < steps_ && !verdict_.alternatives.empty()) {
      taken.push_back(PlainOutcome(verdict_.alternatives[0], before));
      if (verdict_.alternatives.size() > 1) {
        taken.push_back(PlainOutcome(verdict_.alternatives.back(), before));
      }
    }
    const std::set<CombinedAnswer> expected =
        held[step.processor].Access(asked.gla.value, step.write);
    ++tally_.sequences;
    tally_.answers += expected.size();
    tally_.kept += expected.size() - 1;
    if (permitted != expected && ++tally_.differing <= 3) {
      tell_(words + ":" + WordsOf(permitted) + " by the reference," +
            WordsOf(expected) + " by the mappings");
    }
    for (const Outcome& outcome : taken) {
      GoOn(asked, outcome, before, held, has, words);
    }
  }

  void GoOn(const Step& asked, const Outcome& outcome,
            const MachineState& before, const Holdings& held, std::uint64_t has,
            const std::string& words) {
    MachineState after = before;
    Holdings after_held = held;
    after.Apply(&asked, outcome);
    for (const MemoryWord& word : outcome.writes) {
      for (CombinedWalks& walks : after_held) {
        walks.Store(word.address.value, word.value);
      }
    }
    CombinedWalks& mine = after_held[asked.processor];
    const CombinedAnswer answer = AnswerOf(outcome);
    if (answer.kind == CombinedAnswer::Kind::kViolation) {
      mine.Violation(answer.address, answer.translated, asked.gla.value);
    }
    if (answer.kind == CombinedAnswer::Kind::kPageFault) {
      mine.PageFault(asked.gla.value);
    }
    if (outcome.event.kind == EventKind::kVmExit && !world_.vpids) {
      mine.Transition();
    }
    for (CombinedWalks& walks : after_held) walks.Close();
    Explore(after, after_held, has, words);
  }

  const CombinedWorld& world_;
  const CombinedBeginning beginning_;
  const std::vector<CombinedStep> all_steps_;
  const int steps_;
  const CachingReference reference_;
  const std::function<void(const std::string&)>& tell_;
  int depth_ = 0;
  Verdict verdict_;
  Trace trace_;
  SmallWorldTally tally_;
};

}  // namespace

int CombinedWorldCount() { return kCombinedWorlds; }

SmallWorldTally CompareCombinedWorld(
    int world, int steps, const Dialect& dialect,
    const std::function<void(const std::string&)>& tell) {
  const CombinedWorld small = CombinedWorldNumber(world);
  return Explorer(small, steps, dialect, tell).Run();
}

}  // namespace eptdiff
