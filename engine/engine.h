// The EPT engine: what a processor does with linear and guest-physical
// addresses.
//
// An Engine is the state of one logical processor in VMX non-root operation, as
// far as EPT depends on it, together with everything that can be computed from
// its controls beforehand. It answers, and carries out, one access at a time:
// the accessed and dirty flags, the page-modification log and the #VE
// information area are written to the memory that is passed in, the PML index,
// EPTP, EPTP index and PDPTE registers change here. It caches no translation;
// cache/caching_engine.h does.
// Features that software turns on by a bit of CR4 or IA32_EFER are there where
// that bit is 1; a shadow-stack access takes CR4.CET for granted.
//
// Where the SDM leaves a choice: a guest-physical access that is not allowed
// sets no EPT flag; the rights to all its pages are judged before any flag is
// set, then flags are set and logged page by page (so that a log which the
// first page fills is full for the second); exits report the first byte of the
// access in the refused page; a refused update of a guest accessed or dirty
// flag is a read as well as a write, as processors report it; that of a
// shadow-stack token is a write, and a read where supervisor shadow-stack
// control does not decide; undefined bits and fields are 0; a GPA too wide for
// 4-level EPT is never converted to a #VE.
// Linear-address space separation looks at all of an access before any page.
// Implicit accesses are masked as others are, in compatibility mode, too; an
// access whose bytes masking would take apart is an error of the caller.
// An access to the APIC-access page always exits, once all its pages are done
// with, and the first of them that is that page is the one reported.
// With CR0.PG = 1 a page is done with, guest walk, flags and all, before the
// next one is begun; the guest's accessed and dirty flags are set once its
// rights allow the access, in the order in which the entries were read, before
// the final access is judged; guest-paging verification comes last.
//
// Not modelled: enclaves; and what kNotModelled is for. What VM exits save for
// their handlers: saved_state.h. Cached translations: cache/.
//
// The library's face is namespace eptdiff: this class, types.h, memory.h,
// use.h, guest_walk_state.h, entry_checks.h, invalidation.h and saved_state.h.
// What lies in
// eptdiff::engine is how it works.
//
// Thread-safety: thread-compatible: one Engine for each virtual processor; they
// may share one memory.
#ifndef EPTDIFF_ENGINE_ENGINE_H_
#define EPTDIFF_ENGINE_ENGINE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "engine/guest/guest_paging.h"
#include "engine/guest/guest_path.h"
#include "engine/guest/guest_rights.h"
#include "engine/guest/guest_walk.h"
#include "engine/guest/guest_walk_state.h"
#include "engine/guest/register_write.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/completed.h"
#include "engine/walk/context.h"
#include "engine/walk/entry_checks.h"
#include "engine/walk/exit_information.h"
#include "engine/walk/flags.h"
#include "engine/walk/invalidation.h"
#include "engine/walk/judgement.h"
#include "engine/walk/many_walks.h"
#include "engine/walk/memory_type.h"
#include "engine/walk/modelled.h"
#include "engine/walk/path.h"
#include "engine/walk/saved_state.h"
#include "engine/walk/sweep.h"
#include "engine/walk/use.h"
#include "engine/walk/virtualization_exception.h"
#include "engine/walk/walk.h"

namespace eptdiff::engine {

// Whether a question was one that a processor can be asked. Only kAnswered
// leaves an event, and only kAnswered and kNoMemory may have changed anything.
enum class EngineStatus : std::uint8_t {
  kAnswered,
  kEptOff,       // "enable EPT" is 0
  kNotModelled,  // a control or register asks for what is not (modelled.h)
  kCallerError,  // a GPA beyond CPUID's width, a linear address that is not
                 // canonical or too wide, a size beyond 1 to 4096, a kind of
                 // access that is none ...
  kNoMemory,     // an entry or area lies where there is no memory
};

class Engine {
 public:
  // The controls are expected to pass CheckControls().
  Engine(const Processor& processor, const Controls& controls,
         const GuestState& guest = {})
      : processor_(processor),
        controls_(controls),
        guest_(guest),
        context_(processor, controls),
        paging_(std::in_place, processor, controls, guest, context_) {
    NoteRegisters();
  }

