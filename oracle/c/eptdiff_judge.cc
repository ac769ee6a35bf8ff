#include "oracle/c/eptdiff_judge.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <string_view>

#include "oracle/c/question_values.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/permitted.h"
#include "oracle/machine_state.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/trace.h"
#include "oracle/rules.h"
#include "oracle/target/session/question.h"
#include "oracle/verdict.h"

static_assert(EPTDIFF_JUDGE_MAX_STORES == eptdiff::kMaxStepWrites);

struct eptdiff_judge {
  const eptdiff::Reference reference;
  eptdiff::MachineState state;  // with the words of memory that matter
  eptdiff::SparseMemory known;  // 1 for each of them
  eptdiff::Step step;
  bool entry = false;
  bool asked = false;
  eptdiff::Verdict verdict;
  eptdiff::Trace trace;
  eptdiff::Outcome outcome;
  eptdiff::Finding finding;
  const char* why = "";

  const eptdiff::Step* StepOrEntry() const { return entry ? nullptr : &step; }
};

namespace {

using eptdiff::Hpa;

// Structures that may grow, and have at least what they have here.
template <typename T>
bool IsLargeEnough(const T& structure) {
  return structure.size >= sizeof(T);
}

std::uint64_t WordIn(const eptdiff_judge_memory& memory, Hpa address) {
  if (memory.image == nullptr) {
    return memory.load(memory.context, address.value);
  }
  const std::uint64_t offset = address.value - memory.first;
  std::uint64_t word = 0;
  if (memory.image_bytes < sizeof(word) ||
      offset > memory.image_bytes - sizeof(word)) {
    return 0;
  }
  std::memcpy(&word, static_cast<const char*>(memory.image) + offset,
              sizeof(word));
  return word;
}

bool CanBeRead(const eptdiff_judge_memory& memory) {
  return IsLargeEnough(memory) &&
         (memory.image != nullptr ? memory.first % 8 == 0
                                  : memory.load != nullptr);
}

// Gives the judge the word, if it has not got it; whether that changes what it
// saw, which was 0.
bool Fetch(eptdiff_judge& judge, const eptdiff_judge_memory& memory,
           Hpa address) {
  const Hpa word{address.value & ~std::uint64_t{7}};
  if (judge.known.Load(word) != 0) return false;
  judge.known.Store(word, 1);
  const std::uint64_t value = WordIn(memory, word);
  judge.state.memory.Store(word, value);
  return value != 0;
}

// The reference reads memory of its own; the words that it reads are fetched,
// and it judges again, until it has read what memory has. Each round reads at
// least one entry further, and what was fetched stays.
void JudgeIn(const eptdiff_judge_memory& memory, eptdiff_judge& judge) {
  for (bool more = true; more;) {
    judge.reference.Judge(judge.state, judge.StepOrEntry(), judge.verdict,
                          judge.trace);
    more = false;
    for (const eptdiff::EntryRead& entry : judge.trace.entries) {
      more |= Fetch(judge, memory, entry.address);
    }
    for (const eptdiff::Touched& touched : judge.trace.touched) {
      more |= Fetch(judge, memory, touched.word);
    }
  }
}

int StatusOf(eptdiff::Standing standing) {
  switch (standing) {
    case eptdiff::Standing::kJudged:
      return EPTDIFF_JUDGE_DONE;
    case eptdiff::Standing::kUndefined:
      return EPTDIFF_JUDGE_UNDEFINED;
    case eptdiff::Standing::kCallerError:
      return EPTDIFF_JUDGE_CALLER_ERROR;
    case eptdiff::Standing::kNotModelled:
      break;
  }
  return EPTDIFF_JUDGE_NOT_MODELLED;
}

const char* WordsOf(eptdiff::ProtocolError error) {
  switch (error) {
    case eptdiff::ProtocolError::kEvent:
      return "no such event, or none that can follow";
    case eptdiff::ProtocolError::kTranslationCount:
      return "a number of translations that the access cannot have";
    case eptdiff::ProtocolError::kPageShift:
      return "a page_shift that is not 12, 21 or 30";
    case eptdiff::ProtocolError::kMemoryType:
      return "no memory type";
    case eptdiff::ProtocolError::kFailedCheck:
      return "no check of VM entry";
    default:
      return "it means nothing";
  }
}

// Sorted, the later of two to one word, without what changes nothing.
bool SetWrites(const eptdiff_judge_store* stores, std::size_t count,
               eptdiff_judge& judge) {
  judge.outcome.writes.clear();
  if (count > EPTDIFF_JUDGE_MAX_STORES) return false;
  std::map<std::uint64_t, std::uint64_t> sorted;
  for (std::size_t i = 0; i < count; ++i) {
    if (stores[i].address % 8 != 0) return false;
    sorted[stores[i].address] = stores[i].value;
  }
  for (const auto& [address, value] : sorted) {
    const Hpa word{address};
    // A word that the judge did not look at is none that may change.
    if (judge.known.Load(word) == 0) judge.state.memory.Store(word, ~value);
    if (judge.state.memory.Load(word) == value) continue;
    judge.outcome.writes.push_back({word, value});
  }
  return true;
}

// Of text that a table has: each ends in a 0.
const char* Constant(std::string_view words) { return words.data(); }

void SetRule(eptdiff::RuleAt at, eptdiff_judge_finding& finding) {
  const eptdiff::RuleInfo& info = eptdiff::InfoOf(at.rule);
  finding.rule = Constant(info.identifier);
  finding.section = Constant(info.section);
  finding.words = Constant(info.words);
  finding.level = at.level;
}

eptdiff_judge_finding FindingOf(const eptdiff_judge& judge) {
  eptdiff_judge_finding finding;
  std::memset(&finding, 0, sizeof(finding));
  finding.permitted = judge.finding.conforms ? 1 : 0;
  finding.field = "";
  if (judge.finding.conforms) {
    SetRule(judge.verdict.alternatives[judge.finding.alternative].decided,
            finding);
    return finding;
  }
  const eptdiff::Disagreement& first = judge.finding.disagreements[0];
  SetRule(first.why, finding);
  finding.bit = first.index;
  finding.field = Constant(eptdiff::NameOf(first.field));
  finding.expected = first.expected;
  finding.given = first.given;
  finding.word = first.word.value;
  return finding;
}

template <typename T>
void WriteTo(T& structure, T value) {
  value.size = structure.size;
  std::memcpy(&structure, &value, sizeof(T));
}

int Fail(eptdiff_judge& judge, int status, const char* why = "") {
  judge.why = why;
  return status;
}

}  // namespace

