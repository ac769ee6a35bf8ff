#include "fuzzers/check/target_check.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "fuzzers/reduction/minimizer.h"
#include "oracle/judgement/judge.h"
#include "oracle/machine_state.h"
#include "oracle/target/profile/profile.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

// Cases put to the target at once.
constexpr std::size_t kBatch = ScoutedBatch::kCases;
// Given cases have numbers as well, that no new one has.
constexpr std::uint64_t kFirstGiven = std::uint64_t{1} << 60;
constexpr std::size_t kMaxDisagreed = 512;
// Cases that nothing explains, of which each is diagnosed whatever the share.
constexpr std::uint64_t kFreeDiagnoses = 24;
constexpr std::uint64_t kCasesOfDiagnosis = 20'000;
// Before the first study has come to its end, diagnosis has such a part of a
// run at once, and of that known mistakes have half.
constexpr int kFirstPart = 3;
// Beside causes that experiments have found, most of what departs is theirs in
// part, and no known mistake: less is spent on looking for one.
constexpr Diagnosis::Effort kBesideCauses = {.search = 15'000, .of_one = 5'000};

// Counts the time as long as it lives.
class TimeTaken {
 public:
  explicit TimeTaken(std::chrono::nanoseconds& taken) : taken_(taken) {}
  ~TimeTaken() { taken_ += Clock::now() - start_; }
  TimeTaken(const TimeTaken&) = delete;
  TimeTaken& operator=(const TimeTaken&) = delete;

 private:
  std::chrono::nanoseconds& taken_;
  const Clock::time_point start_ = Clock::now();
};

}  // namespace

TargetCheck::TargetCheck(TargetOracle& oracle, std::uint64_t seed)
    : oracle_(oracle),
      cases_(oracle.profile(), oracle.keeps_translations(), seed),
      diagnosis_(std::make_unique<Diagnosis>(oracle.fields())),
      table_(std::make_unique<TargetTable>(oracle, dialect_)),
      known_(std::make_unique<KnownDepartures>(dialect_, oracle.fields())),
      sdm_table_(std::make_unique<TargetTable>(oracle, Dialect())),
      statistics_(std::vector<std::string>{std::string(oracle.name())}),
      causes_(std::make_unique<CauseSearch>(oracle, dialect_)) {
  causes_->set_pool(&given_cases_);
  batch_.reserve(kBatch);
}

TargetCheck::~TargetCheck() = default;

void TargetCheck::TryGiven(std::span<const Case> cases) {
  batch_.clear();
  for (const Case& given : cases) {
    ++given_;
    Case c = given;
    if (HasTableOperations(c) || !FitTo(oracle_.profile(), c)) {
      ++unfit_;
      continue;
    }
    given_cases_.push_back(c);
    batch_.push_back(std::move(c));
    if (batch_.size() == kBatch) TryBatch();
  }
  TryBatch();
  cases_.Advance();
}

void TargetCheck::BoundInTime(Clock::time_point began, Clock::time_point end) {
  began_ = began;
  set_end(end);
}

void TargetCheck::set_end(Clock::time_point end) {
  end_ = end;
  causes_->set_end(end);
}

bool TargetCheck::IsAllowed() const {
  if (Clock::now() >= end_ || TimeLeft(kFirstPart).count() <= 0) return false;
  return effort_.AllowsVerdicts(causes_->judged(), statistics_.cases());
}

// What the first study finds is muted, and costs no more: it need not wait.
std::chrono::nanoseconds TargetCheck::TimeLeft(int first_part) const {
  if (!began_.has_value()) return Clock::duration::max();
  const Clock::duration at_once =
      studied_ ? Clock::duration(0)
               : (end_ - *began_) / first_part - diagnosing_;
  return std::max(at_once,
                  effort_.TimeLeft(diagnosing_, Clock::now() - *began_));
}

bool TargetCheck::MayDiagnose() const {
  if (diagnosed_ >= kFreeDiagnoses + statistics_.cases() / kCasesOfDiagnosis) {
    return false;
  }
  return TimeLeft(2 * kFirstPart).count() > 0;
}

