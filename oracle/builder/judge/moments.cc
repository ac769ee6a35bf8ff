#include "oracle/builder/judge/moments.h"

#include <algorithm>

namespace eptdiff {
namespace {

constexpr std::uint64_t kPageMask = ~std::uint64_t{0xfff};
constexpr std::uint8_t kAllBeyond = 0x40;

}  // namespace

void Moments::Begin(const TableFacts& facts,
                    std::span<const std::uint64_t> eptps,
                    const TableOperation& operation) {
  facts_ = facts;
  eptps_.assign(eptps.begin(), eptps.end());
  gpa_ = operation.gpa.value & kPageMask;
  left_ = operation.meanwhile;
  known_ = false;
  last_ = {};
}

std::optional<Moments::Use> Moments::Find(Hpa address,
                                          const FrameMemory& memory) {
  if (last_.address.value != 0) {
    // Of the store before it is known now what became of it.
    const std::uint64_t* word = memory.At(last_.address);
    const bool is_tried_again = word != nullptr && address == last_.address &&
                                ((*word ^ last_.value) & ~kAccessedDirty) == 0;
    if (is_tried_again) return {};
    const auto table = tables_.find(last_.address.value & kPageMask);
    known_ = word != nullptr && table != tables_.end() &&
             (*word == last_.value ||
              (!LeadsToTable(*word, table->second.level) &&
               !LeadsToTable(last_.value, table->second.level)));
    last_ = {};
  }
  if (!known_) {
    tables_.clear();
    for (const std::uint64_t eptp : eptps_) {
      ReadTables(AddressIn(eptp), {facts_.levels, 0, eptp}, memory);
    }
    known_ = true;
  }
  const std::uint64_t* word = memory.At(address);
  const auto table = tables_.find(address.value & kPageMask);
  if (word == nullptr || table == tables_.end()) return {};
  last_ = {address, *word};
  const bool now = (left_ & 1) != 0;
  left_ = static_cast<std::uint8_t>((left_ & kAllBeyond) | left_ >> 1);
  if (!now) return {};
  Place place = table->second;
  place.gpa += address.value / 8 % 512 * EntryBytes(place.level);
  for (const std::uint64_t from : {gpa_, std::uint64_t{0}}) {
    int looks = kMaxLooks;
    const auto page = PageUnder(*word, place, from, memory, looks);
    if (page.has_value()) return Use{*page, place.eptp};
  }
  return {};
}

bool Moments::LeadsToTable(std::uint64_t entry, int level) const {
  return IsPresent(facts_, entry) && !IsLeaf(entry, level);
}

void Moments::ReadTables(std::uint64_t table, const Place& place,
                         const FrameMemory& memory) {
  const FrameMemory::Frame* words = memory.Find(Hpa{table});
  if (words == nullptr || !tables_.insert(table, place) || place.level == 1) {
    return;
  }
  // Most tables have few entries: so many are looked at together.
  constexpr std::size_t kBatch = 8;
  const std::uint64_t rights = RightsMask(facts_);
  const std::uint64_t bytes = EntryBytes(place.level);
  for (std::size_t i = 0; i < words->size(); i += kBatch) {
    std::uint64_t any = 0;
    for (std::size_t k = i; k < i + kBatch; ++k) any |= (*words)[k];
    if ((any & rights) == 0) continue;
    for (std::size_t k = i; k < i + kBatch; ++k) {
      const std::uint64_t entry = (*words)[k];
      if (!LeadsToTable(entry, place.level)) continue;
      ReadTables(AddressIn(entry),
                 {place.level - 1, place.gpa + k * bytes, place.eptp}, memory);
    }
  }
}

std::optional<Gpa> Moments::PageUnder(std::uint64_t entry, const Place& place,
                                      std::uint64_t from,
                                      const FrameMemory& memory,
                                      int& looks) const {
  if (--looks < 0 || !IsPresent(facts_, entry) ||
      IsMisconfiguredEntry(facts_, entry, place.level) ||
      place.gpa + EntryBytes(place.level) <= from) {
    return {};
  }
  if (IsLeaf(entry, place.level)) return Gpa{std::max(place.gpa, from)};
  const FrameMemory::Frame* words = memory.Find(Hpa{AddressIn(entry)});
  if (words == nullptr) return {};
  Place below = {place.level - 1, place.gpa, place.eptp};
  for (const std::uint64_t word : *words) {
    if (const auto page = PageUnder(word, below, from, memory, looks)) {
      return page;
    }
    below.gpa += EntryBytes(below.level);
  }
  return {};
}

}  // namespace eptdiff
