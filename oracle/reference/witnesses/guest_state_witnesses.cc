// Cases of GST: VM entry looks at the guest's state.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit46 = std::uint64_t{1} << 46;
constexpr std::uint32_t kLoadPat = 1 << 14;
constexpr std::uint32_t kLoadEfer = 1 << 15;

// A guest that VM entry accepts, in 64-bit mode; then the change.
template <typename Function>
Case Changed(Function change, bool unrestricted = false) {
  return Walk4()
      .AsItIs()
      .With([&](Case& c) {
        if (unrestricted) c.controls.secondary |= 0x80;
        c.guest.cr0 = 0x80010021;  // PG, WP, NE, PE
        c.guest.cr4 = 0x2020;      // VMXE, PAE
        c.guest.efer = 0xd00;      // NXE, LMA, LME
        c.guest.rflags = 2;
        change(c);
      })
      .Build();
}

// With PAE paging.
Case Pae(std::array<std::uint64_t, 4> pdptes, std::uint64_t cr0 = 0x80010021) {
  return Changed([&](Case& c) {
    c.guest.cr0 = cr0;
    c.guest.efer = 0;
    c.guest.cs_l = false;
    c.guest.pdpte = pdptes;
  });
}

Case WithKeyids(Case c) {
  c.processor.keyid_bits = 6;
  return c;
}

// Without paging, in an "unrestricted guest".
template <typename Function>
Case Unpaged(Function change) {
  return Changed(
      [&](Case& c) {
        c.guest.cr0 = 0x21;
        c.guest.cr4 = 0x2000;
        c.guest.efer = 0;
        c.guest.cs_l = false;
        change(c);
      },
      true);
}

// Without IA-32e mode; virtual-8086.
template <typename Function>
Case Virtual8086(Function change) {
  return Changed([&](Case& c) {
    c.guest.efer = 0;
    c.guest.cs_l = false;
    c.guest.rflags |= 1 << 17;
    c.guest.cpl = 3;
    change(c);
  });
}

std::vector<NamedCase> ModeCases() {
  return {
      {"gst-accepted", "GST-1", {}, Changed([](Case&) {}), Happens()},
      {"gst-1-ne",
       "GST-1",
       {"GST-1/off", "GST-1/ne-unchecked"},
       Changed([](Case& c) { c.guest.cr0 &= ~0x20ull; }),
       GuestStateFails()},
      {"gst-1-ne-of-an-unrestricted-guest",
       "GST-1",
       {"GST-1/off", "GST-1/ne-unchecked"},
       Unpaged([](Case& c) { c.guest.cr0 = 0; }),
       GuestStateFails()},
      {"gst-1-bit-32",
       "GST-1",
       {"GST-1/off", "GST-1/low-half-only"},
       Changed([](Case& c) { c.guest.cr0 |= 1ull << 32; }),
       GuestStateFails()},
      {"gst-1-pg",
       "GST-1",
       {"GST-1/off", "GST-1/pg-unchecked"},
       Changed([](Case& c) {
         c.guest.cr0 = 0x21;
         c.guest.efer = 0;
         c.guest.cs_l = false;
       }),
       GuestStateFails()},
      {"gst-1-unrestricted-without-paging",
       "GST-1",
       {"GST-1/unrestricted-guest-ignored"},
       Unpaged([](Case&) {}),
       Happens()},
      {"gst-1-unrestricted-real-mode",
       "GST-1",
       {"GST-1/unrestricted-guest-ignored"},
       Unpaged([](Case& c) { c.guest.cr0 = 0x20; }),
       Happens()},
      {"gst-1-cache-disable",
       "GST-1",
       {"GST-1/cd-nw-refused"},
       Changed([](Case& c) { c.guest.cr0 |= 0x60000000; }),
       Happens()},
      {"gst-2-pg-without-pe",
       "GST-2",
       {"GST-2/off"},
       Changed([](Case& c) { c.guest.cr0 &= ~1ull; }, true),
       GuestStateFails()},
      {"gst-3-vmxe",
       "GST-3",
       {"GST-3/off"},
       Changed([](Case& c) { c.guest.cr4 &= ~0x2000ull; }),
       GuestStateFails()},
      {"gst-3-reserved-bit-15",
       "GST-3",
       {"GST-3/off", "GST-3/vmxe-alone"},
       Changed([](Case& c) { c.guest.cr4 |= 0x8000; }),
       GuestStateFails()},
      {"gst-3-reserved-bit-63",
       "GST-3",
       {"GST-3/off", "GST-3/vmxe-alone"},
       Changed([](Case& c) { c.guest.cr4 |= 1ull << 63; }),
       GuestStateFails()},
      {"gst-4-cet-without-wp",
       "GST-4",
       {"GST-4/off"},
       Changed([](Case& c) {
         c.guest.cr0 &= ~0x10000ull;
         c.guest.cr4 |= 0x800000;
       }),
       GuestStateFails()},
      {"gst-4-cet",
       "GST-4",
       {"GST-4/cet-refused"},
       Changed([](Case& c) { c.guest.cr4 |= 0x800000; }),
       Happens()},
      {"gst-5-without-pg",
       "GST-5",
       {"GST-5/off", "GST-5/pg-unchecked"},
       Unpaged([](Case& c) {
         c.guest.cr4 |= 0x20;
         c.guest.efer = 0x500;
       }),
       GuestStateFails()},
      {"gst-5-without-pae",
       "GST-5",
       {"GST-5/off", "GST-5/pae-unchecked"},
       Changed([](Case& c) { c.guest.cr4 = 0x2000; }),
       GuestStateFails()},
      {"gst-6-pcid-with-pae-paging",
       "GST-6",
       {"GST-6/off"},
       Changed([](Case& c) {
         c.guest.cr4 |= 0x20000;
         c.guest.efer = 0;
         c.guest.cs_l = false;
       }),
       GuestStateFails()},
      {"gst-6-pcid",
       "GST-6",
       {"GST-6/refused"},
       Changed([](Case& c) { c.guest.cr4 |= 0x20000; }),
       Happens()},
  };
}

