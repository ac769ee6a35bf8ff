#include "oracle/reference/report.h"

#include <utility>

namespace eptdiff {
namespace {

constexpr Slot kQualificationBits[] = {
    Slot::kQual0,  Slot::kQual1,  Slot::kQual2,  Slot::kQual3,  Slot::kQual4,
    Slot::kQual5,  Slot::kQual6,  Slot::kQual7,  Slot::kQual8,  Slot::kQual9,
    Slot::kQual10, Slot::kQual11, Slot::kQual12, Slot::kQual13, Slot::kQual14,
    Slot::kQual15, Slot::kQual16,
};

// Sets bit `position` of a qualification as its slot answers.
void SetBit(int position, std::uint64_t answer, std::uint64_t& value,
            std::uint64_t& defined) {
  if (answer == kUndefinedBit) return;
  defined |= std::uint64_t{1} << position;
  value |= answer << position;
}

// INFO-1: the reported addresses; any refused byte's will do.
void ReportAddresses(Examiner& x, bool gla_defined, Event& event,
                     Alternative& alternative) {
  event.gpa.value = x.Ask(Slot::kInfo1Gpa);
  alternative.gpa_defined = true;
  event.gla.value = x.Ask(Slot::kInfo1Gla);
  alternative.gla_defined = gla_defined;
  // Of a guest entry's address there is one; the linear address that needs the
  // entry is that of any byte.
  const bool structure = x.s.IsStructureAccess();
  const std::uint16_t last = x.s.access.bytes - 1;
  const std::uint16_t last_linear = x.s.linear.bytes - 1;
  alternative.span = structure ? std::uint8_t{0} : last;
  alternative.gla_span = structure ? last_linear : last;
}

// HAND-9: whether the exit reports a linear address for its shadow stack's
// sake. There may be none.
bool ReportsPush(const Examiner& x) {
  return x.s.ReportsBusyShadowStack() && sdm::Qual7(x.s) != 0;
}

// Table 28-7.
void ReportQualification(Examiner& x, Event& event, Alternative& alternative) {
  std::uint64_t value = 0;
  std::uint64_t defined = 0;
  // Each slot a constant: see Examiner::Ask.
  const auto ask = [&]<int... kPosition>(
                       std::integer_sequence<int, kPosition...>) {
    (SetBit(kPosition, x.Ask(kQualificationBits[kPosition]), value, defined),
     ...);
  };
  ask(std::make_integer_sequence<int, 17>());
  event.qualification = value;
  alternative.qualification_defined = defined;
}

// In dialects alone: those of `bits` that table 28-7 would have for a violation
// at the entry that is looked at.
void ReportRights(Examiner& x, std::uint64_t bits, Event& event,
                  Alternative& alternative) {
  x.s.path.push_back({{}, x.s.entry, x.s.level, x.s.leaf});
  ReportQualification(x, event, alternative);
  x.s.path.pop_back();
  event.qualification &= bits;
}

// 26.5.7.2: the information area, all of it.
void WriteVeArea(Examiner& x, const AccessReport& reported,
                 Alternative& alternative) {
  const Hpa area{x.state().controls.ve_information_address};
  alternative.ve_written = true;
  alternative.ve_area = area;
  x.s.reported = &reported;
  AccessReport& received = alternative.ve_information;
  const auto value = [&](VeField field) {
    return x.Ask(Slot::kVe4Value, static_cast<std::uint64_t>(field));
  };
  received.qualification = value(VeField::kQualification);
  received.gla.value = value(VeField::kGla);
  received.gpa.value = value(VeField::kGpa);
  for (int word = 0; word < 5; ++word) {
    x.Touch(Role::kVeArea, 0, {area.value + 8u * static_cast<unsigned>(word)});
  }
  const RuleAt why = {Rule::kVe4, 0};
  const auto write = [&](VeField field, int offset) {
    const std::uint64_t bytes =
        x.Ask(Slot::kVe4Bytes, static_cast<std::uint64_t>(field));
    const int low = 8 * (offset % 8);
    const std::uint64_t mask =
        bytes == 8 ? ~std::uint64_t{0}
                   : ((std::uint64_t{1} << (8 * bytes)) - 1) << low;
    AddWrite(x.state(), {area.value + static_cast<unsigned>(offset & ~7)}, mask,
             value(field) << low, why, alternative.required);
  };
  write(VeField::kReason, 0);
  write(VeField::kBusy, 4);
  write(VeField::kEptpIndex, 32);
  x.s.reported = nullptr;
}

// 26.5.7.3: the exception, or the VM exit that intercepts it.
void DeliverVe(Examiner& x, Alternative& alternative) {
  Event& event = alternative.event;
  event = {};
  if (!x.Ask(Slot::kVe5)) {
    event.kind = EventKind::kVirtualizationException;
    return;
  }
  event.kind = EventKind::kVmExit;
  event.exit_reason = kExitException;
  // Valid, hardware exception, vector 20, no error code; 28.2.2: bit 12 is
  // "NMI unblocking due to IRET".
  event.interruption_information = 0x80000314;
  constexpr std::uint32_t kNmiUnblocking = 1 << 12;
  switch (x.Ask(Slot::kQual12)) {
    case 0:
      break;
    case 1:
      event.interruption_information |= kNmiUnblocking;
      break;
    default:
      alternative.interruption_information_defined = ~kNmiUnblocking;
  }
}

}  // namespace

Alternative& AddUntouched(const Examiner& x, RuleAt decided, Verdict& verdict) {
  Alternative& alternative = verdict.alternatives.emplace_back();
  alternative.registers = RegistersOf(x.state());
  alternative.decided = decided;
  return alternative;
}

void Refuse(Standing standing, std::string_view why, Verdict& verdict) {
  verdict.standing = standing;
  verdict.unmodelled = why;
  verdict.alternatives.clear();
}

void AddWrite(const MachineState& state, Hpa word, std::uint64_t mask,
              std::uint64_t value, RuleAt why, BitWrites& writes) {
  const std::uint64_t differing = (state.memory.Load(word) ^ value) & mask;
  if (differing != 0)
    writes.push_back({word, differing, value & differing, why});
}

void ReportExit(Examiner& x, std::uint16_t reason, RuleAt decided,
                bool spp_miss, Alternative& alternative) {
  Event& event = alternative.event;
  event.kind = EventKind::kVmExit;
  event.exit_reason = reason;
  alternative.decided = decided;
  switch (reason) {
    case kExitEptMisconfiguration:
      if (const auto bits = x.Ask(Slot::kInfo2Misconfiguration)) {
        ReportRights(x, bits, event, alternative);
      }
      alternative.qualification_defined = ~std::uint64_t{0};
      ReportAddresses(x, ReportsPush(x), event, alternative);
      if (alternative.gla_defined) event.gla.value = x.Ask(Slot::kHand9);
      break;
    case kExitPmlFull:
    case kExitSppEvent: {
      std::uint64_t defined = 0;
      if (reason == kExitSppEvent) {
        SetBit(11, x.Ask(Slot::kInfo2, spp_miss), event.qualification, defined);
      }
      SetBit(12, x.Ask(Slot::kQual12), event.qualification, defined);
      SetBit(16, x.Ask(Slot::kInfo2Asynchronous), event.qualification, defined);
      alternative.qualification_defined = defined;
      if (reason == kExitSppEvent) {
        // A "linear address that pertains to the VM exit": there may be none.
        ReportAddresses(x, x.s.access.page.gla_valid, event, alternative);
      } else if (ReportsPush(x)) {
        ReportAddresses(x, /*gla_defined=*/true, event, alternative);
        event.gpa = {};
        event.gla.value = x.Ask(Slot::kHand9);
        alternative.gpa_defined = false;
      }
      break;
    }
    default:  // VMFUNC: no further information
      alternative.qualification_defined = ~std::uint64_t{0};
      break;
  }
  if (reason != kExitVmfunc && x.Ask(Slot::kVe2, reason)) {
    // Converted as a violation would be.
    const Hpa area{x.state().controls.ve_information_address};
    const std::uint64_t busy =
        sdm::Bits(x.Read(Role::kVeArea, 0, area), 63, 32);
    if (!x.Ask(Slot::kVe3, busy)) return;
    WriteVeArea(x, ReportOf(event), alternative);
    DeliverVe(x, alternative);
  }
}

void ReportViolation(Examiner& x, RuleAt decided, Alternative& exit,
                     Verdict& verdict) {
  exit.decided = decided;
  Event& reported = exit.event;
  reported.kind = EventKind::kVmExit;
  reported.exit_reason = kExitEptViolation;
  ReportQualification(x, reported, exit);
  ReportAddresses(x, sdm::Bit(reported.qualification, 7), reported, exit);

  // 26.5.7.1. With WALK-2 no entry was read whose bit 63 could decide: the
  // SDM leaves open whether such a violation is convertible.
  const bool open = x.s.beyond_width;
  if (open ? !x.s.EptViolationVe() : !x.Ask(Slot::kVe1)) return;
  const Hpa area{x.state().controls.ve_information_address};
  const std::uint64_t busy = sdm::Bits(x.Read(Role::kVeArea, 0, area), 63, 32);
  if (!x.Ask(Slot::kVe3, busy)) return;
  if (open) verdict.alternatives.push_back(exit);
  Alternative& exception = open ? verdict.alternatives.back() : exit;
  WriteVeArea(x, ReportOf(reported), exception);
  DeliverVe(x, exception);
}

}  // namespace eptdiff
