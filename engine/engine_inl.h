// The templates of engine.h; not to be included by itself.
#ifndef EPTDIFF_ENGINE_ENGINE_INL_H_
#define EPTDIFF_ENGINE_ENGINE_INL_H_

namespace eptdiff::engine {

template <HostMemory Memory>
EngineStatus Engine::PerformColdTranslated(Memory& memory, const Access& access,
                                           Gpa gpa, const GuestPage& page,
                                           std::uint64_t width, Event& event) {
  if (!IsAccess(access)) return EngineStatus::kCallerError;
  if (access.asynchronous || access.pebs || !page.gla_valid) [[unlikely]] {
    const EngineStatus status = CheckAsynchronous(access, page.gla_valid);
    if (status != EngineStatus::kAnswered) return status;
  }

  const Request request = {.use = UseOf(access, page),
                           .translated = true,
                           .shadow_stack = IsShadowStack(access.kind),
                           .asynchronous = access.asynchronous,
                           .pebs = access.pebs,
                           .page = page,
                           .memory_types = MemoryTypes(page.pat_index)};
  const unsigned bytes = access.size;
  const unsigned room = kPageBytes - gpa.value % kPageBytes;
  if (bytes <= room) {
    return PerformCold(memory, request, {gpa, page.gla, bytes}, event);
  }
  const PagePart parts[] = {
      {gpa, page.gla, room},
      {Gpa{(gpa.value + room) & width}, Gla{(page.gla.value + room) & width},
       bytes - room}};
  return Judge(memory, request, parts, event);
}

template <HostMemory Memory>
EngineStatus Engine::AccessPagingStructure(Memory& memory, Use use, Gpa gpa,
                                           Gla gla, std::uint8_t pat_index,
                                           Event& event) {
  const GuestPage page = {.gla = gla};
  guest_walk_asynchronous_ = false;
  const Request request = StructureRequest(use, page, pat_index);
  return Perform(memory, request, {gpa, gla, 8}, event);
}

template <HostMemory Memory>
EngineStatus Engine::LoadPdptes(Memory& memory, Event& event) {
  return LoadPdptesFrom(memory, guest_.cr3, event);
}

template <HostMemory Memory>
EngineStatus Engine::LoadPdptesFrom(Memory& memory, std::uint64_t cr3,
                                    Event& event) {
  constexpr int kPdptes = 4;
  const GuestPage page = {.gla_valid = false, .gla = {}};
  const Request request = {.use = Use::kRead,
                           .translated = false,
                           .shadow_stack = false,
                           .asynchronous = false,
                           .page = page,
                           .memory_types = WriteBackTypes(guest_)};
  const PagePart part = {Gpa{cr3 & bits::Bits(31, 5)}, Gla{}, 8 * kPdptes};
  const EngineStatus status = Perform(memory, request, part, event);
  if (status != EngineStatus::kAnswered ||
      event.kind != EventKind::kCompleted) {
    return status;
  }

  constexpr std::uint64_t kPresent = bits::Bit(0);
  const std::uint64_t reserved =
      bits::Bits(2, 1) | bits::Bits(8, 5) | ~context_.widest_gpa();
  std::array<std::uint64_t, kPdptes> pdpte;
  bool fault = false;
  for (int i = 0; i < kPdptes; ++i) {
    const Hpa address{event.translations[0].address.value + 8 * i};
    if (!memory.Load(address, pdpte[i])) return EngineStatus::kNoMemory;
    fault |= (pdpte[i] & kPresent) != 0 && (pdpte[i] & reserved) != 0;
  }
  event = Event{};
  if (fault) {
    event.kind = EventKind::kGeneralProtection;
  } else {
    guest_.pdpte = pdpte;
    if (paging_) paging_.emplace(processor_, controls_, guest_, context_);
  }
  return EngineStatus::kAnswered;
}

template <HostMemory Memory>
EngineStatus Engine::WriteRegister(Memory& memory, GuestRegister reg,
                                   std::uint64_t value, Event& event) {
  if (!context_.enabled()) return EngineStatus::kEptOff;
  switch (EffectOf(processor_, controls_, guest_, reg, value)) {
    case WriteEffect::kNone:
      return EngineStatus::kCallerError;
    case WriteEffect::kExits:
      event = Event{};
      event.kind = EventKind::kVmExit;
      event.exit_reason = bits::kExitControlRegister;
      event.qualification = bits::kQualMovToCr3;
      return EngineStatus::kAnswered;
    case WriteEffect::kFaults:
      event = Event{};
      event.kind = EventKind::kGeneralProtection;
      return EngineStatus::kAnswered;
    case WriteEffect::kLoadsPdptes: {
      const std::uint64_t cr3 = reg == GuestRegister::kCr3 ? value : guest_.cr3;
      const EngineStatus status = LoadPdptesFrom(memory, cr3, event);
      if (status != EngineStatus::kAnswered ||
          event.kind != EventKind::kCompleted) {
        return status;
      }
      break;
    }
    case WriteEffect::kCompletes:
      event = Event{};
      break;
  }
  SetRegister(reg, value, guest_);
  if (paging_) paging_.emplace(processor_, controls_, guest_, context_);
  NoteRegisters();
  return EngineStatus::kAnswered;
}

template <HostMemory Memory>
EngineStatus Engine::Vmfunc(const Memory& memory, std::uint32_t leaf,
                            std::uint32_t index, Event& event) {
  if (!context_.enabled()) return EngineStatus::kEptOff;
  constexpr std::uint32_t kFunctions = 64;
  event = Event{};
  if ((EffectiveSecondary(controls_) & bits::kSecondaryVmFunctions) == 0 ||
      leaf >= kFunctions) {
    event.kind = EventKind::kInvalidOpcode;
    return EngineStatus::kAnswered;
  }
  if (leaf == 0 && !ModelsVmfunc(controls_)) return EngineStatus::kNotModelled;
  event.kind = EventKind::kVmExit;
  event.exit_reason = bits::kExitVmfunc;
  // VM entry accepts no function but EPTP switching (CTL-7).
  constexpr std::uint32_t kListEntries = 512;
  if (leaf != 0 ||
      (controls_.vm_functions & bits::kVmFunctionEptpSwitch) == 0 ||
      index >= kListEntries) {
    return EngineStatus::kAnswered;
  }
  std::uint64_t eptp = 0;
  if (!memory.Load(Hpa{controls_.eptp_list_address + 8 * index}, eptp)) {
    return EngineStatus::kNoMemory;
  }
  if (((eptp ^ controls_.eptp) & bits::kEptpWalkLength) != 0 ||
      CheckEptp(processor_, eptp) != EntryCheck::kNone) {
    return EngineStatus::kAnswered;
  }
  event = Event{};
  controls_.eptp = eptp;
  if (processor_.ept_violation_ve || context_.violation_ve()) {
    controls_.eptp_index = static_cast<std::uint16_t>(index);
  }
  context_ = EptContext(processor_, controls_);
  if (paging_) paging_.emplace(processor_, controls_, guest_, context_);
  NoteRegisters();
  return EngineStatus::kAnswered;
}

template <HostMemory Memory>
EngineStatus Engine::Perform(Memory& memory, const Request& request,
                             const PagePart& part, Event& event) {
  Translation page;
  if (!request.unverified &&
      TranslateWith(memory, part.gpa, request.use, request.memory_types, page))
      [[likely]] {
    SetCompleted(page, event);
    return EngineStatus::kAnswered;
  }
  return PerformCold(memory, request, part, event);
}

template <HostMemory Memory>
EngineStatus Engine::PerformCold(Memory& memory, const Request& request,
                                 const PagePart& part, Event& event) {
  if (!answers_) return NoAnswer();
  if (context_.access_dirty() && !request.unverified &&
      CompleteWithFlags(memory, request, part.gpa, event)) {
    return EngineStatus::kAnswered;
  }
  return Judge(memory, request, {&part, 1}, event);
}

template <HostMemory Memory>
bool Engine::CompleteWithFlags(Memory& memory, const Request& request, Gpa gpa,
                               Event& event) {
  if (context_.logging() && (IsLogFull() || !HasLogEntry(memory))) return false;
  Path& path = paths_[0];
  path.count = 0;
  Translation page;
  page.structure_memory_type = structure_type_;
  const auto record = [&path](Hpa address, std::uint64_t entry) {
    path.entries[path.count++] = {address, entry};
  };
  if (!Walk(context_, memory, gpa,
            context_.ExpectationOf(request.use).WithoutFlags(),
            request.memory_types, page, record)) {
    return false;
  }
  const FlagResult result =
      SetFlags(memory, path, context_.RightsOf(request.use).writes);
  if (result == FlagResult::kStale) return false;
  if (result == FlagResult::kSetDirty) Log(memory, gpa);
  SetCompleted(page, event);
  return true;
}

template <HostMemory Memory>
EngineStatus Engine::Judge(Memory& memory, const Request& request,
                           std::span<const PagePart> parts, Event& event) {
  if (!answers_) return NoAnswer();
  for (const PagePart& part : parts) {
    if (part.gpa.value > context_.widest_gpa()) {
      return EngineStatus::kCallerError;
    }
  }
  const bool writes = context_.RightsOf(request.use).writes;
  for (;;) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      TracePath(context_, memory, parts[i].gpa, paths_[i]);
      Refusal refusal =
          JudgeRights(context_, memory, paths_[i], request.use, parts[i],
                      controls_.spptp, guest_.transactional || request.pebs);
      if (refusal == Refusal::kNone && request.unverified &&
          (paths_[i].last().value & bits::kVerifyPaging) != 0) {
        refusal = Refusal::kVerification;
      }
      if (refusal != Refusal::kNone) {
        return Refuse(memory, request, refusal, paths_[i], parts[i], event);
      }
    }
    if (!context_.access_dirty()) break;
    std::size_t i = 0;
    while (i < parts.size() && HasAllFlags(paths_[i], writes)) ++i;
    if (i == parts.size()) break;
    if (context_.logging()) {
      if (IsLogFull()) {
        return Refuse(memory, request, Refusal::kLogFull, paths_[i], parts[i],
                      event);
      }
      if (!HasLogEntry(memory)) return EngineStatus::kNoMemory;
    }
    const FlagResult result = SetFlags(memory, paths_[i], writes);
    if (result == FlagResult::kSetDirty) Log(memory, parts[i].gpa);
    // The next page may share entries with this one, and if an entry has
    // changed under our hands, its judgement is stale: look again.
    if (result != FlagResult::kStale && i + 1 == parts.size()) break;
  }

  event = Event{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (context_.apic_page()) {
      const Hpa address =
          TranslationOf(request, paths_[i], parts[i].gpa).address;
      if (IsOnApicPage(address)) {
        DescribeApicAccess(context_, guest_, request, address, event);
        return EngineStatus::kAnswered;
      }
    }
    event.translations[i] = TranslationOf(request, paths_[i], parts[i].gpa);
    ++event.translation_count;
  }
  return EngineStatus::kAnswered;
}

template <HostMemory Memory>
EngineStatus Engine::Refuse(Memory& memory, const Request& request,
                            Refusal refusal, const Path& path,
                            const PagePart& part, Event& event) {
  if (refusal == Refusal::kNoMemory) return EngineStatus::kNoMemory;
  guest_walk_.gla = part.gla;
  guest_walk_.gpa = part.gpa;
  DescribeExit(context_, controls_, guest_, request, refusal, path, part,
               event);
  if ((refusal == Refusal::kViolation || refusal == Refusal::kVerification) &&
      IsConvertible(context_, guest_, request, path) &&
      Convert(memory, controls_, guest_, event) == Conversion::kNoMemory) {
    return EngineStatus::kNoMemory;
  }
  return EngineStatus::kAnswered;
}

template <HostMemory Memory>
bool Engine::HasLogEntry(const Memory& memory) const {
  std::uint64_t unused;
  return memory.Load(LogEntry(), unused);
}

template <HostMemory Memory>
void Engine::Log(Memory& memory, Gpa gpa) {
  if (!context_.logging()) return;
  memory.Store(LogEntry(), gpa.value & ~bits::Bits(11, 0));
  --controls_.pml_index;  // from 0 to FFFFH, too
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_ENGINE_INL_H_
