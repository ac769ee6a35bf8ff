#include "engine/walk/exit_qualification.h"

#include "engine/bits.h"
#include "engine/walk/entry_checks.h"

namespace eptdiff {
namespace {

constexpr struct {
  bool ExitQualification::* field;
  std::uint64_t bit;
} kAlwaysDefined[] = {
    {&ExitQualification::read, bits::kQualRead},
    {&ExitQualification::write, bits::kQualWrite},
    {&ExitQualification::fetch, bits::kQualFetch},
    {&ExitQualification::readable, bits::kRead << bits::kQualRightsShift},
    {&ExitQualification::writable, bits::kWrite << bits::kQualRightsShift},
    {&ExitQualification::executable, bits::kExecute << bits::kQualRightsShift},
    {&ExitQualification::gla_valid, bits::kQualGlaValid},
    {&ExitQualification::to_translation, bits::kQualTranslation},
    {&ExitQualification::shadow_stack_access, bits::kQualShadowStack},
    {&ExitQualification::verification, bits::kQualVerification},
    {&ExitQualification::asynchronous, bits::kQualAsynchronous},
};

constexpr struct {
  std::optional<bool> ExitQualification::* field;
  std::uint64_t bit;
} kSometimesDefined[] = {
    {&ExitQualification::user_executable, bits::kQualUserExecute},
    {&ExitQualification::user_mode_address, bits::kQualUserPage},
    {&ExitQualification::read_write_page, bits::kQualWritablePage},
    {&ExitQualification::execute_disable_page, bits::kQualNoExecutePage},
    {&ExitQualification::nmi_unblocking, bits::kQualNmiUnblocking},
    {&ExitQualification::supervisor_shadow_stack_page, bits::kQualSssPage},
};

constexpr std::uint64_t BitsAlwaysDefined() {
  std::uint64_t all = 0;
  for (const auto& each : kAlwaysDefined) all |= each.bit;
  return all;
}
static_assert(BitsAlwaysDefined() == 0x1a1bf);

}  // namespace

QualificationContext ContextOf(const Processor& processor,
                               const Controls& controls, bool event_delivery) {
  return {
      .advanced_information =
          (processor.ept_vpid_cap & bits::kCapAdvancedExit) != 0,
      .mbec = (EffectiveSecondary(controls) & bits::kSecondaryMbec) != 0,
      .shadow_stack_control = (controls.eptp & bits::kEptpShadowStack) != 0,
      .nmi_unblocking = ((controls.pin_based & bits::kPinNmiExiting) == 0 ||
                         (controls.pin_based & bits::kPinVirtualNmis) != 0) &&
                        !event_delivery};
}

std::uint64_t DefinedBits(std::uint64_t value,
                          const QualificationContext& context) {
  constexpr std::uint64_t kTranslated =
      bits::kQualGlaValid | bits::kQualTranslation;
  std::uint64_t defined = BitsAlwaysDefined();
  if (context.mbec) defined |= bits::kQualUserExecute;
  if (context.advanced_information && (value & kTranslated) == kTranslated) {
    defined |= bits::kQualUserPage | bits::kQualWritablePage |
               bits::kQualNoExecutePage;
  }
  if (context.nmi_unblocking) defined |= bits::kQualNmiUnblocking;
  // A leaf that grants nothing at all cannot be told from no leaf.
  const std::uint64_t granted = value & defined & bits::Bits(6, 3);
  if (context.shadow_stack_control && granted != 0) {
    defined |= bits::kQualSssPage;
  }
  return defined;
}

ExitQualification ExitQualification::Decode(
    std::uint64_t value, const QualificationContext& context) {
  const std::uint64_t defined = DefinedBits(value, context);
  ExitQualification result;
  for (const auto& [field, bit] : kAlwaysDefined) {
    result.*field = (value & bit) != 0;
  }
  for (const auto& [field, bit] : kSometimesDefined) {
    if ((defined & bit) != 0) result.*field = (value & bit) != 0;
  }
  return result;
}

std::uint64_t ExitQualification::Encode() const {
  std::uint64_t value = 0;
  for (const auto& [field, bit] : kAlwaysDefined) {
    if (this->*field) value |= bit;
  }
  for (const auto& [field, bit] : kSometimesDefined) {
    if ((this->*field).value_or(false)) value |= bit;
  }
  return value;
}

}  // namespace eptdiff
