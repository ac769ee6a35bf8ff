#include "fuzzers/experiment/experiments.h"

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <utility>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/experiment/answer_fields.h"
#include "fuzzers/experiment/variations.h"
#include "oracle/diagnosis/touched.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

// Effects of which the condition is looked for.
constexpr std::size_t kMostTried = 14;
constexpr std::size_t kMostAtoms = 6;
// Of the pool, which part is looked at before it is known what looks good.
constexpr std::size_t kFirstStride = 4;
// Questions that are made for an effect: in all, and of one kind.
constexpr std::size_t kMostSpread = 240;
constexpr std::size_t kMostOfKind = 10;

// How much an answer counts: what was varied on purpose says more than what
// happened to be asked.
constexpr double kDepartingWeight = 1;
constexpr double kNearWeight = 0.25;
constexpr double kFarWeight = 0.5;
constexpr double kPoolWeight = 1;
constexpr double kNearContradiction = 5;

bool IsOfEntries(const Effect& effect) {
  return effect.kind == Effect::Kind::kTakes && effect.word == Word::kEntry;
}

std::uint64_t NumberSet(std::uint64_t number) {
  return std::uint64_t{1} << std::min<std::uint64_t>(number, 63);
}

Atom AtItself(Word word, std::uint64_t number) {
  Atom atom;
  atom.of = Atom::Of::kItself;
  atom.word = word;
  atom.mask = NumberSet(number);
  return atom;
}

// What an atom is worth beside another that rules out as much: which of them
// somebody would rather read.
double Readability(const Atom& atom) {
  const bool set = atom.value != 0;
  switch (atom.word) {
    case Word::kEntryRole:
      return 1.02;
    case Word::kEntryLevel:
    case Word::kEntryStructure:
    case Word::kEntryFor:
    case Word::kEntryTop:
      return 1;
    case Word::kAccessKind:
      return 1;
    case Word::kGuestMode:
    case Word::kEptLevels:
    case Word::kStepKind:
      return 0.97;
    case Word::kEntry:
      if (atom.of == Atom::Of::kItself) return set ? 1 : 0.96;
      return set ? 0.95 : 0.9;
    case Word::kMaxphyaddr:
      return 0.9;
    case Word::kPmlAddress:
    case Word::kSpptp:
    case Word::kVeAddress:
    case Word::kEptpList:
    case Word::kHlatp:
    case Word::kApicAddress:
      return 0.6;
    case Word::kGpa:
    case Word::kGla:
    case Word::kPageGla:
    case Word::kValue:
      return 0.85;
    default:
      return set ? 0.96 : 0.92;
  }
}

// Whoever goes astray finds nothing there, whatever led him: a bit of an
// address explains what has to do with absent entries.
bool RedirectsOnly(const Effect& effect) {
  if (effect.kind != Effect::Kind::kTakes) return false;
  switch (effect.word) {
    case Word::kEptp:
    case Word::kEntry:
      return (effect.mask & bits::kAddress) != 0;
    case Word::kGpa:
      return true;
    default:
      return false;
  }
}

const EntryRead* LastOf(const Observed& observed) {
  return observed.entries.empty() ? nullptr : &observed.entries.back();
}

}  // namespace

Experiments::Experiments(const Dialect& dialect, FieldSet fields,
                         AskQuestions ask, AskPool ask_pool)
    : dialect_(dialect),
      ask_(std::move(ask)),
      ask_pool_(std::move(ask_pool)),
      predictor_(dialect, fields) {}

Experiments::~Experiments() = default;

std::optional<std::size_t> Experiments::CauseOf(const Observed& observed) {
  std::optional<std::size_t> silent;
  for (std::size_t i = 0; i < causes_.size(); ++i) {
    const Says says = predictor_.Of(causes_[i], observed);
    if (says == Says::kExplains) return i;
    if (says == Says::kSilent) silent = i;
  }
  if (silent.has_value()) return silent;
  if (causes_.size() > 1 && predictor_.Explain(causes_, observed)) {
    return causes_.size() - 1;
  }
  return std::nullopt;
}

