// Hand-written cases about builders: for each planted fault one on which it
// shows, and that the engine's builder passes. They are seeds, too.
// Thread-safety: constant after its first use.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_TABLE_WITNESSES_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_TABLE_WITNESSES_H_

#include <span>
#include <string_view>

#include "oracle/builder/builder_finding.h"
#include "oracle/case.h"

namespace eptdiff {

struct TableWitness {
  std::string_view name;   // a file name without extension
  std::string_view words;  // what it is about
  std::string_view fault;  // of planted_builder.h
  BuilderRule rule;        // that the fault breaks here
  Case c;
};

// All of them. Each name occurs once.
std::span<const TableWitness> TableWitnesses();

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_TABLE_WITNESSES_H_
