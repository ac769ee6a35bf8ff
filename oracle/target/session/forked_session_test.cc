// What a target does instead of answering is an incident, and the next question
// is answered all the same.
#include "oracle/target/session/forked_session.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/acceptable_state.h"
#include "oracle/target/object/edge_counters.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A target that maps every GPA to itself, and misbehaves at some.
enum Gpas : std::uint64_t {
  kCrash = 0x1000,
  kExit = 0x2000,
  kHang = 0x3000,
  kEndless = 0x4000,
  kBeyond = 0x5000,
  kMisaligned = 0x6000,
  kStray = 0x7000,
  kVaries = 0x8000,
  kStatus = 0x9000,
  kEvent = 0xa000,
  kTranslations = 0xb000,
  kPageShift = 0xc000,
  kStores = 0xd000,
  kDeclined = 0xe000,
  kFlag = 0xf000,
  kEntryEvent = 0x10000,
  kFork = 0x31000,
  kForkAndWait = 0x32000,
  kClose = 0x33000,
  kNull = 0x34000,
  kDeep = 0x35000,
  kTake = 0x36000,
  kKeep = 0x37000,
  kCloseAndHang = 0x38000,
};

constexpr std::uint64_t kWord = 0x20000;

// Without an end that a compiler could see.
int Descend(int depth) {
  volatile char room[256];
  room[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : Descend(depth + 1) + room[0];
}

void* volatile kept;
void* volatile nothing = nullptr;

void Take(std::size_t bytes) {
  kept = std::malloc(bytes);
  std::memset(kept, 1, bytes);
}

void Misbehave(std::uint64_t gpa, const eptdiff_memory& memory,
               eptdiff_answer& answer) {
  static std::uint64_t asked = 0;
  switch (gpa) {
    case kCrash:
      std::abort();
    case kExit:
      _exit(3);
    case kHang:
      for (;;) pause();
    case kEndless:
      for (;;) memory.load(memory.context, 0);
    case kBeyond:
      memory.load(memory.context, std::uint64_t{1} << 46);
      break;
    case kMisaligned:
      memory.load(memory.context, 4);
      break;
    case kStray:
      memory.store(memory.context, kWord, 1);
      break;
    case kVaries:
      answer.gla = ++asked;
      break;
    case kEvent:
      answer.event = 99;
      break;
    case kEntryEvent:
      answer.event = EPTDIFF_VM_ENTRY_FAILURE;
      break;
    case kTranslations:
      answer.translation_count = 2;
      break;
    case kPageShift:
      answer.translations[0].page_shift = 13;
      break;
    case kStores:
      for (std::uint64_t i = 0; i < 500; ++i) {
        memory.store(memory.context, kWord + 8 * i, 1);
      }
      break;
    case kFork:
      (void)!fork();
      break;
    case kForkAndWait:
      if (const pid_t child = fork(); child != 0) {
        waitpid(child, nullptr, 0);
      } else {
        _exit(0);
      }
      break;
    case kClose:
      for (int i = 0; i < 1024; ++i) close(i);
      break;
    case kCloseAndHang:
      for (int i = 0; i < 1024; ++i) close(i);
      for (;;) pause();
    case kNull:
      *static_cast<volatile int*>(nothing) = 1;
      break;
    case kDeep:
      Descend(0);
      break;
    case kTake:
      for (;;) Take(1 << 20);
    case kKeep:
      Take(1 << 20);
      break;
    case kFlag:  // A, in a word that was read
      memory.store(memory.context, kWord,
                   memory.load(memory.context, kWord) | 0x100);
      break;
    default:
      break;
  }
}

int Answer(const eptdiff_question* question, const eptdiff_memory* memory,
           eptdiff_answer* answer) {
  answer->event = EPTDIFF_COMPLETED;
  answer->translation_count = 1;
  answer->translations[0].address = question->gpa;
  answer->translations[0].page_shift = 12;
  Misbehave(question->gpa, *memory, *answer);
  if (question->gpa == kDeclined) return EPTDIFF_NOT_MODELLED;
  return question->gpa == kStatus ? 7 : EPTDIFF_ANSWERED;
}

void Describe(eptdiff_profile* profile) {
  profile->models = EPTDIFF_MODELS_4_LEVELS;
}

// One for each frame of the first 64 KBytes, as if code of its own served it.
std::uint8_t counters[16];

int CountingAnswer(const eptdiff_question* question,
                   const eptdiff_memory* memory, eptdiff_answer* answer) {
  ++counters[question->gpa >> 12 & 15];
  return Answer(question, memory, answer);
}

bool LoadCounting(TargetFunctions& functions, std::string&) {
  EdgeCounters::Get().Announce(counters);
  functions.describe = Describe;
  functions.answer = CountingAnswer;
  return true;
}

bool Load(TargetFunctions& functions, std::string&) {
  functions.describe = Describe;
  functions.answer = Answer;
  return true;
}

std::unique_ptr<ForkedSession> Session() {
  std::string error;
  auto session = ForkedSession::Make(
      Load, {.limit = std::chrono::milliseconds(50)}, error);
  EXPECT_NE(session, nullptr) << error;
  return session;
}

Step AccessTo(std::uint64_t gpa) {
  Step step;
  step.gpa = Gpa{gpa};
  return step;
}

Case CaseOf(const std::vector<std::uint64_t>& gpas) {
  Case c;
  c.controls.eptp = 0x101e;
  MakeEntryAcceptable(c);
  for (const std::uint64_t gpa : gpas) c.steps.push_back(AccessTo(gpa));
  return c;
}

struct Misbehaviour {
  std::uint64_t gpa;
  std::string signature;
};
const Misbehaviour kMisbehaviours[] = {
    {kCrash, "crash-SIGABRT"},
    {kExit, "crash-exit3"},
    {kHang, "hang-time"},
    {kEndless, "hang-loads"},
    {kMisaligned, "memory-misaligned"},
    {kStray, "stray-store"},
    {kStatus, "protocol-status"},
    {kEvent, "protocol-event"},
    {kEntryEvent, "protocol-event"},
    {kTranslations, "protocol-translations"},
    {kPageShift, "protocol-page-shift"},
    {kStores, "protocol-stores"},
    {kFork, "forks"},
    {kCloseAndHang, "hang-time"},
};

TEST(ForkedSessionTest, MisbehaviourIsAnIncidentAndTheNextStepIsAnswered) {
  const auto session = Session();
  MachineState state;
  state.Load(CaseOf({}));
  Reply reply;
  for (const Misbehaviour& misbehaviour : kMisbehaviours) {
    session->Enter(state, reply);
    session->Perform(state, AccessTo(misbehaviour.gpa), reply);
    EXPECT_EQ(SignaturePart(reply.incident), misbehaviour.signature);
    EXPECT_NE(WordsOf(reply.incident), "nothing");
    session->Perform(state, AccessTo(0x1234), reply);
    ASSERT_EQ(reply.incident.kind, IncidentKind::kNone)
        << misbehaviour.signature;
    EXPECT_EQ(reply.outcome.event.translations[0].address, Hpa{0x1234});
  }
}

TEST(ForkedSessionTest, MisbehaviourInABatchIsThatCasesAlone) {
  std::vector<Case> cases;
  for (const Misbehaviour& misbehaviour : kMisbehaviours) {
    cases.push_back(CaseOf({0x1234, misbehaviour.gpa, 0x5678}));
    cases.push_back(CaseOf({0x4321}));
  }
  const auto session = Session();
  session->Prepare(cases);
  Reply reply;
  MachineState state;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    state.Load(cases[i]);
    session->Enter(state, reply);
    session->Perform(state, cases[i].steps[0], reply);
    EXPECT_EQ(reply.incident.kind, IncidentKind::kNone) << i;
    EXPECT_EQ(reply.outcome.event.translations[0].address.value,
              cases[i].steps[0].gpa.value);
    if (i % 2 != 0) continue;
    session->Perform(state, cases[i].steps[1], reply);
    EXPECT_EQ(SignaturePart(reply.incident), kMisbehaviours[i / 2].signature);
  }
}

