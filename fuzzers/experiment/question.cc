#include "fuzzers/experiment/question.h"

#include <algorithm>
#include <type_traits>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {
namespace {

// A word that may be 32 bits wide lies in the half of it that its address says.
unsigned ShiftOf(const Case& question, const EntryRead& entry) {
  return BitsOf(question, entry) == 32 && (entry.address.value & 4) != 0 ? 32
                                                                         : 0;
}

EntryRole RoleOf(const Case& question, const EntryRead& entry) {
  if (entry.structure == Structure::kEpt) {
    std::uint64_t rights = bits::kPermissions;
    if (HasSecondary(question, bits::kSecondaryMbec)) {
      rights |= bits::kUserExecute;
    }
    if ((entry.value & rights) == 0) return EntryRole::kNotPresent;
    const bool page = entry.level == 1 ||
                      (entry.level <= 3 && (entry.value & bits::kLeaf) != 0);
    return page ? EntryRole::kPage : EntryRole::kTable;
  }
  if (entry.structure != Structure::kGuest) return EntryRole::kTable;
  if ((entry.value & bits::kGuestPresent) == 0) return EntryRole::kNotPresent;
  return GuestMapsPage(question.guest, GuestModeOf(question.guest), entry.level,
                       entry.value)
             ? EntryRole::kPage
             : EntryRole::kTable;
}

// Of Word::kBefore. Another invalidation gets a descriptor of its kind.
void SetBefore(Case& c, std::uint64_t value) {
  if (c.steps.empty()) return;
  const bool is_there = c.steps.size() > 1;
  if (value == 0) {
    if (is_there) c.steps.erase(c.steps.begin());
    return;
  }
  if (!is_there) {
    Step step;
    step.kind = StepKind::kInvalidation;
    step.invalidation.type = 1;
    c.steps.insert(c.steps.begin(), step);
  }
  Invalidation& before = c.steps.front().invalidation;
  const auto kind = static_cast<InvalidationKind>(value - 1);
  if (is_there && before.kind == kind) return;
  before.kind = kind;
  before.first = before.second = 0;
  if (kind == InvalidationKind::kInvept) before.first = c.controls.eptp;
  if (kind == InvalidationKind::kInvvpid) {
    before.first = std::max<std::uint64_t>(c.controls.vpid, 1);
  }
}

}  // namespace

WordKind KindOf(Word word) {
  if (word == Word::kEntry) return WordKind::kBits;
  if (IsOfEntry(word)) return WordKind::kNumber;
  return kQuestionWords[static_cast<std::size_t>(word)].kind;
}

Case QuestionOf(const MachineState& before, const Step* step,
                const std::optional<Step>& invalidation) {
  Case question;
  question.processor = before.processor;
  question.controls = before.controls;
  question.guest = before.guest;
  for (const Hpa address : before.memory.addresses()) {
    question.memory.push_back({address, before.memory.Load(address)});
  }
  std::sort(question.memory.begin(), question.memory.end(),
            [](const MemoryWord& a, const MemoryWord& b) {
              return a.address.value < b.address.value;
            });
  if (step == nullptr) return question;
  if (invalidation.has_value()) question.steps.push_back(*invalidation);
  question.steps.push_back(*step);
  for (Step& each : question.steps) each.processor = 0;
  return question;
}

bool Has(const Case& c, Word word) {
  switch (word) {
    case Word::kInvalidation:
    case Word::kInvalidationType:
    case Word::kDescriptor0:
    case Word::kDescriptor1:
      return !c.steps.empty() && c.steps.back().kind == StepKind::kInvalidation;
    case Word::kBeforeType:
    case Word::kBeforeDescriptor0:
    case Word::kBeforeDescriptor1:
      return c.steps.size() > 1;
    default:
      return true;
  }
}

std::uint64_t ValueOf(const Case& c, Word word) {
  static const Step kNone;
  const Step& step = c.steps.empty() ? kNone : c.steps.back();
  const Step& before = c.steps.size() < 2 ? kNone : c.steps.front();
  switch (word) {
#define EPTDIFF_QUESTION_WORD(enumerator, kind, bits, member) \
  case Word::enumerator:                                      \
    return static_cast<std::uint64_t>(member);
#include "fuzzers/experiment/question_words.def"
#undef EPTDIFF_QUESTION_WORD
    case Word::kBefore:
      return c.steps.size() < 2
                 ? 0
                 : 1 + static_cast<std::uint64_t>(before.invalidation.kind);
    case Word::kGuestMode:
      return static_cast<std::uint64_t>(GuestModeOf(c.guest));
    case Word::kEptLevels:
      return static_cast<std::uint64_t>(EptLevels(c));
    default:
      return 0;
  }
}

void SetValue(Case& c, Word word, std::uint64_t value) {
  Step none;
  Step& step = c.steps.empty() ? none : c.steps.back();
  Step& before = c.steps.size() < 2 ? none : c.steps.front();
  switch (word) {
#define EPTDIFF_QUESTION_WORD(enumerator, kind, bits, member)               \
  case Word::enumerator:                                                    \
    member = static_cast<std::remove_reference_t<decltype(member)>>(value); \
    break;
#include "fuzzers/experiment/question_words.def"
#undef EPTDIFF_QUESTION_WORD
    case Word::kBefore:
      SetBefore(c, value);
      break;
    default:
      break;
  }
}

std::uint64_t ValueOf(const Case& question, const EntryRead& entry, Word word) {
  switch (word) {
    case Word::kEntry:
      return entry.value;
    case Word::kEntryLevel:
      return entry.level;
    case Word::kEntryRole:
      return static_cast<std::uint64_t>(RoleOf(question, entry));
    case Word::kEntryStructure:
      return static_cast<std::uint64_t>(entry.structure);
    case Word::kEntryFor:
      return entry.guest_level;
    case Word::kEntryTop:
      return entry.structure == Structure::kEpt &&
             entry.level == EptLevels(question);
    default:
      return 0;
  }
}

void SetEntry(Case& question, const EntryRead& entry, std::uint64_t value) {
  const Hpa word{entry.address.value & ~std::uint64_t{7}};
  const unsigned shift = ShiftOf(question, entry);
  const std::uint64_t mask = bits::Low(BitsOf(question, entry)) << shift;
  const auto give = [&](std::uint64_t& whole) {
    whole = (whole & ~mask) | (value << shift & mask);
  };
  // If two words name the address, the later one holds.
  for (auto it = question.memory.rbegin(); it != question.memory.rend(); ++it) {
    if (it->address != word) continue;
    give(it->value);
    return;
  }
  question.memory.push_back({word, 0});
  give(question.memory.back().value);
}

unsigned BitsOf(const Case& question, const EntryRead& entry) {
  return entry.structure == Structure::kGuest &&
                 GuestModeOf(question.guest) == GuestPagingMode::k32Bit
             ? 32
             : 64;
}

}  // namespace eptdiff
