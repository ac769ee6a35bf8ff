#include "oracle/unmodelled.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int position) {
  return std::uint64_t{1} << position;
}

// A linear access in 64-bit mode, and what everything is off for.
struct Asked {
  Asked() {
    state.controls.primary = 0x80020000;  // secondary and tertiary controls
    state.guest.cr0 = 0x80000001;
    state.guest.cr4 = 0x20;
    state.guest.efer = 0x500;
    state.guest.cs_l = true;
    step.kind = StepKind::kLinearAccess;
  }
  MachineState state;
  Step step;
};

struct Change {
  Skip skip;
  void (*make)(Asked&);
};
constexpr Change kChanges[] = {
    {Skip::kFred,
     [](Asked& a) {
       a.state.guest.cr4 |= Bit(32);
       a.state.guest.event_delivery = true;
     }},
    {Skip::kVirtualApic,
     [](Asked& a) {
       a.state.controls.secondary |= 1;
       a.state.controls.primary |= 1 << 21;
     }},
    {Skip::kVirtualApic,
     [](Asked& a) { a.state.controls.secondary |= 1 | 1 << 4; }},
    {Skip::kVirtualApic,
     [](Asked& a) { a.state.controls.secondary |= 1 | 1 << 8; }},
    {Skip::kVirtualApic,
     [](Asked& a) {
       a.state.controls.secondary |= 1 | 1 << 9;
       a.step.kind = StepKind::kPdpteLoad;
     }},
    {Skip::kTracedVmfunc,
     [](Asked& a) {
       a.state.controls.secondary |= 1 << 24;
       a.step.kind = StepKind::kEptpSwitch;
     }},
    {Skip::kSeam, [](Asked& a) { a.state.controls.tertiary |= Bit(5); }},
    // It may load the PDPTE registers.
    {Skip::kSeam,
     [](Asked& a) {
       a.state.controls.tertiary |= Bit(5);
       a.step.kind = StepKind::kRegisterWrite;
       a.step.reg = GuestRegister::kCr3;
     }},
};

// What is on, but does not count for the step.
constexpr void (*kHarmless[])(Asked&) = {
    [](Asked&) {},
    [](Asked& a) {
      a.state.guest.cr4 |= Bit(28);
      a.step.kind = StepKind::kGuestPhysicalAccess;
    },
    [](Asked& a) {
      a.state.guest.cr4 |= Bit(28);
      a.state.guest.cr0 = 1;
    },
    [](Asked& a) {
      a.state.guest.cr4 |= Bit(28);
      a.state.guest.cr3 |= Bit(61);
      a.state.guest.cs_l = false;
    },
    [](Asked& a) { a.state.guest.cr4 |= Bit(32); },
    [](Asked& a) { a.state.guest.event_delivery = true; },
    [](Asked& a) {
      a.state.controls.primary = 0;
      a.state.controls.secondary = 1;
      a.state.controls.tertiary = Bit(5);
    },
    [](Asked& a) {
      a.state.controls.secondary = 1 | 1 << 24;
      a.state.controls.tertiary = Bit(5);
      a.step.kind = StepKind::kStore;
    },
    [](Asked& a) { a.state.controls.secondary = 1 << 24; },
    [](Asked& a) {
      a.state.controls.secondary = 1 << 24;
      a.step.kind = StepKind::kEptpSwitch;
      a.step.value = 1;
    },
    [](Asked& a) {
      a.state.controls.tertiary = Bit(5);
      a.step.kind = StepKind::kRegisterWrite;
      a.step.reg = GuestRegister::kPkru;
    },
    [](Asked& a) { a.state.controls.tertiary = Bit(12); },
    [](Asked& a) {
      a.state.controls.tertiary = Bit(12);
      a.step.access.asynchronous = true;
    },
    [](Asked& a) {
      a.state.controls.tertiary = Bit(12);
      a.step.kind = StepKind::kGuestPhysicalAccess;
      a.step.access.kind = AccessKind::kWrite;
      a.step.access.pebs = true;
      a.step.page.gla_valid = false;
    },
    [](Asked& a) { a.step.access.size = 4096; },
    [](Asked& a) {
      a.step.access.kind = AccessKind::kShadowStackReadModifyWrite;
    },
};

TEST(UnmodelledTest, EachIsNamedWhereItCounts) {
  std::set<Skip> named;
  for (const Change& change : kChanges) {
    Asked asked;
    change.make(asked);
    EXPECT_EQ(UnmodelledBy(asked.state, asked.step), change.skip)
        << WordsOf(change.skip);
    named.insert(change.skip);
  }
  std::size_t all = 0;
#define EPTDIFF_UNMODELLED(enumerator, words, section, condition) ++all;
#include "oracle/unmodelled.def"
#undef EPTDIFF_UNMODELLED
  EXPECT_EQ(named.size(), all);
}

TEST(UnmodelledTest, NothingElseIsRefused) {
  for (const auto& make : kHarmless) {
    Asked asked;
    make(asked);
    EXPECT_EQ(UnmodelledBy(asked.state, asked.step), Skip::kNone)
        << &make - kHarmless;
  }
}

}  // namespace
}  // namespace eptdiff