void TargetCheck::StudyCauses() {
  if (!causes_->HasMore() || !IsAllowed()) return;
  const auto pause = began_.has_value() ? Clock::now() + TimeLeft(kFirstPart)
                                        : Clock::time_point::max();
  const TimeTaken taken(diagnosing_);
  oracle_.set_digresses(true);
  Reconsider(pause);
  causes_->set_pause(pause);
  const bool over = !causes_->HasMore() || causes_->StudyNext();
  studied_ |= over;
  if (over) DropExplained();
  oracle_.set_digresses(false);
}

std::optional<Observed> TargetCheck::DepartureIn(TargetTable& table,
                                                 const Case& c) {
  std::optional<Observed> departure;
  table.Run(c, [&](const StepReport& report) {
    if (report.verdict.standing != Standing::kJudged ||
        report.finding.conforms) {
      return;
    }
    departure = ObservedOf(
        report, report.step == 0 ? nullptr : &c.steps[report.step - 1],
        table.preceding());
  });
  return departure;
}

std::size_t TargetCheck::UnexplainedFindings() const {
  return static_cast<std::size_t>(
      std::count_if(findings_.begin(), findings_.end(), [](const auto& entry) {
        return entry.second.incident.kind == IncidentKind::kNone;
      }));
}

bool TargetCheck::IsOfARegister(const CauseSearch& search) {
  if (search.size() != 1) return false;
  const Effect effect = search.causes()[0].cause.effect;
  return effect.kind == Effect::Kind::kTakes &&
         (effect.word == Word::kCr0 || effect.word == Word::kCr4 ||
          effect.word == Word::kEfer);
}

// What was kept of a translation is no part of a question.
bool TargetCheck::MayBeReconsidered() const {
  return !dialect_.alterations().empty() && !oracle_.keeps_translations();
}

bool TargetCheck::is_settled() const {
  const std::size_t found = dialect_.alterations().size() + causes_->size();
  return UnexplainedFindings() == 0 && !causes_->HasMore() &&
         (found < 2 || !MayBeReconsidered());
}

// Where several known mistakes explain what departs, or a part of it and not
// the rest, one that is not known may explain all of it, and they are blamed
// for nothing.
void TargetCheck::Reconsider(Clock::time_point pause, bool last) {
  constexpr unsigned kMostTimes = 4;
  constexpr int kMostCauses = 4;
  constexpr std::size_t kMostAsked = 24;
  const std::size_t size = dialect_.alterations().size();
  const std::size_t before = size + causes_->size() + UnexplainedFindings();
  const bool news = size != considered_size_ ||
                    disagreed_.size() >= 2 * considered_cases_ + 8;
  if (!MayBeReconsidered() || (last && before < 2)) return;
  if (!last && (!news || reconsidered_ == kMostTimes)) return;
  considered_size_ = size;
  considered_cases_ = disagreed_.size();
  ++reconsidered_;
  auto plain = std::make_unique<CauseSearch>(oracle_, Dialect());
  plain->set_end(end_);
  plain->set_pause(pause);
  plain->set_pool(&given_cases_);
  for (const Case& c : disagreed_) {
    if (const auto departure = DepartureIn(*sdm_table_, c)) {
      plain->Add(*departure);
    }
  }
  for (int i = 0; i < kMostCauses && plain->HasMore(); ++i) {
    // There was no time for it: it is considered in the end.
    if (!plain->StudyNext(Strictness::kNew)) return;
  }
  if (plain->empty()) return;
  // Known mistakes that explain everything stay, unless they are as many as one
  // bit of a register has to do with.
  if (causes_->empty() && UnexplainedFindings() == 0 &&
      !IsOfARegister(*plain)) {
    return;
  }
  // Nothing that is known so far is lost.
  for (const TargetCause& found : causes_->causes()) {
    for (const Observed& example : found.examples) {
      const auto departure = DepartureIn(*sdm_table_, example.question);
      if (departure.has_value() && !plain->Explains(*departure)) return;
    }
  }
  // What they leave is for the diagnosis, as if there were nothing else.
  auto rest = std::make_unique<Diagnosis>(oracle_.fields(), kBesideCauses);
  ObserveWhatAgrees(*rest);
  std::size_t asked = 0;
  for (const Case& c : disagreed_) {
    const auto departure = DepartureIn(*sdm_table_, c);
    if (!departure.has_value() || plain->Explains(*departure)) continue;
    if (++asked > kMostAsked) break;
    rest->Ask(oracle_, c);
  }
  const Explanation& explanation = rest->explanation();
  TargetTable by_rest(oracle_, explanation.dialect());
  std::set<std::string> unexplained;
  for (const Case& c : disagreed_) {
    const auto departure = DepartureIn(*sdm_table_, c);
    if (!departure.has_value() || plain->Explains(*departure)) continue;
    const std::string still = by_rest.SignatureOfCase(c);
    if (!still.empty()) unexplained.insert(still);
  }
  const std::size_t after =
      plain->size() + explanation.departures.size() + unexplained.size();
  if (after >= before) return;
  diagnosis_ = std::move(rest);
  causes_ = std::move(plain);
  SetDialect(diagnosis_->explanation().dialect());
}

