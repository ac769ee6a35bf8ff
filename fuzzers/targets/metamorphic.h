// Checks that need no second opinion: how the answer to a step must change, or
// not, when the case is changed in a way that the SDM says everything about.
//
//   canonical    what the notation ignores (unused fields, the order of words,
//                words that a later one replaces) changes nothing
//   repeat       the same access again has the same outcome and sets no flag
//   ignored      ignored bits of EPT entries and of the guest's change nothing
//   permission   what EPT allows to proceed still does when entries allow more
//   split        equal small pages in a large one's place change no translation
//   move         an EPT table in another frame changes nothing but addresses
//
// Each is checked of one step, in the state with which the case begins. Which
// entries that step uses, the reference's trace tells; a step that it does not
// judge, such as one whose own writes land where it reads its translation
// (ALIAS-1), is left out. Of an oracle that keeps translations, instead:
//
//   flush        after INVEPT of all, a step is answered as by one that has
//   kept
//                nothing so far
//   elsewhere    INVEPT of all on another logical processor changes nothing
//
// Each is checked of a step after all those before it.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_TARGETS_METAMORPHIC_H_
#define EPTDIFF_FUZZERS_TARGETS_METAMORPHIC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

enum class Relation : std::uint8_t {
  kCanonical,
  kRepeat,
  kIgnored,
  kPermission,
  kSplit,
  kMove,
  kFlush,
  kElsewhere,
};
inline constexpr std::size_t kRelationCount = 8;

// "canonical" ...
std::string_view NameOf(Relation relation);
// "an EPT table in another frame changes nothing but addresses" ...
std::string_view WordsOf(Relation relation);

class Metamorphic {
 public:
  // Of this oracle's answers; it outlives this object.
  explicit Metamorphic(Oracle& oracle);

  // Those that are checked of it.
  std::span<const Relation> relations() const { return relations_; }

  enum class Result : std::uint8_t { kDoesNotApply, kHolds, kBroken };

  // Whether the relation holds for one step of `c`. Which entries are changed,
  // and how, is drawn from `variant`; 0 is the plainest.
  Result Check(Relation relation, const Case& c, std::size_t step,
               std::uint64_t variant);

  // One relation, step and variant, drawn from the case itself, if the case is
  // one of so many: what a fuzz target does with some of its cases, and again
  // with the same when it runs them anew. The relation if it is broken.
  std::optional<Relation> CheckOne(const Case& c, std::uint32_t one_in = 1);

  // All relations, all steps, all variants that CheckOne() draws from.
  std::optional<Relation> CheckAll(const Case& c);

  // "eptdiff-engine-metamorphic-split-none".
  std::string SignatureOf(Relation relation) const;

 private:
  bool Prepare(const Case& c, std::size_t step);
  bool Answer(const Case& c, Outcome& outcome);
  bool HasOneRole(const EntryRead& entry) const;
  bool IsChanged(const EntryRead& entry) const;
  bool IsPresent(const EntryRead& entry) const;
  bool CanSplit(const EntryRead& entry) const;
  void MoveWords(std::uint64_t from, std::uint64_t to);
  bool IsFree(std::uint64_t frame) const;
  std::optional<std::uint64_t> FreeFrame(std::uint64_t seed) const;

  Result CheckCanonical(std::uint64_t variant);
  Result CheckRepeat();
  Result CheckIgnored(std::uint64_t variant);
  Result CheckPermission(std::uint64_t variant);
  Result CheckSplit(std::uint64_t variant);
  Result CheckMove(std::uint64_t variant);

  Result CheckCaches(Relation relation, const Case& c, std::size_t step);
  bool Go(const Case& c, std::size_t step, const Step* then);
  bool Take(const Step& step, Outcome& outcome);

  // The changed case's answer is `expected`; it does not apply if there is
  // none.
  Result Compare(const Outcome& expected);

  Oracle& oracle_;
  const std::span<const Relation> relations_;
  const Reference reference_;
  MachineState state_;
  Case one_;      // the case with its one step
  Outcome base_;  // the answer to it
  Trace trace_;   // of it: the entries that it uses
  Verdict verdict_;
  Case changed_;
  Outcome answer_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TARGETS_METAMORPHIC_H_
