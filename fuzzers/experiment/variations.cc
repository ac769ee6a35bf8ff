#include "fuzzers/experiment/variations.h"

#include <algorithm>
#include <cstddef>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/experiment/uses.h"

namespace eptdiff {
namespace {

// IA32_VMX_EPT_VPID_CAP: INVEPT and INVVPID, of all types.
constexpr std::uint64_t kInvalidations = 0xf0106100000;

std::uint64_t LowestOf(std::uint64_t bits) { return bits & (~bits + 1); }

// `value` with the bits that the atoms ask of the entry itself.
std::uint64_t WithBits(const std::vector<Atom>& atoms, std::uint64_t value) {
  for (const Atom& atom : atoms) {
    if (atom.of != Atom::Of::kItself || atom.word != Word::kEntry) continue;
    value = (value & ~atom.mask) | atom.value;
  }
  return value;
}

}  // namespace

void ForEachNumber(Word word, std::uint64_t value,
                   const std::function<void(std::uint64_t)>& f) {
  const auto try_all = [&](std::initializer_list<std::uint64_t> numbers) {
    for (const std::uint64_t number : numbers) {
      if (number != value) f(number);
    }
  };
  switch (word) {
    case Word::kAccessKind:
      return try_all({0, 1, 2, 3, 4, 5, 6});
    case Word::kSize:
      return try_all({1, 2, 4, 8, 16});
    case Word::kCpl:
      return try_all({0, 1, 2, 3});
    case Word::kPatIndex:
      return try_all({0, 1, 2, 3, 4, 5, 6, 7});
    case Word::kMaxphyaddr:
      return try_all(
          {36, 39, 40, 44, 45, 46, 47, 48, 50, 52, value - 1, value + 1});
    case Word::kKeyidBits:
      return try_all({0, 1});
    case Word::kHlatPrefix:
      return try_all({0, 1, 52});
    case Word::kBefore:
    case Word::kBeforeType:
    case Word::kInvalidationType:
      return try_all({0, 1, 2, 3, 4});
    case Word::kInvalidation:
      return try_all({0, 1, 2, 3});
    default:
      return;
  }
}

void ForEachVariation(const Case& question,
                      const std::vector<EntryRead>& entries,
                      const std::function<void(const Case&)>& f) {
  Case varied;
  const auto give = [&] {
    Canonicalise(varied);
    if (varied != question) f(varied);
  };
  for (const WordInfo& info : kQuestionWords) {
    if (!Has(question, info.word)) continue;
    const std::uint64_t value = ValueOf(question, info.word);
    if (info.kind == WordKind::kNumber) {
      // Another invalidation may need another capability.
      const bool before =
          info.word == Word::kBefore || info.word == Word::kBeforeType;
      ForEachNumber(info.word, value, [&](std::uint64_t number) {
        varied = question;
        SetValue(varied, info.word, number);
        if (before) varied.processor.ept_vpid_cap |= kInvalidations;
        give();
      });
      continue;
    }
    for (unsigned b = 0; b < info.bits; ++b) {
      varied = question;
      SetValue(varied, info.word, value ^ bits::Bit(b));
      give();
    }
  }
  // What an entry references is found at another address only if it is there.
  const auto copy = [&](std::uint64_t from, std::uint64_t to) {
    const std::size_t count = varied.memory.size();
    for (std::size_t i = 0; i < count; ++i) {
      const MemoryWord word = varied.memory[i];
      if (word.address.value >> 12 != from >> 12) continue;
      const Hpa moved{word.address.value - from + to};
      const bool taken = std::any_of(
          question.memory.begin(), question.memory.end(),
          [&](const MemoryWord& other) { return other.address == moved; });
      if (!taken) varied.memory.push_back({moved, word.value});
    }
  };
  const std::uint64_t root = question.controls.eptp & bits::kAddress;
  for (unsigned b = 12; b < 52; ++b) {
    varied = question;
    varied.controls.eptp ^= bits::Bit(b);
    copy(root, root ^ bits::Bit(b));
    give();
  }
  for (const EntryRead& entry : entries) {
    if (entry.structure != Structure::kEpt) continue;
    const std::uint64_t table = entry.value & bits::kAddress;
    for (unsigned b = 12; b < 52; ++b) {
      varied = question;
      SetEntry(varied, entry, entry.value ^ bits::Bit(b));
      const std::size_t before = varied.memory.size();
      copy(table, table ^ bits::Bit(b));
      if (varied.memory.size() != before) give();
    }
  }
  for (const EntryRead& entry : entries) {
    for (unsigned b = 0; b < BitsOf(question, entry); ++b) {
      varied = question;
      SetEntry(varied, entry, entry.value ^ bits::Bit(b));
      give();
    }
  }
}

void MakeHold(const std::vector<Atom>& atoms, const Case& like,
              const std::vector<EntryRead>& entries, const EntryRead* itself,
              Case& question) {
  const bool comes_after =
      std::any_of(atoms.begin(), atoms.end(), [&](const Atom& atom) {
        return atom.of == Atom::Of::kQuestion &&
               (atom.word == Word::kBefore || !Has(question, atom.word));
      });
  if (comes_after && like.steps.size() > 1 && question.steps.size() == 1) {
    question.steps.insert(question.steps.begin(), like.steps.front());
  }
  for (const Atom& atom : atoms) {
    if (Holds(atom, question, entries, itself)) continue;
    if (atom.of == Atom::Of::kQuestion) {
      const std::uint64_t value = ValueOf(question, atom.word);
      SetValue(question, atom.word,
               KindOf(atom.word) == WordKind::kNumber
                   ? ValueOf(like, atom.word)
                   : (value & ~atom.mask) | atom.value);
      continue;
    }
    if (atom.word != Word::kEntry || atom.of == Atom::Of::kItself) continue;
    if (const EntryRead* entry = OnTheWay(entries, atom); entry != nullptr) {
      SetEntry(question, *entry, (entry->value & ~atom.mask) | atom.value);
    }
  }
  if (itself == nullptr) return;
  const std::uint64_t value = WithBits(atoms, itself->value);
  if (value != itself->value) SetEntry(question, *itself, value);
}

void MakeMatter(const Effect& effect, Case& question) {
  const std::uint64_t value = ValueOf(question, effect.word);
  if (KindOf(effect.word) == WordKind::kNumber) return;
  SetValue(question, effect.word,
           (value & ~effect.mask) | (~effect.value & effect.mask));
}

void GiveOneBit(const Effect& effect, std::uint64_t bit,
                const std::vector<EntryRead>& entries, const EntryRead& entry,
                Case& question) {
  const Over over = OverOf(effect);
  if (over == Over::kAll || over == Over::kEach) {
    for (const EntryRead& other : entries) {
      if (other.structure == entry.structure &&
          (other.guest_level == entry.guest_level ||
           entry.structure == Structure::kGuest)) {
        SetEntry(question, other, other.value | bit);
      }
    }
  }
  SetEntry(question, entry,
           (entry.value & ~BitsBySdm(effect) & ~effect.mask) | bit);
}

void MakeMatter(const Effect& effect, const std::vector<Atom>& atoms,
                const std::vector<EntryRead>& entries, const EntryRead& entry,
                Case& question) {
  EntryRead now = entry;
  now.value = WithBits(atoms, entry.value);
  const std::uint64_t not_by = effect.mask & ~effect.value;
  switch (effect.part) {
    case Part::kPresence:
    case Part::kUse:
    case Part::kRight:
    case Part::kConfiguration:
    case Part::kReserved:
      // A bit that says it by one of both alone.
      GiveOneBit(effect, LowestOf(effect.value != 0 ? effect.value : not_by),
                 entries, now, question);
      return;
    case Part::kIndex:
      return;
    default:
      break;
  }
  SetEntry(question, now,
           (now.value & ~effect.mask) | (~effect.value & effect.mask));
}

}  // namespace eptdiff