TEST(ForkedSessionTest, WhoClosesWhatItIsAskedThroughIsFoundAmongMany) {
  const std::vector<Case> cases = {CaseOf({0x1234}), CaseOf({kClose}),
                                   CaseOf({0x4321}), CaseOf({0x5678})};
  const auto session = Session();
  session->Prepare(cases);
  std::vector<std::string> signatures;
  for (const Case& c : cases) {
    MachineState state;
    Reply reply;
    state.Load(c);
    session->Enter(state, reply);
    session->Perform(state, c.steps[0], reply);
    signatures.push_back(SignaturePart(reply.incident));
  }
  EXPECT_THAT(signatures,
              ElementsAre("none", "closes-descriptors", "none", "none"));
}

TEST(ForkedSessionTest, AForkThatIsWaitedForIsNoIncident) {
  const auto session = Session();
  MachineState state;
  state.Load(CaseOf({}));
  Reply reply;
  session->Perform(state, AccessTo(kForkAndWait), reply);
  EXPECT_EQ(reply.incident.kind, IncidentKind::kNone);
}

TEST(ForkedSessionTest, ACrashSaysWhereItWas) {
  const auto session = Session();
  MachineState state;
  state.Load(CaseOf({}));
  Reply reply;
  session->Perform(state, AccessTo(kNull), reply);
  EXPECT_EQ(SignaturePart(reply.incident), "crash-SIGSEGV");
  EXPECT_THAT(session->LastOutput(),
              AllOf(HasSubstr("SIGSEGV at 0x0\n  in "), HasSubstr("_test+0x")));
  session->Perform(state, AccessTo(kDeep), reply);
  EXPECT_EQ(SignaturePart(reply.incident), "crash-stack-overflow");
  EXPECT_EQ(WordsOf(reply.incident), "it runs out of stack");
  EXPECT_THAT(session->LastOutput(), HasSubstr("SIGSEGV at 0x"));
}

