// The bits that generation and mutation know how to set. Those who answer have
// their own tables: a wrong position here makes a duller question, never a
// wrong answer. SDM 25.6, 29.3, A.10; Volume 3A, chapter 2.
#ifndef EPTDIFF_FUZZERS_ENTRIES_BITS_H_
#define EPTDIFF_FUZZERS_ENTRIES_BITS_H_

#include <cstdint>
#include <initializer_list>

namespace eptdiff::bits {

constexpr std::uint64_t Bit(unsigned n) { return std::uint64_t{1} << n; }
// The lowest `n` (0 to 64) bits.
constexpr std::uint64_t Low(unsigned n) { return n >= 64 ? ~0ull : Bit(n) - 1; }

// All bits of a list. Its elements are evaluated in order, those of a | b in
// none: what draws random numbers must say the order to be the same everywhere.
constexpr std::uint64_t Union(std::initializer_list<std::uint64_t> list) {
  std::uint64_t all = 0;
  for (const std::uint64_t bits : list) all |= bits;
  return all;
}

// clang-format off

// EPT paging-structure entries.
inline constexpr std::uint64_t kRead         = Bit(0);
inline constexpr std::uint64_t kWrite        = Bit(1);
inline constexpr std::uint64_t kExecute      = Bit(2);
inline constexpr std::uint64_t kPermissions  = Low(3);
inline constexpr unsigned      kTypeShift    = 3;
inline constexpr std::uint64_t kTypeMask     = 7 << kTypeShift;
inline constexpr std::uint64_t kIgnorePat    = Bit(6);
inline constexpr std::uint64_t kLeaf         = Bit(7);
inline constexpr std::uint64_t kAccessed     = Bit(8);
inline constexpr std::uint64_t kDirty        = Bit(9);
inline constexpr std::uint64_t kUserExecute  = Bit(10);
inline constexpr std::uint64_t kAddress      = Low(52) & ~Low(12);
inline constexpr std::uint64_t kVerify       = Bit(57);
inline constexpr std::uint64_t kPagingWrite  = Bit(58);
inline constexpr std::uint64_t kShadowStack  = Bit(60);
inline constexpr std::uint64_t kSubPage      = Bit(61);
inline constexpr std::uint64_t kSuppressVe   = Bit(63);

// Paging-structure entries of the guest (Volume 3A, chapter 4).
inline constexpr std::uint64_t kGuestPresent  = Bit(0);
inline constexpr std::uint64_t kGuestWritable = Bit(1);
inline constexpr std::uint64_t kGuestUser     = Bit(2);
inline constexpr std::uint64_t kGuestPwt      = Bit(3);
inline constexpr std::uint64_t kGuestPcd      = Bit(4);
inline constexpr std::uint64_t kGuestAccessed = Bit(5);
inline constexpr std::uint64_t kGuestDirty    = Bit(6);
inline constexpr std::uint64_t kGuestLarge    = Bit(7);
inline constexpr std::uint64_t kGuestSmallPat = Bit(7);   // of a PTE
inline constexpr std::uint64_t kGuestGlobal   = Bit(8);
inline constexpr std::uint64_t kGuestRestart  = Bit(11);  // HLAT
inline constexpr std::uint64_t kGuestLargePat = Bit(12);
inline constexpr unsigned      kGuestKeyShift = 59;
inline constexpr std::uint64_t kGuestNoExecute = Bit(63);

// EPTP.
inline constexpr std::uint64_t kWriteBack        = 6;
inline constexpr std::uint64_t kFourLevels       = 3 << 3;
inline constexpr std::uint64_t kFiveLevels       = 4 << 3;
inline constexpr std::uint64_t kWalkLengthMask   = 7 << 3;
inline constexpr std::uint64_t kAccessedDirty    = Bit(6);
inline constexpr std::uint64_t kShadowStackAware = Bit(7);

// IA32_VMX_EPT_VPID_CAP.
inline constexpr std::uint64_t kCapExecuteOnly   = Bit(0);
inline constexpr std::uint64_t kCapFourLevels    = Bit(6);
inline constexpr std::uint64_t kCapFiveLevels    = Bit(7);
inline constexpr std::uint64_t kCapUncacheable   = Bit(8);
inline constexpr std::uint64_t kCapWriteBack     = Bit(14);
inline constexpr std::uint64_t kCap2Mb           = Bit(16);
inline constexpr std::uint64_t kCap1Gb           = Bit(17);
inline constexpr std::uint64_t kCapInvept        = Bit(20) | Bit(25) | Bit(26);
inline constexpr std::uint64_t kCapAccessedDirty = Bit(21);
inline constexpr std::uint64_t kCapAdvancedExit  = Bit(22);
inline constexpr std::uint64_t kCapShadowStack   = Bit(23);
inline constexpr std::uint64_t kCapInvvpid       = Bit(32) | 0xfull << 40;
inline constexpr unsigned      kCapHlatShift     = 48;

// VM-execution controls.
inline constexpr std::uint32_t kPinInterruptExiting = 1u << 0;
inline constexpr std::uint32_t kPinNmiExiting      = 1u << 3;
inline constexpr std::uint32_t kPinVirtualNmis     = 1u << 5;
inline constexpr std::uint32_t kPinPostedInterrupts = 1u << 7;
inline constexpr std::uint32_t kPrimaryInvlpg      = 1u << 9;
inline constexpr std::uint32_t kPrimaryCr3Loads    = 1u << 15;
inline constexpr std::uint32_t kPrimaryTertiary    = 1u << 17;
inline constexpr std::uint32_t kPrimaryTprShadow   = 1u << 21;
inline constexpr std::uint32_t kPrimaryNmiWindow   = 1u << 22;
inline constexpr std::uint32_t kPrimarySecondary   = 1u << 31;
inline constexpr std::uint32_t kSecondaryApicAccesses = 1u << 0;
inline constexpr std::uint32_t kSecondaryEpt       = 1u << 1;
inline constexpr std::uint32_t kSecondaryX2apicMode = 1u << 4;
inline constexpr std::uint32_t kSecondaryVpid      = 1u << 5;
inline constexpr std::uint32_t kSecondaryUnrestricted = 1u << 7;
inline constexpr std::uint32_t kSecondaryApicRegisters     = 1u << 8;
inline constexpr std::uint32_t kSecondaryInterruptDelivery = 1u << 9;
inline constexpr std::uint32_t kSecondaryVmFunctions  = 1u << 13;
inline constexpr std::uint32_t kSecondaryPml       = 1u << 17;
inline constexpr std::uint32_t kSecondaryVe        = 1u << 18;
inline constexpr std::uint32_t kSecondaryMbec      = 1u << 22;
inline constexpr std::uint32_t kSecondarySpp       = 1u << 23;
inline constexpr std::uint32_t kSecondaryTraceGuest   = 1u << 24;
inline constexpr std::uint64_t kTertiaryHlat        = Bit(1);
inline constexpr std::uint64_t kTertiaryPagingWrite = Bit(2);
inline constexpr std::uint64_t kTertiaryVerify      = Bit(3);
inline constexpr std::uint64_t kTertiaryIpi         = Bit(4);
inline constexpr std::uint64_t kTertiarySeamWidth   = Bit(5);
inline constexpr std::uint64_t kTertiaryPebsGuest   = Bit(12);
inline constexpr std::uint32_t kEntryLoadPat          = 1u << 14;
inline constexpr std::uint32_t kEntryLoadEfer         = 1u << 15;
inline constexpr std::uint32_t kEntryLoadTrace        = 1u << 18;
inline constexpr std::uint32_t kExitAcknowledge       = 1u << 15;
inline constexpr std::uint32_t kExitClearTrace        = 1u << 25;
inline constexpr std::uint32_t kExitSecondary         = 1u << 31;
inline constexpr std::uint64_t kExitBusyShadowStack   = Bit(3);  // secondary
inline constexpr std::uint64_t kFunctionEptpSwitch  = Bit(0);
inline constexpr std::uint32_t kExceptionVe         = 1u << 20;

// Guest registers.
inline constexpr std::uint64_t kCr0Pe   = Bit(0);
inline constexpr std::uint64_t kCr0Et   = Bit(4);
inline constexpr std::uint64_t kCr0Ne   = Bit(5);
inline constexpr std::uint64_t kCr0Wp   = Bit(16);
inline constexpr std::uint64_t kCr0Nw   = Bit(29);
inline constexpr std::uint64_t kCr0Cd   = Bit(30);
inline constexpr std::uint64_t kCr0Pg   = Bit(31);
inline constexpr std::uint64_t kCr4Pse  = Bit(4);
inline constexpr std::uint64_t kCr4Pae  = Bit(5);
inline constexpr std::uint64_t kCr4Pge  = Bit(7);
inline constexpr std::uint64_t kCr4La57 = Bit(12);
inline constexpr std::uint64_t kCr4Vmxe = Bit(13);
inline constexpr std::uint64_t kCr4Pcide = Bit(17);
inline constexpr std::uint64_t kCr4Smep = Bit(20);
inline constexpr std::uint64_t kCr4Smap = Bit(21);
inline constexpr std::uint64_t kCr4Pke  = Bit(22);
inline constexpr std::uint64_t kCr4Cet  = Bit(23);
inline constexpr std::uint64_t kCr4Pks  = Bit(24);
inline constexpr std::uint64_t kCr4Lass = Bit(27);
inline constexpr std::uint64_t kCr4LamSup = Bit(28);
inline constexpr std::uint64_t kCr3LamU57 = Bit(61);
inline constexpr std::uint64_t kCr3LamU48 = Bit(62);
inline constexpr std::uint64_t kEferSce = Bit(0);
inline constexpr std::uint64_t kEferLme = Bit(8);
inline constexpr std::uint64_t kEferLma = Bit(10);
inline constexpr std::uint64_t kEferNxe = Bit(11);
inline constexpr std::uint64_t kRflagsFixed = Bit(1);
inline constexpr std::uint64_t kRflagsTf    = Bit(8);
inline constexpr std::uint64_t kRflagsIf    = Bit(9);
inline constexpr std::uint64_t kRflagsRf    = Bit(16);
inline constexpr std::uint64_t kRflagsVm    = Bit(17);
inline constexpr std::uint64_t kRflagsAc    = Bit(18);

// clang-format on

}  // namespace eptdiff::bits

#endif  // EPTDIFF_FUZZERS_ENTRIES_BITS_H_
