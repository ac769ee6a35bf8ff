#include "fuzzers/command/mistakes/planting.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "engine/types.h"
#include "engine/walk/invalidation.h"
#include "fuzzers/generation/generator.h"
#include "oracle/machine_state.h"
#include "oracle/target/profile/profile.h"
#include "oracle/target/session/direct_session.h"

extern "C" {
void eptdiff_planted_describe(eptdiff_profile* profile);
int eptdiff_planted_answer(const eptdiff_question* question,
                           const eptdiff_memory* memory,
                           eptdiff_answer* answer);
}

namespace eptdiff {
namespace {

// What is planted, and where the walker is.
struct Planting {
  const PlantedMistake* mistake = nullptr;
  std::map<int, Site>* sites = nullptr;  // gathered while this is not null
  eptdiff_question question;
  const eptdiff_memory* memory = nullptr;
  unsigned level = 0;  // of the entry that was loaded last; 0: none yet
  std::uint64_t entry = 0;
  bool walking = false;  // what is loaded now are entries on the way
  std::optional<std::uint64_t> gpa;  // of the answer before; kKept
  bool is_invalidated = false;       // as kAfterInvalidation has it
};
Planting planting;

bool IsPage(std::uint64_t entry, unsigned level) {
  return level == 1 || (level <= 3 && (entry & 0x80) != 0);
}

bool Holds(const PlantedCondition& when) {
  switch (when.kind) {
    case PlantedCondition::Kind::kAlways:
      return true;
    case PlantedCondition::Kind::kLevel:
      return planting.level == when.number;
    case PlantedCondition::Kind::kAccess:
      return planting.question.access == when.number;
    case PlantedCondition::Kind::kEntry:
      return planting.level != 0 && (planting.entry >> when.number & 1) != 0;
    case PlantedCondition::Kind::kControl:
      return (planting.question.secondary >> when.number & 1) != 0;
    case PlantedCondition::Kind::kPage:
      return planting.level != 0 && IsPage(planting.entry, planting.level);
  }
  return false;
}

std::uint64_t Changed(std::uint64_t value, const PlantedMistake& mistake) {
  const bool set = mistake.other == kTakenForOne ||
                   (mistake.other != 0 && (value & mistake.other) != 0);
  return set ? value | mistake.bit : value & ~mistake.bit;
}

bool Makes(PlantedMistake::Kind kind) {
  return planting.mistake != nullptr && planting.mistake->kind == kind;
}

bool KeepsState() {
  return Makes(PlantedMistake::Kind::kKept) ||
         Makes(PlantedMistake::Kind::kAfterInvalidation);
}

std::uint64_t Load(void*, std::uint64_t address) {
  const eptdiff_memory& memory = *planting.memory;
  std::uint64_t value = memory.load(memory.context, address);
  if (!planting.walking) return value;
  const bool five = (planting.question.eptp >> 3 & 7) == 4;
  planting.level = planting.level == 0 ? (five ? 5 : 4) : planting.level - 1;
  planting.entry = value;
  if (Makes(PlantedMistake::Kind::kEntry)) {
    const PlantedMistake& mistake = *planting.mistake;
    if ((mistake.level == 0 || mistake.level == planting.level) &&
        Holds(mistake.when)) {
      value = Changed(value, mistake);
    }
  }
  return value;
}

void Store(void*, std::uint64_t address, std::uint64_t value) {
  const eptdiff_memory& memory = *planting.memory;
  memory.store(memory.context, address, value);
}

int CompareExchange(void*, std::uint64_t address, std::uint64_t expected,
                    std::uint64_t desired) {
  const eptdiff_memory& memory = *planting.memory;
  return memory.compare_exchange(memory.context, address, expected, desired);
}

}  // namespace

#define EPTDIFF_MACHINE_WORD(words, member, ...)                               \
  {words, [](const eptdiff_question& q) -> std::uint64_t { return q.member; }, \
   [](eptdiff_question& q, std::uint64_t v) {                                  \
     q.member = static_cast<decltype(q.member)>(v);                            \
   },                                                                          \
   __VA_ARGS__}
const std::vector<MachineWord>& MachineWords() {
  static const auto& words = *new std::vector<MachineWord>{
      EPTDIFF_MACHINE_WORD("IA32_VMX_EPT_VPID_CAP", ept_vpid_cap,
                           {0, 16, 17, 22}),
      EPTDIFF_MACHINE_WORD("the primary controls", primary, {31}),
      EPTDIFF_MACHINE_WORD("the secondary controls", secondary, {17, 18, 22}),
      EPTDIFF_MACHINE_WORD("EPTP", eptp, {6}),
      EPTDIFF_MACHINE_WORD("CR0", cr0, {0, 30, 31}),
      EPTDIFF_MACHINE_WORD("CR4", cr4, {5}),
      EPTDIFF_MACHINE_WORD("IA32_EFER", efer, {11}),
  };
  return words;
}
#undef EPTDIFF_MACHINE_WORD

namespace {

void ChangeAnswer(const PlantedMistake& mistake, eptdiff_answer& answer) {
  const bool exits =
      answer.event == EPTDIFF_VM_EXIT || answer.event == EPTDIFF_VE;
  eptdiff_translation& translation = answer.translations[0];
  switch (mistake.word) {
    case kQualificationBit:
      if (exits && answer.exit_reason == 48) {
        answer.qualification = Changed(answer.qualification, mistake);
      }
      return;
    case kGpaOffset:
      if (exits) answer.gpa &= ~mistake.bit;
      return;
    case kGlaLost:
      if (exits) answer.gla &= ~mistake.bit;
      return;
    case kMemoryType:
      if (answer.event == EPTDIFF_COMPLETED &&
          translation.memory_type == mistake.bit) {
        translation.memory_type = static_cast<std::uint8_t>(mistake.other);
      }
      return;
    case kPageShift:
      if (answer.event == EPTDIFF_COMPLETED &&
          translation.page_shift == mistake.bit) {
        translation.page_shift = static_cast<std::uint8_t>(mistake.other);
      }
      return;
    case kReason:
      if (answer.event == EPTDIFF_VM_EXIT &&
          answer.exit_reason == mistake.bit) {
        answer.exit_reason = static_cast<std::uint16_t>(mistake.other);
      }
      return;
    case kPmlIndex:
      if (answer.pml_index != planting.question.pml_index) {
        answer.pml_index = static_cast<std::uint16_t>(
            planting.question.pml_index - mistake.bit);
      }
      return;
    default:
      return;
  }
}

void Describe(eptdiff_profile* profile) {
  eptdiff_planted_describe(profile);
  std::strcpy(profile->name, "planted");
  if (KeepsState()) profile->keeps_state = 1;
  if (Makes(PlantedMistake::Kind::kAfterInvalidation)) {
    profile->models |= EPTDIFF_MODELS_INVALIDATION;
  }
}

// A case begins.
int Enter(const eptdiff_question*, const eptdiff_memory*, eptdiff_answer*) {
  planting.gpa.reset();
  planting.is_invalidated = false;
  return EPTDIFF_ANSWERED;
}

// Of what it keeps nothing: INVEPT and INVVPID alone, and whether they fail.
int Invalidate(const eptdiff_question& question, eptdiff_answer& answer) {
  const Processor processor = {.maxphyaddr = question.maxphyaddr,
                               .ept_vpid_cap = question.ept_vpid_cap};
  const int type = question.invalidation_type;
  Event event;
  switch (question.invalidation) {
    case EPTDIFF_INVEPT:
      event = CheckInvept(processor, type, question.descriptor[0]);
      break;
    case EPTDIFF_INVVPID:
      event = CheckInvvpid(processor, type, question.descriptor[0],
                           Gla{question.descriptor[1]});
      break;
    default:
      return EPTDIFF_NOT_MODELLED;
  }
  answer.event =
      event.kind == EventKind::kInvalidOpcode    ? EPTDIFF_INVALID_OPCODE
      : event.kind == EventKind::kInvalidOperand ? EPTDIFF_INVALID_OPERAND
                                                 : EPTDIFF_COMPLETED;
  if (answer.event == EPTDIFF_COMPLETED) {
    planting.is_invalidated =
        question.invalidation == planting.mistake->word &&
        question.invalidation_type == planting.mistake->level;
  }
  return EPTDIFF_ANSWERED;
}

void KeepGpa(eptdiff_answer& answer) {
  const bool exits =
      answer.event == EPTDIFF_VM_EXIT || answer.event == EPTDIFF_VE;
  if (exits && planting.question.access == EPTDIFF_WRITE) {
    answer.gpa = planting.gpa.value_or(answer.gpa);
  }
  planting.gpa = answer.gpa;
}

int Answer(const eptdiff_question* question, const eptdiff_memory* memory,
           eptdiff_answer* answer) {
  if (question->step == EPTDIFF_STEP_INVALIDATION) {
    return Invalidate(*question, *answer);
  }
  planting.question = *question;
  planting.memory = memory;
  planting.level = 0;
  planting.entry = 0;
  planting.walking = true;
  eptdiff_question told = *question;
  if (Makes(PlantedMistake::Kind::kMachine) && Holds(planting.mistake->when)) {
    const MachineWord& word = MachineWords()[planting.mistake->word];
    word.set(told, Changed(word.get(told), *planting.mistake));
  }
  eptdiff_memory watched = *memory;
  watched.load = Load;
  watched.store = Store;
  watched.compare_exchange = CompareExchange;
  const int status = eptdiff_planted_answer(&told, &watched, answer);
  if (Makes(PlantedMistake::Kind::kAnswer) && Holds(planting.mistake->when)) {
    ChangeAnswer(*planting.mistake, *answer);
  }
  if (Makes(PlantedMistake::Kind::kKept)) KeepGpa(*answer);
  if (planting.is_invalidated && answer->exit_reason == 48) {
    answer->exit_reason = 49;
  }
  return status;
}

}  // namespace

// What is named at a site.
std::uint64_t BitsAt(int site, const char* name, const char* function,
                     std::uint64_t bits) {
  if (planting.sites != nullptr) {
    (*planting.sites)[site] = {name, function, bits};
  }
  // What these load is no entry on the way, or one again.
  for (const char* after :
       {"set_flags", "is_converted", "qualification", "exit_guest"}) {
    if (std::strcmp(function, after) == 0) planting.walking = false;
  }
  if (!Makes(PlantedMistake::Kind::kName) || planting.mistake->site != site ||
      !Holds(planting.mistake->when)) {
    return bits;
  }
  return planting.mistake->instead;
}

const std::map<int, Site>& NamedSites() {
  constexpr std::uint64_t kQuestions = 3000;
  static const std::map<int, Site>& sites = *[] {
    auto* found = new std::map<int, Site>;
    planting.sites = found;
    const auto walker = PlantedWalker(nullptr);
    MachineState state;
    Reply reply;
    Case c;
    for (std::uint64_t seed = 0; seed < kQuestions; ++seed) {
      GenerateCase(seed, c, Focus::kEpt);
      if (!FitTo(walker->profile(), c) || c.steps.empty()) continue;
      state.Load(c);
      state.Begin(c.steps[0]);
      if (c.steps[0].kind == StepKind::kStore) continue;
      walker->Enter(state, reply);
      walker->Perform(state, c.steps[0], reply);
    }
    planting.sites = nullptr;
    return found;
  }();
  return sites;
}

std::unique_ptr<TargetSession> PlantedWalker(const PlantedMistake* mistake) {
  planting.mistake = mistake;
  planting.is_invalidated = false;
  return std::make_unique<DirectSession>(
      TargetFunctions{.describe = Describe,
                      .answer = Answer,
                      .enter = KeepsState() ? Enter : nullptr},
      [] { std::abort(); });
}

}  // namespace eptdiff

extern "C" std::uint64_t eptdiff_planted_bits(int site, const char* name,
                                              const char* function,
                                              std::uint64_t bits) {
  return eptdiff::BitsAt(site, name, function, bits);
}
