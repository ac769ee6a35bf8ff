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
#include "oracle/judgement/permitted.h"
#include "oracle/machine_state.h"
#include "oracle/reference/caches/caching_reference.h"

namespace eptdiff {
namespace {

// EPT's root, another one, and one page table for all guest-physical pages.
constexpr std::uint64_t kRoots[] = {0x1000, 0xb000};
constexpr std::uint64_t kEptpLow = 0x1e;
constexpr std::uint64_t kEptPt = 0x4000;
// Of the guest: one page has the tables of all levels, another one a page table
// more; three pages. EPT adds 20000H to their addresses.
constexpr std::uint64_t kTables = 0x10000, kOtherPt = 0x11000;
constexpr std::uint64_t kPage = 0x12000, kOtherPage = 0x13000,
                        kThirdPage = 0x14000;
constexpr std::uint64_t kToHost = 0x20000;
constexpr std::uint64_t EptPteOf(std::uint64_t gpa) {
  return kEptPt + 8 * (gpa >> 12);
}

// Indexes 1, 2 and 3 of the upper tables, and 4 and 5 of the page table.
constexpr std::uint64_t kGlas[] = {
    std::uint64_t{1} << 39 | std::uint64_t{2} << 30 | 3 << 21 | 4 << 12,
    std::uint64_t{1} << 39 | std::uint64_t{2} << 30 | 3 << 21 | 5 << 12};
constexpr std::uint64_t TableEntry(int index) {
  return kTables + kToHost + 8 * static_cast<std::uint64_t>(index);
}

constexpr std::uint32_t kFieldVpid = 0, kFieldEptp = 0x201a;
constexpr std::uint64_t kBit63 = std::uint64_t{1} << 63;

// An entry, and the values between which stores change it.
struct Word {
  std::uint64_t address = 0;
  std::array<std::uint64_t, 2> values = {};
};
struct World {
  std::array<Word, 4> words;
  bool vpids = true;
};

// The guest's PTE: another page; no right to write; not present; no accessed
// flag. EPT's PTE of the page: another one; no right to write; not present.
constexpr std::uint64_t kPtes[] = {kOtherPage | 0x67, kPage | 0x65, 0,
                                   kOtherPage | 0x47};
constexpr std::uint64_t kEptPtes[] = {0x39037, 0x32031, 0};
constexpr std::uint64_t kGlobal = 0x100;
constexpr int kWorlds = 4 * 3 * 2 * 2;

World WorldNumber(int number) {
  const std::uint64_t pte = kPtes[number % 4];
  number /= 4;
  const std::uint64_t ept_pte = kEptPtes[number % 3];
  number /= 3;
  const std::uint64_t global = number % 2 != 0 ? kGlobal : 0;
  const bool vpids = number / 2 == 0;
  return {
      {{{TableEntry(4), {kPage | 0x67 | global, pte == 0 ? 0 : pte | global}},
        {TableEntry(3), {kTables | 0x67, kOtherPt | 0x67}},
        {EptPteOf(kPage), {kPage + kToHost + 0x37, ept_pte}},
        {EptPteOf(kTables), {kTables + kToHost + 0x37, 0x38037}}}},
      vpids};
}

enum class What : std::uint8_t {
  kStore,  // of word `operand`: the value that it has not
  kAccess,
  kInvalidate,
  kMovCr3,
  kEnterVpid,
  kEnterEptp,
};
struct CombinedStep {
  const char* words;
  What what;
  unsigned operand = 0;  // a word; a linear address
  bool write = false;    // an access
  std::uint8_t processor = 0;
  Invalidation asked = {};
  std::uint64_t value = 0;  // of a register or field
};

constexpr CombinedStep Invalidates(const char* words, InvalidationKind kind,
                                   std::uint8_t type, std::uint64_t first = 0,
                                   std::uint64_t second = 0,
                                   std::uint8_t processor = 0) {
  return {words, What::kInvalidate, 0,
          false, processor,         {kind, type, first, second}};
}
constexpr CombinedStep Gives(const char* words, What what,
                             std::uint64_t value) {
  return {words, what, 0, false, 0, {}, value};
}

using enum InvalidationKind;
constexpr CombinedStep kSteps[] = {
    {"read", What::kAccess},
    {"write", What::kAccess, 0, true},
    {"read of the next page", What::kAccess, 1},
    {"read on processor 1", What::kAccess, 0, false, 1},
    {"store to the PTE", What::kStore, 0},
    {"store to the PDE", What::kStore, 1},
    {"store to the page's EPT PTE", What::kStore, 2},
    {"store to the tables' EPT PTE", What::kStore, 3},
    Invalidates("INVEPT single", kInvept, 1, kRoots[0] | kEptpLow),
    Invalidates("INVEPT single, another", kInvept, 1, kRoots[1] | kEptpLow),
    Invalidates("INVEPT all", kInvept, 2),
    Invalidates("INVEPT all on processor 1", kInvept, 2, 0, 0, 1),
    Invalidates("INVVPID address", kInvvpid, 0, 5, kGlas[0]),
    Invalidates("INVVPID address, another", kInvvpid, 0, 5, kGlas[1]),
    Invalidates("INVVPID single", kInvvpid, 1, 5),
    Invalidates("INVVPID single, another", kInvvpid, 1, 6),
    Invalidates("INVVPID all", kInvvpid, 2),
    Invalidates("INVVPID retaining globals", kInvvpid, 3, 5),
    Invalidates("INVLPG", kInvlpg, 0, 0, kGlas[0]),
    Invalidates("INVLPG, another", kInvlpg, 0),
    Invalidates("INVPCID address", kInvpcid, 0, 1, kGlas[0]),
    Invalidates("INVPCID single", kInvpcid, 1, 1),
    Invalidates("INVPCID single, another", kInvpcid, 1, 2),
    Invalidates("INVPCID all", kInvpcid, 2),
    Invalidates("INVPCID retaining globals", kInvpcid, 3),
    Gives("MOV to CR3", What::kMovCr3, kTables | 1),
    Gives("MOV to CR3 with bit 63", What::kMovCr3, kBit63 | kTables | 1),
    Gives("MOV to CR3, another PCID", What::kMovCr3, kTables | 2),
    Gives("VM entry with VPID 5", What::kEnterVpid, 5),
    Gives("VM entry with VPID 6", What::kEnterVpid, 6),
    Gives("VM entry with the other EPTP", What::kEnterEptp, 0)};

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
  Explorer(const World& world, int steps, const Dialect& dialect,
           const std::function<void(const std::string&)>& tell)
      : world_(world), steps_(steps), reference_(dialect), tell_(tell) {}

