// The older tests of x86/vmx_tests.c: "ept", "EPT A/D" and "PML".
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/conformance/scene.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage =
    kPresent | kWritable | kUser | kAccessed | kDirty;
constexpr std::uint64_t kEptA = 0x100, kEptD = 0x200;
constexpr std::uint64_t kEnablePml = 0x2'0000;
constexpr std::uint64_t kLog = 0x8000;

// ept_common(): -w- and memory type 2 are misconfigurations.
ConformanceCase Misconfigurations(const char* test, bool accessed_dirty) {
  Scene scene({.accessed_dirty = accessed_dirty});
  const std::uint64_t entry = scene.Entry(1, false);
  const std::uint64_t write_only =
      scene.Item(0, 1, (entry & ~scene.all_rights()) | kW, kPage);
  const std::uint64_t type_2 =
      scene.Item(1, 1, (entry & ~kWriteBackType) | 2 << 3, kPage);
  scene.Access(AccessKind::kWrite, write_only, IsMisconfigured());
  scene.Access(AccessKind::kWrite, type_2, IsMisconfigured());
  return scene.Finish(test, "misconfigurations",
                      "a write-only page, and one of memory type 2.",
                      "29.3.3.1");
}

// The page is gone, and then a table of those that map the guest's page table.
ConformanceCase Violations(const char* test, bool accessed_dirty) {
  Scene scene({.accessed_dirty = accessed_dirty});
  const std::uint64_t absent =
      scene.Item(0, 1, scene.Entry(1, false) & ~scene.all_rights(), kPage);
  scene.Access(AccessKind::kWrite, absent, ViolatesWith(0x182, kSceneGpa));
  return scene.Finish(test, "page-permission",
                      "a write to a page that EPT does not map.", "29.3.3.2");
}

ConformanceCase PagingStructureViolation(const char* test,
                                         bool accessed_dirty) {
  Scene scene({.accessed_dirty = accessed_dirty});
  const std::uint64_t gla = scene.PlainItem(0, kPage);
  scene.Word(0x6000, 0x7000);  // the PDE for the guest's page table
  scene.Access(AccessKind::kWrite, gla,
               ViolatesWith(accessed_dirty ? 0x83 : 0x81, kGuestPtGpa));
  return scene.Finish(test, "paging-structure",
                      "the guest's page table lies where EPT maps nothing; the "
                      "access to it is a write, too, if EPT keeps accessed and "
                      "dirty flags.",
                      "29.3.3.2, table 28-7 note 1");
}

Expectation WithFlags(std::uint64_t hpa, std::uint64_t pte,
                      std::uint64_t flags) {
  Expectation expected = CompletesAt(hpa);
  expected.memory.push_back({Hpa{pte}, flags, kEptA | kEptD});
  return expected;
}

// A page that is read has A, one that is written has A and D.
ConformanceCase Flags(const char* test, bool accessed_dirty) {
  Scene scene({.accessed_dirty = accessed_dirty});
  const std::uint64_t read = scene.PlainItem(0, kPage);
  const std::uint64_t written = scene.PlainItem(1, kPage);
  const std::uint64_t a = accessed_dirty ? kEptA : 0;
  const std::uint64_t d = accessed_dirty ? kEptD : 0;
  scene.Access(AccessKind::kRead, read, WithFlags(kSceneHpa, 0x5000, a));
  scene.Access(AccessKind::kWrite, written,
               WithFlags(kSceneHpa + 0x1000, 0x5008, a | d));
  return scene.Finish(test, "flags",
                      "EPT's accessed and dirty flags of a page that is read "
                      "and of one that is written.",
                      "29.3.5");
}

Scene LoggingScene(std::uint16_t index) {
  Scene scene({.accessed_dirty = true});
  scene.controls().secondary |= kEnablePml;
  scene.controls().pml_address = kLog;
  scene.controls().pml_index = index;
  // Dirty already, so that only the page is logged.
  scene.Word(0x2000, kLarge | kWriteBackType | kEptD | scene.all_rights());
  scene.Word(kGuestPtEptPte,
             kGuestPtHpa | kWriteBackType | kEptD | scene.all_rights());
  return scene;
}

ConformanceCase LogsTheDirtyPage() {
  Scene scene = LoggingScene(511);
  const std::uint64_t gla = scene.PlainItem(0, kPage);
  Expectation expected = CompletesAt(kSceneHpa);
  expected.memory.push_back(
      {Hpa{kLog + 8 * 511}, kSceneGpa, ~std::uint64_t{0}});
  scene.Access(AccessKind::kWrite, gla, expected);
  return scene.Finish("pml", "dirty-gpa-logging",
                      "the write sets the dirty flag and logs the page.",
                      "29.3.6");
}

ConformanceCase LogIsFull() {
  Scene scene = LoggingScene(0xffff);
  const std::uint64_t gla = scene.PlainItem(0, kPage);
  scene.Access(AccessKind::kWrite, gla,
               {.event = EventKind::kVmExit, .exit_reason = 62});
  return scene.Finish("pml", "full",
                      "the index has gone below 0: the next write exits.",
                      "29.3.6");
}

}  // namespace

std::vector<ConformanceCase> EptScenarioCases() {
  std::vector<ConformanceCase> cases;
  for (const bool accessed_dirty : {false, true}) {
    const char* test = accessed_dirty ? "eptad" : "ept";
    cases.push_back(Misconfigurations(test, accessed_dirty));
    cases.push_back(Violations(test, accessed_dirty));
    cases.push_back(PagingStructureViolation(test, accessed_dirty));
    cases.push_back(Flags(test, accessed_dirty));
  }
  cases.push_back(LogsTheDirtyPage());
  cases.push_back(LogIsFull());
  return cases;
}

}  // namespace eptdiff
