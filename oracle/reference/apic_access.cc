#include "oracle/reference/apic_access.h"

#include "oracle/reference/report.h"

namespace eptdiff {
namespace {

enum class Ending { kPasses, kEither, kExits };

// Where `page` is on the APIC-access page, x.s is that of the page afterwards.
Ending EndingOf(Examiner& x, const Page& page) {
  if (page.kept.has_value()) x.s = *page.kept;
  const std::uint64_t address = page.translation.address.value;
  if (!x.Ask(Slot::kApic1, address) && !x.Ask(Slot::kApic2, address)) {
    return Ending::kPasses;
  }
  // A page larger than 4 KBytes; a write that is eligible for SPP.
  const bool eligible = x.s.writes && !x.s.InAllEntries(1) && sdm::Spp1(x.s);
  if (x.s.level == 1 && !eligible) return Ending::kExits;
  switch (static_cast<ApicCaveat>(x.Ask(Slot::kApic7))) {
    case ApicCaveat::kExits:
      return Ending::kExits;
    case ApicCaveat::kAsIfOff:
      return Ending::kPasses;
    case ApicCaveat::kEither:
      break;
  }
  return Ending::kEither;
}

// Table 28-6. No address is among the other fields of such an exit.
void AddExit(Examiner& x, const Page& page, const Effects& effects,
             Verdict& verdict) {
  const bool linear = x.s.IsLinearAccess();
  Alternative& exit = AddAfter(effects, verdict);
  exit.decided = {linear ? Rule::kApic1 : Rule::kApic2, 0};
  exit.event.kind = EventKind::kVmExit;
  exit.event.exit_reason = kExitApicAccess;
  std::uint64_t defined = 0;
  const auto report = [&](int low, std::uint64_t mask, std::uint64_t value) {
    defined |= mask << low;
    exit.event.qualification |= (value & mask) << low;
  };
  if (linear) {
    report(0, 0xfff, x.Ask(Slot::kApic4, page.translation.address.value));
  }
  const std::uint64_t type = x.Ask(Slot::kApic5);
  if (type != kUndefinedType) report(12, 0xf, type);
  const std::uint64_t asynchronous = x.Ask(Slot::kApic6);
  if (asynchronous != kUndefinedBit) report(16, 1, asynchronous);
  exit.qualification_defined = defined;
}

}  // namespace

bool MayPassApicPage(Examiner& x, const Page* pages, std::size_t count,
                     const Effects& effects, Verdict& verdict) {
  if (!x.s.VirtualizeApicAccesses()) return true;
  bool passes = true;
  for (std::size_t i = 0; i < count; ++i) {
    const Ending ending = EndingOf(x, pages[i]);
    if (ending == Ending::kPasses) continue;
    AddExit(x, pages[i], effects, verdict);
    if (ending == Ending::kExits) passes = false;
  }
  return passes;
}

bool ExitsBeforeFlags(Examiner& x, const Page& page, const Effects& effects,
                      Verdict& verdict) {
  if (!x.s.VirtualizeApicAccesses() ||
      static_cast<ApicOrder>(x.Ask(Slot::kApic3)) == ApicOrder::kSdm ||
      EndingOf(x, page) == Ending::kPasses) {
    return false;
  }
  AddExit(x, page, effects, verdict);
  return true;
}

}  // namespace eptdiff
