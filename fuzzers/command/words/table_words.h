// What a table builder is asked for, in words, for reports.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_TABLE_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_TABLE_WORDS_H_

#include <string>

#include "oracle/case.h"

namespace eptdiff {

// "map 0x600000 bytes at guest-physical 0x40000000 to host-physical 0x1000,
// pages of at most 2 MByte, flags 0x37; frame 2 is not to be had".
std::string TableOperationWords(const Step& step);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_TABLE_WORDS_H_
