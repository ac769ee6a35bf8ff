// What a target models (eptdiff_profile): which questions it can be asked, and
// how a question is made one that it can.
//
// This folder makes questions fit what outside code declares, a walker here and
// a builder in builder_profile.h; it uses the headers that such code includes,
// and runs none of it.
//
// Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_ORACLE_TARGET_PROFILE_PROFILE_H_
#define EPTDIFF_ORACLE_TARGET_PROFILE_PROFILE_H_

#include <cstdint>
#include <string>

#include "oracle/case.h"
#include "oracle/oracle.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {

// Of `models`: linear accesses, in any mode of guest paging.
inline constexpr std::uint64_t kLinearModes =
    EPTDIFF_MODELS_LINEAR_PAGING_OFF | EPTDIFF_MODELS_LINEAR_32_BIT |
    EPTDIFF_MODELS_LINEAR_PAE | EPTDIFF_MODELS_LINEAR_4_LEVEL |
    EPTDIFF_MODELS_LINEAR_5_LEVEL;

// The profile that a target finds before it describes itself.
eptdiff_profile BlankProfile();

// What is wrong with a profile, in words that name the field; "" if nothing.
std::string FaultOf(const eptdiff_profile& profile);

// Why a target with this profile cannot be asked about this machine at all, or
// about this step; kNone if it can.
Skip NotModelled(const eptdiff_profile& profile, const Processor& processor,
                 const Controls& controls, const GuestState& guest);
Skip NotModelled(const eptdiff_profile& profile, const Controls& controls,
                 const GuestState& guest, const Step& step);

// Takes out of `c` what the target does not model: controls become 0, accesses
// simpler ones, other steps go. The case stays canonical. False if nothing is
// left to ask.
bool FitTo(const eptdiff_profile& profile, Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROFILE_PROFILE_H_
