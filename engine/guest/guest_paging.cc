#include "engine/guest/guest_paging.h"

#include <algorithm>

#include "engine/walk/entry_checks.h"

namespace eptdiff::engine {
namespace {

int WidthOf(const Processor& processor) {
  return std::clamp<int>(processor.maxphyaddr, 32, 52);
}

// GW-8 to GW-11: what of the registers counts in `mode`.
GuestProtection ProtectionOf(const GuestState& guest, PagingMode mode) {
  const auto cr4 = [&guest](std::uint64_t bit) {
    return (guest.cr4 & bit) != 0;
  };
  const bool has_keys = mode >= PagingMode::kFourLevel;
  return {.write_protect = (guest.cr0 & bits::kCr0WriteProtect) != 0,
          .no_execute =
              mode != PagingMode::k32Bit && (guest.efer & bits::kEferNxe) != 0,
          .smep = cr4(bits::kCr4Smep),
          .smap = cr4(bits::kCr4Smap),
          .allow_user_data = (guest.rflags & bits::kRflagsAc) != 0,
          .user_keys = has_keys && cr4(bits::kCr4Pke) ? guest.pkru : 0,
          .supervisor_keys = has_keys && cr4(bits::kCr4Pks) ? guest.pkrs : 0};
}

}  // namespace

PagingMode PagingModeOf(const GuestState& guest) {
  if ((guest.cr0 & bits::kCr0Paging) == 0) return PagingMode::kNone;
  if ((guest.cr4 & bits::kCr4Pae) == 0) return PagingMode::k32Bit;
  if ((guest.efer & bits::kEferLma) == 0) return PagingMode::kPae;
  return (guest.cr4 & bits::kCr4La57) == 0 ? PagingMode::kFourLevel
                                           : PagingMode::kFiveLevel;
}

GuestPagingContext::GuestPagingContext(const Processor& processor,
                                       const Controls& controls,
                                       const GuestState& guest,
                                       const EptContext& ept)
    : mode_(PagingModeOf(guest)) {
  SetLinearForms(guest);
  if (!enabled()) return;
  SetFormat(processor, guest);
  SetRoots(controls, guest, bits::Bits(WidthOf(processor) - 1, 12));
  for (unsigned i = 0; i < memory_types_.size(); ++i) {
    memory_types_[i] = &MemoryTypesFor(guest, static_cast<std::uint8_t>(i));
  }
  verifies_ = (EffectiveTertiary(controls) &
               (bits::kTertiaryVerification | bits::kTertiaryPagingWrite)) ==
              (bits::kTertiaryVerification | bits::kTertiaryPagingWrite);
  hot_ = mode_ != PagingMode::k32Bit && !hlat_ && !verifies_ &&
         (root_ & bits::kAddress) <= ept.last_gpa();
  for (const std::uint64_t pdpte : guest.pdpte) {
    if ((pdpte & bits::kAddress) > ept.last_gpa()) hot_ = false;
  }
  SetUses(guest, ept);
}

void GuestPagingContext::SetLinearForms(const GuestState& guest) {
  const LinearForm narrow = {
      .mask = bits::Bits(31, 0),
      .range = {.half = 0, .beyond = bits::Bits(63, 32)}};
  linear_ = {narrow, narrow};
  if (!ia32e()) return;
  const auto range = [](int width) {
    return LinearRange{.half = bits::Bit(width - 1),
                       .beyond = bits::Bits(63, width)};
  };
  canonical_ = range(mode_ == PagingMode::kFourLevel ? 48 : 57);
  SetMasking(guest);
  // Masking leaves what is canonical with 48 bits, and what is with 57 unless
  // it goes below bit 57: then those that it may change are not plain.
  const bool below_57 = ((metadata_[0] | metadata_[1]) & bits::Bit(48)) != 0;
  const LinearForm wide = {.mask = ~std::uint64_t{0},
                           .range = below_57 ? range(48) : canonical_};
  linear_ = {guest.cs_l ? wide : narrow, wide};
}

// GW-23: which half an address is in decides, not who makes the access.
void GuestPagingContext::SetMasking(const GuestState& guest) {
  constexpr std::uint64_t kLam48 = bits::Bits(62, 48);
  constexpr std::uint64_t kLam57 = bits::Bits(62, 57);
  if ((guest.cr3 & bits::kCr3LamU57) != 0) {
    metadata_[0] = kLam57;
  } else if ((guest.cr3 & bits::kCr3LamU48) != 0) {
    metadata_[0] = kLam48;
  }
  if ((guest.cr4 & bits::kCr4LamSup) != 0) {
    metadata_[1] = mode_ == PagingMode::kFourLevel ? kLam48 : kLam57;
  }
}

// The bit below the metadata is extended over them.
Gla GuestPagingContext::Masked(Gla gla) const {
  const std::uint64_t metadata = metadata_[gla.value >> 63];
  const std::uint64_t sign = (metadata & (0 - metadata)) >> 1;
  return Gla{(gla.value & sign) != 0 ? gla.value | metadata
                                     : gla.value & ~metadata};
}

bool GuestPagingContext::Preprocess(const Access& access, Gla& first,
                                    Gla& last) const {
  if (FormFor(access).range.half == 0) return false;  // more than 32 bits
  if (access.kind != AccessKind::kFetch) {
    const std::uint64_t distance = last.value - first.value;
    first = Masked(first);
    last = Masked(last);
    if (last.value - first.value != distance) return false;
  }
  return canonical_.Holds(first) && canonical_.Holds(last);
}

// GW-2 to GW-5.
void GuestPagingContext::SetFormat(const Processor& processor,
                                   const GuestState& guest) {
  const int width = WidthOf(processor);
  if (mode_ == PagingMode::k32Bit) {
    top_level_ = 2;
    large_[2] = (guest.cr4 & bits::kCr4Pse) != 0;
    const int supplied = processor.pse36 ? std::min(40, width) - 19 : 13;
    leaf_reserved_[2] = bits::Bits(21, supplied);
    return;
  }
  std::uint64_t everywhere =
      mode_ == PagingMode::kPae ? bits::Bits(62, width) : bits::Bits(51, width);
  if ((guest.efer & bits::kEferNxe) == 0) everywhere |= bits::kGuestNoExecute;

  top_level_ = mode_ == PagingMode::kPae         ? 2
               : mode_ == PagingMode::kFourLevel ? 4
                                                 : 5;
  large_[2] = true;
  large_[3] = processor.page_1gb;
  for (int level = 1; level <= top_level_; ++level) {
    table_reserved_[level] =
        everywhere | (large_[level] ? 0 : bits::kGuestPage);
    leaf_reserved_[level] = everywhere;
  }
  leaf_reserved_[2] |= bits::kGuestReserved2M;
  leaf_reserved_[3] |= bits::kGuestReserved1G;
}

// `address` has the bits of an address in IA-32e mode.
void GuestPagingContext::SetRoots(const Controls& controls,
                                  const GuestState& guest,
                                  std::uint64_t address) {
  if (!ia32e()) {
    root_ = guest.cr3 & (bits::Bits(31, 12) | bits::kGuestPcdPwt);
    return;
  }
  // Where CR3 holds a PCID, it has neither PCD nor PWT (MT-2).
  const bool has_pcid = (guest.cr4 & bits::kCr4Pcide) != 0;
  root_ = guest.cr3 & (address | (has_pcid ? 0 : bits::kGuestPcdPwt));
  hlat_ = (EffectiveTertiary(controls) & bits::kTertiaryHlat) != 0;
  hlat_all_ = controls.hlat_prefix_size == 0;
  hlat_root_ = controls.hlatp & (address | bits::kGuestPcdPwt);
}

// GW-22. Supervisor-mode data accesses are kept from the lower half only where
// SMAP is on and they do not override it.
void GuestPagingContext::Separate(const GuestState& guest, AccessKind kind,
                                  AccessMode mode, GuestUse& use) {
  const bool implicit = mode == AccessMode::kImplicitSupervisor;
  const bool prevention = (guest.cr4 & bits::kCr4Smap) != 0 &&
                          (implicit || (guest.rflags & bits::kRflagsAc) == 0);
  use.lower_half_only = mode == AccessMode::kUser;
  use.upper_half_only =
      mode != AccessMode::kUser && (kind == AccessKind::kFetch || prevention);
  const bool has_halves = use.range.half != 0;
  if (has_halves && (use.lower_half_only || use.upper_half_only)) {
    use.range.beyond |= use.range.half;
    if (use.lower_half_only) use.range.half = 0;
  } else if (use.upper_half_only) {  // addresses of 32 bits: none is left
    use.range = {.half = bits::Bit(63), .beyond = bits::Bit(63)};
  }
}

void GuestPagingContext::SetUses(const GuestState& guest,
                                 const EptContext& ept) {
  const GuestProtection protection = ProtectionOf(guest, mode_);
  const bool separates = ia32e() && (guest.cr4 & bits::kCr4Lass) != 0;
  for (int k = 0; k < kAccessKindCount; ++k) {
    for (int m = 0; m < kAccessModeCount; ++m) {
      const auto kind = static_cast<AccessKind>(k);
      const auto mode = static_cast<AccessMode>(m);
      const bool supervisor = mode != AccessMode::kUser;
      GuestUse& use = uses_[IndexOf(kind, mode)];
      // To the guest, a read-modify-write is a write.
      const bool is_known = kind == AccessKind::kReadModifyWrite;
      if (is_known) use = uses_[IndexOf(AccessKind::kWrite, mode)];
      use.uses = {ept.UseOf(kind, supervisor, /*user_page=*/false),
                  ept.UseOf(kind, supervisor, /*user_page=*/true)};
      if (is_known) continue;
      use.range = linear_[mode == AccessMode::kImplicitSupervisor].range;
      if (separates) Separate(guest, kind, mode, use);
      use.rights = RightsFor(kind, mode, protection);
      if (hot_) {
        use.expectation =
            ExpectationFor(use.rights, bits::kAddress & ~ept.last_gpa());
      }
    }
  }
  for (int m = 0; m < kAccessModeCount; ++m) {
    uses_[IndexOf(kNoKind, static_cast<AccessMode>(m))].expectation = {
        kNothing, kNothing, kNothing, kNothing};
  }
}

Expectation GuestPagingContext::ExpectationFor(const GuestRights& rights,
                                               std::uint64_t beyond_ept) const {
  constexpr std::uint64_t kUsed = bits::kGuestPresent | bits::kGuestAccessed;
  const std::uint64_t leaf =
      kUsed | rights.leaf | (rights.writes ? bits::kGuestDirty : 0);

  const auto pattern = [&](std::uint64_t zero, std::uint64_t value) {
    return Pattern{.mask = zero | value | rights.never | beyond_ept,
                   .value = value};
  };
  const auto leaf_pattern = [&](int level, std::uint64_t page) {
    return pattern(leaf_reserved_[level] | rights.leaf_zero, leaf | page);
  };
  return {.table = pattern(table_reserved_[2] | bits::kGuestPage,
                           kUsed | rights.table),
          .page_4k = leaf_pattern(1, 0),
          .page_2m = leaf_pattern(2, bits::kGuestPage),
          .page_1g = large_[3] ? leaf_pattern(3, bits::kGuestPage) : kNothing};
}

GuestEntryKind GuestPagingContext::Classify(std::uint64_t entry,
                                            int level) const {
  if ((entry & bits::kGuestPresent) == 0) return GuestEntryKind::kNotPresent;
  const bool leaf =
      level == 1 || (large_[level] && (entry & bits::kGuestPage) != 0);
  const std::uint64_t reserved =
      leaf ? leaf_reserved_[level] : table_reserved_[level];
  if ((entry & reserved) != 0) return GuestEntryKind::kReserved;
  return leaf ? GuestEntryKind::kLeaf : GuestEntryKind::kTable;
}

Gpa GuestPagingContext::EntryAddress(std::uint64_t reference, Gla gla,
                                     int level) const {
  const std::uint64_t index =
      mode_ == PagingMode::k32Bit
          ? gla.value >> (10 * level) & bits::Bits(11, 2)
          : gla.value >> (9 * level) & bits::Bits(11, 3);
  return Gpa{(reference & bits::kAddress) | index};
}

Gpa GuestPagingContext::PageAddress(std::uint64_t leaf, Gla gla,
                                    int level) const {
  if (mode_ == PagingMode::k32Bit && level == 2) {  // GW-2
    return Gpa{(leaf & bits::Bits(31, 22)) | (leaf & bits::Bits(20, 13)) << 19 |
               (gla.value & bits::Bits(21, 0))};
  }
  const int shift = level == 1 ? 12 : 3 + 9 * level;
  return Gpa{(leaf & bits::Bits(51, shift)) |
             (gla.value & bits::Bits(shift - 1, 0))};
}

}  // namespace eptdiff::engine
