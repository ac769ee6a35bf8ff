// What can go wrong with a guest, planted to see that it is noticed: by the
// word `troubles=1` of the command line, each in a case of its own.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_TROUBLES_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_TROUBLES_H_

#include <cstdint>

namespace eptdiff::image {

enum class Trouble : std::uint8_t {
  kNone,
  kUnexpectedExit,  // CPUID where the instruction of the step is
  kStray,           // a departure that writes to a page of no case
  kStuck,           // a jump to itself
  kTripleFault,     // an exception that nobody takes
  kDelay,           // the timer has run down before the guest has, as by an SMI
  kProgram,         // a guest that writes into this program; the last
};
inline constexpr int kTroubles = 7;

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_TROUBLES_H_
