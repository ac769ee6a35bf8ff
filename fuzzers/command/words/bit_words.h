// Bits in words: the one place where the command spells out what a bit of an
// entry, a control, a qualification means. For people: nothing is computed
// from it. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_BIT_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_BIT_WORDS_H_

#include <cstdint>
#include <string>

#include "engine/types.h"
#include "oracle/reference/trace.h"

namespace eptdiff {

// "0x2007".
std::string Hexadecimal(std::uint64_t value);

// "12, 29": the bits that are set.
std::string BitNumbers(std::uint64_t value);

// "reserved bits set: 12, 29".
std::string ReservedBitsWords(std::uint64_t bits);

// "WB"; "memory type 2" for an encoding that means none.
std::string MemoryTypeWords(std::uint64_t encoding);

// "read, write, execute": bits 2:0 of EPT entries, and 10 with mode-based
// execute control; "none".
std::string EptRightsWords(std::uint64_t rights, bool mbec);

// "WB", "WB, ignore PAT": bits 6:3 of a leaf, as a number.
std::string LeafTypeWords(std::uint64_t type);

// "4 KBytes", "2 MBytes", "1 GByte", "4097 bytes": the largest unit that fits.
std::string SizeWords(std::uint64_t bytes);

// "EPT violation" for 48.
std::string ExitReasonWords(std::uint16_t reason);

// The bits of an EPT violation's qualification: "data write, GLA valid".
// Those not in `defined` are left out.
std::string QualificationWords(std::uint64_t value, std::uint64_t defined);

// "write, fetch, PML, ..." of IA32_VMX_EPT_VPID_CAP (A.10).
std::string CapabilityWords(std::uint64_t capabilities);

// "WB, 4 levels, A/D, tables at 0x1000" of an EPTP (table 25-9).
std::string EptpWords(std::uint64_t eptp);

// The controls that are 1 and that EPT depends on: "EPT, MBEC, PML".
std::string ControlWords(const Controls& controls);

// "PML4E", "SPP L4", "PDPTE register", "EPTP-list entry".
std::string EntryNameWords(const EntryRead& entry);

// What an entry says: "read, write, 2-MByte page at 0x200000, WB".
std::string EntryWords(const EntryRead& entry, const Processor& processor,
                       const Controls& controls, const GuestState& guest);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_BIT_WORDS_H_
