// A logical processor that forgets nothing before it has to (SDM 29.4): what it
// has walked through once it may use again, whole or from any table on, until
// INVEPT with its EPTRTA (CACHE-3, CACHE-4, CACHE-6).
//
// It uses a page that it holds at the worst moments: as soon as INVEPT is over
// it holds the page again, as memory is then; and while software changes
// tables it sets flags in the page's entries, and in its neighbour's, by the
// tables that it remembers, whether or not they are linked any more.
// What it holds is of the tables that it ran in then, by their EPTRTA
// (CACHE-1): when it runs in others it is not used, and when it comes back it
// is there (25.5.6.3).
//
// A page that it has used for a linear address it holds by a combined mapping
// as well, with the VPID (29.4.1). That outlives an EPT violation for another
// linear address, and is what INVVPID ends: not the guest-physical mapping,
// from which it is there again at once.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_CACHING_PROCESSOR_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_CACHING_PROCESSOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/types.h"
#include "oracle/builder/frame_pool.h"
#include "oracle/builder/table_facts.h"
#include "oracle/case.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {

// The entries, as they were, that a walk of one address may go through without
// a look at memory: from the root on, the leaf included or not.
using CachedPath = FixedVector<MemoryWord, 5>;

// The linear address that an access is about, and the VPID that is current.
struct LinearUse {
  std::uint16_t vpid = 0;
  Gla gla = {};

  bool SamePage(const LinearUse& other) const {
    return vpid == other.vpid && (gla.value ^ other.gla.value) >> 12 == 0;
  }
};

class CachingProcessor {
 public:
  // How many pages it holds; the oldest goes when another comes.
  static constexpr std::size_t kPages = 16;

  // Borrows `pool`; logical processor `number`.
  CachingProcessor(FramePool& pool, std::size_t number)
      : pool_(pool), number_(number) {}

  // Begins with nothing cached. `stopped`: while operations run it does not.
  void Reset(const TableFacts& facts, std::uint64_t eptp, bool stopped = false);
  // It runs in other tables from now on, by VMFUNC.
  void Switch(std::uint64_t eptp) { eptp_ = eptp; }
  // Those in which it runs.
  std::uint64_t eptp() const { return eptp_; }

  // The processor has used, or may have used, the page of `gpa`, for a linear
  // address, if there is one.
  void Hold(Gpa gpa, bool write, std::optional<LinearUse> use = {});

  // An EPT violation at `gpa`: what it would have used for it is gone
  // (CACHE-5), and for a linear address, if it was the translation of one.
  void OnViolation(Gpa gpa, std::optional<LinearUse> use = {});

  // What it may go by at `gpa` and memory does not say, save in accessed and
  // dirty flags: each path, longest first. Of an access to another page, too,
  // which might go by the same tables, none of which only the whole is known.
  void ListStale(Gpa gpa, std::optional<LinearUse> use, bool two_pages,
                 std::vector<CachedPath>& paths) const;

  // Uses the page of `gpa` in the tables of `eptp` just before the entry at
  // `address` changes, and, if `holds`, holds it. False if it cannot.
  bool Use(std::uint64_t eptp, Hpa address, Gpa gpa, bool holds);

  // Tables have begun to change; and INVEPT begins, or is over.
  void OnFirstStore();
  void BeforeInvept();
  void OnInvept(const Invalidation& invept);
  // INVVPID has been executed (CACHE-7); and a VM transition has come without
  // VPIDs (CACHE-11).
  void OnInvvpid(const Invalidation& invvpid);
  void OnTransition();
  // An operation is over: it runs again, if it was stopped.
  void EndOperation();

 private:
  struct Walk {
    std::uint64_t root = 0;  // the tables in which it is held
    std::uint64_t page = 0;  // its first address
    bool write = false;
    bool forgot = false;  // while it was stopped: to be held again
    FixedVector<MemoryWord, 5> entries;  // present ones, from the root on
    int forgotten = 0;  // so many of them are no longer known by themselves
    std::optional<LinearUse> use;  // by a combined mapping as well

    bool known() const { return forgotten < static_cast<int>(entries.size()); }
  };

  void Hold(std::uint64_t root, Gpa gpa, bool write,
            std::optional<LinearUse> use);
  // The entries that lead to `page` in memory now.
  void Trace(Walk& walk) const;
  // Likewise, of a page that it holds from now on: without a leaf, by no
  // combined mapping.
  void TraceAnew(Walk& walk) const;
  // How many of the entries of `walk` control `gpa`, too.
  int Shared(const Walk& walk, std::uint64_t gpa) const;
  void SetFlags(const Walk& walk);
  // It has forgotten those of which `forgot(walk)` says so, and holds these
  // pages again.
  template <typename F>
  void Renew(F forgot);
  void DropUnknown();
  // Combined mappings of which `ends` says so end.
  template <typename F>
  void EndCombined(F ends);
  // The same by what is cached of the tables, save the leaf (CACHE-4), which
  // memory has to have still.
  void SetFlagsByTables(const Walk& walk);
  // Sets the dirty flag for a write to `gpa`, and logs that (PML-2).
  void SetDirty(Hpa leaf, std::uint64_t gpa);
  // Whether its log is full, which a flag to be set makes an exit (PML-1).
  bool IsLogFull() const;

  FramePool& pool_;
  std::size_t number_;
  TableFacts facts_;
  std::uint64_t eptp_ = 0;
  std::vector<Walk> walks_;
  bool stopped_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_CACHING_PROCESSOR_H_
