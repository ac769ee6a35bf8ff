#include "oracle/exhaustive/combined_worlds.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <set>
#include <span>
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

// With HLAT paging two pages may be its first table. The one's entry leads to
// the tables, the other is all upper tables in one, and CR3 may reference it.
constexpr std::uint64_t kHlatps[] = {0x15000, 0x16000};

// With 32-bit paging: indexes 2, and 4 and 6 of the page table. EPT has a page
// at the guest-physical address that is the same as the linear one.
constexpr std::uint64_t kGlas32[] = {2 << 22 | 4 << 12, 2 << 22 | 6 << 12};
constexpr std::uint64_t kOtherEptPt = 0x5000;
constexpr std::uint64_t kSameEptPte = kOtherEptPt + 8 * 4;

constexpr std::uint32_t kFieldVpid = 0, kFieldEptp = 0x201a,
                        kFieldHlatp = 0x2040, kFieldHlatPrefix = 6,
                        kFieldCr0 = 0x6800;
constexpr std::uint64_t kBit63 = std::uint64_t{1} << 63;
constexpr std::uint64_t kPaging = 0x80000000;  // CR0.PG

// An entry, and the values between which stores change it.
struct Word {
  std::uint64_t address = 0;
  std::array<std::uint64_t, 2> values = {};
};
enum class Roots : std::uint8_t {
  kCr3,
  kHlatp,   // or CR3
  kPaging,  // 32-bit paging, or none
};
struct World {
  std::array<Word, 4> words;
  Roots roots = Roots::kCr3;
  bool vpids = true;
};

// The guest's PTE: another page; no right to write; not present; no accessed
// flag. EPT's PTE of the page: another one; no right to write; not present.
constexpr std::uint64_t kPtes[] = {kOtherPage | 0x67, kPage | 0x65, 0,
                                   kOtherPage | 0x47};
constexpr std::uint64_t kEptPtes[] = {0x39037, 0x32031, 0};
constexpr std::uint64_t kGlobal = 0x100;
constexpr int kOfCr3 = 4 * 3 * 2 * 2, kOfHlatp = 4, kOfPaging = 4 * 3;
constexpr int kWorlds = kOfCr3 + kOfHlatp + kOfPaging;

// A page table's entry of the page, the entry that leads to it, and EPT's of
// the page and of the tables, or of the page at the linear address.
World WorldOf(Roots roots, std::uint64_t pte, std::uint64_t ept_pte,
              std::uint64_t global) {
  const bool paging = roots == Roots::kPaging;
  const Word last =
      paging ? Word{kSameEptPte, {0x3a037, ept_pte + 0x2000}}
             : Word{EptPteOf(kTables), {kTables + kToHost + 0x37, 0x38037}};
  return {{{{TableEntry(paging ? 2 : 4),
             {kPage | 0x67 | global, pte == 0 ? 0 : pte | global}},
            {TableEntry(paging ? 1 : 3), {kTables | 0x67, kOtherPt | 0x67}},
            {EptPteOf(kPage), {kPage + kToHost + 0x37, ept_pte}},
            last}},
          roots};
}

World WorldNumber(int number) {
  if (number >= kOfCr3) {
    number -= kOfCr3;
    if (number < kOfHlatp) {
      return WorldOf(Roots::kHlatp, kPtes[number], kEptPtes[0], 0);
    }
    number -= kOfHlatp;
    World world =
        WorldOf(Roots::kPaging, kPtes[number % 4], kEptPtes[number / 4], 0);
    // A page that is not present is so from the beginning.
    Word& page = world.words[2];
    if (page.values[1] == 0) std::swap(page.values[0], page.values[1]);
    return world;
  }
  const std::uint64_t pte = kPtes[number % 4];
  number /= 4;
  const std::uint64_t ept_pte = kEptPtes[number % 3];
  number /= 3;
  World world =
      WorldOf(Roots::kCr3, pte, ept_pte, number % 2 != 0 ? kGlobal : 0);
  world.vpids = number / 2 == 0;
  return world;
}

