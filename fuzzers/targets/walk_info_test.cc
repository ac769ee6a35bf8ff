// GuestPageWalkInfo on generated linear accesses: as the engine makes it, as a
// hypervisor makes it from the VMCS, and what the reference and the question
// say of the same violation.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>

#include "engine/guest/guest_page_walk_info.h"
#include "engine/walk/exit_qualification.h"
#include "fuzzers/generation/generator.h"
#include "fuzzers/generation/machine_generation.h"
#include "oracle/case.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/trace.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kCases = 20'000;
constexpr std::uint64_t kAll = ~std::uint64_t{0};

bool Bit(std::uint64_t value, int bit) { return (value >> bit & 1) != 0; }

bool IsViolation(const Event& event) {
  return event.kind == EventKind::kVirtualizationException ||
         (event.kind == EventKind::kVmExit && event.exit_reason == 48);
}

// What is asked, without regard to anyone's decoding (3A 4.6.1).
bool IsUserMode(const Access& access, const GuestState& guest) {
  return access.wruss || (guest.cpl == 3 && !access.implicit_supervisor);
}
bool IsWrite(const Access& access) {
  return access.kind == AccessKind::kWrite ||
         access.kind == AccessKind::kReadModifyWrite ||
         access.kind == AccessKind::kShadowStackWrite ||
         access.kind == AccessKind::kShadowStackReadModifyWrite;
}

// A violation, and all that was said of it.
struct Violation {
  const StepReport& report;
  const Access& access;
  GuestWalkState walk;
  GuestPageWalkInfo by_engine;
  ExitInformation exit;
  GuestPageWalkInfo by_vmm;

  const GuestState& guest() const { return report.before.guest; }
  const Event& event() const { return report.outcome.event; }
  // Of the reference, the alternative that the engine's answer fits.
  const Alternative& alternative() const {
    return report.verdict.alternatives[report.finding.alternative];
  }
  AccessReport said() const {
    return alternative().ve_written ? alternative().ve_information
                                    : ReportOf(alternative().event);
  }
  bool in_guest_walk() const { return !Bit(said().qualification, 8); }
};

// Calls `f` with the violations of linear accesses in generated cases.
template <typename F>
void ForEachViolation(F f) {
  EngineOracle oracle;
  Trial trial;
  trial.Add(oracle, Dialect());
  Case c;
  trial.set_observer([&](const StepReport& report) {
    if (report.step == 0 || report.verdict.standing != Standing::kJudged) {
      return;
    }
    const Step& step = c.steps[report.step - 1];
    const Event& event = report.outcome.event;
    if (step.kind != StepKind::kLinearAccess || !report.finding.conforms ||
        !IsViolation(event)) {
      return;
    }
    const GuestState& guest = report.before.guest;
    const GuestWalkState& walk = oracle.engine().last_guest_walk();
    const ExitInformation exit = {
        .qualification = event.qualification,
        .gpa = event.gpa,
        .gla = event.gla,
        .cr0 = guest.cr0,
        .cr3 = guest.cr3,
        .cr4 = guest.cr4,
        .efer = guest.efer,
        .ss_dpl = guest.cpl,
        .advanced_information = Bit(report.before.processor.ept_vpid_cap, 22)};
    f(Violation{report, step.access, walk, DescribeGuestWalk(guest, walk), exit,
                DescribeGuestWalk(exit)});
  });
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(seed);
    GenerateCase(seed, c, Focus::kLinear);
    trial.Run(c);
    if (testing::Test::HasFailure()) return;
  }
}

// The level of the first guest entry that the reference went to; 0 if none.
int FirstGuestLevel(const Trace& trace) {
  for (const EntryRead& read : trace.entries) {
    if (read.structure == Structure::kGuest) return read.level;
    if (read.guest_level != 0) return read.guest_level;
  }
  return 0;
}

TEST(WalkInfoTest, AllAgreeOnThePaging) {
  std::map<int, int> seen;  // by level, after and in the walk
  ForEachViolation([&](const Violation& v) {
    GuestPageWalkInfo by_vmm = v.by_vmm;
    by_vmm.is_user_mode_access = v.by_engine.is_user_mode_access;
    by_vmm.is_write_access = v.by_engine.is_write_access;
    by_vmm.is_inst_fetch = v.by_engine.is_inst_fetch;
    EXPECT_EQ(by_vmm, v.by_engine);

    const int level = v.by_engine.level;
    const int in_memory = level == 3 ? 2 : level;  // PAE: below the registers
    // A guest-physical address too wide for EPT is refused before any read.
    if (const int first = FirstGuestLevel(v.report.trace); first != in_memory) {
      EXPECT_EQ(first, 0);
      EXPECT_EQ(v.alternative().decided.rule, Rule::kWalk2);
    }
    ++seen[level * 2 + v.in_guest_walk()];
  });
  for (const int level : {2, 3, 4, 5}) {
    EXPECT_GE(seen[level * 2], 100) << level;
    EXPECT_GE(seen[level * 2 + 1], 100) << level;
  }
}

