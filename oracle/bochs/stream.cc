#include "oracle/bochs/stream.h"

#include <cinttypes>
#include <cstdio>

namespace eptdiff {
namespace {

// Calls `take` with the name and the value of each part of an outcome.
template <typename Take>
void ForEachPart(const Outcome& outcome, const Take& take) {
  const Event& event = outcome.event;
  take("event", static_cast<std::uint64_t>(event.kind));
  for (int i = 0; i < event.translation_count; ++i) {
    take("address", event.translations[i].address.value);
    take("page_shift", event.translations[i].page_shift);
  }
  take("reason", event.exit_reason);
  take("qualification", event.qualification);
  take("gpa", event.gpa.value);
  take("gla", event.gla.value);
  take("interruption", event.interruption_information);
  take("error", event.error_code);
  take("cr2", event.cr2.value);
  take("pml_index", outcome.registers.pml_index);
  for (const std::uint64_t pdpte : outcome.registers.pdpte) {
    take("pdpte", pdpte);
  }
  for (const MemoryWord& word : outcome.writes) {
    take("word", word.address.value);
    take("value", word.value);
  }
}

}  // namespace

void Run(Oracle& oracle, const Case& c, MachineState& state,
         const std::function<void(Skip, const Outcome&)>& see) {
  state.Load(c);
  Outcome outcome;
  Skip skip = oracle.Enter(state, outcome);
  if (skip != Skip::kNone) {
    see(skip, Outcome());
    return;
  }
  for (const Step& step : c.steps) {
    skip = oracle.Perform(state, step, outcome);
    see(skip, skip == Skip::kNone ? outcome : Outcome());
    if (skip != Skip::kNone) return;
    state.Apply(outcome);
  }
}

std::uint64_t DigestOf(Skip skip, const Outcome& outcome) {
  std::uint64_t digest = static_cast<std::uint64_t>(skip);
  ForEachPart(outcome, [&digest](const char*, std::uint64_t value) {
    digest = (digest ^ value) * 0x9e3779b97f4a7c15;
    digest ^= digest >> 29;
  });
  return digest;
}

std::string Describe(Skip skip, const Outcome& outcome) {
  if (skip != Skip::kNone) return std::string(WordsOf(skip));
  std::string words;
  ForEachPart(outcome, [&words](const char* name, std::uint64_t value) {
    char part[64];
    std::snprintf(part, sizeof(part), "%s %" PRIx64 ", ", name, value);
    words += part;
  });
  return words;
}

}  // namespace eptdiff
