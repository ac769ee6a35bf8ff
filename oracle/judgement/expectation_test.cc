#include "oracle/judgement/expectation.h"

#include <vector>

#include "gtest/gtest.h"

namespace eptdiff {
namespace {

constexpr Hpa kEntry{0x1000};
constexpr Hpa kLeaf{0x2000};

MachineState Before() {
  Case c;
  c.memory = {{kEntry, 0x2007}, {kLeaf, 0x9037}};
  MachineState before;
  before.Load(c);
  return before;
}

// A violation of a write, with the accessed flag of the entry set or not.
Alternative RefusedWrite() {
  Alternative a;
  a.event = {.kind = EventKind::kVmExit,
             .exit_reason = 48,
             .qualification = 0x18a,
             .gpa = Gpa{0x5000}};
  a.qualification_defined = 0x1bf;
  a.gpa_defined = true;
  a.span = 7;
  a.optional.push_back({kEntry, 0x100, 0x100, {}});
  a.required.push_back({kLeaf, 0x200, 0x200, {}});
  return a;
}

Outcome ViolationOutcome() {
  Outcome outcome;
  outcome.event = RefusedWrite().event;
  outcome.writes.push_back({kLeaf, 0x9237});
  return outcome;
}

Expectation ExpectedViolation() {
  return {.event = EventKind::kVmExit,
          .exit_reason = 48,
          .qualification = 0x18a,
          .qualification_mask = 0x1bf,
          .gpa = Gpa{0x5000},
          .memory = {{kLeaf, 0x200, 0x300}, {kEntry, 0, 0x200}}};
}

struct Change {
  const char* what;
  void (*make)(Expectation&);
  bool fits;
  bool permitted;
};

// What an expectation says that the outcome of RefusedWrite() is not, or that
// the alternative excludes.
const Change kChanges[] = {
    {"nothing", [](Expectation&) {}, true, true},
    {"another event", [](Expectation& e) { e.event = EventKind::kCompleted; },
     false, false},
    {"another reason", [](Expectation& e) { e.exit_reason = 49; }, false,
     false},
    {"another bit", [](Expectation& e) { e.qualification = 0x18b; }, false,
     false},
    {"a bit that is unknown", [](Expectation& e) { e.qualification = 0x38a; },
     true, true},
    {"a bit that is undefined",
     [](Expectation& e) {
       e.qualification = 0x1ca;
       e.qualification_mask = 0x1ff;
     },
     false, true},
    {"another address of the access", [](Expectation& e) { e.gpa.value += 7; },
     false, true},
    {"an address beyond it", [](Expectation& e) { e.gpa.value += 8; }, false,
     false},
    {"an address before it", [](Expectation& e) { e.gpa.value -= 1; }, false,
     false},
    {"any address", [](Expectation& e) { e.gpa.value = 0; }, true, true},
    {"a required write undone", [](Expectation& e) { e.memory[0].value = 0; },
     false, false},
    {"an optional write done",
     [](Expectation& e) { e.memory[1] = {kEntry, 0x100, 0x100}; }, false, true},
    {"an optional write not done",
     [](Expectation& e) { e.memory[1] = {kEntry, 0, 0x100}; }, true, true},
    {"a write that nobody makes",
     [](Expectation& e) { e.memory[1] = {kEntry, 0x200, 0x200}; }, false,
     false},
};

TEST(ExpectationTest, FitsWhatWasSeenAndIsPermittedWhatTheVerdictLeavesOpen) {
  const MachineState before = Before();
  Verdict verdict;
  verdict.alternatives.push_back(RefusedWrite());
  for (const Change& change : kChanges) {
    Expectation expectation = ExpectedViolation();
    change.make(expectation);
    EXPECT_EQ(Fits(ViolationOutcome(), expectation, before, kAllFields),
              change.fits)
        << change.what;
    EXPECT_EQ(Permits(verdict, expectation, before), change.permitted)
        << change.what;
  }
}

TEST(ExpectationTest, AlternativesAreNotMixed) {
  Verdict verdict;
  verdict.alternatives.push_back(RefusedWrite());
  verdict.alternatives.push_back(RefusedWrite());
  verdict.alternatives[1].event.qualification = 0x18b;
  verdict.alternatives[1].optional.clear();
  Expectation expectation = ExpectedViolation();
  expectation.memory[1] = {kEntry, 0x100, 0x100};
  EXPECT_TRUE(Permits(verdict, expectation, Before()));
  expectation.qualification = 0x18b;
  EXPECT_FALSE(Permits(verdict, expectation, Before()));
}

TEST(ExpectationTest, FieldsThatAnOracleDoesNotFillInAreNotHeldAgainstIt) {
  Outcome outcome = ViolationOutcome();
  outcome.event.qualification = 0;
  outcome.event.gpa = {};
  const Expectation expectation = ExpectedViolation();
  EXPECT_FALSE(Fits(outcome, expectation, Before(), kAllFields));
  EXPECT_TRUE(Fits(outcome, expectation, Before(),
                   SetOf(Field::kEvent) | SetOf(Field::kExitReason)));
}

TEST(ExpectationTest, APageFaultHasItsErrorCodeAndACompletionItsPlace) {
  Outcome outcome;
  outcome.event = {.kind = EventKind::kPageFault, .error_code = 7};
  Expectation expectation{.event = EventKind::kPageFault, .error_code = 7};
  EXPECT_TRUE(Fits(outcome, expectation, Before(), kAllFields));
  expectation.error_code = 5;
  EXPECT_FALSE(Fits(outcome, expectation, Before(), kAllFields));

  outcome.event = {.translation_count = 1};
  outcome.event.translations[0].address = Hpa{0x9123};
  expectation = {.hpa = Hpa{0x9123}};
  EXPECT_TRUE(Fits(outcome, expectation, Before(), kAllFields));
  expectation.hpa.value += 1;
  EXPECT_FALSE(Fits(outcome, expectation, Before(), kAllFields));
  expectation.hpa.value = 0;
  EXPECT_TRUE(Fits(outcome, expectation, Before(), kAllFields));
}

}  // namespace
}  // namespace eptdiff
