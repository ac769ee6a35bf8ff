// Mistakes of builders that no list has, planted one at a time into the
// example builder (oracle/target/examples/engine_builder.cc).
//
// A mistake is one of these, and may be made under one more condition, or under
// as many as asked for, all of which hold then:
//   a store         a bit of an entry that maps a page, or references a table,
//                   is cleared, set, or that of another bit; or it is not made
//   the operation   a bit of what is asked for likewise; a page fewer or more
//   INVEPT          is left out, is executed twice, has another EPTP
//   a frame         is not freed, or freed twice
//   the answer      is another; what is shown as removed lacks flags or a page
// They are drawn by number: the same number, the same mistake. The builder
// knows nothing of it: what it is asked, what it stores and what it calls is
// changed on the way. Thread-safety: one thread; one mistake is planted at a
// time.
#ifndef EPTDIFF_FUZZERS_COMMAND_MISTAKES_BUILDER_MISTAKE_H_
#define EPTDIFF_FUZZERS_COMMAND_MISTAKES_BUILDER_MISTAKE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "oracle/target/session/builder_session.h"

namespace eptdiff {

struct BuilderCondition {
  enum class Kind : std::uint8_t {
    kOperation,   // of this kind, EPTDIFF_MAP ...
    kFlag,        // bit `number` of the flags that are asked for is 1
    kNoFlag,      // ... is 0
    kGpa,         // bit `number` of the guest-physical address is 1
    kHpa,         // ... of the host-physical address
    kBytes,       // the region has 2^number bytes or more
    kControl,     // bit `number` of the secondary controls is 1
    kCapability,  // ... of IA32_VMX_EPT_VPID_CAP
    kNoFrame,     // an allocation has failed in the operation
  };
  Kind kind = Kind::kOperation;
  unsigned number = 0;
};

// BuilderMistake::word: of an operation; how INVEPT and others go wrong.
enum AskedWord : unsigned { kFlags, kGpa, kHpa };
enum InveptWay : unsigned { kLeftOut, kTwice, kOtherEptp };
enum FrameWay : unsigned { kNotFreed, kFreedTwice };
enum ResultWay : unsigned { kDoneForRefused, kRefusedForDone };
enum RemovedWay : unsigned { kWithoutFlags, kNotShown };

struct BuilderMistake {
  enum class Kind : std::uint8_t {
    kPage,     // the entry of a page
    kTable,    // of a table
    kSkipped,  // a store to a linked entry is not made
    kAsked,
    kBytes,
    kInvept,
    kFrame,
    kResult,
    kRemoved,
  };
  Kind kind = Kind::kPage;
  std::vector<BuilderCondition> when;
  unsigned word = 0;        // kAsked: of what; the others: which way
  std::uint64_t bit = 0;    // that is changed
  std::uint64_t other = 0;  // what it becomes: 0: 0, ~0: 1, else that bit
  std::string words;        // the mistake in words
  // As PlantedMistake has them; the latter for each condition.
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> condition_names;
};

// The mistake of this number; under so many conditions, at most three, or else
// under none or one.
BuilderMistake DrawBuilderMistake(std::uint64_t number,
                                  std::optional<unsigned> conditions = {});

// The builder that makes the mistake, in processes of its own.
std::unique_ptr<BuilderSession> PlantedBuilderSession(
    const BuilderMistake* mistake);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_MISTAKES_BUILDER_MISTAKE_H_
