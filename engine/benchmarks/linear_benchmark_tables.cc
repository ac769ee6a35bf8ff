#include "engine/benchmarks/linear_benchmark_tables.h"

#include "engine/benchmarks/benchmark_tables.h"
#include "engine/bits.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kEptTable = bits::kRead | bits::kWrite | bits::kExecute;
constexpr std::uint64_t kEptPage = kEptTable | 6 << bits::kMemoryTypeShift;
constexpr std::uint64_t kGuestTable = bits::kGuestPresent |
                                      bits::kGuestWritable | bits::kGuestUser |
                                      bits::kGuestAccessed;
constexpr std::uint64_t kGuestPage = kGuestTable | bits::kGuestDirty;

// EPT: PML4, PDPT and PD at 1000H to 3000H, page tables for guest-physical 0
// and 2 MBytes behind. The guest's tables, at guest-physical 1000H to 4000H:
constexpr std::uint64_t kTablesAt = 0x4000;
constexpr std::uint64_t kPagesAt = 0x5000;
constexpr std::uint64_t kGuestTablesAt = 0x6000;
constexpr std::uint64_t kGuestPages = 0x200000;

}  // namespace

LinearBenchmarkTables MakeLinearBenchmarkTables(bool ept_flags) {
  LinearBenchmarkTables tables;
  const std::uint64_t accessed = ept_flags ? bits::kAccessed : 0;
  const std::uint64_t both = ept_flags ? accessed | bits::kDirty : 0;
  const auto put = [&tables](std::uint64_t address, std::uint64_t value) {
    tables.words.emplace_back(Hpa{address}, value);
  };

  put(0x1000, 0x2000 | kEptTable | accessed);
  put(0x2000, 0x3000 | kEptTable | accessed);
  put(0x3000, kTablesAt | kEptTable | accessed);
  put(0x3008, kPagesAt | kEptTable | accessed);
  for (std::uint64_t i = 0; i < 4; ++i) {
    put(kTablesAt + 8 * (1 + i),
        (kGuestTablesAt + 0x1000 * i) | kEptPage | both);
  }
  for (std::uint64_t i = 0; i < 3; ++i) {
    put(kGuestTablesAt + 0x1000 * i, (0x1000 * (2 + i)) | kGuestTable);
  }
  // The order of the cycle is that of the other benchmarks' pages.
  const std::vector<Gpa> order = MakeBenchmarkTables(1, false).pages;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint64_t page = order[i].value >> 12;
    const std::uint64_t next = order[(i + 1) % order.size()].value;
    tables.pages.push_back(Gla{order[i].value});
    put(kGuestTablesAt + 0x3000 + 8 * page,
        (kGuestPages + (page << 12)) | kGuestPage);
    put(kPagesAt + 8 * page, next | kEptPage | both);
  }
  return tables;
}

}  // namespace eptdiff
