// write_machine_log DIALECT: what a machine that never was would tell of the
// rules' witnesses, if it did as the dialect has it; for page/browser_test.
#include <cstdio>
#include <optional>

#include "fuzzers/command/image/machine_testing.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/reference/dialects/known_dialects.h"

int main(int argc, char** argv) {
  const auto dialect = argc == 2 ? eptdiff::FindDialect(argv[1]) : std::nullopt;
  if (!dialect.has_value()) {
    std::fputs("usage: write_machine_log DIALECT\n", stderr);
    return 2;
  }
  eptdiff::DialectOracle machine(*dialect);
  std::fputs(eptdiff::LogOf(machine, eptdiff::WitnessCases()).c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 4;
}
