#include "fuzzers/generation/step_generation.h"

#include <algorithm>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {
namespace {

using namespace bits;

bool IsShadowStack(AccessKind kind) {
  return kind == AccessKind::kShadowStackRead ||
         kind == AccessKind::kShadowStackWrite ||
         kind == AccessKind::kShadowStackReadModifyWrite;
}

bool IsWrite(AccessKind kind) {
  return kind == AccessKind::kWrite || kind == AccessKind::kReadModifyWrite ||
         kind == AccessKind::kShadowStackWrite ||
         kind == AccessKind::kShadowStackReadModifyWrite;
}

// What no single operand has: what FSAVE, FXSAVE and XSAVE make, and whatever a
// hypervisor copies at once.
std::uint16_t GenerateLargeSize(Random& random) {
  static constexpr std::uint16_t kSizes[] = {65,  94,  108,  128,  129,  256,
                                             512, 576, 1024, 2048, 4095, 4096};
  return random.OneIn(2) ? random.Pick(kSizes)
                         : static_cast<std::uint16_t>(65 + random.Below(4032));
}

std::uint16_t GenerateSize(Random& random, AccessKind kind) {
  static constexpr std::uint8_t kSizes[] = {1, 1, 2, 4, 4, 8, 8, 8, 16, 32, 64};
  if (kind == AccessKind::kShadowStackReadModifyWrite) return 8;
  if (IsShadowStack(kind)) return random.OneIn(4) ? 4 : 8;
  if (kind == AccessKind::kFetch) {
    return static_cast<std::uint8_t>(1 + random.Below(15));
  }
  if (kind == AccessKind::kReadModifyWrite) {
    return static_cast<std::uint8_t>(1u << random.Below(5));
  }
  if (random.OneIn(12)) return GenerateLargeSize(random);
  return random.OneIn(10) ? static_cast<std::uint8_t>(1 + random.Below(64))
                          : random.Pick(kSizes);
}

std::uint64_t SomePage(Random& random, std::span<const std::uint64_t> pages) {
  return pages[random.Below(pages.size())];
}

// A guest translation that would have let the access through, mostly.
GuestPage GenerateGuestPage(Random& random, const Case& c,
                            const Access& access) {
  GuestPage page;
  page.user = (c.guest.cpl == 3 || access.wruss) && !access.implicit_supervisor;
  page.writable =
      IsWrite(access.kind) ? !IsShadowStack(access.kind) : random.OneIn(2);
  page.execute_disable =
      access.kind != AccessKind::kFetch && random.Percent(40);
  if (random.Percent(20)) page.user = !page.user;
  if (random.Percent(8)) page.writable = !page.writable;
  if (random.Percent(5)) page.execute_disable = !page.execute_disable;
  page.pat_index =
      random.OneIn(2) ? 0 : static_cast<std::uint8_t>(random.Below(8));
  return page;
}

Step GuestPhysicalStep(Random& random, const Exotic& exotic, const Case& c,
                       std::span<const std::uint64_t> pages) {
  Step step;
  step.kind = StepKind::kGuestPhysicalAccess;
  step.access = GenerateAccess(random, exotic, c);
  const std::uint64_t page = SomePage(random, pages);
  step.gpa = Gpa{page + GenerateOffset(random, step.access)};
  step.page = GenerateGuestPage(random, c, step.access);
  const bool may_be_asynchronous = !c.guest.event_delivery;
  const bool trace_output = may_be_asynchronous &&
                            HasSecondary(c, kSecondaryTraceGuest) &&
                            random.Percent(30);
  const bool pebs = may_be_asynchronous && HasTertiary(c, kTertiaryPebsGuest) &&
                    random.Percent(30);
  if (pebs) {
    step.access.kind = AccessKind::kWrite;
    step.access.pebs = true;
  }
  if (trace_output || pebs) {
    step.page.gla_valid = false;
  } else {
    step.page.gla = GenerateGla(random, c, step.gpa.value);
  }
  return step;
}

Step LinearStep(Random& random, const Exotic& exotic, const Case& c,
                std::span<const std::uint64_t> pages) {
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access = GenerateAccess(random, exotic, c);
  const std::uint64_t page = SomePage(random, pages) & Low(32);
  step.gla = Gla{page + GenerateOffset(random, step.access)};
  return step;
}

Step PagingStructureStep(Random& random, const Case& c,
                         std::span<const std::uint64_t> pages) {
  const unsigned entry_bytes = (c.guest.cr4 & kCr4Pae) != 0 ? 8 : 4;
  Step step;
  step.kind = random.OneIn(2) ? StepKind::kPagingStructureRead
                              : StepKind::kPagingStructureUpdate;
  const std::uint64_t page = SomePage(random, pages);
  step.gpa = Gpa{page + entry_bytes * random.Below(4096 / entry_bytes)};
  step.page.gla = GenerateGla(random, c, random.Next());
  step.page.pat_index = static_cast<std::uint8_t>(random.Below(4));
  return step;
}

}  // namespace

