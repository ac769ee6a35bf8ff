// The templates of caching_engine.h; not to be included by itself.
#ifndef EPTDIFF_ENGINE_CACHE_CACHING_ENGINE_INL_H_
#define EPTDIFF_ENGINE_CACHE_CACHING_ENGINE_INL_H_

namespace eptdiff {

template <HostMemory Memory>
std::uint64_t CachingEngine::Walk(const Memory& memory, Gpa gpa, Use use,
                                  const engine::MemoryTypeRow& types) {
  const engine::EptContext& context = engine_->context();
  if (!cache_->keeps_guest_physical() || gpa.value > context.last_gpa()) {
    return 0;
  }
  engine::KeepingWalk<Memory> walk(context, *cache_, memory, gpa, use);
  return walk.Run(context.five_level(), types);
}

// As engine::WalkGuest(), with the same compares. Guest entries are read
// through what is kept of EPT.
template <HostMemory Memory>
bool CachingEngine::WalkLinear(const Memory& memory, const Access& access,
                               Gla gla, Translation& page) {
  if (!cache_->keeps_combined() || !engine_->paging().hot()) return false;
  const engine::GuestPagingContext& paging = engine_->paging();
  const engine::AccessMode mode = engine::ModeOf(access, engine_->guest().cpl);
  const engine::GuestUse& use = paging.UseOf(access.kind, mode);
  if (!use.range.Holds(gla)) return false;

  const int top = paging.top_level();
  int level = top;
  std::uint64_t entry = paging.RootFor(engine_->guest(), gla);
  if (top < 3 && (entry & bits::kGuestPresent) == 0) return false;  // GW-3
  // P, R/W, U/S and A of all tables, and XD of any.
  constexpr std::uint64_t kInAll = bits::kGuestPresent | bits::kGuestWritable |
                                   bits::kGuestUser | bits::kGuestAccessed;
  std::uint64_t all = ~std::uint64_t{0};
  std::uint64_t any = 0;
  std::uint64_t structure_types = 0;
  for (int kept = engine::UpperEntry::kLowest;
       kept <= engine::UpperEntry::kHighest && kept <= top; ++kept) {
    const engine::UpperEntry* upper = cache_->Find(gla, kept);
    if (upper != nullptr && use.expectation.table.Fits(upper->word)) {
      entry = upper->word;
      all = upper->word | ~kInAll;
      any = upper->word;
      structure_types = upper->guest_structure_types;
      level = kept - 1;
      break;
    }
  }

  for (;; --level) {
    const Gpa gpa{(entry & bits::kAddress) |
                  (gla.value >> (9 * level) & bits::Bits(11, 3))};
    Translation at;
    if (!TranslateWith(memory, gpa, Use::kPagingRead,
                       paging.MemoryTypes(engine::PatIndexOf(entry, 0)), at) ||
        !memory.Load(at.address, entry)) {
      return false;
    }
    constexpr std::uint64_t kThereIsOne = 8;
    structure_types |=
        (kThereIsOne | static_cast<std::uint64_t>(at.memory_type))
        << (4 * (top - level));
    all &= entry;
    any |= entry;
    if (level == 1 || !use.expectation.table.Fits(entry)) break;
    if (level <= engine::UpperEntry::kHighest) {
      const std::uint64_t word =
          (entry & (bits::kAddress | bits::kGuestPcdPwt)) | (all & kInAll) |
          (any & bits::kGuestNoExecute);
      cache_->Keep(gla, level, word, structure_types);
    }
  }
  const engine::Pattern& leaf = level == 1   ? use.expectation.page_4k
                                : level == 2 ? use.expectation.page_2m
                                             : use.expectation.page_1g;
  const bool user_page = (all & bits::kGuestUser) != 0;
  if (level > 3 || !leaf.Fits(entry) || (all & use.rights.not_all) != 0 ||
      engine::KeyBars(use.rights, user_page, entry)) {
    return false;
  }
  const Gpa gpa = paging.PageAddress(entry, gla, level);
  page.guest_structure_types = structure_types;
  if (!TranslateWith(memory, gpa, use.uses[user_page],
                     paging.MemoryTypes(engine::PatIndexOf(entry, level)),
                     page)) {
    return false;
  }
  const bool global = (entry & bits::kGuestGlobal) != 0 &&
                      (engine_->guest().cr4 & bits::kCr4Pge) != 0;
  cache_->Keep(
      gla, global,
      {.host_page = engine::PageOf(page.address.value),
       .guest_structure_types = structure_types,
       .uses = 1u << engine::UseNumber(access.kind, mode),
       .memory_type = page.memory_type,
       .page_shift = page.page_shift,
       .guest_shift = static_cast<std::uint8_t>(engine::PageShift(level))});
  return true;
}

template <HostMemory Memory>
EngineStatus CachingEngine::PerformAccess(Memory& memory, const Access& access,
                                          Gpa gpa, const GuestPage& page,
                                          Event& event) {
  if (IsPlain(access, gpa.value) && page.gla_valid) {
    Translation found;
    if (Translate(memory, gpa, UseOf(access, page.user), found, page.pat_index))
        [[likely]] {
      engine::SetCompleted(found, event);
      return EngineStatus::kAnswered;
    }
  }
  return After(engine_->PerformAccess(memory, access, gpa, page, event), event);
}

template <HostMemory Memory>
EngineStatus CachingEngine::PerformLinearAccess(Memory& memory,
                                                const Access& access, Gla gla,
                                                Event& event) {
  if (IsPlain(access, gla.value)) {
    Translation found;
    // With CR0.PG = 0 a linear address is a guest-physical one, of 32 bits.
    const bool completed =
        paging_ ? TranslateLinear(memory, access, gla, found)
                : gla.value <= bits::Bits(31, 0) && engine_->takes_linear() &&
                      Translate(memory, Gpa{gla.value},
                                UseOf(access, /*user_page=*/true), found);
    if (completed) [[likely]] {
      engine::SetCompleted(found, event);
      return EngineStatus::kAnswered;
    }
  }
  return After(engine_->PerformLinearAccess(memory, access, gla, event), event);
}

template <HostMemory Memory>
EngineStatus CachingEngine::ReadPagingStructure(Memory& memory, Gpa gpa,
                                                Gla gla, std::uint8_t pat_index,
                                                Event& event) {
  Translation found;
  constexpr std::uint8_t kPcdPwt = 3;  // MT-2
  if (Translate(memory, gpa, Use::kPagingRead, found, pat_index & kPcdPwt)) {
    engine::SetCompleted(found, event);
    return EngineStatus::kAnswered;
  }
  return After(engine_->ReadPagingStructure(memory, gpa, gla, pat_index, event),
               event);
}

template <HostMemory Memory>
EngineStatus CachingEngine::UpdatePagingStructure(Memory& memory, Gpa gpa,
                                                  Gla gla,
                                                  std::uint8_t pat_index,
                                                  Event& event) {
  Translation found;
  constexpr std::uint8_t kPcdPwt = 3;
  if (Translate(memory, gpa, Use::kPagingUpdate, found, pat_index & kPcdPwt)) {
    engine::SetCompleted(found, event);
    return EngineStatus::kAnswered;
  }
  return After(
      engine_->UpdatePagingStructure(memory, gpa, gla, pat_index, event),
      event);
}

template <HostMemory Memory>
EngineStatus CachingEngine::LoadPdptes(Memory& memory, Event& event) {
  const EngineStatus status = After(engine_->LoadPdptes(memory, event), event);
  Select();
  return status;
}

template <HostMemory Memory>
EngineStatus CachingEngine::Vmfunc(const Memory& memory, std::uint32_t leaf,
                                   std::uint32_t index, Event& event) {
  const EngineStatus status =
      After(engine_->Vmfunc(memory, leaf, index, event), event);
  if (status == EngineStatus::kAnswered &&
      event.kind == EventKind::kCompleted) {
    if (!has_vpid_) cache_->EndForTransition();  // 26.5.6.3
    Select();
  }
  return status;
}

template <HostMemory Memory>
EngineStatus CachingEngine::WriteRegister(Memory& memory, GuestRegister reg,
                                          std::uint64_t value, Event& event) {
  const GuestState before = engine_->guest();
  const EngineStatus status =
      After(engine_->WriteRegister(memory, reg, value, event), event);
  if (status == EngineStatus::kAnswered &&
      event.kind == EventKind::kCompleted) {
    EndForWrite(before, reg, value);
    Select();
  }
  return status;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_CACHE_CACHING_ENGINE_INL_H_
