#include "oracle/judgement/trial.h"

#include <algorithm>

#include "oracle/reference/caches/caching_reference.h"
#include "oracle/unmodelled.h"

namespace eptdiff {
namespace {

// Whether both events end the same of what was kept (CACHE-5, CACHE-12).
bool EndTheSame(const Event& a, const Event& b) {
  constexpr std::uint64_t kTranslated = 1 << 8;
  return a.exit_reason == b.exit_reason && a.cr2 == b.cr2 && a.gpa == b.gpa &&
         a.gla == b.gla &&
         ((a.qualification ^ b.qualification) & kTranslated) == 0;
}

}  // namespace

// An oracle at the table. `group` is the seat whose state it is in: its own
// number, or a lower one's as long as their answers had the same effects.
struct Trial::Seat {
  Seat(std::size_t number, Oracle& oracle, const Dialect& dialect)
      : number(number),
        oracle(oracle),
        fields(oracle.fields()),
        models_entry(oracle.models_entry()),
        keeps(oracle.keeps_translations()),
        declared(oracle.declared()),
        reference(dialect),
        sdm(dialect.alterations().empty()) {}

  const std::size_t number;
  Oracle& oracle;
  const FieldSet fields;
  const bool models_entry;
  const bool keeps;
  const Declared declared;
  const CachingReference reference;
  const bool sdm;  // judged by the SDM itself

  bool active = false;
  std::size_t group = 0;
  MachineState state;             // of the group that it leads
  Skip unmodelled = Skip::kNone;  // ... what the current step needs there

