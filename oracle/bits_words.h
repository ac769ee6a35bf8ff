// A mask in words. Thread-safety: a pure function.
#ifndef EPTDIFF_ORACLE_BITS_WORDS_H_
#define EPTDIFF_ORACLE_BITS_WORDS_H_

#include <cstdint>
#include <string>

namespace eptdiff {

// "bit 12", "bits 20:12", "bits 10 and 2:0".
std::string BitsWords(std::uint64_t mask);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BITS_WORDS_H_
