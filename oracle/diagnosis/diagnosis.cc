#include "oracle/diagnosis/diagnosis.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "oracle/diagnosis/combination.h"
#include "oracle/diagnosis/evidence.h"
#include "oracle/diagnosis/search.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

// VM entry, of whoever does not know its checks.
bool EntersBySdm(const MachineState& state, const Step* step) {
  auto verdict = std::make_unique_for_overwrite<Verdict>();
  Trace trace;
  Reference().Judge(state, step, *verdict, trace);
  return verdict->standing == Standing::kJudged &&
         !IsFailedEntry(verdict->alternatives[0].event.kind);
}

// Observations that every explanation so far agrees with are kept up to here.
constexpr std::size_t kMostKept = 20'000;

// Unexplained steps, and alterations, that are looked at for the nearest.
constexpr std::size_t kMostSampled = 64;
constexpr std::size_t kMostRanked = 12;

std::vector<const Alteration*> AlterationsOf(const Combination& combination) {
  std::vector<const Alteration*> alterations;
  for (std::uint16_t number : combination) {
    alterations.push_back(&AllAlterations()[number]);
  }
  return alterations;
}

// If `b` is `a` with one alteration exchanged: which one, for which.
std::optional<std::pair<std::uint16_t, std::uint16_t>> Exchange(
    const Combination& a, const Combination& b) {
  Combination only_a;
  Combination only_b;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(),
                      std::back_inserter(only_a));
  std::set_difference(b.begin(), b.end(), a.begin(), a.end(),
                      std::back_inserter(only_b));
  if (only_a.size() != 1 || only_b.size() != 1) return std::nullopt;
  return std::pair(only_a[0], only_b[0]);
}

}  // namespace

void Diagnosis::Observe(const std::shared_ptr<const Case>& c,
                        std::size_t number, const MachineState& before,
                        const Step* step, const Outcome& outcome) {
  if (!evidence_.Add(c, number, before, step, outcome)) return;
  const std::size_t i = evidence_.size() - 1;
  std::vector<Combination> remaining;
  for (const Combination& candidate : candidates_) {
    if (!evidence_.Contradicts(Trier(candidate), i)) {
      remaining.push_back(candidate);
    }
  }
  const bool refutes = remaining.size() < candidates_.size();
  if (!refutes && evidence_.size() > kMostKept) {
    evidence_.PopBack();
    return;
  }
  explanation_.reset();
  if (remaining.empty()) {
    fresh_.push_back(i);
    return;
  }
  constraints_.push_back(i);
  candidates_ = std::move(remaining);
}

std::size_t Diagnosis::Ask(Oracle& oracle, const Case& c) {
  const auto shared = std::make_shared<const Case>(c);
  MachineState state;
  state.records_history = oracle.keeps_translations();
  state.declared = oracle.declared();
  state.Load(c);
  Outcome outcome;
  if (oracle.Enter(state, outcome) != Skip::kNone) return 0;
  std::size_t answered = 0;
  if (oracle.models_entry()) {
    Observe(shared, 0, state, nullptr, outcome);
    ++answered;
    if (IsFailedEntry(outcome.event.kind)) return answered;
  } else if (!EntersBySdm(state, nullptr)) {
    return 0;
  }
  for (std::size_t i = 0; i < c.steps.size(); ++i) {
    const Step& step = c.steps[i];
    state.Begin(step);
    if (AskOracle(oracle, state, step, outcome) != Skip::kNone) break;
    if (IsEntry(&step) && !oracle.models_entry()) {
      if (!EntersBySdm(state, &step)) break;
      state.Apply(&step, outcome);
      continue;
    }
    const std::size_t known = evidence_.size();
    const std::size_t strange = fresh_.size();
    Observe(shared, i + 1, state, &step, outcome);
    ++answered;
    if (evidence_.size() == known && known <= kMostKept) break;  // undefined
    if (fresh_.size() > strange) break;
    if (IsFailedEntry(outcome.event.kind)) break;
    state.Apply(&step, outcome);
  }
  return answered;
}

void Diagnosis::Update() {
  if (fresh_.empty()) return;
  explanation_.reset();
  const std::size_t before = constraints_.size();
  for (std::size_t i : fresh_) {
    const Observation& observation = evidence_[i];
    if (!observation.agrees) {
      const bool known = inexplicable_.contains(observation.signature);
      eptdiff::Search search(evidence_, {i}, effort_.of_one);
      const std::size_t size = known ? 1 : kExactSize;
      if (!search.Explainable(i, {}, size) &&
          !search.Explainable(i, candidates_[0], 1)) {
        inexplicable_.insert(observation.signature);
        set_aside_.push_back(i);
        continue;
      }
    }
    constraints_.push_back(i);
  }
  fresh_.clear();
  if (constraints_.size() > before) Search();
}

void Diagnosis::Search() {
  eptdiff::Search search(evidence_, constraints_, effort_.search);
  while (at_least_ <= kExactSize && !search.gave_up()) {
    std::vector<Combination> found = search.AllOfSize(at_least_);
    if (!found.empty()) {
      candidates_ = std::move(found);
      smallest_ = true;
      return;
    }
    if (!search.gave_up()) ++at_least_;
  }
  GrowInstead();
}

