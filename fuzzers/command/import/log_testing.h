// For tests of logs: one that is read, and what stands in its entries.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMPORT_LOG_TESTING_H_
#define EPTDIFF_FUZZERS_COMMAND_IMPORT_LOG_TESTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/command/import/logged_walk.h"
#include "fuzzers/command/import/read_log.h"

namespace eptdiff {

inline ReadLogResult Read(const std::string& text) {
  Log log(text);
  return ReadLog(log);
}

inline std::string Told(const Logged& logged) {
  return TellLogged(logged, {}, Style(false)).text;
}

inline std::vector<std::uint64_t> ValuesOf(
    const std::vector<CopiedEntry>& entries) {
  std::vector<std::uint64_t> values;
  for (const CopiedEntry& entry : entries) values.push_back(entry.value);
  return values;
}

// 0 for an entry that does not say its level.
inline std::vector<int> LevelsOf(const std::vector<CopiedEntry>& entries) {
  std::vector<int> levels;
  for (const CopiedEntry& entry : entries) {
    levels.push_back(entry.where ? entry.where->level : 0);
  }
  return levels;
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMPORT_LOG_TESTING_H_
