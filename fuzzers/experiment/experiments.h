// Diagnosis by experiment: of an answer that departs from the SDM, and that no
// known mistake explains, what decides that it does.
//
// 1. The question is varied one thing at a time: each bit of each entry on the
//    way, of each control, capability and register, each small number. Target
//    and reference are asked again; what was asked is evidence, and so are the
//    answers to a pool of questions that have nothing to do with it.
// 2. Effects that would explain the answer (cause.h) are found by asking the
//    reference alone: what would it say if that bit were another?
// 3. An effect that would have other answers depart, which agree, holds under a
//    condition: the fewest of what the variations show to matter that rule all
//    of these out.
// 4. It is asked where it has not been seen: at other levels, in other tables,
//    of other bits. What it meets there is evidence like the rest, and the
//    condition is found anew from all of it.
// 5. The effect that explains most with the shortest condition is the cause.
//    Answers that it explains are muted, and what is left is looked at next.
//
// Deterministic, for a target that is, and unless it is told an end. Cost:
// counted in verdicts and questions, some hundred thousand and some thousand
// for a cause; whoever has it study says when.
//
// This folder finds out by asking; it uses the reference, entries/ and
// encoding/, and is told how to ask. Begin here; question.h is what is varied,
// cause.h what comes out, prediction.h what a cause says of an answer,
// answer_fields.h and write_forms.h what is given in place of what is right;
// candidates.cc, condition_search.cc, widening.cc, masks.cc and use_masks.cc
// are steps 2 to 4.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_EXPERIMENTS_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_EXPERIMENTS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "fuzzers/experiment/cause.h"
#include "fuzzers/experiment/prediction.h"
#include "oracle/case.h"
#include "oracle/declared.h"
#include "oracle/oracle.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {

// Puts questions to the target. `answers` gets, for each, what was answered;
// nothing if the target cannot be asked that, or the SDM has no say.
using AskQuestions =
    std::function<void(std::span<const Case> questions,
                       std::vector<std::optional<Observed>>& answers)>;
// Adds some more answers to questions of all kinds; false: these were the last.
using AskPool = std::function<bool(std::vector<Observed>& pool)>;

// Which causes are wanted.
enum class Strictness : std::uint8_t {
  kAny,
  kNew,  // that nothing contradicts, and that are no known mistake
};

// What came of a study.
enum class Studied : std::uint8_t {
  kNothing,
  kFound,
  kPaused,  // it is to go on, with the same seed
};

class Experiments {
 public:
  // Answers are judged in `dialect`; what asks must judge them likewise. The
  // pool is asked for at the first study.
  Experiments(const Dialect& dialect, FieldSet fields, const Declared& declared,
              AskQuestions ask, AskPool ask_pool);
  ~Experiments();

  // In the order in which they were found.
  const std::vector<Cause>& causes() const { return causes_; }

  // The cause that explains an answer that departs; the last of those found so
  // far that together do. None if they do not.
  std::optional<std::size_t> CauseOf(const Observed& observed);

  // Finds the cause of an answer that departs and is not explained; it is one
  // of `departing`.
  Studied Study(const Observed& seed, std::span<const Observed> departing,
                Strictness how = Strictness::kAny);

  // Whether cause number `of` explains this answer, alone.
  bool Explains(std::size_t of, const Observed& observed) {
    return Explains(causes_[of], observed);
  }
  // ... or by it the SDM has no say, where it departs.
  bool Mutes(std::size_t of, const Observed& observed) {
    const Says says = predictor_.Of(causes_[of], observed);
    return says == Says::kExplains || says == Says::kSilent;
  }
  bool Explains(const Cause& cause, const Observed& observed) {
    return predictor_.Of(cause, observed) == Says::kExplains;
  }
  // A cause that another search has found, as if it had been found here.
  void Adopt(const Cause& cause) {
    causes_.push_back(cause);
    contradicting_.emplace_back();
  }
  // Forgets a cause; those found later have a lower number then.
  void Forget(std::size_t number) {
    const auto place = static_cast<std::ptrdiff_t>(number);
    causes_.erase(causes_.begin() + place);
    contradicting_.erase(contradicting_.begin() + place);
  }

  // A study that is under way then makes do with what it knows; none unless
  // told.
  using Clock = std::chrono::steady_clock;
  void set_end(Clock::time_point end) { end_ = end; }
  // ... and one that has not asked all of the pool, and all variations of its
  // seed, pauses then; none does unless told.
  void set_pause(Clock::time_point pause) { pause_ = pause; }

  // What it took so far.
  std::size_t asked() const { return asked_; }
  std::size_t judged() const { return predictor_.judged(); }

 private:
  // An effect that is being tried, under a condition.
  struct Attempt {
    Effect effect;
    std::vector<Atom> when;
    double explained = 0;
    double contradicted = 0;
    double score = 0;
    std::size_t place = 0;  // among those of its study
  };