  // The same without what linear accesses need, for whoever makes many engines
  // and asks little of each: a linear access before a set_guest() is an error
  // of the caller.
  struct ForGuestPhysical {};
  Engine(ForGuestPhysical, const Processor& processor, const Controls& controls,
         const GuestState& guest)
      : processor_(processor),
        controls_(controls),
        guest_(guest),
        context_(processor, controls) {
    NoteRegisters();
  }
  bool takes_linear() const { return paging_.has_value(); }
  // Whether accesses are answered at all, by controls and registers.
  bool answers() const { return answers_; }

  const Processor& processor() const { return processor_; }
  const Controls& controls() const { return controls_; }
  const EptContext& context() const { return context_; }
  const GuestState& guest() const { return guest_; }
  // Only if it takes_linear().
  const GuestPagingContext& paging() const { return *paging_; }
  // Recomputes what depends on the registers.
  void set_guest(const GuestState& guest) {
    guest_ = guest;
    paging_.emplace(processor_, controls_, guest_, context_);
    NoteRegisters();
  }

  // Of the last PerformLinearAccess() whose event was not a completed access;
  // otherwise unspecified.
  const GuestWalkState& last_guest_walk() const { return guest_walk_; }

  // The controls on which no precomputed value depends.
  void set_pml_index(std::uint16_t index) { controls_.pml_index = index; }
  void set_eptp_index(std::uint16_t index) { controls_.eptp_index = index; }

  // Just the hot walk: whether one byte at `gpa` may be used so with nothing
  // to be written, and where it is. False says nothing: Access() says why.
  // The PAT memory type is that of entry `pat_index` of IA32_PAT. A use that is
  // none of the enumeration is not answered.
  template <HostMemory Memory>
  [[gnu::always_inline]] bool Translate(const Memory& memory, Gpa gpa, Use use,
                                        Translation& page,
                                        std::uint8_t pat_index = 0) const {
    return IsUse(use) &&
           TranslateWith(memory, gpa, use, MemoryTypes(pat_index), page);
  }

  // Translate() for each of `gpas`, and as many `pages`; says how many succeed.
  // The page of one that does not is Translation(), of which page_shift is 0.
  // Walks many at once: where the tables lie in memory rather than in caches
  // this is several times as fast as one after the other.
  template <HostMemory Memory>
  std::size_t TranslateMany(const Memory& memory, std::span<const Gpa> gpas,
                            Use use, Translation* pages,
                            std::uint8_t pat_index = 0) const {
    if (!IsUse(use) || !answers_) {
      std::fill_n(pages, gpas.size(), Translation());
      return 0;
    }
    std::size_t found = 0;
    for (std::size_t i = 0; i < gpas.size(); i += kWalkGroup) {
      found += WalkGroup(context_, memory, gpas.data() + i,
                         std::min(gpas.size() - i, kWalkGroup),
                         context_.ExpectationOf(use), MemoryTypes(pat_index),
                         structure_type_, pages + i);
    }
    return found;
  }

  // The ranges that Translate() has translations for, of `bytes` from `gpa` on:
  // visitor(range) for each SweptRange, as long as it says true, if it says
  // anything. Several threads may sweep at once, each a part.
  template <HostMemory Memory, typename Visitor>
  void SweepRanges(const Memory& memory, Gpa gpa, std::uint64_t bytes, Use use,
                   Visitor&& visitor, std::uint8_t pat_index = 0) const {
    if (!IsUse(use) || !answers_) return;
    Sweep<Memory, std::remove_reference_t<Visitor>> sweep(
        context_, memory, context_.ExpectationOf(use), MemoryTypes(pat_index),
        structure_type_, visitor);
    sweep.Run(gpa.value, bytes);
  }

  // Translate() for a linear address with CR0.PG = 1. The size is not looked
  // at. Not for an address that is masked, or a kind of access that is none.
  template <HostMemory Memory>
  [[gnu::always_inline]] bool TranslateLinear(const Memory& memory,
                                              const Access& access, Gla gla,
                                              Translation& page) const {
    if (!takes_linear()) [[unlikely]] {
      return false;
    }
    page.structure_memory_type = structure_type_;
    const GuestUse& use =
        paging_->UseOf(access.kind, ModeOf(access, guest_.cpl));
    return answers_ && paging_->hot() && use.range.Holds(gla) &&
           WalkGuest(context_, *paging_, memory, paging_->RootFor(guest_, gla),
                     use, gla, page);
  }

