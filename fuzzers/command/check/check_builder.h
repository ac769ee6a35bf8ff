// `eptdiff check` on a builder of tables.
//
// This folder is what check_command.cc leaves to others: builders here, walkers
// in check_walker.h, memory types in check_mtrr.h, the live line in
// check_progress.h. It uses fuzzers/check/, which finds out, and report/, which
// tells. Begin with check_command.cc.
//
// Thread-safety: as BuilderSession.
#ifndef EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_BUILDER_H_
#define EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_BUILDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fuzzers/command/report/check_report.h"
#include "oracle/builder/waivers.h"
#include "oracle/case.h"
#include "oracle/target/session/builder_session.h"

namespace eptdiff {

struct BuilderCheckOptions {
  std::string target;         // as the user named it
  std::uint64_t seconds = 0;  // for new cases, if `cases` is 0
  std::uint64_t cases = 0;    // new ones
  std::uint64_t seed = 0;
  WaiverSet allowed = 0;  // beside what its profile waives
};

// Puts `given` and new cases to the builder, until an Interrupt came at most,
// and shows on standard error how far it is. `helpers` are sessions with the
// same builder, which are asked at the same time.
CheckReport CheckBuilder(BuilderSession& session,
                         std::vector<std::unique_ptr<BuilderSession>> helpers,
                         const std::vector<Case>& given,
                         const BuilderCheckOptions& options);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_BUILDER_H_
