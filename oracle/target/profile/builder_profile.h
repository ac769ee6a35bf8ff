// What an outside builder has (eptdiff_builder_profile): which cases it can be
// asked, and how a case is made one of them.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_TARGET_PROFILE_BUILDER_PROFILE_H_
#define EPTDIFF_ORACLE_TARGET_PROFILE_BUILDER_PROFILE_H_

#include <string>

#include "oracle/builder/judge/builder_trial.h"
#include "oracle/case.h"
#include "oracle/target/eptdiff_builder.h"

namespace eptdiff {

// The profile that a builder finds before it describes itself.
eptdiff_builder_profile BlankBuilderProfile();

// What is wrong with a profile, in words that name the field; "" if nothing.
std::string FaultOf(const eptdiff_builder_profile& profile);

class BuilderFitting {
 public:
  explicit BuilderFitting(const eptdiff_builder_profile& profile);

  // Takes out of `c` what the builder does not have: controls become 0,
  // operations go, and those that it would have to refuse for a reason that it
  // does not look at, as the engine's builder finds them; flags become ones
  // that its interface has. False if no operation
  // is left, or VM entry would refuse and the builder does not know. What is
  // left fits; a case that fits stays as it is.
  bool Fit(Case& c);
  // Whether Fit() leaves `c` as it is.
  bool Fits(const Case& c);

 private:
  bool Refuses(TableError error) const;

  const eptdiff_builder_profile profile_;
  BuilderTrial rehearsal_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROFILE_BUILDER_PROFILE_H_
