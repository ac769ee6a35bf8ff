#include "oracle/reference/examiner.h"

#include "oracle/reference/sdm.h"

namespace eptdiff {
namespace {

using SdmFunction = std::uint64_t (*)(const Situation&);

constexpr SdmFunction kSdm[kSlotCount] = {
#define EPTDIFF_SLOT(name, rule, kind) sdm::name,
#include "oracle/reference/slots.def"
#undef EPTDIFF_SLOT
};

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

std::uint64_t Examiner::Ask(Slot slot, std::uint64_t operand) {
  s.operand = operand;
  std::uint64_t answer = kSdm[static_cast<std::size_t>(slot)](s);
  if (dialect_.Alters(slot)) {
    const std::uint64_t altered = dialect_.Answer(slot, s, answer);
    if (altered != answer) trace_.altered = true;
    answer = altered;
  }
  const SlotInfo& info = InfoOf(slot);
  const std::size_t feature =
      (static_cast<std::size_t>(info.rule) * 6 + s.level) * 2 + (answer != 0);
  trace_.features[feature / 64] |= std::uint64_t{1} << (feature % 64);
  if (answer != 0 && !trace_.hits.full()) {
    trace_.hits.push_back(
        {info.rule, s.level, info.kind == SlotKind::kForbids, answer});
  }
  return answer;
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

void Examiner::Note(Touched touched) {
  for (const Touched& other : touched_) {
    if (!(other.word == touched.word)) continue;
    const bool same =
        other.role == touched.role && other.level == touched.level;
    if (!same && (other.written || touched.written)) aliased_ = true;
  }
  if (!touched_.full()) touched_.push_back(touched);
}

}  // namespace eptdiff
