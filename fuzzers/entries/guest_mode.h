// How the guest's own paging is laid out in each of its modes: how high its
// tables are, how large their entries, what selects one, where they lie. For
// those who make questions; those who answer have their own. Volume 3A 4.1 to
// 4.5. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_ENTRIES_GUEST_MODE_H_
#define EPTDIFF_FUZZERS_ENTRIES_GUEST_MODE_H_

#include <cstdint>

#include "oracle/case.h"

namespace eptdiff {

enum class GuestPagingMode : std::uint8_t {
  kNone,  // CR0.PG = 0
  k32Bit,
  kPae,
  kFourLevel,
  kFiveLevel,
};

GuestPagingMode GuestModeOf(const GuestState& g);

struct GuestShape {
  int levels;            // of tables in memory; PAE has PDPTE registers above
  unsigned entry_bytes;  // 4 or 8
  unsigned index_bits;   // 10 or 9
  unsigned width;        // of linear addresses
};
constexpr GuestShape ShapeOf(GuestPagingMode mode) {
  switch (mode) {
    case GuestPagingMode::kNone:
      break;
    case GuestPagingMode::k32Bit:
      return {2, 4, 10, 32};
    case GuestPagingMode::kPae:
      return {2, 8, 9, 32};
    case GuestPagingMode::kFourLevel:
      return {4, 8, 9, 48};
    case GuestPagingMode::kFiveLevel:
      return {5, 8, 9, 57};
  }
  return {0, 8, 9, 32};
}

// What one entry of `level` translates, as a shift; the index of its entry.
constexpr unsigned GuestPageShift(GuestPagingMode mode, int level) {
  return 12 + ShapeOf(mode).index_bits * static_cast<unsigned>(level - 1);
}
constexpr unsigned GuestIndex(GuestPagingMode mode, std::uint64_t gla,
                              int level) {
  return static_cast<unsigned>(gla >> GuestPageShift(mode, level)) &
         ((1u << ShapeOf(mode).index_bits) - 1);
}

constexpr bool IsIa32e(GuestPagingMode mode) {
  return mode == GuestPagingMode::kFourLevel ||
         mode == GuestPagingMode::kFiveLevel;
}

// `gla` as the mode's paging takes it: canonical, or 32 bits wide.
std::uint64_t Canonical(GuestPagingMode mode, std::uint64_t gla);
// Whether the linear addresses of the access have 64 bits: in 64-bit mode, and
// in compatibility mode those of descriptor tables.
bool Has64BitAddresses(const GuestState& g, const Access& access);
// Of the linear address that an access names, the bits that masking replaces
// (GW-23); of implicit accesses none, as nothing says whether it does.
std::uint64_t MetadataOf(const GuestState& g, const Access& access,
                         std::uint64_t gla);
// The address that paging takes.
std::uint64_t Masked(const GuestState& g, const Access& access,
                     std::uint64_t gla);
// `gla` with the metadata of `tagged`, where masking replaces it.
std::uint64_t Tagged(const GuestState& g, const Access& access,
                     std::uint64_t tagged, std::uint64_t gla);
// `gla` as the access may name it: canonical once it is masked, or 32 bits
// wide.
std::uint64_t Canonical(const GuestState& g, const Access& access,
                        std::uint64_t gla);

// Whether a present entry maps a page.
bool GuestMapsPage(const GuestState& g, GuestPagingMode mode, int level,
                   std::uint64_t entry);
// The guest-physical address of `gla` in the page that it maps.
std::uint64_t GuestTarget(GuestPagingMode mode, int level, std::uint64_t entry,
                          std::uint64_t gla);
// The guest-physical address of the table that it references.
std::uint64_t GuestNextTable(GuestPagingMode mode, std::uint64_t entry);

// Whether the address is subject to HLAT paging, and where that begins.
bool UsesHlat(const Case& c, std::uint64_t gla);
// The guest-physical address of the first table of ordinary paging; with PAE
// paging, of the page directory of `gla`. False if there is none.
bool GuestRoot(const Case& c, GuestPagingMode mode, std::uint64_t gla,
               std::uint64_t& root);

// Whether the step is an access through the guest's paging.
bool IsPagedAccess(const Case& c, const Step& step);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENTRIES_GUEST_MODE_H_
