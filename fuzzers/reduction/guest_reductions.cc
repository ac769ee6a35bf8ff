#include <algorithm>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/reduction/reduction.h"

namespace eptdiff {
namespace {

using namespace bits;

// What the guest's tables gave for the first page of an access.
GuestPage PageOf(const Case& c, const Step& step, const UsedEntries& used) {
  GuestPage page;
  page.gla = step.gla;
  int above = 0;
  for (const UsedEntry& entry : used.list) {
    if (entry.kind != UsedKind::kGuest) continue;
    if (entry.level >= above) {  // the walk begins, or begins anew
      page.user = page.writable = true;
      page.execute_disable = false;
    }
    above = entry.level;
    page.user &= (entry.value & kGuestUser) != 0;
    page.writable &= (entry.value & kGuestWritable) != 0;
    page.execute_disable |=
        (entry.value & kGuestNoExecute) != 0 && (c.guest.efer & kEferNxe) != 0;
    if (!entry.leaf) continue;
    const std::uint64_t pat =
        entry.level == 1 ? kGuestSmallPat : kGuestLargePat;
    page.pat_index = static_cast<std::uint8_t>(
        (entry.value >> 3 & 3) | ((entry.value & pat) != 0 ? 4 : 0));
    break;
  }
  return page;
}

void DropUnusedWords(Case& c) {
  std::vector<std::uint64_t> words;
  UsedEntries used;
  for (const Step& step : c.steps) {
    FindUsedEntries(c, step, used);
    for (const UsedEntry& entry : used.list) {
      words.push_back(entry.address.value & ~7ull);
    }
  }
  std::erase_if(c.memory, [&](const MemoryWord& word) {
    return std::find(words.begin(), words.end(), word.address.value) ==
           words.end();
  });
}

// What the guest's paging has to do with it may be nothing: accesses to what
// the linear addresses translate to.
void WithoutGuest(Search& search) {
  search.Try([](Case& c) {
    const Case before = c;
    UsedEntries used;
    for (Step& step : c.steps) {
      if (!IsPagedAccess(before, step)) continue;
      FindUsedEntries(before, step, used);
      if (!used.reached_guest_leaf) continue;
      step.page = PageOf(before, step, used);
      step.kind = StepKind::kGuestPhysicalAccess;
      step.gpa = Gpa{used.gpa};
      Canonicalise(step);
    }
    DropUnusedWords(c);
  });
}

// ... or an access to one entry of the guest, by its address.
void OnlyAStructure(Search& search) {
  for (std::size_t i = 0; i < search.current().steps.size(); ++i) {
    if (!IsPagedAccess(search.current(), search.current().steps[i])) continue;
    UsedEntries used;
    FindUsedEntries(search.current(), search.current().steps[i], used);
    const auto become = [&](StepKind kind, std::uint64_t gpa) {
      return search.Try([&](Case& c) {
        Step& step = c.steps[i];
        step.kind = kind;
        step.gpa = Gpa{gpa};
        step.page = GuestPage{};
        step.page.gla = step.gla;
        Canonicalise(step);
        DropUnusedWords(c);
      });
    };
    for (std::size_t j = 0; j < used.list.size(); ++j) {
      // The last EPT entry of each walk knows what it translates.
      const UsedEntry& entry = used.list[j];
      const bool last = j + 1 == used.list.size() ||
                        used.list[j + 1].gpa != entry.gpa ||
                        used.list[j + 1].kind != UsedKind::kEpt;
      if (entry.guest_level == 0 || !last) continue;
      if (become(StepKind::kPagingStructureRead, entry.gpa) ||
          become(StepKind::kPagingStructureUpdate, entry.gpa)) {
        return;
      }
    }
  }
}

// 5-level paging whose first entry leads to the tables of 4-level paging.
void FourLevels(Search& search) {
  if (GuestModeOf(search.current().guest) != GuestPagingMode::kFiveLevel)
    return;
  for (const Step& step : search.current().steps) {
    if (!IsPagedAccess(search.current(), step)) continue;
    UsedEntries used;
    FindUsedEntries(search.current(), step, used);
    const auto* root = std::find_if(
        used.list.begin(), used.list.end(), [](const UsedEntry& entry) {
          return entry.kind == UsedKind::kGuest && entry.level == 5;
        });
    if (root == used.list.end()) continue;
    const std::uint64_t below = root->value & kAddress;
    const bool done = search.Try([&](Case& c) {
      const GuestState before = c.guest;
      c.guest.cr4 &= ~kCr4La57;
      c.guest.cr3 = (c.guest.cr3 & ~kAddress) | below;
      for (Step& s : c.steps) {
        if (s.kind != StepKind::kLinearAccess) continue;
        const std::uint64_t gla = Masked(before, s.access, s.gla.value);
        s.gla = Gla{Tagged(c.guest, s.access, s.gla.value,
                           Canonical(GuestPagingMode::kFourLevel, gla))};
      }
      DropUnusedWords(c);
    });
    if (done) return;
  }
}

// Linear addresses that need no masking, without it or with.
void WithoutMetadata(Search& search) {
  const auto take_away = [&search](bool controls) {
    search.Try([&](Case& c) {
      for (Step& step : c.steps) {
        if (!IsPagedAccess(c, step)) continue;
        step.gla = Gla{Masked(c.guest, step.access, step.gla.value)};
      }
      if (!controls) return;
      c.guest.cr4 &= ~kCr4LamSup;
      c.guest.cr3 &= ~(kCr3LamU48 | kCr3LamU57);
    });
  };
  take_away(/*controls=*/false);
  take_away(/*controls=*/true);
}

}  // namespace

void ReduceGuest(Search& search) {
  WithoutMetadata(search);
  WithoutGuest(search);
  OnlyAStructure(search);
  FourLevels(search);
}

}  // namespace eptdiff
