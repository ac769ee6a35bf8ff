#include "engine/cache/caching_engine.h"

namespace eptdiff {
namespace {

// An exception that the exception bitmap intercepts, with this vector.
bool IsIntercepted(const Event& event, unsigned vector) {
  constexpr std::uint32_t kVector = 0xff;
  return event.kind == EventKind::kVmExit &&
         event.exit_reason == bits::kExitException &&
         (event.interruption_information & kVector) == vector;
}

bool IsViolation(const Event& event) {
  return event.kind == EventKind::kVirtualizationException ||
         (event.kind == EventKind::kVmExit &&
          event.exit_reason == bits::kExitViolation);
}

}  // namespace

std::uint16_t CachingEngine::pcid() const {
  const GuestState& guest = engine_->guest();
  return (guest.cr4 & bits::kCr4Pcide) != 0
             ? static_cast<std::uint16_t>(guest.cr3 & bits::kCr3PcidBits)
             : std::uint16_t{0};
}

Event CachingEngine::Invept(std::uint64_t type, std::uint64_t eptp) {
  Exit();
  const Event event = CheckInvept(engine_->processor(), type, eptp);
  if (event.kind != EventKind::kCompleted) return event;
  if (type == 1) {
    cache_->InvalidateEptrta(eptp);
  } else {
    cache_->InvalidateAll();
  }
  return event;
}

Event CachingEngine::Invvpid(std::uint64_t type, std::uint64_t descriptor,
                             Gla gla) {
  Exit();
  const Event event = CheckInvvpid(engine_->processor(), type, descriptor, gla);
  if (event.kind != EventKind::kCompleted) return event;
  const auto vpid = static_cast<std::uint16_t>(descriptor);
  switch (type) {
    case 0:
      cache_->InvalidateVpidPage(vpid, gla);
      break;
    case 1:
      cache_->InvalidateVpid(vpid);
      break;
    case 2:
      cache_->InvalidateVpids();
      break;
    default:
      cache_->InvalidateVpidButGlobals(vpid);
      break;
  }
  return event;
}

Event CachingEngine::Invlpg(Gla gla) {
  const Event event = CheckInvlpg(engine_->controls(), gla);
  if (event.kind == EventKind::kCompleted) {
    cache_->InvalidatePage(vpid(), pcid(), gla);
  } else {
    Exit();
  }
  return event;
}

Event CachingEngine::Invpcid(std::uint64_t type, std::uint64_t descriptor,
                             Gla gla) {
  const Event event = CheckInvpcid(engine_->controls(), engine_->guest(), type,
                                   descriptor, gla);
  if (event.kind == EventKind::kVmExit) Exit();
  if (event.kind != EventKind::kCompleted) return event;
  const auto named = static_cast<std::uint16_t>(descriptor);
  switch (type) {
    case 0:
      cache_->InvalidatePcidPage(vpid(), named, gla);
      break;
    case 1:
      cache_->InvalidatePcid(vpid(), named);
      break;
    case 2:
      cache_->InvalidateVpid(vpid());
      break;
    default:
      cache_->InvalidateVpidButGlobals(vpid());
      break;
  }
  return event;
}

// Volume 3A, 4.10.4.1.
void CachingEngine::EndForWrite(const GuestState& before, GuestRegister reg,
                                std::uint64_t value) {
  const auto changes = [value](std::uint64_t old, std::uint64_t bits) {
    return ((old ^ value) & bits) != 0;
  };
  switch (reg) {
    case GuestRegister::kCr0:
      if ((before.cr0 & ~value & bits::kCr0Paging) != 0) {
        cache_->InvalidateVpid(vpid());
      }
      break;
    case GuestRegister::kCr3:
      if ((before.cr4 & bits::kCr4Pcide) == 0) {
        cache_->InvalidatePcid(vpid(), 0);
      } else if ((value & bits::kCr3Preserve) == 0) {
        cache_->InvalidatePcid(
            vpid(), static_cast<std::uint16_t>(value & bits::kCr3PcidBits));
      }
      break;
    case GuestRegister::kCr4:
      // For PAE and SMEP the current PCID would do.
      if (changes(before.cr4, bits::kCr4Pge | bits::kCr4Pae) ||
          (before.cr4 & ~value & bits::kCr4Pcide) != 0 ||
          (~before.cr4 & value & bits::kCr4Smep) != 0) {
        cache_->InvalidateVpid(vpid());
      }
      break;
    default:
      break;
  }
}

void CachingEngine::set_guest(const GuestState& guest) {
  engine_->set_guest(guest);
  Select();
}

void CachingEngine::Exit() {
  if (!has_vpid_) cache_->EndForTransition();
}

void CachingEngine::Enter(const Controls& controls, const GuestState& guest) {
  Exit();
  Load(engine_->processor(), controls, guest);
  Exit();
}

void CachingEngine::Load(const Processor& processor, const Controls& controls,
                         const GuestState& guest) {
  engine_->set_pml_index(controls.pml_index);
  engine_->set_eptp_index(controls.eptp_index);
  if (engine_->processor() != processor || engine_->controls() != controls) {
    engine_.emplace(processor, controls, guest);
  } else if (engine_->guest() != guest) {
    engine_->set_guest(guest);
  } else {
    return;
  }
  Select();
}

void CachingEngine::Select() {
  const Processor& processor = engine_->processor();
  const Controls& controls = engine_->controls();
  const GuestState& guest = engine_->guest();
  paging_ = engine::PagingModeOf(guest) != engine::PagingMode::kNone;
  has_vpid_ = (EffectiveSecondary(controls) & bits::kSecondaryVpid) != 0;
  structure_type_ = (guest.cr0 & bits::kCr0CacheDisable) != 0
                        ? MemoryType::kUncacheable
                        : engine_->context().structure_type();
  for (std::size_t i = 0; i < memory_types_.size(); ++i) {
    memory_types_[i] =
        &engine::MemoryTypesFor(guest, static_cast<std::uint8_t>(i));
  }
  TranslationCache::Selection selection = {
      .vpid = vpid(), .pcid = pcid(), .eptrta = controls.eptp & bits::kAddress};
  if (engine_->answers()) {
    selection.ept_regime =
        cache_->RegimeNumber(engine::EptRegimeOf(processor, controls));
    if (paging_ && engine_->takes_linear()) {
      selection.guest_regime = cache_->RegimeNumber(
          engine::GuestRegimeOf(processor, controls, guest));
    }
  }
  cache_->Select(selection);
}

void CachingEngine::EndFor(const Event& event) {
  constexpr unsigned kVirtualizationVector = 20;
  if (IsViolation(event)) EndForViolation(event);
  // It does not say of which address: the whole EPTRTA.
  if (IsIntercepted(event, kVirtualizationVector)) {
    cache_->InvalidateEptrta(engine_->controls().eptp);
  }
  if (event.kind == EventKind::kPageFault) {
    cache_->EndForPageFault(vpid(), pcid(), event.cr2);
  }
  if (event.kind == EventKind::kVmExit) Exit();
}

void CachingEngine::EndForViolation(const Event& event) {
  const std::uint64_t eptp = engine_->controls().eptp;
  cache_->EndForViolation(eptp, event.gpa);
  if ((event.qualification & bits::kQualTranslation) != 0) {
    cache_->EndForViolation(eptp, vpid(), pcid(), event.gla);
  }
}

}  // namespace eptdiff