void Diagnosis::GrowInstead() {
  std::vector<std::size_t> left;
  eptdiff::Search search(evidence_, constraints_, effort_.search);
  const Combination grown = search.Grown(left);
  const std::set<std::size_t> except(left.begin(), left.end());
  if (!left.empty()) {
    std::erase_if(constraints_,
                  [&](std::size_t i) { return except.contains(i); });
    set_aside_.insert(set_aside_.end(), left.begin(), left.end());
    at_least_ = 0;
  }
  while (at_least_ < grown.size() && at_least_ <= kExactSize) {
    eptdiff::Search again(evidence_, constraints_, effort_.search);
    std::vector<Combination> found = again.AllOfSize(at_least_);
    if (!found.empty()) {
      candidates_ = std::move(found);
      smallest_ = true;
      return;
    }
    if (again.gave_up()) break;
    ++at_least_;
  }
  candidates_ = {grown};
  for (std::uint16_t number : grown) {
    for (std::uint16_t other : search.InPlaceOf(grown, number, except)) {
      candidates_.push_back(With(Without(grown, number), other));
    }
  }
  smallest_ = grown.size() <= at_least_;
}

void Diagnosis::TakeBack() {
  const Trier trier(candidates_[0]);
  std::erase_if(set_aside_, [&](std::size_t i) {
    if (evidence_.FitOf(trier, i) != Fit::kFits) return false;
    constraints_.push_back(i);
    std::erase_if(candidates_, [&](const Combination& candidate) {
      return evidence_.Contradicts(Trier(candidate), i);
    });
    return true;
  });
}

std::vector<std::size_t> Diagnosis::CountCases(const Combination& combination) {
  std::vector<std::size_t> counts;
  const Trier whole(combination);
  for (std::uint16_t number : combination) {
    const Trier part(Without(combination, number));
    std::set<const Case*> cases;
    for (std::size_t i : constraints_) {
      const Case* c = evidence_[i].c.get();
      if (cases.contains(c) || !evidence_.Contradicts(part, i)) continue;
      if (evidence_.FitOf(whole, i) == Fit::kFits) cases.insert(c);
    }
    counts.push_back(cases.size());
  }
  return counts;
}

std::optional<Nearest> Diagnosis::FindNearest() {
  const std::vector<std::size_t> sample(
      set_aside_.begin(),
      set_aside_.begin() + static_cast<std::ptrdiff_t>(
                               std::min(set_aside_.size(), kMostSampled)));
  AlterationSet touched;
  for (std::size_t i : sample) touched |= evidence_[i].touched;
  for (std::uint16_t number : candidates_[0]) touched.reset(number);
  const auto count = [&](std::uint16_t number, Fit fit,
                         const std::vector<std::size_t>& among) {
    const Trier trier(With(candidates_[0], number));
    return static_cast<std::size_t>(std::count_if(
        among.begin(), among.end(),
        [&](std::size_t i) { return evidence_.FitOf(trier, i) == fit; }));
  };
  std::vector<std::pair<std::size_t, std::uint16_t>> ranked;
  for (std::size_t a = 0; a < AllAlterations().size(); ++a) {
    const auto number = static_cast<std::uint16_t>(a);
    if (!touched[a]) continue;
    const std::size_t explained = count(number, Fit::kFits, sample);
    if (explained > 0) ranked.emplace_back(sample.size() - explained, number);
  }
  std::sort(ranked.begin(), ranked.end());
  ranked.resize(std::min(ranked.size(), kMostRanked));
  std::optional<Nearest> best;
  for (const auto& [missed, number] : ranked) {
    const Nearest nearest = {&AllAlterations()[number],
                             count(number, Fit::kFits, set_aside_),
                             count(number, Fit::kContradicts, constraints_)};
    const auto gain = [](const Nearest& n) {
      return static_cast<std::ptrdiff_t>(n.explained) -
             static_cast<std::ptrdiff_t>(n.contradicted);
    };
    if (!best || gain(nearest) > gain(*best)) best = nearest;
  }
  return best;
}

const Explanation& Diagnosis::explanation() {
  Update();
  if (explanation_) return *explanation_;
  TakeBack();
  explanation_.emplace();
  Explanation& result = *explanation_;
  const Combination& chosen = candidates_[0];
  const std::vector<std::size_t> counts = CountCases(chosen);
  AlterationSet known;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    result.departures.push_back({&AllAlterations()[chosen[i]], {}, counts[i]});
    known.set(chosen[i]);
  }
  for (std::size_t i = 1; i < candidates_.size(); ++i) {
    const auto exchange = Exchange(chosen, candidates_[i]);
    if (!exchange) continue;
    for (Departure& departure : result.departures) {
      if (departure.alteration != &AllAlterations()[exchange->first]) continue;
      departure.inseparable.push_back(&AllAlterations()[exchange->second]);
      known.set(exchange->second);
    }
  }
  for (const Combination& candidate : candidates_) {
    if (std::all_of(candidate.begin(), candidate.end(),
                    [&](std::uint16_t number) { return known[number]; })) {
      continue;
    }
    result.others.push_back(AlterationsOf(candidate));
  }
  for (std::size_t i : set_aside_) {
    const Observation& o = evidence_[i];
    result.unexplained.push_back({o.c, o.number, o.before, o.outcome});
  }
  result.nearest = FindNearest();
  result.smallest = smallest_;
  return result;
}

Dialect Explanation::dialect() const {
  std::vector<const Alteration*> alterations;
  for (const Departure& departure : departures) {
    alterations.push_back(departure.alteration);
  }
  return Dialect("diagnosis", std::move(alterations));
}

}  // namespace eptdiff
