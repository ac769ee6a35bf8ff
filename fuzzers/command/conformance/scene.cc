#include "fuzzers/command/conformance/scene.h"

#include "absl/strings/str_cat.h"
#include "fuzzers/encoding/canonical.h"
#include "fuzzers/text/view.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kEptTables[] = {0, 0x5000, 0x4000, 0x3000, 0x1000};
constexpr std::uint64_t kEnableEpt = 0x2;
constexpr std::uint64_t kModeBasedExecute = 0x40'0000;
// Execute-only, 4 levels, UC, WB, 2-MByte and 1-GByte pages, A/D flags.
constexpr std::uint64_t kCapabilities = 0x23'4141;

}  // namespace

Scene::Scene(const SceneOptions& options)
    : all_(kR | kW | kX | (options.mbec ? kXu : 0)) {
  Case& c = text_case_.c;
  c.processor.maxphyaddr = options.maxphyaddr;
  c.processor.ept_vpid_cap = kCapabilities & ~(options.execute_only ? 0u : 1u);
  c.processor.nx = true;
  c.controls.primary = 0x8000'0000;  // activate secondary controls
  c.controls.secondary = static_cast<std::uint32_t>(
      kEnableEpt | (options.mbec ? kModeBasedExecute : 0));
  c.controls.eptp = 0x101e | (options.accessed_dirty ? 0x40 : 0);
  c.guest.cr0 = 0x8001'0021;  // PG, WP, NE, PE
  c.guest.cr3 = 0x1'0000;
  c.guest.cr4 = 0x2020;  // VMXE, PAE
  c.guest.efer = 0xd00;  // LME, LMA, NXE
  c.guest.rflags = 2;
  c.guest.cs_l = true;
  c.guest.cpl = options.user ? 3 : 0;

  Word(0x1000, 0x2000 | all_);
  Word(0x2000, kLarge | kWriteBackType | all_);
  Word(0x2008, 0x6000 | all_);
  Word(0x6000, 0x7000 | all_);
  Word(kGuestPtEptPte, kGuestPtHpa | kWriteBackType | all_);
  constexpr std::uint64_t kTable = kPresent | kWritable | kUser | kAccessed;
  Word(0x1'0010, 0x1'1000 | kTable);
  Word(0x1'1008, 0x1'2000 | kTable);
  Word(0x1'2000, kGuestPtGpa | kTable);
}

void Scene::Word(std::uint64_t address, std::uint64_t value) {
  for (MemoryWord& word : text_case_.c.memory) {
    if (word.address.value != address) continue;
    word.value = value;
    return;
  }
  text_case_.c.memory.push_back({Hpa{address}, value});
}

std::uint64_t Scene::Entry(int level, bool large) const {
  if (level == 1) return kSceneHpa | kWriteBackType | all_;
  if (large) return kSceneHpa | kLarge | all_;
  return kEptTables[level - 1] | all_;
}

std::uint64_t Scene::GpaOf(int i, int level) {
  return kSceneGpa + (static_cast<std::uint64_t>(i) << (12 + 9 * (level - 1)));
}

std::uint64_t Scene::Item(int i, int level, std::uint64_t entry,
                          std::uint64_t flags) {
  for (int above = 4; above >= 1; --above) {
    const std::uint64_t first = above == 4 ? 1 : 0;  // PML4E 0: guest tables
    const std::uint64_t index =
        first + (above == level ? static_cast<std::uint64_t>(i) : 0);
    const bool leaf = above == level && (entry & kLarge) != 0 && level > 1;
    Word(kEptTables[above] + 8 * index,
         above == level ? entry : Entry(above, false));
    if (leaf) break;
  }
  Word(GuestPteOf(i).value, GpaOf(i, level) | flags);
  return kSceneGla + 0x1000 * static_cast<std::uint64_t>(i);
}

std::uint64_t Scene::PlainItem(int i, std::uint64_t flags) {
  const std::uint64_t hpa =
      Entry(1, false) + 0x1000 * static_cast<std::uint64_t>(i);
  return Item(i, 1, hpa, flags);
}

void Scene::Access(AccessKind kind, std::uint64_t gla,
                   const Expectation& expected) {
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access.kind = kind;
  step.gla = Gla{gla};
  text_case_.c.steps.push_back(step);
  text_case_.expectations[text_case_.c.steps.size()] = expected;
}

ConformanceCase Scene::Finish(std::string_view test, std::string_view variant,
                              std::string_view about,
                              std::string_view sdm) const {
  ConformanceCase result;
  result.name = absl::StrCat("kvm-unit-tests/", View(test), "/", View(variant));
  result.text_case = text_case_;
  result.text_case.explanation =
      absl::StrCat("kvm-unit-tests, ", View(test), ": ", View(about));
  result.text_case.sdm_section = std::string(sdm);
  Canonicalise(result.text_case.c);
  return result;
}

Expectation CompletesAt(std::uint64_t hpa) { return {.hpa = Hpa{hpa}}; }

Expectation ViolatesWith(std::uint64_t qualification, std::uint64_t gpa) {
  return {.event = EventKind::kVmExit,
          .exit_reason = 48,
          .qualification = qualification,
          .qualification_mask = kComparedBits,
          .gpa = Gpa{gpa}};
}

Expectation IsMisconfigured() {
  return {.event = EventKind::kVmExit, .exit_reason = 49};
}

}  // namespace eptdiff
