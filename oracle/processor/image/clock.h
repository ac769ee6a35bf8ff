// Seconds, by the real-time clock that every machine has.
// Thread-safety: of one processor.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_CLOCK_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_CLOCK_H_

#include <cstdint>

namespace eptdiff::image {

class Clock {
 public:
  // Begins now.
  Clock();

  // Whole seconds since then; days are not told apart.
  std::uint64_t Seconds() const;

 private:
  std::uint64_t start_;
};

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_CLOCK_H_
