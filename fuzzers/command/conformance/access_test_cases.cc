#include <bit>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/conformance/access_test.h"
#include "fuzzers/command/conformance/conformance.h"
#include "fuzzers/encoding/canonical.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int bit) { return std::uint64_t{1} << bit; }
constexpr std::uint64_t kP = 0x1, kRw = 0x2, kUs = 0x4, kA = 0x20, kD = 0x40,
                        kPs = 0x80, kXd = Bit(63), kKey1 = Bit(59);
constexpr std::uint64_t kReservedBits = Bit(13) | Bit(36) | Bit(51);
// Of an error code.
constexpr std::uint32_t kProtection = 0x1, kWrite = 0x2, kUser = 0x4,
                        kReserved = 0x8, kFetch = 0x10, kKey = 0x20;

constexpr bool Has(std::uint64_t entry, std::uint64_t bit) {
  return (entry & bit) != 0;
}

// What is wrong with an entry: 0, or bits of the error code that say so.
struct Entry {
  bool usable;
  std::uint32_t error_bits;
};
Entry Look(const AccessSettings& settings, std::uint64_t entry) {
  if (!Has(entry, kP)) return {false, 0};
  const std::uint64_t reserved =
      kReservedBits | (settings.nxe ? std::uint64_t{0} : kXd);
  if (Has(entry, reserved)) return {false, kProtection | kReserved};
  return {true, kProtection};
}

// The error code's bit for a refusal by the key, or 0.
std::uint32_t Key(const AccessSettings& settings, const AccessTry& access,
                  std::uint64_t leaf, bool user_page) {
  const bool asked = user_page && settings.pke && Has(leaf, kKey1) &&
                     access.kind != AccessKind::kFetch;
  if (!asked) return 0;
  const bool write = access.kind == AccessKind::kWrite;
  const bool writes_anyway = !settings.wp && !settings.user;
  if (Has(settings.pkru, 1)) return kKey;
  return write && Has(settings.pkru, 2) && !writes_anyway ? kKey : 0;
}

// Whether the rights of the entries together refuse the access.
bool Refused(const AccessSettings& settings, const AccessTry& access,
             std::uint64_t all_of, std::uint64_t any_of) {
  const bool user_page = Has(all_of, kUs);
  switch (access.kind) {
    case AccessKind::kWrite:
      return (settings.user && !user_page) ||
             (!Has(all_of, kRw) && (settings.user || settings.wp));
    case AccessKind::kFetch:
      return (settings.user && !user_page) || Has(any_of, kXd) ||
             (user_page && settings.smep);
    default:
      return settings.user && !user_page;
  }
}

}  // namespace

AccessAnswer Expect(const AccessSettings& settings, const AccessTry& access) {
  const bool large = Has(access.pde, kPs);
  const bool write = access.kind == AccessKind::kWrite;
  AccessAnswer answer{.pde = access.pde & (kA | kD),
                      .pte = access.pte & (kA | kD)};
  std::uint32_t request = (write ? kWrite : 0) | (settings.user ? kUser : 0);
  if (access.kind == AccessKind::kFetch && (settings.nxe || settings.smep)) {
    request |= kFetch;
  }
  const auto fault = [&](std::uint32_t bits) {
    answer.faults = true;
    answer.error_code = request | bits;
    answer.pde_open = !Has(access.pde, kA);
    return answer;
  };
  const Entry pde = Look(settings, access.pde);
  if (!pde.usable) return fault(pde.error_bits);
  if (!large) {
    answer.pde |= kA;
    const Entry pte = Look(settings, access.pte);
    if (!pte.usable) return fault(pte.error_bits);
  }
  const std::uint64_t leaf = large ? access.pde : access.pte;
  const std::uint64_t pdpte =
      kP | kUs | (access.read_only_pdpte ? std::uint64_t{0} : kRw);
  const std::uint64_t all_of = pdpte & access.pde & leaf;
  const std::uint32_t key = Key(settings, access, leaf, Has(all_of, kUs));
  if (key != 0 || Refused(settings, access, all_of, access.pde | leaf)) {
    return fault(kProtection | key);
  }
  (large ? answer.pde : answer.pte) |= kA | (write ? kD : 0);
  return answer;
}

bool IsTried(const AccessSettings& settings, const AccessTry& access) {
  const std::uint64_t reserved =
      kReservedBits | (settings.nxe ? std::uint64_t{0} : kXd);
  const int count = std::popcount(access.pde & reserved) +
                    std::popcount(access.pte & reserved);
  return count <= 1 && (Has(access.pde, kPs) || !Has(access.pde, Bit(13)));
}

