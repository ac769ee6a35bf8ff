#include "fuzzers/check/declared_rules.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "oracle/target/profile/left_rules.h"
#include "oracle/target/profile/profile.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPaged =
    kLinearModes & ~std::uint64_t{EPTDIFF_MODELS_LINEAR_PAGING_OFF};
constexpr std::uint64_t kGuestEntries =
    kPaged | EPTDIFF_MODELS_STRUCTURE_ACCESS;

// What the rules need whose identifier begins so: of each set one feature, and
// one of the fields.
struct Need {
  std::string_view identifier;
  std::array<std::uint64_t, 2> models = {};
  std::uint32_t fills = 0;
};
// In the order of GuestPagingMode.
constexpr std::uint64_t kModes[] = {
    EPTDIFF_MODELS_LINEAR_PAGING_OFF, EPTDIFF_MODELS_LINEAR_32_BIT,
    EPTDIFF_MODELS_LINEAR_PAE, EPTDIFF_MODELS_LINEAR_4_LEVEL,
    EPTDIFF_MODELS_LINEAR_5_LEVEL};

constexpr std::uint64_t kNothing = ~std::uint64_t{0};
constexpr Need kNeeds[] = {
    {"EPTP-", {EPTDIFF_MODELS_VM_ENTRY | EPTDIFF_MODELS_EPTP_SWITCHING}},
    {"CTL-1", {EPTDIFF_MODELS_VM_ENTRY}},
    {"CTL-2", {EPTDIFF_MODELS_VM_ENTRY}},
    {"CTL-3", {EPTDIFF_MODELS_VM_ENTRY}},
    {"CTL-4", {EPTDIFF_MODELS_EPTP_SWITCHING}},
    {"CTL-6", {EPTDIFF_MODELS_ENTRY_CONTROLS}},
    {"CTL-7", {EPTDIFF_MODELS_ENTRY_CONTROLS}},
    {"CTL-8", {EPTDIFF_MODELS_ENTRY_CONTROLS}},
    {"CTL-9", {EPTDIFF_MODELS_ENTRY_CONTROLS}},
    {"CTL-10", {EPTDIFF_MODELS_ENTRY_CONTROLS}},
    {"CTL-11", {EPTDIFF_MODELS_ENTRY_CONTROLS}},
    {"CTL-12", {EPTDIFF_MODELS_ENTRY_CONTROLS}},
    {"CTL-13", {EPTDIFF_MODELS_ENTRY_CONTROLS}},
    {"CTL-14", {EPTDIFF_MODELS_ENTRY_CONTROLS}},
    {"GST-", {EPTDIFF_MODELS_GUEST_STATE}},
    {"VMF-", {EPTDIFF_MODELS_VMFUNC}},
    {"REG-", {EPTDIFF_MODELS_REGISTER_WRITES}},
    {"CTL-5", {EPTDIFF_MODELS_PML | EPTDIFF_MODELS_PAGING_WRITE}},
    {"WALK-4", {EPTDIFF_MODELS_MBEC}},
    {"WALK-6", {kNothing}, EPTDIFF_FILLS_ADDRESS},
    {"CFG-3", {EPTDIFF_MODELS_MBEC}},
    {"CFG-4", {EPTDIFF_MODELS_PAGING_WRITE}},
    {"VIO-5", {EPTDIFF_MODELS_MBEC}},
    {"VIO-6", {EPTDIFF_MODELS_MBEC}},
    {"VIO-7", {EPTDIFF_MODELS_MBEC}},
    {"VIO-8", {kGuestEntries}},
    {"VIO-9", {kGuestEntries, EPTDIFF_MODELS_ACCESSED_DIRTY}},
    {"VIO-10", {EPTDIFF_MODELS_PDPTE_LOAD}},
    {"VIO-11", {EPTDIFF_MODELS_PAGING_WRITE}},
    {"VIO-12",
     {EPTDIFF_MODELS_SHADOW_STACK_CONTROL, EPTDIFF_MODELS_SHADOW_STACK_ACCESS}},
    {"VIO-13", {EPTDIFF_MODELS_PAGING_WRITE}},
    {"VIO-14", {EPTDIFF_MODELS_PAGE_CROSSING}},
    {"VIO-15", {EPTDIFF_MODELS_READ_MODIFY_WRITE}},
    {"QUAL-", {kNothing}, EPTDIFF_FILLS_QUALIFICATION},
    {"QUAL-6", {EPTDIFF_MODELS_MBEC}},
    {"QUAL-12", {EPTDIFF_MODELS_EVENTS}},
    {"QUAL-13", {EPTDIFF_MODELS_SHADOW_STACK_ACCESS}},
    {"QUAL-14", {EPTDIFF_MODELS_SHADOW_STACK_CONTROL}},
    {"QUAL-15", {EPTDIFF_MODELS_PAGING_WRITE}},
    {"QUAL-16", {EPTDIFF_MODELS_ASYNCHRONOUS}},
    {"INFO-1", {kNothing}, EPTDIFF_FILLS_GPA | EPTDIFF_FILLS_GLA},
    {"INFO-2", {kNothing}, EPTDIFF_FILLS_QUALIFICATION},
    {"AD-", {kNothing}, EPTDIFF_FILLS_MEMORY},
    {"AD-1", {EPTDIFF_MODELS_ACCESSED_DIRTY}},
    {"AD-2", {EPTDIFF_MODELS_ACCESSED_DIRTY}},
    {"AD-3", {EPTDIFF_MODELS_ACCESSED_DIRTY, kGuestEntries}},
    {"AD-4", {EPTDIFF_MODELS_ACCESSED_DIRTY}},
    {"AD-6", {EPTDIFF_MODELS_ACCESSED_DIRTY}},
    {"PML-", {EPTDIFF_MODELS_PML}},
    {"PML-5", {EPTDIFF_MODELS_PDPTE_LOAD}},
    {"PRI-1", {EPTDIFF_MODELS_PML}},
    {"PRI-2", {kPaged}},
    {"MT-1", {kNothing}, EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE},
    {"MT-2", {kNothing}, EPTDIFF_FILLS_MEMORY_TYPE},
    {"MT-3", {kNothing}, EPTDIFF_FILLS_MEMORY_TYPE},
    {"MT-4", {kNothing}, EPTDIFF_FILLS_MEMORY_TYPE},
    {"MT-5", {kNothing}, EPTDIFF_FILLS_MEMORY_TYPE},
    {"MT-6", {kNothing}, EPTDIFF_FILLS_MEMORY_TYPE},
    {"SPP-", {EPTDIFF_MODELS_SPP}},
    {"VE-", {EPTDIFF_MODELS_VE}},
    {"APIC-", {EPTDIFF_MODELS_APIC_PAGE}},
    {"APIC-4", {kNothing}, EPTDIFF_FILLS_QUALIFICATION},
    {"APIC-5", {kNothing}, EPTDIFF_FILLS_QUALIFICATION},
    {"APIC-6", {EPTDIFF_MODELS_ASYNCHRONOUS}, EPTDIFF_FILLS_QUALIFICATION},
    {"GW-", {kLinearModes | EPTDIFF_MODELS_PDPTE_LOAD}},
    {"GW-2", {EPTDIFF_MODELS_LINEAR_32_BIT}},
    {"GW-3", {EPTDIFF_MODELS_LINEAR_PAE}},
    {"GW-4", {EPTDIFF_MODELS_LINEAR_4_LEVEL | EPTDIFF_MODELS_LINEAR_5_LEVEL}},
    {"GW-5", {kPaged}},
    {"GW-6", {kPaged}},
    {"GW-7", {kPaged}},
    {"GW-8", {kPaged}},
    {"GW-9", {EPTDIFF_MODELS_SMEP_SMAP}},
    {"GW-10", {EPTDIFF_MODELS_PROTECTION_KEYS}},
    {"GW-11", {EPTDIFF_MODELS_SHADOW_STACK_ACCESS}},
    {"GW-12", {kPaged}},
    {"GW-13", {kPaged}},
    {"GW-14",
     {kPaged},
     EPTDIFF_FILLS_MEMORY_TYPE | EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE},
    {"GW-15", {EPTDIFF_MODELS_HLAT}},
    {"GW-17", {EPTDIFF_MODELS_PDPTE_LOAD}},
    {"GW-18", {kPaged}, EPTDIFF_FILLS_ERROR_CODE},
    {"GW-19", {EPTDIFF_MODELS_HLAT}},
    {"GW-21", {EPTDIFF_MODELS_LINEAR_4_LEVEL | EPTDIFF_MODELS_LINEAR_5_LEVEL}},
    {"GW-22", {EPTDIFF_MODELS_LASS}},
    {"GW-23", {EPTDIFF_MODELS_LAM}},
    {"CACHE-1", {EPTDIFF_MODELS_CACHES}},
    {"CACHE-2", {EPTDIFF_MODELS_CACHES}},
    {"CACHE-3", {EPTDIFF_MODELS_CACHES}},
    {"CACHE-4", {EPTDIFF_MODELS_CACHES}},
    {"CACHE-5", {EPTDIFF_MODELS_CACHES}},
    {"CACHE-6", {EPTDIFF_MODELS_CACHES, EPTDIFF_MODELS_INVALIDATION}},
    {"CACHE-7", {EPTDIFF_MODELS_CACHES, EPTDIFF_MODELS_INVALIDATION}},
    {"CACHE-8",
     {EPTDIFF_MODELS_CACHES,
      EPTDIFF_MODELS_INVALIDATION | EPTDIFF_MODELS_REGISTER_WRITES}},
    {"CACHE-9", {EPTDIFF_MODELS_CACHES}},
    {"CACHE-10", {EPTDIFF_MODELS_CACHES, EPTDIFF_MODELS_ACCESSED_DIRTY}},
    {"CACHE-11", {EPTDIFF_MODELS_CACHES}},
    {"CACHE-12", {EPTDIFF_MODELS_CACHES, kPaged}},
    {"CACHE-13", {EPTDIFF_MODELS_INVALIDATION}},
    {"CACHE-14", {EPTDIFF_MODELS_CACHES, EPTDIFF_MODELS_ACCESSED_DIRTY}},
    {"CACHE-15", {EPTDIFF_MODELS_CACHES, EPTDIFF_MODELS_SPP}},
    {"HAND-1", {kNothing}, EPTDIFF_FILLS_EXIT_REASON_FLAGS},
    {"HAND-2", {EPTDIFF_MODELS_EVENTS}, EPTDIFF_FILLS_VECTORING_INFORMATION},
    {"HAND-3",
     {EPTDIFF_MODELS_EVENTS},
     EPTDIFF_FILLS_VECTORING_INFORMATION | EPTDIFF_FILLS_VECTORING_ERROR_CODE},
    {"HAND-4",
     {EPTDIFF_MODELS_EVENTS | EPTDIFF_MODELS_EPTP_SWITCHING},
     EPTDIFF_FILLS_INSTRUCTION_LENGTH},
    {"HAND-5", {kNothing}, EPTDIFF_FILLS_INTERRUPTIBILITY},
    {"HAND-6", {kNothing}, EPTDIFF_FILLS_INTERRUPTIBILITY},
    {"HAND-7", {kNothing}, EPTDIFF_FILLS_RFLAGS},
    {"HAND-8", {kNothing}, EPTDIFF_FILLS_PENDING_DEBUG},
    {"HAND-9", {EPTDIFF_MODELS_BUSY_SHADOW_STACK}, EPTDIFF_FILLS_GLA},
};

