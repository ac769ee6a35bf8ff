// A case made of numbers that were copied from somewhere: an EPTP, an address,
// the entries that a walk met. What a walk still needs is asked for by name.
//
// This folder is where a pasted walk becomes a case: copied_entry.h reads an
// entry, this header puts entries where a walk looks for them. Which word that
// is the reference says, which walks what is there so far; so every mode of
// guest paging goes the same way. It uses the words of words/. Begin here.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WALK_WALK_CASE_H_
#define EPTDIFF_FUZZERS_COMMAND_WALK_WALK_CASE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzzers/command/walk/copied_entry.h"
#include "fuzzers/text/case_text.h"
#include "oracle/case.h"

namespace eptdiff {

// What is known of the processor and the VMCS. What is not is assumed.
struct KnownMachine {
  std::optional<unsigned> maxphyaddr;         // 52
  std::optional<std::uint64_t> capabilities;  // IA32_VMX_EPT_VPID_CAP; all
  bool mbec = false;                          // known to be on
  // Bits that need a field which nobody gave, such as the address of a log, are
  // left out, and named.
  std::optional<std::uint32_t> secondary;  // EPT alone
  std::optional<std::uint64_t> tertiary;   // 0
};

enum class GuestPaging : std::uint8_t { k4Level, k5Level, kPae, k32Bit };

struct CopiedWalk {
  std::uint64_t eptp = 0;
  // An access at `gpa` that translated from `gla`; without it one at `gla`,
  // through the guest's own tables.
  std::optional<std::uint64_t> gpa;
  std::optional<std::uint64_t> gla;
  std::optional<std::uint64_t> cr3;
  GuestPaging paging = GuestPaging::k4Level;
  Access access;
  bool user = false;  // a user-mode access to a user page
  // The access is the processor's own, to a guest entry at `gpa`.
  bool to_guest_entry = false;
  KnownMachine machine;
  // In the order in which the processor reads them, each place once: the root's
  // first, of a linear access those on the way to a guest entry before it.
  std::vector<CopiedEntry> entries;
};

// Something that nobody said, and the option of `eptdiff explain --walk` by
// which to say it; "" if there is none.
struct Assumption {
  std::string words;  // "MAXPHYADDR 52"
  std::string option = {};
  friend bool operator==(const Assumption&, const Assumption&) = default;
};

struct WalkCase {
  Case c;
  std::vector<Assumption> of_machine;
  std::vector<Assumption> of_access;
  std::vector<std::string> notes;  // what was left out, or is not read
};

// A guest in 64-bit mode whose EPTP is `eptp`, on this machine.
Case CaseUnder(std::uint64_t eptp, const KnownMachine& machine);

// The case in which the access meets these entries. An error names what is
// missing, with the place where it is to be found, or the entry that the walk
// does not come to.
absl::StatusOr<WalkCase> MakeWalkCase(const CopiedWalk& walk);

// The case as it is kept, with where it came from.
TextCase CaseOfWalk(const CopiedWalk& walk, const WalkCase& made);

// "MAXPHYADDR 52 (--maxphyaddr); no tertiary control".
std::string AssumedWords(const std::vector<Assumption>& assumed);

// "assumed: ...", and the notes, a paragraph each.
std::string AssumedText(const WalkCase& made);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WALK_WALK_CASE_H_
