// read_screen FILE.ppm: the text that a picture of the image's screen shows, as
// QEMU's screendump takes it. Exit: 0 it has been read, 2 it is no such
// picture.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include "oracle/processor/image/screen_testing.h"

int main(int argc, char** argv) {
  std::string kind;
  std::uint32_t width = 0, height = 0, most = 0;
  std::ifstream file(argc == 2 ? argv[1] : "", std::ios::binary);
  file >> kind >> width >> height >> most;
  file.get();
  constexpr std::uint32_t kMost = 1 << 14;
  if (kind != "P6" || most != 255 || width > kMost || height > kMost) {
    std::fputs("usage: read_screen FILE.ppm\n", stderr);
    return 2;
  }
  std::string points(std::size_t{3} * width * height, '\0');
  file.read(points.data(), static_cast<std::streamsize>(points.size()));
  const auto rows = eptdiff::image::ReadScreen(
      width, height, [&](std::uint32_t x, std::uint32_t y) {
        return points[3 * (std::size_t{y} * width + x)] != 0;
      });
  for (const std::string& row : rows) std::printf("%s\n", row.c_str());
  return rows.empty() ? 2 : 0;
}
