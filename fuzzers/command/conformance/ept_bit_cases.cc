// Bits of EPT entries that are reserved, and bits that are ignored: an item for
// each bit.
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/conformance/scene.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage =
    kPresent | kWritable | kUser | kAccessed | kDirty;

struct Range {
  int first, last;
};

// ept_access_test_reserved_bits: those of one kind of entry besides 51:N.
struct Reserved {
  const char* name;
  int level;
  bool large;
  Range bits;
};
constexpr Reserved kReserved[] = {
    {"pte", 1, false, {1, 0}},           {"pde", 2, false, {3, 6}},
    {"2-mbyte-page", 2, true, {12, 19}}, {"pdpte", 3, false, {3, 6}},
    {"1-gbyte-page", 3, true, {12, 28}}, {"pml4e", 4, false, {3, 7}}};

constexpr std::uint64_t Bit(int bit) { return std::uint64_t{1} << bit; }

void AddReservedBit(Scene& scene, const Reserved& kind, int bit, int& item) {
  const std::uint64_t entry = scene.Entry(kind.level, kind.large);
  const std::uint64_t gla =
      scene.Item(item++, kind.level, entry | Bit(bit), kPage);
  for (const AccessKind access :
       {AccessKind::kRead, AccessKind::kWrite, AccessKind::kFetch}) {
    scene.Access(access, gla, IsMisconfigured());
  }
  // Not present, and the bit is ignored.
  const std::uint64_t gpa = Scene::GpaOf(item, kind.level);
  const std::uint64_t absent =
      (scene.Entry(kind.level, false) & ~scene.all_rights()) | Bit(bit);
  scene.Access(AccessKind::kRead, scene.Item(item++, kind.level, absent, kPage),
               ViolatesWith(0x181, gpa));
}

ConformanceCase ReservedCase(const Reserved& kind, int n, bool mbec) {
  Scene scene({.mbec = mbec, .maxphyaddr = static_cast<std::uint8_t>(n)});
  int item = 0;
  for (int bit = kind.bits.first; bit <= kind.bits.last; ++bit) {
    AddReservedBit(scene, kind, bit, item);
  }
  for (int bit = n; bit <= 51; ++bit) AddReservedBit(scene, kind, bit, item);
  return scene.Finish(
      "ept_access_test_reserved_bits",
      absl::StrCat(kind.name, "-maxphyaddr-", n, mbec ? "-mbec" : ""),
      absl::StrCat("each reserved bit of a present ", kind.name,
                   " is a misconfiguration, and is ignored in one that is not "
                   "present."),
      "29.3.3.1");
}

ConformanceCase IgnoredCase(const Reserved& kind, bool mbec, bool user) {
  Scene scene({.mbec = mbec, .user = user});
  std::vector<int> bits = {8,  9,  11, 52, 53, 54, 55, 56,
                           57, 58, 59, 60, 61, 62, 63};
  if (!mbec) bits.push_back(10);
  int item = 0;
  for (const int bit : bits) {
    const std::uint64_t entry = scene.Entry(kind.level, kind.large) | Bit(bit);
    const std::uint64_t gla = scene.Item(item++, kind.level, entry, kPage);
    for (const AccessKind access :
         {AccessKind::kRead, AccessKind::kWrite, AccessKind::kFetch}) {
      if (user && access != AccessKind::kFetch) continue;
      scene.Access(access, gla, CompletesAt(kSceneHpa));
    }
  }
  return scene.Finish(
      "ept_access_test_ignored_bits",
      absl::StrCat(kind.name, mbec ? "-mbec" : "", user ? "-user" : ""),
      absl::StrCat("each ignored bit of a ", kind.name, " changes nothing."),
      "29.3.2");
}

// ept_access_test_force_2m_page.
ConformanceCase ForcedPageCase() {
  Scene scene({});
  const std::uint64_t entry = scene.Entry(2, true);
  const std::uint64_t none = entry & ~scene.all_rights();
  scene.Access(AccessKind::kRead, scene.Item(0, 2, entry, kPage),
               CompletesAt(kSceneHpa));
  scene.Access(AccessKind::kWrite, scene.Item(1, 2, none | kR, kPage),
               ViolatesWith(0x18a, Scene::GpaOf(1, 2)));
  const std::uint64_t write_only = scene.Item(2, 2, none | kW, kPage);
  for (const AccessKind access :
       {AccessKind::kRead, AccessKind::kWrite, AccessKind::kFetch}) {
    scene.Access(access, write_only, IsMisconfigured());
  }
  return scene.Finish("ept_access_test_force_2m_page", "pages",
                      "a 2-MByte page that allows all, reads, or only writes.",
                      "29.3.3");
}

}  // namespace

std::vector<ConformanceCase> EptBitCases() {
  std::vector<ConformanceCase> cases;
  for (const Reserved& kind : kReserved) {
    for (const bool mbec : {false, true}) {
      for (const int n : {45, 48}) {
        cases.push_back(ReservedCase(kind, n, mbec));
      }
      for (const bool user : {false, true}) {
        cases.push_back(IgnoredCase(kind, mbec, user));
      }
    }
  }
  cases.push_back(ForcedPageCase());
  return cases;
}

}  // namespace eptdiff
