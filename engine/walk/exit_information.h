// What a VM exit reports (SDM 28.2.1, table 28-7). Undefined bits and fields
// are 0. Thread-safety: pure functions.
#ifndef EPTDIFF_ENGINE_WALK_EXIT_INFORMATION_H_
#define EPTDIFF_ENGINE_WALK_EXIT_INFORMATION_H_

#include <cstdint>

#include "engine/types.h"
#include "engine/walk/context.h"
#include "engine/walk/judgement.h"
#include "engine/walk/memory_type.h"
#include "engine/walk/path.h"
#include "engine/walk/use.h"

namespace eptdiff::engine {

// What an access is, but for its addresses. Borrows what it refers to.
struct Request {
  Use use;
  // To the translation of a linear address; false: to a guest
  // paging-structure entry or for a PDPTE load.
  bool translated;
  bool shadow_stack;
  bool asynchronous;
  bool pebs = false;
  // Guest-paging verification is on, and what mapped some guest
  // paging-structure entry on the way had bit 58 clear (VIO-13).
  bool unverified = false;
  // gla_valid is false for a PDPTE load, trace output and PEBS.
  const GuestPage& page;
  const MemoryTypeRow& memory_types;

  bool IsWithoutLinearAddress() const { return translated && !page.gla_valid; }
};

// "NMI unblocking due to IRET" as bit 12 of a qualification or of interruption
// information (28.2.3).
std::uint64_t NmiUnblocking(const Controls& controls, const GuestState& guest);

// Whether a VM exit of an access is to say that it leaves a shadow stack
// prematurely busy (26.4.3).
bool ReportsBusyShadowStack(const Controls& controls, const GuestState& guest);

// A linear address as VM exits report it: 32 bits outside 64-bit mode.
Gla ReportedGla(const GuestState& guest, Gla gla);

// The VM exit for `refusal` (neither kNone nor kNoMemory) of `part`, an EPT
// violation not yet converted. Overwrites `event`.
void DescribeExit(const EptContext& context, const Controls& controls,
                  const GuestState& guest, const Request& request,
                  Refusal refusal, const Path& path, const PagePart& part,
                  Event& event);

// The VM exit for an access to the APIC-access page (table 28-6), whose address
// there is `address`.
void DescribeApicAccess(const EptContext& context, const GuestState& guest,
                        const Request& request, Hpa address, Event& event);

// Whether an EPT violation may be converted to a #VE: the entry that ended
// `path`, or its leaf, lets it (VE-1), and so do the state of the processor and
// the kind of access (VE-3, but for the dword in the information area).
bool IsConvertible(const EptContext& context, const GuestState& guest,
                   const Request& request, const Path& path);

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_EXIT_INFORMATION_H_
