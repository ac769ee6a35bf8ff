// What a cause says of an answer: whether it explains it, or would have had it
// otherwise. Nobody is asked but the reference.
// Cost: a verdict or a few, some microseconds each.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_PREDICTION_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_PREDICTION_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "fuzzers/experiment/cause.h"
#include "fuzzers/experiment/taken_entries.h"
#include "oracle/declared.h"
#include "oracle/judgement/judge.h"
#include "oracle/machine_state.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/reference.h"
#include "oracle/verdict.h"

namespace eptdiff {

// What a cause says of an observed answer.
enum class Says : std::uint8_t {
  kNothing,      // what the SDM says, as far as this answer can tell
  kExplains,     // it departs, and as the cause has it
  kContradicts,  // it agrees, and by the cause would not
  kOtherwise,    // it departs, and not as the cause has it
  kSilent,       // it departs, and by the cause the SDM has no say (ALIAS-1)
};

class Predictor {
 public:
  // Answers are judged in `dialect`, that of the departures that are known, and
  // by what is declared by whoever answers.
  Predictor(const Dialect& dialect, FieldSet fields, const Declared& declared);
  ~Predictor();

  Says Of(const Effect& effect, const std::vector<Atom>& when,
          const Observed& observed);
  Says Of(const Cause& cause, const Observed& observed) {
    return Of(cause.effect, cause.when, observed);
  }

  // The entries that were taken otherwise by the effect on entries which Of()
  // was last asked about, if it said something of the answer.
  const std::vector<EntryRead>& taken() const { return taken_; }

  // Whether all these together explain an answer that departs.
  bool Explain(std::span<const Cause> causes, const Observed& observed);

  // Whether by the effect the answer to `question` is, or may be, another. No
  // answer is needed. Lists the entries on the way by the reference.
  bool Matters(const Effect& effect, const std::vector<Atom>& when,
               const Case& question, std::vector<EntryRead>& entries);

  // Whether the SDM has other answers to one question than to the other.
  bool Differ(const Case& a, const Case& b);

  // The entries that a kTakes effect takes otherwise.
  std::vector<EntryRead> Taken(const Effect& effect,
                               const std::vector<Atom>& when,
                               const Observed& observed);

  // How many verdicts were asked for: the measure of effort.
  std::size_t judged() const { return judged_; }

 private:
  void JudgeBy(const Reference& reference, const Case& question,
               TakenEntries* entries = nullptr);
  const Reference& With(const Alteration* alteration);
  // What is asked the way that these entries are seen; of one effect alone,
  // that costs little more than the SDM does.
  const Reference& SeeingAsTaken(const TakenEntries& entries);
  // Gives a word of the machine what the effect takes it for. Whether that is
  // another value.
  static bool TakeWord(const Effect& effect, const std::vector<Atom>& when,
                       const std::vector<EntryRead>& entries, Case& question);
  // Whether the answer fits the verdict, entries having been taken so.
  bool Fits(const Observed& observed, const TakenEntries* entries);
  bool FitsEvent(const EventClass& given) const;
  void AsTaken(const Case& question);
  Says OfAnswers(const Effect& effect, const std::vector<Atom>& when,
                 const Observed& observed);

  const FieldSet fields_;
  const Dialect dialect_;
  const Reference reference_;
  const Reference as_taken_;  // by what entries are taken for in one use
  std::map<const Alteration*, std::unique_ptr<Reference>> altered_;
  // By the use that an effect is about.
  std::map<std::tuple<Part, Structure, std::uint64_t>,
           std::unique_ptr<Reference>>
      seeing_;
  std::size_t judged_ = 0;
  // Kept, not made anew: they are large.
  MachineState state_;
  std::unique_ptr<Verdict> verdict_;
  std::unique_ptr<Verdict> other_verdict_;
  std::unique_ptr<Trace> trace_;
  std::vector<EntryRead> taken_;
  Outcome outcome_;
  Finding finding_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_PREDICTION_H_
