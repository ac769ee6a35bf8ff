#include "oracle/processor/image/screen.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace eptdiff::image {
namespace {

constexpr char kFirst = ' ', kLast = '~';

constexpr std::uint8_t kGlyphs[][kGlyphColumns] = {
#define EPTDIFF_GLYPH(character, ...) {__VA_ARGS__},
#include "oracle/processor/image/glyphs.def"
#undef EPTDIFF_GLYPH
};
static_assert(sizeof kGlyphs == (kLast - kFirst + 1) * kGlyphColumns);

}  // namespace

const std::uint8_t* GlyphOf(char character) {
  const bool is_known = kFirst <= character && character <= kLast;
  return kGlyphs[(is_known ? character : '?') - kFirst];
}

Screen::Scale Screen::ScaleOf(std::uint32_t width, std::uint32_t height) {
  const std::uint32_t across = width / (kColumns * kCellColumns);
  const std::uint32_t down = height / (kRows * kCellRows);
  // Not narrower than twice as high.
  return {std::min(across, 2 * down), std::min(down, 2 * across)};
}

void Screen::UseVgaText() {
  has_vga_text_ = true;
  Clear();
}

void Screen::UseFramebuffer(const Framebuffer& framebuffer) {
  framebuffer_ = framebuffer;
  scale_ = ScaleOf(framebuffer.width, framebuffer.height);
  has_framebuffer_ = scale_.across != 0 && scale_.down != 0;
  if (!has_framebuffer_) return;
  // Whoever had it before has left a picture.
  for (std::uint32_t y = 0; y < framebuffer.height; ++y) {
    std::memset(framebuffer.points + std::size_t{y} * framebuffer.pitch, 0,
                std::size_t{framebuffer.width} * framebuffer.bytes);
  }
  std::memset(shown_, ' ', sizeof shown_);
}

void Screen::Clear() {
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) Set(row, column, ' ');
  }
}

void Screen::Say(std::string_view words) {
  if (!has_vga_text_ && !has_framebuffer_) return;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == ' ') {
      const std::size_t end =
          std::min(words.find_first_of(" \n", i + 1), words.size());
      if (static_cast<std::size_t>(column_) + (end - i) > kColumns) {
        NextLine();
        continue;
      }
    }
    Put(words[i]);
  }
}

void Screen::Put(char character) {
  if (character == '\n') return NextLine();
  if (character == '\r') {
    column_ = 0;
    return;
  }
  if (column_ == kColumns) NextLine();
  Set(row_, column_++, character);
}

void Screen::NextLine() {
  column_ = 0;
  if (++row_ < kRows) return;
  row_ = kRows - 1;
  for (int row = 1; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      Set(row - 1, column, shown_[row][column]);
    }
  }
  for (int column = 0; column < kColumns; ++column) Set(row_, column, ' ');
}

void Screen::Set(int row, int column, char character) {
  if (shown_[row][column] == character) return;
  shown_[row][column] = character;
  if (has_vga_text_) {
    constexpr std::uint16_t kGrey = 0x0700;
    auto* const cells = reinterpret_cast<volatile std::uint16_t*>(0xb8000);
    cells[row * kColumns + column] = static_cast<std::uint16_t>(
        kGrey | static_cast<std::uint8_t>(character));
  } else {
    Draw(row, column, character);
  }
}

void Screen::Draw(int row, int column, char character) const {
  const std::uint8_t* const glyph = GlyphOf(character);
  const auto top = static_cast<std::uint32_t>(row) * kCellRows * scale_.down;
  const auto left =
      static_cast<std::uint32_t>(column) * kCellColumns * scale_.across;
  const std::size_t width = std::size_t{scale_.across} * framebuffer_.bytes;
  for (std::uint32_t y = 0; y < kGlyphRows * scale_.down; ++y) {
    std::uint8_t* at = framebuffer_.points +
                       std::size_t{top + y} * framebuffer_.pitch +
                       std::size_t{left} * framebuffer_.bytes;
    for (std::uint32_t x = 0; x < kGlyphColumns; ++x, at += width) {
      const bool is_set = (glyph[x] >> (y / scale_.down) & 1) != 0;
      std::memset(at, is_set ? 0xff : 0, width);
    }
  }
}

}  // namespace eptdiff::image
