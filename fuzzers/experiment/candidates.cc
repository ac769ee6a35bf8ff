// Effects that would explain an answer that departs.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/experiment/answer_fields.h"
#include "fuzzers/experiment/experiments.h"
#include "fuzzers/experiment/uses.h"
#include "fuzzers/experiment/variations.h"
#include "fuzzers/experiment/write_forms.h"
#include "oracle/diagnosis/touched.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

// Effects of which the condition is looked for.
constexpr std::size_t kMostTried = 14;
constexpr std::size_t kMostRedirecting = 8;
constexpr std::size_t kMostOfUses = 6;
// Of the pool, which part each effect on one use is held against.
constexpr std::size_t kUsesStride = 16;

// An address that is cut: an instance of a mask, which is learned.
bool IsCutAddress(const Alteration& alteration) {
  return (alteration.slot == Slot::kWalk6 || alteration.slot == Slot::kWalk9) &&
         alteration.name.ends_with("-bits");
}

}  // namespace

void Experiments::AddIfItExplains(const Observed& seed, const Effect& effect,
                                  const std::vector<Atom>& when,
                                  std::vector<Attempt>& list) {
  for (const bool event_only : {false, true}) {
    if (event_only && !seed.DepartsInEvent()) return;
    Attempt attempt{effect, when};
    attempt.effect.event_only = event_only;
    const bool known =
        std::any_of(list.begin(), list.end(), [&](const Attempt& other) {
          return other.effect == attempt.effect && other.when == when;
        });
    if (known) return;
    if (predictor_.Of(attempt.effect, when, seed) != Says::kExplains) continue;
    list.push_back(std::move(attempt));
    return;
  }
}

void Experiments::AddTakes(const Observed& seed, std::vector<Attempt>& list) {
  const auto add = [&](const Effect& effect, const std::vector<Atom>& when) {
    AddIfItExplains(seed, effect, when, list);
  };
  for (const WordInfo& info : kQuestionWords) {
    if (!Has(seed.question, info.word)) continue;
    const std::uint64_t value = ValueOf(seed.question, info.word);
    Effect effect{.kind = Effect::Kind::kTakes, .word = info.word};
    if (info.kind == WordKind::kBits) {
      for (unsigned b = 0; b < info.bits; ++b) {
        effect.mask = bits::Bit(b);
        effect.value = ~value & effect.mask;
        add(effect, {});
      }
      continue;
    }
    ForEachNumber(info.word, value, [&](std::uint64_t number) {
      effect.mask = NumberSet(value);
      effect.value = number;
      Atom was;
      was.word = info.word;
      was.mask = NumberSet(value);
      add(effect, {was});
    });
  }
  for (const EntryRead& entry : seed.entries) {
    Effect effect{.kind = Effect::Kind::kTakes,
                  .word = Word::kEntry,
                  .structure = entry.structure};
    const std::vector<Atom> place = {
        AtItself(Word::kEntryLevel, entry.level),
        AtItself(Word::kEntryFor, entry.guest_level)};
    for (unsigned b = 0; b < BitsOf(seed.question, entry); ++b) {
      effect.mask = bits::Bit(b);
      effect.value = ~entry.value & effect.mask;
      add(effect, place);
      // Where several entries are taken so, one place explains little.
      if (RedirectsOnly(effect)) add(effect, {});
    }
  }
}

