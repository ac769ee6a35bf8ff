// The templates of engine.h for linear addresses; not to be included by itself.
//
// The order of events is that of 29.3.3.3: each guest entry is read through EPT
// before anything in it counts, then it is present or not, then reserved bits;
// the guest's rights are judged once the leaf is known; then the flags are set;
// then comes the final access.
#ifndef EPTDIFF_ENGINE_GUEST_LINEAR_ACCESS_INL_H_
#define EPTDIFF_ENGINE_GUEST_LINEAR_ACCESS_INL_H_

namespace eptdiff::engine {

template <HostMemory Memory>
EngineStatus Engine::PerformColdLinear(Memory& memory, const Access& access,
                                       Gla gla, Event& event) {
  if (!takes_linear()) [[unlikely]] {
    return EngineStatus::kCallerError;
  }
  if (paging_->enabled()) return PerformPaged(memory, access, gla, event);
  if (!paging_->IsPlain(gla, access)) return EngineStatus::kCallerError;
  guest_walk_ = {.user_mode = ModeOf(access, guest_.cpl) == AccessMode::kUser,
                 .write = IsWrite(access.kind),
                 .fetch = access.kind == AccessKind::kFetch};
  return PerformTranslated(memory, access, Gpa{gla.value},
                           GuestPage{.gla = gla}, bits::Bits(31, 0), event);
}

template <HostMemory Memory>
EngineStatus Engine::PerformPaged(Memory& memory, const Access& access, Gla gla,
                                  Event& event) {
  if (!IsAccess(access)) return EngineStatus::kCallerError;
  if (!answers_) return NoAnswer();
  if (access.asynchronous || access.pebs) [[unlikely]] {
    const EngineStatus status = CheckAsynchronous(access, /*gla_valid=*/true);
    if (status != EngineStatus::kAnswered) return status;
  }
  const unsigned bytes = access.size;
  Gla last = paging_->Effective(Gla{gla.value + bytes - 1}, access);
  // What is not canonical has no end within a page. To go on with a masked
  // address is the same as to name it.
  const bool masked =
      !paging_->IsPlain(gla, access) || !paging_->IsPlain(last, access);
  if (masked && !paging_->Preprocess(access, gla, last)) {
    return EngineStatus::kCallerError;
  }

  const unsigned room = kPageBytes - gla.value % kPageBytes;
  if (masked && bytes <= room) {
    Translation page;
    if (TranslateLinear(memory, access, gla, page)) {
      SetCompleted(page, event);
      return EngineStatus::kAnswered;
    }
  }
  const GuestUse& use = paging_->UseOf(access.kind, ModeOf(access, guest_.cpl));
  if (use.Separates(gla) || use.Separates(last)) {  // GW-22
    guest_walk_ = {.gla = gla};
    event = Event{};
    event.kind = EventKind::kGeneralProtection;
    return EngineStatus::kAnswered;
  }
  if (bytes <= room) return PerformPagedPart(memory, access, gla, bytes, event);
  EngineStatus status = PerformPagedPart(memory, access, gla, room, event);
  if (status != EngineStatus::kAnswered) return status;
  // The exit for an access to the APIC-access page waits for the other page; an
  // access to a guest entry there does not.
  const bool apic_access =
      event.exit_reason == bits::kExitApicAccess && guest_walk_.level == 0;
  if (event.kind != EventKind::kCompleted && !apic_access) return status;
  const Event apic_exit = event;
  const Translation first = event.translations[0];
  status = PerformPagedPart(memory, access,
                            paging_->Effective(Gla{gla.value + room}, access),
                            bytes - room, event);
  const bool apic_again =
      event.exit_reason == bits::kExitApicAccess && guest_walk_.level == 0;
  if (apic_access && status == EngineStatus::kAnswered &&
      (event.kind == EventKind::kCompleted || apic_again)) {
    event = apic_exit;
    return status;
  }
  if (status == EngineStatus::kAnswered &&
      event.kind == EventKind::kCompleted) {
    event.translations = {first, event.translations[0]};
    event.translation_count = 2;
  }
  return status;
}

template <HostMemory Memory>
EngineStatus Engine::PerformPagedPart(Memory& memory, const Access& access,
                                      Gla gla, unsigned bytes, Event& event) {
  const AccessMode mode = ModeOf(access, guest_.cpl);
  const GuestUse& use = paging_->UseOf(access.kind, mode);
  guest_walk_ = {.user_mode = mode == AccessMode::kUser,
                 .write = use.rights.writes,
                 .fetch = access.kind == AccessKind::kFetch,
                 .gla = gla};
  guest_walk_asynchronous_ = access.asynchronous;
  GuestPath& path = guest_path_;
  for (;;) {
    path.count = 0;
    path.structure_types = 0;
    GuestStep step = FindGuestPage(memory, use.rights, gla, path, event);
    if (step == GuestStep::kGoesOn) {
      step = UpdateGuestEntries(memory, use.rights.writes, gla, path, event);
    }
    if (step == GuestStep::kGoesOn) break;
    if (step == GuestStep::kEnded) return EngineStatus::kAnswered;
    if (step == GuestStep::kNoMemory) return EngineStatus::kNoMemory;
  }

  const int level = path.last().level;
  const std::uint64_t leaf = path.last().value;
  const unsigned pat_index = PatIndexOf(leaf, level);
  const GuestPage page = {.gla = gla,
                          .user = path.control.user(),
                          .writable = path.control.writable(),
                          .execute_disable = path.control.execute_disable(),
                          .pat_index = static_cast<std::uint8_t>(pat_index)};
  const Request request = {.use = use.uses[page.user],
                           .translated = true,
                           .shadow_stack = IsShadowStack(access.kind),
                           .asynchronous = access.asynchronous,
                           .unverified = path.unverified,
                           .page = page,
                           .memory_types = paging_->MemoryTypes(pat_index)};
  guest_walk_.level = 0;
  guest_walk_.update = false;
  guest_walk_.hlat = false;
  const EngineStatus status =
      Perform(memory, request,
              {paging_->PageAddress(leaf, gla, level), gla, bytes}, event);
  event.translations[0].guest_structure_types =
      event.translation_count == 0 ? 0 : path.structure_types;
  return status;
}

template <HostMemory Memory>
GuestStep Engine::FindGuestPage(Memory& memory, const GuestRights& rights,
                                Gla gla, GuestPath& path, Event& event) {
  GuestStep step = GuestStep::kRestart;
  if (paging_->UsesHlat(gla)) {
    step =
        FollowReference(memory, paging_->hlat_root(), /*hlat=*/true,
                        rights.error_code | bits::kFaultHlat, gla, path, event);
  }
  if (step == GuestStep::kRestart) {  // GW-19
    step = FollowReference(memory, paging_->RootFor(guest_, gla),
                           /*hlat=*/false, rights.error_code, gla, path, event);
  }
  if (step != GuestStep::kGoesOn) return step;
  const std::uint32_t error_code = JudgeGuestRights(rights, path.control);
  return error_code == 0 ? step : Fault(error_code, gla, event);
}

template <HostMemory Memory>
GuestStep Engine::FollowReference(Memory& memory, std::uint64_t reference,
                                  bool hlat, std::uint32_t error_code, Gla gla,
                                  GuestPath& path, Event& event) {
  path.Start();
  if (paging_->mode() == PagingMode::kPae &&
      (reference & bits::kGuestPresent) == 0) {  // GW-3
    return Fault(error_code, gla, event);
  }
  for (int level = paging_->top_level();; --level) {
    GuestEntry& entry = path.entries[path.count++];
    entry.gpa = paging_->EntryAddress(reference, gla, level);
    entry.level = static_cast<std::uint8_t>(level);
    entry.hlat = hlat;
    entry.pat_index = static_cast<std::uint8_t>(PatIndexOf(reference, 0));
    const GuestStep step = ReadGuestEntry(memory, gla, path, event);
    if (step != GuestStep::kGoesOn) return step;

    const GuestEntryKind kind = paging_->Classify(entry.value, level);
    if (kind == GuestEntryKind::kNotPresent) {  // GW-6
      return Fault(error_code, gla, event);
    }
    if (kind == GuestEntryKind::kReserved) {
      return Fault(error_code | bits::kFaultPresent | bits::kFaultReserved, gla,
                   event);
    }
    if (hlat && (entry.value & bits::kGuestRestart) != 0) {  // GW-15
      return GuestStep::kRestart;
    }
    path.control.Add(entry.value);
    if (kind == GuestEntryKind::kLeaf) return GuestStep::kGoesOn;
    reference = entry.value;
  }
}

template <HostMemory Memory>
GuestStep Engine::ReadGuestEntry(Memory& memory, Gla gla, GuestPath& path,
                                 Event& event) {
  GuestEntry& entry = path.last();
  const GuestPage page = {.gla = gla};
  const Request request =
      StructureRequest(Use::kPagingRead, page, entry.pat_index);
  const unsigned bytes = static_cast<unsigned>(paging_->entry_bytes());
  const PagePart part = {entry.gpa, gla, bytes};
  NoteGuestAccess(entry, /*update=*/false, gla);
  EngineStatus status;
  if (paging_->verifies()) {
    status = Judge(memory, request, {&part, 1}, event);
    const Path& ept = paths_[0];
    path.unverified |=
        ept.count != 0 && (ept.last().value & bits::kPagingWrite) == 0;
  } else {
    status = Perform(memory, request, part, event);
  }
  if (status != EngineStatus::kAnswered) return GuestStep::kNoMemory;
  if (event.kind != EventKind::kCompleted) return GuestStep::kEnded;

  const Translation& at = event.translations[0];
  path.AddType(at.memory_type);
  return LoadGuestEntry(memory, at.address, paging_->entry_bytes(), entry.value)
             ? GuestStep::kGoesOn
             : GuestStep::kNoMemory;
}

template <HostMemory Memory>
GuestStep Engine::UpdateGuestEntries(Memory& memory, bool writes, Gla gla,
                                     const GuestPath& path, Event& event) {
  const GuestPage page = {.gla = gla};
  for (int i = 0; i < path.count; ++i) {
    const GuestEntry& entry = path.entries[i];
    const bool is_leaf = i + 1 == path.count;
    const std::uint64_t flags =
        bits::kGuestAccessed | (is_leaf && writes ? bits::kGuestDirty : 0);
    if ((flags & ~entry.value) == 0) continue;

    const Request request =
        StructureRequest(Use::kPagingUpdate, page, entry.pat_index);
    const int bytes = paging_->entry_bytes();
    NoteGuestAccess(entry, /*update=*/true, gla);
    const EngineStatus status = Perform(
        memory, request, {entry.gpa, gla, static_cast<unsigned>(bytes)}, event);
    if (status != EngineStatus::kAnswered) return GuestStep::kNoMemory;
    if (event.kind != EventKind::kCompleted) return GuestStep::kEnded;
    const GuestStep step = SetGuestFlags(memory, event.translations[0].address,
                                         bytes, entry.value, flags);
    if (step != GuestStep::kGoesOn) return step;
  }
  return GuestStep::kGoesOn;
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_GUEST_LINEAR_ACCESS_INL_H_