namespace {

// Guest-physical is host-physical: one EPT page of 1 GByte.
//   10000H PML4, 11000H PDPT (entry 1: R/W = 0), 12000H and 13000H PD,
//   100000H on: a page table for each try
constexpr std::uint64_t kGla = 0x100'0000'0000;
constexpr std::uint64_t kPage = 0x200'0000;  // 32 MBytes, as in the test

struct Place {
  std::uint64_t gla, pde, pte;  // addresses
};
Place PlaceOf(std::uint64_t i, bool read_only_pdpte) {
  const std::uint64_t which = read_only_pdpte ? 1 : 0;
  return {kGla + which * 0x4000'0000 + i * 0x20'0000,
          0x1'2000 + which * 0x1000 + 8 * i, 0x10'0000 + 0x1000 * i};
}

void SetMachine(const AccessSettings& settings, Case& c) {
  c.processor.maxphyaddr = kAccessMaxphyaddr;
  c.processor.ept_vpid_cap = 0x6'4141;  // WB, 4 levels, large pages
  c.processor.nx = true;
  c.processor.smep = true;
  c.processor.pku = true;
  c.controls.primary = 0x8000'0000;
  c.controls.secondary = 0x2;
  c.controls.eptp = 0x101e;
  c.guest.cr0 = 0x8000'0021 | (settings.wp ? 0x1'0000 : 0);
  c.guest.cr3 = 0x1'0000;
  c.guest.cr4 =
      0x2020 | (settings.smep ? Bit(20) : 0) | (settings.pke ? Bit(22) : 0);
  c.guest.efer = 0x500 | (settings.nxe ? 0x800 : 0);
  c.guest.pkru = settings.pke ? 0x30u | settings.pkru << 2 : 0;
  c.guest.rflags = 2;
  c.guest.cs_l = true;
  c.guest.cpl = settings.user ? 3 : 0;
  c.memory = {{Hpa{0x1000}, 0x2007},
              {Hpa{0x2000}, 0xb7},
              {Hpa{0x1'0010}, 0x1'1007},
              {Hpa{0x1'1000}, 0x1'2007},
              {Hpa{0x1'1008}, 0x1'3005}};
}

Expectation ExpectationOf(const AccessAnswer& answer, const AccessTry& access,
                          const Place& place) {
  Expectation expected{.hpa = Hpa{kPage}};
  if (answer.faults) {
    expected = {.event = EventKind::kPageFault,
                .error_code = answer.error_code};
  }
  expected.memory.push_back(
      {Hpa{place.pde}, answer.pde, answer.pde_open ? kD : kA | kD});
  if (!Has(access.pde, kPs)) {
    expected.memory.push_back({Hpa{place.pte}, answer.pte, kA | kD});
  }
  return expected;
}

}  // namespace

TextCase AccessCase(const AccessSettings& settings,
                    const std::vector<AccessTry>& tries) {
  TextCase result;
  Case& c = result.c;
  SetMachine(settings, c);
  for (std::uint64_t i = 0; i < tries.size(); ++i) {
    const AccessTry& access = tries[i];
    const Place place = PlaceOf(i, access.read_only_pdpte);
    const bool large = Has(access.pde, kPs);
    // The key's field of an entry that maps no page is ignored.
    const std::uint64_t key = large ? 0 : Bit(60);
    c.memory.push_back(
        {Hpa{place.pde}, access.pde | key | (large ? kPage : place.pte)});
    if (!large) c.memory.push_back({Hpa{place.pte}, access.pte | kPage});
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.access.kind = access.kind;
    step.gla = Gla{place.gla};
    c.steps.push_back(step);
    result.expectations[i + 1] =
        ExpectationOf(Expect(settings, access), access, place);
  }
  result.explanation =
      "kvm-unit-tests, x86/access.c: page directory and page table entries, "
      "each access with its own.";
  result.sdm_section = "3A 4.6, 4.7, 4.8";
  Canonicalise(c);
  return result;
}

namespace {

// Good entries with one thing or two changed.
std::vector<AccessTry> Sample(const AccessSettings& settings) {
  constexpr std::uint64_t kGood = kP | kRw | kUs;
  struct Pair {
    std::uint64_t pde, pte;
    bool read_only_pdpte = false;
  };
  constexpr Pair kPairs[] = {
      {kGood | kA, kGood | kA | kD},
      {kGood, kGood},
      {kGood & ~kP, kGood},
      {kGood, kGood & ~kP},
      {kGood, kGood & ~kRw},
      {kGood & ~kRw, kGood},
      {kGood, kGood & ~kUs},
      {kGood & ~kUs, kGood},
      {kGood, kGood, true},
      {kGood, kGood | kXd},
      {kGood | kXd, kGood},
      {kGood, kGood | Bit(36)},
      {kGood | Bit(51), kGood},
      {kGood, kGood | kKey1},
      {kGood, (kGood & ~kRw) | kKey1},
      {kGood, (kGood & ~kUs) | kKey1},
      {kGood | kPs, 0},
      {kGood | kPs | kA | kD, 0},
      {(kGood & ~kRw) | kPs, 0},
      {(kGood & ~kUs) | kPs, 0},
      {kGood | kPs | kXd, 0},
      {kGood | kPs | kKey1, 0},
      {kGood | kPs | Bit(13), 0},
      {kGood | kPs, 0, true},
  };
  std::vector<AccessTry> tries;
  for (const Pair& pair : kPairs) {
    for (const AccessKind kind :
         {AccessKind::kRead, AccessKind::kWrite, AccessKind::kFetch}) {
      const AccessTry access{pair.pde, pair.pte, pair.read_only_pdpte, kind};
      if (IsTried(settings, access)) tries.push_back(access);
    }
  }
  return tries;
}

struct Setting {
  const char* name;
  AccessSettings settings;
};
constexpr Setting kSettings[] = {
    {"plain", {}},
    {"no-wp", {.wp = false}},
    {"no-nxe", {.nxe = false}},
    {"smep", {.smep = true}},
    {"smep-no-wp-no-nxe", {.nxe = false, .wp = false, .smep = true}},
    {"key-allows", {.pke = true}},
    {"key-denies-access", {.pke = true, .pkru = 1}},
    {"key-denies-write", {.pke = true, .pkru = 2}},
    {"key-denies-write-no-wp", {.wp = false, .pke = true, .pkru = 2}},
};

}  // namespace

std::vector<ConformanceCase> AccessTestCases() {
  std::vector<ConformanceCase> cases;
  for (const Setting& setting : kSettings) {
    for (const bool user : {false, true}) {
      AccessSettings settings = setting.settings;
      if (user && settings.smep) continue;  // nor does the test
      settings.user = user;
      cases.push_back({absl::StrCat("kvm-unit-tests/access/", setting.name,
                                    user ? "-user" : ""),
                       AccessCase(settings, Sample(settings))});
    }
  }
  return cases;
}

}  // namespace eptdiff
