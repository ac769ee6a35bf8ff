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

std::uint64_t Examiner::AnswerWatched(Slot slot, std::uint64_t answer) {
  const SlotSet* const left = state_.declared.left;
  const bool is_left = left != nullptr && left->Contains(slot);
  if (is_left && answer != 0) trace_.left = true;
  const std::uint64_t altered = is_left ? 0 : dialect_.Answer(slot, s, answer);
  if (altered != answer) trace_.altered = true;
  if (!trace_.keeps_hits) return altered;
  if (altered == 0) {
    trace_.silences.Add(PlaceOf(slot));
  } else if (!trace_.hits.full()) {
    const SlotInfo& info = InfoOf(slot);
    trace_.hits.push_back({info.rule, s.level, s.linear.level,
                           info.kind == SlotKind::kForbids, altered});
  }
  return altered;
}

std::uint64_t Examiner::Read(Role role, std::uint8_t level, Hpa address) {
  Note({{address.value & ~std::uint64_t{7}}, role, level, false});
  std::uint64_t value = state_.memory.Load(address);
  if (chooser != nullptr) [[unlikely]] {
    if (role == Role::kEptEntry)
      value = chooser->ReadEntry(*this, address, value);
    if (role == Role::kSppEntry)
      value = chooser->ReadSpp(*this, address, value);
  }
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
  if (chooser != nullptr) [[unlikely]] {
    const std::uint64_t now = value;
    value = chooser->ReadGuest(*this, address, bytes, now);
    read_what_was_kept_ = value != now;
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
void Examiner::Note(const Touched& touched) {
  if (touched.role != Role::kGuestEntry && touched.role != Role::kPdpte) {
    NotePhysical(touched.word);
  }
  const std::uint64_t hash = std::uint64_t{1}
                             << (touched.word.value * 0x9e3779b97f4a7c15 >> 58);
  if (!(maybe_touched_ & hash)) {
    maybe_touched_ |= hash;
    if (!trace_.touched.full()) trace_.touched.push_back(touched);
    return;
  }
  for (const Touched& other : trace_.touched) {
    if (!(other.word == touched.word)) continue;
    const bool same =
        other.role == touched.role && other.level == touched.level;
    if (same && (other.written || !touched.written)) return;
    if (!same && (other.written || touched.written)) aliased_ = true;
  }
  if (!trace_.touched.full()) trace_.touched.push_back(touched);
}

}  // namespace eptdiff
