// The byte encoding of a case, version 8: what libFuzzer stores and mutates.
//
//   offset 0              the version
//   kHeaderOffset         the header: every field of Processor, Controls and
//                         GuestState, raw, little-endian, without padding
//   kRecordsOffset        records of kRecordBytes: a tag, then the fields of a
//                         word of memory or of a step
//
// It is total: every byte string is a case. What is missing at the end reads as
// 0, an unknown tag folds onto a known one, a number that is too wide onto its
// range, an unknown version onto the current one; what lies beyond kMaxRecords
// is ignored. It is complete: every canonical case (canonical.h) within the
// limits of oracle/case.h can be written, DecodeCase(EncodeCase(c)) == c. It is
// local: there are no counts and no lengths, and flipping one bit beyond the
// version changes the header or one record.
//
// Version 1 had no table operations and three bits of tag; versions 1 to 3 had
// shorter headers, without what stands at the end now, accesses of 64 bytes at
// most, and none of the steps after table operations; up to version 4 no
// processor came in between the stores of these, and up to version 5 none ran
// beside another; up to version 6 no builder kept a log, and up to version 7
// none had several tables. Their bytes decode as they did, and what they lack
// is 0.
//
// This folder is a case as bytes; it uses the words of oracle/. Begin here;
// canonical.h is the form that whatever reads or makes a case brings it to, and
// current_case.h the case that libFuzzer is at.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_ENCODING_ENCODING_H_
#define EPTDIFF_FUZZERS_ENCODING_ENCODING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oracle/case.h"

namespace eptdiff {

inline constexpr std::uint8_t kEncodingVersion = 8;
inline constexpr std::size_t kHeaderOffset = 1;
inline constexpr std::size_t kHeaderBytes = 229;
inline constexpr std::size_t kHeaderBytesOfVersion2 = 189;
inline constexpr std::size_t kHeaderBytesOfVersion3 = 197;
inline constexpr std::size_t kRecordsOffset = kHeaderOffset + kHeaderBytes;
inline constexpr std::size_t kRecordBytes = 24;
static_assert(kRecordsOffset + kMaxRecords * kRecordBytes <= kMaxEncodedBytes);

// Overwrites `c` with the case that `bytes` mean. Reuses what `c` has
// allocated.
void DecodeInto(std::span<const std::uint8_t> bytes, Case& c);
Case DecodeCase(std::span<const std::uint8_t> bytes);

// How many bytes EncodeInto writes for `c`.
std::size_t EncodedSize(const Case& c);

// Writes `c`, steps before words, and returns how many bytes it took; 0, and
// nothing is written, if `bytes` has less room than EncodedSize(c).
std::size_t EncodeInto(const Case& c, std::span<std::uint8_t> bytes);
std::vector<std::uint8_t> EncodeCase(const Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENCODING_ENCODING_H_
