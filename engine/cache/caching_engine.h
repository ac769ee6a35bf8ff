// An engine with a cache of translations, as an emulator, a snapshot fuzzer or
// a debugger uses it: what a logical processor with TLBs does (SDM 29.4).
//
// It answers as Engine does, with one difference: an access may complete by
// entries as they were, until what the SDM says has to invalidate them does.
// Software, and the guest, do as on processors: INVEPT after a right was taken
// away or an address changed (CACHE-9), INVLPG after a guest's entry was.
// Nothing refuses by what was kept: whatever does not complete at once walks
// memory as it is. So a right that was granted costs no violation.
//
//   what was kept for this page, and this kind of access?   yes: completed
//     no:  the walk, from the lowest paging-structure entry that was kept;
//          every entry as the access wants it, and nothing to be written?
//            yes: it is kept, completed
//            no:  Engine, from the root, in memory as it is
//
// It stays exact about accessed and dirty flags, PML, SPP, #VE and permissions,
// because a kind of access is only ever answered from what an access of that
// kind found, in the same registers and controls, with nothing to be refused,
// written or logged: flags that are clear, sub-page permissions, execute-only
// pages, and HLAT paging, guest-paging verification and 32-bit paging of the
// guest are never kept, nor is an access to two pages. For those, the cache
// saves at most the EPT walks.
//
// This folder keeps translations for engine.h; it may use all that lies below.
// Begin here; translation_cache.h says what is kept and what ends it,
// address_spaces.h how tags are told apart, kept.h what an entry holds.
//
// Thread-safety: thread-compatible; each thread has an engine and a cache.
#ifndef EPTDIFF_ENGINE_CACHE_CACHING_ENGINE_H_
#define EPTDIFF_ENGINE_CACHE_CACHING_ENGINE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "engine/bits.h"
#include "engine/cache/keeping_walk.h"
#include "engine/cache/kept.h"
#include "engine/cache/translation_cache.h"
#include "engine/engine.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/completed.h"

namespace eptdiff {

class CachingEngine {
 public:
  // Borrows the cache, which serves one engine at a time and may hold what
  // earlier ones have kept.
  CachingEngine(TranslationCache& cache, const Processor& processor,
                const Controls& controls, const GuestState& guest = {})
      : cache_(&cache), engine_(std::in_place, processor, controls, guest) {
    Select();
  }

  const Engine& engine() const { return *engine_; }
  TranslationCache& cache() { return *cache_; }

  // ---- Accesses: as the functions of Engine with these names.

