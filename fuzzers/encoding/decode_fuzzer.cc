// The libFuzzer target for the byte decoder: every byte string is a canonical
// case, which comes back from its own bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/encoding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  static eptdiff::Case& c = *new eptdiff::Case;
  eptdiff::DecodeInto({data, size}, c);
  if (!eptdiff::IsCanonical(c)) std::abort();
  const std::vector<std::uint8_t> bytes = eptdiff::EncodeCase(c);
  if (bytes.size() > eptdiff::kMaxEncodedBytes) std::abort();
  if (eptdiff::DecodeCase(bytes) != c) std::abort();
  return 0;
}
