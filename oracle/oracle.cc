#include "oracle/oracle.h"

namespace eptdiff {

std::string_view WordsOf(Skip skip) {
  switch (skip) {
    case Skip::kNone:
      return "answered";
#define EPTDIFF_SKIP(enumerator, words) \
  case Skip::enumerator:                \
    return words;
#include "oracle/skips.def"
#undef EPTDIFF_SKIP
  }
  return "unknown";
}

}  // namespace eptdiff
