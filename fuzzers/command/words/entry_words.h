// What a case lacks that VM entry refuses before its first step: old cases, and
// those written by hand, seldom say all of what a guest has to be.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_ENTRY_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_ENTRY_WORDS_H_

#include <string>

#include "oracle/case.h"

namespace eptdiff {

// The fields, as a case has them, with which VM entry would accept it:
// "guest { cr4: 0x2000 rflags: 0x2 }". Empty if it does, if there is no step,
// or if something else is wrong with it.
std::string WhatVmEntryLacks(const Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_ENTRY_WORDS_H_