// What is still a finding by its signature was met when nobody asked for
// causes, or when fewer were known.
void TargetCheck::StudyUnexplained() {
  for (const auto& [signature, finding] : findings_) {
    if (finding.incident.kind != IncidentKind::kNone) continue;
    const auto departure = DepartureIn(*table_, finding.c);
    if (departure.has_value() && !causes_->Explains(*departure)) {
      causes_->AddAgain(*departure);
    }
  }
}

// Answers that agree refute as much as others do.
void TargetCheck::ObserveWhatAgrees(Diagnosis& diagnosis) {
  for (std::size_t i = 0; i < given_cases_.size(); i += kBatch) {
    const auto piece =
        std::span(given_cases_)
            .subspan(i, std::min(kBatch, given_cases_.size() - i));
    oracle_.Prepare(piece);
    for (const Case& c : piece) {
      const auto shared = std::make_shared<const Case>(c);
      sdm_table_->Run(c, [&](const StepReport& report) {
        const Step* step =
            report.step == 0 ? nullptr : &shared->steps[report.step - 1];
        const bool unseen = IsEntry(step) && !oracle_.models_entry();
        if (unseen || !report.finding.conforms ||
            report.verdict.standing != Standing::kJudged ||
            report.outcome.event.kind == EventKind::kGaveUp) {
          return;
        }
        diagnosis.Observe(shared, report.step, report.before, step,
                          report.outcome);
      });
    }
  }
}

// A case whose signature was unexplained is one of a cause by now; another with
// that signature is news again.
void TargetCheck::DropExplained() {
  std::erase_if(findings_, [&](const auto& entry) {
    const TargetFinding& finding = entry.second;
    // What was seen beside an answer that agreed, in another dialect.
    const bool beside = finding.incident.kind == IncidentKind::kBeyondWidth &&
                        table_->SignatureOfCase(finding.c) != entry.first;
    if (finding.incident.kind != IncidentKind::kNone && !beside) return false;
    const auto departure = DepartureIn(*table_, finding.c);
    return departure.has_value() && causes_->Explains(*departure);
  });
}

void TargetCheck::TryBatch() {
  const std::uint64_t first = kFirstGiven + given_cases_.size() - batch_.size();
  oracle_.set_repeats(cases_.IsAskedAgain(first) ? 1 : 0);
  oracle_.Prepare(batch_);
  for (std::size_t i = 0; i < batch_.size(); ++i) Judge(first + i, batch_[i]);
  oracle_.set_repeats(0);
  batch_.clear();
}

