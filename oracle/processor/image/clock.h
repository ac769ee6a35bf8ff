// Seconds, by the real-time clock that every machine has.
// Thread-safety: of one processor.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_CLOCK_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_CLOCK_H_

#include <cstdint>

namespace eptdiff::image {

// Whole seconds since the first call; over midnight, too, if somebody asks at
// least once a day.
std::uint64_t SecondsOfClock();

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_CLOCK_H_
