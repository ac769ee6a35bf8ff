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
#include <optional>
#include <utility>
#include <vector>

#include "fuzzers/experiment/question.h"
#include "oracle/case.h"
#include "oracle/judgement/consequence.h"
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
  kInstead,   // Effect::given where Effect::was is expected, and only there
  kInverted,  // a bit that is the other one
  kCleared,   // without the bits of Effect::given
  kOffset,    // Effect::given more, modulo 2^64
  kFlipped,   // the bits of Effect::given are the other ones
  // That of something else (answer_fields.h says what it is):
  kFrame,           // the number of the frame that an address is in
  kOfEntry,         // as the last EPT entry of level Effect::was says
  kFirstDimension,  // as the guest's own paging says, or the other address
  kOtherPage,       // of the other page of an access to two
  kPrevious,        // of the answer before
  // Of a word that is written, in `place` (write_forms.h):
  kMissing,    // it is not
  kMisplaced,  // Effect::given bytes further on
  kDoubled,    // there as well
  kOther,      // anything else
};

// What a word of memory is to the step that writes it.
enum class WordPlace : std::uint8_t {
  kElse,
  kEptEntry,
  kGuestEntry,
  kLog,
  kVeArea,  // Effect::was says which word of it
};

// Which bits of an entry an effect is about, of those in its mask.
enum class Part : std::uint8_t {
  kWhole,
  kAddress,  // that are its address: what is checked is the entry as it is
  kBeyond,   // that are at or above the physical-address width
  // What an entry is taken for by its bits, in one use alone, and it is as it
  // is in all else: those of `value` say so, the others of the mask do not, and
  // of the rest those say it that do by the SDM.
  kPresence,       // that it is present; of EPT
  kUse,            // what bit `from` is for (uses.def)
  kRight,          // the same of a right, and what a VM exit says of it
  kConfiguration,  // the same, where misconfigurations are judged
  kReserved,       // that it has a reserved bit; the mask is `value`
  // Bits of the address that is translated are taken so for the index of the
  // entry, and the address is as it is in all else.
  kIndex,
};
// Whether an effect is about one use of an entry.
constexpr bool IsOneUse(Part part) { return part >= Part::kPresence; }

struct Effect {
  enum class Kind : std::uint8_t { kTakes, kAltered, kAnswers };
  Kind kind = Kind::kAnswers;

  // kTakes: `mask` of this word, or of each entry of this structure, for
  // `value`; or, if `from` is a bit and the part is no use of its own, one bit
  // for that one of the same word. If `event_only`, what the answer says
  // besides is the SDM's.
  Word word = Word::kEntry;
  Structure structure = Structure::kEpt;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  std::uint64_t from = 0;
  bool event_only = false;
  // Of entries, which part; and, if `root`, the register that references the
  // first table (EPTP, CR3) likewise.
  Part part = Part::kWhole;
  bool root = false;

  // kAltered
  const Alteration* alteration = nullptr;

  // kAnswers: of kEvent and kExitReason the classes, of others the form.
  Field field = Field::kEvent;
  std::uint8_t index = 0;
  Form form = Form::kConstant;
  EventClass expected_event = {};
  EventClass given_event = {};
  std::uint64_t given = 0;
  std::uint64_t was = 0;
  WordPlace place = WordPlace::kElse;  // of the forms that are of a word

  friend bool operator==(const Effect&, const Effect&) = default;
};

// An answer to a question, judged.
struct Observed {
  Case question;
  Outcome outcome;
  std::vector<EntryRead> entries;  // on the way, by the reference
  bool departs = false;
  Disagreements disagreements;  // if it departs
  EventClass expected;          // likewise, of the alternative held against
  // What it answered to the access before, in the same case.
  struct Before {
    Step step;
    Event event;
    SavedState saved;
  };
  std::optional<Before> before;
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
  Consequence consequence = Consequence::kUnknown;        // the worst
  std::vector<std::pair<EventClass, EventClass>> events;  // expected, given
  // For each atom: what was seen where it alone did not hold.
  struct Without {
    std::size_t agree = 0;
    std::size_t depart = 0;
  };
  std::vector<Without> without;
};

// Whether both take the same bits of entries for the same, under the same
// condition: one those of EPT, the other those of the guest.
bool AreAlikeInBothDimensions(const Cause& a, const Cause& b);

// Whether both are one mistake, which is made under either condition, or in
// either dimension, or tells the same part of an answer wrongly in either way.
bool AreOneMistake(const Cause& a, const Cause& b);

// A set of numbers, as atoms have it, that is this one alone.
std::uint64_t NumberSet(std::uint64_t number);
// That a number of the entry itself is this one.
Atom AtItself(Word word, std::uint64_t number);

// Whether what is taken otherwise are entries.
bool IsOfEntries(const Effect& effect);

// Whether it leads elsewhere. Whoever goes astray finds nothing there, whatever
// led him: a bit of an address explains what has to do with absent entries.
bool RedirectsOnly(const Effect& effect);

// The bits that say whether an EPT entry is present, by the SDM and by an
// effect on presence.
std::uint64_t PresenceBits(bool mbec);
std::uint64_t PresenceBits(const Effect& effect, bool mbec);

// The last entry on the way; null if there is none.
const EntryRead* LastOf(const std::vector<EntryRead>& entries);
inline const EntryRead* LastOf(const Observed& observed) {
  return LastOf(observed.entries);
}

// An answer that the cause explains: what follows from it may be worse than was
// known.
void AddConsequence(const Observed& observed, Cause& cause);

// The bits by which an entry is taken for what bit `from` is for (kUse,
// kRight, kConfiguration).
std::uint64_t UseBits(const Effect& effect);

// What a kTakes effect takes a word for, or an entry on the way of `question`.
std::uint64_t TakenFor(const Effect& effect, std::uint64_t value);
std::uint64_t TakenFor(const Effect& effect, const Case& question,
                       const EntryRead& entry);

// The effect on no other bits of an entry than those of its part.
Effect WithinPart(const Effect& effect, const Case& question,
                  const EntryRead& entry);

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