// What an entry is taken for in one use by a bit that it has, or is not by that
// which says it.
void Experiments::AddUses(const Observed& seed, std::vector<Attempt>& list) {
  const bool mbec = HasSecondary(seed.question, bits::kSecondaryMbec);
  for (const EntryRead& entry : seed.entries) {
    const std::vector<Atom> place = {
        AtItself(Word::kEntryLevel, entry.level),
        AtItself(Word::kEntryFor, entry.guest_level)};
    std::vector<Effect> tried;
    for (const EntryUse& use : kEntryUses) {
      if (use.structure != entry.structure) continue;
      Effect effect{.kind = Effect::Kind::kTakes,
                    .word = Word::kEntry,
                    .structure = entry.structure,
                    .from = use.bit,
                    .part = use.part};
      // Several slots may ask it.
      if (std::find(tried.begin(), tried.end(), effect) != tried.end())
        continue;
      tried.push_back(effect);
      // Of all entries it is the last that is meant, wherever it is.
      const std::vector<Atom> when =
          use.over == Over::kEntry ? place : std::vector<Atom>{};
      if (use.part == Part::kIndex) {
        AddIndexes(seed, entry, effect, list);
        continue;
      }
      const std::uint64_t by_the_sdm =
          use.part == Part::kPresence ? PresenceBits(mbec) : use.bit;
      if ((entry.value & by_the_sdm) != 0) {
        effect.mask = entry.value & by_the_sdm;
        AddIfItExplains(seed, effect, when, list);
        continue;
      }
      for (unsigned b = 0; b < BitsOf(seed.question, entry); ++b) {
        effect.mask = effect.value = entry.value & bits::Bit(b);
        if (effect.mask == 0) continue;
        if (use.part == Part::kReserved) {
          // Only what the SDM has ignored.
          Case other = seed.question;
          SetEntry(other, entry, entry.value ^ effect.mask);
          if (predictor_.Differ(seed.question, other)) continue;
        }
        AddIfItExplains(seed, effect, when, list);
      }
    }
  }
}

// A bit of the address that is translated, in the index of this entry.
void Experiments::AddIndexes(const Observed& seed, const EntryRead& entry,
                             Effect effect, std::vector<Attempt>& list) {
  const unsigned low = 12 + 9 * (entry.level - 1u);
  for (unsigned b = low; b < low + 9; ++b) {
    for (const std::uint64_t value : {std::uint64_t{0}, bits::Bit(b)}) {
      effect.mask = bits::Bit(b);
      effect.value = value;
      AddIfItExplains(seed, effect, {}, list);
    }
  }
}

void Experiments::AddAltered(const Observed& seed, std::vector<Attempt>& list) {
  const auto all = AllAlterations();
  Combination combination;
  for (const Alteration* alteration : dialect_.alterations()) {
    combination.push_back(static_cast<std::uint16_t>(alteration - all.data()));
  }
  std::sort(combination.begin(), combination.end());
  const TouchedBy touched_by(combination);
  MachineState state;
  state.declared = declared_;
  state.Load(seed.question);
  const Step* step =
      seed.question.steps.empty() ? nullptr : &seed.question.steps.back();
  if (step != nullptr) state.Begin(*step);
  const auto verdict = std::make_unique<Verdict>();
  const auto trace = std::make_unique<Trace>();
  trace->keeps_hits = false;
  const AlterationSet touched = touched_by.Judge(state, step, *verdict, *trace);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!touched[i] || IsCutAddress(all[i])) continue;
    Attempt attempt;
    attempt.effect.kind = Effect::Kind::kAltered;
    attempt.effect.alteration = &all[i];
    if (predictor_.Of(attempt.effect, {}, seed) == Says::kExplains) {
      list.push_back(std::move(attempt));
    }
  }
}

void Experiments::AddAnswers(const Observed& seed, std::vector<Attempt>& list) {
  const Disagreement& first = seed.disagreements[0];
  Effect effect{.kind = Effect::Kind::kAnswers,
                .field = first.field,
                .index = first.index,
                .expected_event = seed.expected,
                .given_event = ClassOf(seed.outcome.event),
                .given = first.given};
  if (IsBit(first.field)) {
    effect.given =
        first.given >>
            (first.field == Field::kMemory ? first.index : std::uint8_t{0}) &
        1;
  }
  list.push_back({effect, {}});
  if (first.field <= Field::kExitReason) return;
  AddThatOfElse(seed, effect, list);
  if (IsBit(first.field)) {
    if (first.field == Field::kMemory) return;
    effect.form = Form::kInverted;
    list.push_back({effect, {}});
    return;
  }
  effect.form = Form::kInstead;
  effect.was = first.expected;
  list.push_back({effect, {}});
  effect.was = 0;
  effect.form = Form::kOffset;
  effect.given = first.given - first.expected;
  list.push_back({effect, {}});
  effect.given = first.given;
  const std::uint64_t lost = first.expected & ~first.given;
  if (lost != 0 && (first.given & ~first.expected) == 0) {
    effect.form = Form::kCleared;
    for (const std::uint64_t mask :
         {lost, lost | 0xfff, lost | ~std::uint64_t{0xffffffff}}) {
      if ((first.expected & ~mask) != first.given) continue;
      effect.given = mask;
      list.push_back({effect, {}});
    }
  }
  effect.given = first.expected ^ first.given;
  effect.form = Form::kFlipped;
  list.push_back({effect, {}});
  effect.form = Form::kOther;
  list.push_back({effect, {}});
}