  // A hit is a load and a compare. The structure's memory type is that of now.
  template <HostMemory Memory>
  [[gnu::always_inline]] bool Translate(const Memory& memory, Gpa gpa, Use use,
                                        Translation& page,
                                        std::uint8_t pat_index = 0) {
    return IsUse(use) &&
           TranslateWith(memory, gpa, use, *memory_types_[pat_index & 7], page);
  }
  template <HostMemory Memory>
  std::size_t TranslateMany(const Memory& memory, std::span<const Gpa> gpas,
                            Use use, Translation* pages,
                            std::uint8_t pat_index = 0) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < gpas.size(); ++i) {
      pages[i] = Translation();
      Translation page;
      if (!Translate(memory, gpas[i], use, page, pat_index)) continue;
      pages[i] = page;
      ++found;
    }
    return found;
  }
  template <HostMemory Memory>
  [[gnu::always_inline]] bool TranslateLinear(const Memory& memory,
                                              const Access& access, Gla gla,
                                              Translation& page) {
    const engine::AccessMode mode =
        engine::ModeOf(access, engine_->guest().cpl);
    const unsigned use = engine::UseNumber(access.kind, mode);
    const auto take =
        [&](const engine::CombinedPage& kept) __attribute__((always_inline)) {
          if ((kept.uses >> use & 1) == 0) return false;
          page.address = Hpa{kept.host_page | (gla.value & bits::Bits(11, 0))};
          page.page_shift = kept.page_shift;
          page.memory_type = kept.memory_type;
          page.structure_memory_type = structure_type_;
          page.guest_structure_types = kept.guest_structure_types;
          return true;
        };
    if (!IsAccessKind(access.kind)) [[unlikely]] {
      return false;
    }
    if (cache_->Visit(gla, take)) [[likely]] {
      return true;
    }
    return WalkLinear(memory, access, gla, page);
  }

  template <HostMemory Memory>
  EngineStatus PerformAccess(Memory& memory, const Access& access, Gpa gpa,
                             const GuestPage& page, Event& event);
  template <HostMemory Memory>
  EngineStatus PerformLinearAccess(Memory& memory, const Access& access,
                                   Gla gla, Event& event);
  template <HostMemory Memory>
  EngineStatus ReadPagingStructure(Memory& memory, Gpa gpa, Gla gla,
                                   std::uint8_t pat_index, Event& event);
  template <HostMemory Memory>
  EngineStatus UpdatePagingStructure(Memory& memory, Gpa gpa, Gla gla,
                                     std::uint8_t pat_index, Event& event);
  template <HostMemory Memory>
  EngineStatus LoadPdptes(Memory& memory, Event& event);
  // With VPIDs, EPTP switching ends nothing: what was kept under this EPTP
  // before is used again.
  template <HostMemory Memory>
  EngineStatus Vmfunc(const Memory& memory, std::uint32_t leaf,
                      std::uint32_t index, Event& event);

  // ---- The instructions. Each returns what becomes of it
  // (walk/invalidation.h) and, if that is a completed event, ends what it has
  // to (CACHE-6 to CACHE-8). INVEPT and INVVPID are software's: the guest has
  // exited before.
  Event Invept(std::uint64_t type, std::uint64_t eptp);
  Event Invvpid(std::uint64_t type, std::uint64_t descriptor, Gla gla);
  Event Invlpg(Gla gla);
  Event Invpcid(std::uint64_t type, std::uint64_t descriptor, Gla gla);

  // As Engine's: MOV to CR0, CR3 and CR4 end what they invalidate (Volume 3A,
  // 4.10.4.1; CACHE-8).
  template <HostMemory Memory>
  EngineStatus WriteRegister(Memory& memory, GuestRegister reg,
                             std::uint64_t value, Event& event);
  // Software changes registers while the guest is stopped: ends nothing.
  void set_guest(const GuestState& guest);

  // A VM exit that no access gave. Without VPIDs it ends the combined mappings
  // of VPID 0000H (CACHE-11), as do exits that accesses give.
  void Exit();
  // VM entry with these controls and registers, which are expected to pass
  // EnterGuest().
  void Enter(const Controls& controls, const GuestState& guest);

  // Becomes this processor, which has been running all the time; ends nothing.
  void Load(const Processor& processor, const Controls& controls,
            const GuestState& guest);

  void set_pml_index(std::uint16_t index) { engine_->set_pml_index(index); }
  void set_eptp_index(std::uint16_t index) { engine_->set_eptp_index(index); }

 private:
  // What is current, for the cache.
  void Select();
  std::uint16_t vpid() const {
    return has_vpid_ ? engine_->controls().vpid : std::uint16_t{0};
  }
  std::uint16_t pcid() const;
  // Ends what `event` has to, of an access that walked.
  void EndFor(const Event& event);
  void EndForViolation(const Event& event);
  // Ends what a write that completed has to; `before` it.
  void EndForWrite(const GuestState& before, GuestRegister reg,
                   std::uint64_t value);
  EngineStatus After(EngineStatus status, const Event& event) {
    if (status == EngineStatus::kAnswered &&
        event.kind != EventKind::kCompleted) {
      EndFor(event);
    }
    return status;
  }

  template <HostMemory Memory>
  [[gnu::always_inline]] bool TranslateWith(const Memory& memory, Gpa gpa,
                                            Use use,
                                            const engine::MemoryTypeRow& types,
                                            Translation& page) {
    using engine::GuestPhysicalPage;
    const auto take = [&](std::uint64_t word) __attribute__((always_inline)) {
      page.address = GuestPhysicalPage::AddressOf(word, gpa);
      page.page_shift = GuestPhysicalPage::PageShiftOf(word);
      page.memory_type =
          static_cast<MemoryType>(types[GuestPhysicalPage::MemoryTypeOf(word)]);
      page.structure_memory_type = structure_type_;
      return true;
    };
    const bool found = cache_->Visit(
        gpa, [&](const GuestPhysicalPage& kept) __attribute__((always_inline)) {
          return (kept.word & GuestPhysicalPage::UseBit(use)) != 0 &&
                 take(kept.word);
        });
    if (found) [[likely]] {
      return true;
    }
    const std::uint64_t word = Walk(memory, gpa, use, types);
    return word != 0 && take(word);
  }
  // Miss: the walks that keep what they find. The word of the page; 0 says
  // nothing.
  template <HostMemory Memory>
  [[gnu::noinline]] std::uint64_t Walk(const Memory& memory, Gpa gpa, Use use,
                                       const engine::MemoryTypeRow& types);
  // False says nothing.
  template <HostMemory Memory>
  [[gnu::noinline]] bool WalkLinear(const Memory& memory, const Access& access,
                                    Gla gla, Translation& page);

  // Whether what is kept may answer: an access in one page, by whom it matters.
  static bool IsPlain(const Access& access, std::uint64_t address) {
    constexpr unsigned kPageBytes = 4096;
    const unsigned offset = address % kPageBytes;
    return IsAccessKind(access.kind) && !(access.asynchronous | access.pebs) &&
           !(access.wruss && access.implicit_supervisor) && access.size != 0 &&
           offset + access.size <= kPageBytes;
  }
  // With CR0.PG = 0 every linear address is a user-mode address (VIO-7).
  Use UseOf(const Access& access, bool user_page) const {
    const bool supervisor = engine::ModeOf(access, engine_->guest().cpl) !=
                            engine::AccessMode::kUser;
    return engine_->context().UseOf(access.kind, supervisor,
                                    !paging_ || user_page);
  }

  TranslationCache* cache_;
  std::optional<Engine> engine_;
  // By entry of IA32_PAT.
  std::array<const engine::MemoryTypeRow*, 8> memory_types_ = {};
  MemoryType structure_type_ = MemoryType::kUncacheable;
  bool paging_ = false;
  bool has_vpid_ = false;
};

}  // namespace eptdiff

#include "engine/cache/caching_engine_inl.h"

#endif  // EPTDIFF_ENGINE_CACHE_CACHING_ENGINE_H_