std::vector<NamedCase> RegisterCases() {
  return {
      {"gst-7-bit-n",
       "GST-7",
       {"GST-7/off", "GST-7/bits-63-52"},
       Changed([](Case& c) { c.guest.cr3 = kBit46; }),
       GuestStateFails()},
      // MOV to CR3 takes it as "do not invalidate"; the field has no such bit.
      {"gst-7-bit-63-with-pcid",
       "GST-7",
       {"GST-7/off", "GST-7/bit-63-with-pcid"},
       Changed([](Case& c) {
         c.guest.cr3 = 1ull << 63;
         c.guest.cr4 |= 0x20000;
       }),
       GuestStateFails()},
      {"gst-7-lam",
       "GST-7",
       {"GST-7/lam-bits-too"},
       Changed([](Case& c) { c.guest.cr3 = 3ull << 61; }),
       Happens()},
      {"gst-7-above-physical-addresses",
       "GST-7",
       {"GST-7/narrowed-by-key-identifiers"},
       Changed([](Case& c) {
         c.processor.keyid_bits = 6;
         c.guest.cr3 = kBit46 >> 1;
       }),
       Happens()},
      {"gst-7-highest-bit",
       "GST-7",
       {},
       Changed([](Case& c) { c.guest.cr3 = kBit46 - 1; }),
       Happens()},
      {"gst-8-lma-without-lme",
       "GST-8",
       {"GST-8/off", "GST-8/reserved-bits-only"},
       Changed([](Case& c) {
         c.controls.entry_controls = kLoadEfer;
         c.guest.efer = 0xc00;
       }),
       GuestStateFails()},
      {"gst-8-bit-9",
       "GST-8",
       {"GST-8/off", "GST-8/modes-only"},
       Changed([](Case& c) {
         c.controls.entry_controls = kLoadEfer;
         c.guest.efer |= 0x200;
       }),
       GuestStateFails()},
      {"gst-8-lme-without-paging",
       "GST-8",
       {"GST-8/without-paging-too"},
       Unpaged([](Case& c) {
         c.controls.entry_controls = kLoadEfer;
         c.guest.efer = 0x100;
       }),
       Happens()},
      {"gst-8-control-off",
       "GST-8",
       {"GST-8/whatever-the-control"},
       Changed([](Case& c) { c.guest.efer = 0xc00; }),
       Happens()},
      {"gst-9-type-2",
       "GST-9",
       {"GST-9/off"},
       Changed([](Case& c) {
         c.controls.entry_controls = kLoadPat;
         c.guest.pat = 0x0007040600070402;
       }),
       GuestStateFails()},
      {"gst-9-type-16",
       "GST-9",
       {"GST-9/off", "GST-9/low-bits-only"},
       Changed([](Case& c) {
         c.controls.entry_controls = kLoadPat;
         c.guest.pat = 0x1007040600070406;
       }),
       GuestStateFails()},
      {"gst-9-accepted",
       "GST-9",
       {"GST-9/uc-minus-refused"},
       Changed([](Case& c) {
         c.controls.entry_controls = kLoadPat;
         c.guest.pat = 0x0001040506070406;
       }),
       Happens()},
      {"gst-9-control-off",
       "GST-9",
       {"GST-9/whatever-the-control"},
       Changed([](Case& c) { c.guest.pat = 2; }),
       Happens()},
      {"gst-11-bit-1",
       "GST-11",
       {"GST-11/off", "GST-11/bit-1-unchecked"},
       Changed([](Case& c) { c.guest.rflags = 0; }),
       GuestStateFails()},
      {"gst-11-bit-15",
       "GST-11",
       {"GST-11/off"},
       Changed([](Case& c) { c.guest.rflags |= 0x8000; }),
       GuestStateFails()},
      {"gst-11-bit-22",
       "GST-11",
       {"GST-11/off"},
       Changed([](Case& c) { c.guest.rflags |= 1 << 22; }),
       GuestStateFails()},
      {"gst-11-vm-in-long-mode",
       "GST-11",
       {"GST-11/off", "GST-11/vm-unchecked"},
       Virtual8086([](Case& c) { c.guest.efer = 0xd00; }),
       GuestStateFails()},
      {"gst-11-vm-in-real-mode",
       "GST-11",
       {"GST-11/off", "GST-11/vm-unchecked"},
       Unpaged([](Case& c) {
         c.guest.cr0 = 0x20;
         c.guest.rflags |= 1 << 17;
         c.guest.cpl = 3;
       }),
       GuestStateFails()},
      {"gst-11-defined-bits",
       "GST-11",
       {"GST-11/ac-refused"},
       Changed([](Case& c) { c.guest.rflags |= 0x40000; }),
       Happens()},
  };
}

