#include "oracle/exhaustive/combined_walks.h"

#include <algorithm>
#include <cstddef>

namespace eptdiff {
namespace {

constexpr std::uint64_t kPresent = 1, kWritable = 2, kAccessed = 0x20,
                        kGlobal = 0x100;

std::uint64_t FrameOf(std::uint64_t entry) { return entry & 0xffffffffff000; }

}  // namespace

bool CombinedWalks::Mapping::global() const {
  return whole() && !entries.empty() && (entries.back().value & kGlobal) != 0;
}

std::uint64_t CombinedWalks::Mapping::shift() const {
  return 12 + (tags.levels == 2 ? 10 : 9) * (tags.levels - entries.size());
}

bool CombinedWalks::Mapping::IsOf(std::uint64_t other) const {
  return gla >> shift() == other >> shift();
}

bool CombinedWalks::IsCurrent(const Mapping& mapping) const {
  return mapping.tags.vpid == tags_.vpid && mapping.tags.root == tags_.root &&
         (mapping.global() || mapping.tags.pcid() == tags_.pcid());
}

template <typename Ends>
void CombinedWalks::End(Ends ends) {
  std::erase_if(mappings_, ends);
}

void CombinedWalks::InveptSingle(std::uint64_t root) {
  ept_.InveptSingle(root);
  End([&](const Mapping& m) { return m.tags.root == root; });
}

void CombinedWalks::InveptAll() {
  ept_.InveptAll();
  mappings_.clear();
}

void CombinedWalks::InvvpidAddress(std::uint64_t vpid, std::uint64_t gla) {
  End([&](const Mapping& m) { return m.tags.vpid == vpid && m.IsOf(gla); });
}

void CombinedWalks::InvvpidSingle(std::uint64_t vpid) {
  End([&](const Mapping& m) { return m.tags.vpid == vpid; });
}

void CombinedWalks::InvvpidAll() {
  End([](const Mapping& m) { return m.tags.vpid != 0; });
}

void CombinedWalks::InvvpidRetaining(std::uint64_t vpid) {
  End([&](const Mapping& m) { return m.tags.vpid == vpid && !m.global(); });
}

// The page, and everything that leads to any page.
void CombinedWalks::Invlpg(std::uint64_t gla) {
  End([&](const Mapping& m) {
    if (m.tags.vpid != tags_.vpid) return false;
    if (!m.whole()) return m.tags.pcid() == tags_.pcid();
    return (m.global() || m.tags.pcid() == tags_.pcid()) && m.IsOf(gla);
  });
}

void CombinedWalks::InvpcidAddress(std::uint64_t pcid, std::uint64_t gla) {
  End([&](const Mapping& m) {
    return m.tags.vpid == tags_.vpid && m.tags.pcid() == pcid && !m.global() &&
           m.IsOf(gla);
  });
}

void CombinedWalks::InvpcidSingle(std::uint64_t pcid) {
  End([&](const Mapping& m) {
    return m.tags.vpid == tags_.vpid && m.tags.pcid() == pcid && !m.global();
  });
}

void CombinedWalks::InvpcidAll() { InvvpidSingle(tags_.vpid); }

void CombinedWalks::InvpcidRetaining() { InvvpidRetaining(tags_.vpid); }

void CombinedWalks::Violation(std::uint64_t gpa, bool translated,
                              std::uint64_t gla) {
  ept_.Violation(gpa);
  if (!translated) return;
  End([&](const Mapping& m) { return IsCurrent(m) && m.IsOf(gla); });
}

// Under whatever EPTRTA.
void CombinedWalks::PageFault(std::uint64_t gla) {
  End([&](const Mapping& m) {
    return m.tags.vpid == tags_.vpid && m.IsOf(gla) &&
           (m.global() || m.tags.pcid() == tags_.pcid());
  });
}

void CombinedWalks::Transition() { InvvpidSingle(0); }

std::uint64_t CombinedWalks::NextGpa(const Mapping& mapping) const {
  const CombinedTags& tags = mapping.tags;
  if (tags.levels == 0) return FrameOf(mapping.gla);
  if (!mapping.entries.empty()) return FrameOf(mapping.entries.back().value);
  return FrameOf(tags.hlatp != 0 ? tags.hlatp : tags.cr3);
}

CombinedWalks::GuestEntry CombinedWalks::NextEntry(
    const Mapping& mapping) const {
  if (mapping.tags.levels == 2) {
    // Of two entries in a word it is the lower.
    const std::uint64_t index = mapping.gla >> (mapping.shift() - 10) & 1023;
    const std::uint64_t address = mapping.address + 4 * index;
    return {address, ept_.Load(address) & 0xffffffff};
  }
  const std::uint64_t index = mapping.gla >> (mapping.shift() - 9) & 511;
  const std::uint64_t address = mapping.address + 8 * index;
  return {address, ept_.Load(address)};
}

std::set<CombinedWalks::Mapping> CombinedWalks::Located(
    const Mapping& mapping) const {
  std::set<Mapping> all;
  for (const SmallAnswer& end : ept_.Reach(NextGpa(mapping))) {
    if (end.kind != SmallAnswer::Kind::kCompletes) continue;
    Mapping located = mapping;
    located.located = true;
    located.address = end.address;
    if (located.whole()) located.rights = end.rights;
    all.insert(located);
  }
  return all;
}

CombinedWalks::Mapping CombinedWalks::With(Mapping mapping,
                                           const GuestEntry& entry) {
  mapping.entries.push_back(entry);
  mapping.located = false;
  mapping.address = 0;
  return mapping;
}

void CombinedWalks::Close() {
  ept_.Close();
  std::set<Mapping> open;
  for (const std::uint64_t gla : glas_) open.insert({tags_, gla, {}});
  // From what may be used, whatever root it was made from; with CR0.PG = 0 no
  // guest entry is read.
  for (const Mapping& mapping : mappings_) {
    if (tags_.levels != 0 && IsCurrent(mapping) && !mapping.whole()) {
      open.insert(mapping);
    }
  }
  while (!open.empty()) {
    std::set<Mapping> longer;
    for (const Mapping& mapping : open) {
      if (!mapping.located) {
        for (const Mapping& located : Located(mapping)) longer.insert(located);
      } else if (!mapping.whole()) {
        const GuestEntry next = NextEntry(mapping);
        if ((next.value & kPresent) == 0 || (next.value & kAccessed) == 0) {
          continue;
        }
        longer.insert(With(mapping, next));
      }
    }
    // Where the root is, is no mapping, nor a leaf without its page.
    for (const Mapping& mapping : longer) {
      const bool is =
          mapping.whole() ? mapping.located : !mapping.entries.empty();
      if (is) mappings_.insert(mapping);
    }
    open = std::move(longer);
  }
}

bool CombinedWalks::GuestRefuses(const Mapping& mapping, bool write) const {
  return write && tags_.levels != 0 &&
         std::any_of(mapping.entries.begin(), mapping.entries.end(),
                     [](const GuestEntry& entry) {
                       return (entry.value & kWritable) == 0;
                     });
}

// A guest entry without accessed flag was read by this access, for it is never
// kept. If the access completes, the flag is set; if not, it may be.
void CombinedWalks::Add(CombinedAnswer answer, const Mapping& mapping,
                        std::set<CombinedAnswer>& answers) {
  const bool completes = answer.kind == CombinedAnswer::Kind::kCompletes;
  for (const GuestEntry& entry : mapping.entries) {
    if ((entry.value & kAccessed) != 0) continue;
    if (!completes) answers.insert(answer);
    answer.writes[entry.address] = entry.value | kAccessed;
  }
  answers.insert(answer);
}

void CombinedWalks::Finish(const Mapping& mapping, bool write,
                           std::set<CombinedAnswer>& answers) const {
  CombinedAnswer answer;
  if (mapping.whole() && GuestRefuses(mapping, write)) {
    answer.kind = CombinedAnswer::Kind::kPageFault;
    answer.error = 3;
    return Add(answer, mapping, answers);
  }
  if (mapping.whole() && mapping.located) {
    answer.address = mapping.address;
    if ((mapping.rights & (write ? 2u : 1u)) == 0) {
      answer.kind = CombinedAnswer::Kind::kViolation;
      answer.address = NextGpa(mapping);
      answer.rights = mapping.rights;
      answer.translated = true;
    }
    return Add(answer, mapping, answers);
  }
  if (mapping.located) {
    const GuestEntry next = NextEntry(mapping);
    if ((next.value & kPresent) != 0) {
      return Finish(With(mapping, next), write, answers);
    }
    answer.kind = CombinedAnswer::Kind::kPageFault;
    answer.error = (write ? 2 : 0) | (mapping.tags.hlatp != 0 ? 0x80 : 0);
    return Add(answer, mapping, answers);
  }
  for (const Mapping& located : Located(mapping)) {
    Finish(located, write, answers);
  }
  for (const SmallAnswer& end : ept_.Reach(NextGpa(mapping))) {
    if (end.kind == SmallAnswer::Kind::kCompletes) continue;
    answer.kind = end.kind == SmallAnswer::Kind::kViolation
                      ? CombinedAnswer::Kind::kViolation
                      : CombinedAnswer::Kind::kMisconfiguration;
    answer.address = NextGpa(mapping);
    answer.translated = mapping.whole();
    Add(answer, mapping, answers);
  }
}

std::set<CombinedAnswer> CombinedWalks::Access(std::uint64_t gla,
                                               bool write) const {
  std::set<CombinedAnswer> answers;
  Finish({tags_, gla, {}}, write, answers);
  for (const Mapping& mapping : mappings_) {
    if (mapping.gla != gla || !IsCurrent(mapping)) continue;
    // With CR0.PG = 0 no guest entry is read.
    if (tags_.levels == 0 && !mapping.whole()) continue;
    Finish(mapping, write, answers);
  }
  return answers;
}

}  // namespace eptdiff
