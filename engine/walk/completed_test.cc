#include "engine/walk/completed.h"

#include <gtest/gtest.h>

#include <cstring>
#include <type_traits>

#include "engine/types.h"

namespace eptdiff {
namespace {

TEST(CompletedTest, NothingOfTheLastEventStays) {
  static_assert(std::is_trivially_copyable_v<Event>);
  const Translation page = {Hpa{0x9abc}, 21, MemoryType::kWriteBack,
                            MemoryType::kWriteThrough, 0x8e};
  Event expected;
  expected.translation_count = 1;
  expected.translations[0] = page;
  Event event;
  std::memset(static_cast<void*>(&event), 0xa5, sizeof(event));
  engine::SetCompleted(page, event);
  EXPECT_EQ(event, expected);
}

}  // namespace
}  // namespace eptdiff
