#include "fuzzers/experiment/experiments.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/experiment/variations.h"

namespace eptdiff {
namespace {

// Of the pool, which part is looked at before it is known what looks good.
constexpr std::size_t kFirstStride = 4;
// Questions between two looks at the time.
constexpr std::size_t kPiece = 64;

// The atoms that two conditions have in common; a set of numbers is that of
// both.
std::vector<Atom> InCommon(const std::vector<Atom>& a,
                           const std::vector<Atom>& b) {
  std::vector<Atom> common;
  for (Atom atom : a) {
    const auto other = std::find_if(b.begin(), b.end(), [&](const Atom& x) {
      return x.of == atom.of && x.structure == atom.structure &&
             x.level == atom.level && x.guest_level == atom.guest_level &&
             x.word == atom.word &&
             (KindOf(x.word) == WordKind::kNumber || x == atom);
    });
    if (other == b.end()) continue;
    if (KindOf(atom.word) == WordKind::kNumber) atom.mask |= other->mask;
    common.push_back(atom);
  }
  return common;
}

}  // namespace

Experiments::Experiments(const Dialect& dialect, FieldSet fields,
                         const Declared& declared, AskQuestions ask,
                         AskPool ask_pool)
    : dialect_(dialect),
      ask_(std::move(ask)),
      ask_pool_(std::move(ask_pool)),
      declared_(declared),
      predictor_(dialect, fields, declared) {}

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

void Experiments::Ask(std::span<const Case> questions,
                      std::vector<Observed>* list) {
  std::vector<std::optional<Observed>> answers;
  asked_ += questions.size();
  ask_(questions, answers);
  for (auto& answer : answers) {
    if (answer.has_value()) list->push_back(*std::move(answer));
  }
}

bool Experiments::CompletePool() {
  while (!pool_asked_ && !IsLate()) {
    if (Clock::now() >= pause_) return false;
    const std::size_t before = pool_.size();
    pool_asked_ = !ask_pool_(pool_);
    asked_ += pool_.size() - before;
  }
  return true;
}

bool Experiments::Vary(const Observed& seed) {
  if (seed_ != seed.question) {
    seed_ = seed.question;
    near_.clear();
    variations_.clear();
    varied_ = 0;
    ForEachVariation(seed.question, seed.entries, [&](const Case& varied) {
      variations_.push_back(varied);
    });
  }
  while (varied_ < variations_.size() && !IsLate()) {
    if (Clock::now() >= pause_) return false;
    const auto piece =
        std::span(variations_)
            .subspan(varied_, std::min(kPiece, variations_.size() - varied_));
    Ask(piece, &near_);
    varied_ += piece.size();
  }
  seed_.reset();
  // What departs there for reasons that are known says nothing of this one.
  std::erase_if(near_, [&](const Observed& o) {
    return o.departs && CauseOf(o).has_value();
  });
  return true;
}

// The best first.
void Experiments::Sort(std::vector<Attempt>& list) {
  std::sort(list.begin(), list.end(), [](const Attempt& a, const Attempt& b) {
    return a.score != b.score ? a.score > b.score : a.place < b.place;
  });
}

void Experiments::Keep(const Attempt& attempt) {
  Cause cause;
  cause.effect = attempt.effect;
  cause.when = attempt.when;
  cause.asked = asked_;
  std::vector<Observed> contradicting;
  ForEach([&](const Observed& o, double, bool) {
    const Says says = predictor_.Of(cause, o);
    if (says == Says::kContradicts) contradicting.push_back(o);
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
  contradicting_.push_back(std::move(contradicting));
  DropNeedlessConditions();
  CountAgain();
}

// Where one mistake makes up for another, the answer is right and contradicts
// neither.
void Experiments::CountAgain() {
  for (std::size_t i = 0; i < causes_.size(); ++i) {
    if (causes_.size() > 1) {
      std::erase_if(contradicting_[i], [&](const Observed& o) {
        return predictor_.Explain(causes_, o);
      });
    }
    causes_[i].contradicted = contradicting_[i].size();
  }
}

// A value that is given in place of another, and another such pair with the
// same bits inverted, which is a cause already, are one.
void Experiments::JoinValues(Attempt& attempt) {
  const auto inverts = [](const Effect& effect) -> std::uint64_t {
    if (effect.kind != Effect::Kind::kAnswers ||
        effect.field <= Field::kExitReason) {
      return 0;
    }
    if (effect.form == Form::kFlipped) return effect.given;
    return effect.form == Form::kInstead ? effect.given ^ effect.was : 0;
  };
  const std::uint64_t bits = inverts(attempt.effect);
  if (bits == 0) return;
  for (const Cause& cause : causes_) {
    if (inverts(cause.effect) != bits ||
        cause.effect.field != attempt.effect.field ||
        cause.effect.index != attempt.effect.index) {
      continue;
    }
    Attempt joined = attempt;
    joined.effect.form = Form::kFlipped;
    joined.effect.given = bits;
    joined.effect.was = 0;
    joined.when = InCommon(attempt.when, cause.when);
    Attempt other;
    other.effect = cause.effect;
    other.when = cause.when;
    Weigh(attempt);
    Weigh(other);
    Weigh(joined);
    if (joined.contradicted <= attempt.contradicted + other.contradicted &&
        joined.explained >= attempt.explained) {
      attempt = std::move(joined);
      return;
    }
  }
}

// What was asked for an effect says whether it holds, and what departed before
// anybody asked says how much of that it is.
void Experiments::PreferThoseThatCoverMore(std::vector<Attempt>& list) {
  std::vector<double> covered;
  for (const Attempt& attempt : list) {
    covered.push_back(static_cast<double>(std::count_if(
        departing_.begin(), departing_.end(), [&](const Observed* o) {
          return predictor_.Of(attempt.effect, attempt.when, *o) ==
                 Says::kExplains;
        })));
  }
  if (list.empty()) return;
  const double most = *std::max_element(covered.begin(), covered.end());
  if (most == 0) return;
  constexpr double kShare = 0.75;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].score <= 0) continue;
    list[i].score *= 1 - kShare + kShare * covered[i] / most;
  }
}

