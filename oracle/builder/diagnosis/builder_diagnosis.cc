#include "oracle/builder/diagnosis/builder_diagnosis.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace eptdiff {
namespace {

constexpr int kMaxFeatures = 4;  // that a cause may fix, beside the mistake
constexpr std::uint64_t kMistakeMask = Symptom::MaskOf(Feature::kMistake);
constexpr std::uint64_t kCause = 2'000'000, kSometimes = 5'000'000;
// Of causes with as many features the one that was never seen to go well.
constexpr std::uint64_t kNotAlways = 19;
constexpr int kMaxSteps = 200'000;  // of the search

// A cause that may be named.
struct Candidate {
  BuilderCause cause;
  std::uint64_t cost = 0;
  std::vector<bool> explains;  // of the failing cases
};

// The masks of all sets of at most kMaxFeatures of these features, small ones
// first.
std::vector<std::uint64_t> MasksOf(const std::vector<Feature>& features) {
  std::vector<std::uint64_t> masks;
  const std::uint32_t end = 1u << features.size();
  for (int size = 0; size <= kMaxFeatures; ++size) {
    for (std::uint32_t set = 0; set < end; ++set) {
      if (std::popcount(set) != size) continue;
      std::uint64_t mask = kMistakeMask;
      for (std::size_t i = 0; i < features.size(); ++i) {
        if ((set >> i & 1) != 0) mask |= Symptom::MaskOf(features[i]);
      }
      masks.push_back(mask);
    }
  }
  return masks;
}

class Search {
 public:
  Search(std::span<const FailingCases> failing,
         std::span<const CountedSymptom> right)
      : failing_(failing), right_(right) {
    std::map<Mistake, std::set<Symptom>> seen;
    for (const FailingCases& each : failing_) {
      for (const Symptom s : each.symptoms) seen[s.mistake()].insert(s);
    }
    for (const auto& [mistake, symptoms] : seen) Propose(mistake, symptoms);
    DropDominated();
  }

  std::vector<BuilderCause> Run() {
    std::vector<bool> open(failing_.size(), true);
    std::vector<std::size_t> chosen;
    Extend(open, chosen, 0);
    std::vector<BuilderCause> causes;
    for (const std::size_t i : best_) causes.push_back(candidates_[i].cause);
    std::sort(causes.begin(), causes.end(),
              [](const BuilderCause& a, const BuilderCause& b) {
                return std::pair(a.value.mistake(), a.value.bits & a.fixed) <
                       std::pair(b.value.mistake(), b.value.bits & b.fixed);
              });
    return causes;
  }

 private:
  // The candidates that name this mistake.
  void Propose(Mistake mistake, const std::set<Symptom>& symptoms) {
    std::vector<CountedSymptom> right;
    for (const CountedSymptom& each : right_) {
      if (each.symptom.mistake() == mistake) right.push_back(each);
    }
    const std::vector<std::uint64_t> masks = MasksOf(Varying(symptoms, right));
    std::set<std::pair<std::uint64_t, std::uint64_t>> proposed;
    for (const Symptom symptom : symptoms) {
      std::vector<std::uint64_t> minimal;
      for (const std::uint64_t mask : masks) {
        const bool is_covered =
            std::any_of(minimal.begin(), minimal.end(),
                        [&](std::uint64_t m) { return (m & mask) == m; });
        if (is_covered) continue;
        BuilderCause cause;
        cause.value = {symptom.bits & mask};
        cause.fixed = mask;
        const bool is_new = proposed.emplace(mask, cause.value.bits).second;
        for (const CountedSymptom& each : right) {
          if (cause.Matches(each.symptom)) cause.right += each.count;
        }
        Count(cause);
        const bool apart = cause.right * 10 <= cause.cases;
        if (apart) minimal.push_back(mask);
        // Of what nothing sets apart: a feature at most.
        if (is_new && (apart || std::popcount(mask) <=
                                    Symptom::kMistakeWidth + Symptom::kWidth)) {
          Add(std::move(cause), apart);
        }
      }
    }
  }

  // Features that are not the same everywhere.
  static std::vector<Feature> Varying(
      const std::set<Symptom>& symptoms,
      const std::vector<CountedSymptom>& right) {
    std::uint64_t varying = 0;
    const std::uint64_t first = symptoms.begin()->bits;
    for (const Symptom s : symptoms) varying |= s.bits ^ first;
    for (const CountedSymptom& s : right) varying |= s.symptom.bits ^ first;
    std::vector<Feature> features;
    for (int i = 0; i < kFeatureCount; ++i) {
      const auto feature = static_cast<Feature>(i);
      if ((varying & Symptom::MaskOf(feature)) != 0) {
        features.push_back(feature);
      }
    }
    return features;
  }

  void Count(BuilderCause& cause) const {
    for (std::size_t i = 0; i < failing_.size(); ++i) {
      const auto& symptoms = failing_[i].symptoms;
      if (std::any_of(symptoms.begin(), symptoms.end(),
                      [&](Symptom s) { return cause.Matches(s); })) {
        cause.explains.push_back(i);
        cause.cases += failing_[i].cases;
      }
    }
  }

  void Add(BuilderCause cause, bool apart) {
    const auto mistake = static_cast<unsigned>(cause.value.mistake());
    Candidate candidate;
    candidate.explains.resize(failing_.size());
    for (const std::size_t i : cause.explains) candidate.explains[i] = true;
    candidate.cost = (apart ? kCause : kSometimes) +
                     std::uint64_t{1000} * mistake + CostOfFeatures(cause) +
                     (cause.right != 0 ? kNotAlways : 0);
    candidate.cause = std::move(cause);
    candidates_.push_back(std::move(candidate));
  }