bool IsAbout(const Need& need, std::string_view identifier) {
  return need.identifier.ends_with('-')
             ? identifier.starts_with(need.identifier)
             : identifier == need.identifier;
}

bool IsMet(const Need& need, const eptdiff_profile& profile) {
  return std::all_of(need.models.begin(), need.models.end(),
                     [&](std::uint64_t any) {
                       return any == 0 || (profile.models & any) != 0;
                     }) &&
         (need.fills == 0 || (profile.fills & need.fills) != 0);
}

// A rule of one bit of the exit qualification, which may be left out.
bool IsLeftOut(const eptdiff_profile& profile, Rule rule) {
  if (rule < Rule::kQual0 || rule > Rule::kQual16) return false;
  const int bit = static_cast<int>(rule) - static_cast<int>(Rule::kQual0);
  return (profile.qualification_left_out >> bit & 1) != 0;
}

}  // namespace

bool Declares(const eptdiff_profile& profile, Rule rule) {
  if (IsLeftOut(profile, rule) || Leaves(profile, rule)) return false;
  const bool keeps = (profile.models & EPTDIFF_MODELS_CACHES) != 0;
  const bool upper = (profile.keeps & EPTDIFF_KEEPS_PAGING_STRUCTURES) != 0;
  if (rule == Rule::kCache4 && keeps && !upper) return false;
  const bool combined = (profile.keeps & EPTDIFF_KEEPS_COMBINED) != 0;
  const bool vpids = (profile.keeps & EPTDIFF_KEEPS_VPIDS) != 0;
  // What ends combined mappings, and nothing else.
  const bool ends_combined = rule == Rule::kCache7 || rule == Rule::kCache8 ||
                             rule == Rule::kCache11 || rule == Rule::kCache12;
  if (keeps && ends_combined && !combined) return false;
  if (keeps && rule == Rule::kCache7 && !vpids) return false;
  return std::all_of(
      std::begin(kNeeds), std::end(kNeeds), [&](const Need& need) {
        return !IsAbout(need, IdentifierOf(rule)) || IsMet(need, profile);
      });
}

bool CanMeet(const eptdiff_profile& profile, Rule rule, GuestPagingMode mode,
             bool guest_entry, std::uint8_t level) {
  const std::uint64_t linear = kModes[static_cast<std::size_t>(mode)];
  if (IdentifierOf(rule).starts_with("GW-")) {
    // Levels are the guest's.
    const bool load = mode == GuestPagingMode::kPae &&
                      (profile.models & EPTDIFF_MODELS_PDPTE_LOAD) != 0;
    return load || (profile.models & linear) != 0;
  }
  if (level == 5 && (profile.models & EPTDIFF_MODELS_5_LEVELS) == 0) {
    return false;
  }
  return !guest_entry ||
         (profile.models & (linear | EPTDIFF_MODELS_STRUCTURE_ACCESS)) != 0;
}

}  // namespace eptdiff
