#include "fuzzers/experiment/prediction.h"

#include <algorithm>

#include "fuzzers/experiment/answer_fields.h"

namespace eptdiff {
namespace {

// A walk whose entries are taken otherwise leads to others, which may be, too.
constexpr int kMostTaken = 24;

bool TakesEntries(const Effect& effect) {
  return effect.kind == Effect::Kind::kTakes && effect.word == Word::kEntry;
}

// Accessed and dirty flags, which the answer may itself set.
constexpr std::uint64_t kFlags = 0x360;

std::uint64_t WordAt(const Case& question, Hpa address) {
  std::uint64_t value = 0;
  for (const MemoryWord& word : question.memory) {
    if (word.address == address) value = word.value;
  }
  return value;
}

bool SameDisagreement(const Effect& effect, const Disagreement& d) {
  return d.field == effect.field &&
         (!IsBit(d.field) || d.index == effect.index);
}

bool GivenAs(const Effect& effect, const Disagreement& d) {
  switch (effect.form) {
    case Form::kConstant:
      return d.given == effect.given;
    case Form::kCleared:
      return d.given == (d.expected & ~effect.given);
    case Form::kInverted:
    case Form::kOther:
      return true;
  }
  return true;
}

}  // namespace

// A word of memory that was patched.
struct Predictor::Patch {
  Hpa word;
  std::uint64_t mask = 0;  // of the whole word
  EntryRead entry;
};

Predictor::Predictor(const Dialect& dialect, FieldSet fields)
    : fields_(fields),
      dialect_(dialect),
      reference_(dialect),
      verdict_(std::make_unique<Verdict>()),
      other_verdict_(std::make_unique<Verdict>()),
      trace_(std::make_unique<Trace>()) {
  trace_->keeps_hits = false;
}

Predictor::~Predictor() = default;

void Predictor::JudgeBy(const Reference& reference, const Case& question) {
  ++judged_;
  state_.Load(question);
  const Step* step = question.steps.empty() ? nullptr : &question.steps[0];
  if (step != nullptr) state_.Begin(*step);
  reference.Judge(state_, step, *verdict_, *trace_);
}

const Reference& Predictor::With(const Alteration* alteration) {
  if (alteration == nullptr) return reference_;
  auto& altered = altered_[alteration];
  if (altered == nullptr) {
    altered = std::make_unique<Reference>(dialect_.With(*alteration));
  }
  return *altered;
}

bool Predictor::Take(const Effect& effect, const std::vector<Atom>& when,
                     const Reference& reference, Case& question,
                     std::vector<Patch>& patches) {
  if (effect.word != Word::kEntry) {
    // Atoms about an entry are not met by a word that is none.
    const std::uint64_t value = ValueOf(question, effect.word);
    const std::uint64_t taken = TakenFor(effect, value);
    if (taken == value) return false;
    const bool of_entries =
        std::any_of(when.begin(), when.end(), [](const Atom& atom) {
          return atom.of != Atom::Of::kQuestion;
        });
    std::vector<EntryRead> entries;
    if (of_entries) {
      JudgeBy(reference, question);
      entries.assign(trace_->entries.begin(), trace_->entries.end());
    }
    const EntryRead* last = entries.empty() ? nullptr : &entries.back();
    if (!HoldAll(when, question, entries, last)) return false;
    SetValue(question, effect.word, taken);
    return true;
  }
  const Case original = question;
  bool any = false;
  for (int i = 0; i < kMostTaken; ++i) {
    JudgeBy(reference, question);
    const std::vector<EntryRead> entries(trace_->entries.begin(),
                                         trace_->entries.end());
    bool again = false;
    for (const EntryRead& entry : entries) {
      if (entry.structure != effect.structure) continue;
      const auto place = [&](const Patch& patch) {
        return patch.entry.address == entry.address;
      };
      if (std::any_of(patches.begin(), patches.end(), place)) continue;
      const std::uint64_t taken = TakenFor(effect, entry.value);
      if (taken == entry.value) continue;
      if (!HoldAll(when, question, entries, &entry)) continue;
      Patch patch;
      patch.word = Hpa{entry.address.value & ~std::uint64_t{7}};
      patch.mask = effect.mask << (BitsOf(question, entry) == 32 &&
                                           (entry.address.value & 4) != 0
                                       ? 32
                                       : 0);
      patch.entry = entry;
      patches.push_back(patch);
      SetEntry(question, entry, taken);
      any = again = true;
      break;  // what follows may be other entries
    }
    if (!again) break;
  }
  return any;
}

// What the answer leaves or repeats of words that were taken otherwise is as they
// were taken.
void Predictor::AsTaken(const Case& question) {
  const auto follow = [](auto& given, const auto& was, const auto& taken) {
    if (given == was) given = taken;
  };
  Registers& registers = outcome_.registers;
  follow(registers.eptp, question.controls.eptp, state_.controls.eptp);
  follow(registers.pml_index, question.controls.pml_index,
         state_.controls.pml_index);
  follow(registers.eptp_index, question.controls.eptp_index,
         state_.controls.eptp_index);
  for (std::size_t i = 0; i < registers.pdpte.size(); ++i) {
    follow(registers.pdpte[i], question.guest.pdpte[i], state_.guest.pdpte[i]);
  }
}

bool Predictor::Fits(const Observed& observed,
                     const std::vector<Patch>& patches) {
  if (verdict_->standing != Standing::kJudged) return false;
  // `state_` is that of the patched question.
  bool flags = false;
  for (const Patch& patch : patches) flags |= (patch.mask & kFlags) != 0;
  for (int attempt = 0; attempt < (flags ? 2 : 1); ++attempt) {
    outcome_ = observed.outcome;
    AsTaken(observed.question);
    for (const Patch& patch : patches) {
      const std::uint64_t original = WordAt(observed.question, patch.word);
      const std::uint64_t taken = state_.memory.Load(patch.word);
      std::uint64_t after = original;
      std::size_t place = outcome_.writes.size();
      for (std::size_t i = 0; i < outcome_.writes.size(); ++i) {
        if (outcome_.writes[i].address != patch.word) continue;
        after = outcome_.writes[i].value;
        place = i;
      }
      if (attempt == 0) after = (after & ~patch.mask) | (taken & patch.mask);
      if (place < outcome_.writes.size()) {
        outcome_.writes[place].value = after;
      } else if (after != taken && !outcome_.writes.full()) {
        outcome_.writes.push_back({patch.word, after});
      }
    }
    FixedVector<MemoryWord, kMaxStepWrites> writes;
    for (const MemoryWord& write : outcome_.writes) {
      if (state_.memory.Load(write.address) != write.value) {
        writes.push_back(write);
      }
    }
    std::sort(writes.begin(), writes.end(),
              [](const MemoryWord& a, const MemoryWord& b) {
                return a.address.value < b.address.value;
              });
    outcome_.writes = writes;
    Judge(*verdict_, state_, outcome_, fields_, finding_);
    if (finding_.conforms) return true;
  }
  return false;
}

bool Predictor::FitsEvent(const EventClass& given) const {
  if (verdict_->standing != Standing::kJudged) return false;
  return std::any_of(
      verdict_->alternatives.begin(), verdict_->alternatives.end(),
      [&](const Alternative& a) { return ClassOf(a.event) == given; });
}

Says Predictor::OfAnswers(const Effect& effect, const std::vector<Atom>& when,
                          const Observed& observed) {
  const EntryRead* last =
      observed.entries.empty() ? nullptr : &observed.entries.back();
  if (!HoldAll(when, observed.question, observed.entries, last)) {
    return observed.departs ? Says::kOtherwise : Says::kNothing;
  }
  if (observed.departs) {
    const Disagreement& first = observed.disagreements[0];
    if (effect.field <= Field::kExitReason) {
      return observed.DepartsInEvent() &&
                     observed.expected == effect.expected_event &&
                     ClassOf(observed.outcome.event) == effect.given_event
                 ? Says::kExplains
                 : Says::kOtherwise;
    }
    return SameDisagreement(effect, first) && GivenAs(effect, first)
               ? Says::kExplains
               : Says::kOtherwise;
  }
  Outcome instead;
  if (!GiveInstead(effect, observed, instead)) return Says::kNothing;
  if (effect.field <= Field::kExitReason) return Says::kContradicts;
  JudgeBy(reference_, observed.question);
  if (verdict_->standing != Standing::kJudged) return Says::kNothing;
  Judge(*verdict_, state_, instead, fields_, finding_);
  return finding_.conforms ? Says::kNothing : Says::kContradicts;
}

Says Predictor::Of(const Effect& effect, const std::vector<Atom>& when,
                   const Observed& observed) {
  const Says unmet = observed.departs ? Says::kOtherwise : Says::kNothing;
  if (effect.kind == Effect::Kind::kAnswers) {
    return OfAnswers(effect, when, observed);
  }
  std::vector<Patch> patches;
  if (effect.kind == Effect::Kind::kTakes) {
    Case question = observed.question;
    if (!Take(effect, when, reference_, question, patches)) return unmet;
    JudgeBy(reference_, question);
  } else {
    const EntryRead* last =
        observed.entries.empty() ? nullptr : &observed.entries.back();
    if (!HoldAll(when, observed.question, observed.entries, last)) return unmet;
    JudgeBy(With(effect.alteration), observed.question);
  }
  if (verdict_->standing != Standing::kJudged) return unmet;
  const bool fits =
      effect.event_only
          ? FitsEvent(ClassOf(observed.outcome.event)) &&
                (!observed.departs || observed.DepartsInEvent())
          : Fits(observed, patches);
  if (observed.departs) return fits ? Says::kExplains : Says::kOtherwise;
  return fits ? Says::kNothing : Says::kContradicts;
}

bool Predictor::Explain(std::span<const Cause> causes,
                        const Observed& observed) {
  Case question = observed.question;
  std::vector<Patch> patches;
  Dialect dialect = dialect_;
  bool event_only = false;
  const EntryRead* last =
      observed.entries.empty() ? nullptr : &observed.entries.back();
  for (const Cause& cause : causes) {
    if (cause.effect.kind == Effect::Kind::kTakes) {
      const bool taken =
          Take(cause.effect, cause.when, reference_, question, patches);
      event_only |= taken && cause.effect.event_only;
    } else if (cause.effect.kind == Effect::Kind::kAltered &&
               HoldAll(cause.when, question, observed.entries, last)) {
      dialect = dialect.With(*cause.effect.alteration);
      event_only |= cause.effect.event_only;
    }
  }
  JudgeBy(Reference(dialect), question);
  if (verdict_->standing != Standing::kJudged) return false;
  if (Fits(observed, patches)) return true;
  if (event_only && FitsEvent(ClassOf(observed.outcome.event))) return true;
  // What still does not fit may be what the others give instead.
  for (const Disagreement& d : finding_.disagreements) {
    const bool given =
        std::any_of(causes.begin(), causes.end(), [&](const Cause& cause) {
          const Effect& effect = cause.effect;
          if (effect.kind != Effect::Kind::kAnswers) return false;
          if (!HoldAll(cause.when, observed.question, observed.entries, last)) {
            return false;
          }
          if (effect.field <= Field::kExitReason) {
            return ClassOf(observed.outcome.event) == effect.given_event &&
                   FitsEvent(effect.expected_event);
          }
          return SameDisagreement(effect, d) && GivenAs(effect, d);
        });
    if (!given) return false;
  }
  return true;
}

std::vector<EntryRead> Predictor::Taken(const Effect& effect,
                                        const std::vector<Atom>& when,
                                        const Case& question) {
  std::vector<EntryRead> taken;
  if (!TakesEntries(effect)) return taken;
  Case patched = question;
  std::vector<Patch> patches;
  Take(effect, when, reference_, patched, patches);
  for (const Patch& patch : patches) taken.push_back(patch.entry);
  return taken;
}

bool Predictor::Matters(const Effect& effect, const std::vector<Atom>& when,
                        const Case& question,
                        std::vector<EntryRead>& entries) {
  JudgeBy(reference_, question);
  entries.assign(trace_->entries.begin(), trace_->entries.end());
  if (verdict_->standing != Standing::kJudged) return false;
  const EntryRead* last = entries.empty() ? nullptr : &entries.back();
  if (effect.kind == Effect::Kind::kAnswers) {
    if (!HoldAll(when, question, entries, last)) return false;
    return effect.field > Field::kExitReason ||
           FitsEvent(effect.expected_event);
  }
  std::swap(verdict_, other_verdict_);
  if (effect.kind == Effect::Kind::kAltered) {
    if (!HoldAll(when, question, entries, last)) return false;
    JudgeBy(With(effect.alteration), question);
  } else {
    Case patched = question;
    std::vector<Patch> patches;
    if (!Take(effect, when, reference_, patched, patches)) return false;
    JudgeBy(reference_, patched);
  }
  return !SameVerdict(*verdict_, *other_verdict_);
}

}  // namespace eptdiff