  // An access to `gpa`, to which the guest translated `page.gla`. If it crosses
  // a 4-KByte boundary, it goes on at the next page of both.
  template <HostMemory Memory>
  [[gnu::always_inline]] EngineStatus PerformAccess(Memory& memory,
                                                    const Access& access,
                                                    Gpa gpa,
                                                    const GuestPage& page,
                                                    Event& event) {
    return PerformTranslated(memory, access, gpa, page, ~std::uint64_t{0},
                             event);
  }

  // An access by linear address. In 64-bit mode all of it must be canonical,
  // once it is masked; elsewhere addresses have 32 bits, and it wraps around.
  // In compatibility mode an implicit access, which is one to a descriptor
  // table, is as in 64-bit mode.
  template <HostMemory Memory>
  [[gnu::always_inline]] EngineStatus PerformLinearAccess(Memory& memory,
                                                          const Access& access,
                                                          Gla gla,
                                                          Event& event) {
    Translation page;
    if (IsSimple(access, gla.value) &&
        TranslateLinear(memory, access, gla, page)) [[likely]] {
      SetCompleted(page, event);
      return EngineStatus::kAnswered;
    }
    return PerformColdLinear(memory, access, gla, event);
  }

  // The processor's own access to the guest paging-structure entry at `gpa`, on
  // its way to translate `gla`. PCD and PWT of what references the entry are
  // bits 1:0 of `pat_index`.
  template <HostMemory Memory>
  EngineStatus ReadPagingStructure(Memory& memory, Gpa gpa, Gla gla,
                                   std::uint8_t pat_index, Event& event) {
    return AccessPagingStructure(memory, Use::kPagingRead, gpa, gla, pat_index,
                                 event);
  }
  // The same, to set the entry's accessed or dirty flag. Does not set it.
  template <HostMemory Memory>
  EngineStatus UpdatePagingStructure(Memory& memory, Gpa gpa, Gla gla,
                                     std::uint8_t pat_index, Event& event) {
    return AccessPagingStructure(memory, Use::kPagingUpdate, gpa, gla,
                                 pat_index, event);
  }

  // Loads the PDPTE registers from CR3 as MOV to CR does (GW-17). Completes
  // without a translation: what it leaves is in the registers.
  template <HostMemory Memory>
  EngineStatus LoadPdptes(Memory& memory, Event& event);

  // VMFUNC with EAX = `leaf` and ECX = `index`: 0 is EPTP switching.
  template <HostMemory Memory>
  EngineStatus Vmfunc(const Memory& memory, std::uint32_t leaf,
                      std::uint32_t index, Event& event);
  template <HostMemory Memory>
  EngineStatus SwitchEptp(const Memory& memory, std::uint32_t index,
                          Event& event) {
    return Vmfunc(memory, 0, index, event);
  }

  // The guest gives a register a value: it completes, with the register as it
  // is from then on and the PDPTE registers loaded where a MOV to CR loads
  // them; or it changes nothing, and is a #GP or a VM exit. CR0 and CR4 have no
  // guest/host masks, CR3 no target values, and WRMSR never exits. kCallerError
  // is what no instruction does: at this CPL, or of this many bits.
  template <HostMemory Memory>
  EngineStatus WriteRegister(Memory& memory, GuestRegister reg,
                             std::uint64_t value, Event& event);

 private:
  static constexpr unsigned kPageBytes = 4096;

