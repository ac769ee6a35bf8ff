// What an outside builder has (eptdiff_builder_profile): which cases it can be
// asked, and how a case is made one of them.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_TARGET_PROFILE_BUILDER_PROFILE_H_
#define EPTDIFF_ORACLE_TARGET_PROFILE_BUILDER_PROFILE_H_

#include <string>

#include "oracle/builder/builder_operation.h"
#include "oracle/case.h"
#include "oracle/target/eptdiff_builder.h"

namespace eptdiff {

// The profile that a builder finds before it describes itself.
eptdiff_builder_profile BlankBuilderProfile();

// What is wrong with a profile, in words that name the field; "" if nothing.
std::string FaultOf(const eptdiff_builder_profile& profile);

// For which reasons it refuses, as BuilderTrial has it.
RefusalSet RefusalsIn(const eptdiff_builder_profile& profile);

class BuilderFitting {
 public:
  explicit BuilderFitting(const eptdiff_builder_profile& profile);

  // Takes out of `c` what the builder does not have: controls become 0,
  // operations go, flags become ones that its interface has, and no allocation
  // fails if it does not look at that. False if no operation is left. What is
  // left fits; a case that fits stays as it is. What would have to be refused
  // BuilderTrial knows, as the builder's own tables are then.
  bool Fit(Case& c) const;
  // Whether Fit() leaves `c` as it is.
  bool Fits(const Case& c) const;

 private:
  const eptdiff_builder_profile profile_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROFILE_BUILDER_PROFILE_H_
