// What an operation takes out of the tables, as its stores and processors make
// it, against what its builder says of it: TableBuilder's `removed`, `replaced`
// and visitors.
//
//   unmap   each page, or part of one, that goes
//   remap   the page that was there
//   clear   each page that had one of the flags, as a whole
//
// All with the flags that they had at last: a processor may set them in a table
// that is linked no more, until INVEPT (CACHE-4).
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_TAKEN_OUT_H_
#define EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_TAKEN_OUT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "oracle/builder/mapping_model.h"
#include "oracle/builder/symptom.h"
#include "oracle/case.h"

namespace eptdiff {

class TakenOut {
 public:
  // An operation begins, on so many bytes; `page` maps its first address now,
  // null if none does.
  void Begin(const TableOperation& operation, std::uint64_t bytes,
             const Interval* page);

  // An entry that mapped `was` maps `is`.
  void OnChange(const std::vector<Interval>& was,
                const std::vector<Interval>& is);
  // A processor has set flags in an entry that mapped this page.
  void OnFlags(std::uint64_t gpa, std::uint64_t bytes, std::uint64_t flags);

  bool empty() const { return pages_.empty(); }

  struct Wrong {
    Mistake mistake;  // kRemoved...
    std::uint64_t where;
  };
  // What is wrong with `told`, in whatever order it comes, among the flags of
  // `mask`.
  std::optional<Wrong> Compare(std::vector<Interval> told,
                               std::uint64_t mask) const;

 private:
  // What of `page` lies in the region.
  Interval Clip(const Interval& page) const;
  void TakeUnmapped(const Interval& page, const std::vector<Interval>& is);
  void TakeCleared(const Interval& page, const std::vector<Interval>& is);

  TableOperationKind kind_ = TableOperationKind::kMap;
  std::uint64_t begin_ = 0, end_ = 0;  // of the region
  bool replaced_ = false;
  MappingModel pages_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_TAKEN_OUT_H_