constexpr std::int64_t kMemory = std::int64_t{64} << 20;

TEST(ForkedSessionTest, ATargetThatTakesTooMuchMemoryIsStopped) {
  std::string error;
  const auto session = ForkedSession::Make(Load, {.memory = kMemory}, error);
  MachineState state;
  state.Load(CaseOf({}));
  Reply reply;
  session->Perform(state, AccessTo(kTake), reply);
  EXPECT_EQ(reply.incident, (Incident{IncidentKind::kAllocation, 64}));
  session->Perform(state, AccessTo(kTake), reply);
  EXPECT_EQ(reply.incident, (Incident{IncidentKind::kAllocation, 32}));
}

TEST(ForkedSessionTest, WhatATargetKeepsFromCaseToCaseIsNoOnesFault) {
  std::string error;
  const auto session = ForkedSession::Make(Load, {.memory = kMemory}, error);
  const std::vector<Case> cases(1, CaseOf({kKeep}));
  MachineState state;
  state.Load(cases[0]);
  Reply reply;
  for (int i = 0; i < 512; ++i) {
    session->Prepare(cases);
    session->Enter(state, reply);
    session->Perform(state, cases[0].steps[0], reply);
    ASSERT_EQ(reply.incident.kind, IncidentKind::kNone) << i;
  }
  EXPECT_GT(session->leaks(), 4u);
}

