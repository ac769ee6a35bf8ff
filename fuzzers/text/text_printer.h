// Prints a message as textproto that people like to read. protobuf's own
// printer knows no hexadecimal and puts each field on a line of its own, which
// makes 2,000 words of memory 8,000 lines.
//
//   fixed64 in hexadecimal, uint64 in decimal
//   a message on one line if it fits into 80 columns (not at the top level,
//   unless it is one of many: a word of memory)
//   long strings as several literals; an empty line between kinds of messages
//
// It prints what case.proto uses: fixed64, uint64, bool, enum, string, message.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_TEXT_TEXT_PRINTER_H_
#define EPTDIFF_FUZZERS_TEXT_TEXT_PRINTER_H_

#include <string>

#include "google/protobuf/message.h"

namespace eptdiff {

std::string PrintText(const google::protobuf::Message& message);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TEXT_TEXT_PRINTER_H_
