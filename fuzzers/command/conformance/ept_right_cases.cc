// What an EPT entry allows, at each level and as a page of each size.
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/conformance/scene.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kAllowed = 0;
constexpr std::uint64_t kMisconfigured = ~std::uint64_t{0};

// In which settings of mode-based execute control a row holds.
enum Mbec { kOff = 1, kOn = 2, kEither = 3 };

// The bits of the qualification besides 7 and 8, or one of the above. What the
// tests say, row by row: bits 2:0 are the access, 6:3 what the entry allows.
struct Row {
  const char* test;
  int mbec;
  std::uint64_t rights;
  std::uint64_t read, write, fetch, user_fetch;
  bool execute_only = true;  // the capability
};

constexpr std::uint64_t kM = kMisconfigured;
constexpr Row kRows[] = {
    // test, MBEC, rights: read, write, fetch, fetch in user mode
    {"not_present", kEither, 0, 0x01, 0x02, 0x04, 0x04},
    {"read_only", kEither, kR, kAllowed, 0x0a, 0x0c, 0x0c},
    {"write_only", kEither, kW, kM, kM, kM, kM},
    {"read_write", kEither, kR | kW, kAllowed, kAllowed, 0x1c, 0x1c},
    {"execute_only", kOff, kX, 0x21, 0x22, kAllowed, kAllowed},
    {"execute_only", kOn, kX, 0x21, 0x22, kAllowed, 0x24},
    {"execute_only", kEither, kX, kM, kM, kM, kM, false},
    {"execute_user_only", kOn, kXu, 0x41, 0x42, 0x44, kAllowed},
    {"execute_user_only", kOn, kXu, kM, kM, kM, kM, false},
    {"execute_both", kOn, kX | kXu, 0x61, 0x62, kAllowed, kAllowed},
    {"execute_both", kOn, kX | kXu, kM, kM, kM, kM, false},
    {"read_execute", kOff, kR | kX, kAllowed, 0x2a, kAllowed, kAllowed},
    {"read_execute", kOn, kR | kX, kAllowed, 0x2a, kAllowed, 0x2c},
    {"read_execute_user_only", kOn, kR | kXu, kAllowed, 0x4a, 0x4c, kAllowed},
    {"read_execute_both", kOn, kR | kX | kXu, kAllowed, 0x6a, kAllowed,
     kAllowed},
    {"write_execute", kEither, kW | kX, kM, kM, kM, kM},
    {"read_write_execute", kOff, kR | kW | kX, kAllowed, kAllowed, kAllowed,
     kAllowed},
    {"read_write_execute", kOn, kR | kW | kX, kAllowed, kAllowed, kAllowed,
     0x3c},
    {"read_write_execute_user_only", kOn, kR | kW | kXu, kAllowed, kAllowed,
     0x5c, kAllowed},
    {"read_write_execute_both", kOn, kR | kW | kX | kXu, kAllowed, kAllowed,
     kAllowed, kAllowed},
};

struct Place {
  const char* name;
  int level;
  bool large;
};
constexpr Place kPlaces[] = {{"pte", 1, false},         {"pde", 2, false},
                             {"2-mbyte-page", 2, true}, {"pdpte", 3, false},
                             {"1-gbyte-page", 3, true}, {"pml4e", 4, false}};

Expectation Expected(std::uint64_t answer, std::uint64_t offset) {
  if (answer == kAllowed) return CompletesAt(kSceneHpa + offset);
  if (answer == kMisconfigured) return IsMisconfigured();
  return ViolatesWith(answer | 0x180, kSceneGpa + offset);
}

// Data at the page's beginning, code eight bytes further on.
constexpr std::uint64_t kCode = 8;

ConformanceCase MakeCase(const Row& row, const Place& place, bool mbec,
                         bool user) {
  Scene scene({.mbec = mbec, .user = user, .execute_only = row.execute_only});
  const std::uint64_t entry =
      (scene.Entry(place.level, place.large) & ~scene.all_rights()) |
      row.rights;
  constexpr std::uint64_t kPage = kPresent | kWritable | kAccessed | kDirty;
  const std::uint64_t page = scene.Item(0, place.level, entry, kPage | kUser);
  if (user) {
    scene.Access(AccessKind::kFetch, page + kCode,
                 Expected(row.user_fetch, kCode));
  } else {
    scene.Access(AccessKind::kRead, page, Expected(row.read, 0));
    scene.Access(AccessKind::kWrite, page, Expected(row.write, 0));
    // With MBEC, it is the page's mode that tells the two fetches apart: the
    // same page, mapped supervisor-mode beside it.
    const std::uint64_t code = mbec ? page + 0x1000 : page;
    if (mbec) scene.Word(Scene::GuestPteOf(1).value, kSceneGpa | kPage);
    scene.Access(AccessKind::kFetch, code + kCode, Expected(row.fetch, kCode));
  }
  return scene.Finish(
      absl::StrCat("ept_access_test_", row.test),
      absl::StrCat(place.name, mbec ? "-mbec" : "",
                   row.execute_only ? "" : "-without-execute-only",
                   user ? "-user" : ""),
      absl::StrCat("what the ", place.name, " of the page allows",
                   mbec ? ", with mode-based execute control" : "",
                   user ? ", in user mode." : "."),
      "29.3.3, table 28-7");
}

}  // namespace

std::vector<ConformanceCase> EptRightCases() {
  std::vector<ConformanceCase> cases;
  for (const Row& row : kRows) {
    for (const Place& place : kPlaces) {
      for (const bool mbec : {false, true}) {
        if ((row.mbec & (mbec ? kOn : kOff)) == 0) continue;
        for (const bool user : {false, true}) {
          // The tests of misconfigurations have no user-mode fetch.
          if (user && row.user_fetch == kMisconfigured) continue;
          cases.push_back(MakeCase(row, place, mbec, user));
        }
      }
    }
  }
  return cases;
}

}  // namespace eptdiff
