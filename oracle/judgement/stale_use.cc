#include "oracle/judgement/stale_use.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

#include "oracle/judgement/judge.h"
#include "oracle/reference/caches/kept.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {
namespace {

std::uint64_t Always(const Situation&, std::uint64_t) { return 1; }

// What is never kept, kept; what has other tags, used; and what whoever answers
// does not declare to keep.
constexpr Alteration kNever[] = {
    {"CACHE-1/eptrta", Slot::kCache1Eptrta, Always, ""},
    {"CACHE-1/vpid", Slot::kCache1Vpid, Always, ""},
    {"CACHE-1/pcid", Slot::kCache1Pcid, Always, ""},
    {"CACHE-2/not-present", Slot::kCache2NotPresent, Always, ""},
    {"CACHE-2/misconfigured", Slot::kCache2Misconfigured, Always, ""},
    {"CACHE-2/guest-not-present", Slot::kCache2GuestNotPresent, Always, ""},
    {"CACHE-2/guest-reserved", Slot::kCache2GuestReserved, Always, ""},
    {"CACHE-2/guest-accessed", Slot::kCache2GuestAccessed, Always, ""},
    {"CACHE-2/guest-page", Slot::kCache2GuestPage, Always, ""},
    {"CACHE-3/guest-physical", Slot::kCache3GuestPhysical, Always, ""},
    {"CACHE-3/combined", Slot::kCache3Combined, Always, ""},
    {"CACHE-4/upper-levels", Slot::kCache4, Always, ""},
};

// What is set aside of the SDM.
struct Aside {
  Kept::Moments spared = 0;  // kept.h
  std::array<bool, std::size(kNever)> never = {};
};

// Looks for a way to judge `step` that is as wanted, with as little set aside
// as that takes.
class Search {
 public:
  using Wanted = std::function<bool(const Verdict&, const Kept&)>;

  Search(const MachineState& before, const Step& step, Wanted wanted)
      : before_(before), step_(step), wanted_(std::move(wanted)) {
    trace_->keeps_hits = false;
  }

  // None if there is no such way.
  std::optional<StaleUse> Run() {
    if (IsPossible({})) return use_;
    const Kept::Moments all = ~Kept::Moments{0};
    Aside aside = {.spared = all};
    if (!IsPossible(aside)) {
      aside.never.fill(true);
      if (!IsPossible(aside)) return std::nullopt;
    }
    // Steps that end nothing in this way of answering need not be spared.
    aside.spared = 0;
    for (const KeptEnd& end : std::vector(use_.ends)) {
      aside.spared |= Kept::Moments{1} << end.step;
    }
    LeaveOutWhatCan(aside);
    if (!IsPossible(aside)) return std::nullopt;
    for (std::size_t i = 0; i < aside.never.size(); ++i) {
      const Rule rule = InfoOf(kNever[i].slot).rule;
      if (!aside.never[i] || std::find(use_.never.begin(), use_.never.end(),
                                       rule) != use_.never.end()) {
        continue;
      }
      use_.never.push_back(rule);
    }
    return use_;
  }

 private:
  void LeaveOutWhatCan(Aside& aside) {
    const auto try_without = [&](auto& part, auto without) {
      const auto with = std::exchange(part, without);
      if (!IsPossible(aside)) part = with;
    };
    for (bool& never : aside.never) {
      if (never) try_without(never, false);
    }
    for (std::size_t moment = 0; moment <= before_.history.now(); ++moment) {
      const Kept::Moments bit = Kept::Moments{1} << moment;
      if ((aside.spared & bit) != 0) {
        try_without(aside.spared, aside.spared & ~bit);
      }
    }
  }

