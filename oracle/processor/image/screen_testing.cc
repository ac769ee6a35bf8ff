#include "oracle/processor/image/screen_testing.h"

#include "oracle/processor/image/screen.h"

namespace eptdiff::image {
namespace {

// Which character has these columns.
char CharacterOf(const std::uint8_t (&columns)[kGlyphColumns]) {
  for (char c = ' '; c <= '~'; ++c) {
    const std::uint8_t* const glyph = GlyphOf(c);
    bool same = true;
    for (std::uint32_t x = 0; x < kGlyphColumns; ++x) {
      same = same && glyph[x] == columns[x];
    }
    if (same) return c;
  }
  return '\x01';
}

}  // namespace

std::vector<std::string> ReadScreen(
    std::uint32_t width, std::uint32_t height,
    const std::function<bool(std::uint32_t x, std::uint32_t y)>& is_lit) {
  std::vector<std::string> rows;
  const Screen::Scale scale = Screen::ScaleOf(width, height);
  if (scale.across == 0 || scale.down == 0) return rows;
  for (std::uint32_t row = 0; row < Screen::kRows; ++row) {
    std::string& text = rows.emplace_back();
    for (std::uint32_t column = 0; column < Screen::kColumns; ++column) {
      std::uint8_t columns[kGlyphColumns] = {};
      for (std::uint32_t x = 0; x < kGlyphColumns; ++x) {
        for (std::uint32_t y = 0; y < kGlyphRows; ++y) {
          const bool lit = is_lit((column * kCellColumns + x) * scale.across,
                                  (row * kCellRows + y) * scale.down);
          columns[x] |= static_cast<std::uint8_t>(unsigned{lit} << y);
        }
      }
      text += CharacterOf(columns);
    }
    text.erase(text.find_last_not_of(' ') + 1);
  }
  return rows;
}

}  // namespace eptdiff::image
