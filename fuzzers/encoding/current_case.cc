#include "fuzzers/encoding/current_case.h"

#include <algorithm>
#include <cstdlib>

#include "fuzzers/encoding/encoding.h"

namespace eptdiff {

const Case& CurrentCase::Read(std::span<const std::uint8_t> bytes) {
  if (!bytes_.empty() &&
      std::equal(bytes.begin(), bytes.end(), bytes_.begin(), bytes_.end())) {
    if (++reads_ % kCheckedReads == 0 && DecodeCase(bytes) != case_) {
      std::abort();
    }
    return case_;
  }
  bytes_.clear();
  DecodeInto(bytes, case_);
  return case_;
}

Case& CurrentCase::Change() {
  bytes_.clear();
  return case_;
}

void CurrentCase::Replace(Case& c) {
  Case& own = Change();
  own.processor = c.processor;
  own.controls = c.controls;
  own.guest = c.guest;
  own.memory.swap(c.memory);
  own.steps.swap(c.steps);
}

std::size_t CurrentCase::Write(std::span<std::uint8_t> bytes) {
  const std::size_t size = EncodeInto(case_, bytes);
  bytes_.assign(bytes.begin(),
                bytes.begin() + static_cast<std::ptrdiff_t>(size));
  return size;
}

}  // namespace eptdiff
