// What EPT allows for the guest's page table: the processor reads its entry
// and sets the accessed and dirty flags there.
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/conformance/scene.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kAllowed = 0;

// The qualification besides bit 7, if the guest PTE has these flags before a
// read or fetch, and before a write.
struct Flags {
  std::uint64_t before;
  std::uint64_t read;  // and fetch
  std::uint64_t write;
};

// EPTP bit 6.
enum AccessedDirty { kDisabled = 1, kEnabled = 2, kEither = 3 };

struct Row {
  const char* test;
  int accessed_dirty;
  std::uint64_t rights;
  std::vector<Flags> flags;
};

constexpr std::uint64_t kA = kAccessed, kAd = kAccessed | kDirty;

const Row kRows[] = {
    {"not_present_ad_disabled", kDisabled, 0, {{kAd, 0x01, 0x01}}},
    {"not_present_ad_enabled", kEnabled, 0, {{kAd, 0x03, 0x03}}},
    // With EPT's accessed and dirty flags disabled, only an update writes.
    {"read_only_ad_disabled",
     kDisabled,
     kR,
     {{0, 0x0b, 0x0b}, {kA, kAllowed, 0x0b}, {kAd, kAllowed, kAllowed}}},
    {"read_execute_ad_disabled",
     kDisabled,
     kR | kX,
     {{0, 0x2b, 0x2b}, {kA, kAllowed, 0x2b}, {kAd, kAllowed, kAllowed}}},
    // With them enabled, every access to the table is a write.
    {"read_only_ad_enabled",
     kEnabled,
     kR,
     {{0, 0x0b, 0x0b}, {kA, 0x0b, 0x0b}, {kAd, 0x0b, 0x0b}}},
    {"read_execute_ad_enabled",
     kEnabled,
     kR | kX,
     {{0, 0x2b, 0x2b}, {kA, 0x2b, 0x2b}, {kAd, 0x2b, 0x2b}}},
    {"read_write", kEither, kR | kW, {{0, kAllowed, kAllowed}}},
    {"read_write_execute", kEither, kR | kW | kX, {{0, kAllowed, kAllowed}}},
};

// After an access that is allowed: the guest PTE has what it had, A, and D if
// it was a write; where EPT keeps accessed and dirty flags, the entries for the
// guest's page table have A, and the last of them alone D.
Expectation Allowed(int item, std::uint64_t before, AccessKind kind,
                    bool accessed_dirty) {
  Expectation expected =
      CompletesAt(kSceneHpa + 0x1000 * static_cast<std::uint64_t>(item));
  const std::uint64_t flags =
      before | kA | (kind == AccessKind::kWrite ? kDirty : 0);
  expected.memory.push_back({Scene::GuestPteOf(item), flags, kA | flags});
  if (accessed_dirty) {
    constexpr std::uint64_t kEptA = 0x100, kEptD = 0x200;
    for (const std::uint64_t above : {0x1000, 0x2008, 0x6000}) {
      expected.memory.push_back({Hpa{above}, kEptA, kEptA | kEptD});
    }
    expected.memory.push_back(
        {Hpa{kGuestPtEptPte}, kEptA | kEptD, kEptA | kEptD});
  }
  return expected;
}

ConformanceCase MakeCase(const Row& row, bool accessed_dirty, bool mbec,
                         bool user) {
  Scene scene({.mbec = mbec, .accessed_dirty = accessed_dirty, .user = user});
  scene.Word(kGuestPtEptPte, kGuestPtHpa | kWriteBackType | row.rights);
  int item = 0;
  for (const Flags& flags : row.flags) {
    for (const AccessKind kind :
         {AccessKind::kRead, AccessKind::kWrite, AccessKind::kFetch}) {
      if (user && kind != AccessKind::kFetch) continue;
      // With MBEC the tests fetch in supervisor mode from a supervisor page.
      const bool supervisor_page = mbec && !user && kind == AccessKind::kFetch;
      const std::uint64_t gla =
          scene.PlainItem(item, kPresent | kWritable | flags.before |
                                    (supervisor_page ? 0 : kUser));
      const std::uint64_t answer =
          kind == AccessKind::kWrite ? flags.write : flags.read;
      // The address of the entry: the tests' own is the page's first.
      Expectation expected = ViolatesWith(
          answer | 0x80, kGuestPtGpa + 8 * static_cast<std::uint64_t>(item));
      if (answer == kAllowed) {
        expected = Allowed(item, flags.before, kind, accessed_dirty);
      }
      scene.Access(kind, gla, expected);
      ++item;
    }
  }
  return scene.Finish(
      absl::StrCat("ept_access_test_paddr_", row.test),
      absl::StrCat("pt", accessed_dirty ? "-ad" : "", mbec ? "-mbec" : "",
                   user ? "-user" : ""),
      "what EPT allows for the page of the guest's page table, and what flags "
      "are set there.",
      "29.3.3.2, 29.3.5, table 28-7");
}

}  // namespace

std::vector<ConformanceCase> GuestTableCases() {
  std::vector<ConformanceCase> cases;
  for (const Row& row : kRows) {
    for (const bool accessed_dirty : {false, true}) {
      const int setting = accessed_dirty ? kEnabled : kDisabled;
      if ((row.accessed_dirty & setting) == 0) continue;
      for (const bool mbec : {false, true}) {
        for (const bool user : {false, true}) {
          cases.push_back(MakeCase(row, accessed_dirty, mbec, user));
        }
      }
    }
  }
  return cases;
}

}  // namespace eptdiff
