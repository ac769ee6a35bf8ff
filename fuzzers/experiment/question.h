// One step and all that it meets, as a case of its own, and its words: what an
// experiment varies, one at a time. Before the step there may be an
// invalidation.
//
// The words of the machine and of the step are listed in question_words.def;
// those of memory are the entries on the way (reference/trace.h), which the
// reference knows. What follows from them (the mode of guest paging, how high
// EPT is) are numbers that a condition may be about and nothing can vary.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_QUESTION_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_QUESTION_H_

#include <cstdint>
#include <optional>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/reference/trace.h"

namespace eptdiff {

enum class Word : std::uint8_t {
#define EPTDIFF_QUESTION_WORD(enumerator, kind, bits, member) enumerator,
#include "fuzzers/experiment/question_words.def"
#undef EPTDIFF_QUESTION_WORD
  kBefore,     // 0, or 1 + the InvalidationKind of what comes before the step
  kGuestMode,  // a GuestPagingMode
  kEptLevels,  // 4 or 5
  // Of an entry on the way:
  kEntry,           // its bits
  kEntryLevel,      // 1 to 5
  kEntryRole,       // an EntryRole
  kEntryStructure,  // a Structure
  kEntryFor,        // the level of the guest entry that is accessed, or 0
  kEntryTop,        // 1: the first of its walk
};

// What an entry is to the walk.
enum class EntryRole : std::uint8_t { kNotPresent, kTable, kPage };

enum class WordKind : std::uint8_t { kBits, kNumber };

struct WordInfo {
  Word word;
  WordKind kind;
  unsigned bits;  // 0: nothing can vary it
};
inline constexpr WordInfo kQuestionWords[] = {
#define EPTDIFF_QUESTION_WORD(enumerator, kind, bits, member) \
  {Word::enumerator, WordKind::kind, bits},
#include "fuzzers/experiment/question_words.def"
#undef EPTDIFF_QUESTION_WORD
    {Word::kBefore, WordKind::kNumber, 3},
    {Word::kGuestMode, WordKind::kNumber, 0},
    {Word::kEptLevels, WordKind::kNumber, 0},
};
// Of any word.
WordKind KindOf(Word word);
constexpr bool IsOfEntry(Word word) { return word >= Word::kEntry; }

// `step` (null: VM entry) in `before`, as a case with no other step; or after
// this invalidation.
Case QuestionOf(const MachineState& before, const Step* step,
                const std::optional<Step>& invalidation = {});

// Whether the question has this word, not of an entry: those of invalidations
// it has if it has one.
bool Has(const Case& question, Word word);
// A word of a question, and the question with another; not of an entry. One
// that it does not have is 0, and stays.
std::uint64_t ValueOf(const Case& question, Word word);
void SetValue(Case& question, Word word, std::uint64_t value);

// A word of an entry on the way of a question.
std::uint64_t ValueOf(const Case& question, const EntryRead& entry, Word word);
// Gives the entry other bits.
void SetEntry(Case& question, const EntryRead& entry, std::uint64_t value);
// Of an entry of 32 bits in the guest, 32; else 64.
unsigned BitsOf(const Case& question, const EntryRead& entry);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_QUESTION_H_
