// Both forms of Bochs answer alike: this program has the small one and runs
// another that has the full one.
#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "oracle/bochs/bochs_oracle.h"
#include "oracle/bochs/random_walks.h"
#include "oracle/bochs/stream.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kCases = 200'000;

// What the small form did, to see that the cases are worth comparing.
struct Counts {
  std::uint64_t answers = 0;
  std::uint64_t skips = 0;
  std::uint64_t completed_accesses = 0;
  std::uint64_t events[6] = {};  // by EventKind
  std::uint64_t exit_reasons[128] = {};
  // Linear accesses, by GuestMode and EventKind.
  std::uint64_t linear[5][6] = {};
};

// 0: CR0.PG = 0; 1: 32-bit; 2: PAE; 3: 4-level; 4: 5-level.
int GuestMode(const GuestState& guest) {
  if (!(guest.cr0 >> 31 & 1)) return 0;
  if (!(guest.cr4 >> 5 & 1)) return 1;
  if (!(guest.efer >> 10 & 1)) return 2;
  return guest.cr4 >> 12 & 1 ? 4 : 3;
}

void Count(const Case& c, std::size_t step, Skip skip, const Outcome& outcome,
           Counts& counts) {
  if (skip != Skip::kNone) {
    ++counts.skips;
    return;
  }
  ++counts.answers;
  const Event& event = outcome.event;
  ++counts.events[static_cast<int>(event.kind)];
  if (event.translation_count > 0) ++counts.completed_accesses;
  if (event.kind == EventKind::kVmExit) {
    ++counts.exit_reasons[event.exit_reason % 128];
  }
  if (c.steps[step].kind == StepKind::kLinearAccess) {
    ++counts.linear[GuestMode(c.guest)][static_cast<int>(event.kind)];
  }
}

std::string DescribeSmall(Oracle& oracle, std::uint64_t number) {
  std::string words;
  MachineState state;
  Run(oracle, RandomWalks(number), state,
      [&words](Skip skip, const Outcome& outcome) {
        words += Describe(skip, outcome) + "\n";
      });
  return words;
}

std::string OutputOf(const std::string& command) {
  std::string output;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"),
                                                   pclose);
  char buffer[4096];
  while (pipe && std::fgets(buffer, sizeof(buffer), pipe.get())) {
    output += buffer;
  }
  return output;
}

// The first of `count` cases to which the forms answer differently; `count` if
// the full form's stream is shorter. None if they agree.
std::optional<std::uint64_t> FirstDifference(Oracle& small, std::uint64_t count,
                                             const std::string& arguments,
                                             Counts& counts,
                                             const std::string& option = "") {
  const std::string command = std::string(EPTDIFF_BOCHS_FULL_STREAM) + " " +
                              option + std::to_string(count) + " " + arguments;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"),
                                                   pclose);
  if (!pipe) return count;
  MachineState state;
  for (std::uint64_t number = 0; number < count; ++number) {
    std::uint64_t digest = 0;
    std::size_t step = 0;
    const Case c = RandomWalks(number);
    Run(small, c, state, [&](Skip skip, const Outcome& outcome) {
      Count(c, step++, skip, outcome, counts);
      digest = digest * 31 + DigestOf(skip, outcome);
    });
    std::uint64_t full = 0;
    if (std::fscanf(pipe.get(), "%" SCNx64, &full) != 1) return count;
    if (digest != full) return number;
  }
  return std::nullopt;
}

TEST(BochsFormsTest, BothFormsAnswerAlike) {
  const std::unique_ptr<Oracle> small = MakeBochsOracle();
  Counts counts;
  const auto difference = FirstDifference(*small, kCases, "", counts);
  if (difference) {
    const std::string number = std::to_string(*difference);
    FAIL() << "case " << number << "\nsmall form:\n"
           << DescribeSmall(*small, *difference) << "full form:\n"
           << OutputOf(std::string(EPTDIFF_BOCHS_FULL_STREAM) + " --describe " +
                       number);
  }

  // The mix: nothing is skipped, many of the steps (not all are accesses) give
  // a translation, and everything that an EPT walk can end in is there.
  EXPECT_EQ(counts.skips, 0u);
  EXPECT_GT(counts.completed_accesses, counts.answers / 5);
  for (const EventKind kind :
       {EventKind::kVmExit, EventKind::kVirtualizationException,
        EventKind::kGeneralProtection}) {
    EXPECT_GT(counts.events[static_cast<int>(kind)], 500u)
        << static_cast<int>(kind);
  }
  for (const int reason : {0, 48, 49, 62, 66}) {
    EXPECT_GT(counts.exit_reasons[reason], 500u) << reason;
  }
  for (int mode = 0; mode < 5; ++mode) {
    const auto& linear = counts.linear[mode];
    for (const EventKind kind : {EventKind::kCompleted, EventKind::kVmExit}) {
      EXPECT_GT(linear[static_cast<int>(kind)], 1000u) << mode;
    }
    if (mode == 0) continue;
    EXPECT_GT(linear[static_cast<int>(EventKind::kPageFault)], 1000u) << mode;
  }
}

// The full form empties its TLB by itself where the small one is told to.
TEST(BochsFormsTest, BothFormsAnswerAlikeByTheirTlbs) {
  const std::unique_ptr<Oracle> small = MakeBochsOracle(BochsTlb::kKept);
  Counts counts;
  const auto difference =
      FirstDifference(*small, kCases / 4, "", counts, "--tlb ");
  if (difference) {
    const std::string number = std::to_string(*difference);
    FAIL() << "case " << number << "\nsmall form:\n"
           << DescribeSmall(*small, *difference) << "full form:\n"
           << OutputOf(std::string(EPTDIFF_BOCHS_FULL_STREAM) +
                       " --tlb --describe " + number);
  }
  EXPECT_GT(counts.completed_accesses, counts.answers / 5);
}

TEST(BochsFormsTest, ADifferenceIsNamedByItsCase) {
  const std::unique_ptr<Oracle> small = MakeBochsOracle();
  Counts counts;
  EXPECT_EQ(FirstDifference(*small, 1000, "", counts), std::nullopt);
  EXPECT_EQ(FirstDifference(*small, 1000, "777", counts), 777u);
}

}  // namespace
}  // namespace eptdiff
