#include "oracle/diagnosis/search.h"

#include <algorithm>
#include <utility>

#include "oracle/diagnosis/diagnosis.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {

Search::Search(Evidence& evidence, std::vector<std::size_t> constraints,
               std::size_t effort)
    : evidence_(evidence),
      constraints_(std::move(constraints)),
      limit_(evidence.judged() + effort) {
  // Disagreeing ones first: the SDM explains the others already.
  const auto weight = [&](std::size_t i) {
    const Observation& observation = evidence_[i];
    return std::pair(observation.agrees, observation.touched.count());
  };
  std::vector<std::pair<std::pair<bool, std::size_t>, std::size_t>> order;
  for (std::size_t i : constraints_) order.emplace_back(weight(i), i);
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) {
    constraints_[i] = order[i].second;
  }
  killers_ = constraints_;
}

bool Search::Spent() {
  if (evidence_.judged() > limit_) gave_up_ = true;
  return gave_up_;
}

std::optional<std::size_t> Search::Contradicted(const Trier& trier,
                                                bool quick) {
  if (!quick) {
    for (std::size_t i : constraints_) {
      if (evidence_.Contradicts(trier, i)) return i;
    }
    return std::nullopt;
  }
  for (auto it = killers_.begin(); it != killers_.end(); ++it) {
    if (!evidence_.Contradicts(trier, *it)) continue;
    const std::size_t i = *it;
    std::rotate(killers_.begin(), it, it + 1);
    return i;
  }
  return std::nullopt;
}

std::vector<std::uint16_t> Search::Candidates(const Combination& combination,
                                              std::size_t i) {
  const AlterationSet touched = evidence_.TouchedUnder(combination, i);
  std::vector<std::uint16_t> candidates;
  for (std::size_t a = 0; a < AllAlterations().size(); ++a) {
    const auto number = static_cast<std::uint16_t>(a);
    if (touched[a] &&
        !std::binary_search(combination.begin(), combination.end(), number)) {
      candidates.push_back(number);
    }
  }
  return candidates;
}

std::vector<Combination> Search::AllOfSize(std::size_t size) {
  seen_.clear();
  std::vector<Combination> found;
  Extend({}, size, found);
  std::sort(found.begin(), found.end());
  return found;
}

void Search::Extend(const Combination& combination, std::size_t size,
                    std::vector<Combination>& found) {
  if (Spent() || !seen_.insert(combination).second) return;
  const Trier trier(combination);
  if (combination.size() == size) {
    if (Contradicted(trier, /*quick=*/true)) return;
    if (!EachIsNeeded(combination)) return;
    if (found.size() == kMostFound) {
      gave_up_ = true;
      return;
    }
    found.push_back(combination);
    return;
  }
  const auto i = Contradicted(trier, /*quick=*/false);
  if (!i) return;
  const bool last = combination.size() + 1 == size;
  for (std::uint16_t number : Candidates(combination, *i)) {
    const Combination more = With(combination, number);
    if (last && evidence_.Contradicts(Trier(more), *i)) continue;
    Extend(more, size, found);
  }
}

// An alteration that merely leads to where nothing is defined explains nothing.
bool Search::EachIsNeeded(const Combination& combination) {
  const Trier whole(combination);
  return std::all_of(
      combination.begin(), combination.end(), [&](std::uint16_t number) {
        const Trier part(Without(combination, number));
        return std::any_of(constraints_.begin(), constraints_.end(),
                           [&](std::size_t i) {
                             return evidence_.Contradicts(part, i) &&
                                    evidence_.FitOf(whole, i) == Fit::kFits;
                           });
      });
}

bool Search::Explainable(std::size_t i, const Combination& base,
                         std::size_t size) {
  for (std::size_t more = 0; more <= size; ++more) {
    seen_.clear();
    if (Explain(i, base, more)) return true;
  }
  return false;
}

bool Search::Explain(std::size_t i, const Combination& combination,
                     std::size_t size) {
  if (Spent() || !seen_.insert(combination).second) return false;
  if (size == 0) {
    return evidence_.FitOf(Trier(combination), i) == Fit::kFits;
  }
  for (std::uint16_t number : Candidates(combination, i)) {
    if (Explain(i, With(combination, number), size - 1)) return true;
  }
  return false;
}