// The first so many, and the first of each kind that others, of which there are
// many, may have kept out.
void Experiments::KeepFirst(std::size_t most, std::vector<Attempt>& list) {
  enum Kind { kAnswers, kPresence, kOneUse, kOther, kKinds };
  std::array<bool, kKinds> kept = {};
  std::erase_if(list, [&](const Attempt& attempt) {
    const Effect& effect = attempt.effect;
    const bool first = most > 0;
    if (first) --most;
    if (effect.kind == Effect::Kind::kAltered || RedirectsOnly(effect)) {
      return !first;
    }
    const Kind kind = effect.kind == Effect::Kind::kAnswers ? kAnswers
                      : effect.part == Part::kPresence      ? kPresence
                      : IsOneUse(effect.part)               ? kOneUse
                                                            : kOther;
    return !(first || !std::exchange(kept[kind], true));
  });
}

// A known mistake that is made under a condition is none if what an entry is
// taken for in one use explains as much with less of a condition, or its
// presence with no more.
void Experiments::PreferLearned(std::vector<Attempt>& list) {
  if (list.empty()) return;
  const Attempt& best = list[0];
  if (best.effect.kind != Effect::Kind::kAltered || best.when.empty()) return;
  const double weight = WeightOf(best.effect, best.when);
  const auto learned =
      std::find_if(list.begin() + 1, list.end(), [&](const Attempt& attempt) {
        const double own = WeightOf(attempt.effect, attempt.when);
        const bool says_no_more = attempt.effect.part == Part::kPresence
                                      ? own <= weight
                                      : own < weight;
        return IsOneUse(attempt.effect.part) && attempt.contradicted == 0 &&
               says_no_more &&
               std::all_of(departing_.begin(), departing_.end(),
                           [&](const Observed* o) {
                             return !Explains(best, *o) ||
                                    Explains(attempt, *o) ||
                                    ExplainsWithOthers(attempt, *o);
                           });
      });
  if (learned == list.end()) return;
  std::rotate(list.begin(), learned, learned + 1);
}

bool Experiments::ExplainsWithOthers(const Attempt& attempt,
                                     const Observed& observed) {
  std::vector<Cause> causes = causes_;
  Cause& cause = causes.emplace_back();
  cause.effect = attempt.effect;
  cause.when = attempt.when;
  return predictor_.Explain(causes, observed);
}

// What a condition was found to rule out may agree for another cause that is
// known by now: without it the cause may be a mistake as a whole.
void Experiments::DropNeedlessConditions() {
  if (causes_.size() < 2) return;
  for (Cause& cause : causes_) {
    for (std::size_t i = 0; i < cause.when.size();) {
      const Atom atom = cause.when[i];
      std::vector<Observed> other;
      Ask(WithoutAtom(cause, atom), &other);
      const auto explained = [&] {
        return CountExplained(cause) +
               static_cast<std::size_t>(std::count_if(
                   other.begin(), other.end(), [&](const Observed& o) {
                     return o.departs && Explains(cause, o);
                   }));
      };
      const std::size_t before = explained();
      cause.when.erase(cause.when.begin() + static_cast<std::ptrdiff_t>(i));
      bool holds = explained() > before;
      const auto look = [&](const Observed& o) {
        holds = holds && (predictor_.Of(cause, o) != Says::kContradicts ||
                          predictor_.Explain(causes_, o));
      };
      for (const Observed& o : other) look(o);
      if (holds) {
        ForEach([&](const Observed& o, double, bool) { look(o); });
      }
      if (!holds) {
        cause.when.insert(cause.when.begin() + static_cast<std::ptrdiff_t>(i),
                          atom);
        ++i;
      } else if (i < cause.without.size()) {
        cause.without.erase(cause.without.begin() +
                            static_cast<std::ptrdiff_t>(i));
      }
    }
  }
}

