// What a guest's memory should be: a map of guest-physical intervals, without
// tables, page sizes and entries.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_BUILDER_MAPPING_MODEL_H_
#define EPTDIFF_ORACLE_BUILDER_MAPPING_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace eptdiff {

// What pages are alike in: they are mapped one after the other, with the same
// rights, memory type and other flags.
struct Interval {
  std::uint64_t gpa;
  std::uint64_t hpa;
  std::uint64_t bytes;
  std::uint64_t flags;
};

// Adds a page; to the last one, if that goes on alike.
inline void AddPage(const Interval& page, std::vector<Interval>& pages) {
  if (!pages.empty()) {
    Interval& last = pages.back();
    if (last.gpa + last.bytes == page.gpa &&
        last.hpa + last.bytes == page.hpa && last.flags == page.flags) {
      last.bytes += page.bytes;
      return;
    }
  }
  pages.push_back(page);
}

class MappingModel {
 public:
  // From an address on: so many bytes are alike, mapped or not.
  struct Run {
    std::uint64_t bytes;
    bool mapped;
    std::uint64_t hpa;
    std::uint64_t flags;
  };

  // Whatever was there goes.
  void Map(const Interval& interval);
  void Unmap(std::uint64_t gpa, std::uint64_t bytes);
  // New flags for what is mapped; the bits of `kept` stay.
  void Protect(std::uint64_t gpa, std::uint64_t bytes, std::uint64_t flags,
               std::uint64_t kept);

  Run At(std::uint64_t gpa) const;
  bool IsAnyMapped(std::uint64_t gpa, std::uint64_t bytes) const;
  bool empty() const { return pieces_.empty(); }
  // What is mapped, in order.
  const std::vector<Interval>& pieces() const { return pieces_; }
  void Clear() { pieces_.clear(); }

 private:
  using Pieces = std::vector<Interval>;

  // The first piece at or after `gpa`, of which none lies across it afterwards.
  Pieces::iterator Cut(std::uint64_t gpa);

  Pieces pieces_;  // in order: few, and copied for each operation
};

// In what else than as it should be a page may be: absent; or that, or with
// fewer rights.
enum class Leeway : std::uint8_t { kNone, kOrAbsent, kOrLess };

// Walks through [gpa, gpa + bytes), in which `pages` lie in order: whether each
// is as one of the models has it, kMaxModels at most, among the flags of
// `mask`, or nearly. If not, `where` is the first address that is as none has
// it.
inline constexpr std::size_t kMaxModels = 6;
bool IsAnyOf(const std::vector<Interval>& pages, std::uint64_t gpa,
             std::uint64_t bytes, std::uint64_t mask,
             std::span<const MappingModel* const> models, std::uint64_t& where,
             Leeway leeway = Leeway::kNone);
// Of two.
bool IsOneOrOther(const std::vector<Interval>& pages, std::uint64_t gpa,
                  std::uint64_t bytes, std::uint64_t mask,
                  const MappingModel& one, const MappingModel& other,
                  std::uint64_t& where, Leeway leeway = Leeway::kNone);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_MAPPING_MODEL_H_
