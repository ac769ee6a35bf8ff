#include "oracle/reference/page.h"

#include "oracle/reference/draft.h"
#include "oracle/reference/flags.h"
#include "oracle/reference/report.h"
#include "oracle/reference/spp.h"
#include "oracle/reference/walk.h"

namespace eptdiff {
namespace {

constexpr End kLogFull = {End::Kind::kLogFull, {Rule::kPml1, 0}};

// 29.3.3.2: as what the access is judged.
void Classify(Examiner& x) {
  Situation& s = x.s;
  s.level = 0;
  s.reads = s.writes = s.fetches = s.paging_write = s.sss_access = false;
  s.user_mode = x.Ask(Slot::kVio7);
  switch (s.access.purpose) {
    case Purpose::kStructureRead:
      s.reads = true;
      s.writes = s.paging_write = x.Ask(Slot::kVio9);
      return;
    case Purpose::kStructureUpdate:
      s.reads = x.Ask(Slot::kVio9);
      s.writes = s.paging_write = x.Ask(Slot::kVio8);
      return;
    case Purpose::kPdpteLoad:
      s.reads = true;
      s.writes = x.Ask(Slot::kVio10);
      return;
    case Purpose::kTranslated:
      break;
  }
  const Access& access = s.access.access;
  const bool supervisor =
      (access.implicit_supervisor || s.state->guest.cpl < 3) && !access.wruss;
  switch (access.kind) {
    case AccessKind::kRead:
      s.reads = true;
      return;
    case AccessKind::kWrite:
      s.writes = true;
      return;
    case AccessKind::kReadModifyWrite:
      s.writes = x.Ask(Slot::kVio15Write);
      s.reads = x.Ask(Slot::kVio15Read);
      return;
    case AccessKind::kFetch:
      s.fetches = true;
      return;
    case AccessKind::kShadowStackRead:
      s.reads = true;
      s.sss_access = supervisor;
      return;
    case AccessKind::kShadowStackWrite:
      s.writes = true;
      s.sss_access = supervisor;
      return;
    case AccessKind::kShadowStackReadModifyWrite:
      // Volume 1, 17.2.2: a locked shadow-stack load, and an unlocking
      // shadow-stack store, whatever the token is.
      s.writes = x.Ask(Slot::kVio15Write);
      s.reads = x.Ask(Slot::kVio15Read);
      s.sss_access = supervisor;
      return;
  }
}

// Whether there is a guest entry that gives PAT, PCD and PWT: with paging, the
// translation of a linear address has one. What the PAT memory type is without
// one, 29.3.7.2 does not say.
bool HasPatType(const Examiner& x) {
  return x.s.access.page.gla_valid || !x.s.TranslatedByPaging();
}

// 29.3.7, asked at the leaf.
void Translate(Examiner& x, Page& page) {
  Translation& translation = page.translation;
  translation.address = {x.Ask(Slot::kWalk6)};
  translation.page_shift = static_cast<std::uint8_t>(12 + 9 * (x.s.level - 1));
  translation.structure_memory_type =
      static_cast<MemoryType>(x.Ask(Slot::kMt1));
  const bool kept = x.chooser != nullptr && x.s.linear.level == 0;
  x.s.pat = kept ? x.chooser->Pat(x) : x.state().guest.pat;
  const std::uint64_t ept = x.Ask(Slot::kMt5);
  const std::uint64_t pat = x.Ask(Slot::kMt2);
  if (x.Ask(Slot::kMt3)) {
    translation.memory_type = MemoryType::kUncacheable;
    page.memory_type_rule = Rule::kMt3;
  } else if (x.Ask(Slot::kMt4)) {
    translation.memory_type = static_cast<MemoryType>(ept);
    page.memory_type_rule = Rule::kMt4;
  } else {
    translation.memory_type =
        static_cast<MemoryType>(x.Ask(Slot::kMt6, 8 * ept + pat));
    page.memory_type_rule = Rule::kMt6;
    page.memory_type_defined =
        pat != 2 && pat != 3 && HasPatType(x);  // WRMSR refuses 2 and 3
  }
  // Met only where a dialect accepts them (CFG-11): they mean nothing.
  const bool reserved = ept == 2 || ept == 3 || ept == 7;
  if (reserved && page.memory_type_rule != Rule::kMt3) {
    page.memory_type_defined = false;
  }
}

End EndOf(const Spp& spp) {
  switch (spp.result) {
    case SppResult::kAllowed:
      return {End::Kind::kAllowed, spp.decided};
    case SppResult::kRefused:
      return {End::Kind::kViolation, spp.decided};
    case SppResult::kMiss:
      return {End::Kind::kSppMiss, spp.decided};
    case SppResult::kMisconfiguration:
      break;
  }
  return {End::Kind::kSppMisconfiguration, spp.decided};
}

// VIO-13: whether guest-paging verification refuses the final access of a
// linear one. kUndefinedBit: that hangs on guest entries which the step does
// not give.
std::uint64_t JudgeVerification(Examiner& x) {
  const Situation& s = x.s;
  if (s.access.purpose != Purpose::kTranslated) return false;
  if (s.linear.mode != GuestMode::kNone) {
    return x.Ask(Slot::kCtl5Verification) && x.Ask(Slot::kVio13);
  }
  const bool translated = s.TranslatedByPaging() && s.access.page.gla_valid;
  return translated && sdm::Bit(s.path.back().value, 57) &&
                 x.Ask(Slot::kCtl5Verification)
             ? kUndefinedBit
             : 0;
}

// 29.3.3.3, step 2, with 29.3.4. Where verification and another rule both
// refuse, the SDM does not say which is the reason, nor whether verification
// comes before an SPP lookup.
void JudgeLeaf(Examiner& x, const Effects& untouched, Page& page) {
  Situation& s = x.s;
  const auto order = static_cast<AccessOrder>(x.Ask(Slot::kPri1));
  if (order == AccessOrder::kLogFirst && IsLogFull(x, untouched)) {
    page.ends.push_back(kLogFull);
    return;
  }
  const Refusal refusal = JudgePermissions(x);
  const std::uint64_t unverified = JudgeVerification(x);
  const End verification = {End::Kind::kViolation, x.At(Slot::kVio13),
                            /*verification_bit=*/1};
  if (!refusal.refused) {
    if (unverified != 1) {
      page.ends.push_back({End::Kind::kAllowed, x.At(Slot::kWalk6)});
    }
    if (unverified) page.ends.push_back(verification);
    // A supervisor shadow-stack write that bit 60 allows without bit 1, to a
    // page with bit 61: success, or what SPP says.
    if (s.sss_access && s.SupervisorShadowStackControl() &&
        !s.InAllEntries(1) &&
        JudgeSppEligibility(x) != SppEligibility::kNever) {
      const End end = EndOf(LookUpSpp(x));
      if (end.kind != End::Kind::kAllowed) page.ends.push_back(end);
    }
    return;
  }
  const End violation = {End::Kind::kViolation, refusal.decided,
                         unverified ? kUndefinedBit : 0};
  const SppEligibility eligibility =
      refusal.only_write ? JudgeSppEligibility(x) : SppEligibility::kNever;
  if (eligibility == SppEligibility::kNever) {
    page.ends.push_back(violation);
    return;
  }
  if (order == AccessOrder::kLogBeforeSpp && IsLogFull(x, untouched)) {
    page.ends.push_back(kLogFull);
    return;
  }
  End spp = EndOf(LookUpSpp(x));
  if (unverified && spp.kind == End::Kind::kViolation) {
    // For either reason it is one violation.
    spp.verification_bit = kUndefinedBit;
  }
  if (unverified != 1 || spp.kind != End::Kind::kAllowed) {
    page.ends.push_back(spp);
  }
  if (unverified && spp.kind != End::Kind::kViolation) {
    page.ends.push_back(verification);
  }
  if (eligibility == SppEligibility::kMayBe) page.ends.push_back(violation);
}

void ReturnTo(const Page& page, Examiner& x) {
  if (page.kept.has_value()) x.s = *page.kept;
}

// Adds what `end` leads to, after `effects`; not for kAllowed. `other` is the
// page, if any, that has not had its turn.
void AddExit(Examiner& x, const Page& page, const Page* other, const End& end,
             const Effects& effects, Verdict& verdict) {
  const auto look_at_page = [&] {
    ReturnTo(page, x);
    x.s.verification_bit = end.verification_bit;
  };
  const auto add = [&]() -> Alternative& { return AddAfter(effects, verdict); };
  const auto report = [&](std::uint16_t reason, bool spp_miss,
                          Alternative& exit) {
    ReportExit(x, reason, end.decided, spp_miss, exit);
  };
  // Ahead of whatever ends the access it is the log that decides.
  const auto report_log_full = [&] {
    ReportExit(x, kExitPmlFull, kLogFull.decided, /*spp_miss=*/false, add());
  };
  look_at_page();
  if (end.kind == End::Kind::kLogFull) return report_log_full();
  const LogFullFirst log_full_first = DoesLogFullComeFirst(x, effects);
  if (log_full_first != LogFullFirst::kNo) {
    report_log_full();
    if (log_full_first == LogFullFirst::kMust) return;
  }
  Alternative& exit = add();
  PermitAccessedFlags(x, exit);
  if (other != nullptr && other->MayBeAllowed()) {
    PermitAccessedFlagsOf(x, *other, exit, verdict);
    look_at_page();
  }
  switch (end.kind) {
    case End::Kind::kViolation:
      ReportViolation(x, end.decided, exit, verdict);
      break;
    case End::Kind::kMisconfiguration:
      report(kExitEptMisconfiguration, false, exit);
      break;
    case End::Kind::kSppMiss:
      report(kExitSppEvent, true, exit);
      break;
    case End::Kind::kSppMisconfiguration:
      report(kExitSppEvent, false, exit);
      break;
    case End::Kind::kAllowed:
    case End::Kind::kLogFull:
      break;
  }
}

// What was kept of the page is used: by the access, or in that it is refused.
// That of a guest entry may have been used long ago.
void TellChooser(Examiner& x, const Page& page) {
  if (!page.MayBeAllowed()) x.chooser->Refused(x);
  if (!page.MayBeAllowed() || x.s.linear.level == 0) x.chooser->UseNow(x);
}

}  // namespace

void JudgePage(Examiner& x, const PageAccess& access, const Effects& effects,
               Page& page) {
  page.ends.clear();
  page.kept.reset();
  x.s.access = access;
  Classify(x);
  const Walk walk = WalkEpt(x);
  switch (walk.end) {
    case WalkEnd::kMisconfigured:
      page.ends.push_back({End::Kind::kMisconfiguration, walk.decided});
      break;
    case WalkEnd::kBeyondWidth:
    case WalkEnd::kNotPresent:
    case WalkEnd::kRefused:
      page.ends.push_back({End::Kind::kViolation, walk.decided});
      break;
    case WalkEnd::kLeaf:
      JudgeLeaf(x, effects, page);
      if (page.MayBeAllowed()) Translate(x, page);
      if (x.chooser != nullptr) TellChooser(x, page);
      break;
  }
}

// Of an access that exits elsewhere, this page's accessed flags may be set: its
// entries were used as part of a translation (29.3.5), although no byte of it
// is accessed.
void PermitAccessedFlagsOf(Examiner& x, const Page& page, Effects& effects,
                           Verdict& verdict) {
  ReturnTo(page, x);
  Draft flags(verdict);
  flags->registers = effects.registers;
  flags->required = effects.required;
  PermitAccessedFlags(x, *flags);
  for (const BitWrite& write : flags->optional) {
    effects.optional.push_back(write);
  }
}

void AddExits(Examiner& x, const Page& page, const Page* other,
              const Effects& effects, Verdict& verdict) {
  for (const End& end : page.ends) {
    if (end.kind != End::Kind::kAllowed) {
      AddExit(x, page, other, end, effects, verdict);
    }
  }
}

bool SetFlagsOrExit(Examiner& x, const Page& page, Effects& effects,
                    Verdict& verdict) {
  ReturnTo(page, x);
  if (!SetFlags(x, effects)) return true;
  AddExit(x, page, nullptr, kLogFull, effects, verdict);
  return false;
}

void AddCompletion(const Page* pages, std::size_t count, const Effects& effects,
                   Verdict& verdict) {
  Alternative& completion = AddAfter(effects, verdict);
  completion.event.kind = EventKind::kCompleted;
  completion.event.translation_count = static_cast<std::uint8_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    completion.event.translations[i] = pages[i].translation;
    if (!pages[i].memory_type_defined) completion.memory_type_defined = false;
  }
  completion.memory_type_rule = pages[0].memory_type_rule;
  completion.decided = pages[0].ends[0].decided;
}

}  // namespace eptdiff
