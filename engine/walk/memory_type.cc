#include "engine/walk/memory_type.h"

namespace eptdiff::engine {
namespace {

constexpr std::uint8_t kUc = 0, kWc = 1, kWt = 4, kWp = 5, kWb = 6;
constexpr std::uint8_t kNo = kReservedType;

// Table 12-7 of Volume 3A with the EPT memory type in place of the MTRRs': the
// types of an EPT leaf across, in the order of their encoding.
struct Combination {
  std::uint8_t pat;
  std::array<std::uint8_t, 8> by_ept_type;
};
// clang-format off
constexpr Combination kCombinations[] = {
    //              UC   WC             WT   WP   WB
    {0 /* UC  */, {kUc, kUc, kNo, kNo, kUc, kUc, kUc, kNo}},
    {1 /* WC  */, {kWc, kWc, kNo, kNo, kWc, kWc, kWc, kNo}},
    {4 /* WT  */, {kUc, kUc, kNo, kNo, kWt, kWt, kWt, kNo}},
    {5 /* WP  */, {kUc, kUc, kNo, kNo, kWp, kWp, kWp, kNo}},
    {6 /* WB  */, {kUc, kWc, kNo, kNo, kWt, kWp, kWb, kNo}},
    {7 /* UC- */, {kUc, kWc, kNo, kNo, kUc, kWc, kUc, kNo}},
};
// clang-format on

constexpr std::array<std::uint8_t, 8> kEptTypeAlone = {kUc, kWc, kNo, kNo,
                                                       kWt, kWp, kWb, kNo};

// Bit 6 of the leaf, "ignore PAT", is bit 3 of the index (MT-4, MT-5).
constexpr MemoryTypeRow RowOf(const std::array<std::uint8_t, 8>& combined) {
  MemoryTypeRow row = {};
  for (std::size_t type = 0; type < 8; ++type) {
    row[type] = combined[type];
    row[8 + type] = kEptTypeAlone[type];
  }
  return row;
}

constexpr std::array<MemoryTypeRow, 8> AllRows() {
  std::array<MemoryTypeRow, 8> rows;
  rows.fill(RowOf(kCombinations[0].by_ept_type));
  for (const Combination& c : kCombinations) {
    rows[c.pat] = RowOf(c.by_ept_type);
  }
  return rows;
}

constexpr MemoryTypeRow CacheDisabledRow() {
  MemoryTypeRow row = {};
  for (std::size_t i = 0; i < row.size(); ++i) {
    row[i] = kEptTypeAlone[i % 8] == kNo ? kNo : kUc;
  }
  return row;
}

}  // namespace

constexpr MemoryTypeRow kCacheDisabledRow = CacheDisabledRow();
constexpr std::array<MemoryTypeRow, 8> kMemoryTypeRows = AllRows();

}  // namespace eptdiff::engine
