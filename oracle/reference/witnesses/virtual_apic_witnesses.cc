#include <cstdint>
#include <vector>

#include "oracle/reference/witnesses/answer.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

// Controls of a virtual APIC (tables 25-5 to 25-8, 25-13).
struct VirtualApic {
  std::uint32_t pin_based = 0;
  std::uint32_t primary = 1u << 31 | 1u << 21;  // with "use TPR shadow"
  std::uint32_t secondary = 0;
  std::uint64_t tertiary = 0;
  std::uint32_t exit_controls = 0;
};
Case Build(const VirtualApic& apic) {
  return Walk4()
      .With([&](Case& c) {
        c.controls.pin_based |= apic.pin_based;
        c.controls.primary = apic.primary;
        c.controls.secondary |= apic.secondary;
        c.controls.tertiary |= apic.tertiary;
        c.controls.exit_controls |= apic.exit_controls;
      })
      .Build();
}

}  // namespace

std::vector<NamedCase> VirtualApicWitnesses() {
  constexpr std::uint32_t kInterruptExiting = 1u << 0;
  constexpr std::uint32_t kPosted = 1u << 7;
  constexpr std::uint32_t kSecondaryAlone = 1u << 31;
  constexpr std::uint32_t kTertiaryAlone = 1u << 31 | 1u << 17;
  constexpr std::uint32_t kTertiaryToo = kTertiaryAlone | 1u << 21;
  constexpr std::uint32_t kApicAccesses = 1u << 0;
  constexpr std::uint32_t kX2apicMode = 1u << 4;
  constexpr std::uint32_t kRegisters = 1u << 8;
  constexpr std::uint32_t kDelivery = 1u << 9;
  constexpr std::uint64_t kIpi = 1u << 4;
  constexpr std::uint32_t kAcknowledge = 1u << 15;
  const VirtualApic none = {.primary = kSecondaryAlone};
  const auto with = [](VirtualApic apic, std::uint32_t secondary,
                       std::uint32_t pin_based = 0) {
    apic.secondary = secondary;
    apic.pin_based = pin_based;
    return Build(apic);
  };
  return {
      {"ctl-11-x2apic-mode",
       "CTL-11",
       {"CTL-11/off"},
       with(none, kX2apicMode),
       EntryFails(EntryCheck::kCtl11)},
      {"ctl-11-registers",
       "CTL-11",
       {"CTL-11/off", "CTL-11/x2apic-mode-alone"},
       with(none, kRegisters),
       EntryFails(EntryCheck::kCtl11)},
      {"ctl-11-interrupt-delivery",
       "CTL-11",
       {"CTL-11/off", "CTL-11/x2apic-mode-alone"},
       with(none, kDelivery, kInterruptExiting),
       EntryFails(EntryCheck::kCtl11)},
      {"ctl-11-ipi-virtualization",
       "CTL-11",
       {"CTL-11/off", "CTL-11/x2apic-mode-alone",
        "CTL-11/without-ipi-virtualization"},
       Build({.primary = kTertiaryAlone, .tertiary = kIpi}),
       EntryFails(EntryCheck::kCtl11)},
      {"ctl-11-all",
       "CTL-11",
       {},
       Build({.pin_based = kInterruptExiting,
              .primary = kTertiaryToo,
              .secondary = kX2apicMode | kRegisters | kDelivery,
              .tertiary = kIpi}),
       Happens()},
      {"ctl-11-not-activated",
       "CTL-11",
       {"CTL-11/whatever-is-activated"},
       Walk4()
           .With([&](Case& c) {
             c.controls.primary = 0;
             c.controls.secondary = kRegisters;
           })
           .Build(),
       Happens()},
      {"ctl-12-both",
       "CTL-12",
       {"CTL-12/off"},
       with({}, kX2apicMode | kApicAccesses),
       EntryFails(EntryCheck::kCtl12)},
      {"ctl-12-x2apic-mode-alone",
       "CTL-12",
       {},
       with({}, kX2apicMode),
       Happens()},
      {"ctl-13-delivery-alone",
       "CTL-13",
       {"CTL-13/off"},
       with({}, kDelivery),
       EntryFails(EntryCheck::kCtl13)},
      {"ctl-13-both",
       "CTL-13",
       {},
       with({}, kDelivery, kInterruptExiting),
       Happens()},
      {"ctl-14-posted-alone",
       "CTL-14",
       {"CTL-14/off"},
       with({}, 0, kInterruptExiting | kPosted),
       EntryFails(EntryCheck::kCtl14)},
      {"ctl-14-delivery-alone",
       "CTL-14",
       {"CTL-14/off", "CTL-14/delivery-suffices"},
       with({}, kDelivery, kInterruptExiting | kPosted),
       EntryFails(EntryCheck::kCtl14)},
      {"ctl-14-acknowledgement-alone",
       "CTL-14",
       {"CTL-14/off", "CTL-14/acknowledgement-suffices"},
       with({.exit_controls = kAcknowledge}, 0, kInterruptExiting | kPosted),
       EntryFails(EntryCheck::kCtl14)},
      {"ctl-14-all",
       "CTL-14",
       {},
       with({.exit_controls = kAcknowledge}, kDelivery,
            kInterruptExiting | kPosted),
       Happens()},
  };
}

}  // namespace eptdiff