  Outcome outcome;      // of the current step
  bool judged = false;  // the outcome conforms and waits to be carried out
  Verdict own_verdict;
  Trace own_trace;
  const Seat* judge = nullptr;  // whose verdict judged it
};

Trial::Trial() = default;
Trial::~Trial() = default;

void Trial::Add(Oracle& oracle, const Dialect& dialect) {
  seats_.push_back(std::make_unique<Seat>(seats_.size(), oracle, dialect));
  by_dialect_.push_back(seats_.back().get());
  const auto place = [](const Seat* seat) {
    return std::pair(-std::ssize(seat->reference.dialect().alterations()),
                     seat->number);
  };
  std::sort(by_dialect_.begin(), by_dialect_.end(),
            [&](const Seat* a, const Seat* b) { return place(a) < place(b); });
  standings_.resize(seats_.size());
}

void Trial::set_keeps_hits(bool keeps_hits) {
  for (auto& seat : seats_) seat->own_trace.keeps_hits = keeps_hits;
}

const std::vector<Standings>& Trial::Run(const Case& c) {
  for (Standings& standings : standings_) {
    standings.compared = 0;
    standings.undefined = false;
    standings.skip = Skip::kNone;
    standings.disagrees = false;
    standings.step = 0;
    standings.verdict.reset();
    standings.before.reset();
  }
  if (seats_.empty()) return standings_;
  if (HasTableOperations(c)) {
    for (Standings& standings : standings_) {
      standings.skip = Skip::kTableOperation;
    }
    return standings_;
  }
  Enter(c);
  for (std::size_t i = 0; i < c.steps.size(); ++i) {
    if (std::none_of(seats_.begin(), seats_.end(),
                     [](const auto& seat) { return seat->active; })) {
      break;
    }
    Perform(i + 1, c.steps[i]);
  }
  return standings_;
}

void Trial::Enter(const Case& c) {
  MachineState& state = seats_[0]->state;
  state.records_history =
      std::any_of(seats_.begin(), seats_.end(),
                  [](const auto& seat) { return seat->keeps; });
  state.Load(c);
  for (auto& seat : seats_) {
    seat->group = 0;
    state.declared = seat->declared;
    const Skip skip = seat->oracle.Enter(seats_[0]->state, seat->outcome);
    seat->active = skip == Skip::kNone;
    standings_[seat->number].skip = skip;
  }
  JudgeAnswers(0, nullptr);
  for (auto& seat : seats_) {
    if (seat->judged && seat->models_entry) LeaveIfRefused(*seat);
  }
}

// Agreed: there is no guest to run.
void Trial::LeaveIfRefused(Seat& seat) {
  if (IsFailedEntry(seat.outcome.event.kind)) seat.active = false;
}

void Trial::Perform(std::size_t number, const Step& step) {
  for (auto& seat : seats_) {
    if (!seat->active) continue;
    // The leader of a group is the first of it.
    Seat& leader = *seats_[seat->group];
    if (&leader == seat.get()) {
      leader.state.Begin(step);
      leader.unmodelled = UnmodelledBy(leader.state, step);
    }
    MachineState& state = leader.state;
    state.declared = seat->declared;
    const Skip unmodelled = leader.unmodelled;
    const Skip skip = unmodelled != Skip::kNone
                          ? unmodelled
                          : AskOracle(seat->oracle, state, step, seat->outcome);
    if (skip == Skip::kNone) continue;
    standings_[seat->number].skip = skip;
    standings_[seat->number].step = number;
    // Whoever panics, or says that there is nothing to answer, where the SDM
    // knows an answer has been found out.
    seat->active = unmodelled != Skip::kNone || skip == Skip::kPanic ||
                   skip == Skip::kUnexpectedExit ||
                   skip == Skip::kCallerError || skip == Skip::kEptOff;
    seat->outcome.event = {.kind = EventKind::kGaveUp};
    seat->outcome.registers = RegistersOf(state);
    seat->outcome.writes.clear();
  }
  JudgeAnswers(number, &step);
  CarryOut(step);
}

void Trial::JudgeAnswers(std::size_t number, const Step* step) {
  for (auto& seat : seats_) {
    seat->judged = false;
    seat->judge = nullptr;
  }
  for (Seat* seat : by_dialect_) {
    if (seat->active) JudgeSeat(*seat, number, step);
  }
}

void Trial::JudgeSeat(Seat& seat, std::size_t number, const Step* step) {
  MachineState& state = seats_[seat.group]->state;
  state.declared = seat.declared;
  for (const Seat* other : by_dialect_) {
    // A verdict that no alteration touched is the SDM's.
    if (seat.sdm && other->judge == other && other->group == seat.group &&
        other->keeps == seat.keeps && other->declared == seat.declared &&
        !(seat.keeps && memory_first_) && !other->own_trace.altered) {
      seat.judge = other;
      break;
    }
  }
  if (seat.judge == nullptr) {
    seat.judge = &seat;
    if (!seat.keeps) {
      seat.reference.reference().Judge(state, step, seat.own_verdict,
                                       seat.own_trace);
    } else if (!(memory_first_ && FitsMemory(seat, state, step))) {
      seat.reference.Judge(state, step, seat.own_verdict, seat.own_trace);
    }
  }
  const Verdict& verdict = seat.judge->own_verdict;
  Standings& standings = standings_[seat.number];
  standings.step = number;
  Finding& finding = standings.finding;
  finding.conforms = true;
  finding.disagreements.clear();
  const bool entry_unseen = IsEntry(step) && !seat.models_entry;

  switch (verdict.standing) {
    case Standing::kUndefined:
      standings.undefined = true;
      standings.undefined_by = verdict.unmodelled;
      break;
    case Standing::kNotModelled:
      // An oracle that keeps translations reached a limit of
      // caching_reference.h; all else has been skipped before.
      if (standings.skip == Skip::kNone) standings.skip = Skip::kTooManyWays;
      break;
    case Standing::kCallerError:
      if (standings.skip == Skip::kNone) standings.skip = Skip::kCallerError;
      break;
    case Standing::kJudged:
      if (entry_unseen) {
        if (IsFailedEntry(verdict.alternatives[0].event.kind)) {
          standings.skip = Skip::kVmEntryNotModelled;
          break;
        }
        seat.judged = true;
        return;
      }
      Judge(verdict, state, seat.outcome, seat.fields, finding);
      if (standings.skip == Skip::kNone) ++standings.compared;
      seat.judged = finding.conforms;
      break;
  }
  if (observer_) {
    observer_({seat.number, number, state, verdict, seat.judge->own_trace,
               seat.outcome, finding});
  }
  if (seat.judged) return;
  seat.active = false;
  if (finding.conforms) return;
  standings.disagrees = true;
  standings.verdict = std::make_shared<const Verdict>(verdict);
  standings.outcome = seat.outcome;
  if (seat.keeps)
    standings.before = std::make_shared<const MachineState>(state);
}

bool Trial::FitsMemory(Seat& seat, const MachineState& state,
                       const Step* step) {
  seat.reference.reference().Judge(state, step, seat.own_verdict,
                                   seat.own_trace);
  if (seat.own_verdict.standing != Standing::kJudged) return false;
  Finding& finding = standings_[seat.number].finding;
  Judge(seat.own_verdict, state, seat.outcome, seat.fields, finding);
  return finding.conforms;
}

void Trial::CarryOut(const Step& step) {
  // With a history, that of what was kept goes by what the event was about.
  const bool by_event = seats_[0]->state.records_history;
  const auto same_effects = [by_event](const Outcome& a, const Outcome& b) {
    return a.event.kind == b.event.kind && a.registers == b.registers &&
           a.writes == b.writes && (!by_event || EndTheSame(a.event, b.event));
  };
  // Oracles that were in one state stay so only if they agree in the effects;
  // whoever departs takes a copy of the state along.
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    Seat& seat = *seats_[i];
    if (!seat.judged) continue;
    Seat* leader = nullptr;
    for (std::size_t j = 0; j < i && leader == nullptr; ++j) {
      Seat& other = *seats_[j];
      if (other.judged && other.group == seat.group &&
          same_effects(other.outcome, seat.outcome)) {
        leader = &other;
      }
    }
    if (leader == nullptr && seat.group != seat.number) {
      // The state's owner may have left the case, or goes another way.
      const std::size_t old_group = seat.group;
      seat.state = seats_[old_group]->state;
      for (auto& other : seats_) {
        if (other->number > i && other->judged && other->group == old_group &&
            same_effects(other->outcome, seat.outcome)) {
          other->group = seat.number;
        }
      }
      seat.group = seat.number;
    }
  }
  for (auto& seat : seats_) {
    if (seat->judged && seat->group == seat->number) {
      seat->state.Apply(&step, seat->outcome);
    }
  }
  if (step.kind != StepKind::kVmEntry) return;
  for (auto& seat : seats_) {
    if (seat->judged && seat->models_entry) LeaveIfRefused(*seat);
  }
}

}  // namespace eptdiff
