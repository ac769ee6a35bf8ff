// The fields of the VMCS that the image uses (SDM appendix B), by the numbers
// that VMREAD and VMWRITE take.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_VMCS_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_VMCS_H_

#include <cstdint>

namespace eptdiff::image::vmcs {

enum Field : std::uint32_t {
  kVpid = 0x0000,
  kEptpIndex = 0x0004,
  kHlatPrefixSize = 0x0006,
  kGuestEsSelector = 0x0800,  // ES, CS, SS, DS, FS, GS, LDTR, TR; + 2 each
  kGuestInterruptStatus = 0x0810,
  kPmlIndex = 0x0812,
  kHostEsSelector = 0x0c00,  // ES, CS, SS, DS, FS, GS, TR
  kMsrBitmaps = 0x2004,
  kTscOffset = 0x2010,
  kPmlAddress = 0x200e,
  kApicAccessAddress = 0x2014,
  kVmFunctions = 0x2018,
  kEptp = 0x201a,
  kEptpListAddress = 0x2024,
  kVeInformationAddress = 0x202a,
  kXssExitingBitmap = 0x202c,
  kSpptp = 0x2030,
  kTertiary = 0x2034,
  kHlatp = 0x2040,
  kSecondaryExit = 0x2044,
  kGuestPhysicalAddress = 0x2400,
  kVmcsLink = 0x2800,
  kGuestDebugctl = 0x2802,
  kGuestPat = 0x2804,
  kGuestEfer = 0x2806,
  kGuestPdpte0 = 0x280a,
  kGuestPkrs = 0x2818,
  kHostPat = 0x2c00,
  kHostEfer = 0x2c02,
  kPinBased = 0x4000,
  kPrimary = 0x4002,
  kExceptionBitmap = 0x4004,
  kPageFaultMask = 0x4006,
  kPageFaultMatch = 0x4008,
  kCr3TargetCount = 0x400a,
  kExitControls = 0x400c,
  kExitMsrStoreCount = 0x400e,
  kExitMsrLoadCount = 0x4010,
  kEntryControls = 0x4012,
  kEntryMsrLoadCount = 0x4014,
  kEntryInterruption = 0x4016,
  kEntryErrorCode = 0x4018,
  kEntryInstructionLength = 0x401a,
  kSecondary = 0x401e,
  kInstructionError = 0x4400,
  kExitReason = 0x4402,
  kExitInterruption = 0x4404,
  kExitErrorCode = 0x4406,
  kVectoringInformation = 0x4408,
  kVectoringErrorCode = 0x440a,
  kExitInstructionLength = 0x440c,
  kGuestEsLimit = 0x4800,  // ES ... TR, + 2 each; then GDTR, IDTR
  kGuestGdtrLimit = 0x4810,
  kGuestIdtrLimit = 0x4812,
  kGuestEsRights = 0x4814,  // ES ... TR, + 2 each
  kGuestInterruptibility = 0x4824,
  kGuestActivity = 0x4826,
  kGuestSysenterCs = 0x482a,
  kPreemptionTimer = 0x482e,
  kHostSysenterCs = 0x4c00,
  kCr0Mask = 0x6000,
  kCr4Mask = 0x6002,
  kCr0Shadow = 0x6004,
  kCr4Shadow = 0x6006,
  kExitQualification = 0x6400,
  kGuestLinearAddress = 0x640a,
  kGuestCr0 = 0x6800,
  kGuestCr3 = 0x6802,
  kGuestCr4 = 0x6804,
  kGuestEsBase = 0x6806,  // ES ... TR, + 2 each; then GDTR, IDTR
  kGuestGdtrBase = 0x6816,
  kGuestIdtrBase = 0x6818,
  kGuestDr7 = 0x681a,
  kGuestRsp = 0x681c,
  kGuestRip = 0x681e,
  kGuestRflags = 0x6820,
  kGuestPendingDebug = 0x6822,
  kGuestSysenterEsp = 0x6824,
  kGuestSysenterEip = 0x6826,
  kGuestSCet = 0x6828,
  kGuestSsp = 0x682a,
  kGuestSspTable = 0x682c,
  kHostCr0 = 0x6c00,
  kHostCr3 = 0x6c02,
  kHostCr4 = 0x6c04,
  kHostFsBase = 0x6c06,  // FS, GS, TR, GDTR, IDTR, + 2 each
  kHostTrBase = 0x6c0a,
  kHostGdtrBase = 0x6c0c,
  kHostIdtrBase = 0x6c0e,
  kHostSysenterEsp = 0x6c10,
  kHostSysenterEip = 0x6c12,
  kHostRsp = 0x6c14,
  kHostRip = 0x6c16,
  kHostSCet = 0x6c18,
  kHostSsp = 0x6c1a,
  kHostSspTable = 0x6c1c,
};

// In the order of the guest's segment fields.
enum Segment : std::uint32_t { kEs, kCs, kSs, kDs, kFs, kGs, kLdtr, kTr };

}  // namespace eptdiff::image::vmcs

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_VMCS_H_
