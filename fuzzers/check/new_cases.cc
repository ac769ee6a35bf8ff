#include "fuzzers/check/new_cases.h"

#include <cstring>
#include <utility>

#include "fuzzers/encoding/encoding.h"
#include "fuzzers/generation/cache_endings.h"
#include "fuzzers/generation/generator.h"
#include "fuzzers/mutation/mutator.h"
#include "oracle/target/profile/profile.h"

namespace eptdiff {
namespace {

// One batch in so many is asked twice over.
constexpr std::uint32_t kAskAgain = 16;
constexpr std::uint32_t kKeepAnyway = 2048;
constexpr std::size_t kMaxKept = 4096;
// Half of all mutated cases come from the latest so many that reached new edges
// of the target: what leads on step by step is not lost among the others.
constexpr std::size_t kMaxLatest = 16;

// How news are written: this, then the case's bytes.
struct Kept {
  std::uint64_t number;
  std::uint32_t size;
  std::uint32_t new_edges;
};

// Invalidations leave who keeps nothing as it is, or should.
void InsertInvalidation(Random& random, Case& c) {
  if (c.steps.empty() || c.steps.size() + c.memory.size() >= kMaxRecords)
    return;
  const std::size_t place = random.Below(c.steps.size());
  const Step step = AnyInvalidation(random, c, c.steps[place]);
  c.steps.insert(c.steps.begin() + static_cast<std::ptrdiff_t>(place), step);
}

}  // namespace

NewCases::NewCases(const eptdiff_profile& profile, bool about_caches,
                   std::uint64_t seed)
    : profile_(profile),
      inserts_invalidations_(
          !about_caches && (profile.models & EPTDIFF_MODELS_INVALIDATION) != 0),
      seed_(Random(seed).Next()) {
  focuses_.push_back(Focus::kEpt);
  if ((profile.models & kLinearModes) != 0) focuses_.push_back(Focus::kLinear);
  if (about_caches) focuses_.resize(2 * focuses_.size(), Focus::kCaches);
}

Random NewCases::For(Purpose purpose, std::uint64_t number) const {
  return Random(
      Random(seed_ ^ (4 * number + static_cast<std::uint64_t>(purpose)))
          .Next());
}

bool NewCases::IsKeptAnyway(std::uint64_t number) const {
  return For(Purpose::kKeepAnyway, number).OneIn(kKeepAnyway);
}

bool NewCases::IsAskedAgain(std::uint64_t batch) const {
  return For(Purpose::kAskAgain, batch).OneIn(kAskAgain);
}

const Case& NewCases::PickParent(Random& random) const {
  const std::vector<Case>& from =
      !latest_.empty() && random.OneIn(2) ? latest_ : kept_;
  return from[random.Below(from.size())];
}

void NewCases::Make(std::uint64_t number, Case& c) const {
  Random random = For(Purpose::kMake, number);
  do {
    MakeAny(random, c);
    if (inserts_invalidations_ && random.OneIn(4)) {
      InsertInvalidation(random, c);
    }
  } while (!FitTo(profile_, c));
}

void NewCases::MakeAny(Random& random, Case& c) const {
  const Focus focus = focuses_[random.Below(focuses_.size())];
  if (kept_.empty() || random.OneIn(3)) {
    GenerateCase(random.Next(), c, focus);
    return;
  }
  const Case& parent = PickParent(random);
  if (random.OneIn(8)) {
    const Case& mate = kept_[random.Below(kept_.size())];
    CrossOver(parent, mate, random.Next(), c, focus);
    return;
  }
  c = parent;
  Mutate(random.Next(), c, focus);
}

void NewCases::Keep(std::uint64_t number, const Case& c, bool new_edges) {
  const Kept kept{number, static_cast<std::uint32_t>(EncodedSize(c)),
                  new_edges ? 1u : 0u};
  const std::size_t at = news_.size();
  news_.resize(at + sizeof(kept) + kept.size);
  std::memcpy(news_.data() + at, &kept, sizeof(kept));
  EncodeInto(c, std::span(news_).subspan(at + sizeof(kept)));
}

std::vector<std::uint8_t> NewCases::Advance() {
  std::vector<std::uint8_t> news = std::exchange(news_, {});
  Learn(news);
  return news;
}

void NewCases::Learn(std::span<const std::uint8_t> news) {
  while (!news.empty()) {
    Kept kept;
    std::memcpy(&kept, news.data(), sizeof(kept));
    Add(kept.number, DecodeCase(news.subspan(sizeof(kept), kept.size)),
        kept.new_edges != 0);
    news = news.subspan(sizeof(kept) + kept.size);
  }
}

void NewCases::Add(std::uint64_t number, Case c, bool new_edges) {
  if (new_edges && latest_.size() < kMaxLatest) {
    latest_.push_back(c);
  } else if (new_edges) {
    latest_[latest_next_++ % kMaxLatest] = c;
  }
  if (kept_.size() < kMaxKept) {
    kept_.push_back(std::move(c));
  } else {
    kept_[For(Purpose::kKeep, number).Below(kMaxKept)] = std::move(c);
  }
}

}  // namespace eptdiff