TEST(ForkedSessionTest, PreparedCasesMayBeSkippedOrEnteredTwice) {
  // They differ in memory alone.
  std::vector<Case> cases;
  for (std::uint64_t i = 0; i < 6; ++i) {
    cases.push_back(CaseOf({kFlag}));
    cases.back().memory.push_back({Hpa{kWord}, i << 12});
  }
  const auto session = Session();
  session->Prepare(cases);
  Reply reply;
  MachineState state;
  for (const std::size_t i : {0u, 0u, 3u, 2u, 4u, 5u, 5u}) {
    state.Load(cases[i]);
    session->Enter(state, reply);
    session->Perform(state, cases[i].steps[0], reply);
    ASSERT_EQ(reply.outcome.writes.size(), 1u) << i;
    EXPECT_EQ(reply.outcome.writes[0].value, (i << 12) | 0x100);
  }
}

TEST(ForkedSessionTest, ADigressionIsNotAnsweredAsTheCaseThatBeginsAsItDoes) {
  const auto stores = [](std::uint64_t value) {
    Case c = CaseOf({0x1234, kFlag});
    Step store;
    store.kind = StepKind::kStore;
    store.hpa = Hpa{kWord};
    store.value = value;
    c.steps.insert(c.steps.begin() + 1, store);
    return c;
  };
  const std::vector<Case> cases(2, stores(0x1000));
  const auto session = Session();
  session->Prepare(cases);
  for (const std::uint64_t value : {0x1000, 0x2000, 0x1000}) {
    session->set_digresses(value != 0x1000);
    const Case c = stores(value);
    Reply reply;
    MachineState state;
    state.Load(c);
    session->Enter(state, reply);
    session->Perform(state, c.steps[0], reply);
    state.memory.Store(Hpa{kWord}, value);
    session->Perform(state, c.steps[2], reply);
    ASSERT_EQ(reply.outcome.writes.size(), 1u) << value;
    EXPECT_EQ(reply.outcome.writes[0].value, value | 0x100);
  }
}

TEST(ForkedSessionTest, StepsOfABatchMeetWhatEarlierOnesStored) {
  std::vector<Case> cases(1, CaseOf({kFlag, kFlag}));
  const auto session = Session();
  session->Prepare(cases);
  Reply reply;
  MachineState state;
  state.Load(cases[0]);
  session->Enter(state, reply);
  session->Perform(state, cases[0].steps[0], reply);
  ASSERT_EQ(reply.incident.kind, IncidentKind::kNone);
  ASSERT_EQ(reply.outcome.writes.size(), 1u);
  EXPECT_EQ(reply.outcome.writes[0], (MemoryWord{Hpa{kWord}, 0x100}));
  state.Apply(reply.outcome);
  session->Perform(state, cases[0].steps[1], reply);
  EXPECT_TRUE(reply.outcome.writes.empty());
}

TEST(ForkedSessionTest, AnswersThatVaryAreSeenWhenAskedAgain) {
  const auto session = Session();
  MachineState state;
  state.Load(CaseOf({}));
  Reply reply;
  session->Perform(state, AccessTo(kVaries), reply);
  EXPECT_EQ(reply.incident.kind, IncidentKind::kNone);
  session->set_repeats(1);
  session->Perform(state, AccessTo(kVaries), reply);
  EXPECT_EQ(reply.incident.kind, IncidentKind::kVaries);
  session->Perform(state, AccessTo(0x1234), reply);
  EXPECT_EQ(reply.incident.kind, IncidentKind::kNone);
}

TEST(ForkedSessionTest, AnAccessBeyondTheWidthComesWithItsAnswer) {
  const auto session = Session();
  MachineState state;
  state.Load(CaseOf({}));
  Reply reply;
  session->Perform(state, AccessTo(kBeyond), reply);
  EXPECT_EQ(reply.incident.kind, IncidentKind::kNone);
  EXPECT_EQ(reply.aside,
            (Incident{IncidentKind::kBeyondWidth, std::uint64_t{1} << 46}));
}

TEST(ForkedSessionTest, DecliningIsNoIncident) {
  const auto session = Session();
  MachineState state;
  state.Load(CaseOf({}));
  Reply reply;
  session->Perform(state, AccessTo(kDeclined), reply);
  EXPECT_EQ(reply.incident.kind, IncidentKind::kNone);
  EXPECT_TRUE(reply.declined);
}