enum class What : std::uint8_t {
  kStore,  // of word `operand`: the value that it has not
  kAccess,
  kInvalidate,
  kMovCr3,
  kEnterVpid,
  kEnterEptp,
  kEnterHlatp,   // the other
  kEnterPrefix,  // the other
  kEnterCr0,     // with the other CR0.PG
  kMovCr0,       // likewise
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

// Where there are further roots.
constexpr CombinedStep kStepsOfHlatp[] = {
    {"read", What::kAccess},
    {"write", What::kAccess, 0, true},
    {"read of the next page", What::kAccess, 1},
    {"store to the PTE", What::kStore, 0},
    {"store to the PDE", What::kStore, 1},
    {"store to the page's EPT PTE", What::kStore, 2},
    {"store to the tables' EPT PTE", What::kStore, 3},
    Invalidates("INVEPT single", kInvept, 1, kRoots[0] | kEptpLow),
    Invalidates("INVVPID address", kInvvpid, 0, 5, kGlas[0]),
    Invalidates("INVVPID single", kInvvpid, 1, 5),
    Invalidates("INVLPG", kInvlpg, 0, 0, kGlas[0]),
    Gives("MOV to CR3 with bit 63", What::kMovCr3, kBit63 | kTables | 1),
    Gives("MOV to CR3, another PCID", What::kMovCr3, kTables | 2),
    Gives("VM entry with VPID 6", What::kEnterVpid, 6),
    Gives("VM entry with the other HLATP", What::kEnterHlatp, 0),
    Gives("VM entry with the other HLAT prefix", What::kEnterPrefix, 0)};
constexpr CombinedStep kStepsOfPaging[] = {
    {"read", What::kAccess},
    {"write", What::kAccess, 0, true},
    {"read of the next page", What::kAccess, 1},
    {"store to the PTE", What::kStore, 0},
    {"store to the PDE", What::kStore, 1},
    {"store to the page's EPT PTE", What::kStore, 2},
    {"store to the EPT PTE of the same address", What::kStore, 3},
    Invalidates("INVEPT single", kInvept, 1, kRoots[0] | kEptpLow),
    Invalidates("INVVPID address", kInvvpid, 0, 5, kGlas32[0]),
    Invalidates("INVVPID single", kInvvpid, 1, 5),
    Invalidates("INVLPG", kInvlpg, 0, 0, kGlas32[0]),
    Gives("MOV to CR3", What::kMovCr3, kTables),
    Gives("VM entry with VPID 6", What::kEnterVpid, 6),
    Gives("VM entry with the other CR0.PG", What::kEnterCr0, 0),
    Gives("MOV to CR0 of the other CR0.PG", What::kMovCr0, 0)};

std::span<const CombinedStep> StepsOf(Roots roots) {
  if (roots == Roots::kHlatp) return kStepsOfHlatp;
  if (roots == Roots::kPaging) return kStepsOfPaging;
  return kSteps;
}

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
    std::vector<std::uint64_t> gpas = {kTables, kOtherPt, kPage, kOtherPage,
                                       kThirdPage};
    CombinedTags tags = {VpidOf(5), c.guest.cr3, kRoots[0]};
    if (world_.roots == Roots::kHlatp) {
      c.controls.primary |= 1 << 17;
      c.controls.tertiary = 2;
      c.processor.ept_vpid_cap |= std::uint64_t{1} << 48;
      c.controls.hlatp = tags.hlatp = kHlatps[0];
      c.guest.cr3 = tags.cr3 = kHlatps[1] | 1;
      gpas.insert(gpas.end(), {kHlatps[0], kHlatps[1]});
    } else if (world_.roots == Roots::kPaging) {
      c.controls.secondary |= 0x80;  // "unrestricted guest"
      c.guest.cr3 = tags.cr3 = kTables;
      c.guest.cr4 = 0x2000;
      c.guest.efer = 0;
      c.guest.cs_l = false;
      tags.levels = 2;
      gpas.insert(gpas.end(), {kGlas32[0], kGlas32[1]});
    }
    Holdings held = {CombinedWalks(gpas, {GlaOf(0), GlaOf(1)}, tags),
                     CombinedWalks(gpas, {GlaOf(0)}, tags)};
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
    if (world_.roots == Roots::kHlatp) {
      for (const std::uint64_t gpa : kHlatps) {
        store(EptPteOf(gpa), (gpa + kToHost) | 0x37);
      }
      store(kHlatps[0] + kToHost + 8, kTables | 0x67);
      store(kHlatps[1] + kToHost + 8, kHlatps[1] | 0x67);
      store(kHlatps[1] + kToHost + 16, kHlatps[1] | 0x67);
      store(kHlatps[1] + kToHost + 24, kOtherPt | 0x67);
    } else if (world_.roots == Roots::kPaging) {
      store(EptPteOf(kTables), kTables + kToHost + 0x37);
      store(0x3000 + 8 * 4, kOtherEptPt | 7);
      store(kSameEptPte + 16, 0x3e037);
      store(TableEntry(3), kOtherPage | 0x67);
      store(kOtherPt + kToHost + 8 * 2, kOtherPage | 0x67);
    }
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
  std::uint64_t GlaOf(unsigned number) const {
    return world_.roots == Roots::kPaging ? kGlas32[number] : kGlas[number];
  }

  void Explore(const MachineState& state, const Holdings& held,
               std::uint64_t has, const std::string& before) {
    ++depth_;
    for (const CombinedStep& step : StepsOf(world_.roots)) {
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
      case What::kEnterHlatp:
        asked.kind = StepKind::kVmEntry;
        asked.index = kFieldHlatp;
        asked.value = state.controls.hlatp ^ kHlatps[0] ^ kHlatps[1];
        if (tags.hlatp != 0) tags.hlatp = asked.value;
        mine.SetTags(tags);
        break;
      case What::kEnterPrefix:
        asked.kind = StepKind::kVmEntry;
        asked.index = kFieldHlatPrefix;
        asked.value = state.controls.hlat_prefix_size ^ 1;
        tags.hlatp = asked.value == 0 ? state.controls.hlatp : 0;
        mine.SetTags(tags);
        break;
      case What::kEnterCr0:
      case What::kMovCr0:
        asked.kind = step.what == What::kMovCr0 ? StepKind::kRegisterWrite
                                                : StepKind::kVmEntry;
        asked.reg = GuestRegister::kCr0;
        if (step.what == What::kEnterCr0) asked.index = kFieldCr0;
        asked.value = state.guest.cr0 ^ kPaging;
        tags.levels = tags.levels ^ 2;
        if (step.what == What::kMovCr0 && tags.levels == 0) mine.MovCr0();
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
    asked.gla = Gla{GlaOf(step.operand)};
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