void Search::Additions(const Combination& combination, std::size_t i,
                       std::size_t size, std::vector<Combination>& found) {
  if (Spent() || !seen_.insert(combination).second) return;
  if (size == 0) {
    if (evidence_.FitOf(Trier(combination), i) == Fit::kFits) {
      found.push_back(combination);
    }
    return;
  }
  for (std::uint16_t number : Candidates(combination, i)) {
    Additions(With(combination, number), i, size - 1, found);
  }
}

std::optional<Search::Addition> Search::BestAddition(
    const Combination& combination, std::size_t i, std::size_t size) {
  std::vector<Combination> found;
  seen_.clear();
  Additions(combination, i, size, found);
  const Trier before(combination);
  std::vector<bool> contradicted;
  for (std::size_t c : constraints_) {
    contradicted.push_back(evidence_.Contradicts(before, c));
  }
  std::optional<Addition> best;
  for (Combination& more : found) {
    const Trier trier(more);
    Addition addition = {std::move(more), 0};
    bool refuted = false;
    for (std::size_t c = 0; c < constraints_.size() && !refuted; ++c) {
      const bool now = evidence_.Contradicts(trier, constraints_[c]);
      refuted = now && !contradicted[c];
      addition.explained += !now && contradicted[c];
    }
    if (refuted) continue;
    if (!best || addition.explained > best->explained) {
      best = std::move(addition);
    }
  }
  return best;
}

std::size_t Search::CountContradicted(const Combination& combination,
                                      std::size_t stop) {
  const Trier trier(combination);
  std::size_t count = 0;
  for (std::size_t i : killers_) {
    if (evidence_.Contradicts(trier, i) && ++count >= stop) break;
  }
  return count;
}

bool Search::Exchange(Combination& combination, std::size_t i) {
  const std::size_t now =
      CountContradicted(combination, constraints_.size() + 1);
  for (std::uint16_t number : Combination(combination)) {
    if (!evidence_[i].touched[number]) continue;
    for (std::size_t size = 1; size <= 2; ++size) {
      std::vector<Combination> found;
      seen_.clear();
      Additions(Without(combination, number), i, size, found);
      for (const Combination& other : found) {
        if (CountContradicted(other, now) >= now) continue;
        combination = other;
        return true;
      }
    }
  }
  return false;
}

Combination Search::Grown(std::vector<std::size_t>& left) {
  Combination grown;
  for (std::size_t size = 1; size <= kExactSize; ++size) {
    for (bool progress = true; progress;) {
      progress = false;
      for (std::size_t i : constraints_) {
        if (!evidence_.Contradicts(Trier(grown), i)) continue;
        if (auto addition = BestAddition(grown, i, size)) {
          grown = std::move(addition->combination);
          progress = true;
        } else if (size == 2 && Exchange(grown, i)) {
          progress = true;
        }
      }
    }
  }
  std::set<std::size_t> set_aside;
  for (std::size_t i : constraints_) {
    if (evidence_.Contradicts(Trier(grown), i)) set_aside.insert(i);
  }
  const Combination all = grown;
  for (std::uint16_t number : all) {
    const Combination less = Without(grown, number);
    if (!Refuted(Trier(less), set_aside)) grown = less;
  }
  left = std::vector<std::size_t>(set_aside.begin(), set_aside.end());
  return grown;
}

bool Search::Refuted(const Trier& trier, const std::set<std::size_t>& except) {
  return std::any_of(killers_.begin(), killers_.end(), [&](std::size_t i) {
    return !except.contains(i) && evidence_.Contradicts(trier, i);
  });
}

std::vector<std::uint16_t> Search::InPlaceOf(
    const Combination& combination, std::uint16_t number,
    const std::set<std::size_t>& except) {
  const Combination rest = Without(combination, number);
  const Trier without(rest);
  const auto needed = std::find_if(
      constraints_.begin(), constraints_.end(), [&](std::size_t i) {
        return !except.contains(i) && evidence_.Contradicts(without, i);
      });
  if (needed == constraints_.end()) return {};
  std::vector<std::uint16_t> others;
  for (std::uint16_t other : Candidates(rest, *needed)) {
    if (other == number) continue;
    const Trier trier(With(rest, other));
    if (evidence_.Contradicts(trier, *needed) || Refuted(trier, except)) {
      continue;
    }
    others.push_back(other);
  }
  return others;
}

}  // namespace eptdiff
