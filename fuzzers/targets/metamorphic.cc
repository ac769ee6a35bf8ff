#include "fuzzers/targets/metamorphic.h"

#include "fuzzers/entries/random.h"
#include "fuzzers/entries/used_entries.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kVariants = 4;

constexpr Relation kOfOneStep[] = {Relation::kCanonical, Relation::kRepeat,
                                   Relation::kIgnored,   Relation::kPermission,
                                   Relation::kSplit,     Relation::kMove};
constexpr Relation kOfCaches[] = {Relation::kFlush, Relation::kElsewhere};

std::uint64_t HashOf(const Case& c) {
  std::uint64_t hash = c.memory.size() * 31 + c.steps.size();
  const auto mix = [&hash](std::uint64_t value) {
    hash = Random(hash ^ value).Next();
  };
  for (const Step& step : c.steps) mix(step.gpa.value + 3 * step.gla.value);
  if (!c.memory.empty()) mix(c.memory.back().value);
  mix(c.controls.eptp);
  return hash;
}

}  // namespace

std::string_view NameOf(Relation relation) {
  constexpr std::string_view kNames[kRelationCount] = {
      "canonical", "repeat", "ignored", "permission",
      "split",     "move",   "flush",   "elsewhere"};
  return kNames[static_cast<std::size_t>(relation)];
}

std::string_view WordsOf(Relation relation) {
  constexpr std::string_view kWords[kRelationCount] = {
      "what the notation ignores changes nothing",
      "the same access again has the same outcome and sets no flag",
      "ignored bits change nothing",
      "what EPT allows still proceeds when entries allow more",
      "equal small pages in a large one's place change no translation",
      "an EPT table in another frame changes nothing but addresses",
      "after INVEPT of all, it answers as one that has kept nothing",
      "INVEPT of all on another logical processor changes nothing"};
  return kWords[static_cast<std::size_t>(relation)];
}

Metamorphic::Metamorphic(Oracle& oracle)
    : oracle_(oracle),
      relations_(oracle.keeps_translations()
                     ? std::span<const Relation>(kOfCaches)
                     : std::span<const Relation>(kOfOneStep)) {
  trace_.keeps_hits = false;
}

std::string Metamorphic::SignatureOf(Relation relation) const {
  return "eptdiff-" + std::string(oracle_.name()) + "-metamorphic-" +
         std::string(NameOf(relation)) + "-none";
}

bool Metamorphic::Answer(const Case& c, Outcome& outcome) {
  state_.Load(c);
  if (oracle_.Enter(state_, outcome) != Skip::kNone) return false;
  if (outcome.event.kind != EventKind::kCompleted) return false;
  return oracle_.Perform(state_, c.steps[0], outcome) == Skip::kNone;
}

bool Metamorphic::Prepare(const Case& c, std::size_t step) {
  if (!IsAccess(c.steps[step])) return false;
  one_.processor = c.processor;
  one_.controls = c.controls;
  one_.guest = c.guest;
  one_.memory = c.memory;
  one_.steps.assign(1, c.steps[step]);
  state_.Load(one_);
  reference_.Judge(state_, one_.steps[0], verdict_, trace_);
  return verdict_.standing == Standing::kJudged && !trace_.entries.full() &&
         Answer(one_, base_);
}

Metamorphic::Result Metamorphic::Check(Relation relation, const Case& c,
                                       std::size_t step,
                                       std::uint64_t variant) {
  if (relation == Relation::kFlush || relation == Relation::kElsewhere) {
    return CheckCaches(relation, c, step);
  }
  if (!Prepare(c, step)) return Result::kDoesNotApply;
  switch (relation) {
    case Relation::kCanonical:
      return CheckCanonical(variant);
    case Relation::kRepeat:
      return CheckRepeat();
    case Relation::kIgnored:
      return CheckIgnored(variant);
    case Relation::kPermission:
      return CheckPermission(variant);
    case Relation::kSplit:
      return CheckSplit(variant);
    case Relation::kMove:
      return CheckMove(variant);
    case Relation::kFlush:
    case Relation::kElsewhere:
      break;
  }
  return Result::kDoesNotApply;
}

std::optional<Relation> Metamorphic::CheckOne(const Case& c,
                                              std::uint32_t one_in) {
  if (c.steps.empty()) return std::nullopt;
  Random random(HashOf(c));
  if (!random.OneIn(one_in)) return std::nullopt;
  const Relation relation = relations_[random.Below(relations_.size())];
  const std::size_t step = random.Below(c.steps.size());
  const std::uint64_t variant = random.Below(kVariants);
  if (Check(relation, c, step, variant) != Result::kBroken) return std::nullopt;
  return relation;
}

std::optional<Relation> Metamorphic::CheckAll(const Case& c) {
  for (const Relation relation : relations_) {
    for (std::size_t step = 0; step < c.steps.size(); ++step) {
      for (std::uint64_t variant = 0; variant < kVariants; ++variant) {
        if (Check(relation, c, step, variant) == Result::kBroken) {
          return relation;
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace eptdiff