std::uint64_t GenerateOffset(Random& random, const Access& access) {
  if (IsShadowStack(access.kind)) {
    return random.Below(4096u / access.size) * access.size;
  }
  if (access.size > 1 && random.OneIn(20)) {
    return 4096 - 1 - random.Below(access.size - 1u);
  }
  switch (random.Below(5)) {
    case 0:
      return 0;
    case 1:
      return 4096u - access.size;
    case 2:  // a sub-page boundary
      return 128 * random.Below(31);
    case 3:  // or one byte before it
      return 128 * (1 + random.Below(30)) - 1;
    default:
      return random.Below(4097u - access.size);
  }
}

Access GenerateAccess(Random& random, const Exotic& exotic, const Case& c) {
  static constexpr AccessKind kPlain[] = {
      AccessKind::kRead,           AccessKind::kRead,  AccessKind::kRead,
      AccessKind::kWrite,          AccessKind::kWrite, AccessKind::kWrite,
      AccessKind::kWrite,          AccessKind::kFetch, AccessKind::kFetch,
      AccessKind::kReadModifyWrite};
  Access access;
  access.kind = random.Pick(kPlain);
  const bool shadow_stacks = (c.guest.cr4 & kCr4Cet) != 0;
  if (shadow_stacks && random.Percent(35)) {
    static constexpr AccessKind kKinds[] = {
        AccessKind::kShadowStackRead, AccessKind::kShadowStackRead,
        AccessKind::kShadowStackWrite, AccessKind::kShadowStackWrite,
        AccessKind::kShadowStackReadModifyWrite};
    access.kind = random.Pick(kKinds);
    access.wruss = access.kind == AccessKind::kShadowStackWrite &&
                   c.guest.cpl == 0 && random.OneIn(4);
  } else if (access.kind != AccessKind::kFetch && c.guest.cpl == 3) {
    access.implicit_supervisor = random.Percent(10);
  }
  access.asynchronous =
      exotic.asynchronous && !c.guest.event_delivery && random.Percent(40);
  access.size = GenerateSize(random, access.kind);
  return access;
}

Gla GenerateGla(Random& random, const Case& c, std::uint64_t gpa) {
  const std::uint64_t offset = gpa & Low(12);
  if (!PagingIsOn(c)) return Gla{gpa & Low(32)};
  if (!Is64BitMode(c)) {
    return Gla{(random.Bits(32) & ~Low(12)) | offset};
  }
  const unsigned width = (c.guest.cr4 & kCr4La57) != 0 ? 57 : 48;
  const std::uint64_t half = random.Bits(width - 1) & ~Low(12);
  // Canonical: the highest bit of the width is repeated.
  return Gla{half | (random.OneIn(2) ? ~Low(width - 1) : 0) | offset};
}

std::uint64_t WithMetadata(Random& random, const GuestState& guest,
                           const Access& access, std::uint64_t gla) {
  const std::uint64_t metadata = MetadataOf(guest, access, gla);
  if (metadata == 0 || random.OneIn(4)) return gla;
  return (gla & ~metadata) | (random.Next() & metadata);
}

Step GenerateAccessStep(Random& random, const Exotic& exotic, const Case& c,
                        std::span<const std::uint64_t> pages) {
  if (PagingIsOn(c)) {
    if (random.Percent(14)) return PagingStructureStep(random, c, pages);
  } else if (random.Percent(65)) {
    return LinearStep(random, exotic, c, pages);
  }
  return GuestPhysicalStep(random, exotic, c, pages);
}

Step GenerateCrossingStep(Random& random, const Exotic& exotic, const Case& c,
                          std::uint64_t page) {
  Step step = PagingIsOn(c) ? GuestPhysicalStep(random, exotic, c, {&page, 1})
                            : LinearStep(random, exotic, c, {&page, 1});
  Access& access = step.access;
  // Shadow stacks are aligned, and one byte is in one page.
  if (IsShadowStack(access.kind)) access.kind = AccessKind::kWrite;
  access.wruss = false;
  if (access.size == 1) access.size = 8;
  const std::uint64_t inside = 1 + random.Below(access.size);
  std::uint64_t first = page + 4096 - inside;
  // The processor has no guest-physical addresses beyond.
  if (PagingIsOn(c)) {
    first = std::min(first, Bit(c.processor.maxphyaddr) - access.size);
  }
  if (step.kind == StepKind::kLinearAccess) {
    step.gla = Gla{first};
    return step;
  }
  step.gpa = Gpa{first};
  if (step.page.gla_valid) {
    step.page.gla.value = (step.page.gla.value & ~Low(12)) | (first & Low(12));
  }
  return step;
}

}  // namespace eptdiff