struct BadTarget {
  ForkedSession::Loader loader;
  std::string says;
};

TEST(ForkedSessionTest, ATargetThatCannotBeHadIsRefusedWithTheReason) {
  const auto describing = [](decltype(TargetFunctions::describe) describe) {
    return [describe](TargetFunctions& functions, std::string&) {
      functions.describe = describe;
      functions.answer = Answer;
      return true;
    };
  };
  const BadTarget kTargets[] = {
      {[](TargetFunctions&, std::string& error) {
         error = "no such symbol";
         return false;
       },
       "no such symbol"},
      {describing([](eptdiff_profile*) { std::abort(); }), "SIGABRT"},
      {describing([](eptdiff_profile*) {}), "EPTDIFF_MODELS_4_LEVELS"},
      {describing([](eptdiff_profile* profile) {
         profile->models = EPTDIFF_MODELS_4_LEVELS;
         profile->max_maxphyaddr = 60;
       }),
       "max_maxphyaddr"},
      {describing([](eptdiff_profile* profile) {
         profile->models = EPTDIFF_MODELS_4_LEVELS;
         profile->name[0] = '/';
       }),
       "name"},
      {describing([](eptdiff_profile* profile) {
         profile->models = EPTDIFF_MODELS_4_LEVELS;
         profile->capabilities_set = profile->capabilities_clear = 0;
       }),
       "capabilities_set"},
      {describing([](eptdiff_profile* profile) {
         profile->models = EPTDIFF_MODELS_4_LEVELS;
         profile->fills = 0;
       }),
       "EPTDIFF_FILLS_EVENT"},
  };
  for (const BadTarget& target : kTargets) {
    std::string error;
    EXPECT_EQ(ForkedSession::Make(target.loader, {}, error), nullptr);
    EXPECT_THAT(error, HasSubstr(target.says));
  }
}

TEST(ForkedSessionTest, ACaseThatReachesNewEdgesIsKnown) {
  std::string error;
  auto session = ForkedSession::Make(LoadCounting, {}, error);
  ASSERT_NE(session, nullptr) << error;
  const std::vector<Case> cases = {
      CaseOf({0x11000}), CaseOf({0x11000}), CaseOf({0x12000}),
      CaseOf({0x12000, 0x11000}), CaseOf({0x11000, 0x11008})};
  session->Prepare(cases);
  std::vector<bool> news;
  for (const Case& c : cases) {
    MachineState state;
    state.Load(c);
    Reply reply;
    session->Enter(state, reply);
    news.push_back(session->reached_new_edges());
    if (news.size() != 1) continue;
    // A question in between has the others answered anew, which is no news.
    session->Perform(state, AccessTo(0x15000), reply);
    EXPECT_TRUE(session->reached_new_edges());
  }
  EXPECT_EQ(news, std::vector<bool>({true, false, true, false, true}));
  // Of a case that was not announced nothing is known.
  MachineState state;
  state.Load(CaseOf({0x13000}));
  Reply reply;
  session->Enter(state, reply);
  EXPECT_FALSE(session->reached_new_edges());
  EXPECT_EQ(session->edges().covered, 2u);
  EXPECT_EQ(session->edges().total, 16u);
}

TEST(ForkedSessionTest, WhatDiesTakesNoEdgesAlong) {
  std::string error;
  auto session = ForkedSession::Make(LoadCounting, {}, error);
  ASSERT_NE(session, nullptr) << error;
  const std::vector<Case> cases = {CaseOf({0x11000}), CaseOf({kCrash}),
                                   CaseOf({0x11000}), CaseOf({0x12000})};
  session->Prepare(cases);
  std::vector<bool> news;
  for (const Case& c : cases) {
    MachineState state;
    state.Load(c);
    Reply reply;
    session->Enter(state, reply);
    news.push_back(session->reached_new_edges());
  }
  EXPECT_EQ(news, std::vector<bool>({true, false, false, true}));
}

}  // namespace
}  // namespace eptdiff
