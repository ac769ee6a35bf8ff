// Questions made from others: all that are one thing away, and such that a
// condition holds in, or an effect shows.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_VARIATIONS_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_VARIATIONS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "fuzzers/experiment/cause.h"
#include "oracle/case.h"
#include "oracle/reference/trace.h"

namespace eptdiff {

// Calls f for each question that differs from `question` in one bit of a word,
// in one bit of one of these entries, or in one small number; and with one bit
// of a table's address, the table being there as well. In canonical form.
void ForEachVariation(const Case& question,
                      const std::vector<EntryRead>& entries,
                      const std::function<void(const Case&)>& f);

// Calls f for each other value worth trying of a word that is a number.
void ForEachNumber(Word word, std::uint64_t value,
                   const std::function<void(std::uint64_t)>& f);

// Edits a question so that these atoms hold, as far as that can be done:
// numbers become those of `like`. `entries` and `itself` are its own.
void MakeHold(const std::vector<Atom>& atoms, const Case& like,
              const std::vector<EntryRead>& entries, const EntryRead* itself,
              Case& question);

// Edits a question so that an effect takes a word of it otherwise than it is:
// of the machine, or an entry, in which atoms already hold; `entries` are those
// on the way.
void MakeMatter(const Effect& effect, Case& question);
void MakeMatter(const Effect& effect, const std::vector<Atom>& atoms,
                const std::vector<EntryRead>& entries, const EntryRead& entry,
                Case& question);
// Edits a question so that, of the bits by which an entry is taken for
// something in one use, by the SDM or by the effect, it has `bit` alone; where
// it takes all entries of its walk, they have it as well.
void GiveOneBit(const Effect& effect, std::uint64_t bit,
                const std::vector<EntryRead>& entries, const EntryRead& entry,
                Case& question);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_VARIATIONS_H_
