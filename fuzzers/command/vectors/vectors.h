// Test vectors: cases with everything that the SDM permits as the answer, for
// whoever wants to test EPT code without linking anything of eptdiff.
//
// A vector of several steps must mean the same to everybody: wherever an answer
// leaves a choice, what is permitted afterwards may not depend on it. A case
// for which that does not hold becomes vectors of one step each, which begin in
// the state that the first thing permitted has left. "Everybody" is whoever
// keeps no translations; what is permitted of the others is said besides, and
// follows their answers (cached_verdicts.h). Thread-safety: pure functions.
//
// This folder writes them; oracle/vectors/ says what they mean, and reads them.
// It uses the reference. Begin here; vector_flags.cc is what code has to model,
// vector_json.cc the format.
#ifndef EPTDIFF_FUZZERS_COMMAND_VECTORS_VECTORS_H_
#define EPTDIFF_FUZZERS_COMMAND_VECTORS_VECTORS_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/text/case_text.h"
#include "oracle/case.h"

namespace eptdiff {

// What a case needs an implementation to model: the flags of a vector.
struct VectorFlag {
  std::string_view name;   // "accessed_dirty"
  std::string_view words;  // for people
  bool (*needed)(const Case& c);
};
std::span<const VectorFlag> AllVectorFlags();
// Whether `c` needs it somewhere on the way: registers and controls may change.
bool Needs(const Case& c, const VectorFlag& flag);

// Whether all outcomes that are permitted on the way lead to the same verdicts.
// (If following them all takes too long, the answer is no.)
bool IsTheSameToEverybody(const Case& c);

// The steps up to the first that the SDM says nothing on (ALIAS-1, or none that
// a processor can be asked): all of them, mostly. None if VM entry fails.
std::size_t DefinedSteps(const Case& c);

// `c` as one case, or as one for each step but stores; empty if nothing in it
// can be tested.
std::vector<Case> VectorCasesOf(const Case& c);

// The file: vectors of all `cases`, whose names begin their identifiers. With
// `caches` it also says what is permitted of whoever keeps translations.
struct NamedTextCase {
  std::string name;  // "seeds/cfg-8-bit-12"
  TextCase text_case;
};
std::string VectorsAsJson(const std::vector<NamedTextCase>& cases,
                          bool caches = true);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_VECTORS_VECTORS_H_
