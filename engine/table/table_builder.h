// Builds the EPT paging structures of one guest, and changes them while it runs
// (SDM 29.3.2, 29.4.3.4). With absl::Status for errors: extended_page_table.h.
//
// What holds for every operation:
//   - It is refused as a whole or done as a whole. All frames that it needs are
//     allocated before the first change; what is refused changes nothing.
//   - Each entry changes by one atomic store. For every page, whoever walks at
//     the same time finds the old mapping or the new one, never a third thing.
//     No operation makes a page not present that it does not unmap (there is no
//     break-before-make). The pages of a region change one after the other.
//   - A table is complete before it is linked; one that maps nothing any more
//     is unlinked and freed.
//   - INVEPT is executed if the processor may have cached what no longer holds
//     (CACHE-9), once, after all changes and before any frame is freed. It is
//     not executed otherwise: not for new mappings, not for added rights (which
//     may cost the guest one more EPT violation, 29.4.3.4).
//   - Accessed and dirty flags that processors set meanwhile are kept as long
//     as their page is mapped, through splits and merges, too: a part has the
//     flags of the whole, a whole those of any part.
//   - Entries keep the bits that software may use (EptFlags::kSoftware).
//
// Table entries grant everything; the leaf alone says what is allowed.
//
//   gpa ... 38:30   29:21   20:12        A region is walked once, table by
//        -> PDPT -> PD   -> PT           table: what it covers whole is done in
//             |      '-> 2-MByte page    its entry, what it covers in part is
//             '-> 1-GByte page           done one level down.
//
// Regions are `bytes` from `gpa` on, both multiples of 4096, `bytes` not 0.
//
// Memory for the list of unlinked tables comes from operator new.
//
// This folder makes tables, with one builder in two faces; it uses walk/, and
// knows nothing of guest/. Begin here; table_builder_inl.h decides,
// table_lookup_inl.h finds, table_change_inl.h stores.
//
// Thread-safety: one thread at a time may call what is not const. Meanwhile,
// others may call what is const, if the Hal's Invept() waits for them as well.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_BUILDER_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_BUILDER_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/bits.h"
#include "engine/table/ept_entry.h"
#include "engine/table/table_error.h"
#include "engine/table/table_format.h"
#include "engine/table/table_frames.h"
#include "engine/table/table_hal.h"
#include "engine/table/table_words.h"
#include "engine/types.h"
#include "engine/walk/use.h"

namespace eptdiff {

// A page, or what is said to be a part of one.
struct Mapping {
  Gpa gpa;
  Hpa hpa;
  std::uint64_t bytes = 0;  // of a page: 4096, 2^21 or 2^30
  EptFlags flags;           // as they stand in the entry
  friend bool operator==(const Mapping&, const Mapping&) = default;
};

// A visitor of removed mappings for those who do not care; costs nothing.
struct IgnoreMappings {
  void operator()(const Mapping&) const {}
};

template <TableHal Hal>
class TableBuilder {
 public:
  // An empty table. Borrows `hal`. The controls say which bits mean something;
  // they pass CheckControls(), have "enable EPT" 1, and an EPTP with memory
  // type, walk length and bits 6 and 7, to which the builder adds the address.
  // `unused` is what an entry holds that maps nothing: not present; bit 63
  // (EptFlags::kSuppressVe) keeps #VE from absent pages.
  // None: kBadControls, kMisconfigured (`unused` is present), kNoFrames,
  // kBadFrame.
  static std::optional<TableBuilder> Create(Hal& hal,
                                            const Processor& processor,
                                            const Controls& controls,
                                            TableError& error,
                                            EptEntry unused = EptEntry());

  TableBuilder(TableBuilder&& other) noexcept;
  TableBuilder& operator=(TableBuilder&&) = delete;
  // INVEPT if anything is mapped; frees all tables.
  ~TableBuilder();

  // The EPTP for the VMCS, and the controls with it.
  std::uint64_t eptp() const { return controls_.eptp; }
  const Controls& controls() const { return controls_; }
  const engine::TableFormat& format() const { return format_; }

  // One page. It is known by its first address: any other is kMisaligned.
  //
  // kMisaligned, kOutOfRange, kOverlap, kNoFrames, kBadFrame, kUnsupported (the
  // size, too), kNoAccess, kMisconfigured.
  TableResult Map(Gpa gpa, Hpa hpa, PageSize size, EptFlags flags);
  // kMisaligned, kOutOfRange, kNotMapped. `removed` is as it was at last, with
  // the flags that processors had set.
  TableResult Unmap(Gpa gpa, Mapping* removed = nullptr);
  // To another address, of the same alignment, and flags. The old page's
  // accessed and dirty flags go with it to `replaced`.
  TableResult Remap(Gpa gpa, Hpa hpa, EptFlags flags,
                    Mapping* replaced = nullptr);
  // Other flags; accessed and dirty are added if `flags` has them. Sub-page
  // permissions for a large page are kUnsupported.
  TableResult Protect(Gpa gpa, EptFlags flags);
  // Into 512 pages of the next size, each with the same flags. Of a 4-KByte
  // page: kUnsupported.
  TableResult Split(Gpa gpa);