  // Why an access is not answered.
  EngineStatus NoAnswer() const {
    return context_.enabled() ? EngineStatus::kNotModelled
                              : EngineStatus::kEptOff;
  }
  // Whether an asynchronous access is one that processors make: kAnswered.
  [[gnu::noinline, gnu::cold]] EngineStatus CheckAsynchronous(
      const Access& access, bool gla_valid) const {
    const bool has_control = access.pebs ? HasGuestPhysicalPebs(controls_)
                                         : HasTraceOutput(controls_);
    const bool possible =
        gla_valid ? !access.pebs
                  : has_control &&
                        (!access.pebs || access.kind == AccessKind::kWrite);
    return possible && !guest_.event_delivery && !guest_.busy_shadow_stack
               ? EngineStatus::kAnswered
               : EngineStatus::kCallerError;
  }
  template <HostMemory Memory>
  EngineStatus LoadPdptesFrom(Memory& memory, std::uint64_t cr3, Event& event);
  // Computes what follows from the registers and is asked at each access.
  void NoteRegisters();
  const MemoryTypeRow& MemoryTypes(std::uint8_t pat_index) const {
    return *memory_types_[pat_index & 7];
  }
  // With CR0.PG = 0 every linear address is a user-mode address (VIO-7).
  Use UseOf(const Access& access, const GuestPage& page) const {
    if (EptContext::IsData(access.kind)) [[likely]] {
      return EptContext::DataUseOf(access.kind);
    }
    return context_.UseOf(access.kind,
                          ModeOf(access, guest_.cpl) != AccessMode::kUser,
                          every_page_is_user_ || page.user);
  }

  // Whether an access to `address` is one that processors make, and lies in one
  // 4-KByte page, and nothing but its translation is to be asked.
  static bool IsSimple(const Access& access, std::uint64_t address) {
    const std::uint64_t room = kPageBytes - address % kPageBytes;
    return std::uint64_t{access.size} - 1 < room && IsAccessKind(access.kind) &&
           !(access.asynchronous | access.pebs);
  }
  static bool IsAccess(const Access& access) {
    return access.size - 1u < kPageBytes && IsAccessKind(access.kind);
  }

  template <HostMemory Memory>
  [[gnu::always_inline]] bool TranslateWith(const Memory& memory, Gpa gpa,
                                            Use use, const MemoryTypeRow& types,
                                            Translation& page) const {
    page.structure_memory_type = structure_type_;
    return answers_ && Walk(context_, memory, gpa, context_.ExpectationOf(use),
                            types, page);
  }

  // An access by the first of three ways that succeeds: the hot walk, if it
  // lies in one page, and there is nothing to refuse and nothing to write;
  // CompleteWithFlags, if there is nothing to refuse; Judge. The addresses of a
  // part on a second page are truncated to the bits of `width`.
  template <HostMemory Memory>
  [[gnu::always_inline]] EngineStatus PerformTranslated(
      Memory& memory, const Access& access, Gpa gpa, const GuestPage& page,
      std::uint64_t width, Event& event) {
    Translation found;
    if (IsSimple(access, gpa.value) && page.gla_valid &&
        TranslateWith(memory, gpa, UseOf(access, page),
                      MemoryTypes(page.pat_index), found)) [[likely]] {
      SetCompleted(found, event);
      return EngineStatus::kAnswered;
    }
    return PerformColdTranslated(memory, access, gpa, page, width, event);
  }
  // Without the first of them.
  template <HostMemory Memory>
  [[gnu::noinline]] EngineStatus PerformColdTranslated(
      Memory& memory, const Access& access, Gpa gpa, const GuestPage& page,
      std::uint64_t width, Event& event);
  template <HostMemory Memory>
  [[gnu::noinline]] EngineStatus PerformColdLinear(Memory& memory,
                                                   const Access& access,
                                                   Gla gla, Event& event);
  template <HostMemory Memory>
  EngineStatus AccessPagingStructure(Memory& memory, Use use, Gpa gpa, Gla gla,
                                     std::uint8_t pat_index, Event& event);