// The top-level entry lies where `top_entry`, `level` and `width` say.
TEST(WalkInfoTest, TheTopLevelEntryLiesInTheTopLevelTable) {
  std::map<int, int> seen;
  ForEachViolation([&](const Violation& v) {
    const GuestPageWalkInfo& info = v.by_vmm;
    if (!v.in_guest_walk() || info.level == 3 || v.walk.hlat ||
        v.walk.level != info.level) {
      return;
    }
    const int shift = 12 + info.width * (info.level - 1);
    const std::uint64_t index =
        v.walk.gla.value >> shift & ~(kAll << info.width);
    const std::uint64_t bytes = info.width == 10 ? 4 : 8;
    EXPECT_EQ(v.said().gpa.value, info.top_entry.value + index * bytes);
    ++seen[info.level];
  });
  for (const int level : {2, 4, 5}) EXPECT_GE(seen[level], 20) << level;
}

TEST(WalkInfoTest, TheEngineKnowsTheAccess) {
  ForEachViolation([&](const Violation& v) {
    EXPECT_EQ(v.by_engine.is_user_mode_access, IsUserMode(v.access, v.guest()));
    EXPECT_EQ(v.by_engine.is_write_access, IsWrite(v.access));
    EXPECT_EQ(v.by_engine.is_inst_fetch, v.access.kind == AccessKind::kFetch);
    EXPECT_EQ(!v.walk.final_access(), v.in_guest_walk());
  });
}

TEST(WalkInfoTest, AHypervisorKnowsTheFinalAccessAndNoOther) {
  int final = 0, guest_walk = 0;
  ForEachViolation([&](const Violation& v) {
    if (v.in_guest_walk()) {
      EXPECT_FALSE(v.by_vmm.is_write_access.has_value());
      EXPECT_FALSE(v.by_vmm.is_inst_fetch.has_value());
      ++guest_walk;
    } else {
      EXPECT_EQ(v.by_vmm.is_write_access, v.by_engine.is_write_access);
      EXPECT_EQ(v.by_vmm.is_inst_fetch, v.by_engine.is_inst_fetch);
      ++final;
    }
  });
  EXPECT_GE(final, 1000);
  EXPECT_GE(guest_walk, 1000);
}

// Only accesses whose mode is not that of the CPL can be mistaken, and not
// where bit 9 tells.
TEST(WalkInfoTest, AHypervisorIsWrongAboutTheModeOnlyWhereItMustBe) {
  int wrong = 0, told = 0;
  ForEachViolation([&](const Violation& v) {
    const bool user = IsUserMode(v.access, v.guest());
    const bool by_cpl = v.guest().cpl == 3;
    const bool right = v.by_vmm.is_user_mode_access == user;
    if (by_cpl == user) {
      EXPECT_TRUE(right);
      return;
    }
    const bool has_bit_9 = !v.in_guest_walk() && v.exit.advanced_information &&
                           v.by_vmm.level != 0;
    const bool shadow_stack = Bit(v.said().qualification, 13);
    const bool user_page = Bit(v.said().qualification, 9);
    if (has_bit_9 && (shadow_stack || (by_cpl && !user_page))) {
      EXPECT_TRUE(right);
      ++told;
    }
    wrong += !right;
  });
  EXPECT_GE(told, 20);
  EXPECT_GE(wrong, 20);
}

TEST(WalkInfoTest, TheLevelOfTheEntryIsAmongThePossible) {
  int one = 0, several = 0, judged = 0;
  ForEachViolation([&](const Violation& v) {
    const unsigned levels = PossibleEntryLevels(v.exit);
    if (!v.in_guest_walk()) {
      EXPECT_EQ(levels, 0u);
      return;
    }
    EXPECT_TRUE(Bit(levels, v.walk.level)) << levels;
    (levels == 1u << v.walk.level ? one : several) += 1;

    // The reference, where it has but one way to go. A guest-physical address
    // too wide for EPT is refused without reading an entry.
    if (v.report.verdict.alternatives.size() == 1 &&
        v.alternative().decided.rule != Rule::kWalk2) {
      EXPECT_EQ(v.report.trace.entries.back().guest_level, v.walk.level);
      ++judged;
    }
  });
  EXPECT_GE(one, 500);
  EXPECT_GE(several, 10);
  EXPECT_GE(judged, 1000);
}

// Bits are defined where the reference says so. It knows more: whether a leaf
// was reached; and that these are the processor's choice: bit 0 of some writes,
// bit 1 of a shadow-stack token, bit 15 where there is another reason, bit 16
// on the way of an asynchronous access.
TEST(WalkInfoTest, QualificationsAreDefinedWhereTheReferenceSaysSo) {
  constexpr std::uint64_t kChoice = 0x18001;
  constexpr std::uint64_t kNeedsLeaf = 0x4000;
  ForEachViolation([&](const Violation& v) {
    const Alternative& alternative = v.alternative();
    const std::uint64_t theirs = alternative.qualification_defined;
    const std::uint64_t qualification = v.said().qualification;
    const std::uint64_t ours =
        DefinedBits(qualification, ContextOf(v.report.before.processor,
                                             v.report.before.controls,
                                             v.guest().event_delivery));
    const bool token = v.access.kind == AccessKind::kShadowStackReadModifyWrite;
    const std::uint64_t open = kChoice | kNeedsLeaf | (token ? 2u : 0u);
    EXPECT_EQ(ours & ~open, theirs & ~open) << std::hex << qualification;
    EXPECT_EQ(ours & kNeedsLeaf & ~theirs, 0u) << std::hex << qualification;
  });
}

}  // namespace
}  // namespace eptdiff
