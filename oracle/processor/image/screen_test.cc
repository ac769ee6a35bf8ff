#include "oracle/processor/image/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "oracle/processor/image/screen_testing.h"

namespace eptdiff::image {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint8_t kUntouched = 0x5a;

// Memory with a screen in it, and more behind each row of that.
class Picture {
 public:
  Picture(std::uint32_t width, std::uint32_t height, std::uint32_t bytes)
      : pitch_(width * bytes + 64),
        points_(std::size_t{pitch_} * height, kUntouched),
        width_(width),
        height_(height),
        bytes_(bytes) {}

  Framebuffer framebuffer() {
    return {points_.data(), pitch_, width_, height_, bytes_};
  }
  // Without the empty rows at its end.
  std::vector<std::string> Read() const {
    auto rows =
        ReadScreen(width_, height_, [&](std::uint32_t x, std::uint32_t y) {
          return points_[std::size_t{y} * pitch_ + std::size_t{x} * bytes_] !=
                 0;
        });
    while (!rows.empty() && rows.back().empty()) rows.pop_back();
    return rows;
  }
  std::vector<std::uint8_t> BehindRows() const {
    std::vector<std::uint8_t> bytes;
    for (std::size_t y = 0; y < height_; ++y) {
      const auto row =
          points_.begin() + static_cast<std::ptrdiff_t>(y * pitch_);
      bytes.insert(bytes.end(), row + width_ * bytes_, row + pitch_);
    }
    return bytes;
  }

 private:
  std::uint32_t pitch_;
  std::vector<std::uint8_t> points_;
  std::uint32_t width_, height_, bytes_;
};

TEST(ScreenTest, IsReadOnWhateverItIsDrawn) {
  std::string all;
  for (char c = '!'; c <= '~'; ++c) all += c;
  struct {
    std::uint32_t width, height, bytes;
  } constexpr kScreens[] = {
      {480, 250, 4}, {800, 600, 4}, {1280, 800, 3}, {1920, 1080, 2}};
  for (const auto& [width, height, bytes] : kScreens) {
    Picture picture(width, height, bytes);
    Screen screen;
    screen.UseFramebuffer(picture.framebuffer());
    screen.Say(all);
    EXPECT_THAT(picture.Read(), ElementsAre(all.substr(0, 80), all.substr(80)))
        << width;
    EXPECT_THAT(picture.BehindRows(), Each(kUntouched)) << width;
  }
}

TEST(ScreenTest, NoTwoCharactersLookTheSame) {
  for (char c = ' '; c <= '~'; ++c) {
    Picture picture(480, 250, 1);
    Screen screen;
    screen.UseFramebuffer(picture.framebuffer());
    screen.Say(std::string("|") + c + "|");
    EXPECT_THAT(picture.Read(), ElementsAre(std::string("|") + c + "|"));
  }
}

TEST(ScreenTest, BreaksLinesBetweenWords) {
  Picture picture(800, 600, 4);
  Screen screen;
  screen.UseFramebuffer(picture.framebuffer());
  screen.Say(std::string(76, 'a') + " bcd efg hi\nj " + std::string(90, 'k'));
  EXPECT_THAT(picture.Read(),
              ElementsAre(std::string(76, 'a') + " bcd", "efg hi", "j",
                          std::string(80, 'k'), std::string(10, 'k')));
}

TEST(ScreenTest, ALineBeginsAgain) {
  Picture picture(800, 600, 4);
  Screen screen;
  screen.UseFramebuffer(picture.framebuffer());
  screen.Say("one\rtwo and\rthree");
  EXPECT_THAT(picture.Read(), ElementsAre("threend"));
}

TEST(ScreenTest, RowsMoveUp) {
  Picture picture(1024, 768, 4);
  Screen screen;
  screen.UseFramebuffer(picture.framebuffer());
  for (int i = 0; i < 30; ++i) screen.Say(std::to_string(i) + "\n");
  const std::vector<std::string> rows = picture.Read();
  ASSERT_EQ(rows.size(), 24u);
  EXPECT_EQ(rows.front(), "6");
  EXPECT_EQ(rows.back(), "29");
}

TEST(ScreenTest, NothingIsDrawnWhereThereIsNoRoom) {
  Picture picture(320, 200, 4);
  Screen screen;
  screen.UseFramebuffer(picture.framebuffer());
  screen.Say("x");
  EXPECT_THAT(picture.Read(), IsEmpty());
  EXPECT_EQ(picture.framebuffer().points[0], kUntouched);
}

}  // namespace
}  // namespace eptdiff::image
