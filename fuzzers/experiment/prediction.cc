#include "fuzzers/experiment/prediction.h"

#include <algorithm>

#include "fuzzers/entries/bits.h"
#include "fuzzers/experiment/answer_fields.h"
#include "fuzzers/experiment/uses.h"
#include "fuzzers/experiment/write_forms.h"

namespace eptdiff {
namespace {

// Accessed and dirty flags, which the answer may itself set.
constexpr std::uint64_t kFlags = 0x360;

// Whether a form is of a field as a whole that is listed bit by bit.
bool IsWhole(Form form) { return form == Form::kPrevious || IsOfWord(form); }

bool SameDisagreement(const Effect& effect, const Disagreement& d) {
  return d.field == effect.field &&
         (!IsBit(d.field) || d.index == effect.index || IsWhole(effect.form));
}

// Where entries that are taken otherwise in one use are looked at for that;
// null: in any.
Dialect WithUses(Dialect dialect, const Effect* effect) {
  for (const Alteration& alteration : ThatSeeAsTaken()) {
    const bool asked = std::any_of(
        std::begin(kEntryUses), std::end(kEntryUses), [&](const EntryUse& use) {
          return use.slot == alteration.slot &&
                 (effect == nullptr || IsAbout(*effect, use));
        });
    if (asked) dialect = dialect.With(alteration);
  }
  return dialect;
}

}  // namespace

Predictor::Predictor(const Dialect& dialect, FieldSet fields,
                     const Declared& declared)
    : fields_(fields),
      dialect_(dialect),
      reference_(dialect),
      as_taken_(WithUses(dialect, nullptr)),
      verdict_(std::make_unique<Verdict>()),
      other_verdict_(std::make_unique<Verdict>()),
      trace_(std::make_unique<Trace>()) {
  state_.declared = declared;
  trace_->keeps_hits = false;
}

Predictor::~Predictor() = default;

void Predictor::JudgeBy(const Reference& reference, const Case& question,
                        TakenEntries* entries) {
  ++judged_;
  state_.Load(question);
  if (question.steps.empty()) {
    reference.JudgeEntry(state_, *verdict_, *trace_);
    return;
  }
  // What comes before it leaves all as it is.
  const Step& step = question.steps.back();
  state_.Begin(step);
  if (entries == nullptr) {
    reference.Judge(state_, &step, *verdict_, *trace_);
  } else if (entries->AreOfUses()) {
    SeeingAsTaken(*entries).Judge(state_, step, *verdict_, *trace_, entries);
  } else {
    reference.Judge(state_, step, *verdict_, *trace_, entries);
  }
}

const Reference& Predictor::SeeingAsTaken(const TakenEntries& entries) {
  const Effect* effect = entries.only();
  if (effect == nullptr) return as_taken_;
  auto& seeing = seeing_[{effect->part, effect->structure, effect->from}];
  if (seeing == nullptr) {
    seeing = std::make_unique<Reference>(WithUses(dialect_, effect));
  }
  return *seeing;
}

const Reference& Predictor::With(const Alteration* alteration) {
  if (alteration == nullptr) return reference_;
  auto& altered = altered_[alteration];
  if (altered == nullptr) {
    altered = std::make_unique<Reference>(dialect_.With(*alteration));
  }
  return *altered;
}

bool Predictor::TakeWord(const Effect& effect, const std::vector<Atom>& when,
                         const std::vector<EntryRead>& entries,
                         Case& question) {
  const std::uint64_t value = ValueOf(question, effect.word);
  const std::uint64_t taken = TakenFor(effect, value);
  if (taken == value) return false;
  const EntryRead* last = LastOf(entries);
  if (!HoldAll(when, question, entries, last)) return false;
  SetValue(question, effect.word, taken);
  // Whoever overlooks the secondary controls walks EPT all the same.
  if (effect.word == Word::kPrimary &&
      (value & ~taken & bits::kPrimarySecondary) != 0) {
    SetValue(question, Word::kPrimary, value);
    SetValue(question, Word::kSecondary,
             ValueOf(question, Word::kSecondary) & bits::kSecondaryEpt);
  }
  return true;
}

// What the answer leaves or repeats of words that were taken otherwise is as
// they were taken.
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

bool Predictor::Fits(const Observed& observed, const TakenEntries* entries) {
  if (verdict_->standing != Standing::kJudged) return false;
  outcome_ = observed.outcome;
  AsTaken(observed.question);
  if (entries != nullptr && !outcome_.writes.empty()) {
    // Who sets a flag in an entry may write back what he took it for.
    FixedVector<MemoryWord, kMaxStepWrites> writes;
    for (MemoryWord write : outcome_.writes) {
      const std::uint64_t before = state_.memory.Load(write.address);
      for (const EntryRead& entry : entries->taken()) {
        if (entry.address == write.address) {
          write.value = (write.value & kFlags) | (before & ~kFlags);
        }
      }
      if (write.value != before) writes.push_back(write);
    }
    outcome_.writes = writes;
  }
  Judge(*verdict_, state_, outcome_, fields_, finding_);
  return finding_.conforms;
}

bool Predictor::FitsEvent(const EventClass& given) const {
  if (verdict_->standing != Standing::kJudged) return false;
  return std::any_of(
      verdict_->alternatives.begin(), verdict_->alternatives.end(),
      [&](const Alternative& a) { return ClassOf(a.event) == given; });
}

Says Predictor::OfAnswers(const Effect& effect, const std::vector<Atom>& when,
                          const Observed& observed) {
  const EntryRead* last = LastOf(observed);
  if (!HoldAll(when, observed.question, observed.entries, last)) {
    return observed.departs ? Says::kOtherwise : Says::kNothing;
  }
  if (observed.departs) {
    const Disagreement& first = observed.disagreements[0];
    if (effect.field <= Field::kExitReason) {
      if (!observed.DepartsInEvent() ||
          ClassOf(observed.outcome.event) != effect.given_event) {
        return Says::kOtherwise;
      }
      if (observed.expected == effect.expected_event) return Says::kExplains;
      // It may have been held against another of several alternatives.
      JudgeBy(reference_, observed.question);
      return FitsEvent(effect.expected_event) ? Says::kExplains
                                              : Says::kOtherwise;
    }
    return SameDisagreement(effect, first) && GivesAs(effect, observed, first)
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
  if (IsOfEntries(effect) &&
      !MayTake(effect, when, observed.question, observed.entries)) {
    ++judged_;
    return unmet;
  }
  TakenEntries entries(observed.question, observed.entries);
  if (IsOfEntries(effect)) {
    entries.Add(effect, when);
    JudgeBy(reference_, observed.question, &entries);
    if (!entries.took()) return unmet;
    taken_ = entries.taken();
  } else if (effect.kind == Effect::Kind::kTakes) {
    Case question = observed.question;
    if (!TakeWord(effect, when, observed.entries, question)) return unmet;
    JudgeBy(reference_, question);
  } else {
    const EntryRead* last = LastOf(observed);
    if (!HoldAll(when, observed.question, observed.entries, last)) return unmet;
    JudgeBy(With(effect.alteration), observed.question);
  }
  if (verdict_->standing != Standing::kJudged) {
    return observed.departs ? Says::kSilent : Says::kNothing;
  }
  const bool fits = effect.event_only
                        ? FitsEvent(ClassOf(observed.outcome.event)) &&
                              (!observed.departs || observed.DepartsInEvent())
                        : Fits(observed, &entries);
  if (observed.departs) return fits ? Says::kExplains : Says::kOtherwise;
  return fits ? Says::kNothing : Says::kContradicts;
}

bool Predictor::Explain(std::span<const Cause> causes,
                        const Observed& observed) {
  Case question = observed.question;
  TakenEntries entries(observed.question, observed.entries);
  Dialect dialect = dialect_;
  bool event_only = false;
  const EntryRead* last = LastOf(observed);
  for (const Cause& cause : causes) {
    if (IsOfEntries(cause.effect)) {
      entries.Add(cause.effect, cause.when);
      event_only |= cause.effect.event_only;
    } else if (cause.effect.kind == Effect::Kind::kTakes) {
      const bool taken =
          TakeWord(cause.effect, cause.when, observed.entries, question);
      event_only |= taken && cause.effect.event_only;
    } else if (cause.effect.kind == Effect::Kind::kAltered &&
               HoldAll(cause.when, question, observed.entries, last)) {
      dialect = dialect.With(*cause.effect.alteration);
    }
  }
  const bool altered =
      dialect.alterations().size() != dialect_.alterations().size();
  JudgeBy(altered ? Reference(dialect) : reference_, question,
          entries.empty() ? nullptr : &entries);
  if (verdict_->standing != Standing::kJudged) return true;
  if (Fits(observed, &entries)) return true;
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
          return SameDisagreement(effect, d) && GivesAs(effect, observed, d);
        });
    if (!given) return false;
  }
  return true;
}