template <typename F>
void Experiments::ForEach(F&& f) {
  for (const Observed* o : departing_) f(*o, kDepartingWeight, false);
  for (const Observed& o : near_) f(o, kNearWeight, true);
  for (const Observed& o : far_) f(o, kFarWeight, false);
  for (std::size_t i = 0; i < pool_.size(); i += stride_) {
    f(pool_[i], kPoolWeight, false);
  }
}

void Experiments::Ask(const std::vector<Case>& questions,
                      std::vector<Observed>* list) {
  std::vector<std::optional<Observed>> answers;
  asked_ += questions.size();
  ask_(questions, answers);
  for (auto& answer : answers) {
    if (answer.has_value()) list->push_back(*std::move(answer));
  }
}

void Experiments::Vary(const Observed& seed) {
  near_.clear();
  std::vector<Case> questions;
  ForEachVariation(seed.question, seed.entries,
                   [&](const Case& varied) { questions.push_back(varied); });
  Ask(questions, &near_);
  // What departs there for reasons that are known says nothing of this one.
  std::erase_if(near_, [&](const Observed& o) {
    return o.departs && CauseOf(o).has_value();
  });
}

void Experiments::AddTakes(const Observed& seed, std::vector<Attempt>& list) {
  const auto add = [&](const Effect& effect, std::vector<Atom> when) {
    for (const bool event_only : {false, true}) {
      if (event_only && !seed.DepartsInEvent()) break;
      Attempt attempt{effect, when};
      attempt.effect.event_only = event_only;
      if (predictor_.Of(attempt.effect, when, seed) != Says::kExplains) {
        continue;
      }
      list.push_back(std::move(attempt));
      break;
    }
  };
  for (const WordInfo& info : kQuestionWords) {
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
  state.Load(seed.question);
  const Step* step =
      seed.question.steps.empty() ? nullptr : &seed.question.steps[0];
  if (step != nullptr) state.Begin(*step);
  const auto verdict = std::make_unique<Verdict>();
  const auto trace = std::make_unique<Trace>();
  trace->keeps_hits = false;
  const AlterationSet touched = touched_by.Judge(state, step, *verdict, *trace);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!touched[i]) continue;
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
  if (IsBit(first.field)) {
    if (first.field == Field::kMemory) return;
    effect.form = Form::kInverted;
    list.push_back({effect, {}});
    return;
  }
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
  effect.form = Form::kOther;
  effect.given = first.expected ^ first.given;
  list.push_back({effect, {}});
}

std::vector<Experiments::Attempt> Experiments::Candidates(
    const Observed& seed) {
  std::vector<Attempt> list;
  AddTakes(seed, list);
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
    attempt.score = explained - 0.2 * contradicted;
    if (attempt.effect.kind == Effect::Kind::kAnswers) attempt.score *= 0.9;
    if (attempt.effect.event_only) attempt.score *= 0.95;
  }
  for (std::size_t i = 0; i < list.size(); ++i) list[i].place = i;
  Sort(list);
  if (list.size() <= kMostTried) return list;
  // What fits anything stays.
  std::vector<Attempt> kept(list.begin(),
                            list.begin() + static_cast<int>(kMostTried));
  for (std::size_t i = kMostTried; i < list.size(); ++i) {
    if (list[i].effect.kind == Effect::Kind::kAnswers) kept.push_back(list[i]);
  }
  return kept;
}

