// Mistakes that no list has, planted one at a time into the example walker.
//
// A mistake is one of four, and may hold under one more condition:
//   a bit's name   at one site where the walker names a bit, another bit, none,
//                  or a mask with a bit too many or too few
//   an entry       a bit of what is loaded at a level is cleared, set, or that
//                  of another bit
//   the machine    a bit of a control, a capability or a register likewise
//   the answer     a bit of the qualification, an address, a memory type, a
//                  store
// They are drawn by number: the same number, the same mistake. The walker knows
// nothing of it: it runs in this process, and what it loads, is told and says
// is changed on the way.
//
// This folder measures how well a check names what nobody has listed; it uses
// the check and its words. Begin here; planting.h is where, measure.h what is
// measured.
//
// Thread-safety: one thread; one mistake is planted at a time.
#ifndef EPTDIFF_FUZZERS_COMMAND_MISTAKES_PLANTED_MISTAKE_H_
#define EPTDIFF_FUZZERS_COMMAND_MISTAKES_PLANTED_MISTAKE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace eptdiff {

// When a mistake is made.
struct PlantedCondition {
  enum class Kind : std::uint8_t {
    kAlways,
    kLevel,    // at the entry that was loaded last: its level is `number`
    kAccess,   // the access is of this kind
    kEntry,    // bit `number` of the entry that was loaded last is 1
    kControl,  // bit `number` of the secondary controls is 1
    kPage,     // the entry that was loaded last maps a page
  };
  Kind kind = Kind::kAlways;
  unsigned number = 0;
};

struct PlantedMistake {
  enum class Kind : std::uint8_t {
    kName,
    kEntry,
    kMachine,
    kAnswer,
    kKept,  // the GPA that an exit of a write tells is that of the answer
            // before, in the same case; drawn by no number
    // After an invalidation of this kind (`word`, an eptdiff_invalidation) and
    // type (`level`), until the next one, an EPT violation is told as a
    // misconfiguration; drawn by no number.
    kAfterInvalidation,
  };
  Kind kind = Kind::kName;
  PlantedCondition when;
  // kName: the site, and what it names instead.
  int site = 0;
  std::uint64_t instead = 0;
  // kEntry: of loads at `level`; kMachine: of `word`; kAnswer: of `word`.
  unsigned level = 0;
  unsigned word = 0;
  std::uint64_t bit = 0;    // that is changed
  std::uint64_t other = 0;  // what it becomes: 0: 0, ~0: 1, else that bit
  std::string words;        // the mistake in words
  // A headline names what was changed if it says one of these, each a regular
  // expression; and the condition, if it says one of those.
  std::vector<std::string> names;
  std::vector<std::string> condition_names;
};

// The mistake of this number.
PlantedMistake DrawMistake(std::uint64_t number);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_MISTAKES_PLANTED_MISTAKE_H_
