// The memory type of an access, of a memory type by its physical address and
// the guest's PAT (SDM volume 3A, table 12-7). Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_EFFECTIVE_TYPE_H_
#define EPTDIFF_ORACLE_EFFECTIVE_TYPE_H_

#include <cstdint>

namespace eptdiff {

inline constexpr std::uint64_t kTypeUc = 0, kTypeWc = 1, kTypeWt = 4,
                               kTypeWp = 5, kTypeWb = 6;
inline constexpr std::uint64_t kTypeUcMinus = 7;  // of the PAT alone

// `physical`: the type by the MTRRs or, where EPT is in use, that of the EPT
// entry in its place (29.3.7.2). `pat`: the type by the PAT. Of what is
// neither, anything.
constexpr std::uint64_t EffectiveType(std::uint64_t physical,
                                      std::uint64_t pat) {
  switch (physical) {
    case kTypeUc:
      return pat == kTypeWc ? kTypeWc : kTypeUc;
    case kTypeWc:
      switch (pat) {
        case kTypeUcMinus:
        case kTypeWc:
        case kTypeWb:
          return kTypeWc;
        default:
          return kTypeUc;  // UC, WT, WP
      }
    case kTypeWt:
      switch (pat) {
        case kTypeWc:
          return kTypeWc;
        case kTypeWt:
        case kTypeWb:
          return kTypeWt;
        case kTypeWp:
          return kTypeWp;
        default:
          return kTypeUc;  // UC, UC-
      }
    case kTypeWp:
      switch (pat) {
        case kTypeUcMinus:
        case kTypeWc:
          return kTypeWc;
        case kTypeWt:
          return kTypeWt;
        case kTypeWb:
        case kTypeWp:
          return kTypeWp;
        default:
          return kTypeUc;  // UC
      }
    default:  // WB
      return pat == kTypeUcMinus ? kTypeUc : pat;
  }
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EFFECTIVE_TYPE_H_
