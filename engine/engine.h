// The EPT engine: what a processor does with guest-physical addresses.
//
// An Engine is the state of one logical processor in VMX non-root operation, as
// far as EPT depends on it, together with everything that can be computed from
// its controls beforehand. It answers, and carries out, one access at a time:
// the accessed and dirty flags, the page-modification log and the #VE
// information area are written to the memory that is passed in, the PML index,
// EPTP, EPTP index and PDPTE registers change here. It caches no translation.
//
// Where the SDM leaves a choice: an access that ends in a VM exit sets no flag;
// every page of an access is judged before any flag is set (if the log has room
// for the first page alone, that one is logged, then the log is full); exits
// report the first byte of the access in the refused page; undefined bits and
// fields are 0; a GPA too wide for 4-level EPT is never converted to a #VE.
//
// Not modelled: prematurely busy shadow stacks, enclaves, Intel PT's own
// conditions, the APIC-access page, guest paging (CR0.PG = 1) of linear
// addresses, guest-paging verification, cached translations.
//
// The library's face is namespace eptdiff: this class, types.h, memory.h, use.h
// and entry_checks.h. What lies in eptdiff::engine is how it works.
//
// Thread-safety: thread-compatible: one Engine for each virtual processor; they
// may share one memory.
#ifndef EPTDIFF_ENGINE_ENGINE_H_
#define EPTDIFF_ENGINE_ENGINE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/context.h"
#include "engine/entry_checks.h"
#include "engine/exit_information.h"
#include "engine/flags.h"
#include "engine/judgement.h"
#include "engine/memory.h"
#include "engine/memory_type.h"
#include "engine/path.h"
#include "engine/types.h"
#include "engine/use.h"
#include "engine/virtualization_exception.h"
#include "engine/walk.h"

namespace eptdiff::engine {

// Whether a question was one that a processor can be asked. Only kAnswered
// leaves an event, and only kAnswered and kNoMemory may have changed anything.
enum class EngineStatus : std::uint8_t {
  kAnswered,
  kEptOff,       // "enable EPT" is 0
  kCallerError,  // a GPA of 52 bits or more, a size that is not 1 to 64 ...
  kGuestPaging,  // a linear access with CR0.PG = 1
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
        context_(processor, controls) {}

  const Processor& processor() const { return processor_; }
  const Controls& controls() const { return controls_; }
  const EptContext& context() const { return context_; }
  const GuestState& guest() const { return guest_; }
  GuestState& guest() { return guest_; }

  // The controls on which no precomputed value depends.
  void set_pml_index(std::uint16_t index) { controls_.pml_index = index; }
  void set_eptp_index(std::uint16_t index) { controls_.eptp_index = index; }

  // Just the hot walk: whether one byte at `gpa` may be used so with nothing
  // to be written, and where it is. False says nothing: Access() says why.
  // The PAT memory type is that of entry `pat_index` of IA32_PAT.
  template <HostMemory Memory>
  bool Translate(const Memory& memory, Gpa gpa, Use use, Translation& page,
                 std::uint8_t pat_index = 0) const {
    page.structure_memory_type = StructureType();
    return context_.enabled() &&
           Walk(context_, memory, gpa, context_.ExpectationOf(use),
                MemoryTypesFor(guest_, pat_index), page);
  }

  // An access to `gpa`, to which the guest translated `page.gla`. If it crosses
  // a 4-KByte boundary, it goes on at the next page of both.
  template <HostMemory Memory>
  EngineStatus PerformAccess(Memory& memory, const Access& access, Gpa gpa,
                             const GuestPage& page, Event& event);

  // An access by linear address with CR0.PG = 0: 32 bits, wrapping around.
  template <HostMemory Memory>
  EngineStatus PerformLinearAccess(Memory& memory, const Access& access,
                                   Gla gla, Event& event);

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

  // Loads the PDPTE registers from CR3 as MOV to CR does (GW-17).
  template <HostMemory Memory>
  EngineStatus LoadPdptes(Memory& memory, Event& event);

  // VMFUNC leaf 0 with ECX = `index`. With "enable VM functions" 0 the
  // instruction is undefined: kCallerError.
  template <HostMemory Memory>
  EngineStatus SwitchEptp(const Memory& memory, std::uint32_t index,
                          Event& event);

 private:
  // How EPT has to take the access (VIO-4 to VIO-7, VIO-12).
  Request RequestFor(const Access& access, const GuestPage& page) const;

  MemoryType StructureType() const {
    return (guest_.cr0 & bits::kCr0CacheDisable) != 0
               ? MemoryType::kUncacheable
               : context_.structure_type();
  }
  bool Paging() const { return (guest_.cr0 & bits::kCr0Paging) != 0; }

  // Splits an access at the page boundary. The GPA of the second part is
  // truncated to `gpa_mask`.
  template <HostMemory Memory>
  EngineStatus PerformTranslated(Memory& memory, const Access& access, Gpa gpa,
                                 std::uint64_t gpa_mask, const GuestPage& page,
                                 Event& event);
  template <HostMemory Memory>
  EngineStatus AccessPagingStructure(Memory& memory, Use use, Gpa gpa, Gla gla,
                                     std::uint8_t pat_index, Event& event);

  // One guest-physical access in one or two parts: the hot walk, or else the
  // cold path, which comes to the same where the hot walk succeeds.
  template <HostMemory Memory>
  EngineStatus Perform(Memory& memory, const Request& request,
                       const MemoryTypeRow& memory_types,
                       std::span<const PagePart> parts, Event& event);
  template <HostMemory Memory>
  [[gnu::noinline]] EngineStatus PerformSlowly(
      Memory& memory, const Request& request, const MemoryTypeRow& memory_types,
      std::span<const PagePart> parts, Event& event);

  // Judges the part whose path is `path`, of which `earlier` has gone before
  // (null: none has). `pml_index` is the index that it meets, and becomes the
  // one that it would leave.
  template <HostMemory Memory>
  Refusal JudgePart(const Memory& memory, const Request& request,
                    const PagePart& part, const Path& path, const Path* earlier,
                    std::uint16_t& pml_index) const;

  // Sets the flags of `path`, and logs (PML-2). False: no memory for the log.
  template <HostMemory Memory>
  bool SetFlagsAndLog(Memory& memory, const Path& path, Gpa gpa, bool writes,
                      bool& stale);

  // Makes `event` the exit or #VE for `refusal`.
  template <HostMemory Memory>
  EngineStatus Refuse(Memory& memory, const Request& request, Refusal refusal,
                      const Path& path, const PagePart& part, Event& event);

  static constexpr std::uint16_t kLastLogEntry = 511;

  Processor processor_;
  Controls controls_;
  GuestState guest_;
  EptContext context_;
};

}  // namespace eptdiff::engine

namespace eptdiff {
using engine::Engine;
using engine::EngineStatus;
}  // namespace eptdiff

#include "engine/engine_inl.h"

#endif  // EPTDIFF_ENGINE_ENGINE_H_
