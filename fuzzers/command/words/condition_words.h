// What experiments vary, by name: words of a question, bits, entries, and when
// something about them holds.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_CONDITION_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_CONDITION_WORDS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fuzzers/command/words/bit_names.h"
#include "fuzzers/experiment/cause.h"
#include "oracle/reference/trace.h"

namespace eptdiff {

struct WordName {
  Word word;
  const char* words;
  std::span<const BitName> bits;
};
// Of a word that is no entry's.
const WordName& NamesOf(Word word);
std::span<const BitName> BitsOfEntry(Structure structure);

// " (write)" if the mask is one bit and has a name; "" if not.
std::string NameOfBit(std::span<const BitName> names, std::uint64_t mask);
// "a read".
std::string AccessWords(std::uint64_t kind);

// An entry that these atoms are about: "a PDE that maps a page". Of no
// structure: of EPT as of the guest.
std::string EntryWords(const std::vector<Atom>& when,
                       std::optional<Structure> structure, bool definite);
// "its bit 11 is 1"; "" for what EntryWords() says.
std::string AtomWords(const Atom& atom);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_CONDITION_WORDS_H_
