// QUAL and INFO: what a VM exit reports (28.2.1, table 28-7).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {
namespace {

// Notes 2 and 3: the translation did not come to an end.
bool Cut(const Situation& s) { return s.not_present || s.beyond_width; }

bool IsToken(const Situation& s) {
  return s.access.access.kind == AccessKind::kShadowStackReadModifyWrite;
}

bool IsShadowStack(const Situation& s) {
  return s.access.access.kind == AccessKind::kShadowStackRead ||
         s.access.access.kind == AccessKind::kShadowStackWrite || IsToken(s);
}

// EPT lets the access be a read, and not a write.
bool OnlyWriteRefused(const Situation& s) {
  const bool sss = s.sss_access && s.SupervisorShadowStackControl();
  return !Cut(s) && !sss && s.InAllEntries(0) && !s.InAllEntries(1);
}

bool Bit7(const Situation& s) { return Qual7(s) == 1; }
bool Bit8(const Situation& s) { return Qual8(s) == 1; }

// Bits 11:9 are defined with bits 7 and 8 and the advanced information.
bool Advanced(const Situation& s) {
  return Bit7(s) && Bit8(s) && s.Capability(22);
}

}  // namespace

std::uint64_t Qual0(const Situation& s) {
  if (s.IsStructureAccess() && s.AccessedDirtyEnabled()) return 1;  // note 1
  if (s.access.purpose == Purpose::kStructureUpdate) return kUndefinedBit;
  if (s.access.access.kind == AccessKind::kReadModifyWrite || IsToken(s)) {
    return kUndefinedBit;
  }
  return s.reads;
}

// The load of a token may be refused as a read, before its store is a write.
std::uint64_t Qual1(const Situation& s) {
  const bool translated = s.access.purpose == Purpose::kTranslated;
  if (translated && IsToken(s) && !OnlyWriteRefused(s)) return kUndefinedBit;
  return s.writes;
}

std::uint64_t Qual2(const Situation& s) { return s.fetches; }

std::uint64_t Qual3(const Situation& s) { return !Cut(s) && s.InAllEntries(0); }

std::uint64_t Qual4(const Situation& s) { return !Cut(s) && s.InAllEntries(1); }

std::uint64_t Qual5(const Situation& s) { return !Cut(s) && s.InAllEntries(2); }

std::uint64_t Qual6(const Situation& s) {
  if (!s.Mbec()) return kUndefinedBit;
  return !Cut(s) && s.InAllEntries(10);
}

std::uint64_t Qual7(const Situation& s) {
  if (s.access.purpose == Purpose::kPdpteLoad) return 0;
  if (s.IsStructureAccess()) return 1;
  return s.access.page.gla_valid;  // not so of trace output and PEBS
}

std::uint64_t Qual8(const Situation& s) {
  return Bit7(s) && !s.IsStructureAccess();
}

std::uint64_t Qual9(const Situation& s) {
  if (!Advanced(s)) return kUndefinedBit;
  return !s.TranslatedByPaging() || s.access.page.user;
}

std::uint64_t Qual10(const Situation& s) {
  if (!Advanced(s)) return kUndefinedBit;
  return !s.TranslatedByPaging() || s.access.page.writable;
}

std::uint64_t Qual11(const Situation& s) {
  if (!Advanced(s)) return kUndefinedBit;
  const bool pae = Bit(s.state->guest.cr4, 5);
  const bool nxe = Bit(s.state->guest.efer, 11);
  if (!s.TranslatedByPaging() || !pae || !nxe) return 0;
  return s.access.page.execute_disable;
}

// 28.2.3.
std::uint64_t Qual12(const Situation& s) {
  const bool nmi_exiting = Bit(s.state->controls.pin_based, 3);
  const bool virtual_nmis = Bit(s.state->controls.pin_based, 5);
  if (nmi_exiting && !virtual_nmis) return kUndefinedBit;
  if (s.state->guest.event_delivery) return kUndefinedBit;
  return s.state->guest.nmi_unblocking;
}

std::uint64_t Qual13(const Situation& s) {
  return s.access.purpose == Purpose::kTranslated && IsShadowStack(s);
}

std::uint64_t Qual14(const Situation& s) {
  if (!s.SupervisorShadowStackControl() || !s.reached_leaf) {
    return kUndefinedBit;
  }
  return Bit(s.path.back().value, 60);
}

std::uint64_t Qual15(const Situation& s) { return s.verification_bit; }

std::uint64_t Qual16(const Situation& s) {
  // The page walk of an asynchronous access: the table speaks of "the access"
  // alone (asynchronous-page-walk in silences.def).
  if (s.IsStructureAccess() && s.access.access.asynchronous) {
    return kUndefinedBit;
  }
  if (s.IsWithoutLinearAddress()) return true;  // "trace output", "PEBS"
  return s.access.purpose == Purpose::kTranslated &&
         s.access.access.asynchronous;
}

// "Bit 16 is set if the VM exit occurs during TAPT, EPT-friendly PEBS, or
// user-interrupt delivery" or (2026) "writes due to architectural PEBS": also
// in the page walk.
std::uint64_t Info2Asynchronous(const Situation& s) {
  return s.access.access.asynchronous || s.IsWithoutLinearAddress();
}

std::uint64_t Info1Gpa(const Situation& s) { return s.access.gpa.value; }

// 2026, 30.2.1: where linear-address masking is in effect, without metadata.
std::uint64_t Info1Gla(const Situation& s) {
  const std::uint64_t gla = s.access.gla.value;
  return s.SixtyFourBitMode() ? gla : Bits(gla, 31, 0);
}

// "0 indicates an SPP misconfiguration and 1 indicates an SPP miss"; the other
// bits that a log-full or an SPP-related event defines are QUAL-12 and QUAL-16.
std::uint64_t Info2(const Situation& s) { return s.operand; }

// EPT misconfigurations are not among the VM exits that 28.2.1 lists: "For all
// other VM exits, this field is cleared."
std::uint64_t Info2Misconfiguration(const Situation&) { return 0; }

}  // namespace eptdiff::sdm
