#include "oracle/reference/invalidation.h"

#include <cstdint>

#include "oracle/reference/report.h"

namespace eptdiff {
namespace {

constexpr std::uint16_t kExitInvlpg = 14;
constexpr std::uint16_t kExitInvpcid = 58;

constexpr RuleAt kFails = {Rule::kCache13, 0};
constexpr RuleAt kGuests = {Rule::kCache8, 0};

void Add(const Examiner& x, EventKind kind, RuleAt decided, Verdict& verdict) {
  Alternative& alternative = verdict.alternatives.emplace_back();
  alternative.registers = RegistersOf(x.state());
  alternative.decided = decided;
  alternative.event.kind = kind;
}

void AddExit(const Examiner& x, std::uint16_t reason,
             std::uint64_t qualification, std::uint64_t defined,
             Verdict& verdict) {
  Add(x, EventKind::kVmExit, kGuests, verdict);
  Alternative& exit = verdict.alternatives.back();
  exit.event.exit_reason = reason;
  exit.event.qualification = qualification;
  exit.qualification_defined = defined;
}

enum class Canonical : std::uint8_t { kNo, kYes, kOpen };

// Of software's paging mode a case says nothing: 48 bits or 57.
Canonical IsCanonical(std::uint64_t address) {
  const auto fits = [&](int low) {
    const std::uint64_t upper = sdm::Bits(address, 63, low);
    return upper == 0 || upper == sdm::Bits(~std::uint64_t{0}, 63, low);
  };
  if (fits(47)) return Canonical::kYes;
  return fits(56) ? Canonical::kOpen : Canonical::kNo;
}

// 31.3. Both are software's: in VMX root operation, in 64-bit mode, at CPL 0.
void JudgeOfSoftware(Examiner& x, const Invalidation& asked, bool eptp_refused,
                     Verdict& verdict) {
  if (x.Ask(Slot::kCache13Undefined)) {
    return Add(x, EventKind::kInvalidOpcode, kFails, verdict);
  }
  bool refused = x.Ask(Slot::kCache13Type);
  bool open = false;
  if (asked.kind == InvalidationKind::kInvept) {
    refused = refused || x.Ask(Slot::kCache13Eptp, eptp_refused);
    // "Reserved (must be zero)", and no word of what comes of it (figure 31-1).
    open = asked.second != 0;
  } else {
    const Canonical canonical = IsCanonical(asked.second);
    refused = refused || x.Ask(Slot::kCache13Reserved) ||
              x.Ask(Slot::kCache13Vpid) ||
              x.Ask(Slot::kCache13Address, canonical != Canonical::kNo);
    open = asked.type == 0 && canonical == Canonical::kOpen;
  }
  if (!refused) Add(x, EventKind::kCompleted, kFails, verdict);
  if (refused || open) Add(x, EventKind::kInvalidOperand, kFails, verdict);
}

// With 5-level paging 57 bits count. Whether the paging mode or the processor
// says so of an operand is open: with another mode 48 may.
Canonical IsCanonicalForGuest(const Examiner& x, std::uint64_t address) {
  constexpr int kLa57 = 12;
  const Canonical canonical = IsCanonical(address);
  const bool wide = x.s.Ia32eModeGuest() && x.s.Cr4(kLa57);
  return canonical == Canonical::kOpen && wide ? Canonical::kYes : canonical;
}

// Volume 2A, INVPCID.
void JudgeInvpcid(const Examiner& x, const Invalidation& asked,
                  Verdict& verdict) {
  const bool pcids = x.s.Cr4(17);
  const std::uint64_t pcid = sdm::Bits(asked.first, 11, 0);
  const Canonical canonical =
      asked.type == 0 ? IsCanonicalForGuest(x, asked.second) : Canonical::kYes;
  const bool refused = asked.type > 3 || sdm::Bits(asked.first, 63, 12) != 0 ||
                       (asked.type < 2 && !pcids && pcid != 0) ||
                       canonical == Canonical::kNo;
  if (!refused) Add(x, EventKind::kCompleted, kGuests, verdict);
  if (refused || canonical == Canonical::kOpen) {
    Add(x, EventKind::kGeneralProtection, kGuests, verdict);
  }
}

}  // namespace

void JudgeInvalidation(Examiner& x, const Invalidation& asked,
                       bool eptp_refused, Verdict& verdict) {
  x.s.asked = &asked;
  constexpr int kInvlpgExiting = 9, kEnableInvpcid = 12;
  const bool exits = sdm::Bit(x.state().controls.primary, kInvlpgExiting);
  switch (asked.kind) {
    case InvalidationKind::kInvept:
    case InvalidationKind::kInvvpid:
      JudgeOfSoftware(x, asked, eptp_refused, verdict);
      break;
    case InvalidationKind::kInvlpg:
      if (exits) {
        AddExit(x, kExitInvlpg, asked.second, ~std::uint64_t{0}, verdict);
      } else {
        Add(x, EventKind::kCompleted, kGuests, verdict);
      }
      break;
    case InvalidationKind::kInvpcid:
      if (!x.s.Secondary(kEnableInvpcid)) {
        Add(x, EventKind::kInvalidOpcode, kGuests, verdict);
      } else if (exits) {
        // Its displacement, which no step says.
        AddExit(x, kExitInvpcid, 0, 0, verdict);
      } else {
        JudgeInvpcid(x, asked, verdict);
      }
      break;
  }
  x.s.asked = nullptr;
}

}  // namespace eptdiff
