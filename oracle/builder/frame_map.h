// What belongs to a frame, by its address: some ten frames, looked up for each
// store, and copied. So it is a sorted vector, which keeps its room.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_FRAME_MAP_H_
#define EPTDIFF_ORACLE_BUILDER_FRAME_MAP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace eptdiff {

template <typename Value>
class FrameMap {
 public:
  using Entry = std::pair<std::uint64_t, Value>;
  using const_iterator = typename std::vector<Entry>::const_iterator;

  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }
  void clear() { entries_.clear(); }

  const_iterator find(std::uint64_t frame) const {
    const const_iterator at = LowerBound(frame);
    return at != end() && at->first == frame ? at : end();
  }
  bool contains(std::uint64_t frame) const { return find(frame) != end(); }
  // Null if it is not there.
  Value* Find(std::uint64_t frame) {
    const const_iterator at = find(frame);
    return at == end()
               ? nullptr
               : &entries_[static_cast<std::size_t>(at - begin())].second;
  }
  // Of a frame that is there.
  const Value& at(std::uint64_t frame) const { return find(frame)->second; }

  // False if the frame is there; it stays as it is.
  bool insert(std::uint64_t frame, const Value& value) {
    const const_iterator at = LowerBound(frame);
    if (at != end() && at->first == frame) return false;
    entries_.insert(at, {frame, value});
    return true;
  }
  // False if it is not there.
  bool erase(std::uint64_t frame) {
    const const_iterator at = find(frame);
    if (at == end()) return false;
    entries_.erase(at);
    return true;
  }

  // Those of which `gone(value)` says so, which may change the value.
  template <typename F>
  void EraseIf(F gone) {
    std::size_t kept = 0;
    for (Entry& entry : entries_) {
      if (!gone(entry.second)) entries_[kept++] = entry;
    }
    entries_.resize(kept);
  }

 private:
  const_iterator LowerBound(std::uint64_t frame) const {
    return std::lower_bound(entries_.begin(), entries_.end(), frame,
                            [](const Entry& entry, std::uint64_t key) {
                              return entry.first < key;
                            });
  }

  std::vector<Entry> entries_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_FRAME_MAP_H_
