#include <algorithm>
#include <utility>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/reduction/reduction.h"

namespace eptdiff {
namespace {

using namespace bits;

// Words that change their addresses, entries that change their values.
struct Edit {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> words;  // from, to
  struct Value {
    UsedEntry entry;
    std::uint64_t value;
  };
  std::vector<Value> values;
};

void Apply(const Edit& edit, Case& c) {
  const unsigned bytes = ShapeOf(GuestModeOf(c.guest)).entry_bytes;
  for (const Edit::Value& value : edit.values) {
    MemoryWord* word = FindWord(c, value.entry.address);
    if (word == nullptr) continue;
    word->value =
        WithEntry(word->value, value.entry.address, bytes, value.value);
  }
  for (MemoryWord& word : c.memory) {
    for (const auto& [from, to] : edit.words) {
      if (word.address.value != from) continue;
      word.address.value = to;
      break;
    }
  }
  for (Step& step : c.steps) {
    if (step.kind != StepKind::kStore) continue;
    for (const auto& [from, to] : edit.words) {
      if (step.hpa.value != from) continue;
      step.hpa.value = to;
      break;
    }
  }
}

// `address` with the bits of `mask` from `bits`.
std::uint64_t Mixed(std::uint64_t address, std::uint64_t mask,
                    std::uint64_t bits) {
  return (address & ~mask) | (bits & mask);
}

// Guest-physical addresses with index `from` at a level of EPT get index `to`,
// wherever they stand: in entries, registers and steps; and what EPT has at
// that index moves there.
class GpaMove {
 public:
  GpaMove(int level, std::uint64_t from, std::uint64_t to)
      : level_(level),
        mask_(Low(9) << PageShift(level)),
        from_(from << PageShift(level)),
        to_(to << PageShift(level)) {}

  void operator()(Case& c) const {
    const Case before = c;
    Edit edit;
    UsedEntries used;
    for (Step& step : c.steps) {
      if (!IsPagedAccess(before, step)) {
        Move(step.gpa.value);
        continue;
      }
      FindUsedEntries(before, step, used);
      for (std::size_t i = 0; i < used.list.size(); ++i) {
        Note(before, used, i, step, edit);
      }
    }
    if (GuestModeOf(before.guest) == GuestPagingMode::kPae) {
      for (std::uint64_t& pdpte : c.guest.pdpte) Move(pdpte);
    }
    Move(c.guest.cr3);
    Move(c.controls.hlatp);
    Apply(edit, c);
  }

 private:
  bool Concerns(std::uint64_t gpa) const { return (gpa & mask_) == from_; }
  void Move(std::uint64_t& gpa) const {
    if (gpa != 0 && Concerns(gpa)) gpa = Mixed(gpa, mask_, to_);
  }

  void Note(const Case& c, const UsedEntries& used, std::size_t i, Step& step,
            Edit& edit) const {
    const UsedEntry& entry = used.list[i];
    const std::uint64_t word = entry.address.value & ~7ull;
    if (entry.kind == UsedKind::kEpt) {
      if (entry.level != level_ || !Concerns(entry.gpa)) return;
      const std::uint64_t index = to_ >> PageShift(level_);
      edit.words.emplace_back(word, (word & ~Low(12)) | index << 3);
    } else if (entry.kind == UsedKind::kGuest) {
      // In a large page of EPT the table moves together with its address.
      const UsedEntry& leaf = used.list[i - 1];
      if (leaf.level > level_ && Concerns(entry.gpa)) {
        edit.words.emplace_back(word, Mixed(word, mask_, to_));
      }
      NoteTarget(c, entry, step, edit);
    }
  }

  // The address in a guest entry; in a large page its lower bits are those of
  // the linear address.
  void NoteTarget(const Case& c, const UsedEntry& entry, Step& step,
                  Edit& edit) const {
    const GuestPagingMode mode = GuestModeOf(c.guest);
    const std::uint64_t offset =
        entry.leaf ? Low(GuestPageShift(mode, entry.level)) : Low(12);
    const std::uint64_t gpa =
        entry.leaf ? GuestTarget(mode, entry.level, entry.value, step.gla.value)
                   : GuestNextTable(mode, entry.value);
    if (!Concerns(gpa)) return;
    edit.values.push_back({entry, Mixed(entry.value, mask_ & ~offset, to_)});
    step.gla.value = Mixed(step.gla.value, mask_ & offset, to_);
  }

