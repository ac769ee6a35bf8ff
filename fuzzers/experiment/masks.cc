// Which bits an effect is about: learned bit by bit, by asking.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/experiment/experiments.h"

namespace eptdiff {
namespace {

// Whether a bit is for 1 what it was not, in the mask of an effect.
bool TakesForOne(const Effect& effect) { return effect.value != 0; }

// Effects of the same bits that are about a part of an entry, or about the
// register that references the first table as well.
std::vector<Effect> OfParts(const Effect& effect) {
  Effect of_entries = effect;
  if (effect.word == Word::kEptp || effect.word == Word::kCr3) {
    of_entries.structure =
        effect.word == Word::kEptp ? Structure::kEpt : Structure::kGuest;
    of_entries.word = Word::kEntry;
  }
  if (!IsOfEntries(of_entries) || effect.part != Part::kWhole ||
      (effect.mask & ~bits::kAddress) != 0) {
    return {};
  }
  std::vector<Effect> list;
  of_entries.part = Part::kBeyond;
  if (IsOfEntries(effect)) list.push_back(of_entries);
  of_entries.part = Part::kAddress;
  if (IsOfEntries(effect)) list.push_back(of_entries);
  of_entries.root = true;
  list.push_back(of_entries);
  return list;
}

// What lies in the page at `from` lies in that at `to`.
void MovePage(std::uint64_t from, std::uint64_t to, Case& question) {
  for (MemoryWord& word : question.memory) {
    if (word.address.value >> 12 == from >> 12) word.address.value += to - from;
  }
}

// Whether some word lies in the page at `address`.
bool IsUsed(const Case& question, std::uint64_t address) {
  return std::any_of(question.memory.begin(), question.memory.end(),
                     [&](const MemoryWord& word) {
                       return word.address.value >> 12 == address >> 12;
                     });
}

// Widths at which bits of this part are what they are at any width.
std::uint64_t WidthFor(const Effect& effect, std::uint64_t now) {
  switch (effect.part) {
    case Part::kWhole:
      return now;
    case Part::kAddress:
      return 52;
    case Part::kBeyond:
      return 36;
    default:
      break;
  }
  return now;
}

}  // namespace

// An address that is cut is cut whatever the width is, and reserved bits of it
// are checked all the same, or not checked and cut nowhere.
void Experiments::LearnMask(const Observed& seed, Attempt& attempt) {
  std::vector<Attempt> all = {attempt};
  for (const Effect& effect : OfParts(attempt.effect)) {
    Attempt part = attempt;
    part.effect = effect;
    std::erase_if(part.when, [&](const Atom& atom) {
      return atom.word == Word::kMaxphyaddr ||
             (effect.root && atom.of == Atom::Of::kItself);
    });
    if (predictor_.Of(effect, part.when, seed) == Says::kExplains) {
      all.push_back(std::move(part));
    }
  }
  for (Attempt& part : all) {
    if (IsLate()) return;
    WidenMask(seed, part);
  }
  // What was asked for one is evidence for each.
  for (Attempt& part : all) {
    FindCondition(seed, part);
    Prune(part);
  }
  const auto worse = [](const Attempt& a, const Attempt& b) {
    if (a.contradicted != b.contradicted) {
      return a.contradicted > b.contradicted;
    }
    if (a.explained != b.explained) return a.explained < b.explained;
    return a.when.size() > b.when.size();
  };
  attempt = *std::max_element(
      all.begin(), all.end(),
      [&](const Attempt& a, const Attempt& b) { return worse(a, b); });
}

// `now` with another address, at which what lies at `from` is found: by this
// target, too.
std::optional<std::uint64_t> Experiments::PlainAddress(
    const Observed& seed, std::uint64_t now, std::uint64_t from,
    const std::function<void(Case&, std::uint64_t)>& set) {
  constexpr std::uint64_t kLow = bits::Low(32) & ~bits::Low(30);
  for (const std::uint64_t address :
       {from & bits::Low(32), kLow, bits::Bit(30)}) {
    if (IsUsed(seed.question, address) && address != from) continue;
    const std::uint64_t value = (now & ~bits::kAddress) | address;
    Case question = seed.question;
    set(question, value);
    MovePage(from, address, question);
    std::vector<Observed> answers;
    Ask({&question, 1}, &answers);
    if (!answers.empty() && !answers[0].departs) return value;
  }
  return std::nullopt;
}

// Asks of each other bit whether it is taken so, too.
void Experiments::WidenMask(const Observed& seed, Attempt& attempt) {
  const Effect& effect = attempt.effect;
  if (effect.kind != Effect::Kind::kTakes ||
      KindOf(effect.word) == WordKind::kNumber) {
    return;
  }
  if (IsOneUse(effect.part)) return WidenUse(seed, attempt);
  const bool of_entries = IsOfEntries(effect);
  const std::vector<EntryRead> taken =
      predictor_.Taken(effect, attempt.when, seed);
  const bool in_entry = of_entries && !taken.empty();
  if (of_entries && !in_entry && !effect.root) return;
  Word word = effect.word;
  if (of_entries) {
    word = effect.structure == Structure::kEpt ? Word::kEptp : Word::kCr3;
  }
  const std::uint64_t now =
      in_entry ? taken[0].value : ValueOf(seed.question, word);
  const unsigned count =
      in_entry ? BitsOf(seed.question, taken[0])
               : kQuestionWords[static_cast<std::size_t>(word)].bits;
  std::vector<Case> questions;
  std::vector<Effect> effects;
  std::vector<EntryRead> entries;
  const std::uint64_t width = seed.question.processor.maxphyaddr;
  // Other bits of the address may be taken so as well: they are 0 while a bit
  // is asked about.
  std::optional<std::uint64_t> plain;
  std::uint64_t from = 0;
  if (effect.part == Part::kAddress && effect.structure == Structure::kEpt) {
    // Where it finds, or where the SDM has it find, what is referenced.
    from = now & bits::kAddress;
    if (!IsUsed(seed.question, from)) from &= ~effect.mask;
    plain =
        PlainAddress(seed, now, from, [&](Case& question, std::uint64_t value) {
          if (in_entry) {
            SetEntry(question, taken[0], value);
          } else {
            SetValue(question, word, value);
          }
        });
  }
  for (unsigned b = 0; b < count; ++b) {
    const std::uint64_t bit = bits::Bit(b);
    if ((effect.mask & bit) != 0) continue;
    Effect other = effect;
    other.mask = bit;
    other.value = TakesForOne(effect) ? bit : 0;
    std::uint64_t value = plain.value_or((now & ~effect.mask) | effect.value);
    value = TakesForOne(effect) ? value & ~bit : value | bit;
    const auto ask = [&](std::uint64_t at, bool moves) {
      Case question = seed.question;
      SetValue(question, Word::kMaxphyaddr, at);
      if (in_entry) {
        SetEntry(question, taken[0], value);
      } else {
        SetValue(question, word, value);
      }
      if (moves) MovePage(from, value & bits::kAddress, question);
      if (!predictor_.Matters(other, attempt.when, question, entries)) {
        return false;
      }
      questions.push_back(question);
      effects.push_back(other);
      return true;
    };
    // What is referenced is where it was, or where it is said to be now.
    const std::uint64_t wide = WidthFor(effect, width);
    if (plain.has_value()) {
      (void)(ask(wide, true) || ask(width, true));
    } else {
      (void)(ask(wide, false) || ask(width, false));
    }
  }
  std::vector<std::optional<Observed>> answers;
  asked_ += questions.size();
  ask_(questions, answers);
  Attempt wide = attempt;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].has_value() || !answers[i]->departs) continue;
    if (predictor_.Of(effects[i], attempt.when, *answers[i]) !=
        Says::kExplains) {
      continue;
    }
    wide.effect.mask |= effects[i].mask;
    wide.effect.value |= effects[i].value;
  }
  for (auto& answer : answers) {
    if (answer.has_value()) far_.push_back(*std::move(answer));
  }
  if (wide.effect == attempt.effect) return;
  Weigh(attempt);
  FindCondition(seed, wide);
  Weigh(wide);
  if (wide.contradicted <= attempt.contradicted &&
      wide.explained >= attempt.explained) {
    attempt = std::move(wide);
  }
}

}  // namespace eptdiff
