#include "fuzzers/generation/register_generation.h"

#include <cstddef>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/generation/cache_endings.h"
#include "oracle/machine_state.h"

namespace eptdiff {
namespace {

using namespace bits;

// Fields of the VMCS (appendix B).
constexpr std::uint32_t kPmlIndex = 0x0812;
constexpr std::uint32_t kEptp = 0x201a;
constexpr std::uint32_t kSecondary = 0x401e;
constexpr std::uint32_t kExceptions = 0x4004;
constexpr std::uint32_t kGuestPat = 0x2804;
constexpr std::uint32_t kGuestEfer = 0x2806;
constexpr std::uint32_t kGuestPdpte0 = 0x280a;
constexpr std::uint32_t kGuestPkrs = 0x2818;
constexpr std::uint32_t kGuestCr0 = 0x6800;
constexpr std::uint32_t kGuestCr3 = 0x6802;
constexpr std::uint32_t kGuestCr4 = 0x6804;
constexpr std::uint32_t kGuestRflags = 0x6820;
constexpr std::uint32_t kEveryField[] = {
#define EPTDIFF_VMCS_FIELD(encoding, member, name) encoding,
#include "oracle/vmcs_fields.def"
#undef EPTDIFF_VMCS_FIELD
    kVmcsGuestCsAccessRights, kVmcsGuestSsAccessRights};

std::uint64_t ChangedCr0(Random& random, std::uint64_t cr0) {
  static constexpr std::uint64_t kToggles[] = {
      kCr0Wp, kCr0Wp, kCr0Wp, kCr0Wp, kCr0Cd,          kCr0Cd, kCr0Pg,
      kCr0Pg, kCr0Nw, kCr0Ne, kCr0Pe, kCr0Pe | kCr0Pg, 0};
  return cr0 ^
         (random.OneIn(16) ? Bit(random.Below(64)) : random.Pick(kToggles));
}

std::uint64_t ChangedCr3(Random& random, const Case& c) {
  const std::uint64_t cr3 = c.guest.cr3;
  switch (random.Below(8)) {
    case 0:
      return cr3 ^ Bit(random.Below(64));
    case 1:
      return cr3 | Bit(63);
    case 2:
      return cr3 & ~Low(12);
    case 3:
      return cr3 ^ (Bit(3) << random.Below(2));  // PWT, PCD
    case 4:
      return cr3 ^ Bit(5 + random.Below(7));
    case 5:
      return cr3 ^ Bit(12 + random.Below(8));
    default:
      return cr3;
  }
}

std::uint64_t ChangedCr4(Random& random, std::uint64_t cr4) {
  static constexpr std::uint64_t kToggles[] = {
      kCr4Smep, kCr4Smep, kCr4Smap, kCr4Smap, kCr4Pke,  kCr4Pke,
      kCr4Pks,  kCr4Pks,  kCr4Cet,  kCr4Cet,  kCr4Pge,  kCr4Pse,
      kCr4Lass, kCr4Pae,  kCr4La57, kCr4Vmxe, kCr4Pcide};
  return cr4 ^
         (random.OneIn(10) ? Bit(random.Below(64)) : random.Pick(kToggles));
}

std::uint64_t ChangedEfer(Random& random, std::uint64_t efer) {
  static constexpr std::uint64_t kToggles[] = {kEferNxe, kEferNxe, kEferNxe,
                                               kEferSce, kEferLma, kEferLme};
  return efer ^
         (random.OneIn(8) ? Bit(random.Below(64)) : random.Pick(kToggles));
}

std::uint64_t ChangedPat(Random& random, std::uint64_t pat) {
  static constexpr std::uint64_t kTypes[] = {0, 1, 4, 5, 6, 7};
  const unsigned shift = 8 * random.Below(8);
  const std::uint64_t type =
      random.OneIn(5) ? random.Bits(8) : random.Pick(kTypes);
  return (pat & ~(Low(8) << shift)) | type << shift;
}

// The rights of one key.
std::uint64_t ChangedKeys(Random& random, std::uint32_t keys) {
  return keys ^ (1 + std::uint64_t{random.Below(3)}) << (2 * random.Below(16));
}

std::uint64_t ChangedRegister(Random& random, const Case& c,
                              GuestRegister reg) {
  const GuestState& g = c.guest;
  switch (reg) {
    case GuestRegister::kCr0:
      return ChangedCr0(random, g.cr0);
    case GuestRegister::kCr3:
      return ChangedCr3(random, c);
    case GuestRegister::kCr4:
      return ChangedCr4(random, g.cr4);
    case GuestRegister::kEfer:
      return ChangedEfer(random, g.efer);
    case GuestRegister::kPat:
      return ChangedPat(random, g.pat);
    case GuestRegister::kPkrs: {
      const std::uint64_t keys = ChangedKeys(random, g.pkrs);
      return random.OneIn(8) ? keys | Bit(32 + random.Below(32)) : keys;
    }
    case GuestRegister::kPkru:
      return ChangedKeys(random, g.pkru);
    case GuestRegister::kRflags:
      return g.rflags ^ kRflagsAc;
    case GuestRegister::kCpl:
      return random.OneIn(4) ? random.Below(4) : g.cpl ^ 3u;
  }
  return 0;
}

bool IsMovToCr(GuestRegister reg) {
  return reg == GuestRegister::kCr0 || reg == GuestRegister::kCr3 ||
         reg == GuestRegister::kCr4;
}

bool Has64BitRegisters(const GuestState& guest) {
  return (guest.cr0 & kCr0Pg) != 0 && (guest.cr4 & kCr4Pae) != 0 &&
         (guest.efer & kEferLma) != 0 && guest.cs_l;
}

std::uint64_t ChangedField(Random& random, const Case& c, std::uint32_t field) {
  const std::uint64_t value = ReadVmcs(field, c.controls, c.guest);
  if (random.OneIn(16)) return value ^ Bit(random.Below(64));
  switch (field) {
    case kPmlIndex: {
      static constexpr std::uint64_t kIndices[] = {0,   1,   2,     511,
                                                   511, 512, 0xffff};
      return random.Pick(kIndices);
    }
    case kEptp: {
      static constexpr std::uint64_t kToggles[] = {
          kAccessedDirty, kAccessedDirty, kShadowStackAware, kWriteBack,
          kFourLevels ^ kFiveLevels};
      return value ^ random.Pick(kToggles);
    }
    case kSecondary: {
      static constexpr std::uint64_t kToggles[] = {
          kSecondaryPml,  kSecondaryVe,  kSecondaryMbec,
          kSecondaryMbec, kSecondarySpp, kSecondaryUnrestricted};
      return value ^ random.Pick(kToggles);
    }
    case kExceptions:
      return value ^ kExceptionVe;
    case kGuestPat:
      return ChangedPat(random, value);
    case kGuestEfer:
      return ChangedEfer(random, value);
    case kGuestPkrs:
      return ChangedKeys(random, c.guest.pkrs);
    case kGuestCr0:
      return ChangedCr0(random, value);
    case kGuestCr3:
      return ChangedCr3(random, c);
    case kGuestCr4:
      return ChangedCr4(random, value);
    case kGuestRflags:
      return value ^ kRflagsAc;
    case kVmcsGuestCsAccessRights:
      return value ^ Bit(13);
    case kVmcsGuestSsAccessRights:
      return value ^ 3 << 5;
    default:
      return value ^ Bit(random.Below(52));
  }
}

// Paging begins; now and then it would be that of IA-32e mode.
Step BeginPaging(Random& random, Case& c) {
  Step step;
  step.kind = StepKind::kRegisterWrite;
  step.reg = GuestRegister::kCr0;
  step.value = c.guest.cr0 | kCr0Pg | kCr0Pe;
  if (random.OneIn(2)) c.guest.efer |= kEferLme;
  if (random.OneIn(8)) c.guest.cs_l = true;
  return step;
}

void InsertSomewhere(Random& random, const Step& step, Case& c) {
  c.steps.insert(c.steps.begin() + random.Below(c.steps.size() + 1), step);
}

}  // namespace

std::uint64_t GenerateWrittenValue(Random& random, const Case& c,
                                   const Step& step) {
  if (step.kind == StepKind::kVmEntry) {
    return ChangedField(random, c, step.index);
  }
  const std::uint64_t value = ChangedRegister(random, c, step.reg);
  const bool narrow = IsMovToCr(step.reg) && !Has64BitRegisters(c.guest);
  return narrow ? value & Low(32) : value;
}

Step GenerateRegisterWrite(Random& random, const Case& c) {
  using enum GuestRegister;
  static constexpr GuestRegister kAtCpl0[] = {
      kCr0,  kCr0, kCr0, kCr3,  kCr3,  kCr3,  kCr4,  kCr4,    kCr4, kCr4,
      kEfer, kPat, kPat, kPkrs, kPkrs, kPkru, kPkru, kRflags, kCpl, kEfer};
  static constexpr GuestRegister kAtOtherCpls[] = {kPkru, kRflags, kCpl};
  Step step;
  step.kind = StepKind::kRegisterWrite;
  step.reg =
      c.guest.cpl == 0 ? random.Pick(kAtCpl0) : random.Pick(kAtOtherCpls);
  step.value = GenerateWrittenValue(random, c, step);
  return step;
}

Step GenerateEntryAgain(Random& random, const Case& c) {
  static constexpr std::uint32_t kFields[] = {kPmlIndex,
                                              kPmlIndex,
                                              kPmlIndex,
                                              kEptp,
                                              kEptp,
                                              kEptp,
                                              kSecondary,
                                              kSecondary,
                                              kSecondary,
                                              kExceptions,
                                              kGuestPat,
                                              kGuestEfer,
                                              kGuestPkrs,
                                              kGuestCr0,
                                              kGuestCr0,
                                              kGuestCr3,
                                              kGuestCr4,
                                              kGuestCr4,
                                              kGuestRflags,
                                              kVmcsGuestCsAccessRights,
                                              kVmcsGuestSsAccessRights};
  Step step;
  step.kind = StepKind::kVmEntry;
  if (random.OneIn(6)) {
    step.index = random.Pick(kEveryField);
  } else if (UsesPae(c) && random.OneIn(3)) {
    step.index = kGuestPdpte0 + 2 * random.Below(4);
  } else {
    step.index = random.Pick(kFields);
  }
  step.value = GenerateWrittenValue(random, c, step);
  return step;
}

Step GenerateVmfunc(Random& random) {
  static constexpr std::uint32_t kLeaves[] = {0, 1, 1, 2, 31, 63, 64, 65, 256};
  Step step;
  step.kind = StepKind::kEptpSwitch;
  step.index = random.Below(4);
  step.value = random.OneIn(8) ? random.Bits(32) : random.Pick(kLeaves);
  return step;
}

void AddChange(Random& random, Case& c) {
  const unsigned draw = random.Below(12);
  if (draw < 6) {
    const bool begins = !PagingIsOn(c) && c.guest.cpl == 0 && random.OneIn(3);
    InsertSomewhere(
        random,
        begins ? BeginPaging(random, c) : GenerateRegisterWrite(random, c), c);
    if (random.OneIn(16)) c.controls.primary |= kPrimaryCr3Loads;
  } else if (draw < 10) {
    InsertSomewhere(random, GenerateEntryAgain(random, c), c);
  } else if (draw < 11) {
    InsertSomewhere(random, GenerateVmfunc(random), c);
  } else {
    const Step& access = c.steps[random.Below(c.steps.size())];
    const Step step =
        random.OneIn(2) ? Invlpg(random, access) : Invpcid(random, c, access);
    InsertSomewhere(random, step, c);
    if (!random.OneIn(4)) c.controls.primary |= kPrimaryInvlpg;
  }
}

}  // namespace eptdiff
