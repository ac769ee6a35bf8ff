// Controls that VM entry accepts or refuses.
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/conformance/conformance.h"
#include "fuzzers/encoding/canonical.h"

namespace eptdiff {
namespace {

constexpr int kMaxphyaddr = 46;
constexpr std::uint32_t kEnableEpt = 0x2, kUnrestrictedGuest = 0x80,
                        kEnablePml = 0x2'0000, kModeBasedExecute = 0x40'0000;
constexpr std::uint64_t kEptp = 0x1e;  // WB, 4 levels, tables at 0
// UC, WB, walk lengths of 4 and 5, A/D flags.
constexpr std::uint64_t kUc = 0x100, kWb = 0x4000, k4Levels = 0x40,
                        k5Levels = 0x80, kAccessedDirty = 0x20'0000;
constexpr std::uint64_t kAll = kUc | kWb | k4Levels | k5Levels | kAccessedDirty;

constexpr std::uint64_t Bit(int bit) { return std::uint64_t{1} << bit; }

class Entries {
 public:
  explicit Entries(const char* test) : test_(test) {}

  void Add(const std::string& variant, std::uint64_t capabilities,
           const Controls& controls, bool valid) {
    ConformanceCase& added = cases_.emplace_back();
    added.name = absl::StrCat("kvm-unit-tests/", test_, "/", variant);
    TextCase& text = added.text_case;
    text.explanation = absl::StrCat("kvm-unit-tests, ", test_, ": VM entry ",
                                    valid ? "accepts" : "refuses", " this.");
    text.sdm_section = "27.2.1.1";
    text.c.processor.maxphyaddr = kMaxphyaddr;
    text.c.processor.ept_vpid_cap = capabilities;
    text.c.controls = controls;
    text.c.guest.cr0 = 0x8000'0021;  // PG, NE, PE
    text.c.guest.cr4 = 0x2000;       // VMXE
    text.c.guest.rflags = 2;
    text.expectations[0].event =
        valid ? EventKind::kCompleted : EventKind::kVmEntryFailure;
    Canonicalise(text.c);
  }

  std::vector<ConformanceCase> Take() { return std::move(cases_); }

 private:
  const char* test_;
  std::vector<ConformanceCase> cases_;
};

Controls WithSecondary(std::uint32_t secondary, std::uint64_t eptp = kEptp) {
  return {.primary = 0x8000'0000, .secondary = secondary, .eptp = eptp};
}

std::vector<ConformanceCase> EptpCases() {
  Entries entries("test_ept_eptp");
  const auto eptp = [&](std::string variant, std::uint64_t value, bool valid,
                        std::uint64_t capabilities = kAll) {
    entries.Add(std::move(variant), capabilities,
                WithSecondary(kEnableEpt, value), valid);
  };
  for (std::uint64_t type = 0; type < 8; ++type) {
    eptp(absl::StrCat("memory-type-", type), (kEptp & ~7u) | type,
         type == 0 || type == 6);
  }
  eptp("memory-type-0-without-uc", kEptp & ~7u, false, kAll & ~kUc);
  for (std::uint64_t length = 0; length < 8; ++length) {
    eptp(absl::StrCat("walk-length-", length + 1), 6 | length << 3,
         length == 3 || length == 4);
  }
  eptp("walk-length-5-unsupported", 6 | 4 << 3, false, kAll & ~k5Levels);
  eptp("accessed-dirty", kEptp | 0x40, true);
  eptp("accessed-dirty-unsupported", kEptp | 0x40, false,
       kAll & ~kAccessedDirty);
  for (const std::uint64_t bits : {1, 2, 4, 8, 16, 31}) {
    eptp(absl::StrCat("bits-11-7-", bits), kEptp | bits << 7, false);
  }
  eptp("highest-address-bit", kEptp | Bit(kMaxphyaddr - 1), true);
  for (const int bit : {kMaxphyaddr, 51, 52, 63}) {
    eptp(absl::StrCat("bit-", bit), kEptp | Bit(bit), false);
  }
  entries.Add("ept-off", kAll, WithSecondary(0), true);
  entries.Add("unrestricted-guest-without-ept", kAll,
              WithSecondary(kUnrestrictedGuest), false);
  entries.Add("unrestricted-guest", kAll,
              WithSecondary(kUnrestrictedGuest | kEnableEpt), true);
  return entries.Take();
}

std::vector<ConformanceCase> ModeBasedExecuteCases() {
  Entries entries("test_mode_based_execute_control");
  entries.Add("neither", kAll, WithSecondary(0), true);
  entries.Add("without-ept", kAll, WithSecondary(kModeBasedExecute), false);
  entries.Add("with-ept", kAll, WithSecondary(kModeBasedExecute | kEnableEpt),
              true);
  entries.Add("ept-alone", kAll, WithSecondary(kEnableEpt), true);
  return entries.Take();
}

std::vector<ConformanceCase> PmlCases() {
  Entries entries("test_pml");
  entries.Add("neither", kAll, WithSecondary(0), true);
  entries.Add("without-ept", kAll, WithSecondary(kEnablePml), false);
  entries.Add("with-ept", kAll, WithSecondary(kEnablePml | kEnableEpt), true);
  entries.Add("ept-alone", kAll, WithSecondary(kEnableEpt), true);
  for (const int bit :
       {0, 4, 11, 12, kMaxphyaddr - 1, kMaxphyaddr, 51, 52, 63}) {
    Controls controls = WithSecondary(kEnablePml | kEnableEpt);
    controls.pml_address = Bit(bit);
    entries.Add(absl::StrCat("address-bit-", bit), kAll, controls,
                bit >= 12 && bit < kMaxphyaddr);
  }
  return entries.Take();
}

}  // namespace

std::vector<ConformanceCase> VmEntryCases() {
  std::vector<ConformanceCase> cases;
  for (auto&& list : {EptpCases(), ModeBasedExecuteCases(), PmlCases()}) {
    cases.insert(cases.end(), list.begin(), list.end());
  }
  return cases;
}

}  // namespace eptdiff
