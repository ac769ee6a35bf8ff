// Accessed and dirty flags that an operation has to keep: what a processor has
// set for a page that stays must be in its entry afterwards.
//
// Flags are lost at once where a store takes them from a page that is mapped.
// Where pages are merged, or absent for a while, the builder has until the end
// of the operation; so it has for what is set in tables that it has unlinked,
// which processors do until INVEPT (CACHE-4).
//
// Flags that are set in a table in use while the operation runs are told apart:
// who loses those alone has loaded the entry before, and should have used
// compare_exchange.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_KEPT_FLAGS_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_KEPT_FLAGS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "oracle/builder/mapping_model.h"
#include "oracle/case.h"

namespace eptdiff {

class KeptFlags {
 public:
  struct Lost {
    std::uint64_t gpa;
    std::uint64_t flags;
    bool between;  // all of them were set since the operation began
  };
  // What becomes of flags that a change of an entry takes away.
  enum class Until : std::uint8_t { kNow, kTheEnd };

  // An operation begins: some flags it may clear; all, if it `replaces` pages.
  void Begin(const TableOperation& operation, bool replaces = false);
  // These are the builder's own in it.
  void Excuse(std::uint64_t flags) { kept_ &= ~flags; }
  // Another runs at once.
  void BeginBeside(const TableOperation& operation, bool replaces = false);
  // One of the two has unmapped these: what is there in the end the other has
  // mapped after it.
  void LetGo(std::uint64_t gpa, std::uint64_t bytes);

  // A processor sets `page.flags` in the entry of a page, in a table in use or
  // one that waits for INVEPT.
  void OnSet(const Interval& page, bool in_use);

  // An entry that mapped `was` maps `is`. What is lost by that, if anything is.
  std::optional<Lost> OnChange(const std::vector<Interval>& was,
                               const std::vector<Interval>& is, Until until);
  // The operation is over; `pages` are mapped.
  std::optional<Lost> AtEnd(const std::vector<Interval>& pages) const;

  // Which flags were set since then in tables in use: for the page of `gpa`; of
  // any.
  std::uint64_t SetBetween(std::uint64_t gpa) const;
  std::uint64_t set_between() const;

 private:
  static std::uint64_t KeptBy(const TableOperation& operation);
  Lost LostAt(std::uint64_t gpa, std::uint64_t flags) const;
  void Owe(const Interval& page, std::uint64_t begin, std::uint64_t end,
           std::uint64_t flags);

  std::uint64_t kept_ = 0;  // the flags that count
  std::vector<Interval> set_between_;
  std::vector<Interval> owed_;  // flags that have to be there in the end
  std::uint64_t gone_ = 0, gone_bytes_ = 0;  // where none are owed
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_KEPT_FLAGS_H_
