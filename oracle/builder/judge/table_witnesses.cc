#include "oracle/builder/judge/table_witnesses.h"

#include <cstdint>
#include <vector>

#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;
constexpr std::uint64_t kAll = 0x37;        // read, write, execute; WB
constexpr std::uint64_t kNoWrite = 0x35;    // read, execute; WB
constexpr std::uint64_t kFlags = 0x10005e;  // EPTP with accessed and dirty

std::vector<TableWitness> MakeWitnesses() {
  return {
      {"table-split-keeps-permissions",
       "one 4-KByte page of a 2-MByte page is unmapped; the others stay "
       "writable",
       "builder-split-drops-permission", BuilderRule::kOldOrNew,
       TableCase()
           .Map(0, k2M, kAll, 2)
           .UnmapRegion(3 * k4K, k4K)
           .Write(4 * k4K)
           .Build()},
      {"table-split-is-stored",
       "one 4-KByte page of a 2-MByte page becomes read-only",
       "builder-split-not-stored", BuilderRule::kInveptNeeded,
       TableCase()
           .Map(0, k2M, kAll, 2)
           .ProtectRegion(3 * k4K, k4K, kNoWrite)
           .Write(3 * k4K)
           .Build()},
      {"table-split-1-gbyte",
       "two 4-KByte pages on both sides of a 2-MByte boundary in a 1-GByte "
       "page",
       "builder-split-drops-permission", BuilderRule::kOldOrNew,
       TableCase(0x100026)
           .Map(k1G, 4 * k1G, kAll, 3)
           .ProtectRegion(k1G + k2M - k4K, 2 * k4K, kNoWrite)
           .Write(k1G + k2M)
           .Write(k1G + 2 * k2M)
           .Build()},
      {"table-unmap-part-of-large-page",
       "the rest of a large page stays when a part is unmapped",
       "builder-unmap-clears-large-page", BuilderRule::kOldOrNew,
       TableCase()
           .Map(0, k2M, kAll, 2)
           .UnmapRegion(0, 4 * k4K)
           .Read(4 * k4K)
           .Read(3 * k4K)
           .Build()},
      {"table-write-permission-removed",
       "a processor has written to a page that becomes read-only (CACHE-9)",
       "builder-invept-missing-for-write", BuilderRule::kStaleRight,
       TableCase()
           .Map(0x5000, 0x9000, kAll)
           .Write(0x5000)
           .Protect(0x5000, kNoWrite)
           .Write(0x5000)
           .Build()},
      {"table-page-moves", "a processor has read a page that moves (CACHE-9)",
       "builder-invept-never", BuilderRule::kStaleTranslation,
       TableCase()
           .Map(0x5000, 0x9000, kAll)
           .Read(0x5000)
           .Remap(0x5000, 0xa000, kAll)
           .Read(0x5000)
           .Build()},
      {"table-memory-type-changes", "a page that was WB becomes UC (CACHE-9)",
       "builder-invept-never", BuilderRule::kStaleType,
       TableCase()
           .Map(0x5000, 0x9000, kAll)
           .Read(0x5000)
           .Protect(0x5000, 7)
           .Read(0x5000)
           .Build()},
      {"table-frame-used-again",
       "tables that a processor has walked through are freed, and their frames "
       "become other tables of the same address",
       "builder-invept-never", BuilderRule::kStaleTable,
       TableCase()
           .Map(0x5000, 0x9000, kAll)
           .Read(0x5000)
           .Unmap(0x5000)
           .Map(k1G, 0x9000, kAll)
           .Map(0x5000, 0x9000, kAll)
           .Read(0x5000)
           .Build()},
      {"table-freed-after-invept",
       "the last page of a table goes, and the table with it",
       "builder-freed-before-invept", BuilderRule::kFreedEarly,
       TableCase()
           .Map(0x5000, 0x9000, kAll)
           .Map(k1G, 0xa000, kAll)
           .Unmap(0x5000)
           .Read(k1G)
           .Build()},
      {"table-first-entry-goes",
       "the first page of a table goes, and another one stays",
       "builder-freed-by-first-entry", BuilderRule::kOldOrNew,
       TableCase().MapRegion(0, k2M, 2 * k4K, kAll).Unmap(0).Read(k4K).Build()},
      {"table-filled-before-linked", "a page where no table is yet",
       "builder-linked-before-filled", BuilderRule::kEntry,
       TableCase().Map(0, k2M, kAll).Read(0).Build()},
      {"table-high-addresses", "pages above 4 GByte", "builder-address-32-bits",
       BuilderRule::kOldOrNew,
       TableCase()
           .MapRegion(0, 8 * k1G, k1G + k2M + k4K, kAll)
           .Read(0)
           .Read(k1G + k2M)
           .Build()},
      {"table-protect-large-page", "a 2-MByte page becomes read-only",
       "builder-protect-skips-large-pages", BuilderRule::kMapsAsAsked,
       TableCase()
           .Map(k2M, 2 * k2M, kAll, 2)
           .ProtectRegion(k2M, k2M, kNoWrite)
           .Write(k2M)
           .Build()},
      {"table-hole-in-region", "a region with a hole before its last page",
       "builder-hole-ends-region", BuilderRule::kMapsAsAsked,
       TableCase()
           .Map(0x2000, 0x9000, kAll)
           .Map(0x4000, 0xa000, kAll)
           .ProtectRegion(0x2000, 3 * k4K, kNoWrite)
           .Write(0x4000)
           .Build()},
      {"table-overlap", "what is mapped already is not mapped again",
       "builder-overlap-accepted", BuilderRule::kRefused,
       TableCase()
           .Map(0, k2M, kAll, 2)
           .MapRegion(k2M - k4K, 0x9000, 2 * k4K, kAll)
           .Read(k2M)
           .Build()},
      {"table-out-of-frames",
       "a split that gets no frame leaves everything as it was",
       "builder-refused-after-change", BuilderRule::kUntouched,
       TableCase()
           .Map(0, k2M, kAll, 2)
           .ProtectRegion(k4K, k4K, kNoWrite)
           .Failing(1)
           .Write(k4K)
           .Build()},
      {"table-iteration", "pages of each size are shown",
       "builder-iteration-skips-last", BuilderRule::kIteration,
       TableCase()
           .Map(0, 0x9000, kAll)
           .Map(k2M, k2M, kAll, 2)
           .Map(k1G, k1G, kAll, 3)
           .Build()},
      {"table-linked-once", "two pages in neighbouring 2-MByte regions",
       "builder-linked-twice", BuilderRule::kTree,
       TableCase().Map(0, 0x9000, kAll).Map(k2M, 0xa000, kAll).Build()},
      {"table-becomes-empty", "no table stays that maps nothing",
       "builder-empty-table-stays", BuilderRule::kEmptyTable,
       TableCase().Map(0, 0x9000, kAll).Unmap(0).Build()},
      {"table-ignored-bits", "a table entry that stays keeps all its bits",
       "builder-ignored-bits-lost", BuilderRule::kIgnoredBits,
       TableCase().Map(0, 0x9000, kAll).Map(k4K, 0xa000, kAll).Build()},
      {"table-flags-set-meanwhile",
       "a processor writes to a page while it is split, and merged again",
       "builder-unreported-store", BuilderRule::kReported,
       TableCase(kFlags)
           .Map(0, k2M, kAll, 2)
           .Write(0)
           .Clear(0, k2M, 0x300)
           .Split(0)
           .Write(k4K)
           .Merge(0, k2M)
           .Build()},
      {"table-frames-are-left-alone", "freed frames are written to no more",
       "builder-store-after-free", BuilderRule::kOwnFrames,
       TableCase().Map(0, 0x9000, kAll).Unmap(0).Build()},
      {"table-end-frees-root", "the end of a builder that maps nothing",
       "builder-end-keeps-root", BuilderRule::kLeak,
       TableCase().Map(0, 0x9000, kAll).Unmap(0).Build()},
      {"table-end-with-pages", "the end of a builder that maps a page",
       "builder-end-without-invept", BuilderRule::kInvept,
       TableCase().Map(0, 0x9000, kAll).Read(0).Build()},
      {"table-removed-is-shown",
       "what is unmapped is shown: a part of a large page, and a small one",
       "builder-removed-skips-last", BuilderRule::kTakenOut,
       TableCase()
           .Map(0, k2M, kAll, 2)
           .Map(k2M, 0x9000, kAll)
           .UnmapRegion(k2M - k4K, 2 * k4K)
           .Build()},
      {"table-removed-has-its-flags",
       "a processor uses a page by a table that is linked no more, before "
       "INVEPT: its flags are shown with it",
       "builder-removed-flags-early", BuilderRule::kTakenOut,
       TableCase(kFlags)
           .MapRegion(0, 0x9000, 2 * k4K, kAll)
           .Write(0)
           .UnmapRegion(0, 2 * k4K)
           .Build()},
      {"table-flags-set-between-load-and-store",
       "a processor writes to a page just before the store that takes its "
       "write permission away: its flags stay",
       "builder-flags-raced", BuilderRule::kFlagsRaced,
       TableCase(kFlags)
           .Map(0, 0x9000, kAll)
           .Protect(0, kNoWrite)
           .Meanwhile(1)
           .Build()},
      {"table-removed-between-load-and-store",
       "a processor writes to a page just before the store that unmaps it: its "
       "flags are shown with it",
       "builder-flags-raced", BuilderRule::kFlagsRaced,
       TableCase(kFlags)
           .MapRegion(0, 0x9000, 2 * k4K, kAll)
           .Unmap(0)
           .Meanwhile(1)
           .Build()},
      {"table-added-right",
       "a right that is added needs no INVEPT and may cost a violation",
       "builder-linked-before-filled", BuilderRule::kEntry,
       TableCase()
           .Map(0, 0x9000, kNoWrite)
           .Read(0)
           .Protect(0, kAll)
           .Write(0)
           .Build()},
  };
}

}  // namespace

std::span<const TableWitness> TableWitnesses() {
  static const std::vector<TableWitness>& witnesses =
      *new std::vector<TableWitness>(MakeWitnesses());
  return witnesses;
}

}  // namespace eptdiff