std::vector<Atom> Experiments::AtomsOf(const Observed& seed,
                                       const Attempt& attempt) {
  std::vector<Atom> atoms;
  const std::vector<EntryRead> taken =
      predictor_.Taken(attempt.effect, attempt.when, seed);
  const EntryRead* itself = !taken.empty() ? &taken[0] : LastOf(seed);
  const auto bits_of = [&](Atom atom, std::uint64_t value, unsigned count) {
    for (unsigned b = 0; b < count; ++b) {
      atom.mask = bits::Bit(b);
      atom.value = value & atom.mask;
      atoms.push_back(atom);
    }
  };
  for (const WordInfo& info : kQuestionWords) {
    Atom atom;
    atom.word = info.word;
    const std::uint64_t value = ValueOf(seed.question, info.word);
    if (info.kind == WordKind::kBits) {
      bits_of(atom, value, info.bits);
    } else {
      atom.mask = NumberSet(value);
      atoms.push_back(atom);
    }
  }
  if (itself != nullptr) {
    for (const Word word : {Word::kEntryLevel, Word::kEntryRole,
                            Word::kEntryStructure, Word::kEntryFor}) {
      atoms.push_back(AtItself(word, ValueOf(seed.question, *itself, word)));
    }
  }
  for (const EntryRead& entry : seed.entries) {
    Atom atom;
    atom.structure = entry.structure;
    atom.level = entry.level;
    atom.guest_level = entry.guest_level;
    const bool same = itself != nullptr && AreOfOnePlace(entry, *itself);
    atom.of = same ? Atom::Of::kItself : Atom::Of::kOnTheWay;
    if (same) atom = Atom{.of = Atom::Of::kItself};
    atom.word = Word::kEntry;
    bits_of(atom, entry.value, BitsOf(seed.question, entry));
  }
  return atoms;
}

void Experiments::FindCondition(const Observed& seed, Attempt& attempt) {
  const std::vector<Atom> all = AtomsOf(seed, attempt);
  struct Item {
    const Observed* observed;
    double weight;
    bool near;
    const EntryRead* itself;
    std::vector<EntryRead> taken;
  };
  const bool of_entries = IsOfEntries(attempt.effect);
  // What has nothing to do with the effect has nothing to do with it under a
  // condition.
  struct Known {
    const Observed* observed;
    double weight;
    bool near;
  };
  std::vector<Known> known;
  ForEach([&](const Observed& o, double weight, bool near) {
    if (o.departs ||
        predictor_.Of(attempt.effect, attempt.when, o) == Says::kContradicts) {
      known.push_back({&o, weight, near});
    }
  });
  while (attempt.when.size() < kMostAtoms + 2) {
    // What is explained and what is contradicted so far.
    std::vector<Item> yes;
    std::vector<Item> no;
    double yes_weight = 0;
    double no_weight = 0;
    for (const auto& [observed, weight, near] : known) {
      const Observed& o = *observed;
      const Says says = predictor_.Of(attempt.effect, attempt.when, o);
      if (says != Says::kExplains && says != Says::kContradicts) continue;
      Item item{&o, weight, near, LastOf(o), {}};
      if (of_entries) {
        item.taken = predictor_.Taken(attempt.effect, attempt.when, o);
      }
      if (says == Says::kExplains) {
        yes_weight += item.weight;
        yes.push_back(std::move(item));
      } else {
        if (near) item.weight = kNearContradiction;
        no_weight += item.weight;
        no.push_back(std::move(item));
      }
    }
    if (no.empty() || yes.empty()) return;
    const auto holds = [&](const Atom& atom, const Item& item) {
      if (atom.of != Atom::Of::kItself || !of_entries) {
        return Holds(atom, item.observed->question, item.observed->entries,
                     item.itself);
      }
      return std::any_of(item.taken.begin(), item.taken.end(),
                         [&](const EntryRead& entry) {
                           return Holds(atom, item.observed->question,
                                        item.observed->entries, &entry);
                         });
    };
    // A set of numbers is that of all that are explained.
    const auto widened = [&](Atom atom) {
      if (KindOf(atom.word) == WordKind::kBits) return atom;
      for (const Item& item : yes) {
        if (atom.of == Atom::Of::kQuestion) {
          atom.mask |= NumberSet(ValueOf(item.observed->question, atom.word));
        } else if (of_entries && !item.taken.empty()) {
          atom.mask |= NumberSet(
              ValueOf(item.observed->question, item.taken[0], atom.word));
        } else if (item.itself != nullptr) {
          atom.mask |= NumberSet(
              ValueOf(item.observed->question, *item.itself, atom.word));
        }
      }
      return atom;
    };
    double best_worth = 0.03;
    std::optional<Atom> best;
    for (const Atom& candidate : all) {
      const Atom atom = widened(candidate);
      if (std::find(attempt.when.begin(), attempt.when.end(), atom) !=
          attempt.when.end()) {
        continue;
      }
      double gain = 0;
      for (const Item& item : no) {
        if (!holds(atom, item)) gain += item.weight;
      }
      if (gain * Readability(atom) / no_weight <= best_worth) continue;
      double loss = 0;
      bool needless = false;  // it was changed alone, and nothing else with it
      for (const Item& item : yes) {
        if (holds(atom, item)) continue;
        loss += item.weight;
        needless |= item.near;
      }
      if (needless) continue;
      const double worth =
          Readability(atom) * gain / no_weight - 1.2 * loss / yes_weight;
      if (worth <= best_worth) continue;
      best_worth = worth;
      best = atom;
    }
    if (!best.has_value()) return;
    attempt.when.push_back(*best);
    if (predictor_.Of(attempt.effect, attempt.when, seed) != Says::kExplains) {
      attempt.when.pop_back();
      return;
    }
  }
}

