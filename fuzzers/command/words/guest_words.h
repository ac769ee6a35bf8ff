// The guest's paging in words: its registers, its entries bit by bit as the
// paging mode reads them, page-fault error codes. Volume 3A 4.1 to 4.7.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_GUEST_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_GUEST_WORDS_H_

#include <cstdint>
#include <string>

#include "engine/types.h"
#include "fuzzers/entries/guest_mode.h"

namespace eptdiff {

// "4-level paging"; "no paging".
const char* PagingWords(GuestPagingMode mode);

// "CPL 0, 4-level paging, CR3 0x1000, WP, NXE, SMEP": what translation depends
// on.
std::string GuestWords(const GuestState& guest, const Controls& controls);

// "writable, user, accessed, table at 0x2000"; "not present". `level` is 5
// (PML5E) to 1 (PTE); a PDPTE register of PAE paging is of level 3.
std::string GuestEntryWords(std::uint64_t entry, int level,
                            const Processor& processor, const GuestState& guest,
                            const Controls& controls);

// "P, W/R" of a page-fault error code (figure 4-12): the flags that are 1;
// "no flag".
std::string ErrorCodeWords(std::uint32_t error_code);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_GUEST_WORDS_H_
