// The making of one shape of steps (cache_shapes.h): what becomes of an entry
// is in cache_shapes.cc, and what becomes of the tags of what is kept in
// cache_tag_shapes.cc. Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_GENERATION_SHAPE_MAKER_H_
#define EPTDIFF_FUZZERS_GENERATION_SHAPE_MAKER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzzers/entries/random.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/cache_endings.h"
#include "fuzzers/generation/cache_shapes.h"
#include "oracle/case.h"

namespace eptdiff {

// Picks an access of the case and an entry that it uses, and puts behind it the
// steps of one shape. For one shape alone.
class ShapeMaker {
 public:
  ShapeMaker(Random& random, Case& c) : random_(random), c_(c) {}

  bool Run();

 private:
  bool PickAccess();
  bool WritesByParts(const UsedEntry& entry) const;
  void LetThrough();
  CacheShape PickShape();
  bool PickEntry(CacheShape shape);
  void AddTags(CacheShape shape);
  bool IsGuest() const { return entry_.kind == UsedKind::kGuest; }
  KeptOf Of() const { return IsGuest() ? KeptOf::kGuest : KeptOf::kEpt; }
  unsigned EntryBytes() const;
  void StoreEntry(Hpa address, std::uint64_t value);
  Step Stores(Hpa address, std::uint64_t value) const;
  void Rewrite(std::uint64_t value);
  void ChangeEntry(CacheShape shape);
  std::uint64_t Moved() { return OtherFrame(random_, c_, entry_.value); }
  std::uint64_t Rights() const;
  std::uint64_t Mutated();
  void ChangeTags();
  void ChangeReading();
  bool ChangeHlatRoot();
  void ChangeVpid();
  void ChangePcid();
  void ChangeGlobalPage();
  void ChangeUpperLevel();
  void GoAndReturn(const Step& away, const Step& back, KeptOf of);
  Step Switch();
  void End(KeptOf of) { AddEnding(random_, c_, access_, of, steps_); }
  void Again();

  Random& random_;
  Case& c_;
  std::size_t at_ = 0;  // of the access
  Step access_;
  UsedEntry entry_;
  UsedEntry leaf_;           // of the page that it is on the way to
  std::vector<Step> steps_;  // what comes after it
  bool ended_ = false;       // these have what may end something
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_SHAPE_MAKER_H_
