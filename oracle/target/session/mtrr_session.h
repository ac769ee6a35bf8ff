// Outside code that says what memory type a page gets (eptdiff_mtrr.h), in
// child processes: a crash or a hang costs the child and is the answer.
//
//   questions --> fork --> child: loads the object, calls it for each
//                            |  answer 0, answer 1, ... --> shared memory
//                            '- ends early --> question n: an incident
//
// Thread-safety: thread-compatible; only in a process with one thread.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_MTRR_SESSION_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_MTRR_SESSION_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "oracle/mtrr/mtrrs.h"
#include "oracle/mtrr/page_types.h"
#include "oracle/target/process/incident.h"
#include "oracle/target/process/sanitizer_fault.h"

namespace eptdiff {

struct MtrrReply {
  Incident incident;         // kNone: it answered
  std::uint32_t answer = 0;  // as memory_types.h has it; beyond: none
  friend bool operator==(const MtrrReply&, const MtrrReply&) = default;
};

class MtrrSession {
 public:
  static constexpr std::size_t kMaxBatch = 4096;

  // The code in the file `path`; a question may take it `limit`. Null without
  // an `error` if that is no shared object which claims to be such code.
  static std::unique_ptr<MtrrSession> Open(const std::string& path,
                                           std::chrono::milliseconds limit,
                                           std::string& error);
  ~MtrrSession();
  MtrrSession(const MtrrSession&) = delete;
  MtrrSession& operator=(const MtrrSession&) = delete;

  // Which questions it may be asked: about memory, about guests' pages.
  bool SaysMemory() const;
  bool SaysPages() const;
  // That of its pages.
  const MemoryPolicy& policy() const { return policy_; }

  // Replies to the first of `questions`, at least one: the last may be an
  // incident.
  std::vector<MtrrReply> Ask(std::span<const MtrrQuestion> questions);
  MtrrReply Ask(const MtrrQuestion& question);

  const std::string& name() const { return name_; }
  // What the last child printed.
  std::string LastOutput() const;

 private:
  struct Shared;

  MtrrSession(std::string path, std::chrono::milliseconds limit);
  // What became of a child that did `work`.
  Incident InChild(const std::function<void()>& work);

  const std::string path_;
  const std::string name_;
  const std::chrono::milliseconds limit_;
  Shared* const shared_;
  const int output_;  // the child's standard output and error
  FaultTexts faults_;
  MemoryPolicy policy_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_MTRR_SESSION_H_
