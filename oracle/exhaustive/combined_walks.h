// The second statement (walk_set.h), of linear addresses: the set of all
// combined mappings, whole and partial, that a logical processor may hold, over
// its set of EPT walks. What is in it was made of an EPT walk that was held
// then, and is held on its own.
//
// It knows 4-level paging, also from HLATP, 32-bit paging and none, in
// supervisor mode with CR0.WP = 1 and all CR4.PGE and CR4.PCIDE are for, small
// pages, reads and writes; nothing of the reference. Thread-safety:
// thread-compatible.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_COMBINED_WALKS_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_COMBINED_WALKS_H_

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "oracle/exhaustive/walk_set.h"

namespace eptdiff {

// What becomes of a linear access.
struct CombinedAnswer {
  enum class Kind : std::uint8_t {
    kCompletes,
    kPageFault,
    kViolation,
    kMisconfiguration
  };
  Kind kind = Kind::kCompletes;
  std::uint64_t address = 0;  // of the page: host-physical; an exit's: the GPA
  std::uint64_t rights = 0;   // a violation's: those of all EPT entries used
  bool translated = false;    // a violation: of what the address leads to
  std::uint64_t error = 0;    // of the #PF
  // Guest entries that change, by address.
  std::map<std::uint64_t, std::uint64_t> writes;
  auto operator<=>(const CombinedAnswer&) const = default;
};

// The tags that are current, and what the guest's entries are read from, which
// is no tag.
struct CombinedTags {
  std::uint64_t vpid = 0;
  std::uint64_t cr3 = 0;  // with PCID
  std::uint64_t root = 0;
  std::uint64_t hlatp = 0;  // if not 0, in place of CR3
  unsigned levels = 4;      // 2 with 32-bit paging, 0 with CR0.PG = 0
  std::uint64_t pcid() const { return cr3 & 0xfff; }
  auto operator<=>(const CombinedTags&) const = default;
};

class CombinedWalks {
 public:
  // The guest-physical pages and the linear ones that are looked at.
  CombinedWalks(std::vector<std::uint64_t> gpas,
                std::vector<std::uint64_t> glas, CombinedTags tags)
      : glas_(std::move(glas)),
        tags_(tags),
        ept_(std::move(gpas), tags.root, /*flags=*/false) {}

  const CombinedTags& tags() const { return tags_; }

  // Each of these changes something: call Close() when it is done.
  void Store(std::uint64_t address, std::uint64_t value) {
    ept_.Store(address, value);
  }
  void SetTags(const CombinedTags& tags) {
    tags_ = tags;
    ept_.SetRoot(tags.root);
  }
  void InveptSingle(std::uint64_t root);
  void InveptAll();
  void InvvpidAddress(std::uint64_t vpid, std::uint64_t gla);
  void InvvpidSingle(std::uint64_t vpid);
  void InvvpidAll();
  void InvvpidRetaining(std::uint64_t vpid);
  void Invlpg(std::uint64_t gla);
  void InvpcidAddress(std::uint64_t pcid, std::uint64_t gla);
  void InvpcidSingle(std::uint64_t pcid);  // MOV to CR3, too
  void InvpcidAll();
  void InvpcidRetaining();
  void MovCr0() { InvpcidAll(); }  // that clears CR0.PG
  void Violation(std::uint64_t gpa, bool translated, std::uint64_t gla);
  void PageFault(std::uint64_t gla);
  void Transition();  // where VPIDs are not enabled
  void Close();

  std::set<CombinedAnswer> Access(std::uint64_t gla, bool write) const;

 private:
  struct GuestEntry {
    std::uint64_t address = 0;  // host-physical
    std::uint64_t value = 0;
    auto operator<=>(const GuestEntry&) const = default;
  };
  // From CR3 down. Located: with the place of what the last entry leads to, the
  // next table or in the end the page.
  struct Mapping {
    CombinedTags tags;
    std::uint64_t gla = 0;
    std::vector<GuestEntry> entries;
    bool located = false;
    std::uint64_t address = 0;  // host-physical, of the table or page
    std::uint64_t rights = 0;   // whole: EPT's
    auto operator<=>(const Mapping&) const = default;

    bool whole() const { return entries.size() == tags.levels; }
    bool global() const;  // whole, and G
    // What the bits of the address from there up have selected.
    std::uint64_t shift() const;
    // Whether the address selects the same entries.
    bool IsOf(std::uint64_t other) const;
  };

  template <typename Ends>
  void End(Ends ends);
  // Whether a mapping may be used, or would be, now.
  bool IsCurrent(const Mapping& mapping) const;
  // Where the table, or the page, is that comes next.
  std::uint64_t NextGpa(const Mapping& mapping) const;
  GuestEntry NextEntry(const Mapping& mapping) const;
  // With the place of what comes next, by all that is held of EPT; and with one
  // entry more.
  std::set<Mapping> Located(const Mapping& mapping) const;
  static Mapping With(Mapping mapping, const GuestEntry& entry);
  // Goes on from a mapping by what is held of EPT and by memory.
  void Finish(const Mapping& mapping, bool write,
              std::set<CombinedAnswer>& answers) const;
  static void Add(CombinedAnswer answer, const Mapping& mapping,
                  std::set<CombinedAnswer>& answers);
  bool GuestRefuses(const Mapping& mapping, bool write) const;

  const std::vector<std::uint64_t> glas_;
  CombinedTags tags_;
  WalkSet ept_;
  std::set<Mapping> mappings_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_COMBINED_WALKS_H_
