// Questions about memory types in words: which registers decide, and what the
// entry of a page may then be.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_MEMORY_TYPE_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_MEMORY_TYPE_WORDS_H_

#include <cstdint>
#include <string>

#include "fuzzers/command/words/style.h"
#include "oracle/mtrr/memory_types.h"
#include "oracle/mtrr/mtrrs.h"
#include "oracle/mtrr/page_types.h"

namespace eptdiff {

// "the memory type of the page of 0x1000 bytes at host-physical 0x1000, ...".
std::string MemoryTypeQuestionWords(const MtrrQuestion& question);

// "UC, or UC, the PAT ignored": of PageType::permitted.
std::string PermittedTypeWords(std::uint32_t permitted);

// "mtrr-uc-wins (SDM 3A 12.11.4.1): in several ... of which one is UC: UC".
std::string MtrrRuleWords(MtrrRule rule);

// "RAM is as the guest's MTRRs and PAT have it; ...": what is promised.
std::string PolicyWords(const MemoryPolicy& policy);

// Which registers say what of the page, what is permitted by each thing that a
// hypervisor may promise, or by `policy` alone if there is one, and which types
// the guest's accesses have then, and by the entry `answer`; kNoSuchPage: none.
std::string ExplainMemoryType(const MtrrQuestion& question,
                              const MemoryPolicy* policy, std::uint32_t answer,
                              const Style& style);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_MEMORY_TYPE_WORDS_H_
