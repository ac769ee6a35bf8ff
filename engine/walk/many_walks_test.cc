// Many walks at once answer what each of them does by itself: in random tables
// of all shapes, for each use, with 4 and 5 levels.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "engine/walk/random_tables.h"
#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

class ManyWalksTest : public testing::Test {
 protected:
  Gpa Address() {
    const int width = random_() % 8 != 0 ? 48 : 53;
    return Gpa{random_() & ((std::uint64_t{1} << width) - 1)};
  }

  // How many pages of each size the walks ended in, and how many failed.
  template <typename Memory>
  void ExpectTheSame(const Memory& memory) {
    const Engine engine(m_.processor, m_.controls, m_.guest);
    std::vector<Gpa> gpas(random_() % 200);
    for (Gpa& gpa : gpas) gpa = Address();
    const auto use = static_cast<Use>(random_() % kUseCount);
    const auto pat_index = static_cast<std::uint8_t>(random_() % 8);

    // One more than there are addresses: it stays.
    const Translation untouched = {.address = Hpa{1}, .page_shift = 5};
    std::vector<Translation> pages(gpas.size() + 1, untouched);
    std::size_t found =
        engine.TranslateMany(memory, gpas, use, pages.data(), pat_index);
    EXPECT_EQ(pages.back(), untouched);
    for (std::size_t i = 0; i < gpas.size(); ++i) {
      Translation page;
      if (!engine.Translate(memory, gpas[i], use, page, pat_index)) {
        page = Translation();
      }
      ASSERT_EQ(pages[i], page) << i << ", GPA " << std::hex << gpas[i].value;
      ++ends_[page.page_shift];
      found -= page.page_shift != 0;
    }
    EXPECT_EQ(found, 0u);
  }

  TestMachine m_;
  std::mt19937_64 random_{1};
  std::array<int, 64> ends_ = {};  // by page_shift
};
static_assert(!PrefetchableMemory<OnlyWords> && PrefetchableMemory<FlatMemory>);

TEST_F(ManyWalksTest, AnswerAsOneByOne) {
  for (int i = 0; i < 400; ++i) {
    m_ = RandomTables(random_);
    const FlatMemory memory(m_.words.data(), m_.words.size() * 8);
    ASSERT_NO_FATAL_FAILURE(ExpectTheSame(memory));
    ASSERT_NO_FATAL_FAILURE(ExpectTheSame(OnlyWords(memory)));
  }
  for (const int page_shift : {0, 12, 21, 30}) {
    EXPECT_GT(ends_[page_shift], 100) << page_shift;
  }
}

TEST_F(ManyWalksTest, WhatIsNotAnsweredLeavesNoPage) {
  const FlatMemory memory(m_.words.data(), m_.words.size() * 8);
  const std::vector<Gpa> gpas(3, TestMachine::kGpa);
  std::vector<Translation> pages(3);
  const auto ask = [&](Use use) {
    const Engine engine(m_.processor, m_.controls, m_.guest);
    return engine.TranslateMany(memory, gpas, use, pages.data());
  };
  EXPECT_EQ(ask(Use::kWrite), 3u);
  EXPECT_EQ(pages[2].address, Hpa{0x9abc});
  EXPECT_EQ(ask(static_cast<Use>(9)), 0u);
  EXPECT_EQ(pages[2], Translation());
  EXPECT_EQ(ask(Use::kRead), 3u);
  m_.controls.secondary = 0;  // no EPT
  EXPECT_EQ(ask(Use::kRead), 0u);
  EXPECT_EQ(pages[0], Translation());
}

}  // namespace
}  // namespace eptdiff