  const int level_;
  const std::uint64_t mask_, from_, to_;
};

// Steps with index `from` at a level of the guest's tables get index `to`, and
// their entries there move.
void MoveGuestIndex(int level, std::uint64_t from, std::uint64_t to, Case& c) {
  const Case before = c;
  const GuestPagingMode mode = GuestModeOf(c.guest);
  const unsigned bytes = ShapeOf(mode).entry_bytes;
  const unsigned shift = GuestPageShift(mode, level);
  const std::uint64_t mask = Low(ShapeOf(mode).index_bits) << shift;
  UsedEntries used;
  for (Step& step : c.steps) {
    if (!IsPagedAccess(before, step)) continue;
    FindUsedEntries(before, step, used);
    const std::uint64_t gla = Masked(before.guest, step.access, step.gla.value);
    if (GuestIndex(mode, gla, level) != from) continue;
    step.gla = Gla{Tagged(c.guest, step.access, step.gla.value,
                          Canonical(mode, Mixed(gla, mask, to << shift)))};
    for (const UsedEntry& entry : used.list) {
      if (entry.kind != UsedKind::kGuest || entry.level != level) continue;
      const std::uint64_t offset = entry.address.value & Low(12);
      if (offset != bytes * from) continue;
      MemoryWord* word = FindWord(c, entry.address);
      if (word == nullptr) continue;
      word->value = WithEntry(word->value, entry.address, bytes, 0);
      const Hpa target{(entry.address.value & ~Low(12)) | bytes * to};
      StoreWord(c, target,
                WithEntry(LoadWord(c, target), target, bytes, entry.value));
    }
  }
  std::erase_if(c.memory,
                [](const MemoryWord& word) { return word.value == 0; });
}

// The first PDPTE register does what another did.
void LowerPdptes(Search& search) {
  if (GuestModeOf(search.current().guest) != GuestPagingMode::kPae) return;
  for (unsigned from = 1; from < 4; ++from) {
    search.Try([from](Case& c) {
      std::swap(c.guest.pdpte[0], c.guest.pdpte[from]);
      for (Step& step : c.steps) {
        if (step.kind != StepKind::kLinearAccess) continue;
        if ((step.gla.value >> 30 & 3) == from) step.gla.value &= Low(30);
      }
    });
  }
}

void LowerGuestIndices(Search& search) {
  for (int level = 5; level >= 1; --level) {
    for (std::size_t i = 0; i < search.current().steps.size(); ++i) {
      const Case& c = search.current();
      const GuestPagingMode mode = GuestModeOf(c.guest);
      if (!IsPagedAccess(c, c.steps[i])) break;
      if (level > ShapeOf(mode).levels) break;
      const Step& step = c.steps[i];
      const std::uint64_t from =
          GuestIndex(mode, Masked(c.guest, step.access, step.gla.value), level);
      for (std::uint64_t to = 0; to < from && to < 3; ++to) {
        if (search.Try(
                [&](Case& moved) { MoveGuestIndex(level, from, to, moved); })) {
          break;
        }
      }
    }
  }
}

// The guest-physical addresses that paged accesses come by.
std::vector<std::uint64_t> GpasOf(const Case& c) {
  std::vector<std::uint64_t> gpas;
  UsedEntries used;
  for (const Step& step : c.steps) {
    if (!IsPagedAccess(c, step)) continue;
    FindUsedEntries(c, step, used);
    for (const UsedEntry& entry : used.list) {
      if (entry.kind != UsedKind::kEpt) continue;
      if (gpas.empty() || gpas.back() != entry.gpa) gpas.push_back(entry.gpa);
    }
  }
  return gpas;
}

void LowerGpas(Search& search) {
  for (int level = 5; level >= 1; --level) {
    std::vector<std::uint64_t> indices;
    for (const std::uint64_t gpa : GpasOf(search.current())) {
      indices.push_back(IndexAt(gpa, level));
    }
    std::sort(indices.begin(), indices.end());
    indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    for (const std::uint64_t from : indices) {
      for (std::uint64_t to = 0; to < from && to < 16; ++to) {
        if (search.Try(GpaMove(level, from, to))) break;
      }
    }
  }
}

// A large page of the host with tables of the guest, to the bottom of memory.
void LowerLargePages(Search& search) {
  for (std::size_t i = 0; i < search.current().steps.size(); ++i) {
    if (!IsPagedAccess(search.current(), search.current().steps[i])) continue;
    UsedEntries used;
    FindUsedEntries(search.current(), search.current().steps[i], used);
    for (const UsedEntry& entry : used.list) {
      if (entry.kind != UsedKind::kEpt || !entry.leaf || entry.level == 1 ||
          entry.guest_level == 0) {
        continue;
      }
      const std::uint64_t offset = Low(PageShift(entry.level));
      const std::uint64_t from = entry.value & kAddress & ~offset;
      for (const std::uint64_t to : {std::uint64_t{0}, offset + 1}) {
        if (to >= from) break;
        const bool moved = search.Try([&](Case& c) {
          for (MemoryWord& word : c.memory) {
            if (word.address == entry.address) {
              word.value = Mixed(word.value, kAddress & ~offset, to);
            }
            if ((word.address.value & ~offset) == from) {
              word.address.value = to | (word.address.value & offset);
            }
          }
        });
        if (moved) break;
      }
    }
  }
}

}  // namespace

void LowerGuestAddresses(Search& search) {
  LowerPdptes(search);
  LowerGuestIndices(search);
  LowerGpas(search);
  LowerLargePages(search);
}

}  // namespace eptdiff
