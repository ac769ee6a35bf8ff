#include "fuzzers/experiment/write_forms.h"

#include <algorithm>
#include <vector>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {
namespace {

// What a word is to the step, and which word of it.
void SetPlace(const Observed& observed, Hpa word, Effect& effect) {
  const Case& question = observed.question;
  const Controls& controls = question.controls;
  const auto in_page = [&](std::uint64_t page) {
    return word.value >> 12 == page >> 12;
  };
  effect.was = 0;
  effect.place = WordPlace::kElse;
  if (HasSecondary(question, bits::kSecondaryPml) &&
      in_page(controls.pml_address)) {
    effect.place = WordPlace::kLog;
  } else if (HasSecondary(question, bits::kSecondaryVe) &&
             in_page(controls.ve_information_address)) {
    effect.place = WordPlace::kVeArea;
    effect.was = (word.value & 0xfff) / 8;
  } else {
    for (const EntryRead& entry : observed.entries) {
      if ((entry.address.value & ~7ull) != word.value) continue;
      effect.place = entry.structure == Structure::kGuest
                         ? WordPlace::kGuestEntry
                         : WordPlace::kEptEntry;
    }
  }
}

bool IsAt(const Effect& effect, const Observed& observed, Hpa word) {
  Effect at;
  SetPlace(observed, word, at);
  return at.place == effect.place && at.was == effect.was;
}

}  // namespace

std::uint64_t Before(const Case& question, Hpa address) {
  std::uint64_t value = 0;
  for (const MemoryWord& word : question.memory) {
    if (word.address == address) value = word.value;
  }
  return value;
}

std::optional<Effect> FormOfWrite(const Observed& observed,
                                  const Disagreement& d) {
  if (d.field != Field::kMemory) return std::nullopt;
  Effect effect;
  effect.field = Field::kMemory;
  const std::uint64_t before = Before(observed.question, d.word);
  if (d.expected != before && d.given == before) {
    effect.form = Form::kMissing;
    SetPlace(observed, d.word, effect);
    // A word that is not expected, and has the value of that one.
    for (const Disagreement& other : observed.disagreements) {
      if (other.field != Field::kMemory || other.word == d.word ||
          other.given != d.expected ||
          other.expected != Before(observed.question, other.word)) {
        continue;
      }
      effect.form = Form::kMisplaced;
      effect.given = other.word.value - d.word.value;
    }
    return effect;
  }
  if (d.expected != before || d.given == before) return std::nullopt;
  for (const Disagreement& other : observed.disagreements) {
    if (other.field != Field::kMemory || other.word == d.word ||
        other.expected != d.given ||
        other.given != Before(observed.question, other.word)) {
      continue;
    }
    effect.form = Form::kMisplaced;
    effect.given = d.word.value - other.word.value;
    SetPlace(observed, other.word, effect);
    return effect;
  }
  for (const MemoryWord& write : observed.outcome.writes) {
    if (write.address == d.word || write.value != d.given) continue;
    effect.form = Form::kDoubled;
    effect.given = d.word.value - write.address.value;
    SetPlace(observed, write.address, effect);
    return effect;
  }
  return std::nullopt;
}

bool WritesAs(const Effect& effect, const Observed& observed,
              const Disagreement& d) {
  const auto form = FormOfWrite(observed, d);
  return form.has_value() && form->form == effect.form &&
         form->place == effect.place && form->was == effect.was &&
         form->given == effect.given;
}

bool WriteInstead(const Effect& effect, const Observed& observed,
                  Outcome& outcome) {
  std::vector<MemoryWord> writes;
  bool changed = false;
  for (const MemoryWord& write : outcome.writes) {
    const bool is = IsAt(effect, observed, write.address);
    changed |= is;
    if (!is || effect.form == Form::kDoubled) writes.push_back(write);
    if (!is || effect.form == Form::kMissing) continue;
    const Hpa moved{write.address.value + effect.given};
    if (Before(observed.question, moved) != write.value) {
      writes.push_back({moved, write.value});
    }
  }
  if (!changed || writes.size() > kMaxStepWrites) return false;
  std::sort(writes.begin(), writes.end(),
            [](const MemoryWord& a, const MemoryWord& b) {
              return a.address.value < b.address.value;
            });
  outcome.writes.clear();
  for (const MemoryWord& write : writes) outcome.writes.push_back(write);
  return true;
}

}  // namespace eptdiff
