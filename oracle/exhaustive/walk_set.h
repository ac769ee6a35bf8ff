// What may be kept of translations, said a second time and as simply as can be:
// the set of all walks, whole and partial, that a processor may hold. It is
// closed under "begin at the root" and "read one entry more from memory" after
// every change, each thing that ends something takes walks out, and what must
// not be kept is never in. No moments, no choices, nothing of the reference:
// that both say the same of every small world (small_worlds.h) is what it is
// for. It knows 4-level EPT, small pages, and reads and writes.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_WALK_SET_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_WALK_SET_H_

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace eptdiff {

// What becomes of an access.
struct SmallAnswer {
  enum class Kind : std::uint8_t { kCompletes, kViolation, kMisconfiguration };
  Kind kind = Kind::kCompletes;
  std::uint64_t address = 0;  // host-physical, of the page
  std::uint64_t rights = 0;   // a violation's: bits 2:0 of all entries used
  // Words that change, by address.
  std::map<std::uint64_t, std::uint64_t> writes;
  auto operator<=>(const SmallAnswer&) const = default;
};

class WalkSet {
 public:
  // The guest-physical pages that are looked at, the root's address, and
  // whether accessed and dirty flags are in use.
  WalkSet(std::vector<std::uint64_t> pages, std::uint64_t root, bool flags)
      : pages_(std::move(pages)), root_(root), flags_(flags) {}

  // Each of these changes something: call Close() when it is done.
  void Store(std::uint64_t address, std::uint64_t value) {
    memory_[address] = value;
  }
  void SetRoot(std::uint64_t root) { root_ = root; }
  void InveptSingle(std::uint64_t root);
  void InveptAll() { walks_.clear(); }
  void Violation(std::uint64_t page);  // of the current root
  void Close();

  // All answers that are permitted.
  std::set<SmallAnswer> Access(std::uint64_t page, bool write) const;

  // How the page may be translated, without flags: the end of each walk, with
  // the page's address and its rights.
  std::set<SmallAnswer> Reach(std::uint64_t page) const;

  std::uint64_t Load(std::uint64_t address) const;
  std::uint64_t root() const { return root_; }

 private:
  struct Entry {
    std::uint64_t address = 0;
    std::uint64_t value = 0;
    auto operator<=>(const Entry&) const = default;
  };
  // From the root down; whole with four of them.
  struct Walk {
    std::uint64_t root = 0;
    std::uint64_t page = 0;
    std::vector<Entry> entries;
    auto operator<=>(const Walk&) const = default;
  };

  Entry Next(const Walk& walk) const;
  // Goes on by memory to the end of the walk, and says what that is.
  SmallAnswer::Kind Continue(Walk& walk) const;
  // Adds what may become of the access by this walk.
  void Finish(Walk walk, bool write, std::set<SmallAnswer>& answers) const;

  const std::vector<std::uint64_t> pages_;
  std::uint64_t root_;
  const bool flags_;
  std::map<std::uint64_t, std::uint64_t> memory_;
  std::set<Walk> walks_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_WALK_SET_H_