  // Maps `bytes` at `hpa`, with the largest pages that the alignment of both
  // addresses, the processor, `flags` and `largest` allow. Where anything of it
  // is mapped already: kOverlap.
  TableResult MapRegion(Gpa gpa, Hpa hpa, std::uint64_t bytes, EptFlags flags,
                        PageSize largest = PageSize::k1GByte);
  // Whatever is mapped there. A page of which a part goes is split; kNoFrames
  // can refuse that. Each page, or part, that goes is shown to `visitor` with
  // its last flags, in no order.
  template <typename Visitor = IgnoreMappings>
  TableResult UnmapRegion(Gpa gpa, std::uint64_t bytes, Visitor&& visitor = {});
  // Whatever is mapped there; nothing where nothing is. Splits as above, and
  // large pages where `flags` has sub-page permissions.
  TableResult ProtectRegion(Gpa gpa, std::uint64_t bytes, EptFlags flags);
  // Makes large pages of 512 smaller ones wherever the whole large page lies in
  // the region, its parts lie in order, and only accessed and dirty differ.
  TableResult MergeRegion(Gpa gpa, std::uint64_t bytes);
  // Clears `flags`, of accessed and dirty, in each page that lies in the region
  // at least in part, and shows those that had any to `visitor` as they were.
  template <typename Visitor = IgnoreMappings>
  TableResult ClearFlags(Gpa gpa, std::uint64_t bytes, EptFlags flags,
                         Visitor&& visitor = {});

  // Changes EPTP bit 6. No processor may be using the table, and eptp() is
  // another one then; INVEPT is executed before it goes to 1 (CACHE-14).
  // kUnsupported without the capability.
  TableResult SetAccessedDirty(bool enabled);

  // The page that `gpa` lies in.
  TableResult Query(Gpa gpa, Mapping& mapping) const;
  // Visits each page that lies in the region at least in part, in order, until
  // `visitor` says false (if it says anything).
  template <typename Visitor>
  TableResult ForEach(Gpa gpa, std::uint64_t bytes, Visitor&& visitor) const;
  // Likewise, as ranges of the region that are as long as they can be: pages of
  // any size that lie one after the other in both address spaces, with the same
  // flags. At the pace of reading the tables.
  template <typename Visitor>
  TableResult ForEachRange(Gpa gpa, std::uint64_t bytes,
                           Visitor&& visitor) const;
  // Where the engine's walker goes with this use; sets no flags. The memory
  // type is that of a PAT type of WB.
  // kOutOfRange, kNotMapped, kNotAllowed.
  TableResult Translate(Gpa gpa, Use use, Translation& translation) const;

 private:
  using Words = engine::TableWords<Hal>;
  using Frames = engine::TableFrames<Hal>;

  // Guest-physical addresses from `begin` up to, not including, `end`.
  struct Range {
    std::uint64_t begin, end;
  };
  // The entry that a walk ends in.
  struct Place {
    Words words;
    int index;
    int level;
    std::uint64_t entry;
  };
  struct Covering {
    Hpa table;
    int level;
  };
  // A table that is linked no more, and may still be walked until INVEPT.
  struct Unlinked {
    Hpa table;
    int level;
    std::uint64_t gpa;
    bool merged;  // its pages are mapped by a larger one now
  };
  // What MapRegion writes: the level that large pages end at, and a leaf's bits
  // without the address.
  struct NewPages {
    std::uint64_t to_hpa;  // is added to a GPA, modulo 2^64
    EptFlags flags;
    int largest_level;
  };
  // What becomes of pages: change(entry, level).
  template <typename Change>
  struct Edit {
    int largest_level;  // larger pages are split
    Change change;
  };

  TableBuilder(Hal& hal, const Processor& processor, const Controls& controls,
               std::uint64_t unused)
      : hal_(&hal),
        processor_(processor),
        controls_(controls),
        format_(processor, controls),
        unused_(unused) {}

  // Index arithmetic: the table of `level`, one of its entries.
  static int IndexOf(std::uint64_t gpa, int level) {
    return static_cast<int>(gpa >> LevelShift(level) & 511);
  }
  static bool IsWhole(Range range, int level) {
    return range.end - range.begin == LevelBytes(level);
  }
  // Calls each(i, part) for each entry of a table of `level` that `range`,
  // which the table covers, touches.
  template <typename Each>
  static void ForEachEntry(int level, Range range, Each&& each);
  // The tables that it takes to map `range`, which one entry of `level` covers,
  // below that entry; 0 if the entry can do it.
  static std::uint64_t TablesFor(int level, Range range, int largest_level);

