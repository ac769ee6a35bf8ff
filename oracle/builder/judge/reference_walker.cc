#include "oracle/builder/judge/reference_walker.h"

#include <algorithm>

#include "oracle/builder/frame_pool.h"

namespace eptdiff {
namespace {

constexpr std::uint16_t kEptViolation = 48;
constexpr std::uint16_t kEptMisconfiguration = 49;

// Secondary controls.
constexpr std::uint32_t kPml = 1u << 17;
constexpr std::uint32_t kVe = 1u << 18;
constexpr std::uint32_t kSubPage = 1u << 23;

// Of IA32_VMX_EPT_VPID_CAP.
constexpr std::uint64_t kInvept = 1u << 20;
constexpr std::uint64_t kSingleContextInvept = 1u << 25;

// Tertiary.
constexpr std::uint64_t kVerification = 1u << 3;

constexpr std::uint64_t kProtectedPaged = 0x80000001;  // CR0.PG, CR0.PE

}  // namespace

// Tables reach as far as EPT translates, whatever guest-physical addresses the
// processor has; its physical addresses are no wider for that.
void ReferenceWalker::Reset(const Case& c) {
  constexpr std::uint8_t kWidest = 52;
  state_.Load(c);
  Processor& p = state_.processor;
  p.keyid_bits += kWidest - p.maxphyaddr;
  p.maxphyaddr = kWidest;
}

void ReferenceWalker::Enter(const TableFacts& facts, std::uint64_t eptp) {
  facts_ = facts;
  state_.controls.eptp = eptp;
  // Accesses by guest-physical address do not say which guest entries were
  // used: what verification makes of them is open (VIO-13).
  state_.controls.tertiary &= ~kVerification;
  for (ProcessorContext& other : state_.others) {
    other.controls = state_.controls;
  }
  plain_.processor = state_.processor;
  plain_.controls = state_.controls;
  plain_.controls.secondary &= ~(kPml | kVe | kSubPage);
  plain_.guest = GuestState{};
  plain_.guest.cr0 = kProtectedPaged;
  plain_.memory.Clear();
  agreed_.clear();
  next_agreed_ = 0;
}

void ReferenceWalker::UseTables(std::uint64_t eptp, std::uint16_t number) {
  state_.controls.eptp = plain_.controls.eptp = eptp;
  state_.controls.eptp_index = number;
}

bool ReferenceWalker::MayEnter() {
  reference_.JudgeEntry(state_, verdict_, trace_);
  // Who builds tables knows the controls, and not the guest.
  return verdict_.alternatives[0].event.kind != EventKind::kVmEntryFailure;
}

bool ReferenceWalker::InveptFails(const Invalidation& invept, bool any_type) {
  const std::uint64_t capabilities = state_.processor.ept_vpid_cap;
  if (any_type) {
    state_.processor.ept_vpid_cap |= kInvept | kSingleContextInvept;
  }
  Step step;
  step.kind = StepKind::kInvalidation;
  step.invalidation = invept;
  reference_.Judge(state_, step, verdict_, trace_);
  state_.processor.ept_vpid_cap = capabilities;
  for (const Alternative& alternative : verdict_.alternatives) {
    if (alternative.event.kind != EventKind::kCompleted) return true;
  }
  return false;
}

bool ReferenceWalker::CopyPath(Gpa gpa, const CachedPath* path,
                               SparseMemory& memory) const {
  Hpa table{AddressIn(state_.controls.eptp)};
  std::size_t cached = 0;
  for (int level = facts_.levels; level > 0; --level) {
    const Hpa at{table.value + gpa.value / EntryBytes(level) % 512 * 8};
    std::uint64_t entry;
    if (path != nullptr && cached < path->size() &&
        (*path)[cached].address == at) {
      entry = (*path)[cached++].value;
    } else if (const std::uint64_t* word = frames_.At(at)) {
      entry = *word;
    } else {
      entry = memory.Load(at);
    }
    memory.Store(at, entry);
    if (!IsPresent(facts_, entry)) return IsTrap(facts_, entry);
    if (IsLeaf(entry, level)) return false;
    table = Hpa{AddressIn(entry)};
  }
  return false;
}

AccessEnd ReferenceWalker::Judge(const Step& step, Gpa first, Gpa last,
                                 const CachedPath* path) {
  const bool two_pages = (first.value ^ last.value) >> 12 != 0;
  bool trap = two_pages && CopyPath(last, path, state_.memory);
  trap |= CopyPath(first, path, state_.memory);
  reference_.Judge(state_, step, verdict_, trace_);
  return Classify(two_pages, trap);
}

AccessEnd ReferenceWalker::Classify(bool two_pages, bool trap) const {
  if (verdict_.standing != Standing::kJudged) return AccessEnd::kOther;
  const Event& event = verdict_.alternatives[0].event;
  const bool violation =
      event.kind == EventKind::kVirtualizationException ||
      (event.kind == EventKind::kVmExit && event.exit_reason == kEptViolation);
  if (violation) {
    // Of two pages one may be there.
    return trace_.reached_leaf || two_pages ? AccessEnd::kRefused
                                            : AccessEnd::kAbsent;
  }
  if (event.kind == EventKind::kCompleted) return AccessEnd::kDone;
  if (event.kind == EventKind::kVmExit &&
      event.exit_reason == kEptMisconfiguration) {
    return trap ? AccessEnd::kAbsent : AccessEnd::kMisconfigured;
  }
  return AccessEnd::kOther;
}

bool ReferenceWalker::Agreed::operator==(const Agreed& other) const {
  return gpa == other.gpa && eptp == other.eptp && mapped == other.mapped &&
         hpa == other.hpa && flags == other.flags &&
         std::equal(path.begin(), path.end(), other.path.begin(),
                    other.path.end());
}

bool ReferenceWalker::TakePath(Agreed& asked) const {
  Hpa table{AddressIn(asked.eptp)};
  for (int level = facts_.levels; level > 0; --level) {
    const Hpa at{table.value + asked.gpa / EntryBytes(level) % 512 * 8};
    const std::uint64_t* word = frames_.At(at);
    if (word == nullptr) return false;
    asked.path.push_back({at, *word});
    if (!IsPresent(facts_, *word) || IsLeaf(*word, level)) return true;
    table = Hpa{AddressIn(*word)};
  }
  return true;
}

bool ReferenceWalker::IsKnown(const Agreed& asked) const {
  return std::find(agreed_.begin(), agreed_.end(), asked) != agreed_.end();
}

void ReferenceWalker::Note(const Agreed& asked) {
  if (agreed_.size() < kAgreed) {
    agreed_.push_back(asked);
  } else {
    agreed_[next_agreed_++ % kAgreed] = asked;
  }
}

bool ReferenceWalker::AgreesWith(const MappingModel& model, Gpa gpa) {
  static constexpr struct {
    AccessKind kind;
    bool user;
    std::uint64_t right;
  } kUses[] = {{AccessKind::kRead, false, 1},
               {AccessKind::kWrite, false, 2},
               {AccessKind::kFetch, false, 4},
               {AccessKind::kFetch, true, 0x400}};
  const MappingModel::Run page = model.At(gpa.value);
  Agreed asked;
  asked.eptp = plain_.controls.eptp;
  asked.gpa = gpa.value;
  asked.mapped = page.mapped;
  asked.hpa = page.hpa;
  asked.flags = page.flags;
  const bool has_path = TakePath(asked);
  if (has_path && IsKnown(asked)) return true;
  plain_.memory.Clear();
  const bool trap = CopyPath(gpa, nullptr, plain_.memory);
  Step step;
  step.gpa = gpa;
  for (const auto& use : kUses) {
    if (use.user && !facts_.mbec) break;
    step.access.kind = use.kind;
    step.page.user = use.user;
    reference_.Judge(plain_, step, verdict_, trace_);
    const AccessEnd end = Classify(false, trap);
    if (!page.mapped || (page.flags & use.right) == 0) {
      const bool is_refused =
          end == AccessEnd::kRefused || end == AccessEnd::kAbsent;
      if (facts_.on_demand && is_refused) continue;
      if (end != (page.mapped ? AccessEnd::kRefused : AccessEnd::kAbsent)) {
        return false;
      }
      continue;
    }
    if (facts_.on_demand &&
        (end == AccessEnd::kRefused || end == AccessEnd::kAbsent)) {
      continue;  // it is there once it is used
    }
    if (end != AccessEnd::kDone) return false;
    const Translation& to = verdict_.alternatives[0].event.translations[0];
    // With a PAT memory type of WB the EPT memory type is the effective one
    // (MT-6).
    if (to.address.value != page.hpa ||
        static_cast<std::uint64_t>(to.memory_type) != (page.flags >> 3 & 7)) {
      return false;
    }
  }
  if (has_path) Note(asked);
  return true;
}

}  // namespace eptdiff
