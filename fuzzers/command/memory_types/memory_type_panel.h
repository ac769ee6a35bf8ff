// Cases about memory types (.mtrr files) for the subcommands that take cases:
// told, put to outside code, and cut down.
//
// This folder is what stands beside panel/ for these. It uses check/, which
// judges the answers. Begin here.
//
// Thread-safety: as MtrrSession.
#ifndef EPTDIFF_FUZZERS_COMMAND_MEMORY_TYPES_MEMORY_TYPE_PANEL_H_
#define EPTDIFF_FUZZERS_COMMAND_MEMORY_TYPES_MEMORY_TYPE_PANEL_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "fuzzers/check/mtrr_target_check.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/text/memory_type_text.h"
#include "oracle/target/session/mtrr_session.h"

namespace eptdiff {

class MemoryTypePanel {
 public:
  // What came of a question.
  struct Standing {
    bool is_answered = false;
    bool disagrees = false;
    std::string text;  // a line or more, with the target's name
  };

  // `target`: an object that says memory types, or "" for none.
  // kInvalidArgument if it is no such object.
  static absl::StatusOr<std::unique_ptr<MemoryTypePanel>> Make(
      const std::string& target);

  // Which registers decide what, and what the target answers if there is one.
  std::string Explain(const MtrrQuestion& question, const Style& style);
  Standing Run(const MtrrQuestion& question, const Style& style);
  // The smallest question with the same finding. kFailedPrecondition if there
  // is none, or none of that signature; "" is any.
  absl::StatusOr<MemoryTypeCase> Minimize(const MemoryTypeCase& c,
                                          const std::string& signature);

 private:
  explicit MemoryTypePanel(std::unique_ptr<MtrrSession> session)
      : session_(std::move(session)) {}
  bool IsAskable(const MtrrQuestion& question) const;
  // Cut down if it is to be.
  std::optional<MtrrFinding> FindingIn(const MtrrQuestion& question,
                                       bool smallest);

  const std::unique_ptr<MtrrSession> session_;  // null: no target
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_MEMORY_TYPES_MEMORY_TYPE_PANEL_H_