  // A question, and an effect that shows there by one bit more.
  struct OneMore {
    Effect effect;
    Case question;
  };

  bool Explains(const Attempt& attempt, const Observed& observed) {
    return predictor_.Of(attempt.effect, attempt.when, observed) ==
           Says::kExplains;
  }
  // ... with the causes that are known.
  bool ExplainsWithOthers(const Attempt& attempt, const Observed& observed);
  bool IsLate() const { return Clock::now() >= end_; }
  void Ask(std::span<const Case> questions, std::vector<Observed>* list);
  // Whether it is done, as far as there was time.
  bool CompletePool();
  bool Vary(const Observed& seed);
  std::vector<Attempt> Candidates(const Observed& seed);
  void AddTakes(const Observed& seed, std::vector<Attempt>& list);
  void AddUses(const Observed& seed, std::vector<Attempt>& list);
  void AddIndexes(const Observed& seed, const EntryRead& entry, Effect effect,
                  std::vector<Attempt>& list);
  void AddIfItExplains(const Observed& seed, const Effect& effect,
                       const std::vector<Atom>& when,
                       std::vector<Attempt>& list);
  void AddAltered(const Observed& seed, std::vector<Attempt>& list);
  void AddAnswers(const Observed& seed, std::vector<Attempt>& list);
  void AddThatOfElse(const Observed& seed, Effect effect,
                     std::vector<Attempt>& list);
  std::vector<Atom> AtomsOf(const Observed& seed, const Attempt& attempt);
  void FindCondition(const Observed& seed, Attempt& attempt);
  void Prune(Attempt& attempt);
  void Spread(const Observed& seed, const Attempt& attempt);
  void Widen(const Observed& seed, Attempt& attempt);
  void TryOtherBit(Attempt& attempt);
  void LearnMask(const Observed& seed, Attempt& attempt);
  void WidenMask(const Observed& seed, Attempt& attempt);
  std::optional<std::uint64_t> PlainAddress(
      const Observed& seed, std::uint64_t now, std::uint64_t from,
      const std::function<void(Case&, std::uint64_t)>& set);
  std::vector<OneMore> WithOneMore(const Observed& base,
                                   const Attempt& attempt);
  void WidenUse(const Observed& seed, Attempt& attempt);
  static double WeightOf(const Effect& effect, const std::vector<Atom>& when);
  void Weigh(Attempt& attempt);
  void JoinValues(Attempt& attempt);
  void Keep(const Attempt& attempt);
  void CountAgain();
  static void Sort(std::vector<Attempt>& list);
  static void KeepFirst(std::size_t most, std::vector<Attempt>& list);
  void PreferLearned(std::vector<Attempt>& list);
  void DropNeedlessConditions();
  std::size_t CountExplained(const Cause& cause);
  std::vector<Case> WithoutAtom(const Cause& cause, const Atom& atom);
  static void ForgetFixedBits(Attempt& attempt);
  void PreferThoseThatCoverMore(std::vector<Attempt>& list);

  // How much an answer counts: what was varied on purpose says more than what
  // happened to be asked.
  static constexpr double kDepartingWeight = 1;
  static constexpr double kNearWeight = 0.25;
  static constexpr double kFarWeight = 0.5;
  static constexpr double kPoolWeight = 1;
  static constexpr double kNearContradiction = 5;

  // Calls f(observed, weight, whether it is a variation of the seed) for all
  // that is known.
  template <typename F>
  void ForEach(F&& f) {
    for (const Observed* o : departing_) f(*o, kDepartingWeight, false);
    for (const Observed& o : near_) f(o, kNearWeight, true);
    for (const Observed& o : far_) f(o, kFarWeight, false);
    for (std::size_t i = 0; i < pool_.size(); i += stride_) {
      f(pool_[i], kPoolWeight, false);
    }
  }

  const Dialect dialect_;
  const AskQuestions ask_;
  const AskPool ask_pool_;
  const Declared declared_;
  Predictor predictor_;
  std::vector<Cause> causes_;
  // For each cause, the answers that contradict it.
  std::vector<std::vector<Observed>> contradicting_;
  std::size_t asked_ = 0;
  Clock::time_point end_ = Clock::time_point::max();
  Clock::time_point pause_ = Clock::time_point::max();

  bool pool_asked_ = false;
  std::vector<Observed> pool_;
  std::size_t stride_ = 1;  // each so many-th of it is looked at
  // Of the study under way.
  std::optional<Case> seed_;  // whose variations are being asked
  std::vector<Case> variations_;
  std::size_t varied_ = 0;      // of them, so many were
  std::vector<Observed> near_;  // variations of the seed
  std::vector<Observed> far_;   // questions made for an effect
  std::vector<const Observed*> departing_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_EXPERIMENTS_H_
