// The templates of engine.h; not to be included by itself.
#ifndef EPTDIFF_ENGINE_ENGINE_INL_H_
#define EPTDIFF_ENGINE_ENGINE_INL_H_

namespace eptdiff::engine {

template <HostMemory Memory>
EngineStatus Engine::PerformAccess(Memory& memory, const Access& access,
                                   Gpa gpa, const GuestPage& page,
                                   Event& event) {
  return PerformTranslated(memory, access, gpa, ~std::uint64_t{0}, page, event);
}

template <HostMemory Memory>
EngineStatus Engine::PerformLinearAccess(Memory& memory, const Access& access,
                                         Gla gla, Event& event) {
  if (Paging()) return EngineStatus::kGuestPaging;
  constexpr std::uint64_t kLow32 = bits::Bits(31, 0);
  return PerformTranslated(memory, access, Gpa{gla.value & kLow32}, kLow32,
                           GuestPage{.gla = gla}, event);
}

template <HostMemory Memory>
EngineStatus Engine::PerformTranslated(Memory& memory, const Access& access,
                                       Gpa gpa, std::uint64_t gpa_mask,
                                       const GuestPage& page, Event& event) {
  constexpr unsigned kMaxBytes = 64;
  const unsigned bytes = access.size;
  if (bytes - 1 >= kMaxBytes) return EngineStatus::kCallerError;
  const Request request = RequestFor(access, page);
  const MemoryTypeRow& types = MemoryTypesFor(guest_, page.pat_index);

  constexpr unsigned kPageBytes = 4096;
  const unsigned room = kPageBytes - gpa.value % kPageBytes;
  if (bytes <= room) {
    const PagePart part = {gpa, page.gla, bytes};
    return Perform(memory, request, types, {&part, 1}, event);
  }
  const PagePart parts[] = {{gpa, page.gla, room},
                            {Gpa{(gpa.value + room) & gpa_mask},
                             Gla{page.gla.value + room}, bytes - room}};
  return Perform(memory, request, types, parts, event);
}

template <HostMemory Memory>
EngineStatus Engine::AccessPagingStructure(Memory& memory, Use use, Gpa gpa,
                                           Gla gla, std::uint8_t pat_index,
                                           Event& event) {
  constexpr std::uint8_t kPcdPwt = 3;  // the PAT bit is taken as 0 (MT-2)
  const Request request = {
      .use = use, .translated = false, .page = {.gla = gla}};
  const PagePart part = {gpa, gla, 8};
  return Perform(memory, request, MemoryTypesFor(guest_, pat_index & kPcdPwt),
                 {&part, 1}, event);
}

template <HostMemory Memory>
EngineStatus Engine::LoadPdptes(Memory& memory, Event& event) {
  const Request request = {.use = Use::kRead,
                           .translated = false,
                           .page = {.gla_valid = false, .gla = {}}};
  const PagePart part = {Gpa{guest_.cr3 & bits::Bits(31, 5)}, Gla{}, 32};
  const EngineStatus status =
      Perform(memory, request, WriteBackTypes(guest_), {&part, 1}, event);
  if (status != EngineStatus::kAnswered ||
      event.kind != EventKind::kCompleted) {
    return status;
  }

  constexpr std::uint64_t kPresent = bits::Bit(0);
  const std::uint64_t reserved =
      bits::Bits(2, 1) | bits::Bits(8, 5) | context_.beyond_width();
  std::array<std::uint64_t, 4> pdpte;
  Hpa address = event.translations[0].address;
  for (std::uint64_t& entry : pdpte) {
    if (!memory.Load(address, entry)) return EngineStatus::kNoMemory;
    address.value += 8;
  }
  for (const std::uint64_t entry : pdpte) {
    if ((entry & kPresent) == 0 || (entry & reserved) == 0) continue;
    event = Event{};
    event.kind = EventKind::kGeneralProtection;
    return EngineStatus::kAnswered;
  }
  guest_.pdpte = pdpte;
  event = Event{};
  return EngineStatus::kAnswered;
}

template <HostMemory Memory>
EngineStatus Engine::SwitchEptp(const Memory& memory, std::uint32_t index,
                                Event& event) {
  if (!context_.enabled()) return EngineStatus::kEptOff;
  if ((EffectiveSecondary(controls_) & bits::kSecondaryVmFunctions) == 0) {
    return EngineStatus::kCallerError;
  }
  event = Event{};
  event.kind = EventKind::kVmExit;
  event.exit_reason = bits::kExitVmfunc;
  constexpr std::uint32_t kListEntries = 512;
  if ((controls_.vm_functions & bits::kVmFunctionEptpSwitch) == 0 ||
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
  return EngineStatus::kAnswered;
}

template <HostMemory Memory>
EngineStatus Engine::Perform(Memory& memory, const Request& request,
                             const MemoryTypeRow& memory_types,
                             std::span<const PagePart> parts, Event& event) {
  if (!context_.enabled()) return EngineStatus::kEptOff;
  Translation page;
  const Expectation& expect = context_.ExpectationOf(request.use);
  if (parts.size() > 1 ||
      !Walk(context_, memory, parts[0].gpa, expect, memory_types, page)) {
    return PerformSlowly(memory, request, memory_types, parts, event);
  }
  page.structure_memory_type = StructureType();
  event = Event{};
  event.translation_count = 1;
  event.translations[0] = page;
  return EngineStatus::kAnswered;
}

template <HostMemory Memory>
EngineStatus Engine::PerformSlowly(Memory& memory, const Request& request,
                                   const MemoryTypeRow& memory_types,
                                   std::span<const PagePart> parts,
                                   Event& event) {
  for (const PagePart& part : parts) {
    if (part.gpa.value > bits::Bits(51, 0)) return EngineStatus::kCallerError;
  }
  const bool writes = context_.RightsOf(request.use).writes;
  std::array<Path, 2> paths;
  for (bool stale = true; stale;) {
    stale = false;
    std::uint16_t pml_index = controls_.pml_index;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      TracePath(context_, memory, parts[i].gpa, paths[i]);
      const Path* earlier = i == 0 ? nullptr : &paths[0];
      const Refusal refusal =
          JudgePart(memory, request, parts[i], paths[i], earlier, pml_index);
      if (refusal == Refusal::kNone) continue;
      // PML-1: the log is full only once the first page's entry is in it.
      if (refusal == Refusal::kLogFull &&
          controls_.pml_index <= kLastLogEntry) {
        if (!SetFlagsAndLog(memory, paths[0], parts[0].gpa, writes, stale)) {
          return EngineStatus::kNoMemory;
        }
        if (stale) break;
      }
      return Refuse(memory, request, refusal, paths[i], parts[i], event);
    }
    for (std::size_t i = 0; i < parts.size() && !stale; ++i) {
      if (!SetFlagsAndLog(memory, paths[i], parts[i].gpa, writes, stale)) {
        return EngineStatus::kNoMemory;
      }
    }
  }

  event = Event{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::uint64_t leaf = paths[i].last().value;
    event.translations[i] = {
        .address = PageAddress(leaf, parts[i].gpa, paths[i].level),
        .page_shift = static_cast<std::uint8_t>(PageShift(paths[i].level)),
        .memory_type = static_cast<MemoryType>(
            memory_types[leaf >> bits::kMemoryTypeShift & 15]),
        .structure_memory_type = StructureType()};
    ++event.translation_count;
  }
  return EngineStatus::kAnswered;
}

template <HostMemory Memory>
Refusal Engine::JudgePart(const Memory& memory, const Request& request,
                          const PagePart& part, const Path& path,
                          const Path* earlier, std::uint16_t& pml_index) const {
  const Refusal refusal = JudgeRights(context_, memory, path, request.use, part,
                                      controls_.spptp, guest_.transactional);
  if (refusal != Refusal::kNone || !context_.logging()) return refusal;
  const MissingFlags missing =
      FindMissingFlags(path, context_.RightsOf(request.use).writes, earlier);
  if (missing.any && pml_index > kLastLogEntry) return Refusal::kLogFull;
  if (missing.dirty) --pml_index;
  return Refusal::kNone;
}

template <HostMemory Memory>
bool Engine::SetFlagsAndLog(Memory& memory, const Path& path, Gpa gpa,
                            bool writes, bool& stale) {
  if (!context_.access_dirty()) return true;
  const FlagResult result = SetFlags(memory, path, writes);
  stale = result == FlagResult::kStale;
  if (result != FlagResult::kSetDirty || !context_.logging()) return true;
  const Hpa entry{controls_.pml_address +
                  8 * std::uint64_t{controls_.pml_index}};
  --controls_.pml_index;  // from 0 to FFFFH, too
  return memory.Store(entry, gpa.value & ~bits::Bits(11, 0));
}

template <HostMemory Memory>
EngineStatus Engine::Refuse(Memory& memory, const Request& request,
                            Refusal refusal, const Path& path,
                            const PagePart& part, Event& event) {
  if (refusal == Refusal::kNoMemory) return EngineStatus::kNoMemory;
  DescribeExit(context_, controls_, guest_, request, refusal, path, part,
               event);
  // Violations of the trace-output process are never converted (26.5.4.1).
  if (refusal == Refusal::kViolation && !request.TracePreTranslation() &&
      IsConvertible(context_, guest_, path) &&
      Convert(memory, controls_, guest_, event) == Conversion::kNoMemory) {
    return EngineStatus::kNoMemory;
  }
  return EngineStatus::kAnswered;
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_ENGINE_INL_H_
