#include "oracle/builder/diagnosis/builder_diagnosis.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
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
// Naming a circumstance costs as much as that and a feature. It has to be seen
// so often, wrong and right, not to be there by chance: of some 600 bits.
constexpr std::uint64_t kCircumstance = 38;
constexpr int kMaxCircumstances = 3;  // of one set of features
constexpr std::uint64_t kEnoughWrong = 5, kEnoughRight = 20;
// What went right so often, for all that the mistake was seen as often, went
// right for a reason: then ways of the mistake that never did cost little after
// the first one, and less together than the mistake alone.
constexpr std::uint64_t kEnoughApart = 5;
constexpr std::uint64_t kFurtherWay = 300'000, kHidesWays = 1'000'000;
constexpr int kMaxSteps = 200'000;  // of the search

// A cause that may be named.
struct Candidate {
  BuilderCause cause;
  std::uint64_t cost = 0;
  // Not 0: one of several ways of a mistake, as one feature tells them apart,
  // which that feature's mask stands for.
  std::uint64_t ways_by = 0;
  std::vector<bool> explains;  // of the failing cases

  bool IsAWayOf(const Candidate& other) const {
    return ways_by != 0 && ways_by == other.ways_by &&
           cause.value.mistake() == other.cause.value.mistake();
  }
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
         std::span<const CountedSymptom> right,
         std::span<const BuilderCause> studied)
      : failing_(failing), right_(right) {
    std::map<Mistake, std::set<Symptom>> seen;
    for (const FailingCases& each : failing_) {
      for (const Symptom s : each.symptoms) seen[s.mistake()].insert(s);
    }
    for (const auto& [mistake, symptoms] : seen) Propose(mistake, symptoms);
    for (BuilderCause cause : studied) {
      Count(cause);
      Add(std::move(cause), /*apart=*/true);
    }
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
        CircumstancesSeen seen;  // where it went right
        for (const CountedSymptom& each : right) {
          if (!cause.Matches(each.symptom)) continue;
          cause.right += each.count;
          seen.Add(each.seen);
        }
        Count(cause);
        const bool apart = cause.right * 10 <= cause.cases;
        if (apart && cause.right < kEnoughApart) minimal.push_back(mask);
        if (!is_new) continue;
        const int features =
            (std::popcount(mask) - Symptom::kWide) / Symptom::kWidth;
        if (!apart && features <= 2) AddInCircumstances(cause, seen);
        // Of what nothing sets apart: a feature at most.
        if (apart || features <= 1) Add(std::move(cause), apart);
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
      if (cause.HoldsIn(failing_[i].seen) &&
          std::any_of(symptoms.begin(), symptoms.end(),
                      [&](Symptom s) { return cause.Matches(s); })) {
        cause.explains.push_back(i);
        cause.cases += failing_[i].cases;
      }
    }
  }

  // The cause with what is true wherever it went wrong, in some of the failing
  // cases, and was nowhere where it went right.
  void AddInCircumstances(const BuilderCause& whole,
                          const CircumstancesSeen& right) {
    if (whole.right < kEnoughRight) return;
    std::vector<std::size_t> open = whole.explains;
    for (int n = 0; n < kMaxCircumstances && !open.empty(); ++n) {
      BuilderCause best = whole;
      best.cases = 0;
      // The last word is rather said by those before it, but for the size.
      if (whole.value.mistake() == Mistake::kBits) {
        for (const bool value : {true, false}) {
          Try({CircumstanceWord::kPage, kLargePageBit, value}, open, right,
              best);
        }
      }
      for (std::size_t word = 0; word + 1 < kCircumstanceWords; ++word) {
        for (int bit = 0; bit < 64; ++bit) {
          for (const bool value : {true, false}) {
            Try({static_cast<CircumstanceWord>(word),
                 static_cast<std::uint8_t>(bit), value},
                open, right, best);
          }
        }
      }
      if (best.cases < kEnoughWrong) return;
      std::erase_if(open, [&](std::size_t i) {
        return std::binary_search(best.explains.begin(), best.explains.end(),
                                  i);
      });
      best.right = 0;
      Add(std::move(best), /*apart=*/true);
    }
  }

  void Try(const Circumstance& when, const std::vector<std::size_t>& open,
           const CircumstancesSeen& right, BuilderCause& best) const {
    if (right.Some(when)) return;
    std::uint64_t cases = 0;
    std::vector<std::size_t> explains;
    for (const std::size_t i : open) {
      if (!failing_[i].seen.All(when)) continue;
      cases += failing_[i].cases;
      explains.push_back(i);
    }
    if (cases <= best.cases) return;
    best.when = {when};
    best.cases = cases;
    best.explains = std::move(explains);
  }

  void Add(BuilderCause cause, bool apart) {
    const auto mistake = static_cast<unsigned>(cause.value.mistake());
    Candidate candidate;
    candidate.explains.resize(failing_.size());
    for (const std::size_t i : cause.explains) candidate.explains[i] = true;
    candidate.cost = (apart ? kCause : kSometimes) +
                     std::uint64_t{1000} * mistake + CostOfFeatures(cause) +
                     kCircumstance * cause.when.size() +
                     (cause.right != 0 ? kNotAlways : 0);
    if (apart && cause.when.empty()) {
      const std::uint64_t features = cause.fixed & ~kMistakeMask;
      if (cause.right >= kEnoughApart) {
        candidate.cost += kHidesWays;
      } else if (cause.right == 0 && IsOneFeature(features) &&
                 HasWays(cause.value.mistake())) {
        candidate.ways_by = features;
      }
    }
    candidate.cause = std::move(cause);
    candidates_.push_back(std::move(candidate));
  }

  static bool IsOneFeature(std::uint64_t mask) {
    for (int i = 1; i < kFeatureCount; ++i) {
      if (mask == Symptom::MaskOf(static_cast<Feature>(i))) return true;
    }
    return false;
  }

  // Whether it is seen that the mistake is made in some situations and not in
  // others.
  bool HasWays(Mistake mistake) const {
    std::uint64_t wrong = 0, right = 0;
    for (const FailingCases& each : failing_) {
      if (std::any_of(each.symptoms.begin(), each.symptoms.end(),
                      [&](Symptom s) { return s.mistake() == mistake; })) {
        wrong += each.cases;
      }
    }
    for (const CountedSymptom& each : right_) {
      if (each.symptom.mistake() == mistake) right += each.count;
    }
    return wrong >= kEnoughApart && right >= kEnoughApart;
  }

  // What it costs beside those that are chosen.
  std::uint64_t CostBeside(const std::vector<std::size_t>& chosen,
                           const Candidate& candidate) const {
    const bool further =
        std::any_of(chosen.begin(), chosen.end(), [&](std::size_t other) {
          return candidate.IsAWayOf(candidates_[other]);
        });
    return further ? kFurtherWay : candidate.cost;
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
      const std::uint64_t sum = cost + CostBeside(chosen, candidates_[n]);
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

// Whether all that `part` alone explains comes of the bits that `whole` takes
// or gives: what is asked for without them is another thing, which may have to
// be refused, or be there already.
bool FollowsFrom(const BuilderCause& part, const BuilderCause& whole,
                 std::span<const FailingCases> failing) {
  const Mistake mistake = part.value.mistake();
  const bool refusal =
      IsAboutRefusal(mistake) && mistake != Mistake::kChangedThough;
  // An entry without a right may be misconfigured, or map nothing.
  const bool entry =
      mistake == Mistake::kBadEntry || mistake == Mistake::kUnusedWord;
  const bool rarer = part.cases < whole.cases;
  if (whole.value.mistake() == Mistake::kNotDone) {
    // A store that is not made links no table, and unlinks none whose frame is
    // freed then; and what it was to change needs no INVEPT.
    const bool follows = mistake == Mistake::kNotLinked ||
                         mistake == Mistake::kFreedLinked ||
                         mistake == Mistake::kInveptNeedless;
    return follows && rarer &&
           std::all_of(
               part.explains.begin(), part.explains.end(),
               [&](std::size_t i) { return whole.HoldsIn(failing[i].seen); });
  }
  if (!entry && !(rarer && (refusal || mistake == Mistake::kNotDone ||
                            mistake == Mistake::kPageGone))) {
    return false;
  }
  if (whole.value.mistake() == Mistake::kBeyond) return refusal;
  const PageDifference& bits = whole.difference;
  const auto all_have = [&](std::size_t i, CircumstanceWord word,
                            std::uint64_t mask, bool value) {
    for (; mask != 0; mask &= mask - 1) {
      const auto bit = static_cast<std::uint8_t>(std::countr_zero(mask));
      if (failing[i].seen.All({word, bit, value})) return true;
    }
    return false;
  };
  return std::all_of(
      part.explains.begin(), part.explains.end(), [&](std::size_t i) {
        if (whole.value.mistake() == Mistake::kElsewhere) {
          return all_have(i, CircumstanceWord::kGpa, bits.guest, true);
        }
        return whole.value.mistake() == Mistake::kBits &&
               (all_have(i, CircumstanceWord::kFlags, bits.lost, true) ||
                all_have(i, CircumstanceWord::kFlags, bits.gained, false) ||
                all_have(i, CircumstanceWord::kHpa, bits.address_lost, true) ||
                all_have(i, CircumstanceWord::kHpa,
                         bits.address & ~bits.address_lost, false));
      });
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
  std::set<int> families;
  std::optional<std::set<int>> common;  // to all of the cases
  for (const std::size_t i : cause.explains) {
    std::set<int> details;
    for (const Symptom s : failing[i].symptoms) {
      if (!cause.Matches(s)) continue;
      const int detail = s.Get(Feature::kDetail);
      details.insert(detail);
      families.insert(
          mistake == Mistake::kBits
              ? static_cast<int>(FamilyOf(static_cast<PageBits>(detail)))
              : detail);
    }
    if (common.has_value()) {
      std::erase_if(*common,
                    [&](int detail) { return !details.contains(detail); });
    } else {
      common = std::move(details);
    }
  }
  if (families.size() != 1 || !common.has_value() || common->empty()) return;
  // Of several that which went right the least says the most.
  const auto right_with = [&](int detail) {
    BuilderCause named = cause;
    named.value = named.value.With(Feature::kDetail, detail);
    named.fixed |= Symptom::MaskOf(Feature::kDetail);
    std::uint64_t count = 0;
    for (const CountedSymptom& each : right) {
      if (named.Matches(each.symptom)) count += each.count;
    }
    return count;
  };
  const int detail = *std::min_element(
      common->begin(), common->end(),
      [&](int a, int b) { return right_with(a) < right_with(b); });
  if (cause.when.empty()) cause.right = right_with(detail);
  cause.value = cause.value.With(Feature::kDetail, detail);
  cause.fixed |= Symptom::MaskOf(Feature::kDetail);
}

}  // namespace

bool BuilderCause::HoldsAt(const Circumstances& at) const {
  return std::all_of(when.begin(), when.end(),
                     [&](const Circumstance& one) { return one.Holds(at); });
}

bool BuilderCause::HoldsIn(const CircumstancesSeen& seen) const {
  return std::all_of(when.begin(), when.end(),
                     [&](const Circumstance& one) { return seen.All(one); });
}

std::vector<BuilderCause> DiagnoseBuilder(
    std::span<const FailingCases> failing,
    std::span<const CountedSymptom> right,
    std::span<const BuilderCause> studied) {
  std::vector<BuilderCause> causes = Search(failing, right, studied).Run();
  for (BuilderCause& cause : causes) {
    for (const std::size_t i : cause.explains) {
      cause.difference.Add(failing[i].difference);
    }
  }
  for (std::size_t i = 0; i < causes.size();) {
    const auto whole = std::find_if(
        causes.begin(), causes.end(), [&](const BuilderCause& other) {
          return &other != &causes[i] &&
                 (GoesWith(causes[i], other, failing) ||
                  FollowsFrom(causes[i], other, failing));
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
