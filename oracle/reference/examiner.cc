#include "oracle/reference/examiner.h"

namespace eptdiff {
namespace {

Structure StructureOf(Role role) {
  switch (role) {
    case Role::kSppEntry:
      return Structure::kSpp;
    case Role::kPdpte:
      return Structure::kPdpte;
    case Role::kGuestEntry:
      return Structure::kGuest;
    default:
      return Structure::kEpt;
  }
}

}  // namespace

void Examiner::Keep(const SlotInfo& info, std::uint64_t answer) {
  if (answer == 0 || trace_.hits.full()) return;
  trace_.hits.push_back({info.rule, s.level, s.linear.level,
                         info.kind == SlotKind::kForbids, answer});
}

std::uint64_t Examiner::Read(Role role, std::uint8_t level, Hpa address) {
  Note({{address.value & ~std::uint64_t{7}}, role, level, false});
  const std::uint64_t value = state_.memory.Load(address);
  if (role != Role::kVeArea && !trace_.entries.full()) {
    trace_.entries.push_back(
        {StructureOf(role), level, s.linear.level, address, value});
  }
  return value;
}

std::uint64_t Examiner::ReadGuestEntry(std::uint8_t level, Hpa address,
                                       int bytes) {
  const Hpa word{address.value & ~std::uint64_t{7}};
  Note({word, Role::kGuestEntry, 0, false});
  std::uint64_t value = state_.memory.Load(word);
  if (bytes == 4) {
    const int low = sdm::Bit(address.value, 2) ? 32 : 0;
    value = sdm::Bits(value, low + 31, low);
  }
  if (!trace_.entries.full()) {
    trace_.entries.push_back(
        {Structure::kGuest, level, s.linear.level, address, value});
  }
  return value;
}

void Examiner::Touch(Role role, std::uint8_t level, Hpa address) {
  Note({{address.value & ~std::uint64_t{7}}, role, level, true});
}

// The same touch again, of another alternative say, tells nothing new: what is
// kept stays within a few words for each level and page.
void Examiner::Note(Touched touched) {
  const std::uint64_t hash = std::uint64_t{1}
                             << (touched.word.value * 0x9e3779b97f4a7c15 >> 58);
  if (!(maybe_touched_ & hash)) {
    maybe_touched_ |= hash;
    if (!touched_.full()) touched_.push_back(touched);
    return;
  }
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