// What is that of something else, or a write as a whole.
void Experiments::AddThatOfElse(const Observed& seed, Effect effect,
                                std::vector<Attempt>& list) {
  const Disagreement& first = seed.disagreements[0];
  if (const auto write = FormOfWrite(seed, first)) {
    effect.form = write->form;
    effect.place = write->place;
    effect.was = write->was;
    effect.given = write->given;
    effect.index = 0;
    list.push_back({effect, {}});
    return;
  }
  effect.given = 0;
  const auto add = [&](Form form, std::uint64_t was) {
    effect.form = form;
    effect.was = was;
    if (GivesAs(effect, seed, first)) list.push_back({effect, {}});
  };
  add(Form::kPrevious, 0);
  if (IsBit(first.field)) return;
  // Of 0 anything is the frame.
  if (first.given != 0) add(Form::kFrame, 0);
  add(Form::kFirstDimension, 0);
  add(Form::kOtherPage, 0);
  for (std::uint64_t level = 1; level <= 5; ++level) add(Form::kOfEntry, level);
}

std::vector<Experiments::Attempt> Experiments::Candidates(
    const Observed& seed) {
  std::vector<Attempt> list;
  AddTakes(seed, list);
  AddUses(seed, list);
  AddAltered(seed, list);
  AddAnswers(seed, list);
  // Those that explain most of what departs, at little cost for what agrees
  // nearby: where those fail, a condition has to be found.
  for (Attempt& attempt : list) {
    double contradicted = 0;
    double explained = 0;
    std::size_t looked_at = 0;
    for (const Observed* o : departing_) {
      if (++looked_at > 150) break;
      explained +=
          predictor_.Of(attempt.effect, attempt.when, *o) == Says::kExplains;
    }
    for (std::size_t i = 0; i < near_.size(); i += 3) {
      const Says says = predictor_.Of(attempt.effect, attempt.when, near_[i]);
      explained += kNearWeight * (says == Says::kExplains);
      contradicted += kNearWeight * (says == Says::kContradicts);
    }
    // A bit that all entries have says anything, where nothing agrees nearby.
    if (IsOneUse(attempt.effect.part)) {
      for (std::size_t i = 0; i < pool_.size(); i += kUsesStride) {
        contradicted += predictor_.Of(attempt.effect, attempt.when, pool_[i]) ==
                        Says::kContradicts;
      }
    }
    attempt.score =
        explained - (IsOneUse(attempt.effect.part) ? 1 : 0.2) * contradicted;
    if (attempt.effect.kind == Effect::Kind::kAnswers) attempt.score *= 0.9;
    if (attempt.effect.event_only) attempt.score *= 0.95;
  }
  for (std::size_t i = 0; i < list.size(); ++i) list[i].place = i;
  Sort(list);
  // What fits anything stays; what leads astray, which explains much, takes
  // nobody else's place.
  enum Group { kRedirecting, kOfIndex, kOfUse, kOther, kGroups };
  constexpr std::array<std::size_t, kGroups> kMost = {
      kMostRedirecting, kMostRedirecting, kMostOfUses, kMostTried};
  std::array<std::size_t, kGroups> places = {};
  std::vector<Attempt> kept;
  for (const Attempt& attempt : list) {
    const Group group = attempt.effect.part == Part::kIndex ? kOfIndex
                        : RedirectsOnly(attempt.effect)     ? kRedirecting
                        : IsOneUse(attempt.effect.part)     ? kOfUse
                                                            : kOther;
    const std::size_t place = places[group]++;
    const bool fits_anything = attempt.effect.kind == Effect::Kind::kAnswers;
    if (fits_anything || place < kMost[group]) {
      kept.push_back(attempt);
    }
  }
  return kept;
}

}  // namespace eptdiff
