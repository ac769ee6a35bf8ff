#include "fuzzers/experiment/experiments.h"

#include <algorithm>
#include <utility>

#include "fuzzers/experiment/variations.h"

namespace eptdiff {
namespace {

// Of the pool, which part is looked at before it is known what looks good.
constexpr std::size_t kFirstStride = 4;

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
