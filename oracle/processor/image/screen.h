// What somebody who is there reads: 25 rows of 80 characters, in VGA's text
// mode or drawn on a linear framebuffer, which is what a machine without a BIOS
// has.
// Thread-safety: of one processor.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_SCREEN_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_SCREEN_H_

#include <cstdint>
#include <string_view>

namespace eptdiff::image {

// Points of `bytes` bytes each, in which all bits of a colour are white.
struct Framebuffer {
  std::uint8_t* points = nullptr;
  std::uint32_t pitch = 0;  // bytes from row to row
  std::uint32_t width = 0, height = 0;
  std::uint32_t bytes = 0;
};

// How characters lie on points; each column of a glyph is a byte, bit 0 at the
// top.
inline constexpr std::uint32_t kGlyphColumns = 5, kGlyphRows = 8;
inline constexpr std::uint32_t kCellColumns = 6, kCellRows = 10;
const std::uint8_t* GlyphOf(char character);  // '?' for what has none

class Screen {
 public:
  static constexpr int kColumns = 80, kRows = 25;

  // Each clears it. On a framebuffer that is too small nothing is shown.
  void UseVgaText();
  void UseFramebuffer(const Framebuffer& framebuffer);

  // "\r" begins the line again. A word that does not fit begins the next one.
  void Say(std::string_view words);

  // How many points of the screen one of a glyph has.
  struct Scale {
    std::uint32_t across = 0, down = 0;  // 0: the screen is too small
  };
  static Scale ScaleOf(std::uint32_t width, std::uint32_t height);

 private:
  void Put(char character);
  void NextLine();
  void Set(int row, int column, char character);
  void Draw(int row, int column, char character) const;
  void Clear();

  Framebuffer framebuffer_;
  Scale scale_;
  bool has_vga_text_ = false;
  bool has_framebuffer_ = false;
  int row_ = 0, column_ = 0;
  // What is shown: a framebuffer is slow to read.
  char shown_[kRows][kColumns] = {};
};

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_SCREEN_H_
