// A target that is a program of its own, in whatever language: it answers over
// its standard input and output (pipe_protocol.md). When it dies or hangs it is
// started anew.
// Thread-safety: thread-compatible; only in a process with one thread, since it
// forks.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_PIPE_SESSION_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_PIPE_SESSION_H_

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "oracle/target/process/guarded_memory.h"
#include "oracle/target/session/pipe_text.h"
#include "oracle/target/session/session.h"

namespace eptdiff {

class PipeSession final : public DirectlyAsked {
 public:
  // Runs `command`: a program and its arguments. Null, with the reason in
  // `error`, if it cannot be run or does not describe itself. Its standard
  // error is kept for LastOutput(), or goes where this process's does.
  static std::unique_ptr<PipeSession> Make(std::vector<std::string> command,
                                           std::chrono::milliseconds limit,
                                           bool keeps_output,
                                           std::string& error);
  ~PipeSession() override;

  const eptdiff_profile& profile() const override { return profile_; }
  std::chrono::nanoseconds waited() const override { return waited_; }
  std::string LastOutput() override;

 private:
  PipeSession(std::vector<std::string> command, std::chrono::milliseconds limit,
              int output);
  bool Start(std::string& error);
  void Stop();
  [[noreturn]] void Execute(int in, int out);
  // Everything up to the next line "end".
  Incident Read(std::string& text);
  Incident Write(const std::string& text);
  Incident Bury(bool stuck);
  bool HearsEntry() const override;
  void AskOnce(const MachineState& state, const Step* step,
               Reply& reply) override;

  const std::vector<std::string> command_;
  const std::chrono::milliseconds limit_;
  const int output_;  // its standard error; -1: it is not kept
  eptdiff_profile profile_;
  pid_t child_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::string unread_;  // received, beyond the last "end"
  std::chrono::nanoseconds waited_{0};
  GuardedMemory memory_;
  PipeAnswer answer_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_PIPE_SESSION_H_
