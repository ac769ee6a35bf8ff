#include "oracle/reference/examiner.h"

namespace eptdiff {
namespace {

Structure StructureOf(Role role) {
  switch (role) {
    case Role::kSppEntry:
      return Structure::kSpp;
    case Role::kPdpte:
      return Structure::kPdpte;
    default:
      return Structure::kEpt;
  }
}

}  // namespace

void Examiner::Keep(const SlotInfo& info, std::uint64_t answer) {
  if (answer == 0 || trace_.hits.full()) return;
  trace_.hits.push_back(
      {info.rule, s.level, info.kind == SlotKind::kForbids, answer});
}

std::uint64_t Examiner::Read(Role role, std::uint8_t level, Hpa address) {
  Note({{address.value & ~std::uint64_t{7}}, role, level, false});
  const std::uint64_t value = state_.memory.Load(address);
  if (role != Role::kVeArea && !trace_.entries.full()) {
    trace_.entries.push_back({StructureOf(role), level, address, value});
  }
  return value;
}

void Examiner::Touch(Role role, std::uint8_t level, Hpa address) {
  Note({{address.value & ~std::uint64_t{7}}, role, level, true});
}

// The same touch again, of another alternative say, tells nothing new: what is
// kept stays within a few words for each level and page.
void Examiner::Note(Touched touched) {
  for (const Touched& other : touched_) {
    if (!(other.word == touched.word)) continue;
    const bool same =
        other.role == touched.role && other.level == touched.level;
    if (same && (other.written || !touched.written)) return;
    if (!same && (other.written || touched.written)) aliased_ = true;
  }
  if (!touched_.full()) touched_.push_back(touched);
}

}  // namespace eptdiff