uint32_t eptdiff_judge_abi(void) { return EPTDIFF_JUDGE_ABI; }

const char* eptdiff_judge_version(void) { return EPTDIFF_VERSION; }

int eptdiff_judge_create(eptdiff_judge** judge) {
  *judge = nullptr;
  try {
    *judge = new eptdiff_judge;
    (*judge)->trace.keeps_hits = false;
  } catch (const std::exception&) {
    return EPTDIFF_JUDGE_OUT_OF_MEMORY;
  }
  return EPTDIFF_JUDGE_DONE;
}

void eptdiff_judge_destroy(eptdiff_judge* judge) { delete judge; }

int eptdiff_judge_ask(eptdiff_judge* judge, const eptdiff_question* question,
                      const eptdiff_judge_memory* memory) {
  judge->asked = false;
  if (!IsLargeEnough(*question) || !CanBeRead(*memory) ||
      !eptdiff::ReadMachine(*question, judge->state)) {
    return Fail(*judge, EPTDIFF_JUDGE_BAD_ARGUMENT);
  }
  const auto step = eptdiff::StepOf(*question);
  if (!step) return Fail(*judge, EPTDIFF_JUDGE_BAD_ARGUMENT);
  judge->step = *step;
  judge->entry = step->kind == eptdiff::StepKind::kVmEntry;
  judge->state.memory.Clear();
  judge->known.Clear();
  try {
    JudgeIn(*memory, *judge);
  } catch (const std::exception&) {
    return Fail(*judge, EPTDIFF_JUDGE_OUT_OF_MEMORY);
  }
  const int status = StatusOf(judge->verdict.standing);
  judge->asked = status == EPTDIFF_JUDGE_DONE;
  const std::string_view why = judge->verdict.unmodelled;
  return Fail(*judge, status, why.empty() ? "" : Constant(why));
}

