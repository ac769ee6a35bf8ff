// Hand-written cases about what few builders have: logs of which pages the
// guest writes to, several tables. For each mistake of the example that has it
// (oracle/target/examples/log_builder.c, views_builder.c) one on which it
// shows, and that the example passes. They are seeds, too.
// Thread-safety: constant after its first use.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_EXAMPLE_WITNESSES_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_EXAMPLE_WITNESSES_H_

#include <span>
#include <string_view>

#include "oracle/builder/builder_finding.h"
#include "oracle/case.h"

namespace eptdiff {

struct ExampleWitness {
  std::string_view name;     // a file name without extension
  std::string_view words;    // what it is about
  std::string_view way;      // of the example: a log by flags, or "by-log"
  std::string_view mistake;  // likewise
  BuilderRule rule;          // that the mistake breaks here
  Case c;
};

// All of them. Each name occurs once, and is none of TableWitnesses().
std::span<const ExampleWitness> LogWitnesses();
std::span<const ExampleWitness> ViewWitnesses();

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_EXAMPLE_WITNESSES_H_
