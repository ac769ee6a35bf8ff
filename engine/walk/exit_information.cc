#include "engine/walk/exit_information.h"

#include "engine/bits.h"

namespace eptdiff::engine {
namespace {

std::uint64_t If(bool condition, std::uint64_t bit) {
  return condition ? bit : 0;
}

// QUAL-3 to QUAL-6, QUAL-14: what the entries used would have allowed.
std::uint64_t RightsOf(const EptContext& context, const Path& path) {
  if (!path.reached_leaf()) return 0;  // notes 2 and 3
  constexpr std::uint64_t kRwx = bits::kRead | bits::kWrite | bits::kExecute;
  return (path.all & kRwx) << bits::kQualRightsShift |
         If(context.mbec() && (path.all & bits::kUserExecute) != 0,
            bits::kQualUserExecute) |
         If(context.shadow_stack_control() &&
                (path.last().value & bits::kShadowStack) != 0,
            bits::kQualSssPage);
}

// QUAL-9 to QUAL-11: the page that the linear address translates to.
std::uint64_t PageProperties(const GuestState& guest, const GuestPage& page) {
  if ((guest.cr0 & bits::kCr0Paging) == 0) {
    return bits::kQualUserPage | bits::kQualWritablePage;
  }
  const bool has_xd =
      (guest.cr4 & bits::kCr4Pae) != 0 && (guest.efer & bits::kEferNxe) != 0;
  return If(page.user, bits::kQualUserPage) |
         If(page.writable, bits::kQualWritablePage) |
         If(has_xd && page.execute_disable, bits::kQualNoExecutePage);
}

std::uint64_t ViolationQualification(const EptContext& context,
                                     const GuestState& guest,
                                     const Request& request, const Path& path) {
  const bool to_translation = request.translated && request.page.gla_valid;
  return context.RightsOf(request.use).qualification | RightsOf(context, path) |
         If(request.page.gla_valid, bits::kQualGlaValid) |
         If(to_translation, bits::kQualTranslation) |
         If(to_translation && context.advanced_exit(),
            PageProperties(guest, request.page)) |
         If(request.shadow_stack, bits::kQualShadowStack);
}

}  // namespace

std::uint64_t NmiUnblocking(const Controls& controls, const GuestState& guest) {
  const bool defined = ((controls.pin_based & bits::kPinNmiExiting) == 0 ||
                        (controls.pin_based & bits::kPinVirtualNmis) != 0) &&
                       !guest.event_delivery;
  return If(defined && guest.nmi_unblocking, bits::kQualNmiUnblocking);
}

bool ReportsBusyShadowStack(const Controls& controls, const GuestState& guest) {
  return guest.busy_shadow_stack &&
         (controls.exit_controls & bits::kExitSecondaryControls) != 0 &&
         (controls.secondary_exit_controls & bits::kExitBusyShadowStack) != 0;
}

Gla ReportedGla(const GuestState& guest, Gla gla) {
  // EFER.LMA without CR0.PG and CR4.PAE is a combination that no processor is
  // in.
  const bool in_64_bit_mode = (guest.cr0 & bits::kCr0Paging) != 0 &&
                              (guest.cr4 & bits::kCr4Pae) != 0 &&
                              (guest.efer & bits::kEferLma) != 0 && guest.cs_l;
  return in_64_bit_mode ? gla : Gla{gla.value & bits::Bits(31, 0)};
}

void DescribeExit(const EptContext& context, const Controls& controls,
                  const GuestState& guest, const Request& request,
                  Refusal refusal, const Path& path, const PagePart& part,
                  Event& event) {
  event = Event{};
  event.kind = EventKind::kVmExit;
  // HAND-9: also of what reports no linear address otherwise.
  if (request.page.gla_valid && ReportsBusyShadowStack(controls, guest)) {
    event.gla = ReportedGla(guest, part.gla);
  }
  if (refusal == Refusal::kMisconfiguration) {
    event.exit_reason = bits::kExitMisconfiguration;
    event.gpa = part.gpa;
    return;
  }
  event.qualification =
      NmiUnblocking(controls, guest) |
      If(request.asynchronous || request.IsWithoutLinearAddress(),
         bits::kQualAsynchronous);  // INFO-2, QUAL-16
  if (refusal == Refusal::kLogFull) {
    event.exit_reason = bits::kExitLogFull;
    return;
  }
  event.gpa = part.gpa;
  event.gla = ReportedGla(guest, part.gla);
  if (refusal == Refusal::kViolation || refusal == Refusal::kVerification) {
    if (!request.page.gla_valid) event.gla = Gla{};
    event.exit_reason = bits::kExitViolation;
    event.qualification |=
        ViolationQualification(context, guest, request, path) |
        If(refusal == Refusal::kVerification, bits::kQualVerification);
    return;
  }
  event.exit_reason = bits::kExitSpp;
  event.qualification |= If(refusal == Refusal::kSppMiss, bits::kQualSppMiss);
}

void DescribeApicAccess(const EptContext& context, const GuestState& guest,
                        const Request& request, Hpa address, Event& event) {
  const bool linear = request.translated && request.page.gla_valid;
  std::uint64_t type;
  if (request.IsWithoutLinearAddress()) {
    type = bits::kApicPhysicalTrace;
  } else if (!linear) {
    type = guest.event_delivery ? bits::kApicPhysicalDelivery
                                : bits::kApicPhysical;
  } else if ((context.RightsOf(request.use).qualification & bits::kQualFetch) !=
             0) {
    type = bits::kApicFetch;
  } else if (guest.event_delivery) {
    type = bits::kApicDelivery;
  } else {
    type = context.RightsOf(request.use).writes ? bits::kApicWrite
                                                : bits::kApicRead;
  }
  event = Event{};
  event.kind = EventKind::kVmExit;
  event.exit_reason = bits::kExitApicAccess;
  event.qualification =
      type << bits::kApicTypeShift |
      If(linear, address.value & bits::Bits(11, 0)) |
      If(request.translated && (request.asynchronous || !linear),
         bits::kQualAsynchronous);
}

bool IsConvertible(const EptContext& context, const GuestState& guest,
                   const Request& request, const Path& path) {
  if (!context.violation_ve()) return false;
  if ((guest.cr0 & bits::kCr0Protection) == 0) return false;
  if (guest.event_delivery || guest.busy_shadow_stack) return false;
  if (request.IsWithoutLinearAddress()) return false;  // 26.5.7.1
  // A GPA too wide for 4-level EPT meets no entry that could decide.
  if (path.count == 0) return false;
  return (path.last().value & bits::kSuppressVe) == 0;
}

}  // namespace eptdiff::engine
