// The moments of an operation at which a processor comes in between
// (TableOperation::meanwhile): just before stores to tables in use, where a
// builder that has loaded an entry and stores it anew loses what the processor
// sets in it.
//
//   o = load(entry);
//                          <- a processor writes to the page: sets D
//   store(entry, f(o));       D is lost
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_MOMENTS_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_MOMENTS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/types.h"
#include "oracle/builder/frame_map.h"
#include "oracle/builder/frame_memory.h"
#include "oracle/builder/table_facts.h"
#include "oracle/case.h"

namespace eptdiff {

class Moments {
 public:
  // A page that a processor uses, and the tables by which it does.
  struct Use {
    Gpa page;
    std::uint64_t eptp;
  };

  // An operation begins on the tables under these.
  void Begin(const TableFacts& facts, std::span<const std::uint64_t> eptps,
             const TableOperation& operation);
  // There are none until the next begins.
  void End() { left_ = 0; }

  // The word at `address` is about to be stored: the page that a processor uses
  // before that, if this is such a moment and the word's entry maps something.
  // Where several tables share it, by the first of them.
  std::optional<Use> UseBefore(Hpa address, const FrameMemory& memory) {
    if (left_ == 0) return {};
    return Find(address, memory);
  }

 private:
  // Entries that are looked at for a page, at most; tables may be broken.
  static constexpr int kMaxLooks = 4096;

  // Of a table in use.
  struct Place {
    int level = 0;
    std::uint64_t gpa = 0;
    std::uint64_t eptp = 0;
  };

  std::optional<Use> Find(Hpa address, const FrameMemory& memory);
  void ReadTables(std::uint64_t table, const Place& place,
                  const FrameMemory& memory);
  bool LeadsToTable(std::uint64_t entry, int level) const;
  // The first page under an entry that is not before `from`.
  std::optional<Gpa> PageUnder(std::uint64_t entry, const Place& place,
                               std::uint64_t from, const FrameMemory& memory,
                               int& looks) const;

  TableFacts facts_;
  std::vector<std::uint64_t> eptps_;
  std::uint64_t gpa_ = 0;  // of the operation
  std::uint8_t left_ = 0;  // bit 0: before the next store
  bool known_ = false;     // `tables_` are those in use, but for `last_`
  FrameMap<Place> tables_;
  MemoryWord last_;  // that was stored to, as it was
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_MOMENTS_H_
