#include <algorithm>
#include <utility>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/reduction/reduction.h"

namespace eptdiff {
namespace {

using namespace bits;

// The pages of the case's structures, words and stores, each once: first the
// tables as the steps walk them, then the others as they are listed. Page 0 is
// what an unused field refers to, and stays.
std::vector<std::uint64_t> PagesOf(const Case& c) {
  std::vector<std::uint64_t> pages;
  const auto add = [&](std::uint64_t address) {
    address &= kAddress;
    if (address == 0 ||
        std::find(pages.begin(), pages.end(), address) != pages.end()) {
      return;
    }
    pages.push_back(address);
  };
  const Controls& k = c.controls;
  add(k.eptp);
  UsedEntries used;
  for (const Step& step : c.steps) {
    FindUsedEntries(c, step, used);
    for (const UsedEntry& entry : used.list) add(entry.address.value);
  }
  for (const MemoryWord& word : c.memory) add(word.address.value);
  for (const Step& step : c.steps) add(step.hpa.value);
  for (const std::uint64_t field :
       {k.pml_address, k.spptp, k.ve_information_address,
        k.eptp_list_address}) {
    add(field);
  }
  return pages;
}

struct Move {
  std::uint64_t from, to;
};

const Move* FindMove(const std::vector<Move>& moves, std::uint64_t from) {
  for (const Move& move : moves) {
    if (move.from == from) return &move;
  }
  return nullptr;
}

// The words that hold entries of the guest: their addresses are no addresses of
// the host, even if they look like one.
std::vector<std::uint64_t> GuestWords(const Case& c) {
  std::vector<std::uint64_t> words;
  UsedEntries used;
  for (const Step& step : c.steps) {
    if (!IsPagedAccess(c, step)) continue;
    FindUsedEntries(c, step, used);
    for (const UsedEntry& entry : used.list) {
      if (entry.kind != UsedKind::kGuest) continue;
      words.push_back(entry.address.value & ~7ull);
    }
  }
  return words;
}

// Moves pages, wherever their addresses may stand.
void MovePages(const std::vector<Move>& moves, Case& c) {
  const std::vector<std::uint64_t> guest_words = GuestWords(c);
  const auto of_guest = [&](Hpa word) {
    return std::find(guest_words.begin(), guest_words.end(), word.value) !=
           guest_words.end();
  };
  const auto apply = [&](std::uint64_t& value) {
    const Move* move = FindMove(moves, value & kAddress);
    if (move != nullptr) value = (value & ~kAddress) | move->to;
  };
  Controls& k = c.controls;
  for (std::uint64_t* field :
       {&k.eptp, &k.pml_address, &k.spptp, &k.ve_information_address,
        &k.eptp_list_address}) {
    apply(*field);
  }
  for (MemoryWord& word : c.memory) {
    if (!of_guest(word.address)) apply(word.value);
    apply(word.address.value);
  }
  for (Step& step : c.steps) {
    if (step.kind != StepKind::kStore) continue;
    if (!of_guest(step.hpa)) apply(step.value);
    apply(step.hpa.value);
  }
}

// Pages to 1000H, 2000H ...: all at once, or one after the other to the lowest
// place that is free.
void LowerPages(Search& search) {
  std::vector<std::uint64_t> pages = PagesOf(search.current());
  std::vector<Move> moves;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    moves.push_back({pages[i], (i + 1) << 12});
  }
  if (search.Try([&](Case& c) { MovePages(moves, c); })) return;
  for (std::uint64_t& page : pages) {
    std::uint64_t free = Bit(12);
    while (std::find(pages.begin(), pages.end(), free) != pages.end()) {
      free += Bit(12);
    }
    if (free >= page) continue;
    const std::vector<Move> one = {{page, free}};
    if (search.Try([&](Case& c) { MovePages(one, c); })) page = free;
  }
}

// An address with another index at `level`.
std::uint64_t WithIndex(std::uint64_t address, int level, std::uint64_t index) {
  const unsigned shift = PageShift(level);
  return (address & ~(Low(9) << shift)) | index << shift;
}

// Gives all steps that use an entry of `level` with index `from` the index
// `to`, and moves those entries.
void MoveIndex(int level, std::uint64_t from, std::uint64_t to, Case& c) {
  std::vector<Move> moves;  // of words
  UsedEntries used;
  for (Step& step : c.steps) {
    const GpaRange range = AccessedRange(c, step);
    if (range.bytes == 0 || IndexAt(range.first, level) != from) continue;
    FindUsedEntries(c, step, used);
    for (const UsedEntry& entry : used.list) {
      const bool indexed =
          entry.kind != UsedKind::kOther && entry.level == level;
      if (!indexed || (entry.address.value >> 3 & Low(9)) != from) continue;
      moves.push_back(
          {entry.address.value, (entry.address.value & ~Low(12)) | to << 3});
    }
  }
  bool cr3_moves = false;
  const std::uint64_t cr3 = WithIndex(c.guest.cr3, level, to);
  for (Step& step : c.steps) {
    if (const GpaRange range = AccessedRange(c, step); range.bytes != 0) {
      if (IndexAt(range.first, level) != from) continue;
      if (step.kind == StepKind::kPdpteLoad) cr3_moves = true;
      step.gpa.value = WithIndex(step.gpa.value, level, to);
      if (step.kind == StepKind::kLinearAccess) {
        step.gla.value = WithIndex(step.gla.value, level, to);
      }
      Canonicalise(step);
    } else if (const Move* move = FindMove(moves, step.hpa.value);
               step.kind == StepKind::kStore && move != nullptr) {
      step.hpa.value = move->to;
    }
  }
  if (cr3_moves) c.guest.cr3 = cr3;
  for (MemoryWord& word : c.memory) {
    const Move* move = FindMove(moves, word.address.value);
    if (move != nullptr) word.address.value = move->to;
  }
}

void LowerIndices(Search& search) {
  for (int level = 5; level >= 1; --level) {
    for (std::size_t i = 0; i < search.current().steps.size(); ++i) {
      const Case& c = search.current();
      const GpaRange range = AccessedRange(c, c.steps[i]);
      const std::uint64_t from = IndexAt(range.first, level);
      for (std::uint64_t to = 0; range.bytes != 0 && to < from && to < 3;
           ++to) {
        if (search.Try(
                [&](Case& moved) { MoveIndex(level, from, to, moved); })) {
          break;
        }
      }
    }
  }
}

}  // namespace

void LowerAddresses(Search& search) {
  LowerPages(search);
  LowerIndices(search);
  search.Try([](Case& c) {
    std::sort(c.memory.begin(), c.memory.end(),
              [](const MemoryWord& a, const MemoryWord& b) {
                return std::pair(a.address.value, a.value) <
                       std::pair(b.address.value, b.value);
              });
  });
}

}  // namespace eptdiff