  // Whether there is such a way in the SDM without `aside`; if so, use_ is what
  // it uses.
  bool IsPossible(const Aside& aside) {
    std::vector<const Alteration*> alterations;
    for (std::size_t i = 0; i < aside.never.size(); ++i) {
      if (aside.never[i]) alterations.push_back(&kNever[i]);
    }
    const Reference reference(Dialect("stale", std::move(alterations)));
    Kept kept(before_, aside.spared);
    do {
      reference.Judge(before_, step_, *verdict_, *trace_, &kept);
      if (!kept.possible() || verdict_->standing != Standing::kJudged) continue;
      if (!wanted_(*verdict_, kept)) continue;
      use_.never.clear();
      use_.entries.assign(kept.entries().begin(), kept.entries().end());
      use_.ends.assign(kept.ends().begin(), kept.ends().end());
      return true;
    } while (kept.Next());
    return false;
  }

  const MachineState& before_;
  const Step& step_;
  const Wanted wanted_;
  StaleUse use_;
  // They are large.
  std::unique_ptr<Verdict> verdict_ = std::make_unique_for_overwrite<Verdict>();
  std::unique_ptr<Trace> trace_ = std::make_unique_for_overwrite<Trace>();
};

// Whether the history can be asked: beyond, nothing is judged.
bool HasHistory(const MachineState& state) {
  return state.records_history && !state.history.full();
}

// Whether nothing has to be set aside for who declares to keep everything.
bool IsUndeclared(const MachineState& before, const Step& step,
                  const Search::Wanted& wanted) {
  if (before.declared.kept == KeptKinds()) return false;
  MachineState all = before;
  all.declared.kept = KeptKinds();
  const auto use = Search(all, step, wanted).Run();
  return use.has_value() && use->ends.empty() && use->never.empty();
}

// A value of the entry `read` that is neither memory's nor among `known`.
std::optional<PastValue> AnotherValue(const MachineState& before,
                                      const Step& step, const EntryRead& read,
                                      const std::vector<PastValue>& known) {
  const Hpa word{read.address.value & ~std::uint64_t{7}};
  if (before.history.VersionsOf(word).empty()) return std::nullopt;
  std::optional<KeptEntry> found;
  const auto reads_another = [&](const Verdict&, const Kept& kept) {
    for (const KeptEntry& entry : kept.entries()) {
      const bool is_known =
          std::any_of(known.begin(), known.end(), [&](const PastValue& other) {
            return other.entry.entry == entry.entry;
          });
      if (!AreOfOnePlace(entry.entry, read) || is_known) continue;
      found = entry;
      return true;
    }
    return false;
  };
  if (!Search(before, step, reads_another).Run().has_value()) {
    return std::nullopt;
  }
  const KeptEntry value = *found;
  const auto reads_it = [&](const Verdict&, const Kept& kept) {
    const auto entries = kept.entries();
    return std::find(entries.begin(), entries.end(), value) != entries.end();
  };
  const std::optional<StaleUse> use = Search(before, step, reads_it).Run();
  return PastValue{value, use->ends, use->never};
}

}  // namespace

std::optional<StaleUse> FindStaleUse(const MachineState& before,
                                     const Step& step, const Outcome& outcome,
                                     FieldSet fields) {
  if (!HasHistory(before)) return std::nullopt;
  const auto fits = [&](const Verdict& verdict, const Kept&) {
    return Judge(verdict, before, outcome, fields).conforms;
  };
  std::optional<StaleUse> use = Search(before, step, fits).Run();
  if (use.has_value() && use->ends.empty() && use->never.empty()) use.reset();
  if (use.has_value()) use->undeclared = IsUndeclared(before, step, fits);
  return use;
}

std::vector<PastValue> PastValuesOf(const MachineState& before,
                                    const Step& step, const Trace& trace) {
  std::vector<PastValue> all;
  if (!HasHistory(before)) return all;
  std::vector<EntryRead> seen;
  for (const EntryRead& read : trace.entries) {
    const bool again = std::any_of(
        seen.begin(), seen.end(),
        [&](const EntryRead& other) { return AreOfOnePlace(other, read); });
    if (again) continue;
    seen.push_back(read);
    std::vector<PastValue> values;
    while (std::optional<PastValue> value =
               AnotherValue(before, step, read, values)) {
      values.push_back(*std::move(value));
    }
    std::sort(values.begin(), values.end(),
              [](const PastValue& a, const PastValue& b) {
                return a.entry.until < b.entry.until;
              });
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

}  // namespace eptdiff
