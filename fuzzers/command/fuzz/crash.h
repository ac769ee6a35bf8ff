// A case that ends the process which puts it to the oracles: by a signal, by
// taking too long, by taking too much memory. It is a finding like others, with
// a signature ("eptdiff-engine-crash-SIGSEGV"), a smallest case, and words.
// Thread-safety: only while the process has one thread.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_CRASH_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_CRASH_H_

#include <string>

#include "fuzzers/command/panel/oracles.h"
#include "fuzzers/text/case_text.h"
#include "oracle/case.h"
#include "oracle/target/process/incident.h"

namespace eptdiff {

struct Crash {
  // Who does it when asked alone: engine, bochs, builder; "reference" if
  // everyone does, "panel" if nobody.
  std::string oracle;
  Incident incident;
};

std::string SignatureOf(const Crash& crash);

// Who is to blame for `incident`, which putting `c` to all oracles was.
Crash CrashOf(const OracleOptions& options, const Case& c,
              const Incident& incident);

// `c`, which shows `crash`, as small as two minutes make it, with words.
TextCase SmallestCrash(const OracleOptions& options, const Case& c,
                       const Crash& crash);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_CRASH_H_