void Experiments::Weigh(Attempt& attempt) {
  attempt.explained = 0;
  attempt.contradicted = 0;
  ForEach([&](const Observed& o, double weight, bool near) {
    const Says says = predictor_.Of(attempt.effect, attempt.when, o);
    if (says == Says::kExplains) attempt.explained += weight;
    if (says == Says::kContradicts) {
      attempt.contradicted += near ? kNearContradiction : weight;
    }
  });
  double atoms = 0;
  for (const Atom& atom : attempt.when) {
    // Where it is belongs to an effect on entries; what another entry has to do
    // with it is rather said of the entry itself.
    const bool place =
        atom.word == Word::kEntryLevel || atom.word == Word::kEntryFor;
    if (place && IsOfEntries(attempt.effect)) continue;
    atoms += atom.of == Atom::Of::kOnTheWay ? 1.4 : 1;
  }
  double worth = attempt.explained;
  if (attempt.effect.event_only) worth *= 0.95;
  if (attempt.effect.kind == Effect::Kind::kAnswers) worth *= 0.88;
  if (RedirectsOnly(attempt.effect)) worth *= 0.7;
  worth *= 1 - 0.09 * atoms;
  attempt.score = worth - 3 * attempt.contradicted;
}

void Experiments::Prune(Attempt& attempt) {
  Weigh(attempt);
  for (std::size_t i = 0; i < attempt.when.size();) {
    Attempt less = attempt;
    less.when.erase(less.when.begin() + static_cast<std::ptrdiff_t>(i));
    Weigh(less);
    const bool better = less.contradicted <= attempt.contradicted &&
                        less.explained >= attempt.explained;
    if (better) {
      attempt = std::move(less);
    } else {
      ++i;
    }
  }
}

void Experiments::Spread(const Observed& seed, const Attempt& attempt) {
  std::vector<Case> questions;
  std::map<std::uint64_t, std::size_t> kinds;
  std::vector<Atom> elsewhere;  // without where it was seen
  for (const Atom& atom : attempt.when) {
    if (!IsOfEntry(atom.word) || atom.word == Word::kEntry) {
      elsewhere.push_back(atom);
    }
  }
  std::vector<EntryRead> entries;
  const auto consider = [&](const Case& question, std::uint64_t kind) {
    if (questions.size() >= kMostSpread || kinds[kind] >= kMostOfKind) return;
    if (!predictor_.Matters(attempt.effect, elsewhere, question, entries)) {
      return;
    }
    ++kinds[kind];
    questions.push_back(question);
  };
  const auto of_kind = [](const Case& question, const EntryRead* entry) {
    std::uint64_t kind = ValueOf(question, Word::kGuestMode) * 2 +
                         ValueOf(question, Word::kEptLevels) % 2;
    kind = kind * 8 + ValueOf(question, Word::kAccessKind);
    if (entry == nullptr) return kind;
    kind = kind * 8 + entry->level;
    kind = kind * 4 + ValueOf(question, *entry, Word::kEntryRole);
    return kind * 2 + (entry->guest_level != 0);
  };
  for (const Observed& o : pool_) {
    if (questions.size() >= kMostSpread) break;
    if (!IsOfEntries(attempt.effect)) {
      Case question = o.question;
      MakeHold(elsewhere, seed.question, o.entries, LastOf(o), question);
      if (attempt.effect.kind == Effect::Kind::kTakes) {
        MakeMatter(attempt.effect, question);
      }
      consider(question, of_kind(o.question, LastOf(o)));
      continue;
    }
    for (const EntryRead& entry : o.entries) {
      if (entry.structure != attempt.effect.structure) continue;
      const std::uint64_t kind = of_kind(o.question, &entry);
      if (kinds[kind] >= kMostOfKind) continue;
      Case question = o.question;
      MakeHold(elsewhere, seed.question, o.entries, &entry, question);
      MakeMatter(attempt.effect, elsewhere, entry, question);
      consider(question, kind);
    }
  }
  far_.clear();
  Ask(questions, &far_);
  std::erase_if(far_, [&](const Observed& o) {
    return o.departs && CauseOf(o).has_value();
  });
}

