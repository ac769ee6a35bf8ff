#include "fuzzers/check/cause_search.h"

#include <algorithm>
#include <utility>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/experiment/prediction.h"
#include "fuzzers/reduction/minimizer.h"
#include "oracle/target/profile/profile.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kMostObserved = 3000;
constexpr std::size_t kMostDeparting = 400;
constexpr std::size_t kMostAlike = 24;
// What a seed is worth to be made small before it is studied.
constexpr std::size_t kSeedAttempts = 1500;
constexpr std::size_t kMostExamples = 24;
constexpr std::chrono::seconds kCaseTime{3};

// Whether no word is two things at once: an entry of two places, or an entry
// and a part of the #VE area or the log, of which the SDM says nothing once one
// of them is written.
bool IsPlain(const Observed& observed) {
  const Controls& controls = observed.question.controls;
  const auto& entries = observed.entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t page = entries[i].address.value >> 12;
    if (HasSecondary(observed.question, bits::kSecondaryVe) &&
        page == controls.ve_information_address >> 12) {
      return false;
    }
    if (HasSecondary(observed.question, bits::kSecondaryPml) &&
        page == controls.pml_address >> 12) {
      return false;
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (entries[i].address == entries[j].address &&
          entries[i].level != entries[j].level) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

Observed ObservedOf(const StepReport& report, const Step* step,
                    const Preceding& preceding) {
  Observed observed;
  observed.before = preceding.answer;
  const bool comes_after =
      step != nullptr && IsAccess(*step) &&
      preceding.invalidation.has_value() &&
      preceding.invalidation->processor == step->processor &&
      (preceding.is_direct || !report.finding.conforms);
  observed.question = QuestionOf(
      report.before, step, comes_after ? preceding.invalidation : std::nullopt);
  observed.outcome = report.outcome;
  observed.entries.assign(report.trace.entries.begin(),
                          report.trace.entries.end());
  observed.departs = !report.finding.conforms;
  if (observed.departs) {
    observed.disagreements = report.finding.disagreements;
    observed.expected =
        ClassOf(report.verdict.alternatives[report.finding.alternative].event);
  }
  return observed;
}

CauseSearch::CauseSearch(TargetOracle& oracle, const Dialect& dialect)
    : oracle_(oracle), dialect_(dialect) {
  Begin();
}

CauseSearch::~CauseSearch() = default;

void CauseSearch::Begin() {
  if (experiments_ != nullptr) {
    asked_before_ += experiments_->asked();
    judged_before_ += experiments_->judged();
  }
  table_ = std::make_unique<TargetTable>(oracle_, dialect_);
  experiments_ = std::make_unique<Experiments>(
      dialect_, oracle_.fields(), oracle_.declared(),
      [this](std::span<const Case> questions,
             std::vector<std::optional<Observed>>& answers) {
        answers.resize(questions.size());
        for (std::size_t i = 0; i < questions.size(); i += kBatch) {
          const auto piece =
              questions.subspan(i, std::min(kBatch, questions.size() - i));
          // What cannot be asked as it is, is not asked.
          std::vector<Case> fit;
          std::vector<std::size_t> places;
          for (std::size_t j = 0; j < piece.size(); ++j) {
            Case c = piece[j];
            if (!FitTo(oracle_.profile(), c) || c != piece[j]) continue;
            fit.push_back(std::move(c));
            places.push_back(i + j);
          }
          if (!after_.has_value()) oracle_.Prepare(fit);
          for (std::size_t j = 0; j < fit.size(); ++j) {
            answers[places[j]] = Ask(fit[j]);
          }
        }
      },
      [this](std::vector<Observed>& pool) { return AskPool(pool); });
  pool_asked_ = 0;
  begun_.reset();
  experiments_->set_end(end_);
  experiments_->set_pause(pause_);
}

void CauseSearch::set_end(Clock::time_point end) {
  end_ = end;
  experiments_->set_end(end);
}

void CauseSearch::set_pause(Clock::time_point pause) {
  pause_ = pause;
  experiments_->set_pause(pause);
}

std::optional<Observed> CauseSearch::Ask(const Case& question) {
  std::optional<Observed> answer;
  const Case c = After(after_, question);
  const std::size_t last = c.steps.size();
  table_->Run(c, [&](const StepReport& report) {
    if (report.step != last) return;
    if (report.verdict.standing != Standing::kJudged) return;
    answer = ObservedOf(report, last == 0 ? nullptr : &c.steps[last - 1],
                        table_->preceding());
  });
  if (oracle_.incident().kind != IncidentKind::kNone) return std::nullopt;
  return answer;
}

Case CauseSearch::After(const std::optional<Step>& step, Case question) {
  if (step.has_value() && !question.steps.empty()) {
    question.steps.insert(question.steps.begin(), *step);
  }
  return question;
}

// Whether an answer that departs, and not if it is asked for alone, does so
// after the step that came before it; that comes before all questions then.
bool CauseSearch::ShowsAfter(const Observed& observed) {
  if (!observed.before.has_value()) return false;
  after_ = observed.before->step;
  after_->processor = 0;
  const auto again = Ask(observed.question);
  if (again.has_value() && again->departs && KeyOf(*again) == KeyOf(observed)) {
    return true;
  }
  after_.reset();
  return false;
}

bool CauseSearch::AskPool(std::vector<Observed>& list) {
  if (pool_ == nullptr || pool_asked_ >= pool_->size()) return false;
  const auto piece = std::span(*pool_)
                         .subspan(pool_asked_)
                         .first(std::min(kBatch, pool_->size() - pool_asked_));
  oracle_.Prepare(piece);
  for (const Case& c : piece) {
    if (list.size() >= kMostObserved) return false;
    table_->Run(c, [&](const StepReport& report) {
      const bool unseen = report.step == 0 && !oracle_.models_entry();
      if (unseen || report.verdict.standing != Standing::kJudged) return;
      if (report.outcome.event.kind == EventKind::kGaveUp) return;
      list.push_back(ObservedOf(
          report, report.step == 0 ? nullptr : &c.steps[report.step - 1],
          table_->preceding()));
    });
  }
  pool_asked_ += piece.size();
  return true;
}

CauseSearch::Key CauseSearch::KeyOf(const Observed& observed) {
  const Disagreement& first = observed.disagreements[0];
  return {first.field, first.index, first.why.rule, first.why.level};
}

// What is a mistake of its own is so whatever else is known by now: it stays if
// it explains its examples as before.
bool CauseSearch::Stays(const TargetCause& found) {
  after_ = found.after;
  const bool stays =
      !found.examples.empty() &&
      std::all_of(found.examples.begin(), found.examples.end(),
                  [&](const Observed& example) {
                    const auto now = Ask(example.question);
                    return now.has_value() && now->departs &&
                           experiments_->Explains(found.cause, *now);
                  });
  after_.reset();
  return stays;
}

void CauseSearch::SetDialect(const Dialect& dialect) {
  dialect_ = dialect;
  std::vector<Observed> before = std::exchange(departing_, {});
  std::vector<TargetCause> causes = std::exchange(found_, {});
  counts_.clear();
  given_up_.clear();
  Begin();
  for (TargetCause& found : causes) {
    before.push_back(found.example);
    if (!Stays(found)) continue;
    experiments_->Adopt(found.cause);
    found_.push_back(std::move(found));
  }
  for (const Observed& observed : before) {
    const std::optional<Observed> now = Ask(observed.question);
    if (!now.has_value() || !now->departs) continue;
    if (experiments_->CauseOf(*now).has_value()) continue;
    Add(*now);
  }
}

bool CauseSearch::Explains(const Observed& observed) {
  if (found_.empty()) return false;
  const std::optional<std::size_t> cause = experiments_->CauseOf(observed);
  if (!cause.has_value()) return false;
  TargetCause& found = found_[*cause];
  ++found.cases;
  if (found.examples.size() < kMostExamples) found.examples.push_back(observed);
  if (ConsequenceOf(observed) < ConsequenceOf(found.example)) {
    found.example = observed;
    AddConsequence(observed, found.cause);
  }
  return true;
}

void CauseSearch::Add(const Observed& observed) {
  const Key key = KeyOf(observed);
  const std::uint64_t alike = counts_[key]++;
  if (alike >= kMostAlike || departing_.size() >= kMostDeparting) return;
  departing_.push_back(observed);
}

void CauseSearch::AddAgain(const Observed& observed) {
  given_up_.erase(KeyOf(observed));
  Add(observed);
}

bool CauseSearch::HasMore() const {
  return std::any_of(departing_.begin(), departing_.end(),
                     [&](const Observed& observed) {
                       return !given_up_.contains(KeyOf(observed));
                     });
}

Observed CauseSearch::Smaller(const Observed& observed, const Key& key) {
  const bool plain = IsPlain(observed);
  std::optional<Observed> smallest;
  MinimizeOptions options;
  options.max_attempts = kSeedAttempts;
  Minimize(
      observed.question,
      [&](const Case& c) {
        if (Clock::now() >= end_) return false;
        if (c.steps.empty() != observed.question.steps.empty()) return false;
        std::optional<Observed> now = Ask(c);
        if (!now.has_value() || !now->departs || KeyOf(*now) != key) {
          return false;
        }
        if (experiments_->CauseOf(*now).has_value()) return false;
        if (plain && !IsPlain(*now)) return false;
        smallest = std::move(now);
        return true;
      },
      options);
  return smallest.value_or(observed);
}

// The most frequent of what can be asked once more, made small; none, and it is
// given up, if it cannot.
std::optional<CauseSearch::Begun> CauseSearch::BeginStudy() {
  const Observed* next = nullptr;
  const auto worth = [&](const Observed& observed) {
    return std::pair(IsPlain(observed), counts_[KeyOf(observed)]);
  };
  for (const Observed& observed : departing_) {
    if (given_up_.contains(KeyOf(observed))) continue;
    if (next == nullptr || worth(observed) > worth(*next)) next = &observed;
  }
  if (next == nullptr) return std::nullopt;
  const Key key = KeyOf(*next);
  Observed original = *next;
  // It may depend on what came before: then its question alone agrees.
  const std::optional<Observed> again = Ask(original.question);
  if (!again.has_value() || !again->departs || KeyOf(*again) != key) {
    const auto shows = std::find_if(
        departing_.begin(), departing_.end(), [&](const Observed& observed) {
          return KeyOf(observed) == key && ShowsAfter(observed);
        });
    if (shows == departing_.end()) {
      given_up_.insert(key);
      return std::nullopt;
    }
    original = *shows;
  }
  Begun begun{key, Smaller(original, key), after_};
  departing_.push_back(begun.seed);
  return begun;
}

bool CauseSearch::StudyNext(Strictness how) {
  if (!begun_.has_value()) begun_ = BeginStudy();
  if (!begun_.has_value()) return true;
  const auto& [key, seed, after] = *begun_;
  after_ = after;
  // Rather one cause for all than one for each.
  std::vector<Observed> departing = departing_;
  for (const TargetCause& found : found_) {
    departing.insert(departing.end(), found.examples.begin(),
                     found.examples.end());
  }
  const Studied studied = experiments_->Study(seed, departing, how);
  after_.reset();
  if (studied == Studied::kPaused) return false;
  const Begun begun = *std::exchange(begun_, std::nullopt);
  if (studied == Studied::kNothing) {
    given_up_.insert(begun.key);
    return true;
  }
  // Another cause may have made a condition needless.
  for (std::size_t i = 0; i < found_.size(); ++i) {
    found_[i].cause.when = experiments_->causes()[i].when;
    found_[i].cause.without = experiments_->causes()[i].without;
  }
  TargetCause& found = found_.emplace_back();
  found.cause = experiments_->causes().back();
  found.example = begun.seed;
  found.after = begun.after;
  found.c = After(begun.after, begun.seed.question);
  TakeExplained();
  // What it was found from is not to be found again.
  if (found_.back().cases == 0) given_up_.insert(begun.key);
  DropSubsumed();
  return true;
}

// What was found from a few answers may be a part of what is found from more.
void CauseSearch::DropSubsumed() {
  for (std::size_t i = 0; i < found_.size();) {
    const std::optional<std::size_t> by = SubsumedBy(i);
    if (!by.has_value()) {
      ++i;
      continue;
    }
    found_[*by].cases += found_[i].cases;
    for (const Observed& observed : found_[i].examples) {
      AddConsequence(observed, found_[*by].cause);
    }
    found_.erase(found_.begin() + static_cast<std::ptrdiff_t>(i));
    experiments_->Forget(i);
  }
}

// The last cause beside cause number `of` that would mute all of its examples.
std::optional<std::size_t> CauseSearch::SubsumedBy(std::size_t of) {
  const std::vector<Observed>& examples = found_[of].examples;
  if (examples.empty()) return std::nullopt;
  for (std::size_t by = found_.size(); by-- > 0;) {
    const auto mutes = [&](const Observed& observed) {
      return experiments_->Mutes(by, observed);
    };
    if (by != of && std::all_of(examples.begin(), examples.end(), mutes)) {
      return by;
    }
  }
  return std::nullopt;
}

void CauseSearch::TakeExplained() {
  std::map<Key, std::pair<std::uint64_t, std::uint64_t>> explained_of;
  std::erase_if(departing_, [&](const Observed& observed) {
    auto& [explained, of] = explained_of[KeyOf(observed)];
    ++of;
    const bool is = Explains(observed);
    explained += is;
    return is;
  });
  // Those that were counted and not kept were of the same kinds.
  for (const auto& [key, share] : explained_of) {
    const auto& [explained, of] = share;
    const std::uint64_t more = counts_[key] > of ? counts_[key] - of : 0;
    found_.back().cases += more * explained / of;
    counts_[key] -= std::min(counts_[key], explained + more * explained / of);
  }
}

bool CauseSearch::Follows(const Cause& cause, const Case& c,
                          const std::string& signature) {
  const Effect& effect = cause.effect;
  if (effect.kind == Effect::Kind::kAnswers) return false;
  if (effect.kind == Effect::Kind::kAltered) {
    TargetTable altered(oracle_, dialect_.With(*effect.alteration));
    return altered.SignatureOfCase(c) != signature;
  }
  Predictor predictor(dialect_, oracle_.fields(), oracle_.declared());
  Case as_taken = c;
  table_->Run(c, [&](const StepReport& report) {
    const Step* step = report.step == 0 ? nullptr : &c.steps[report.step - 1];
    const Observed observed = ObservedOf(report, step);
    for (const EntryRead& entry :
         predictor.Taken(effect, cause.when, observed)) {
      SetEntry(as_taken, entry, TakenFor(effect, observed.question, entry));
    }
    if (IsOfEntries(effect) || !HoldAll(cause.when, observed.question,
                                        observed.entries, LastOf(observed))) {
      return;
    }
    SetValue(as_taken, effect.word,
             TakenFor(effect, ValueOf(observed.question, effect.word)));
  });
  return as_taken != c && table_->SignatureOfCase(as_taken) != signature;
}

bool CauseSearch::Follows(const TargetCause& found, const Case& c,
                          const std::string& signature) {
  // What does not show each time cannot be seen to be gone.
  if (table_->SignatureOfCase(c) != signature) return false;
  return Follows(found.cause, c, signature) ||
         std::any_of(
             found.likewise.begin(), found.likewise.end(),
             [&](const Cause& cause) { return Follows(cause, c, signature); });
}

void CauseSearch::Minimise(Clock::time_point end) {
  Predictor predictor(dialect_, oracle_.fields(), oracle_.declared());
  for (std::size_t i = 0; i < found_.size(); ++i) {
    TargetCause& found = found_[i];
    const Consequence worst = ConsequenceOf(found.example);
    const Clock::time_point until = std::min(end, Clock::now() + kCaseTime);
    after_ = found.after;
    found.c = Minimize(found.example.question, [&](const Case& smaller) {
      if (Clock::now() >= until) return false;
      if (smaller.steps.empty() != found.example.question.steps.empty()) {
        return false;
      }
      const std::optional<Observed> now = Ask(smaller);
      if (!now.has_value() || !now->departs) return false;
      if (ConsequenceOf(*now) != worst) return false;
      // Decided by no other cause.
      for (std::size_t j = 0; j < found_.size(); ++j) {
        const Says says = predictor.Of(found_[j].cause, *now);
        if (i == j ? says != Says::kExplains
                   : says == Says::kExplains || says == Says::kSilent) {
          return false;
        }
      }
      return true;
    });
    found.c = After(std::exchange(after_, std::nullopt), found.c);
  }
}

std::vector<TargetCause> CauseSearch::causes() const {
  std::vector<TargetCause> list = found_;
  // What was found later may make up for what contradicted.
  for (std::size_t i = 0; i < list.size(); ++i) {
    list[i].cause.contradicted = experiments_->causes()[i].contradicted;
  }
  std::sort(list.begin(), list.end(),
            [](const TargetCause& a, const TargetCause& b) {
              const Consequence x = a.cause.consequence;
              const Consequence y = b.cause.consequence;
              if (x != y) return x < y;
              return a.cases != b.cases ? a.cases > b.cases
                                        : a.cause.asked < b.cause.asked;
            });
  std::vector<TargetCause> mistakes;
  for (TargetCause& cause : list) {
    const auto same = std::find_if(
        mistakes.begin(), mistakes.end(), [&](const TargetCause& mistake) {
          return AreOneMistake(mistake.cause, cause.cause);
        });
    if (same == mistakes.end()) {
      mistakes.push_back(std::move(cause));
      continue;
    }
    same->likewise.push_back(std::move(cause.cause));
    same->cases += cause.cases;
  }
  return mistakes;
}

}  // namespace eptdiff