  // With CR0.PG = 1 (linear_access_inl.h). An access of 1 to 4096 bytes:
  template <HostMemory Memory>
  EngineStatus PerformPaged(Memory& memory, const Access& access, Gla gla,
                            Event& event);
  // The part of one that lies within a page, by the cold walk:
  template <HostMemory Memory>
  [[gnu::noinline]] EngineStatus PerformPagedPart(Memory& memory,
                                                  const Access& access, Gla gla,
                                                  unsigned bytes, Event& event);
  // From the linear address to the leaf, which allows the access.
  template <HostMemory Memory>
  GuestStep FindGuestPage(Memory& memory, const GuestRights& rights, Gla gla,
                          GuestPath& path, Event& event);
  // From `reference` to the leaf, or to where HLAT paging restarts.
  template <HostMemory Memory>
  GuestStep FollowReference(Memory& memory, std::uint64_t reference, bool hlat,
                            std::uint32_t error_code, Gla gla, GuestPath& path,
                            Event& event);
  // Reads the last entry of `path`.
  template <HostMemory Memory>
  GuestStep ReadGuestEntry(Memory& memory, Gla gla, GuestPath& path,
                           Event& event);
  // Sets accessed and dirty flags (GW-12).
  template <HostMemory Memory>
  GuestStep UpdateGuestEntries(Memory& memory, bool writes, Gla gla,
                               const GuestPath& path, Event& event);
  // What an access to a guest entry is for EPT.
  Request StructureRequest(Use use, const GuestPage& page,
                           unsigned pat_index) const;
  void NoteGuestAccess(const GuestEntry& entry, bool update, Gla gla);
  // Makes `event` a #PF.
  GuestStep Fault(std::uint32_t error_code, Gla gla, Event& event);

  // One guest-physical access within a page, by the first of the three ways.
  template <HostMemory Memory>
  [[gnu::noinline]] EngineStatus Perform(Memory& memory, const Request& request,
                                         const PagePart& part, Event& event);
  // Without the first.
  template <HostMemory Memory>
  EngineStatus PerformCold(Memory& memory, const Request& request,
                           const PagePart& part, Event& event);
  template <HostMemory Memory>
  [[gnu::noinline]] bool CompleteWithFlags(Memory& memory,
                                           const Request& request, Gpa gpa,
                                           Event& event);
  // Any access, in one or two parts, whose paths stay in `paths_`. Where
  // another way succeeds, it comes to the same.
  template <HostMemory Memory>
  [[gnu::noinline]] EngineStatus Judge(Memory& memory, const Request& request,
                                       std::span<const PagePart> parts,
                                       Event& event);

  Translation TranslationOf(const Request& request, const Path& path,
                            Gpa gpa) const;

  // To be asked only where the context has such a page.
  bool IsOnApicPage(Hpa address) const {
    return (address.value ^ controls_.apic_access_address) <= bits::Bits(11, 0);
  }

  // The page-modification log (29.3.6): whether it has no room, whether its
  // next entry is in memory, and the entry for a dirty flag that was set.
  bool IsLogFull() const { return controls_.pml_index > 511; }
  Hpa LogEntry() const {
    return Hpa{controls_.pml_address + 8 * std::uint64_t{controls_.pml_index}};
  }
  template <HostMemory Memory>
  bool HasLogEntry(const Memory& memory) const;
  template <HostMemory Memory>
  void Log(Memory& memory, Gpa gpa);

  // Makes `event` the exit or #VE for `refusal`.
  template <HostMemory Memory>
  EngineStatus Refuse(Memory& memory, const Request& request, Refusal refusal,
                      const Path& path, const PagePart& part, Event& event);

  Processor processor_;
  Controls controls_;
  GuestState guest_;
  EptContext context_;
  std::optional<GuestPagingContext> paging_;
  // Of the registers (NoteRegisters):
  std::array<const MemoryTypeRow*, 8> memory_types_;  // by entry of IA32_PAT
  MemoryType structure_type_;  // of accesses to EPT paging structures
  bool every_page_is_user_;    // CR0.PG is 0
  bool answers_;  // accesses: EPT is on, and all that is asked for is modelled
  GuestWalkState guest_walk_;
  // Whether the walk is that of an asynchronous access.
  bool guest_walk_asynchronous_ = false;
  // Of the parts of an access that was judged, and of the linear address that
  // was translated last. Kept here, they need no clearing for each access.
  std::array<Path, 2> paths_;
  GuestPath guest_path_;
};

}  // namespace eptdiff::engine

namespace eptdiff {
using engine::Engine;
using engine::EngineStatus;
}  // namespace eptdiff

#include "engine/engine_inl.h"
#include "engine/guest/linear_access_inl.h"

#endif  // EPTDIFF_ENGINE_ENGINE_H_
