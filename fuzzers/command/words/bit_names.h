// The names of bits, as the SDM spells them: of entries, registers, controls,
// capabilities, an exit qualification, a page fault's error code. The one place
// where they stand. Thread-safety: plain values.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_BIT_NAMES_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_BIT_NAMES_H_

#include "fuzzers/command/words/word_list.h"

namespace eptdiff {

// Table 28-7.
inline constexpr BitName kQualificationBits[] = {
    {0, "data read"},
    {1, "data write"},
    {2, "instruction fetch"},
    {3, "readable"},
    {4, "writable"},
    {5, "executable"},
    {6, "user-executable"},
    {7, "GLA valid"},
    {8, "access to the translation of the GLA"},
    {9, "user-mode address"},
    {10, "read/write page"},
    {11, "execute-disable page"},
    {12, "NMI unblocking due to IRET"},
    {13, "shadow-stack access"},
    {14, "supervisor shadow-stack page"},
    {15, "guest-paging verification"},
    {16, "asynchronous"},
};

// Tables 29-1 to 29-7.
inline constexpr BitName kEptEntryBits[] = {
    {0, "read"},
    {1, "write"},
    {2, "execute"},
    {6, "ignore PAT"},
    {7, "maps a page"},
    {8, "accessed"},
    {9, "dirty"},
    {10, "user execute"},
    {57, "verify guest paging"},
    {58, "paging-write access"},
    {60, "supervisor shadow stack"},
    {61, "sub-page write permissions"},
    {63, "suppress #VE"},
};

// Volume 3A, tables 4-14 to 4-20.
inline constexpr BitName kGuestEntryBits[] = {
    {0, "present"}, {1, "writable"},
    {2, "user"},    {3, "PWT"},
    {4, "PCD"},     {5, "accessed"},
    {6, "dirty"},   {7, "page size or PAT"},
    {8, "global"},  {63, "execute-disable"},
};

// Table 25-9.
inline constexpr BitName kEptpBits[] = {
    {6, "accessed and dirty flags"},
    {7, "supervisor shadow-stack control"},
};

// Registers, by what volume 3A calls their bits (2.5, 2.2.1, 2.3).
inline constexpr BitName kCr0Bits[] = {
    {0, "PE"}, {16, "WP"}, {29, "NW"}, {30, "CD"}, {31, "PG"}};
inline constexpr BitName kCr4Bits[] = {
    {4, "PSE"},    {5, "PAE"},   {7, "PGE"},   {12, "LA57"},
    {17, "PCIDE"}, {20, "SMEP"}, {21, "SMAP"}, {22, "PKE"},
    {23, "CET"},   {24, "PKS"},  {27, "LASS"}, {28, "LAM_SUP"}};
inline constexpr BitName kEferBits[] = {{8, "LME"}, {10, "LMA"}, {11, "NXE"}};
inline constexpr BitName kRflagsBits[] = {{18, "AC"}};

// IA32_VMX_EPT_VPID_CAP (A.10).
inline constexpr BitName kCapabilityBits[] = {
    {0, "execute-only"},
    {6, "4-level"},
    {7, "5-level"},
    {8, "UC"},
    {14, "WB"},
    {16, "2-MByte pages"},
    {17, "1-GByte pages"},
    {20, "INVEPT"},
    {21, "accessed and dirty flags"},
    {22, "advanced exit information"},
    {23, "supervisor shadow-stack control"},
    {25, "INVEPT single-context"},
    {26, "INVEPT all-context"},
    {32, "INVVPID"},
};
// Its further bits, which translation does not depend on.
inline constexpr BitName kInvvpidBits[] = {
    {40, "INVVPID individual-address"},
    {41, "INVVPID single-context"},
    {42, "INVVPID all-context"},
    {43, "INVVPID single-context-retaining-globals"},
};

// Volume 3A, figure 4-12.
inline constexpr BitName kErrorCodeBits[] = {
    {0, "P"},  {1, "W/R"}, {2, "U/S"},  {3, "RSVD"}, {4, "I/D"},
    {5, "PK"}, {6, "SS"},  {7, "HLAT"}, {15, "SGX"},
};

// Table 25-5.
inline constexpr BitName kPinControlBits[] = {
    {0, "external-interrupt exiting"},
    {3, "NMI exiting"},
    {5, "virtual NMIs"},
    {6, "activate VMX-preemption timer"},
    {7, "process posted interrupts"},
};

// Table 25-6.
inline constexpr BitName kPrimaryControlBits[] = {
    {2, "interrupt-window exiting"},
    {3, "use TSC offsetting"},
    {7, "HLT exiting"},
    {9, "INVLPG exiting"},
    {10, "MWAIT exiting"},
    {11, "RDPMC exiting"},
    {12, "RDTSC exiting"},
    {15, "CR3-load exiting"},
    {16, "CR3-store exiting"},
    {17, "activate tertiary controls"},
    {19, "CR8-load exiting"},
    {20, "CR8-store exiting"},
    {21, "use TPR shadow"},
    {22, "NMI-window exiting"},
    {23, "MOV-DR exiting"},
    {24, "unconditional I/O exiting"},
    {25, "use I/O bitmaps"},
    {27, "monitor trap flag"},
    {28, "use MSR bitmaps"},
    {29, "MONITOR exiting"},
    {30, "PAUSE exiting"},
    {31, "activate secondary controls"},
};

// Table 25-7.
inline constexpr BitName kSecondaryControlBits[] = {
    {0, "virtualize APIC accesses"},
    {1, "enable EPT"},
    {2, "descriptor-table exiting"},
    {3, "enable RDTSCP"},
    {4, "virtualize x2APIC mode"},
    {5, "enable VPID"},
    {6, "WBINVD exiting"},
    {7, "unrestricted guest"},
    {8, "APIC-register virtualization"},
    {9, "virtual-interrupt delivery"},
    {10, "PAUSE-loop exiting"},
    {11, "RDRAND exiting"},
    {12, "enable INVPCID"},
    {13, "enable VM functions"},
    {14, "VMCS shadowing"},
    {15, "enable ENCLS exiting"},
    {16, "RDSEED exiting"},
    {17, "enable PML"},
    {18, "EPT-violation #VE"},
    {19, "conceal VMX from PT"},
    {20, "enable XSAVES/XRSTORS"},
    {21, "PASID translation"},
    {22, "mode-based execute control for EPT"},
    {23, "sub-page write permissions for EPT"},
    {24, "Intel PT uses guest physical addresses"},
    {25, "use TSC scaling"},
    {26, "enable user wait and pause"},
    {27, "enable PCONFIG"},
    {28, "enable ENCLV exiting"},
    {30, "VMM bus-lock detection"},
    {31, "instruction timeout"},
};

// Table 25-8.
inline constexpr BitName kTertiaryControlBits[] = {
    {0, "LOADIWKEY exiting"},        {1, "enable HLAT"},
    {2, "EPT paging-write control"}, {3, "guest-paging verification"},
    {4, "IPI virtualization"},       {7, "virtualize IA32_SPEC_CTRL"},
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_BIT_NAMES_H_
