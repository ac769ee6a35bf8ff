// What can go wrong with a guest, planted to see that it is noticed, or does no
// harm: by the word `troubles=1` of the command line, each in a case of its
// own; by `troubles=interruptions`, that one in each step of all cases; and by
// `troubles=garbage`, memory that is not 0 when the machine is started.
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
  kInterruptions,   // an NMI, and the end of its time, as by an SMI
  kTrampoline,      // the code of the step is overwritten
  kNotRam,          // an access that would come to a page that is not RAM
  kProgram,         // a guest that writes into this program; the last
};
inline constexpr int kTroubles = 9;

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_TROUBLES_H_
