#include "oracle/verdict.h"

#include <algorithm>

namespace eptdiff {
namespace {

// One word for each that is written, in ascending order.
BitWrites Merged(const BitWrites& writes) {
  BitWrites merged;
  for (const BitWrite& write : writes) {
    const auto same = std::find_if(
        merged.begin(), merged.end(),
        [&](const BitWrite& other) { return other.word == write.word; });
    if (same == merged.end()) {
      merged.push_back(write);
      continue;
    }
    same->value = (same->value & ~write.mask) | (write.value & write.mask);
    same->mask |= write.mask;
  }
  std::sort(merged.begin(), merged.end(),
            [](const BitWrite& a, const BitWrite& b) {
              return a.word.value < b.word.value;
            });
  return merged;
}

// The bits of `word` that are written in `merged`.
BitWrite At(const BitWrites& merged, Hpa word) {
  for (const BitWrite& write : merged) {
    if (write.word == word) return write;
  }
  return {word, 0, 0, {}};
}

// Whether the bits that x writes are among those of y, with the same values.
bool IsWithin(const BitWrite& x, const BitWrite& y) {
  return (x.mask & ~y.mask) == 0 && ((x.value ^ y.value) & x.mask) == 0;
}

// Whether whatever x may write may be written by y.
bool PermitsWrites(const Alternative& y, const Alternative& x) {
  const BitWrites must = Merged(x.required);
  const BitWrites may = Merged(x.optional);
  const BitWrites y_must = Merged(y.required);
  const BitWrites y_may = Merged(y.optional);
  const auto all_of = [](const BitWrites& writes, auto permits) {
    return std::all_of(writes.begin(), writes.end(), permits);
  };
  return all_of(must,
                [&](BitWrite write) {
                  write.mask &= ~At(y_must, write.word).mask;
                  return IsWithin(write, At(y_may, write.word));
                }) &&
         all_of(y_must,
                [&](const BitWrite& write) {
                  return IsWithin(write, At(must, write.word));
                }) &&
         all_of(may, [&](const BitWrite& write) {
           return IsWithin(write, At(y_may, write.word));
         });
}

// Whether two values agree in what `x` defines; the masks are equal.
bool SameQualification(const Alternative& x, std::uint64_t a, std::uint64_t b) {
  return ((a ^ b) & x.qualification_defined) == 0;
}

// The reported addresses, in an exit or in the #VE information area.
bool SameAddresses(const Alternative& x, const AccessReport& a,
                   const AccessReport& b) {
  return (!x.gpa_defined || a.gpa == b.gpa) &&
         (!x.gla_defined || a.gla == b.gla);
}

// As far as both define the PDPTE registers.
bool SameRegisters(const Alternative& x, const Alternative& y) {
  if (x.pdptes_defined != y.pdptes_defined) return false;
  Registers a = x.registers;
  Registers b = y.registers;
  for (std::uint64_t& pdpte : a.pdpte) pdpte &= DefinedPdpteBits(x, pdpte);
  for (std::uint64_t& pdpte : b.pdpte) pdpte &= DefinedPdpteBits(y, pdpte);
  return a == b;
}

// Whether x and y define the same fields of a report, with the same freedom.
bool SameDefinedness(const Alternative& x, const Alternative& y) {
  return x.qualification_defined == y.qualification_defined &&
         x.gpa_defined == y.gpa_defined && x.gla_defined == y.gla_defined &&
         (!x.gpa_defined || x.span == y.span) &&
         (!x.gla_defined || x.gla_span == y.gla_span);
}

bool SameTranslations(const Alternative& x, const Alternative& y) {
  if (x.event.translation_count != y.event.translation_count) return false;
  if (x.memory_type_defined != y.memory_type_defined ||
      x.guest_structure_types_defined != y.guest_structure_types_defined) {
    return false;
  }
  for (std::size_t i = 0; i < x.event.translation_count; ++i) {
    Translation a = x.event.translations[i];
    const Translation& b = y.event.translations[i];
    if (!x.memory_type_defined) a.memory_type = b.memory_type;
    if (!x.guest_structure_types_defined) {
      a.guest_structure_types = b.guest_structure_types;
    }
    if (!(a == b)) return false;
  }
  return true;
}

// Each field as far as it is defined.
SavedState Defined(const Alternative& x) {
  const SavedState& mask = x.saved_defined;
  SavedState saved = x.saved;
  saved.exit_reason_flags &= mask.exit_reason_flags;
  saved.vectoring_information &= mask.vectoring_information;
  saved.vectoring_error_code &= mask.vectoring_error_code;
  saved.instruction_length &= mask.instruction_length;
  saved.interruptibility &= mask.interruptibility;
  saved.rflags &= mask.rflags;
  saved.pending_debug &= mask.pending_debug;
  return saved;
}

bool SameSaved(const Alternative& x, const Alternative& y) {
  return x.saved_defined == y.saved_defined && Defined(x) == Defined(y);
}

bool SameExit(const Alternative& x, const Alternative& y) {
  const Event& a = x.event;
  const Event& b = y.event;
  const std::uint32_t mask = x.interruption_information_defined;
  return a.exit_reason == b.exit_reason && SameDefinedness(x, y) &&
         SameQualification(x, a.qualification, b.qualification) &&
         (a.exit_reason != 0 ||
          (mask == y.interruption_information_defined &&
           ((a.interruption_information ^ b.interruption_information) & mask) ==
               0)) &&
         (x.ve_written || SameAddresses(x, ReportOf(a), ReportOf(b))) &&
         SameSaved(x, y);
}

bool SameEvent(const Alternative& x, const Alternative& y) {
  if (x.event.kind != y.event.kind) return false;
  switch (x.event.kind) {
    case EventKind::kCompleted:
      return SameTranslations(x, y);
    case EventKind::kVmExit:
      return SameExit(x, y);
    case EventKind::kPageFault:
      return x.error_code_defined == y.error_code_defined &&
             ((x.event.error_code ^ y.event.error_code) &
              x.error_code_defined) == 0 &&
             x.event.cr2 == y.event.cr2 && x.span == y.span;
    case EventKind::kVmEntryFailure:
      return x.failed_checks == y.failed_checks;
    case EventKind::kGuestStateFailure:
      return x.event.exit_reason == y.event.exit_reason &&
             SameQualification(x, x.event.qualification, y.event.qualification);
    case EventKind::kVirtualizationException:
    case EventKind::kGeneralProtection:
    case EventKind::kInvalidOpcode:
    case EventKind::kInvalidOperand:
    case EventKind::kGaveUp:
      return true;
  }
  return false;
}

bool SameVeArea(const Alternative& x, const Alternative& y) {
  if (!x.ve_written) return true;
  const AccessReport& a = x.ve_information;
  const AccessReport& b = y.ve_information;
  return x.ve_area == y.ve_area && SameDefinedness(x, y) &&
         SameQualification(x, a.qualification, b.qualification) &&
         SameAddresses(x, a, b);
}

// Whether `b` permits whatever `a` does.
bool IsWithin(const Verdict& a, const Verdict& b) {
  return std::all_of(
      a.alternatives.begin(), a.alternatives.end(), [&](const Alternative& x) {
        return std::any_of(b.alternatives.begin(), b.alternatives.end(),
                           [&](const Alternative& y) { return Permits(y, x); });
      });
}

}  // namespace

bool Permits(const Alternative& y, const Alternative& x) {
  return x.ve_written == y.ve_written && SameEvent(x, y) && SameVeArea(x, y) &&
         SameRegisters(x, y) && PermitsWrites(y, x);
}

bool SameVerdict(const Verdict& a, const Verdict& b) {
  if (a.standing != b.standing) return false;
  if (a.standing != Standing::kJudged) return true;
  return IsWithin(a, b) && IsWithin(b, a);
}

}  // namespace eptdiff
