#include "oracle/target/object/edge_counters.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace eptdiff {
namespace {

std::uint8_t BitOf(std::uint8_t count) {
  if (count < 4) return static_cast<std::uint8_t>(1 << (count - 1));
  if (count >= 128) return 0x80;
  if (count >= 32) return 0x40;
  return static_cast<std::uint8_t>(1 << std::bit_width(count));
}
static_assert(std::bit_width(4u) == 3 && std::bit_width(16u) == 5);

// Adds a count that is not 0.
bool AddCount(std::uint8_t count, std::size_t edge, bool with_counts,
              EdgeMap& map) {
  std::uint8_t& seen = map.seen[edge];
  if (seen == 0) ++map.count.covered;
  const bool known = with_counts ? (seen & BitOf(count)) != 0 : seen != 0;
  if (!known) seen |= with_counts ? BitOf(count) : 1;
  return !known;
}

// Adds a module's counters, whose edges have the numbers from `first` on.
bool Add(std::span<std::uint8_t> counters, std::size_t first, bool with_counts,
         EdgeMap& map) {
  const std::size_t size =
      std::min(counters.size(),
               EdgeMap::kMaxEdges - std::min(first, EdgeMap::kMaxEdges));
  bool news = false;
  for (std::size_t i = 0; i < size;) {
    std::uint64_t eight = 0;
    if (size - i >= 8) std::memcpy(&eight, &counters[i], 8);
    if (size - i >= 8 && eight == 0) {
      i += 8;
      continue;
    }
    const std::size_t end = std::min(size, i + 8);
    for (; i < end; ++i) {
      if (counters[i] == 0) continue;
      news |= AddCount(counters[i], first + i, with_counts, map);
      counters[i] = 0;
    }
  }
  return news;
}

}  // namespace

EdgeCounters& EdgeCounters::Get() {
  static EdgeCounters& counters = *new EdgeCounters;
  return counters;
}

void EdgeCounters::Listen(bool listen) {
  if (listen) {
    modules_ = LoadedModules();
  } else if (listening_) {
    traced_.AddModulesSince(modules_);
  }
  listening_ = listen;
}

void EdgeCounters::Announce(std::span<std::uint8_t> counters) {
  if (listening_ && !counters.empty()) inline_.push_back(counters);
}

void EdgeCounters::Announce(std::span<std::uint32_t> guards) {
  if (!listening_ || guards.empty() || guards[0] != 0) return;
  for (std::uint32_t& guard : guards) {
    guard = static_cast<std::uint32_t>(guarded_.size());
    guarded_.push_back(0);
  }
}

std::size_t EdgeCounters::edges() const {
  std::size_t edges = guarded_.size() - 1;
  for (const std::span<std::uint8_t> counters : inline_) {
    edges += counters.size();
  }
  return std::min(edges, EdgeMap::kMaxEdges);
}

void EdgeCounters::Clear() {
  std::fill(guarded_.begin(), guarded_.end(), 0);
  for (const std::span<std::uint8_t> counters : inline_) {
    std::fill(counters.begin(), counters.end(), 0);
  }
  traced_.ForEachCounted([](std::size_t, std::uint8_t) {});
}

bool EdgeCounters::AddTo(EdgeMap& map, bool with_counts) {
  const std::span<std::uint8_t> guarded = std::span(guarded_).subspan(1);
  bool news = Add(guarded, 0, with_counts, map);
  std::size_t first = guarded.size();
  for (const std::span<std::uint8_t> counters : inline_) {
    news |= Add(counters, first, with_counts, map);
    first += counters.size();
  }
  traced_.ForEachCounted([&](std::size_t place, std::uint8_t count) {
    if (first + place >= EdgeMap::kMaxEdges) return;
    news |= AddCount(count, first + place, with_counts, map);
  });
  return news;
}

}  // namespace eptdiff