  // Few features, and those that say more: the first ones.
  static std::uint64_t CostOfFeatures(const BuilderCause& cause) {
    std::uint64_t cost = 0;
    for (int i = 1; i < kFeatureCount; ++i) {
      if (cause.IsFixed(static_cast<Feature>(i))) {
        cost += 20 + static_cast<std::uint64_t>(i);
      }
    }
    return cost;
  }

  // Whoever explains no more than another one, at no lower cost, goes.
  void DropDominated() {
    const auto key = [](const Candidate& candidate) {
      return std::tuple(candidate.cost, candidate.cause.value.bits,
                        candidate.cause.fixed);
    };
    std::sort(candidates_.begin(), candidates_.end(),
              [&](const Candidate& a, const Candidate& b) {
                return key(a) < key(b);
              });
    std::vector<Candidate> kept;
    for (Candidate& each : candidates_) {
      const bool dominated =
          std::any_of(kept.begin(), kept.end(), [&](const Candidate& other) {
            return std::includes(
                other.cause.explains.begin(), other.cause.explains.end(),
                each.cause.explains.begin(), each.cause.explains.end());
          });
      if (!dominated) kept.push_back(std::move(each));
    }
    candidates_ = std::move(kept);
  }

  // Explains what is open still, in every way that may be cheaper than the best
  // known: whatever is explained by the fewest candidates goes first.
  void Extend(const std::vector<bool>& open, std::vector<std::size_t>& chosen,
              std::uint64_t cost) {
    if (++steps_ > kMaxSteps && !best_.empty()) return;
    std::vector<std::size_t> ways;
    bool any = false;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (!open[i]) continue;
      std::vector<std::size_t> here;
      for (std::size_t n = 0; n < candidates_.size(); ++n) {
        if (candidates_[n].explains[i]) here.push_back(n);
      }
      if (!any || here.size() < ways.size()) ways = std::move(here);
      any = true;
    }
    if (!any) {
      if (best_.empty() || cost < best_cost_) {
        best_ = chosen;
        best_cost_ = cost;
      }
      return;
    }
    for (const std::size_t n : ways) {
      const std::uint64_t sum = cost + candidates_[n].cost;
      if (!best_.empty() && sum >= best_cost_) continue;
      std::vector<bool> rest = open;
      for (const std::size_t i : candidates_[n].cause.explains) {
        rest[i] = false;
      }
      chosen.push_back(n);
      Extend(rest, chosen, sum);
      chosen.pop_back();
    }
  }

  std::span<const FailingCases> failing_;
  std::span<const CountedSymptom> right_;
  std::vector<Candidate> candidates_;  // cheapest first
  std::vector<std::size_t> best_;
  std::uint64_t best_cost_ = 0;
  int steps_ = 0;
};

bool IsAboutRefusal(Mistake mistake) {
  return mistake <= Mistake::kChangedThough;
}

// Whether all that `part` alone explains happened in the situations of `whole`,
// which say something about operations.
bool GoesWith(const BuilderCause& part, const BuilderCause& whole,
              std::span<const FailingCases> failing) {
  constexpr std::uint64_t kSituation =
      Symptom::MaskOf(Feature::kWork) | Symptom::MaskOf(Feature::kRegion) |
      Symptom::MaskOf(Feature::kLarge) | Symptom::MaskOf(Feature::kAfterHole);
  const std::uint64_t situation = whole.fixed & kSituation;
  if (situation == 0 || !IsAboutRefusal(part.value.mistake())) return false;
  if (IsAboutRefusal(whole.value.mistake()) && part.cases >= whole.cases) {
    return false;
  }
  for (const std::size_t i : part.explains) {
    for (const Symptom s : failing[i].symptoms) {
      if (part.Matches(s) && ((s.bits ^ whole.value.bits) & situation) != 0) {
        return false;
      }
    }
  }
  return true;
}

// Bits of a page, or a reason, that are the same ones in all that the cause
// explains belong to it, whether or not that sets it apart.
void NameDetail(std::span<const FailingCases> failing,
                std::span<const CountedSymptom> right, BuilderCause& cause) {
  const Mistake mistake = cause.value.mistake();
  if ((mistake != Mistake::kBits && !IsAboutRefusal(mistake)) ||
      cause.IsFixed(Feature::kDetail)) {
    return;
  }
  std::set<int> details;
  for (const std::size_t i : cause.explains) {
    for (const Symptom s : failing[i].symptoms) {
      if (cause.Matches(s)) details.insert(s.Get(Feature::kDetail));
    }
  }
  if (details.size() != 1) return;
  cause.value = cause.value.With(Feature::kDetail, *details.begin());
  cause.fixed |= Symptom::MaskOf(Feature::kDetail);
  cause.right = 0;
  for (const CountedSymptom& each : right) {
    if (cause.Matches(each.symptom)) cause.right += each.count;
  }
}

}  // namespace

std::vector<BuilderCause> DiagnoseBuilder(
    std::span<const FailingCases> failing,
    std::span<const CountedSymptom> right) {
  std::vector<BuilderCause> causes = Search(failing, right).Run();
  for (std::size_t i = 0; i < causes.size();) {
    const auto whole = std::find_if(
        causes.begin(), causes.end(), [&](const BuilderCause& other) {
          return &other != &causes[i] && GoesWith(causes[i], other, failing);
        });
    if (whole == causes.end()) {
      ++i;
      continue;
    }
    whole->cases += causes[i].cases;
    causes.erase(causes.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (BuilderCause& cause : causes) NameDetail(failing, right, cause);
  return causes;
}

}  // namespace eptdiff