// Bits that the condition has at one value are learned for nothing.
void Experiments::ForgetFixedBits(Attempt& attempt) {
  if (!IsOneUse(attempt.effect.part)) return;
  for (const Atom& atom : attempt.when) {
    if (atom.of != Atom::Of::kItself || atom.word != Word::kEntry) continue;
    if (atom.value != 0) continue;
    attempt.effect.mask &= ~atom.mask;
    attempt.effect.value &= ~atom.mask;
  }
}

std::size_t Experiments::CountExplained(const Cause& cause) {
  return static_cast<std::size_t>(
      std::count_if(departing_.begin(), departing_.end(),
                    [&](const Observed* o) { return Explains(cause, *o); }));
}

// Questions whose answers a cause explains, but for this atom, which does not
// hold there; and neither does one that another cause has of the same entry.
std::vector<Case> Experiments::WithoutAtom(const Cause& cause,
                                           const Atom& atom) {
  constexpr std::size_t kMost = 24;
  std::vector<Case> questions;
  if (KindOf(atom.word) == WordKind::kNumber) return questions;
  const auto add = [&](Case question) {
    Canonicalise(question);
    questions.push_back(std::move(question));
  };
  std::vector<std::uint64_t> bits = {0};
  for (const Cause& other : causes_) {
    for (const Atom& each : other.when) {
      if (each.of == Atom::Of::kItself && each.word == Word::kEntry &&
          each.mask != atom.mask) {
        bits.push_back(each.mask);
      }
    }
  }
  for (const Observed* o : departing_) {
    if (questions.size() >= kMost) break;
    if (!Explains(cause, *o)) continue;
    if (atom.of == Atom::Of::kQuestion) {
      Case question = o->question;
      SetValue(question, atom.word, ValueOf(question, atom.word) ^ atom.mask);
      add(std::move(question));
      continue;
    }
    const std::vector<EntryRead> taken =
        predictor_.Taken(cause.effect, cause.when, *o);
    const EntryRead* entry = atom.of == Atom::Of::kOnTheWay
                                 ? OnTheWay(o->entries, atom)
                             : taken.empty() ? LastOf(*o)
                                             : &taken[0];
    if (entry == nullptr) continue;
    for (const std::uint64_t more : bits) {
      Case question = o->question;
      SetEntry(question, *entry, entry->value ^ atom.mask ^ more);
      add(std::move(question));
    }
  }
  return questions;
}

Studied Experiments::Study(const Observed& seed,
                           std::span<const Observed> departing,
                           Strictness how) {
  if (!CompletePool() || !Vary(seed)) return Studied::kPaused;
  std::erase_if(pool_, [&](const Observed& o) {
    return o.departs && CauseOf(o).has_value();
  });
  departing_.clear();
  for (const Observed& o : departing) departing_.push_back(&o);
  far_.clear();
  std::vector<Attempt> attempts = Candidates(seed);
  stride_ = kFirstStride;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    if (IsLate()) {
      attempts.resize(i);
      break;
    }
    FindCondition(seed, attempts[i]);
    TryOtherBit(attempts[i]);
    Weigh(attempts[i]);
  }
  PreferThoseThatCoverMore(attempts);
  Sort(attempts);
  // What looks best is asked elsewhere; it may look worse then. Of known
  // mistakes there are many, under conditions that say little, and of what
  // leads astray: so others are in any case.
  constexpr std::size_t kAskedElsewhere = 3;
  KeepFirst(kAskedElsewhere, attempts);
  stride_ = 1;
  std::map<std::size_t, std::vector<Observed>> asked_for;  // by its place
  for (Attempt& attempt : attempts) {
    if (IsLate()) break;
    Spread(seed, attempt);
    FindCondition(seed, attempt);
    Widen(seed, attempt);
    FindCondition(seed, attempt);
    TryOtherBit(attempt);
    if (attempt.effect.from == 0 || IsOneUse(attempt.effect.part)) {
      LearnMask(seed, attempt);
    }
    Prune(attempt);
    ForgetFixedBits(attempt);
    asked_for[attempt.place] = far_;
  }
  PreferThoseThatCoverMore(attempts);
  if (how == Strictness::kNew) {
    std::erase_if(attempts, [](const Attempt& attempt) {
      return attempt.contradicted > 0 ||
             (attempt.effect.kind == Effect::Kind::kAltered &&
              attempt.when.empty());
    });
  }
  Sort(attempts);
  PreferLearned(attempts);
  if (attempts.empty() || attempts[0].explained <= 0 ||
      attempts[0].contradicted > 0.5 * attempts[0].explained) {
    return Studied::kNothing;
  }
  far_ = std::move(asked_for[attempts[0].place]);
  JoinValues(attempts[0]);
  Keep(attempts[0]);
  return Studied::kFound;
}

}  // namespace eptdiff