void Experiments::Widen(const Observed& seed, Attempt& attempt) {
  Weigh(attempt);
  for (const Word word : {Word::kEntryFor, Word::kEntryLevel}) {
    const auto at =
        std::find_if(attempt.when.begin(), attempt.when.end(),
                     [&](const Atom& atom) { return atom.word == word; });
    if (at == attempt.when.end()) continue;
    const std::size_t place =
        static_cast<std::size_t>(at - attempt.when.begin());
    Attempt wide = attempt;
    wide.when.erase(wide.when.begin() + static_cast<std::ptrdiff_t>(place));
    Weigh(wide);
    if (wide.contradicted <= attempt.contradicted &&
        wide.explained >= attempt.explained) {
      attempt = std::move(wide);
      continue;
    }
    for (std::uint64_t number = 0; number <= 5; ++number) {
      if ((attempt.when[place].mask & NumberSet(number)) != 0) continue;
      wide = attempt;
      wide.when[place].mask |= NumberSet(number);
      Weigh(wide);
      if (wide.contradicted <= attempt.contradicted &&
          wide.explained > attempt.explained) {
        attempt = wide;
      }
    }
  }
  (void)seed;
}

void Experiments::WidenMask(const Observed& seed, Attempt& attempt) {
  const Effect& effect = attempt.effect;
  if (effect.kind != Effect::Kind::kTakes ||
      KindOf(effect.word) == WordKind::kNumber) {
    return;
  }
  const bool of_entries = IsOfEntries(effect);
  const std::vector<EntryRead> taken =
      predictor_.Taken(effect, attempt.when, seed);
  if (of_entries && taken.empty()) return;
  const std::uint64_t now =
      of_entries ? taken[0].value : ValueOf(seed.question, effect.word);
  const bool to_one = effect.value != 0;
  std::vector<Case> questions;
  std::vector<Effect> effects;
  const unsigned count =
      of_entries ? BitsOf(seed.question, taken[0])
                 : kQuestionWords[static_cast<std::size_t>(effect.word)].bits;
  std::vector<EntryRead> entries;
  for (unsigned b = 0; b < count; ++b) {
    const std::uint64_t bit = bits::Bit(b);
    if ((effect.mask & bit) != 0) continue;
    Effect other = effect;
    other.mask = bit;
    other.value = to_one ? bit : 0;
    std::uint64_t value = (now & ~effect.mask) | effect.value;
    value = to_one ? value & ~bit : value | bit;
    Case question = seed.question;
    if (of_entries) {
      SetEntry(question, taken[0], value);
    } else {
      SetValue(question, effect.word, value);
    }
    if (!predictor_.Matters(other, attempt.when, question, entries)) continue;
    questions.push_back(question);
    effects.push_back(other);
  }
  std::vector<std::optional<Observed>> answers;
  asked_ += questions.size();
  ask_(questions, answers);
  Attempt wide = attempt;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].has_value() || !answers[i]->departs) continue;
    if (predictor_.Of(effects[i], attempt.when, *answers[i]) !=
        Says::kExplains) {
      continue;
    }
    wide.effect.mask |= effects[i].mask;
    wide.effect.value |= effects[i].value;
  }
  for (auto& answer : answers) {
    if (answer.has_value()) far_.push_back(*std::move(answer));
  }
  if (wide.effect == attempt.effect) return;
  Weigh(attempt);
  Weigh(wide);
  if (wide.contradicted <= attempt.contradicted &&
      wide.explained >= attempt.explained) {
    attempt = std::move(wide);
  }
}