void TargetCheck::Judge(std::uint64_t number, const Case& c, Seen seen) {
  statistics_.BeginCase(c);
  of_case_.Clear();
  const Standings& standings = table_->Run(c, [&](const StepReport& report) {
    statistics_.Observe(report, c);
    left_ += report.trace.left ? 1 : 0;
    of_case_.Add(oracle_, dialect_, *known_, c, report, table_->preceding());
  });
  statistics_.EndCase({&standings, 1});
  of_case_.CountIn(answers_);
  shown_ = of_case_.shown();
  const std::uint64_t bit = std::uint64_t{1} << seen.place;
  // Where this process is the scout, the edges are no news any more.
  Keep(number, c,
       scout_ != nullptr && seen.batch != nullptr
           ? (seen.batch->new_edges & bit) != 0
           : oracle_.reached_new_edges());
  const bool wrong = !table_->SignatureOf(standings).empty();
  disagreeing_ += wrong || !shown_.empty();
  if (wrong) {
    Look(c, standings);
  } else if (seen.batch != nullptr && (seen.batch->wrong & bit) != 0) {
    LookAgain(c, seen.batch->incidents[seen.place]);
  }
  for (const Alteration* alteration : shown_) ++cases_showing_[alteration];
}

// Whether a question is a case that departs by itself.
bool TargetCheck::IsAskedAlone(const Case& question) {
  Case fit = question;
  return FitTo(oracle_.profile(), fit) && fit == question &&
         DepartureIn(*table_, question).has_value();
}

void TargetCheck::CountUnexplained(const Finding& finding) {
  const CaseAnswers::Wrong& wrong = of_case_.wrong();
  answers_.Disagree({&finding.disagreements[0].why.rule, 1}, wrong.mode,
                    wrong.step, wrong.consequences);
}

void TargetCheck::Keep(std::uint64_t number, const Case& c, bool new_edges) {
  const RulePlaces& consequences = statistics_.consequences();
  bool news = new_edges || cases_.IsKeptAnyway(number);
  consequences.ForEachNotIn(seen_, [&](std::size_t) { news = true; });
  seen_.Add(consequences);
  if (news) cases_.Keep(number, c, new_edges);
}

void TargetCheck::Look(const Case& c, const Standings& standings) {
  // What is asked to find the cause may begin as cases of the batch do.
  oracle_.set_digresses(true);
  FindCause(c, standings);
  oracle_.set_digresses(false);
}

void TargetCheck::FindCause(const Case& c, const Standings& standings) {
  if (oracle_.incident().kind != IncidentKind::kNone || !standings.disagrees) {
    Record(table_->SignatureOf(standings), c);
    return;
  }
  const Finding finding = standings.finding;
  const std::optional<Observed>& observed = of_case_.wrong().observed;
  if (observed.has_value() && causes_->Explains(*observed)) {
    CountUnexplained(finding);
    return;
  }
  const std::string signature = SignatureOf(oracle_.name(), finding);
  const bool may_diagnose = MayDiagnose();
  if (const auto known = findings_.find(signature);
      known != findings_.end() &&
      (known->second.diagnosed || !began_.has_value() || !may_diagnose)) {
    ++known->second.cases;
    CountUnexplained(finding);
    if (observed.has_value()) causes_->Add(*observed);
    return;
  }
  if (Varies(c)) {
    Record(SignatureOf(oracle_.name(), {IncidentKind::kVaries, 0}), c);
    return;
  }
  const std::size_t first_wrong = standings.step;
  if (may_diagnose) {
    const TimeTaken taken(diagnosing_);
    // What the steps before it show may have a cause by now.
    const bool alone = !causes_->empty() && observed.has_value() &&
                       IsAskedAlone(observed->question);
    Explain(alone ? Case(observed->question) : c);
  } else if (began_.has_value() && disagreed_.size() < kMaxDisagreed) {
    disagreed_.push_back(c);
  }
  // The steps before it have been counted.
  of_case_.Clear();
  const Standings& now = table_->Run(c, [&](const StepReport& report) {
    if (report.step < first_wrong) return;
    of_case_.Add(oracle_, dialect_, *known_, c, report, table_->preceding());
  });
  of_case_.CountIn(answers_);
  shown_.insert(of_case_.shown().begin(), of_case_.shown().end());
  // Still there in the new dialect: nothing explains it.
  if (const std::string still = table_->SignatureOf(now); !still.empty()) {
    diagnosed_ += may_diagnose || !began_.has_value();
    if (now.disagrees) {
      CountUnexplained(now.finding);
      if (observed.has_value()) causes_->Add(*observed);
    }
    Record(still, c);
    findings_[still].diagnosed |= may_diagnose;
  }
}