  TableResult CheckRegion(Gpa gpa, std::uint64_t bytes) const;
  TableResult CheckFrames(Hpa hpa, std::uint64_t bytes) const;
  Words Table(Hpa address) const { return Words(*hal_, address); }
  Words Root() const { return Table(Hpa{controls_.eptp & bits::kAddress}); }
  Words Child(std::uint64_t entry) const {
    return Table(EptEntry(entry).table());
  }
  std::uint64_t TableEntry(Hpa table) const {
    return EptEntry::Table(table, format_.mbec()).bits();
  }
  bool IsPresent(std::uint64_t entry) const { return format_.IsPresent(entry); }
  static bool MapsPage(std::uint64_t entry, int level) {
    return EptEntry(entry).maps_page(level);
  }
  Place Find(Gpa gpa) const;
  // The lowest table in which all of `range` lies.
  Covering FindCovering(Range range) const;
  // The page whose first address is `gpa`.
  TableResult FindPage(Gpa gpa, Place& place) const;
  static Mapping MappingOf(std::uint64_t entry, int level, Range part);

  TableResult PlanMap(Words words, int level, Range range,
                      const NewPages& pages, std::uint64_t& tables) const;
  void DoMap(Words words, int level, Range range, const NewPages& pages,
             Frames& frames);
  // A new table with `range` mapped in it.
  Hpa BuildTable(int level, Range range, const NewPages& pages, Frames& frames);

  // The tables that splitting for an edit takes.
  template <typename Change>
  std::uint64_t PlanEdit(Words words, int level, Range range,
                         const Edit<Change>& edit) const;
  // Splits the page at entry `i` so far that the edit has pages of its own, and
  // links the result with the edit done.
  template <typename Change>
  std::uint64_t SplitPage(Words words, int i, int level, Range part,
                          const Edit<Change>& edit, Frames& frames);
  template <typename Change>
  Hpa BuildSplit(std::uint64_t entry, int level, Range part,
                 const Edit<Change>& edit, Frames& frames);
  // Adds accessed and dirty flags to every page of a table.
  void AddFlags(Words words, int level, std::uint64_t flags);

  // Whether anything stays mapped in this table once `range` is unmapped.
  bool Survives(Words words, int level, Range range) const;
  template <typename Change, typename Visitor>
  void DoUnmap(Words words, int level, Range range, const Edit<Change>& edit,
               Frames& frames, Visitor& visitor);
  template <typename Change>
  void DoProtect(Words words, int level, Range range, const Edit<Change>& edit,
                 Frames& frames);
  void DoMerge(Words words, int level, Range range);
  void Merge(Words words, int i, int level, std::uint64_t gpa);
  template <typename Visitor>
  void DoClear(Words words, int level, Range range, std::uint64_t flags,
               Visitor& visitor);
  template <typename Visitor>
  bool Visit(Words words, int level, Range range, Visitor& visitor) const;
  template <typename Visitor>
  bool VisitLast(Words words, Range range, Visitor& visitor) const;
  // Adds what is mapped to `range`, which is shown where that does not go on.
  // `next`: the table that is read after this one.
  template <typename Visitor>
  bool VisitRuns(Words words, Words next, int level, Range part, Mapping& range,
                 Visitor& visitor) const;
  // False: `visitor` has seen enough.
  template <typename Visitor>
  static bool Show(const Mapping& page, Visitor& visitor);

  // Replaces a live entry by `change` of it, whatever flags are set meanwhile,
  // and notes whether INVEPT is needed. Says what it was.
  template <typename Change>
  std::uint64_t Update(Words words, int i, int level, const Change& change);
  void Note(std::uint64_t before, std::uint64_t after, int level) {
    if (!invept_ && format_.NeedsInvept(before, after, level)) invept_ = true;
  }
  // Ends an operation: INVEPT if it is needed, then what waited for it.
  template <typename Visitor = IgnoreMappings>
  void Finish(Visitor&& visitor = {});
  // Brings flags that were set in a table after it had been merged.
  void GatherFlags(const Unlinked& unlinked);
  template <typename Visitor>
  void FreeTables(Hpa table, int level, std::uint64_t gpa, bool show,
                  Visitor& visitor);

  Hal* hal_;  // null: moved from
  Processor processor_;
  Controls controls_;
  engine::TableFormat format_;
  std::uint64_t unused_;
  // Within an operation only.
  bool invept_ = false;
  std::vector<Unlinked> unlinked_;
};

}  // namespace eptdiff

#include "engine/table/table_builder_inl.h"
#include "engine/table/table_change_inl.h"
#include "engine/table/table_lookup_inl.h"

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_BUILDER_H_