bool Predictor::Differ(const Case& a, const Case& b) {
  JudgeBy(reference_, a);
  std::swap(verdict_, other_verdict_);
  JudgeBy(reference_, b);
  return !SameVerdict(*verdict_, *other_verdict_);
}

std::vector<EntryRead> Predictor::Taken(const Effect& effect,
                                        const std::vector<Atom>& when,
                                        const Observed& observed) {
  if (!IsOfEntries(effect)) return {};
  if (!MayTake(effect, when, observed.question, observed.entries)) {
    ++judged_;
    return {};
  }
  TakenEntries entries(observed.question, observed.entries);
  entries.Add(effect, when);
  JudgeBy(reference_, observed.question, &entries);
  return entries.taken();
}

bool Predictor::Matters(const Effect& effect, const std::vector<Atom>& when,
                        const Case& question, std::vector<EntryRead>& entries) {
  JudgeBy(reference_, question);
  entries.assign(trace_->entries.begin(), trace_->entries.end());
  if (verdict_->standing != Standing::kJudged) return false;
  const EntryRead* last = LastOf(entries);
  if (effect.kind == Effect::Kind::kAnswers) {
    if (!HoldAll(when, question, entries, last)) return false;
    return effect.field > Field::kExitReason ||
           FitsEvent(effect.expected_event);
  }
  std::swap(verdict_, other_verdict_);
  if (effect.kind == Effect::Kind::kAltered) {
    if (!HoldAll(when, question, entries, last)) return false;
    JudgeBy(With(effect.alteration), question);
  } else if (IsOfEntries(effect)) {
    TakenEntries taken(question, entries);
    taken.Add(effect, when);
    JudgeBy(reference_, question, &taken);
    if (!taken.took()) return false;
  } else {
    Case other = question;
    if (!TakeWord(effect, when, entries, other)) return false;
    JudgeBy(reference_, other);
  }
  return !SameVerdict(*verdict_, *other_verdict_);
}

}  // namespace eptdiff
