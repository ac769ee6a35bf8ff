// libFuzzer's custom mutator and cross-over, as the targets have them: bytes
// are decoded, the case is changed or made anew, and encoded.
// Thread-safety: none; one for each process.
#ifndef EPTDIFF_FUZZERS_MUTATION_CUSTOM_MUTATOR_H_
#define EPTDIFF_FUZZERS_MUTATION_CUSTOM_MUTATOR_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzzers/encoding/current_case.h"
#include "fuzzers/generation/machine_generation.h"

namespace eptdiff {

// LLVMFuzzerCustomMutator: `data` holds `size` bytes and has room for
// `max_size`. The new size. `current` then is the new case.
std::size_t MutateBytes(std::uint8_t* data, std::size_t size,
                        std::size_t max_size, unsigned seed, Focus focus,
                        CurrentCase& current);

// LLVMFuzzerCustomCrossOver.
std::size_t CrossOverBytes(std::span<const std::uint8_t> a,
                           std::span<const std::uint8_t> b,
                           std::span<std::uint8_t> out, unsigned seed,
                           Focus focus, CurrentCase& current);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_MUTATION_CUSTOM_MUTATOR_H_
