#include "fuzzers/entries/guest_mode.h"

#include "fuzzers/entries/bits.h"

namespace eptdiff {

using namespace bits;

GuestPagingMode GuestModeOf(const GuestState& g) {
  if ((g.cr0 & kCr0Pg) == 0) return GuestPagingMode::kNone;
  if ((g.cr4 & kCr4Pae) == 0) return GuestPagingMode::k32Bit;
  if ((g.efer & kEferLma) == 0) return GuestPagingMode::kPae;
  return (g.cr4 & kCr4La57) != 0 ? GuestPagingMode::kFiveLevel
                                 : GuestPagingMode::kFourLevel;
}

std::uint64_t Canonical(GuestPagingMode mode, std::uint64_t gla) {
  const unsigned width = ShapeOf(mode).width;
  if (!IsIa32e(mode)) return gla & Low(width);
  return (gla & Bit(width - 1)) != 0 ? gla | ~Low(width) : gla & Low(width);
}

bool Has64BitAddresses(const GuestState& g, const Access& access) {
  return IsIa32e(GuestModeOf(g)) && (g.cs_l || access.implicit_supervisor);
}

std::uint64_t MetadataOf(const GuestState& g, const Access& access,
                         std::uint64_t gla) {
  if (!Has64BitAddresses(g, access) || access.implicit_supervisor ||
      access.kind == AccessKind::kFetch) {
    return 0;
  }
  constexpr std::uint64_t kLam48 = Low(63) & ~Low(48);
  constexpr std::uint64_t kLam57 = Low(63) & ~Low(57);
  if ((gla & Bit(63)) != 0) {
    if ((g.cr4 & kCr4LamSup) == 0) return 0;
    return (g.cr4 & kCr4La57) != 0 ? kLam57 : kLam48;
  }
  if ((g.cr3 & kCr3LamU57) != 0) return kLam57;
  return (g.cr3 & kCr3LamU48) != 0 ? kLam48 : 0;
}

std::uint64_t Masked(const GuestState& g, const Access& access,
                     std::uint64_t gla) {
  const std::uint64_t metadata = MetadataOf(g, access, gla);
  const std::uint64_t sign = (metadata & -metadata) >> 1;
  return (gla & sign) != 0 ? gla | metadata : gla & ~metadata;
}

std::uint64_t Tagged(const GuestState& g, const Access& access,
                     std::uint64_t tagged, std::uint64_t gla) {
  const std::uint64_t metadata = MetadataOf(g, access, gla);
  return (gla & ~metadata) | (tagged & metadata);
}

std::uint64_t Canonical(const GuestState& g, const Access& access,
                        std::uint64_t gla) {
  if (!Has64BitAddresses(g, access)) return gla & Low(32);
  const GuestPagingMode mode = GuestModeOf(g);
  const auto fits = [&](std::uint64_t address) {
    const std::uint64_t masked = Masked(g, access, address);
    return Canonical(mode, masked) == masked;
  };
  if (fits(gla)) return gla;
  const std::uint64_t canonical = Canonical(mode, gla);
  // LAM48 leaves user pointers 47 bits, also with 5-level paging.
  return fits(canonical) ? canonical : canonical & Low(47);
}

bool GuestMapsPage(const GuestState& g, GuestPagingMode mode, int level,
                   std::uint64_t entry) {
  if (level == 1) return true;
  if (level > 3 || (entry & kGuestLarge) == 0) return false;
  return mode != GuestPagingMode::k32Bit || (g.cr4 & kCr4Pse) != 0;
}

std::uint64_t GuestTarget(GuestPagingMode mode, int level, std::uint64_t entry,
                          std::uint64_t gla) {
  const std::uint64_t offset = Low(GuestPageShift(mode, level));
  if (mode != GuestPagingMode::k32Bit) {
    return (entry & kAddress & ~offset) | (gla & offset);
  }
  std::uint64_t page = entry & Low(32) & kAddress & ~offset;
  // PSE-36: bits 20:13 are bits 39:32 of the address.
  if (level == 2) page |= (entry >> 13 & Low(8)) << 32;
  return page | (gla & offset);
}

std::uint64_t GuestNextTable(GuestPagingMode mode, std::uint64_t entry) {
  return entry & kAddress & (mode == GuestPagingMode::k32Bit ? Low(32) : ~0ull);
}

bool UsesHlat(const Case& c, std::uint64_t gla) {
  if ((c.controls.primary & kPrimaryTertiary) == 0 ||
      (c.controls.tertiary & kTertiaryHlat) == 0 ||
      !IsIa32e(GuestModeOf(c.guest))) {
    return false;
  }
  const unsigned size = c.controls.hlat_prefix_size;
  return size == 0 || (size < 64 && gla >> (64 - size) == Low(size));
}

bool GuestRoot(const Case& c, GuestPagingMode mode, std::uint64_t gla,
               std::uint64_t& root) {
  if (mode == GuestPagingMode::kPae) {
    const std::uint64_t pdpte = c.guest.pdpte[gla >> 30 & 3];
    root = pdpte & kAddress;
    return (pdpte & kGuestPresent) != 0;
  }
  root = GuestNextTable(mode, c.guest.cr3);
  return true;
}

bool IsPagedAccess(const Case& c, const Step& step) {
  return step.kind == StepKind::kLinearAccess && (c.guest.cr0 & kCr0Pg) != 0;
}

}  // namespace eptdiff