bool TargetCheck::Varies(const Case& c) {
  oracle_.set_repeats(kConfirmations);
  table_->Run(c);
  oracle_.set_repeats(0);
  return oracle_.incident().kind == IncidentKind::kVaries;
}

void TargetCheck::Record(const std::string& signature, const Case& c) {
  const Incident& aside = oracle_.aside();
  Record(signature, c,
         signature == SignatureOf(oracle_.name(), aside) ? aside
                                                         : oracle_.incident());
}

void TargetCheck::Record(const std::string& signature, const Case& c,
                         const Incident& incident) {
  TargetFinding& finding = findings_[signature];
  ++finding.cases;
  if (finding.cases > 1) return;
  finding.signature = signature;
  finding.c = c;
  finding.incident = incident;
  finding.exchange_failed = oracle_.exchange_failed();
  if (finding.incident.kind != IncidentKind::kNone) {
    finding.output = oracle_.LastOutput();
  }
}

void TargetCheck::Explain(const Case& c) {
  if (disagreed_.size() < kMaxDisagreed) disagreed_.push_back(c);
  diagnosis_->Ask(oracle_, c);
  SetDialect(diagnosis_->explanation().dialect());
}

void TargetCheck::SetDialect(const Dialect& dialect) {
  // One alteration in place of another explains what that one did.
  const Shown before(dialect_.alterations().begin(),
                     dialect_.alterations().end());
  const Shown after(dialect.alterations().begin(), dialect.alterations().end());
  std::vector<const Alteration*> gone;
  std::vector<const Alteration*> come;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                      std::back_inserter(gone));
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(come));
  if (gone.size() == 1 && come.size() == 1) {
    cases_showing_[come[0]] += std::exchange(cases_showing_[gone[0]], 0);
    instead_.erase(come[0]);
    instead_[gone[0]] = come[0];
  }
  const auto same = [&](const Dialect& other) {
    return std::ranges::equal(dialect.alterations(), other.alterations());
  };
  if (!same(causes_->dialect())) causes_->SetDialect(dialect);
  if (same(dialect_)) return;
  dialect_ = dialect;
  new_dialect_ = true;
  table_ = std::make_unique<TargetTable>(oracle_, dialect_);
  known_ = std::make_unique<KnownDepartures>(dialect_, oracle_.fields());
  // What was unexplained when it was met may be explained by now; then a case
  // with its signature is news again.
  std::erase_if(findings_, [&](const auto& entry) {
    const TargetFinding& finding = entry.second;
    return finding.incident.kind == IncidentKind::kNone &&
           table_->SignatureOfCase(finding.c).empty();
  });
}

std::string TargetCheck::SignatureOfCase(const Case& c, Standings* standings) {
  const std::string signature = sdm_table_->SignatureOfCase(c);
  if (standings != nullptr) *standings = sdm_table_->Run(c);
  return signature;
}

std::size_t TargetCheck::situations() const {
  std::size_t count = 0;
  seen_.ForEach([&](std::size_t) { ++count; });
  return count;
}

std::optional<std::size_t> TargetCheck::CauseOf(
    const TargetFinding& incident, const std::vector<TargetCause>& causes) {
  switch (incident.incident.kind) {
    case IncidentKind::kBeyondWidth:
    case IncidentKind::kMisaligned:
    case IncidentKind::kStrayStore:
    case IncidentKind::kProtocol:
      break;
    default:
      return std::nullopt;
  }
  for (std::size_t i = 0; i < causes.size(); ++i) {
    if (causes_->Follows(causes[i], incident.c, incident.signature)) return i;
  }
  return std::nullopt;
}

std::vector<TargetFinding> TargetCheck::findings() const {
  std::vector<TargetFinding> list;
  for (const auto& [signature, finding] : findings_) list.push_back(finding);
  return list;
}

}  // namespace eptdiff