int eptdiff_judge_answer_init(const eptdiff_judge* judge,
                              eptdiff_answer* answer, size_t size) {
  if (!judge->asked) return EPTDIFF_JUDGE_NOTHING_ASKED;
  if (size < sizeof(*answer)) return EPTDIFF_JUDGE_BAD_ARGUMENT;
  std::memset(answer, 0, size);
  eptdiff::ClearAnswer(judge->state, *answer);
  answer->size = static_cast<std::uint32_t>(size);
  return EPTDIFF_JUDGE_DONE;
}

int eptdiff_judge_answer(eptdiff_judge* judge, const eptdiff_answer* answer,
                         const eptdiff_judge_store* stores, size_t store_count,
                         const eptdiff_profile* profile,
                         eptdiff_judge_finding* finding) {
  if (!judge->asked) return Fail(*judge, EPTDIFF_JUDGE_NOTHING_ASKED);
  if (!IsLargeEnough(*answer) || !IsLargeEnough(*finding) ||
      (profile != nullptr && !IsLargeEnough(*profile))) {
    return Fail(*judge, EPTDIFF_JUDGE_BAD_ARGUMENT);
  }
  const eptdiff::FieldSet fields =
      profile != nullptr ? eptdiff::FieldsOf(*profile) : EPTDIFF_FILLS_ALL;
  const eptdiff::Incident incident = eptdiff::ReadAnswer(
      *answer, judge->StepOrEntry(), fields, judge->outcome);
  if (incident.kind != eptdiff::IncidentKind::kNone) {
    return Fail(*judge, EPTDIFF_JUDGE_BAD_ANSWER,
                WordsOf(static_cast<eptdiff::ProtocolError>(incident.detail)));
  }
  try {
    if (!SetWrites(stores, store_count, *judge)) {
      return Fail(*judge, EPTDIFF_JUDGE_BAD_ARGUMENT);
    }
    eptdiff::Judge(judge->verdict, judge->state, judge->outcome, fields,
                   judge->finding);
  } catch (const std::exception&) {
    return Fail(*judge, EPTDIFF_JUDGE_OUT_OF_MEMORY);
  }
  WriteTo(*finding, FindingOf(*judge));
  return EPTDIFF_JUDGE_DONE;
}

size_t eptdiff_judge_alternatives(const eptdiff_judge* judge) {
  return judge->asked ? judge->verdict.alternatives.size() : 0;
}

int eptdiff_judge_alternative(const eptdiff_judge* judge, size_t which,
                              eptdiff_answer* answer,
                              eptdiff_judge_store* stores, size_t* store_count,
                              eptdiff_judge_finding* decided) {
  if (!judge->asked) return EPTDIFF_JUDGE_NOTHING_ASKED;
  if (!IsLargeEnough(*answer) || !IsLargeEnough(*decided) ||
      which >= judge->verdict.alternatives.size()) {
    return EPTDIFF_JUDGE_BAD_ARGUMENT;
  }
  const eptdiff::Alternative& alternative = judge->verdict.alternatives[which];
  eptdiff::Outcome outcome;
  try {
    outcome = eptdiff::PlainOutcome(alternative, judge->state);
  } catch (const std::exception&) {
    return EPTDIFF_JUDGE_OUT_OF_MEMORY;
  }
  eptdiff::SetAnswer(outcome, *answer);
  *store_count = outcome.writes.size();
  std::transform(outcome.writes.begin(), outcome.writes.end(), stores,
                 [](const eptdiff::MemoryWord& word) {
                   return eptdiff_judge_store{word.address.value, word.value};
                 });
  eptdiff_judge_finding finding;
  std::memset(&finding, 0, sizeof(finding));
  finding.permitted = 1;
  finding.field = "";
  SetRule(alternative.decided, finding);
  WriteTo(*decided, finding);
  return EPTDIFF_JUDGE_DONE;
}

const char* eptdiff_judge_why(const eptdiff_judge* judge) { return judge->why; }
