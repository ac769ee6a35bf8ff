// Reads what a screen shows, for tests and for whoever has only a picture of
// it.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_SCREEN_TESTING_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_SCREEN_TESTING_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace eptdiff::image {

// Its rows, without the spaces at their ends; \x01 stands for what is no
// character. Empty: it is too small for text.
std::vector<std::string> ReadScreen(
    std::uint32_t width, std::uint32_t height,
    const std::function<bool(std::uint32_t x, std::uint32_t y)>& is_lit);

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_SCREEN_TESTING_H_
