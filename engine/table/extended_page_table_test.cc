#include "engine/table/extended_page_table.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/table/test_frames.h"

namespace eptdiff {
namespace {

constexpr EptFlags kRam = EptFlags::kRead | EptFlags::kWrite |
                          EptFlags::kExecute | EptFlags::kWriteBack;

using Table = ExtendedPageTable<TestFrames>;

TEST(ExtendedPageTableTest, AGuestFromItsFirstPageToItsLast) {
  TestFrames frames;
  {
    absl::StatusOr<Table> table =
        Table::Create(frames, TableProcessor(), TableControls());
    ASSERT_TRUE(table.ok()) << table.status();
    ASSERT_TRUE(
        table->MapRegion(Gpa{0}, Hpa{0x40000000}, 0x80000000, kRam).ok());
    const absl::StatusOr<Translation> translation =
        table->Translate(Gpa{0x12345678}, Use::kWrite);
    ASSERT_TRUE(translation.ok());
    EXPECT_EQ(translation->address, Hpa{0x52345678});
    ASSERT_TRUE(table->UnmapRegion(Gpa{0xa0000}, 0x20000).ok());
    EXPECT_EQ(frames.last_eptp, table->eptp());
    EXPECT_EQ(table->Query(Gpa{0xa0000}).status().code(),
              absl::StatusCode::kNotFound);
    const absl::StatusOr<Mapping> last = table->Unmap(Gpa{0x40000000});
    ASSERT_TRUE(last.ok());
    EXPECT_EQ(last->bytes, 0x40000000u);
  }
  EXPECT_TRUE(frames.in_use.empty());
}

TEST(ExtendedPageTableTest, EachErrorHasItsCodeAndSaysWhere) {
  TestFrames frames;
  Processor processor = TableProcessor();
  processor.ept_vpid_cap &= ~std::uint64_t{1};  // no execute-only pages
  absl::StatusOr<Table> table =
      Table::Create(frames, processor, TableControls());
  ASSERT_TRUE(table.ok());
  ASSERT_TRUE(table->Map(Gpa{0x1000}, Hpa{0}, PageSize::k4KByte, kRam).ok());
  frames.limit = frames.in_use.size();

  using absl::StatusCode;
  const auto map = [&](std::uint64_t gpa, EptFlags flags) {
    return table->Map(Gpa{gpa}, Hpa{0}, PageSize::k4KByte, flags);
  };
  const struct {
    absl::Status status;
    StatusCode code;
    const char* message;
  } kCases[] = {
      {map(0x1800, kRam), StatusCode::kInvalidArgument,
       "guest-physical address 1800H: misaligned address or size"},
      {map(1ull << 48, kRam), StatusCode::kInvalidArgument,
       "guest-physical address 1000000000000H: address out of range"},
      {map(0x1000, kRam), StatusCode::kAlreadyExists,
       "guest-physical address 1000H: already mapped"},
      {map(0x40000000, kRam), StatusCode::kResourceExhausted,
       "guest-physical address 40000000H: out of frames"},
      {map(0x2000, EptFlags::kExecute), StatusCode::kUnimplemented,
       "guest-physical address 2000H: not supported by the processor or its "
       "controls"},
      {map(0x2000, EptFlags::kWrite), StatusCode::kInvalidArgument,
       "guest-physical address 2000H: would be an EPT misconfiguration"},
      {map(0x2000, EptFlags::kWriteBack), StatusCode::kInvalidArgument,
       "guest-physical address 2000H: flags that grant no access"},
      {table->Protect(Gpa{0x3000}, kRam), StatusCode::kNotFound,
       "guest-physical address 3000H: not mapped"},
      {table->Translate(Gpa{0x3000}, Use::kRead).status(),
       StatusCode::kNotFound, "guest-physical address 3000H: not mapped"},
      {table->FlagsFor(MappingFlags::kWrite).status(),
       StatusCode::kInvalidArgument,
       "guest-physical address 0H: would be an EPT misconfiguration"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(c.status.code(), c.code) << c.message;
    EXPECT_EQ(c.status.message(), c.message);
  }
  ASSERT_TRUE(table->Protect(Gpa{0x1000}, EptFlags::kRead).ok());
  EXPECT_EQ(table->Translate(Gpa{0x1000}, Use::kWrite).status().code(),
            StatusCode::kPermissionDenied);
}

TEST(ExtendedPageTableTest, PortableFlags) {
  TestFrames frames;
  absl::StatusOr<Table> table =
      Table::Create(frames, TableProcessor(), TableControls());
  ASSERT_TRUE(table.ok());
  const absl::StatusOr<EptFlags> flags =
      table->FlagsFor(MappingFlags::kRead | MappingFlags::kDevice);
  ASSERT_TRUE(flags.ok());
  EXPECT_EQ(*flags, EptFlags::kRead);
}

}  // namespace
}  // namespace eptdiff
