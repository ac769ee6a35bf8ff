// What an experiment finds out: that a target departs from the SDM if and only
// if a condition holds, and what it does then.
//
//   Cause = Effect (what it does) + atoms (when; all of them hold)
//
// There are three effects, from the one that says most to the one that fits
// anything:
//   kTakes    it takes some bits of a word for others than they are (bit 12 of
//             a PDE for 0, bit 22 of the secondary controls for 1) and answers
//             as the SDM has it for those
//   kAltered  a rule is another one, as an alteration that is known says, but
//             not always
//   kAnswers  in place of what the SDM has as a part of the answer it gives
//             something else: another event, another bit of the qualification
//
// An effect on entries concerns each entry on the way; atoms may be about "the
// entry itself", so that levels, pages and tables are conditions like others.
// Where an effect is not on an entry, that is the last entry on the way.
// Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_CAUSE_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_CAUSE_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "fuzzers/experiment/question.h"
#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/trace.h"

namespace eptdiff {

// Something about a question that may hold or not.
struct Atom {
  enum class Of : std::uint8_t {
    kQuestion,
    kItself,    // the entry that the effect is about
    kOnTheWay,  // the last entry of this structure, level and guest level
  };
  Of of = Of::kQuestion;
  Structure structure = Structure::kEpt;  // kOnTheWay
  std::uint8_t level = 0;
  std::uint8_t guest_level = 0;
  Word word = Word::kEntry;
  // kBits: those of `mask` are as in `value`. kNumber: `mask` is a set of
  // numbers, 1 << number.
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  auto operator<=>(const Atom&) const = default;
};

// What became of a step, as far as it is no detail.
struct EventClass {
  EventKind kind = EventKind::kCompleted;
  std::uint16_t exit_reason = 0;  // kVmExit
  friend bool operator==(const EventClass&, const EventClass&) = default;
};
EventClass ClassOf(const Event& event);

// How what is given in a field comes from what is expected there.
enum class Form : std::uint8_t {
  kConstant,  // always Effect::given
  kInverted,  // a bit that is the other one
  kCleared,   // without the bits of Effect::given
  kOther,     // anything else
};

struct Effect {
  enum class Kind : std::uint8_t { kTakes, kAltered, kAnswers };
  Kind kind = Kind::kAnswers;

  // kTakes: `mask` of this word, or of each entry of this structure, for
  // `value`; or, if `from` is a bit, one bit for that one of the same word. If
  // `event_only`, what the answer says besides is the SDM's.
  Word word = Word::kEntry;
  Structure structure = Structure::kEpt;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  std::uint64_t from = 0;
  bool event_only = false;

  // kAltered
  const Alteration* alteration = nullptr;

  // kAnswers: of kEvent and kExitReason the classes, of others the form.
  Field field = Field::kEvent;
  std::uint8_t index = 0;
  Form form = Form::kConstant;
  EventClass expected_event = {};
  EventClass given_event = {};
  std::uint64_t given = 0;

  friend bool operator==(const Effect&, const Effect&) = default;
};

// The worst that follows, worst first.
enum class Consequence : std::uint8_t {
  kReaches,    // an access completes that the SDM has fail
  kElsewhere,  // ... or goes to another address
  kRefuses,    // an access fails that the SDM has complete
  kOtherEvent,
  kMemoryType,
  kTellsWrong,  // the event is right, and what is told of it is not
  kEffects,     // accessed and dirty flags, the log, other memory
};

// An answer to a question, judged.
struct Observed {
  Case question;
  Outcome outcome;
  std::vector<EntryRead> entries;  // on the way, by the reference
  bool departs = false;
  Disagreements disagreements;  // if it departs
  EventClass expected;          // likewise, of the alternative held against
  // Whether it departs in the event itself.
  bool DepartsInEvent() const {
    return departs && disagreements[0].field <= Field::kExitReason;
  }
};
Consequence ConsequenceOf(const Observed& observed);

struct Cause {
  Effect effect;
  std::vector<Atom> when;
  // What the experiments showed of it.
  std::size_t explained = 0;     // answers that depart, and as it says
  std::size_t contradicted = 0;  // that agree where it says they would not
  std::size_t asked = 0;         // questions that it took
  Consequence consequence = Consequence::kEffects;
  std::vector<std::pair<EventClass, EventClass>> events;  // expected, given
  // For each atom: what was seen where it alone did not hold.
  struct Without {
    std::size_t agree = 0;
    std::size_t depart = 0;
  };
  std::vector<Without> without;
};

// A set of numbers, as atoms have it, that is this one alone.
std::uint64_t NumberSet(std::uint64_t number);
// That a number of the entry itself is this one.
Atom AtItself(Word word, std::uint64_t number);

// Whether what is taken otherwise are entries.
bool IsOfEntries(const Effect& effect);

// The last entry on the way; null if there is none.
const EntryRead* LastOf(const std::vector<EntryRead>& entries);
inline const EntryRead* LastOf(const Observed& observed) {
  return LastOf(observed.entries);
}

// An answer that the cause explains: what follows from it may be worse than was
// known.
void AddConsequence(const Observed& observed, Cause& cause);

// What a kTakes effect takes a word for, or an entry.
std::uint64_t TakenFor(const Effect& effect, std::uint64_t value);

// Whether an atom holds; `itself` may be null if none is meant.
bool Holds(const Atom& atom, const Case& question,
           const std::vector<EntryRead>& entries, const EntryRead* itself);

// Whether all atoms hold that are about the question, or about this entry.
bool HoldAll(const std::vector<Atom>& atoms, const Case& question,
             const std::vector<EntryRead>& entries, const EntryRead* itself);

// The entry that a kOnTheWay atom is about; null if there is none.
const EntryRead* OnTheWay(const std::vector<EntryRead>& entries,
                          const Atom& atom);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_CAUSE_H_
