#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPlaces[] = {0, 0x4008, 0x3000, 0x2000, 0x1000};
constexpr std::uint64_t kEntries[] = {0, 0x9037, 0x4007, 0x3007, 0x2007};
constexpr std::uint64_t kGuestPlaces[] = {0, 0x44008, 0x43000, 0x42000, 0x1008};
constexpr std::uint64_t kGuestEntries[] = {0, 0x9037, 0x44007, 0x43007,
                                           0x42007};
constexpr std::uint64_t kOthers[] = {0, 0xa037, 0x34007, 0x33007, 0x32007};
constexpr const char* kNames[] = {"", "pte", "pde", "pdpte", "pml4e"};
constexpr const char* kWords[] = {"", "PTE", "PDE", "PDPTE", "PML4E"};
constexpr int kGuestEntriesOnTheWay = 4;

}  // namespace

const char* LevelWords(int level) { return kWords[level]; }

CaseBuilder World::Prepare(CaseBuilder builder) const {
  builder.Word(0x32000, 0x33007).Word(0x33000, 0x34007).Word(0x34008, 0xa037);
  if (!linear_) return builder;
  builder.Vpid(5).GuestPte(0x80'0000'1067);
  for (int level = 4; level >= 1; --level) {
    builder.Word(Place(level), Entry(level));
  }
  return builder;
}

std::uint64_t World::Place(int level) const {
  return linear_ ? kGuestPlaces[level] : kPlaces[level];
}

std::uint64_t World::Entry(int level) const {
  return linear_ ? kGuestEntries[level] : kEntries[level];
}

std::uint64_t World::Other(int level) { return kOthers[level]; }

Answer World::To(std::uint64_t hpa) const {
  return linear_ ? Reaches(hpa, kGuestEntriesOnTheWay) : Completes(hpa);
}

// With GLA valid, its translation, and the guest's page: writable, and a
// user-mode one by the guest's entries.
Answer World::Violates(std::uint64_t access, std::uint64_t rights) const {
  const std::uint64_t qualification = access | rights << 3 | 0x580;
  if (!linear_) return Violation(qualification, gpa());
  return Violation(qualification | 0x200, gpa()).At(kGla);
}

Answer World::Misconfigures() const {
  return linear_ ? Misconfiguration(gpa()).At(kGla) : Misconfiguration(gpa());
}

std::string World::Name(int level) const {
  return std::string(linear_ ? "linear-" : "") + kNames[level];
}

CaseBuilder Flagged(std::uint64_t pte) {
  return Walk4().AccessedDirty().Pml4e(0x2107).Pdpte(0x3107).Pde(0x4107).Pte(
      pte);
}

}  // namespace eptdiff
