#include "oracle/processor/inquiry.h"

#include <algorithm>
#include <utility>

namespace eptdiff {
namespace {

// What no program can see of its own accesses.
constexpr FieldSet kUnseen =
    SetOf(Field::kFailedCheck) | SetOf(Field::kPageSize) |
    SetOf(Field::kMemoryType) | SetOf(Field::kStructureMemoryType);

}  // namespace

Inquiry::Inquiry(Machine& machine, Dialect dialect)
    : machine_(machine),
      reference_(std::move(dialect)),
      verdict_(std::make_unique<Verdict>()),
      of_memory_(std::make_unique<Verdict>()) {
  trace_.keeps_hits = false;
  trace_of_memory_.keeps_hits = false;
}

const InquiryResult& Inquiry::Ask(const ArrangedCase& arranged,
                                  std::size_t ways) {
  judged_.clear();
  at_ = nullptr;
  return AskWhole(arranged, ways);
}

const InquiryResult& Inquiry::AskAgain(const ArrangedCase& arranged,
                                       std::size_t ways) {
  at_ = judged_.empty() ? NewJudged() : judged_[0].get();
  return AskWhole(arranged, ways);
}

Inquiry::Judged* Inquiry::NewJudged() {
  if (judged_.size() == kMaxJudged) return nullptr;
  return judged_.emplace_back(std::make_unique<Judged>()).get();
}

// The answer that has been carried out leads to the next step.
void Inquiry::FollowAnswer() {
  if (at_ == nullptr) return;
  for (const Judged::Way& way : at_->ways) {
    if (way.answer == result_.outcome) {
      at_ = way.next;
      return;
    }
  }
  Judged* const next = NewJudged();
  if (next != nullptr) at_->ways.push_back({result_.outcome, next});
  at_ = next;
}

// Null for VM entry.
void Inquiry::JudgeStep(const Step* step) {
  Verdict& verdict = at_ == nullptr ? *verdict_ : at_->verdict;
  now_ = &verdict;
  is_new_ = at_ == nullptr || !at_->is_known;
  if (!is_new_) return;
  if (step == nullptr) {
    reference_.Judge(state_, nullptr, verdict, trace_);
  } else if (keeps_) {
    reference_.JudgeUpTo(ways_, state_, step, verdict, trace_);
  } else {
    reference_.reference().Judge(state_, *step, verdict, trace_);
  }
  if (at_ != nullptr) at_->is_known = true;
}

// What memory alone would permit.
const Verdict& Inquiry::JudgeByMemory(const Step& step) {
  if (at_ != nullptr && at_->of_memory != nullptr) return *at_->of_memory;
  Verdict* verdict = of_memory_.get();
  if (at_ != nullptr) {
    at_->of_memory = std::make_unique<Verdict>();
    verdict = at_->of_memory.get();
  }
  reference_.reference().Judge(state_, step, *verdict, trace_of_memory_);
  return *verdict;
}

const InquiryResult& Inquiry::AskWhole(const ArrangedCase& arranged,
                                       std::size_t ways) {
  ways_ = ways;
  result_.result = Result::kAgrees;
  result_.compared = 0;
  result_.undefined = false;
  result_.unmodelled = "";
  result_.code_unreachable = false;
  result_.own_memory = false;
  result_.unsafe = false;
  result_.indistinct = false;
  result_.in_parts = false;
  result_.seen.clear();
  result_.why = "";
  result_.step = 0;
  result_.has_news = false;
  // What VMFUNC has loaded may matter later on, in a dialect (VE-4).
  keeps_ = arranged.keeps;
  state_.records_history =
      keeps_ || std::any_of(arranged.c.steps.begin(), arranged.c.steps.end(),
                            [](const Step& step) {
                              return step.kind == StepKind::kEptpSwitch;
                            });
  state_.Load(arranged.c);
  machine_.Load(arranged, state_);
  AskSteps(arranged);
  const bool conformed = result_.result == Result::kAgrees;
  if (!machine_.Unload(state_, conformed) && conformed) {
    result_.result = Result::kHarnessError;
    result_.why = "memory has changed that no answer speaks of";
  }
  if (result_.result == Result::kAgrees && result_.compared == 0) {
    result_.result = Result::kSkipped;
  }
  return result_;
}

void Inquiry::AskSteps(const ArrangedCase& arranged) {
  JudgeStep(nullptr);
  if (!IsJudged()) return;
  Judged* const entry = at_;
  Reply reply = machine_.Enter(state_, EntryMayWait(arranged), result_.outcome);
  if (!Compare(reply, kAllFields & ~kUnseen, 0)) return;
  if (IsFailedEntry(result_.outcome.event.kind)) return;
  FollowAnswer();
  bool code_holds = false;
  for (std::size_t i = 0; i < arranged.c.steps.size(); ++i) {
    const Step& step = arranged.c.steps[i];
    const bool is_code = arranged.origin[i] == ArrangedCase::kCodeStep;
    // Nothing has changed since it was asked.
    const bool fetch = step.access.kind == AccessKind::kFetch;
    if (is_code && fetch && code_holds) continue;
    const Registers before = RegistersOf(state_);
    state_.Begin(step);
    JudgeStep(&step);
    if (!IsJudged()) return;
    FieldSet fields = kAllFields & ~kUnseen;
    reply = machine_.Perform(state_, step, *now_, result_.outcome, fields);
    if (reply == Reply::kNotEntered) {
      at_ = entry;
      return CompareEntry();
    }
    if (!Compare(reply, fields & ~kUnseen, i + 1)) return;
    NoteSeen(step, i + 1);
    state_.Apply(&step, result_.outcome);
    FollowAnswer();
    if (IsFailedEntry(result_.outcome.event.kind)) return;
    if (is_code && result_.outcome.event.kind != EventKind::kCompleted) {
      result_.code_unreachable = true;
      return;
    }
    // Of accesses alone is it known what they may change.
    code_holds =
        (is_code || code_holds) && step.kind == StepKind::kLinearAccess &&
        result_.outcome.writes.empty() && result_.outcome.registers == before;
  }
}

// An access enters the guest; so whether VM entry does is seen by that.
bool Inquiry::EntryMayWait(const ArrangedCase& arranged) const {
  return !arranged.c.steps.empty() && !state_.guest.event_delivery &&
         arranged.c.steps[0].kind == StepKind::kLinearAccess &&
         now_->alternatives.size() == 1 &&
         now_->alternatives[0].event.kind == EventKind::kCompleted;
}

// Nothing has been carried out since the case was loaded.
void Inquiry::CompareEntry() {
  --result_.compared;
  JudgeStep(nullptr);
  Compare(Reply::kAnswered, kAllFields & ~kUnseen, 0);
}

bool Inquiry::IsJudged() {
  if (now_->standing == Standing::kJudged) return true;
  result_.undefined = now_->standing == Standing::kUndefined;
  if (!result_.undefined) result_.unmodelled = now_->unmodelled;
  return false;
}

bool Inquiry::Compare(Reply reply, FieldSet fields, std::size_t number) {
  result_.step = number;
  switch (reply) {
    case Reply::kAnswered:
    case Reply::kNotEntered:
      break;
    case Reply::kOwnMemory:
      result_.own_memory = true;
      return false;
    case Reply::kUnsafe:
      result_.unsafe = true;
      return false;
    case Reply::kIndistinct:
      result_.indistinct = true;
      return false;
    case Reply::kInParts:
      result_.in_parts = true;
      return false;
    case Reply::kHarnessError:
      result_.result = Result::kHarnessError;
      result_.why = machine_.why();
      return false;
  }
  Judge(*now_, state_, result_.outcome, fields, result_.finding);
  ++result_.compared;
  result_.fields = fields;
  if (listener_ != nullptr) listener_->Hear(number, result_.outcome, fields);
  if (result_.finding.conforms) {
    if (is_new_) NoteNews(number);
    return true;
  }
  result_.result = Result::kDeparts;
  return false;
}

// Whether it used what had been kept: memory alone does not permit it.
void Inquiry::NoteSeen(const Step& step, std::size_t number) {
  if (!keeps_ || now_->alternatives.size() < 2 || result_.seen.full()) {
    return;
  }
  const Verdict& of_memory = JudgeByMemory(step);
  if (of_memory.standing != Standing::kJudged) return;
  const Outcome& answer = result_.outcome;
  SeenAnswer& seen = result_.seen.emplace_back();
  seen = {};
  seen.step = static_cast<std::uint16_t>(number);
  seen.kept = !Judge(of_memory, state_, answer, result_.fields).conforms;
  seen.event = answer.event.kind;
  seen.exit_reason = answer.event.exit_reason;
  if (seen.event == EventKind::kCompleted &&
      answer.event.translation_count != 0) {
    seen.address = answer.event.translations[0].address;
  }
}

void Inquiry::NoteNews(std::size_t number) {
  bool has_news = false;
  trace_.consequences.ForEachNotIn(no_news_, [&](std::size_t place) {
    if (++times_met_[place] == kNews) no_news_.Add(place);
    has_news = true;
  });
  if (!has_news) return;
  met_.Add(trace_.consequences);
  result_.has_news = true;
  result_.news_step = number;
  result_.news = result_.outcome;
  result_.news_fields = result_.fields;
}

}  // namespace eptdiff
