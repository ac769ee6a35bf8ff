// The case that libFuzzer is at, with the bytes that it was last written as.
//
// libFuzzer hands a mutator bytes, runs what comes back, and mutates that
// again: mostly, the bytes to be decoded are those that were written a moment
// ago. Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_ENCODING_CURRENT_CASE_H_
#define EPTDIFF_FUZZERS_ENCODING_CURRENT_CASE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oracle/case.h"

namespace eptdiff {

class CurrentCase {
 public:
  // The case that `bytes` mean, until the next call. Decodes only what Write()
  // has not just written, and one time in kCheckedReads that, too: a case that
  // was not canonical comes back as another one, and that ends the process.
  const Case& Read(std::span<const std::uint8_t> bytes);

  // The case that was last read, to be changed and then written. It has to stay
  // canonical.
  Case& Change();

  // The same, with `c` in its place: what `c` is afterwards is not specified.
  void Replace(Case& c);

  // Encodes the case and returns how many bytes that took; 0, and nothing is
  // written, if `bytes` has no room for them.
  std::size_t Write(std::span<std::uint8_t> bytes);

  static constexpr unsigned kCheckedReads = 256;

 private:
  Case case_;
  std::vector<std::uint8_t> bytes_;  // empty: not known
  unsigned reads_ = 0;               // that were not decoded
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENCODING_CURRENT_CASE_H_
