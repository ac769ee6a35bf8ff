// Where the guest's code lies, and what leads to it.
#include <algorithm>
#include <array>
#include <cstring>

#include "oracle/processor/arranging.h"
#include "oracle/processor/guest_bits.h"
#include "oracle/processor/guest_code.h"

namespace eptdiff {
namespace {

using namespace guest_bits;

// Entries of the guest's tables and of EPT's, as the image makes them: every
// right, and flags that nobody has to set.
constexpr std::uint64_t kGuestTable = 0x27;
constexpr std::uint64_t kGuestLeaf = 0x63;
constexpr std::uint64_t kGuestUser = 4, kGuestWrite = 2;
constexpr std::uint64_t kEptTable = 0x507;
constexpr std::uint64_t kEptLeaf = 0x737;  // write-back
constexpr std::uint64_t kRights = 7;
constexpr std::uint64_t kLargePage = Bit(7);

}  // namespace

Hpa Arranger::NewFrame() {
  return frames_taken_ < frames_.size() ? frames_[frames_taken_++] : Hpa{0};
}

void Arranger::Put(Hpa word, std::uint64_t value) {
  state_.memory.Store(word, value);
  out_->c.memory.push_back({word, value});
}

void Arranger::PutCode(std::size_t offset, const GuestCode& code) {
  for (std::size_t i = 0; i < code.size(); i += 8) {
    std::uint64_t value = 0;
    std::memcpy(&value, &code[i], 8);
    Put(Hpa{pages_[0].value + offset + i}, value);
  }
}

// The guest has its code, and what leads to it, once for each case.
Hindrance Arranger::ProvideCode(ArrangedCase& out) {
  if (provided_) return provision_;
  provided_ = true;
  provision_ = ProvideGuestPages(out.c);
  if (provision_ == Hindrance::kNone) {
    provision_ = maps_ ? ProvideOwnGuest(out) : ProvideGuestCode(out);
  }
  if (provision_ != Hindrance::kNone) return provision_;
  out.has_code = true;
  PutCode(0, OnlyInt3());
  return provision_;
}

// A piece of guest-physical memory that EPT's tables have no use for becomes
// pages of ours.
Hindrance Arranger::ProvideGuestPages(const Case& c) {
  const int levels = (c.controls.eptp >> 3 & 7) == 4 ? 5 : 4;
  const GuestState& g = c.guest;
  const bool wide = InIa32e(g) || (Pages(g) && Has(g.cr4, kCr4Pae));
  const std::uint64_t limit =
      wide ? Bit(static_cast<int>(std::min(PhysicalWidth(machine_.processor),
                                           levels == 5 ? 57u : 48u)))
           : k4Gb;
  Place place;
  if (!FindInEpt(Hpa{c.controls.eptp & kFrame}, levels, 0, limit, 0, place)) {
    return Hindrance::kNoPlaceInEpt;
  }
  Hpa table = place.table;
  unsigned index = place.index;
  for (int level = place.level; level > 1; --level) {
    const Hpa next = NewFrame();
    if (next.value == 0) return Hindrance::kNoFrames;
    Put(Hpa{table.value + 8 * index}, next.value | kEptTable);
    table = next;
    index = 0;
  }
  pages_gpa_ = place.base;
  for (std::size_t i = 0; i < kPages; ++i) {
    pages_[i] = NewFrame();
    if (pages_[i].value == 0) return Hindrance::kNoFrames;
    Put(Hpa{table.value + 8 * i}, pages_[i].value | kEptLeaf);
  }
  return Hindrance::kNone;
}

bool Arranger::IsUsed(std::uint64_t base, std::uint64_t bytes) const {
  return std::any_of(used_.begin(), used_.end(), [&](std::uint64_t address) {
    return address - base < bytes || address + kPage - base < bytes;
  });
}

// An entry that is 0, above level 1, in a table that every right leads to.
bool Arranger::FindInEpt(Hpa table, int level, std::uint64_t base,
                         std::uint64_t limit, int depth, Place& place) {
  const int shift = 12 + 9 * (level - 1);
  const std::uint64_t bytes = Bit(shift);
  const auto last = static_cast<int>(std::min<std::uint64_t>(
      511, limit > base ? (limit - base - 1) >> shift : 0));
  for (int i = last; i >= 0; --i) {
    const Hpa word{table.value + 8u * static_cast<unsigned>(i)};
    const std::uint64_t at = base + static_cast<std::uint64_t>(i) * bytes;
    if (state_.memory.Load(word) != 0 || IsUsed(at, bytes)) continue;
    place = {table, static_cast<unsigned>(i), level, at};
    return true;
  }
  if (level == 2 || depth == 3) return false;
  for (int i = last; i >= 0; --i) {
    const std::uint64_t entry =
        state_.memory.Load(Hpa{table.value + 8u * static_cast<unsigned>(i)});
    if ((entry & kRights) != kRights || (entry & kLargePage) != 0) continue;
    if (FindInEpt(Hpa{entry & kFrame}, level - 1,
                  base + static_cast<std::uint64_t>(i) * bytes, limit,
                  depth + 1, place)) {
      return true;
    }
  }
  return false;
}

// Where a guest-physical address is, if it may be read.
bool Arranger::Locate(Gpa gpa, Hpa& hpa) {
  Step step;
  step.kind = StepKind::kGuestPhysicalAccess;
  step.gpa = gpa;
  step.page = {.user = true, .writable = true};
  reference_.Judge(state_, step, *verdict_, trace_);
  if (verdict_->standing != Standing::kJudged) return false;
  for (const Alternative& alternative : verdict_->alternatives) {
    if (alternative.event.kind != EventKind::kCompleted) continue;
    hpa = alternative.event.translations[0].address;
    return true;
  }
  return false;
}

// Four tables that map the page of code at `own_base_`, and behind it what
// guest-physical accesses are about.
Hindrance Arranger::ProvideOwnGuest(ArrangedCase& out) {
  own_base_ = 0x0000'1234'4000'0000;
  for (int level = 4; level > 1; --level) {
    const std::size_t page = static_cast<std::size_t>(5 - level);
    const std::uint64_t index = own_base_ >> (12 + 9 * (level - 1)) & 511;
    Put(Hpa{pages_[page].value + 8 * index},
        (pages_gpa_ + kPage * (page + 1)) | kGuestTable);
  }
  const std::uint64_t user = out.c.guest.cpl == 3 ? kGuestUser : 0;
  Put(pages_[4], pages_gpa_ | kGuestLeaf | user);
  out.c.guest.cr3 = state_.guest.cr3 = pages_gpa_ + kPage;
  out.code = Gla{own_base_};
  return Hindrance::kNone;
}

// Makes of a guest's entry of the fourth level, which is 0, one that leads to
// the page of code at own_base_ and has not been accessed.
void Arranger::LeadToCode(Hpa entry) {
  constexpr std::uint64_t kNotAccessed = 0x07;
  const std::uint64_t third = own_base_ >> 30 & 511;
  Put(Hpa{pages_[5].value + 8 * third}, (pages_gpa_ + 3 * kPage) | kGuestTable);
  Put(entry, (pages_gpa_ + 5 * kPage) | kNotAccessed);
}

// Guest-physical pages behind a linear address of ours.
Hindrance Arranger::Map(const Step& step, Step& linear) {
  const Hindrance missing = ProvideCode(*out_);
  if (missing != Hindrance::kNone) return missing;
  constexpr unsigned kMost = 160;
  if (mapped_ == kMost) return Hindrance::kNoPlaceInGuest;
  const std::uint64_t first = step.gpa.value & ~(kPage - 1);
  const std::uint64_t last = step.gpa.value + step.access.size - 1;
  if (last >> PhysicalWidth(machine_.processor) != 0) {
    return Hindrance::kWideGuestPhysical;
  }
  std::uint64_t bits = kGuestLeaf & ~kGuestWrite;
  if (step.page.user) bits |= kGuestUser;
  if (step.page.writable) bits |= kGuestWrite;
  if (step.page.execute_disable && machine_.processor.nx) bits |= Bit(63);
  const std::uint64_t pat = step.page.pat_index;
  bits |= (pat & 3) << 3 | (pat >> 2 & 1) << 7;
  const unsigned index = 2 + 3 * mapped_++;
  Put(Hpa{pages_[4].value + 8 * index}, first | bits);
  if (last >> 12 != first >> 12) {
    Put(Hpa{pages_[4].value + 8 * (index + 1)}, (first + kPage) | bits);
  }
  linear.gla = Gla{own_base_ + kPage * index + step.gpa.value % kPage};
  return Hindrance::kNone;
}

// The page of code in an unused place of the guest's own tables.
Hindrance Arranger::ProvideGuestCode(ArrangedCase& out) {
  const Case& c = out.c;
  const GuestState& g = c.guest;
  if (!Pages(g)) {
    out.code = Gla{pages_gpa_};
    return Hindrance::kNone;
  }
  const bool pae = Has(g.cr4, kCr4Pae);
  const std::uint64_t user = g.cpl == 3 ? kGuestUser : 0;
  Place place;
  std::size_t next = 1;  // of the pages, the next table
  const auto next_table = [&] { return pages_gpa_ + kPage * next; };
  if (pae && !Has(g.efer, kEferLma)) {
    int free = -1;
    for (int i = 3; i >= 0 && free < 0; --i) {
      const std::uint64_t base = static_cast<std::uint64_t>(i) << 30;
      if (g.pdpte[i] == 0 && !IsUsed(base, Bit(30))) free = i;
    }
    if (free >= 0) {
      out.c.guest.pdpte[free] = state_.guest.pdpte[free] = next_table() | 1;
      place = {pages_[next++], 0, 2, static_cast<std::uint64_t>(free) << 30};
    } else {
      bool found = false;
      for (int i = 3; i >= 0 && !found; --i) {
        if (!Has(g.pdpte[i], 0)) continue;
        found =
            FindInGuest(c, Gpa{g.pdpte[i] & kFrame}, 2,
                        static_cast<std::uint64_t>(i) << 30, k4Gb, 0, place);
      }
      if (!found) return Hindrance::kNoPlaceInGuest;
    }
  } else if (!pae) {
    if (!FindInGuest(c, Gpa{g.cr3 & 0xffff'f000}, 2, 0, k4Gb, 0, place)) {
      return Hindrance::kNoPlaceInGuest;
    }
  } else {
    const int levels = Has(g.cr4, kCr4La57) ? 5 : 4;
    const std::uint64_t limit = g.cs_l ? Bit(12 + 9 * levels) : k4Gb;
    if (!FindInGuest(c, Gpa{g.cr3 & kFrame}, levels, 0, limit, 0, place)) {
      return Hindrance::kNoPlaceInGuest;
    }
  }
  const unsigned entry_bytes = pae ? 8 : 4;
  const auto put = [&](Hpa address, std::uint64_t value) {
    const Hpa word{address.value & ~std::uint64_t{7}};
    const int shift = static_cast<int>(address.value % 8 * 8);
    Put(word, state_.memory.Load(word) | value << shift);
  };
  Hpa table = place.table;
  unsigned index = place.index;
  for (int level = place.level; level > 1; --level) {
    put(Hpa{table.value + entry_bytes * index}, next_table() | kGuestTable);
    table = pages_[next++];
    index = 0;
  }
  put(table, pages_gpa_ | kGuestLeaf | user);
  std::uint64_t gla = place.base;
  if (InIa32e(g) && Has(gla, LinearWidth(g) - 1)) {
    gla |= ~(Bit(LinearWidth(g)) - 1);
  }
  out.code = Gla{gla};
  return Hindrance::kNone;
}

bool Arranger::FindInGuest(const Case& c, Gpa table, int level,
                           std::uint64_t base, std::uint64_t limit, int depth,
                           Place& place) {
  Hpa at;
  if (!Locate(table, at)) return false;
  const bool pae = Has(c.guest.cr4, kCr4Pae);
  const int index_bits = pae ? 9 : 10;
  const unsigned entry_bytes = pae ? 8 : 4;
  const int shift = 12 + index_bits * (level - 1);
  const std::uint64_t bytes = Bit(shift);
  const auto last = static_cast<int>(std::min<std::uint64_t>(
      (1u << index_bits) - 1, (limit - base - 1) >> shift));
  const auto entry_at = [&](int i) {
    const std::uint64_t address =
        at.value + entry_bytes * static_cast<unsigned>(i);
    const std::uint64_t word =
        state_.memory.Load(Hpa{address & ~std::uint64_t{7}});
    return pae ? word : word >> (address % 8 * 8) & 0xffff'ffff;
  };
  // Of 64-bit addresses each privilege has a half, where halves are separated:
  // a user has the lower one.
  const int first = c.guest.cpl == 3 && last == 511 && level >= 4 ? 255 : last;
  for (int n = 0; n <= last; ++n) {
    const int i = first >= n ? first - n : first - n + last + 1;
    const std::uint64_t from = base + static_cast<std::uint64_t>(i) * bytes;
    if (entry_at(i) != 0 || IsUsed(from, bytes)) continue;
    place = {at, static_cast<unsigned>(i), level, from};
    return true;
  }
  if (level == 2 || depth == 3) return false;
  for (int i = last; i >= 0; --i) {
    const std::uint64_t entry = entry_at(i);
    if ((entry & kRights) != kRights || (entry & kLargePage) != 0) continue;
    if (FindInGuest(c, Gpa{entry & kFrame}, level - 1,
                    base + static_cast<std::uint64_t>(i) * bytes, limit,
                    depth + 1, place)) {
      return true;
    }
  }
  return false;
}

}  // namespace eptdiff