std::vector<NamedCase> PrivilegeCases() {
  return {
      {"gst-12-virtual-8086",
       "GST-12",
       {},
       Virtual8086([](Case&) {}),
       Happens()},
      {"gst-12-virtual-8086-supervisor",
       "GST-12",
       {"GST-12/off", "GST-12/virtual-8086-unchecked"},
       Virtual8086([](Case& c) { c.guest.cpl = 0; }),
       GuestStateFails()},
      {"gst-12-virtual-8086-cs-l",
       "GST-12",
       {"GST-12/off", "GST-12/virtual-8086-unchecked", "GST-12/cs-l-unchecked"},
       Virtual8086([](Case& c) { c.guest.cs_l = true; }),
       GuestStateFails()},
      {"gst-12-real-mode",
       "GST-12",
       {"GST-12/off", "GST-12/real-address-mode-unchecked"},
       Unpaged([](Case& c) {
         c.guest.cr0 = 0x20;
         c.guest.cpl = 1;
       }),
       GuestStateFails()},
      {"gst-12-user-mode",
       "GST-12",
       {"GST-12/user-mode-refused"},
       Changed([](Case& c) { c.guest.cpl = 3; }),
       Happens()},
  };
}

// RFLAGS: TF is bit 8, IF bit 9.
template <std::uint8_t kBlocking, std::uint32_t kPending, std::uint64_t kRflags>
Case Blocked() {
  return Changed([](Case& c) {
    c.guest.interruptibility = kBlocking;
    c.guest.pending_debug = kPending;
    c.guest.rflags |= kRflags;
  });
}

