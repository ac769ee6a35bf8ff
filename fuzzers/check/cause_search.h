// The causes of what no known mistake explains: what departs is gathered, and
// studied by experiment (experiment/experiments.h), the most frequent first,
// within a share of what is done at all.
//
// What departs only after the access before it, in the same case, is studied
// with that before each question. An invalidation before it is a part of the
// question, which is varied as the rest is.
//
// A cause that is known mutes what it explains. With another dialect it stays
// if it explains all of its examples there; everything else is looked for anew,
// from the answers that were gathered.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_CAUSE_SEARCH_H_
#define EPTDIFF_FUZZERS_CHECK_CAUSE_SEARCH_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "fuzzers/check/target_table.h"
#include "fuzzers/experiment/cause.h"
#include "fuzzers/experiment/experiments.h"
#include "oracle/case.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialect.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {

// A judged step as evidence; `step` is null for VM entry. `preceding`: what
// came before, if that is known. Of an access the last invalidation is a part
// of the question: if it agrees, only where no other access came after that.
Observed ObservedOf(const StepReport& report, const Step* step,
                    const Preceding& preceding = {});

struct TargetCause {
  Cause cause;
  std::vector<Cause> likewise;     // the same mistake, under other conditions
  std::uint64_t cases = 0;         // that showed it
  Observed example;                // one that it explains, and the worst
  std::vector<Observed> examples;  // some
  Case c;                          // the smallest
  // A step that has to come before, in the case as in each question.
  std::optional<Step> after;
};

class CauseSearch {
 public:
  // Of a target that is asked through `table`, in `dialect`.
  CauseSearch(TargetOracle& oracle, const Dialect& dialect);
  ~CauseSearch();

  // Cases whose answers tell what is right. Kept as they are, not copied.
  void set_pool(const std::vector<Case>* pool) { pool_ = pool; }
  void SetDialect(const Dialect& dialect);
  const Dialect& dialect() const { return dialect_; }

  // Whether a cause explains this answer, which departs; it counts as its.
  bool Explains(const Observed& observed);
  // This answer departs, and nothing explains it.
  void Add(const Observed& observed);
  // ... whatever was tried in vain.
  void AddAgain(const Observed& observed);

  // No study goes on for long then; no end unless told.
  void set_end(std::chrono::steady_clock::time_point end);
  // A study that has a way to go pauses then, and goes on at the next one.
  void set_pause(std::chrono::steady_clock::time_point pause);

  // Whether there is something to study.
  bool HasMore() const;
  // Studies the most frequent of it. False: the study is not over.
  bool StudyNext(Strictness how = Strictness::kAny);

  // Whether what `c` shows under this signature, an incident, follows from the
  // cause: it is gone where the target is given what it takes things for.
  bool Follows(const TargetCause& found, const Case& c,
               const std::string& signature);

  // Makes each cause's case small, until about `end`.
  void Minimise(std::chrono::steady_clock::time_point end);

  // The worst first, then by frequency. One mistake that is made under either
  // of several conditions is one of them.
  std::vector<TargetCause> causes() const;
  std::size_t size() const { return found_.size(); }
  bool empty() const { return found_.empty(); }

  // What it took: questions to the target, verdicts of the reference.
  std::size_t asked() const { return asked_before_ + experiments_->asked(); }
  std::size_t judged() const { return judged_before_ + experiments_->judged(); }

 private:
  // What departs alike.
  struct Key {
    Field field;
    std::uint8_t index;
    Rule rule;
    std::uint8_t level;
    auto operator<=>(const Key&) const = default;
  };
  static Key KeyOf(const Observed& observed);
  // A study that is under way.
  struct Begun {
    Key key;
    Observed seed;
    std::optional<Step> after;
  };

  void Begin();
  bool ShowsAfter(const Observed& observed);
  static Case After(const std::optional<Step>& step, Case question);
  std::optional<Observed> Ask(const Case& question);
  bool AskPool(std::vector<Observed>& list);
  std::optional<Begun> BeginStudy();
  Observed Smaller(const Observed& observed, const Key& key);
  bool Stays(const TargetCause& found);
  bool Follows(const Cause& cause, const Case& c, const std::string& signature);
  void TakeExplained();
  void DropSubsumed();
  std::optional<std::size_t> SubsumedBy(std::size_t of);

  TargetOracle& oracle_;
  Dialect dialect_;
  std::unique_ptr<TargetTable> table_;
  std::unique_ptr<Experiments> experiments_;
  const std::vector<Case>* pool_ = nullptr;
  std::size_t pool_asked_ = 0;  // cases of it
  std::optional<Begun> begun_;
  std::vector<TargetCause> found_;
  std::vector<Observed> departing_;  // that nothing explains so far
  std::map<Key, std::uint64_t> counts_;
  std::set<Key> given_up_;
  std::optional<Step> after_;  // comes before each question that is asked
  std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::time_point::max();
  std::chrono::steady_clock::time_point pause_ =
      std::chrono::steady_clock::time_point::max();
  std::size_t asked_before_ = 0;
  std::size_t judged_before_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_CAUSE_SEARCH_H_
