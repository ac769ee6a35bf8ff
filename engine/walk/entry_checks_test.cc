#include "engine/walk/entry_checks.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace eptdiff {
namespace {

constexpr std::uint64_t kAll = 0x003f0f0106f341c1;

TEST(EntryChecksTest, NamesTheFirstRuleThatTheEptpFails) {
  constexpr struct {
    std::uint64_t eptp;
    std::uint64_t missing;  // capabilities
    EntryCheck expected;
    const char* words;
  } kCases[] = {
      {0x101e, 0, EntryCheck::kNone, "WB, 4 levels"},
      {0x1018, 0, EntryCheck::kNone, "UC, 4 levels"},
      {0x1026, 0, EntryCheck::kNone, "WB, 5 levels"},
      {0x10de, 0, EntryCheck::kNone, "A/D and shadow-stack control"},
      {0x00003ffffffff01e, 0, EntryCheck::kNone, "the last page below 2^46"},
      {0x1019, 0, EntryCheck::kEptp1, "memory type 1"},
      {0x101c, 0, EntryCheck::kEptp1, "memory type 4"},
      {0x101f, 0, EntryCheck::kEptp1, "memory type 7"},
      {0x1018, 1 << 8, EntryCheck::kEptp1, "UC without capability 8"},
      {0x101e, 1 << 14, EntryCheck::kEptp1, "WB without capability 14"},
      {0x1016, 0, EntryCheck::kEptp2, "3 levels"},
      {0x102e, 0, EntryCheck::kEptp2, "6 levels"},
      {0x101e, 1 << 6, EntryCheck::kEptp2, "4 levels without capability 6"},
      {0x1026, 1 << 7, EntryCheck::kEptp2, "5 levels without capability 7"},
      {0x105e, 1 << 21, EntryCheck::kEptp3, "A/D without capability 21"},
      {0x109e, 1 << 23, EntryCheck::kEptp4, "SSS without capability 23"},
      {0x111e, 0, EntryCheck::kEptp5, "bit 8"},
      {0x181e, 0, EntryCheck::kEptp5, "bit 11"},
      {0x000040000000101e, 0, EntryCheck::kEptp5, "bit 46"},
      {0x800000000000101e, 0, EntryCheck::kEptp5, "bit 63"},
      {0x0100, 0, EntryCheck::kEptp2, "two rules: the first is named"},
  };
  for (const auto& c : kCases) {
    const Processor processor = {.maxphyaddr = 46,
                                 .ept_vpid_cap = kAll & ~c.missing};
    EXPECT_EQ(CheckEptp(processor, c.eptp), c.expected) << c.words;
    Controls controls;
    controls.primary = 0x80000000;
    controls.secondary = 0x2;
    controls.eptp = c.eptp;
    EXPECT_EQ(CheckControls(processor, controls), c.expected) << c.words;
  }
}

TEST(EntryChecksTest, ControlsThatNeedEpt) {
  constexpr struct {
    std::uint32_t secondary;
    std::uint64_t tertiary;
    std::uint64_t vm_functions;
    bool refused;
    const char* words;
  } kCases[] = {
      {1u << 7, 0, 0, true, "unrestricted guest"},
      {1u << 17, 0, 0, true, "PML"},
      {1u << 22, 0, 0, true, "MBEC"},
      {1u << 23, 0, 0, true, "SPP"},
      {1u << 24, 0, 0, true, "Intel PT uses guest physical addresses"},
      {1u << 13, 0, 1, true, "EPTP switching"},
      {0, 1u << 1, 0, true, "HLAT"},
      {0, 1u << 2, 0, true, "paging-write control"},
      {0, 1u << 3, 0, true, "guest-paging verification"},
      {0, 1u << 12, 0, true, "PEBS uses guest-physical addresses"},
      {1u << 18, 0, 0, false, "#VE"},
      {1u << 13, 0, 0, false, "VM functions without EPTP switching"},
      {0, 0, 1, false, "EPTP switching without VM functions"},
      {1u << 5, 0, 0, false, "VPID"},
      {0, 1u << 0, 0, false, "LOADIWKEY exiting"},
  };
  const Processor processor = {.maxphyaddr = 46, .ept_vpid_cap = kAll};
  for (const auto& c : kCases) {
    Controls controls;
    controls.primary = 0x80020000;
    controls.secondary = c.secondary;
    controls.tertiary = c.tertiary;
    controls.vm_functions = c.vm_functions;
    controls.vpid = 1;
    controls.entry_controls = 1u << 18;
    controls.exit_controls = 1u << 25;
    const EntryCheck expected =
        c.refused ? EntryCheck::kCtl1 : EntryCheck::kNone;
    EXPECT_EQ(CheckControls(processor, controls), expected) << c.words;

    // Without the bit that activates them they do not count.
    controls.primary = c.secondary != 0 ? 0x00020000 : 0x80000000;
    EXPECT_EQ(CheckControls(processor, controls), EntryCheck::kNone) << c.words;

    controls.primary = 0x80020000;
    controls.secondary |= 0x2;
    controls.eptp = 0x101e;
    EXPECT_EQ(CheckControls(processor, controls), EntryCheck::kNone) << c.words;
  }
}

TEST(EntryChecksTest, AddressesCountOnlyWithTheirControl) {
  constexpr std::uint64_t kBad[] = {0x1001, 0x1800, 0x0000400000001000,
                                    0x8000000000001000};
  constexpr struct {
    std::uint32_t secondary;
    std::uint64_t Controls::* address;
  } kCases[] = {
      {1u << 17, &Controls::pml_address},
      {1u << 23, &Controls::spptp},
      {1u << 18, &Controls::ve_information_address},
      {1u << 13, &Controls::eptp_list_address},
  };
  const Processor processor = {.maxphyaddr = 46, .ept_vpid_cap = kAll};
  for (const auto& c : kCases) {
    for (const std::uint64_t bad : kBad) {
      Controls controls;
      controls.primary = 0x80000000;
      controls.secondary = 0x2;
      controls.vm_functions = 1;
      controls.eptp = 0x101e;
      controls.*c.address = bad;
      EXPECT_EQ(CheckControls(processor, controls), EntryCheck::kNone);
      controls.secondary |= c.secondary;
      EXPECT_EQ(CheckControls(processor, controls), EntryCheck::kCtl2)
          << std::hex << bad;
      controls.*c.address = 0x00003ffffffff000;
      EXPECT_EQ(CheckControls(processor, controls), EntryCheck::kNone);
    }
  }
}

TEST(EntryChecksTest, HlatPointerAndNotThePrefixSize) {
  constexpr struct {
    std::uint64_t hlatp;
    std::uint16_t prefix_size;
    EntryCheck expected;
  } kCases[] = {
      {0x1018, 1, EntryCheck::kNone},  // PCD and PWT
      {0x1000, 5, EntryCheck::kNone},  // the most that capability 53:48 has
      {0x1000, 6, EntryCheck::kNone},
      {0x1001, 0, EntryCheck::kCtl3},
      {0x1020, 0, EntryCheck::kCtl3},
      {0x1800, 0, EntryCheck::kCtl3},
      {0x0000400000001000, 0, EntryCheck::kCtl3},
  };
  const Processor processor = {
      .maxphyaddr = 46,
      .ept_vpid_cap =
          (kAll & ~(std::uint64_t{0x3f} << 48)) | (std::uint64_t{5} << 48)};
  for (const auto& c : kCases) {
    Controls controls;
    controls.primary = 0x80020000;
    controls.secondary = 0x2;
    controls.eptp = 0x101e;
    controls.hlatp = c.hlatp;
    controls.hlat_prefix_size = c.prefix_size;
    EXPECT_EQ(CheckControls(processor, controls), EntryCheck::kNone);
    controls.tertiary = 0x2;
    EXPECT_EQ(CheckControls(processor, controls), c.expected)
        << std::hex << c.hlatp;
  }
}

TEST(EntryChecksTest, ControlsThatNeedOneAnother) {
  constexpr struct {
    Controls more;  // or-ed to what is there
    EntryCheck expected;
    const char* words;
  } kCases[] = {
      {{.secondary = 1u << 5}, EntryCheck::kCtl6, "VPID 0"},
      {{.secondary = 1u << 5, .vpid = 1}, EntryCheck::kNone, "VPID 1"},
      {{.secondary = 1u << 13, .vm_functions = 2},
       EntryCheck::kCtl7,
       "VM function 1"},
      {{.secondary = 1u << 13, .vm_functions = std::uint64_t{1} << 63},
       EntryCheck::kCtl7,
       "VM function 63"},
      {{.vm_functions = 2}, EntryCheck::kNone, "VM functions are off"},
      {{.pin_based = 1u << 5}, EntryCheck::kCtl8, "virtual NMIs alone"},
      {{.pin_based = 1u << 5 | 1u << 3}, EntryCheck::kNone, "both"},
      {{.pin_based = 1u << 3, .primary = 1u << 22},
       EntryCheck::kCtl9,
       "NMI window without virtual NMIs"},
      {{.pin_based = 1u << 5 | 1u << 3, .primary = 1u << 22},
       EntryCheck::kNone,
       "NMI window"},
      {{.secondary = 1u << 24}, EntryCheck::kCtl10, "trace alone"},
      {{.secondary = 1u << 24, .entry_controls = 1u << 18},
       EntryCheck::kCtl10,
       "trace, not cleared"},
      {{.secondary = 1u << 24, .exit_controls = 1u << 25},
       EntryCheck::kCtl10,
       "trace, not loaded"},
      {{.secondary = 1u << 24,
        .entry_controls = 1u << 18,
        .exit_controls = 1u << 25},
       EntryCheck::kNone,
       "trace"},
      {{.secondary = 1u << 4}, EntryCheck::kCtl11, "x2APIC mode"},
      {{.secondary = 1u << 8}, EntryCheck::kCtl11, "APIC registers"},
      {{.pin_based = 1, .secondary = 1u << 9},
       EntryCheck::kCtl11,
       "interrupt delivery"},
      {{.primary = 1u << 17, .tertiary = 1u << 4},
       EntryCheck::kCtl11,
       "IPI virtualization"},
      {{.tertiary = 1u << 4}, EntryCheck::kNone, "no tertiary controls"},
      {{.primary = 1u << 21, .secondary = 1u << 4 | 1u << 8},
       EntryCheck::kNone,
       "with a TPR shadow"},
      {{.primary = 1u << 21, .secondary = 1u << 4 | 1u << 0},
       EntryCheck::kCtl12,
       "x2APIC mode and APIC accesses"},
      {{.primary = 1u << 21, .secondary = 1u << 9},
       EntryCheck::kCtl13,
       "interrupt delivery without interrupt exiting"},
      {{.pin_based = 1, .primary = 1u << 21, .secondary = 1u << 9},
       EntryCheck::kNone,
       "interrupt delivery with it"},
      {{.pin_based = 1u << 7}, EntryCheck::kCtl14, "posted interrupts"},
      {{.pin_based = 1u << 7 | 1, .primary = 1u << 21, .secondary = 1u << 9},
       EntryCheck::kCtl14,
       "posted interrupts, not acknowledged"},
      {{.pin_based = 1u << 7, .exit_controls = 1u << 15},
       EntryCheck::kCtl14,
       "posted interrupts, not delivered"},
      {{.pin_based = 1u << 7 | 1,
        .primary = 1u << 21,
        .secondary = 1u << 9,
        .exit_controls = 1u << 15},
       EntryCheck::kNone,
       "posted interrupts with both"},
  };
  const Processor processor = {.maxphyaddr = 46, .ept_vpid_cap = kAll};
  for (const auto& c : kCases) {
    Controls controls = c.more;
    controls.primary |= 0x80000000;
    controls.secondary |= 0x2;
    controls.eptp = 0x101e;
    EXPECT_EQ(CheckControls(processor, controls), c.expected) << c.words;
  }
}

// A guest in 64-bit mode that VM entry accepts.
constexpr GuestState kAccepted = {
    .cr0 = 0x80010021, .cr4 = 0x2020, .efer = 0xd00, .rflags = 2};

TEST(EntryChecksTest, StateOfTheGuest) {
  using Change = void (*)(Controls&, GuestState&);
  constexpr auto kOther = GuestStateCheck::kOther;
  const struct {
    Change change;
    GuestStateCheck expected;
    const char* words;
  } kCases[] = {
      {[](Controls&, GuestState&) {}, GuestStateCheck::kNone, "as it is"},
      {[](Controls&, GuestState& g) { g.cr0 ^= 0x20; }, kOther, "NE"},
      {[](Controls&, GuestState& g) { g.cr0 ^= 1ull << 40; }, kOther, "bit 40"},
      {[](Controls&, GuestState& g) { g.cr0 ^= 1; }, kOther, "PE"},
      {[](Controls& k, GuestState& g) {
         k.secondary |= 0x80;
         g.cr0 ^= 1;
       },
       kOther, "PG without PE"},
      {[](Controls&, GuestState& g) {
         g.cr0 = 0x21;
         g.efer = 0;
       },
       kOther, "PG, without unrestricted guest"},
      {[](Controls& k, GuestState& g) {
         k.secondary |= 0x80;
         g.cr0 = 0x20;
         g.efer = 0;
       },
       GuestStateCheck::kNone, "real mode, unrestricted"},
      {[](Controls&, GuestState& g) { g.cr4 ^= 0x2000; }, kOther, "VMXE"},
      {[](Controls&, GuestState& g) { g.cr4 |= 0x800000; },
       GuestStateCheck::kNone, "CET"},
      {[](Controls&, GuestState& g) {
         g.cr4 |= 0x800000;
         g.cr0 ^= 0x10000;
       },
       kOther, "CET without WP"},
      {[](Controls&, GuestState& g) { g.cr4 ^= 0x20; }, kOther,
       "IA-32e mode without PAE"},
      {[](Controls&, GuestState& g) {
         g.efer = 0;
         g.cr4 |= 0x20000;
       },
       kOther, "PCIDE outside IA-32e mode"},
      {[](Controls&, GuestState& g) { g.cr3 = 1ull << 46; }, kOther, "CR3"},
      {[](Controls&, GuestState& g) { g.efer = 0xc00; }, GuestStateCheck::kNone,
       "LME, not loaded"},
      {[](Controls& k, GuestState& g) {
         k.entry_controls = 1u << 15;
         g.efer = 0xc00;
       },
       kOther, "LME"},
      {[](Controls& k, GuestState& g) {
         k.entry_controls = 1u << 15;
         g.efer |= 1 << 12;
       },
       kOther, "bit 12 of IA32_EFER"},
      {[](Controls&, GuestState& g) { g.pat = 0x10; }, GuestStateCheck::kNone,
       "PAT, not loaded"},
      {[](Controls& k, GuestState& g) {
         k.entry_controls = 1u << 14;
         g.pat = 0x10ull << 56;
       },
       kOther, "PAT"},
      {[](Controls&, GuestState& g) { g.rflags = 0; }, kOther, "RFLAGS bit 1"},
      {[](Controls&, GuestState& g) { g.rflags |= 1 << 17; }, kOther, "VM"},
      {[](Controls&, GuestState& g) {
         g.efer = 0;
         g.rflags |= 1 << 17;
         g.cpl = 3;
       },
       GuestStateCheck::kNone, "virtual-8086 mode"},
      {[](Controls&, GuestState& g) {
         g.efer = 0;
         g.rflags |= 1 << 17;
       },
       kOther, "virtual-8086 mode, CPL 0"},
      {[](Controls& k, GuestState& g) {
         k.secondary |= 0x80;
         g.cr0 = 0x20;
         g.efer = 0;
         g.cpl = 3;
       },
       kOther, "real mode, CPL 3"},
      {[](Controls&, GuestState& g) { g.interruptibility = 1; }, kOther,
       "blocking by STI without IF"},
      {[](Controls&, GuestState& g) {
         g.interruptibility = 1;
         g.rflags |= 1 << 9;
       },
       GuestStateCheck::kNone, "blocking by STI"},
      {[](Controls&, GuestState& g) { g.interruptibility = 0x12; }, kOther,
       "blocking by MOV SS, of an enclave"},
      {[](Controls&, GuestState& g) { g.pending_debug = 0x4000; },
       GuestStateCheck::kNone, "a single step that nothing blocks"},
      {[](Controls&, GuestState& g) {
         g.interruptibility = 2;
         g.pending_debug = 0x4000;
       },
       kOther, "a single step without TF"},
      {[](Controls&, GuestState& g) { g.pending_debug = 0x10000; }, kOther,
       "RTM alone"},
      {[](Controls&, GuestState& g) {
         g.efer = 0;
         g.pdpte[3] = 0x1003;
       },
       GuestStateCheck::kPdpte, "PDPTE"},
      {[](Controls&, GuestState& g) {
         g.efer = 0;
         g.pdpte[3] = 0x1002;
       },
       GuestStateCheck::kNone, "PDPTE that is absent"},
      {[](Controls&, GuestState& g) { g.pdpte[3] = 0x1003; },
       GuestStateCheck::kNone, "PDPTE of another mode"},
  };
  const Processor processor = {.maxphyaddr = 46, .ept_vpid_cap = kAll};
  for (const auto& c : kCases) {
    Controls controls = {.primary = 0x80000000, .secondary = 2, .eptp = 0x101e};
    GuestState guest = kAccepted;
    c.change(controls, guest);
    EXPECT_EQ(CheckGuestState(processor, controls, guest), c.expected)
        << c.words;
  }
}

// Controls come first, and a failure there is one of another kind.
TEST(EntryChecksTest, EntryTellsControlsFromTheGuest) {
  const Processor processor = {.maxphyaddr = 46, .ept_vpid_cap = kAll};
  Controls controls = {.primary = 0x80000000, .secondary = 2, .eptp = 0x101e};
  GuestState guest = kAccepted;
  EXPECT_EQ(EnterGuest(processor, controls, guest), Event{});
  guest.efer = 0;
  guest.pdpte[0] = 0x1003;
  Event failed = EnterGuest(processor, controls, guest);
  EXPECT_EQ(failed.kind, EventKind::kGuestStateFailure);
  EXPECT_EQ(failed.exit_reason, 33);
  EXPECT_EQ(failed.qualification, 2u);
  controls.eptp |= 0x100;
  failed = EnterGuest(processor, controls, guest);
  EXPECT_EQ(failed.kind, EventKind::kVmEntryFailure);
  EXPECT_EQ(failed.failed_check, EntryCheck::kEptp5);
}

}  // namespace
}  // namespace eptdiff
