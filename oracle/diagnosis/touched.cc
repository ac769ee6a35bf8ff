#include "oracle/diagnosis/touched.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

// The alterations of each slot, by number.
using BySlot = std::array<std::vector<std::uint16_t>, kSlotCount>;

const BySlot& AlterationsBySlot() {
  static const BySlot& by_slot = *[] {
    auto* lists = new BySlot;
    const auto all = AllAlterations();
    for (std::size_t i = 0; i < all.size(); ++i) {
      (*lists)[static_cast<std::size_t>(all[i].slot)].push_back(
          static_cast<std::uint16_t>(i));
    }
    return lists;
  }();
  return by_slot;
}

// Alterations are plain functions: what the probes find is beside them.
thread_local AlterationSet touched;

template <std::size_t kSlot>
std::uint64_t Probe(const Situation& situation, std::uint64_t value) {
  const auto all = AllAlterations();
  // What the SDM leaves open (kPermits, 0) nobody can get wrong.
  if (kSlots[kSlot].kind == SlotKind::kPermits && value == 0) return value;
  for (std::uint16_t number : AlterationsBySlot()[kSlot]) {
    if (touched[number]) continue;
    touched[number] = all[number].function(situation, value) != value;
  }
  return value;
}

template <std::size_t... kSlot>
std::vector<Alteration> MakeProbes(std::index_sequence<kSlot...>) {
  std::vector<Alteration> probes = {
      {"probe", static_cast<Slot>(kSlot), Probe<kSlot>, ""}...};
  std::erase_if(probes, [](const Alteration& probe) {
    return AlterationsBySlot()[static_cast<std::size_t>(probe.slot)].empty();
  });
  return probes;
}

const std::vector<Alteration>& Probes() {
  static const std::vector<Alteration>& probes = *new std::vector<Alteration>(
      MakeProbes(std::make_index_sequence<kSlotCount>()));
  return probes;
}

// Probes before and behind: what the SDM answers, and what the combination
// does.
Dialect Probed(const Combination& combination,
               const AlterationSet& asked_about) {
  std::vector<const Alteration*> probes;
  for (const Alteration& probe : Probes()) {
    const auto& numbers =
        AlterationsBySlot()[static_cast<std::size_t>(probe.slot)];
    if (std::any_of(numbers.begin(), numbers.end(), [&](std::uint16_t number) {
          return asked_about[number];
        })) {
      probes.push_back(&probe);
    }
  }
  std::vector<const Alteration*> alterations = probes;
  if (!combination.empty()) {
    for (std::uint16_t number : combination) {
      alterations.push_back(&AllAlterations()[number]);
    }
    alterations.insert(alterations.end(), probes.begin(), probes.end());
  }
  return Dialect("probed", std::move(alterations));
}

}  // namespace

TouchedBy::TouchedBy(const Combination& combination)
    : TouchedBy(combination, ~AlterationSet()) {}

TouchedBy::TouchedBy(const Combination& combination,
                     const AlterationSet& asked_about)
    : reference_(Probed(combination, asked_about)) {}

AlterationSet TouchedBy::Judge(const MachineState& before, const Step* step,
                               Verdict& verdict, Trace& trace) const {
  touched.reset();
  reference_.Judge(before, step, verdict, trace);
  return touched;
}

}  // namespace eptdiff