  SmallWorldTally Run() {
    Case c;
    c.processor.ept_vpid_cap = 0x00000f01'06f341c1;
    c.processor.pcid = true;
    c.controls.primary = 0x80000000;
    c.controls.secondary = 0x1002 | (world_.vpids ? 0x20 : 0);
    c.controls.vpid = 5;
    c.controls.eptp = kRoots[0] | kEptpLow;
    c.guest.cr0 = 0x80010021;
    c.guest.cr3 = kTables | 1;
    c.guest.cr4 = 0x220a0;
    c.guest.efer = 0xd00;
    c.guest.cs_l = true;
    c.guest.rflags = 2;
    const CombinedTags tags = {VpidOf(5), c.guest.cr3, kRoots[0]};
    const std::vector<std::uint64_t> gpas = {kTables, kOtherPt, kPage,
                                             kOtherPage, kThirdPage};
    Holdings held = {CombinedWalks(gpas, {kGlas[0], kGlas[1]}, tags),
                     CombinedWalks(gpas, {kGlas[0]}, tags)};
    const auto store = [&](std::uint64_t address, std::uint64_t value) {
      c.memory.push_back({Hpa{address}, value});
      for (CombinedWalks& walks : held) walks.Store(address, value);
    };
    store(kRoots[0], 0x2007);
    store(kRoots[1], 0x2007);
    store(0x2000, 0x3007);
    store(0x3000, kEptPt | 7);
    for (const std::uint64_t gpa : {kOtherPt, kOtherPage, kThirdPage}) {
      store(EptPteOf(gpa), (gpa + kToHost) | 0x37);
    }
    store(TableEntry(1), kTables | 0x67);
    store(TableEntry(2), kTables | 0x67);
    store(TableEntry(5), kOtherPage | 0x67);
    store(kOtherPt + kToHost + 8 * 4, kOtherPage | 0x67);
    // Where EPT leads elsewhere for the tables: other tables.
    for (const int i : {1, 2}) {
      store(0x38000 + 8 * static_cast<std::uint64_t>(i), kTables | 0x67);
    }
    store(0x38000 + 8 * 3, kOtherPt | 0x67);
    store(0x38000 + 8 * 4, kThirdPage | 0x67);
    for (const Word& word : world_.words) store(word.address, word.values[0]);
    // On two processors.
    Step other;
    other.processor = 1;
    c.steps.push_back(other);
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
    for (const CombinedStep& step : kSteps) {
      if (depth_ == steps_ && step.what != What::kAccess) continue;
      const std::string words = before + "; " + step.words;
      if (step.what == What::kAccess) {
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
      case What::kStore: {
        has ^= std::uint64_t{1} << step.operand;
        const Word& word = world_.words[step.operand];
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
      case What::kInvalidate:
        asked.kind = StepKind::kInvalidation;
        asked.invalidation = step.asked;
        Invalidate(step.asked, mine);
        break;
      case What::kMovCr3:
        asked.kind = StepKind::kRegisterWrite;
        asked.reg = GuestRegister::kCr3;
        asked.value = step.value;
        tags.cr3 = step.value & ~kBit63;
        if ((step.value & kBit63) == 0) mine.InvpcidSingle(tags.pcid());
        mine.SetTags(tags);
        break;
      case What::kEnterVpid:
        asked.kind = StepKind::kVmEntry;
        asked.index = kFieldVpid;
        asked.value = step.value;
        tags.vpid = VpidOf(step.value);
        if (!world_.vpids) mine.Transition();
        mine.SetTags(tags);
        break;
      default:
        asked.kind = StepKind::kVmEntry;
        asked.index = kFieldEptp;
        asked.value = tags.root ^ kRoots[0] ^ kRoots[1] ^ kEptpLow;
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
    asked.gla = Gla{kGlas[step.operand]};
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

  const World& world_;
  const int steps_;
  const CachingReference reference_;
  const std::function<void(const std::string&)>& tell_;
  int depth_ = 0;
  Verdict verdict_;
  Trace trace_;
  SmallWorldTally tally_;
};

}  // namespace

int CombinedWorldCount() { return kWorlds; }

SmallWorldTally CompareCombinedWorld(
    int world, int steps, const Dialect& dialect,
    const std::function<void(const std::string&)>& tell) {
  const World small = WorldNumber(world);
  return Explorer(small, steps, dialect, tell).Run();
}

}  // namespace eptdiff
