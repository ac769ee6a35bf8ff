// Every bit that the engine knows, named once (SDM 25.6, 29.3, A.10).
// Thread-safety: constants.
#ifndef EPTDIFF_ENGINE_BITS_H_
#define EPTDIFF_ENGINE_BITS_H_

#include <cstdint>

namespace eptdiff::bits {

constexpr std::uint64_t Bit(int position) {
  return std::uint64_t{1} << position;
}
// Bits high:low, both included; none if high < low.
constexpr std::uint64_t Bits(int high, int low) {
  return high < low ? 0 : (~std::uint64_t{0} >> (63 - high + low)) << low;
}

// clang-format off

// EPT paging-structure entries, tables 29-1 to 29-7.
inline constexpr std::uint64_t kRead            = Bit(0);
inline constexpr std::uint64_t kWrite           = Bit(1);
inline constexpr std::uint64_t kExecute         = Bit(2);
inline constexpr std::uint64_t kTableReserved   = Bits(7, 3);   // and CFG-10
inline constexpr std::uint64_t kIgnorePat       = Bit(6);
inline constexpr std::uint64_t kPage            = Bit(7);
inline constexpr std::uint64_t kAccessed        = Bit(8);
inline constexpr std::uint64_t kDirty           = Bit(9);
inline constexpr std::uint64_t kUserExecute     = Bit(10);
inline constexpr std::uint64_t kAddress         = Bits(51, 12);
inline constexpr std::uint64_t kReserved2M      = Bits(20, 12);
inline constexpr std::uint64_t kReserved1G      = Bits(29, 12);
inline constexpr std::uint64_t kVerifyPaging    = Bit(57);
inline constexpr std::uint64_t kPagingWrite     = Bit(58);
inline constexpr std::uint64_t kShadowStack     = Bit(60);
inline constexpr std::uint64_t kSubPage         = Bit(61);
inline constexpr std::uint64_t kSuppressVe      = Bit(63);
inline constexpr int kMemoryTypeShift           = 3;            // bits 6:3

// EPTP, table 25-9.
inline constexpr std::uint64_t kEptpMemoryType  = Bits(2, 0);
inline constexpr std::uint64_t kEptpWalkLength  = Bits(5, 3);
inline constexpr std::uint64_t kEptpFourLevel   = 3 << 3;
inline constexpr std::uint64_t kEptpFiveLevel   = 4 << 3;
inline constexpr std::uint64_t kEptpAccessDirty = Bit(6);
inline constexpr std::uint64_t kEptpShadowStack = Bit(7);
inline constexpr std::uint64_t kEptpReserved    = Bits(11, 8);  // and 63:N

// IA32_VMX_EPT_VPID_CAP, A.10.
inline constexpr std::uint64_t kCapExecuteOnly  = Bit(0);
inline constexpr std::uint64_t kCapFourLevel    = Bit(6);
inline constexpr std::uint64_t kCapFiveLevel    = Bit(7);
inline constexpr std::uint64_t kCapUncacheable  = Bit(8);
inline constexpr std::uint64_t kCapWriteBack    = Bit(14);
inline constexpr std::uint64_t kCap2M           = Bit(16);
inline constexpr std::uint64_t kCap1G           = Bit(17);
inline constexpr std::uint64_t kCapInvept       = Bit(20);
inline constexpr std::uint64_t kCapAccessDirty  = Bit(21);
inline constexpr std::uint64_t kCapAdvancedExit = Bit(22);
inline constexpr std::uint64_t kCapShadowStack  = Bit(23);
inline constexpr int kCapInveptTypeShift        = 24;           // types 1, 2
inline constexpr std::uint64_t kCapInvvpid      = Bit(32);
inline constexpr int kCapInvvpidTypeShift       = 40;           // types 0 to 3
inline constexpr int kCapHlatPrefixShift        = 48;           // bits 53:48

// VM-execution controls, tables 25-5 to 25-8 and 25-10.
inline constexpr std::uint32_t kPinInterruptExiting    = 1u << 0;
inline constexpr std::uint32_t kPinNmiExiting          = 1u << 3;
inline constexpr std::uint32_t kPinVirtualNmis         = 1u << 5;
inline constexpr std::uint32_t kPinPostedInterrupts    = 1u << 7;
inline constexpr std::uint32_t kPrimaryInvlpg          = 1u << 9;
inline constexpr std::uint32_t kPrimaryCr3LoadExiting  = 1u << 15;
inline constexpr std::uint32_t kPrimaryTertiary        = 1u << 17;
inline constexpr std::uint32_t kPrimaryTprShadow       = 1u << 21;
inline constexpr std::uint32_t kPrimaryNmiWindow       = 1u << 22;
inline constexpr std::uint32_t kPrimarySecondary       = 1u << 31;
inline constexpr std::uint32_t kSecondaryApicAccesses  = 1u << 0;
inline constexpr std::uint32_t kSecondaryEpt           = 1u << 1;
inline constexpr std::uint32_t kSecondaryX2apicMode    = 1u << 4;
inline constexpr std::uint32_t kSecondaryVpid          = 1u << 5;
inline constexpr std::uint32_t kSecondaryUnrestricted  = 1u << 7;
inline constexpr std::uint32_t kSecondaryApicRegisters = 1u << 8;
inline constexpr std::uint32_t kSecondaryApicDelivery  = 1u << 9;
inline constexpr std::uint32_t kSecondaryInvpcid       = 1u << 12;
inline constexpr std::uint32_t kSecondaryVmFunctions   = 1u << 13;
inline constexpr std::uint32_t kSecondaryPml           = 1u << 17;
inline constexpr std::uint32_t kSecondaryViolationVe   = 1u << 18;
inline constexpr std::uint32_t kSecondaryMbec          = 1u << 22;
inline constexpr std::uint32_t kSecondarySubPage       = 1u << 23;
inline constexpr std::uint32_t kSecondaryTraceGuest    = 1u << 24;
inline constexpr std::uint64_t kTertiaryHlat           = Bit(1);
inline constexpr std::uint64_t kTertiaryPagingWrite    = Bit(2);
inline constexpr std::uint64_t kTertiaryVerification   = Bit(3);
inline constexpr std::uint64_t kTertiaryIpi            = Bit(4);
inline constexpr std::uint64_t kTertiarySeamWidth      = Bit(5);
inline constexpr std::uint64_t kTertiaryPebsGuest      = Bit(12);
inline constexpr std::uint64_t kVmFunctionEptpSwitch   = Bit(0);

// VM-exit and VM-entry controls, tables 25-13 and 25-16.
inline constexpr std::uint32_t kExitAcknowledge        = 1u << 15;
inline constexpr std::uint32_t kExitClearTraceControl  = 1u << 25;
inline constexpr std::uint32_t kExitSecondaryControls  = 1u << 31;
inline constexpr std::uint64_t kExitBusyShadowStack    = Bit(3);  // secondary
inline constexpr std::uint32_t kEntryLoadPat           = 1u << 14;
inline constexpr std::uint32_t kEntryLoadEfer          = 1u << 15;
inline constexpr std::uint32_t kEntryLoadTraceControl  = 1u << 18;

// Guest registers.
inline constexpr std::uint64_t kCr0Protection   = Bit(0);
inline constexpr std::uint64_t kCr0NumericError = Bit(5);
inline constexpr std::uint64_t kCr0Reserved     = Bits(63, 32);
inline constexpr std::uint64_t kCr0WriteProtect = Bit(16);
inline constexpr std::uint64_t kCr0NotWriteThrough = Bit(29);
inline constexpr std::uint64_t kCr0CacheDisable = Bit(30);
inline constexpr std::uint64_t kCr0Paging       = Bit(31);
inline constexpr std::uint64_t kCr0Kept         = Bits(28, 19) | Bit(17) | Bits(15, 6) | Bit(4);  // by MOV
inline constexpr std::uint64_t kCr3Preserve     = Bit(63);      // of MOV's operand
inline constexpr std::uint64_t kCr3PcidBits     = Bits(11, 0);
inline constexpr std::uint64_t kCr4Pse          = Bit(4);
inline constexpr std::uint64_t kCr4Pae          = Bit(5);
inline constexpr std::uint64_t kCr4Pge          = Bit(7);
inline constexpr std::uint64_t kCr4La57         = Bit(12);
inline constexpr std::uint64_t kCr4Vmxe         = Bit(13);
inline constexpr std::uint64_t kCr4Pcide        = Bit(17);
inline constexpr std::uint64_t kCr4Smep         = Bit(20);
inline constexpr std::uint64_t kCr4Smap         = Bit(21);
inline constexpr std::uint64_t kCr4Pke          = Bit(22);
inline constexpr std::uint64_t kCr4Cet          = Bit(23);
inline constexpr std::uint64_t kCr4Pks          = Bit(24);
inline constexpr std::uint64_t kCr4Lass         = Bit(27);
inline constexpr std::uint64_t kCr4LamSup       = Bit(28);
inline constexpr std::uint64_t kCr4Fred         = Bit(32);
inline constexpr std::uint64_t kCr4Defined      = Bits(14, 0) | Bits(25, 16) | Bit(27) | Bit(28) | Bit(32);
inline constexpr std::uint64_t kCr3LamU57       = Bit(61);
inline constexpr std::uint64_t kCr3LamU48       = Bit(62);
inline constexpr std::uint64_t kCr3Lam          = kCr3LamU57 | kCr3LamU48;
inline constexpr std::uint64_t kEferLme         = Bit(8);
inline constexpr std::uint64_t kEferLma         = Bit(10);
inline constexpr std::uint64_t kEferNxe         = Bit(11);
inline constexpr std::uint64_t kEferReserved    = Bits(63, 12) | Bit(9) | Bits(7, 1);
inline constexpr std::uint64_t kRflagsOne       = Bit(1);
inline constexpr std::uint64_t kRflagsTf        = Bit(8);
inline constexpr std::uint64_t kRflagsIf        = Bit(9);
inline constexpr std::uint64_t kRflagsVm        = Bit(17);
inline constexpr std::uint64_t kRflagsAc        = Bit(18);
inline constexpr std::uint64_t kRflagsReserved  = Bits(63, 22) | Bit(15) | Bit(5) | Bit(3);

// Interruptibility state (table 25-3) and pending debug exceptions (25-4): a bus
// lock, an enabled breakpoint, a single step, a transactional region.
inline constexpr std::uint32_t kBlockingBySti       = 1 << 0;
inline constexpr std::uint32_t kBlockingByMovSs     = 1 << 1;
inline constexpr std::uint32_t kBlockingByNmi       = 1 << 3;
inline constexpr std::uint32_t kEnclaveInterruption = 1 << 4;
inline constexpr std::uint32_t kPendingBusLock      = 1 << 11;
inline constexpr std::uint32_t kPendingEnabled      = 1 << 12;
inline constexpr std::uint32_t kPendingStep         = 1 << 14;
inline constexpr std::uint32_t kPendingRegion       = 1 << 16;
inline constexpr std::uint32_t kPendingDefined =
    kPendingRegion | kPendingStep | kPendingEnabled | kPendingBusLock | 0xf;

// Guest paging-structure entries, and as far as they have them CR3, HLATP and
// the PDPTE registers; Volume 3A, 4.3 to 4.5.
inline constexpr std::uint64_t kGuestPresent    = Bit(0);
inline constexpr std::uint64_t kGuestWritable   = Bit(1);       // R/W
inline constexpr std::uint64_t kGuestUser       = Bit(2);       // U/S
inline constexpr std::uint64_t kGuestPcdPwt     = Bits(4, 3);
inline constexpr int           kGuestPwtShift   = 3;
inline constexpr std::uint64_t kGuestAccessed   = Bit(5);
inline constexpr std::uint64_t kGuestDirty      = Bit(6);
inline constexpr std::uint64_t kGuestPage       = Bit(7);       // PS
inline constexpr int           kGuestPat4KShift = 7;
inline constexpr std::uint64_t kGuestGlobal     = Bit(8);
inline constexpr std::uint64_t kGuestRestart    = Bit(11);      // HLAT paging
inline constexpr int           kGuestPatShift   = 12;           // large pages
inline constexpr std::uint64_t kGuestReserved2M = Bits(20, 13);
inline constexpr std::uint64_t kGuestReserved1G = Bits(29, 13);
inline constexpr int           kGuestKeyShift   = 59;           // bits 62:59
inline constexpr std::uint64_t kGuestNoExecute  = Bit(63);      // XD

inline constexpr std::uint64_t kPdpteReserved   = Bits(8, 5) | Bits(2, 1);

// Page-fault error codes; Volume 3A, 4.7.
inline constexpr std::uint32_t kFaultPresent     = 1u << 0;     // P
inline constexpr std::uint32_t kFaultWrite       = 1u << 1;     // W/R
inline constexpr std::uint32_t kFaultUser        = 1u << 2;     // U/S
inline constexpr std::uint32_t kFaultReserved    = 1u << 3;     // RSVD
inline constexpr std::uint32_t kFaultFetch       = 1u << 4;     // I/D
inline constexpr std::uint32_t kFaultKey         = 1u << 5;     // PK
inline constexpr std::uint32_t kFaultShadowStack = 1u << 6;     // SS
inline constexpr std::uint32_t kFaultHlat        = 1u << 7;     // HLAT

// Exit qualifications, table 28-7 and 28.2.1.
inline constexpr std::uint64_t kQualRead          = Bit(0);
inline constexpr std::uint64_t kQualWrite         = Bit(1);
inline constexpr std::uint64_t kQualFetch         = Bit(2);
inline constexpr int           kQualRightsShift   = 3;          // bits 5:3
inline constexpr std::uint64_t kQualUserExecute   = Bit(6);
inline constexpr std::uint64_t kQualGlaValid      = Bit(7);
inline constexpr std::uint64_t kQualTranslation   = Bit(8);
inline constexpr std::uint64_t kQualUserPage      = Bit(9);
inline constexpr std::uint64_t kQualWritablePage  = Bit(10);
inline constexpr std::uint64_t kQualNoExecutePage = Bit(11);
inline constexpr std::uint64_t kQualSppMiss       = Bit(11);
inline constexpr std::uint64_t kQualNmiUnblocking = Bit(12);
inline constexpr std::uint64_t kQualShadowStack   = Bit(13);
inline constexpr std::uint64_t kQualSssPage       = Bit(14);
inline constexpr std::uint64_t kQualVerification  = Bit(15);
inline constexpr std::uint64_t kQualAsynchronous  = Bit(16);

// Of APIC accesses, table 28-6: bits 15:12.
inline constexpr int           kApicTypeShift         = 12;
inline constexpr std::uint64_t kApicRead              = 0;
inline constexpr std::uint64_t kApicWrite             = 1;
inline constexpr std::uint64_t kApicFetch             = 2;
inline constexpr std::uint64_t kApicDelivery          = 3;
inline constexpr std::uint64_t kApicPhysicalDelivery  = 10;
inline constexpr std::uint64_t kApicPhysicalTrace     = 11;
inline constexpr std::uint64_t kApicPhysical          = 15;
// The same of MOV to CR3, table 28-3.
inline constexpr std::uint64_t kQualMovToCr3      = 3;

// Basic exit reasons, appendix C.
inline constexpr std::uint16_t kExitException        = 0;
inline constexpr std::uint16_t kExitInvlpg           = 14;
inline constexpr std::uint16_t kExitControlRegister  = 28;
inline constexpr std::uint16_t kExitGuestState       = 33;
inline constexpr std::uint16_t kExitApicAccess       = 44;
inline constexpr std::uint16_t kExitViolation        = 48;
inline constexpr std::uint16_t kExitMisconfiguration = 49;
inline constexpr std::uint16_t kExitInvpcid          = 58;
inline constexpr std::uint16_t kExitVmfunc           = 59;
inline constexpr std::uint16_t kExitLogFull          = 62;
inline constexpr std::uint16_t kExitSpp              = 66;

// clang-format on

static_assert(Bits(51, 12) == 0x000ffffffffff000);
static_assert(Bits(63, 0) == ~std::uint64_t{0});
static_assert(Bits(51, 52) == 0);
static_assert(kTableReserved == 0xf8);

}  // namespace eptdiff::bits

#endif  // EPTDIFF_ENGINE_BITS_H_
