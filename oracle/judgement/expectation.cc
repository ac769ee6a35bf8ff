#include "oracle/judgement/expectation.h"

#include <algorithm>
#include <cstddef>

namespace eptdiff {
namespace {

bool AtPlace(const Event& event, const Expectation& expected) {
  return expected.hpa.value == 0 ||
         (event.translation_count > 0 &&
          event.translations[0].address == expected.hpa);
}

bool Fits(const Event& event, const Expectation& expected, FieldSet fields) {
  const auto has = [fields](Field field) {
    return (fields & SetOf(field)) != 0;
  };
  if (event.kind != expected.event) return false;
  switch (event.kind) {
    case EventKind::kCompleted:
      return !has(Field::kAddress) || AtPlace(event, expected);
    case EventKind::kVmExit:
      return event.exit_reason == expected.exit_reason &&
             (!has(Field::kQualification) ||
              ((event.qualification ^ expected.qualification) &
               expected.qualification_mask) == 0) &&
             (!has(Field::kGpa) || expected.gpa.value == 0 ||
              event.gpa == expected.gpa);
    case EventKind::kPageFault:
      return !has(Field::kErrorCode) || event.error_code == expected.error_code;
    default:
      return true;
  }
}

// As Fits(), of what is defined in `a`.
bool Permits(const Alternative& a, const Expectation& expected) {
  if (a.event.kind != expected.event) return false;
  switch (a.event.kind) {
    case EventKind::kCompleted:
      return AtPlace(a.event, expected);
    case EventKind::kVmExit:
      return a.event.exit_reason == expected.exit_reason &&
             ((a.event.qualification ^ expected.qualification) &
              expected.qualification_mask & a.qualification_defined) == 0 &&
             (!a.gpa_defined || expected.gpa.value == 0 ||
              expected.gpa.value - a.event.gpa.value <= a.span);
    case EventKind::kPageFault:
      return ((a.event.error_code ^ expected.error_code) &
              a.error_code_defined) == 0;
    default:
      return true;
  }
}

// The word `word`, which was `value`, after `writes`.
std::uint64_t Written(const BitWrites& writes, Hpa word, std::uint64_t value) {
  for (const BitWrite& write : writes) {
    if (write.word != word) continue;
    value = (value & ~write.mask) | (write.value & write.mask);
  }
  return value;
}

bool MayFind(const Alternative& a, const ExpectedBits& bits,
             const MachineState& before) {
  const std::uint64_t required =
      Written(a.required, bits.address, before.memory.Load(bits.address));
  const std::uint64_t all = Written(a.optional, bits.address, required);
  // A bit that an optional write changes may be either.
  return ((required ^ bits.value) & bits.mask & ~(required ^ all)) == 0;
}

std::uint64_t After(const Outcome& outcome, const MachineState& before,
                    Hpa word) {
  for (const MemoryWord& write : outcome.writes) {
    if (write.address == word) return write.value;
  }
  return before.memory.Load(word);
}

}  // namespace

bool Fits(const Outcome& outcome, const Expectation& expectation,
          const MachineState& before, FieldSet fields) {
  return Fits(outcome.event, expectation, fields) &&
         std::all_of(
             expectation.memory.begin(), expectation.memory.end(),
             [&](const ExpectedBits& bits) {
               return ((After(outcome, before, bits.address) ^ bits.value) &
                       bits.mask) == 0;
             });
}

bool Permits(const Verdict& verdict, const Expectation& expectation,
             const MachineState& before) {
  return std::any_of(verdict.alternatives.begin(), verdict.alternatives.end(),
                     [&](const Alternative& a) {
                       return Permits(a, expectation) &&
                              std::all_of(expectation.memory.begin(),
                                          expectation.memory.end(),
                                          [&](const ExpectedBits& bits) {
                                            return MayFind(a, bits, before);
                                          });
                     });
}

}  // namespace eptdiff