std::vector<NamedCase> BlockingCases() {
  return {
      {"gst-13-sti",
       "GST-13",
       {"GST-13/refused"},
       Blocked<1, 0, 0x200>(),
       Happens()},
      {"gst-13-sti-without-if",
       "GST-13",
       {"GST-13/off", "GST-13/if-unchecked"},
       Blocked<1, 0, 0>(),
       GuestStateFails()},
      {"gst-13-both",
       "GST-13",
       {"GST-13/off", "GST-13/both-accepted"},
       Blocked<3, 0, 0x200>(),
       GuestStateFails()},
      {"gst-13-mov-ss-beside-an-enclave",
       "GST-13",
       {"GST-13/off", "GST-13/enclave-unchecked"},
       Blocked<0x12, 0, 0>(),
       GuestStateFails()},
      {"gst-13-all-others", "GST-13", {}, Blocked<0x1c, 0, 0>(), Happens()},
      {"gst-14-bus-lock",
       "GST-14",
       {"GST-14/bus-lock-refused"},
       Blocked<0, 0x1800, 0>(),
       Happens()},
      {"gst-14-bus-lock-as-27-3-1-5-has-it",
       "GST-14",
       {},
       Blocked<0, 0x1800, 0>(),
       GuestStateFails()},
      {"gst-14-single-step",
       "GST-14",
       {"GST-14/off", "GST-14/single-step-whatever-tf"},
       Blocked<2, 0x4000, 0>(),
       GuestStateFails()},
      {"gst-14-single-step-with-tf",
       "GST-14",
       {},
       Blocked<2, 0x4000, 0x100>(),
       Happens()},
      {"gst-14-single-step-without-blocking",
       "GST-14",
       {"GST-14/single-step-without-blocking"},
       Blocked<0, 0x4000, 0>(),
       Happens()},
      {"gst-14-transactional-region",
       "GST-14",
       {},
       Blocked<1, 0x11000, 0x200>(),
       Happens()},
      {"gst-14-transactional-region-alone",
       "GST-14",
       {"GST-14/off", "GST-14/transactional-region-unchecked"},
       Blocked<0, 0x10000, 0>(),
       GuestStateFails()},
      {"gst-14-transactional-region-and-a-breakpoint",
       "GST-14",
       {"GST-14/off", "GST-14/transactional-region-unchecked"},
       Blocked<0, 0x11001, 0>(),
       GuestStateFails()},
      {"gst-14-transactional-region-after-mov-ss",
       "GST-14",
       {"GST-14/off", "GST-14/transactional-region-unchecked"},
       Blocked<2, 0x11000, 0>(),
       GuestStateFails()},
  };
}

std::vector<NamedCase> PdpteCases() {
  return {
      {"gst-10-bits-2-1",
       "GST-10",
       {"GST-10/off", "GST-10/qualification-0"},
       Pae({0x12001, 0x12007, 0, 0}),
       GuestStateFails(2)},
      {"gst-10-bits-8-5",
       "GST-10",
       {"GST-10/off", "GST-10/width-only"},
       Pae({0, 0, 0, 0x12101}),
       GuestStateFails(2)},
      {"gst-10-bit-n",
       "GST-10",
       {"GST-10/off", "GST-10/bits-63-52"},
       Pae({kBit46 | 1, 0, 0, 0}),
       GuestStateFails(2)},
      {"gst-10-above-physical-addresses",
       "GST-10",
       {"GST-10/narrowed-by-key-identifiers"},
       WithKeyids(Pae({kBit46 >> 1 | 1, 0, 0, 0})),
       Happens()},
      {"gst-10-absent",
       "GST-10",
       {"GST-10/absent-ones-too"},
       Pae({0x1e6, ~1ull, 0, 0x12001}),
       Happens()},
      {"gst-10-ignored-bits",
       "GST-10",
       {"GST-10/bits-11-9-reserved"},
       Pae({0x12e19, 0, 0, 0}),
       Happens()},
      {"gst-10-no-pae-paging",
       "GST-10",
       {},
       Changed([](Case& c) { c.guest.pdpte.fill(0x121e7); }),
       Happens()},
      // The checks have no order.
      {"gst-10-beside-another",
       "GST-10",
       {"GST-10/off"},
       Pae({0x121e7, 0, 0, 0}, 0x80010001),
       GuestStateFails(2)},
      {"gst-1-beside-pdptes",
       "GST-1",
       {"GST-1/off"},
       Pae({0x121e7, 0, 0, 0}, 0x80010001),
       GuestStateFails(0)},
  };
}

}  // namespace

std::vector<NamedCase> GuestStateWitnesses() {
  std::vector<NamedCase> cases = ModeCases();
  for (auto more :
       {RegisterCases(), PrivilegeCases(), BlockingCases(), PdpteCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
