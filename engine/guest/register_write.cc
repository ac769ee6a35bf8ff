#include "engine/guest/register_write.h"

#include "engine/bits.h"
#include "engine/guest/guest_paging.h"
#include "engine/walk/entry_checks.h"

namespace eptdiff::engine {
namespace {

constexpr std::uint64_t kHighHalf = bits::Bits(63, 32);

bool IsPagingOn(const GuestState& guest) {
  return (guest.cr0 & bits::kCr0Paging) != 0;
}

// IA-32e mode is, or would be with paging.
bool LongMode(const GuestState& guest) {
  return (guest.efer & (IsPagingOn(guest) ? bits::kEferLma : bits::kEferLme)) !=
         0;
}

bool IsIa32e(const GuestState& guest) {
  return IsPagingOn(guest) && LongMode(guest);
}

bool Is64Bit(const GuestState& guest) {
  const PagingMode mode = PagingModeOf(guest);
  return guest.cs_l &&
         (mode == PagingMode::kFourLevel || mode == PagingMode::kFiveLevel);
}

bool Accepts(std::uint64_t value, std::uint64_t ones) {
  return (value & ones) == ones;
}

// REG-1 to REG-4.
bool AcceptsCr0(const Controls& controls, const GuestState& guest,
                std::uint64_t value) {
  const bool unrestricted =
      (EffectiveSecondary(controls) & bits::kSecondaryUnrestricted) != 0;
  const bool paging = (value & bits::kCr0Paging) != 0;
  const std::uint64_t fixed =
      bits::kCr0NumericError |
      (unrestricted ? 0 : bits::kCr0Paging | bits::kCr0Protection);
  if ((value & bits::kCr0Reserved) != 0 || !Accepts(value, fixed)) return false;
  if ((value & (bits::kCr0NotWriteThrough | bits::kCr0CacheDisable)) ==
      bits::kCr0NotWriteThrough) {
    return false;
  }
  if ((guest.cr4 & bits::kCr4Cet) != 0 &&
      (value & bits::kCr0WriteProtect) == 0) {
    return false;
  }
  if (!paging) {
    const bool pcid = IsPagingOn(guest) && (guest.cr4 & bits::kCr4Pcide) != 0;
    return !pcid && !Is64Bit(guest);
  }
  if ((value & bits::kCr0Protection) == 0) return false;
  if (!LongMode(guest)) return true;
  return (guest.cr4 & bits::kCr4Pae) != 0 && (IsPagingOn(guest) || !guest.cs_l);
}

// REG-5: what the processor has not, unless it is on already.
std::uint64_t MissingFeatures(const Processor& processor) {
  std::uint64_t missing = 0;
  const auto need = [&missing](bool has, std::uint64_t bit) {
    if (!has) missing |= bit;
  };
  need(processor.la57, bits::kCr4La57);
  need(processor.pcid, bits::kCr4Pcide);
  need(processor.smep, bits::kCr4Smep);
  need(processor.smap, bits::kCr4Smap);
  need(processor.pku, bits::kCr4Pke);
  need(processor.cet_ss, bits::kCr4Cet);
  need(processor.pks, bits::kCr4Pks);
  return missing;
}

// REG-5 to REG-9.
bool AcceptsCr4(const Processor& processor, const GuestState& guest,
                std::uint64_t value) {
  const std::uint64_t reserved =
      ~bits::kCr4Defined | (MissingFeatures(processor) & ~guest.cr4);
  if ((value & reserved) != 0 || !Accepts(value, bits::kCr4Vmxe)) return false;
  const std::uint64_t changed = value ^ guest.cr4;
  if (IsIa32e(guest) &&
      ((value & bits::kCr4Pae) == 0 || (changed & bits::kCr4La57) != 0)) {
    return false;
  }
  if ((value & changed & bits::kCr4Pcide) != 0 &&
      ((guest.efer & bits::kEferLma) == 0 ||
       (guest.cr3 & bits::kCr3PcidBits) != 0)) {
    return false;
  }
  return (value & bits::kCr4Cet) == 0 ||
         (guest.cr0 & bits::kCr0WriteProtect) != 0;
}

// REG-10.
bool AcceptsCr3(const Processor& processor, const GuestState& guest,
                std::uint64_t value) {
  std::uint64_t reserved = bits::Bits(63, processor.maxphyaddr);
  if ((guest.cr4 & bits::kCr4Pcide) != 0) reserved &= ~bits::kCr3Preserve;
  if ((guest.cr4 & bits::kCr4LamSup) != 0 || (guest.cr3 & bits::kCr3Lam) != 0) {
    reserved &= ~bits::kCr3Lam;
  }
  return (value & reserved) == 0;
}

// REG-13.
bool AcceptsEfer(const Processor& processor, const GuestState& guest,
                 std::uint64_t value) {
  const bool nx = processor.nx || (guest.efer & bits::kEferNxe) != 0;
  if ((value & bits::kEferReserved) != 0) return false;
  if ((value & bits::kEferNxe) != 0 && !nx) return false;
  return !IsPagingOn(guest) ||
         ((value & bits::kEferLme) != 0) == LongMode(guest);
}

// REG-15.
bool AcceptsPkrs(const Processor& processor, const GuestState& guest,
                 std::uint64_t value) {
  const bool pks = processor.pks || (guest.cr4 & bits::kCr4Pks) != 0;
  return pks && (value & kHighHalf) == 0;
}

// REG-12.
bool LoadsPdptes(const GuestState& guest, GuestRegister reg,
                 std::uint64_t value) {
  GuestState after = guest;
  SetRegister(reg, value, after);
  if (PagingModeOf(after) != PagingMode::kPae) return false;
  constexpr std::uint64_t kCr0 =
      bits::kCr0CacheDisable | bits::kCr0NotWriteThrough | bits::kCr0Paging;
  constexpr std::uint64_t kCr4 =
      bits::kCr4Pae | bits::kCr4Pge | bits::kCr4Pse | bits::kCr4Smep;
  return reg == GuestRegister::kCr3 || ((after.cr0 ^ guest.cr0) & kCr0) != 0 ||
         ((after.cr4 ^ guest.cr4) & kCr4) != 0;
}

WriteEffect MovToCr(const Processor& processor, const Controls& controls,
                    const GuestState& guest, GuestRegister reg,
                    std::uint64_t value) {
  if (guest.cpl != 0) return WriteEffect::kNone;
  if ((value & kHighHalf) != 0 && !Is64Bit(guest)) return WriteEffect::kNone;
  bool accepted = false;
  if (reg == GuestRegister::kCr0) {
    accepted = AcceptsCr0(controls, guest, value);
  } else if (reg == GuestRegister::kCr4) {
    accepted = AcceptsCr4(processor, guest, value);
  } else if ((controls.primary & bits::kPrimaryCr3LoadExiting) != 0) {
    return WriteEffect::kExits;  // before any fault (26.1.1)
  } else {
    accepted = AcceptsCr3(processor, guest, value);
  }
  if (!accepted) return WriteEffect::kFaults;
  return LoadsPdptes(guest, reg, value) ? WriteEffect::kLoadsPdptes
                                        : WriteEffect::kCompletes;
}

WriteEffect Wrmsr(const GuestState& guest, bool accepted) {
  if (guest.cpl != 0) return WriteEffect::kNone;
  return accepted ? WriteEffect::kCompletes : WriteEffect::kFaults;
}

WriteEffect If(bool possible) {
  return possible ? WriteEffect::kCompletes : WriteEffect::kNone;
}

}  // namespace

WriteEffect EffectOf(const Processor& processor, const Controls& controls,
                     const GuestState& guest, GuestRegister reg,
                     std::uint64_t value) {
  switch (reg) {
    case GuestRegister::kCr0:
    case GuestRegister::kCr3:
    case GuestRegister::kCr4:
      return MovToCr(processor, controls, guest, reg, value);
    case GuestRegister::kEfer:
      return Wrmsr(guest, AcceptsEfer(processor, guest, value));
    case GuestRegister::kPat:
      return Wrmsr(guest, AcceptsPat(value));
    case GuestRegister::kPkrs:
      return Wrmsr(guest, AcceptsPkrs(processor, guest, value));
    case GuestRegister::kPkru:
      return If((value & kHighHalf) == 0);
    case GuestRegister::kRflags:
      return If((value & bits::kRflagsReserved) == 0 &&
                Accepts(value, bits::kRflagsOne) &&
                ((value ^ guest.rflags) & bits::kRflagsVm) == 0);
    case GuestRegister::kCpl:
      return If(value <= 3);
  }
  return WriteEffect::kNone;
}

void SetRegister(GuestRegister reg, std::uint64_t value, GuestState& guest) {
  switch (reg) {
    case GuestRegister::kCr0: {
      const bool long_mode = LongMode(guest);
      guest.cr0 = (guest.cr0 & bits::kCr0Kept) | (value & ~bits::kCr0Kept);
      guest.efer &= ~(bits::kEferLme | bits::kEferLma);
      if (long_mode) guest.efer |= bits::kEferLme;
      if (long_mode && IsPagingOn(guest)) guest.efer |= bits::kEferLma;
      break;
    }
    case GuestRegister::kCr3:
      guest.cr3 = (guest.cr4 & bits::kCr4Pcide) != 0
                      ? value & ~bits::kCr3Preserve
                      : value;
      break;
    case GuestRegister::kCr4:
      guest.cr4 = value;
      break;
    case GuestRegister::kEfer:
      guest.efer = (value & ~bits::kEferLma) | (guest.efer & bits::kEferLma);
      break;
    case GuestRegister::kPat:
      guest.pat = value;
      break;
    case GuestRegister::kPkrs:
      guest.pkrs = static_cast<std::uint32_t>(value);
      break;
    case GuestRegister::kPkru:
      guest.pkru = static_cast<std::uint32_t>(value);
      break;
    case GuestRegister::kRflags:
      guest.rflags = value;
      break;
    case GuestRegister::kCpl:
      guest.cpl = static_cast<std::uint8_t>(value);
      break;
  }
}

}  // namespace eptdiff::engine