// The best first.
void Experiments::Sort(std::vector<Attempt>& list) {
  std::sort(list.begin(), list.end(), [](const Attempt& a, const Attempt& b) {
    return a.score != b.score ? a.score > b.score : a.place < b.place;
  });
}

// A bit that is taken for 1 if another is 1, or for 0 if that is 0, may be
// taken for that other one.
void Experiments::TryOtherBit(Attempt& attempt) {
  if (!IsOfEntries(attempt.effect) ||
      !std::has_single_bit(attempt.effect.mask)) {
    return;
  }
  for (std::size_t i = 0; i < attempt.when.size(); ++i) {
    const Atom& atom = attempt.when[i];
    const bool same = (atom.value != 0) == (attempt.effect.value != 0);
    if (atom.of != Atom::Of::kItself || atom.word != Word::kEntry || !same) {
      continue;
    }
    Attempt other = attempt;
    other.effect.from = atom.mask;
    other.when.erase(other.when.begin() + static_cast<std::ptrdiff_t>(i));
    Weigh(attempt);
    Weigh(other);
    if (other.contradicted > attempt.contradicted ||
        other.explained < attempt.explained) {
      continue;
    }
    attempt = std::move(other);
    return;
  }
}

void Experiments::Keep(const Attempt& attempt) {
  Cause cause;
  cause.effect = attempt.effect;
  cause.when = attempt.when;
  cause.asked = asked_;
  ForEach([&](const Observed& o, double, bool) {
    const Says says = predictor_.Of(cause, o);
    if (says == Says::kContradicts) ++cause.contradicted;
    if (says != Says::kExplains) return;
    ++cause.explained;
    AddConsequence(o, cause);
  });
  for (std::size_t i = 0; i < cause.when.size(); ++i) {
    std::vector<Atom> others = cause.when;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    Cause::Without without;
    ForEach([&](const Observed& o, double, bool) {
      const Says says = predictor_.Of(cause.effect, others, o);
      if (says == Says::kContradicts) ++without.agree;
      if (says == Says::kExplains &&
          predictor_.Of(cause, o) == Says::kOtherwise) {
        ++without.depart;
      }
    });
    cause.without.push_back(without);
  }
  causes_.push_back(std::move(cause));
}

bool Experiments::Study(const Observed& seed,
                        std::span<const Observed> departing, Strictness how) {
  if (!pool_asked_) {
    pool_asked_ = true;
    pool_ = ask_pool_();
    asked_ += pool_.size();
  }
  std::erase_if(pool_, [&](const Observed& o) {
    return o.departs && CauseOf(o).has_value();
  });
  departing_.clear();
  for (const Observed& o : departing) departing_.push_back(&o);
  far_.clear();
  Vary(seed);
  std::vector<Attempt> attempts = Candidates(seed);
  stride_ = kFirstStride;
  for (Attempt& attempt : attempts) {
    FindCondition(seed, attempt);
    TryOtherBit(attempt);
    Weigh(attempt);
  }
  Sort(attempts);
  // What looks best is asked elsewhere; it may look worse then.
  constexpr std::size_t kAskedElsewhere = 3;
  if (attempts.size() > kAskedElsewhere) attempts.resize(kAskedElsewhere);
  stride_ = 1;
  for (Attempt& attempt : attempts) {
    Spread(seed, attempt);
    FindCondition(seed, attempt);
    Widen(seed, attempt);
    FindCondition(seed, attempt);
    TryOtherBit(attempt);
    if (attempt.effect.from == 0) WidenMask(seed, attempt);
    Prune(attempt);
  }
  Sort(attempts);
  if (attempts.empty() || attempts[0].explained <= 0 ||
      attempts[0].contradicted > 0.5 * attempts[0].explained) {
    return false;
  }
  const bool known = attempts[0].effect.kind == Effect::Kind::kAltered &&
                     attempts[0].when.empty();
  if (how == Strictness::kNew && (known || attempts[0].contradicted > 0)) {
    return false;
  }
  Keep(attempts[0]);
  return true;
}

}  // namespace eptdiff
