// VirtualBox's VBox.log: a guru meditation, with what stands around it.
//
//   rcStrict=VERR_INVALID_PARAMETER GCPhys=00000000f0000020
//   !!         VCPU0: Guru Meditation -2 (VERR_INVALID_PARAMETER)
#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/import/read_log.h"

namespace eptdiff {
namespace {

constexpr std::size_t kBefore = 8;
constexpr std::size_t kBehind = 200;
constexpr absl::string_view kGuru = "Guru Meditation";

// "VERR_VMX_UNEXPECTED_EXIT" of "... Guru Meditation -4017 (VERR_VMX_...)".
absl::string_view NameIn(absl::string_view line) {
  const std::size_t begin = line.find('(', line.find(kGuru));
  const std::size_t end = line.find(')', begin);
  if (begin == absl::string_view::npos || end == absl::string_view::npos) {
    return "";
  }
  return line.substr(begin + 1, end - begin - 1);
}

// What a line says of the exit; whether it says anything.
bool Take(absl::string_view line, Logged& logged) {
  const auto gpa = HexAfter(line, "GCPhys=");
  const auto reason = HexAfter(line, "Exit reason ");
  const auto qualification = HexAfter(line, "Exit qualification");
  const auto eptp = HexAfter(line, "EPTP ");
  if (gpa && !logged.gpa) logged.gpa = gpa;
  if (reason && *reason <= 0xffff) {
    logged.reason = static_cast<std::uint16_t>(*reason);
  }
  if (qualification) logged.qualification = qualification;
  if (eptp) logged.eptp = eptp;
  return gpa || reason || qualification || eptp;
}

}  // namespace

std::optional<Logged> ParseVirtualBoxLog(const Log& log, std::size_t at) {
  if (!absl::StrContains(log.line(at), kGuru)) return std::nullopt;
  const absl::string_view name = NameIn(log.line(at));
  if (!absl::StrContains(name, "VERR_") && !absl::StrContains(name, "VINF_")) {
    return std::nullopt;
  }
  Logged logged;
  logged.what =
      absl::StrCat("guru meditation ", std::string(name), " (VirtualBox)");
  for (std::size_t i = at < kBefore ? 0 : at - kBefore;
       i < std::min(log.size(), at + kBehind); ++i) {
    if (i > at && absl::StrContains(log.line(i), kGuru)) break;
    if (i == at || (!log.used(i) && Take(log.line(i), logged))) {
      logged.lines.push_back(i);
    }
  }
  if (name == "VINF_EM_TRIPLE_FAULT") {
    logged.notes.push_back("a triple fault is the guest's: EPT makes none");
  }
  if (logged.reason && *logged.reason != 48 && *logged.reason != 49) {
    logged.notes.push_back(absl::StrCat("exit reason ", *logged.reason,
                                        " is none that EPT makes"));
  }
  return logged;
}

}  // namespace eptdiff
