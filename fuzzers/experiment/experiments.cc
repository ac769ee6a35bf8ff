#include "fuzzers/experiment/experiments.h"

#include <algorithm>
#include <map>
#include <utility>

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

// The first `all`, and further ones until so many are no known mistakes.
void Experiments::KeepFirst(std::size_t all, std::size_t unlisted,
                            std::vector<Attempt>& list) {
  std::erase_if(list, [&](const Attempt& attempt) {
    const bool known = attempt.effect.kind == Effect::Kind::kAltered;
    const bool kept = all > 0 || (unlisted > 0 && !known);
    if (all > 0) --all;
    if (unlisted > 0 && !known) --unlisted;
    return !kept;
  });
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
  // mistakes there are many, under conditions that say little: so others are
  // in any case.
  constexpr std::size_t kAskedElsewhere = 3;
  constexpr std::size_t kUnlisted = 2;
  KeepFirst(kAskedElsewhere, kUnlisted, attempts);
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
