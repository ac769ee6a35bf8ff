#include "oracle/exhaustive/world.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int position) {
  return std::uint64_t{1} << position;
}

constexpr std::uint64_t kAllowAll = 7 | Bit(8) | Bit(10);

constexpr std::uint64_t IndexAt(int level, std::uint64_t gpa) {
  return gpa >> (3 + 9 * level) & 0x1ff;
}

Step Data(AccessKind kind, bool user_page, Gpa gpa) {
  Step step;
  step.kind = StepKind::kGuestPhysicalAccess;
  step.access.kind = kind;
  step.access.size = 8;
  step.gpa = gpa;
  step.page.gla = {0xffff800000001128};
  step.page.user = user_page;
  step.page.writable = true;
  step.page.pat_index = 1;
  return step;
}

Step StructureAccess(StepKind kind, Gpa gpa) {
  Step step;
  step.kind = kind;
  step.gpa = gpa;
  step.page.gla = {0xffff800000001128};
  return step;
}

}  // namespace

Gpa GpaOf(const Choices& choices) {
  constexpr std::uint64_t kLow =
      Bit(30) * 3 + Bit(21) * 7 + Bit(12) * 9 + 0x120;
  if (choices.guest == ChosenGuest::kPae) return {kLow};
  // No more bits than the processor has.
  const std::uint64_t high = choices.maxphyaddr > 40 ? Bit(39) * 3 : 0;
  return {kLow + high + Bit(30) * 2};
}

std::vector<NamedStep> AccessesOf(const Choices& choices) {
  const Gpa gpa = GpaOf(choices);
  if (choices.guest == ChosenGuest::kPae) {
    Step load;
    load.kind = StepKind::kPdpteLoad;
    return {{"PDPTE load", load}};
  }
  Step user_shadow_stack = Data(AccessKind::kShadowStackWrite, true, gpa);
  user_shadow_stack.access.wruss = true;
  // Intel PT's pre-translation of its output.
  Step trace = Data(AccessKind::kWrite, false, gpa);
  trace.access.asynchronous = true;
  trace.page.gla_valid = false;
  trace.page.gla = {};
  return {
      {"read", Data(AccessKind::kRead, false, gpa)},
      {"write", Data(AccessKind::kWrite, false, gpa)},
      {"read-modify-write", Data(AccessKind::kReadModifyWrite, true, gpa)},
      {"supervisor-mode fetch", Data(AccessKind::kFetch, false, gpa)},
      {"user-mode fetch", Data(AccessKind::kFetch, true, gpa)},
      {"supervisor shadow-stack read",
       Data(AccessKind::kShadowStackRead, false, gpa)},
      {"supervisor shadow-stack write",
       Data(AccessKind::kShadowStackWrite, false, gpa)},
      {"user shadow-stack write", user_shadow_stack},
      {"trace output", trace},
      {"paging-structure read",
       StructureAccess(StepKind::kPagingStructureRead, gpa)},
      {"paging-structure update",
       StructureAccess(StepKind::kPagingStructureUpdate, gpa)},
  };
}

std::vector<NamedStep> RareAccessesOf(const Choices& choices) {
  if (choices.guest == ChosenGuest::kPae) return {};
  const Gpa gpa = GpaOf(choices);
  constexpr std::uint64_t kPageBytes = 4096;
  Step page = Data(AccessKind::kRead, false, {gpa.value & -kPageBytes});
  page.access.size = kMaxAccessBytes;
  page.page.gla.value &= -kPageBytes;
  // To the sub-page that may be written and the next one, and to that alone.
  Step two_sub_pages = Data(AccessKind::kWrite, true, gpa);
  two_sub_pages.access.size = 128;
  Step sub_page = two_sub_pages;
  sub_page.access.size = 65;
  sub_page.gpa.value &= -std::uint64_t{128};
  sub_page.page.gla.value &= -std::uint64_t{128};
  Step token = Data(AccessKind::kShadowStackReadModifyWrite, false, gpa);
  Step user_token = Data(AccessKind::kShadowStackReadModifyWrite, true, gpa);
  user_token.access.wruss = true;
  Step pebs = Data(AccessKind::kWrite, false, gpa);
  pebs.access.pebs = true;
  pebs.page = {.gla_valid = false};
  return {{"read of a page", page},
          {"write of two sub-pages", two_sub_pages},
          {"write of 65 bytes", sub_page},
          {"supervisor shadow-stack token", token},
          {"user shadow-stack token", user_token},
          {"PEBS", pebs}};
}

World::World(const Choices& choices)
    : gpa_(GpaOf(choices).value), top_(choices.five_levels ? 5 : 4) {
  state_.processor = ProcessorOf(choices);
  state_.controls = ControlsOf(choices);
  state_.guest = GuestOf(choices);
  for (int level = top_; level >= 1; --level) Reset(level);
  // An SPP vector that allows the sub-page of the address alone.
  for (int level = 4; level >= 1; --level) {
    const std::uint64_t entry =
        level == 1 ? Bit(2 * (gpa_ >> 7 & 31)) : SubPageTableOf(level - 1) | 1;
    state_.memory.Store({SubPageTableOf(level) + 8 * IndexAt(level, gpa_)},
                        entry);
  }
  // Old values, to be replaced whole.
  for (std::uint64_t offset = 8; offset <= 32; offset += 8) {
    state_.memory.Store({kVeArea + offset}, 0x5a5a5a5a5a5a5a5a);
  }
}

std::uint64_t World::EntryOf(int level, std::uint64_t shape) {
  return shape ^ (MapsPage(level, shape) ? kPage : TableOf(level - 1));
}

Hpa World::AddressOf(int level) const {
  return {TableOf(level) + 8 * IndexAt(level, gpa_)};
}

void World::Reset(int level) {
  Set(level, level == 1 ? kAllowAll | 6 << 3 | Bit(9) | Bit(60) : kAllowAll);
}

}  // namespace eptdiff
