#include "oracle/target/session/outside_builder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/table_image.h"
#include "oracle/builder/table_facts.h"
#include "oracle/machine_state.h"
#include "oracle/target/session/question.h"

namespace eptdiff {
namespace {

// The header's numbers are those of the types, so that nothing is translated.
static_assert(EPTDIFF_MAP == static_cast<int>(TableOperationKind::kMap));
static_assert(EPTDIFF_SPLIT == static_cast<int>(TableOperationKind::kSplit));
static_assert(EPTDIFF_MAP_REGION ==
              static_cast<int>(TableOperationKind::kMapRegion));
static_assert(EPTDIFF_CLEAR_FLAGS ==
              static_cast<int>(TableOperationKind::kClearFlags));
static_assert(EPTDIFF_LOG_ON == static_cast<int>(TableOperationKind::kLogOn));
static_assert(EPTDIFF_LOG_CLEAR ==
              static_cast<int>(TableOperationKind::kLogClear));
static_assert((EPTDIFF_ALL_OPERATIONS | EPTDIFF_LOG_OPERATIONS) ==
              (1u << kTableOperationKindCount) - 1);
static_assert(EPTDIFF_DONE == static_cast<int>(TableError::kNone));
static_assert(EPTDIFF_OVERLAP == static_cast<int>(TableError::kOverlap));
static_assert(EPTDIFF_NO_ACCESS == static_cast<int>(TableError::kNoAccess));
static_assert(EPTDIFF_MISCONFIGURED ==
              static_cast<int>(TableError::kMisconfigured));
static_assert(EPTDIFF_BAD_CONTROLS ==
              static_cast<int>(TableError::kBadControls));

static_assert(kMaxViews == 4);  // as `views` has it

static_assert(EPTDIFF_BUILDER_FRAMES == BuilderTrial::kFrames);
static_assert(EPTDIFF_BUILDER_EXITS == BuilderTrial::kMaxExits);

constexpr std::uint64_t kOffset = 0xfff;

// Bits 10, 57, 58, 60 and 61: where the controls that they belong to are 0
// nobody asks for them.
constexpr std::uint64_t kOfControls = 0x3600000000000400;

// What visits of eptdiff_builder_list go to.
struct Listing {
  std::vector<Interval>* pages;
  std::function<void()> count;
};

void Visit(void* context, std::uint64_t gpa, std::uint64_t hpa,
           std::uint64_t bytes, std::uint64_t flags) {
  auto& listing = *static_cast<Listing*>(context);
  listing.count();
  listing.pages->push_back({gpa, hpa, bytes, flags & kLeafFlags});
}

}  // namespace

// The callbacks of eptdiff_host.
struct HostCalls {
  static OutsideBuilder& Of(void* context) {
    auto& builder = *static_cast<OutsideBuilder*>(context);
    builder.Count();
    return builder;
  }
  static int Allocate(void* context, std::uint64_t* frame) {
    const std::optional<Hpa> made = Of(context).pool_->AllocateFrame();
    if (!made.has_value()) return 0;
    *frame = made->value;
    return 1;
  }
  static void Release(void* context, std::uint64_t frame) {
    Of(context).pool_->FreeFrame(Hpa{frame});
  }
  static std::uint64_t Load(void* context, std::uint64_t address) {
    OutsideBuilder& builder = Of(context);
    builder.CheckWord(address);
    const std::uint64_t* word = builder.pool_->Load(Hpa{address});
    if (word == nullptr) builder.CheckWord(address);  // freed by the other
    return *word;
  }
  // A store to no frame of its own is for the judge.
  static void Store(void* context, std::uint64_t address, std::uint64_t value) {
    OutsideBuilder& builder = Of(context);
    if (address % 8 != 0) builder.CheckWord(address);
    builder.pool_->Store(Hpa{address}, value);
  }
  static int CompareExchange(void* context, std::uint64_t address,
                             std::uint64_t expected, std::uint64_t desired) {
    OutsideBuilder& builder = Of(context);
    builder.CheckWord(address);
    return builder.pool_->CompareExchange(Hpa{address}, expected, desired);
  }
  static void Invept(void* context, std::uint64_t eptp) {
    Of(context).pool_->Invept(eptp);
  }
  static std::uint64_t* Pointer(void* context, std::uint64_t frame) {
    OutsideBuilder& builder = Of(context);
    std::uint64_t* const words = builder.pool_->Pointer(Hpa{frame});
    // What it is to do with null nobody can say; this is no table of anybody's.
    if (words == nullptr && builder.IsInLargePageNow(frame)) {
      builder.abandon_({IncidentKind::kLargePage, frame});
    }
    return words;
  }
  static void Stored(void* context, std::uint64_t address, std::uint64_t before,
                     std::uint64_t after) {
    OutsideBuilder& builder = Of(context);
    if (address % 8 != 0) builder.CheckWord(address);
    builder.pool_->OnStore(Hpa{address}, before, after);
  }
  static void BeforeStore(void* context, std::uint64_t address) {
    OutsideBuilder& builder = Of(context);
    if (address % 8 != 0) builder.CheckWord(address);
    builder.pool_->BeforeStore(Hpa{address});
  }
  static void CheckProcessor(OutsideBuilder& builder, std::uint32_t processor) {
    if (processor < kLogicalProcessors) return;
    builder.abandon_({IncidentKind::kProtocol,
                      static_cast<std::uint64_t>(ProtocolError::kProcessor)});
  }
  static Invalidation Asked(OutsideBuilder& builder, std::uint32_t processor,
                            InvalidationKind kind, std::uint64_t type,
                            const std::uint64_t descriptor[2]) {
    CheckProcessor(builder, processor);
    constexpr std::uint64_t kNone = 0xff;  // a type that there is not
    return {.kind = kind,
            .type = static_cast<std::uint8_t>(std::min(type, kNone)),
            .first = descriptor[0],
            .second = descriptor[1]};
  }
  static int InveptOn(void* context, std::uint32_t processor,
                      std::uint64_t type, const std::uint64_t descriptor[2]) {
    OutsideBuilder& builder = Of(context);
    const Invalidation asked =
        Asked(builder, processor, InvalidationKind::kInvept, type, descriptor);
    const auto set = static_cast<ProcessorSet>(1 << processor);
    return builder.pool_->InveptOn(set, asked) ? 0 : 1;
  }
  static void AskInvept(void* context, std::uint32_t processor,
                        std::uint64_t type, const std::uint64_t descriptor[2]) {
    OutsideBuilder& builder = Of(context);
    builder.pool_->AskInvept(
        static_cast<std::uint8_t>(processor),
        Asked(builder, processor, InvalidationKind::kInvept, type, descriptor));
  }
  static void AwaitInvept(void* context) { Of(context).pool_->AwaitInvept(); }
  static void LeaveGuest(void* context, std::uint32_t processor) {
    OutsideBuilder& builder = Of(context);
    CheckProcessor(builder, processor);
    builder.pool_->LeaveGuest(static_cast<std::uint8_t>(processor));
  }
  static int InvvpidOn(void* context, std::uint32_t processor,
                       std::uint64_t type, const std::uint64_t descriptor[2]) {
    OutsideBuilder& builder = Of(context);
    const Invalidation asked =
        Asked(builder, processor, InvalidationKind::kInvvpid, type, descriptor);
    const auto set = static_cast<ProcessorSet>(1 << processor);
    return builder.pool_->InvvpidOn(set, asked) ? 0 : 1;
  }
  static void Pause(void* context) { Of(context).pool_->Pause(); }
  static void PageReleased(void* context, std::uint64_t hpa,
                           std::uint64_t bytes) {
    Of(context).pool_->ReleasePage(Hpa{hpa}, bytes);
  }
  static void Written(void* context, std::uint64_t gpa, std::uint64_t bytes) {
    Of(context).told_.push_back({gpa, 0, bytes, 0});
  }
  static int Vmread(void* context, std::uint32_t processor, std::uint32_t field,
                    std::uint64_t* value) {
    OutsideBuilder& builder = Of(context);
    CheckProcessor(builder, processor);
    constexpr std::uint32_t kEptp = 0x201a;
    if (field == kEptp) {
      for (const std::uint64_t eptp : builder.eptps_) {
        if ((builder.pool_->RunningIn(eptp) >> processor & 1) != 0) {
          *value = eptp;
        }
      }
      return 0;
    }
    return builder.pool_->logs().Read(processor, field, *value) ? 0 : 1;
  }
  static int Vmwrite(void* context, std::uint32_t processor,
                     std::uint32_t field, std::uint64_t value) {
    OutsideBuilder& builder = Of(context);
    CheckProcessor(builder, processor);
    return builder.pool_->logs().Write(processor, field, value) ? 0 : 1;
  }
  static void Removed(void* context, std::uint64_t gpa, std::uint64_t hpa,
                      std::uint64_t bytes, std::uint64_t flags) {
    OutsideBuilder& builder = Of(context);
    if (builder.taken_ == nullptr) return;
    builder.taken_->push_back({gpa, hpa, bytes, flags & kLeafFlags});
  }
};

OutsideBuilder::OutsideBuilder(const BuilderFunctions& functions,
                               const eptdiff_builder_profile& profile,
                               Abandon abandon)
    : functions_(functions),
      any_unused_word_(profile.any_unused_word != 0),
      own_bits_(~profile.leaf_flags | kOfControls),
      shows_removed_(profile.shows_removed != 0),
      guest_stopped_(profile.guest_stopped != 0),
      casts_addresses_(profile.casts_addresses != 0),
      several_threads_(profile.several_threads != 0),
      trap_mask_(profile.trap_mask),
      trap_value_(profile.trap_value),
      map_replaces_(profile.map_replaces != 0),
      begins_mapped_(profile.begins_mapped != 0),
      on_demand_(profile.on_demand != 0),
      logs_((profile.operations & EPTDIFF_LOG_OPERATIONS) != 0),
      frames_(profile.frames),
      spare_frames_(profile.spare_frames),
      companion_frames_(profile.companion_frames),
      more_views_(profile.views),
      takes_all_views_(profile.all_views != 0),
      abandon_(std::move(abandon)) {
  std::memset(&host_, 0, sizeof(host_));
  host_.size = sizeof(host_);
  host_.context = this;
  host_.allocate = HostCalls::Allocate;
  host_.release = HostCalls::Release;
  host_.load = HostCalls::Load;
  host_.store = HostCalls::Store;
  host_.compare_exchange = HostCalls::CompareExchange;
  host_.invept = HostCalls::Invept;
  host_.pointer = HostCalls::Pointer;
  host_.stored = HostCalls::Stored;
  host_.removed = HostCalls::Removed;
  host_.before_store = HostCalls::BeforeStore;
  host_.processors = kLogicalProcessors;
  host_.invept_on = HostCalls::InveptOn;
  host_.ask_invept = HostCalls::AskInvept;
  host_.await_invept = HostCalls::AwaitInvept;
  host_.leave_guest = HostCalls::LeaveGuest;
  host_.invvpid_on = HostCalls::InvvpidOn;
  host_.page_released = HostCalls::PageReleased;
  host_.pause = HostCalls::Pause;
  host_.written = HostCalls::Written;
  host_.vmread = HostCalls::Vmread;
  host_.vmwrite = HostCalls::Vmwrite;
}

void OutsideBuilder::Count() {
  if (++callbacks_ > kMaxCallbacks) {
    abandon_({IncidentKind::kStepLimit, kMaxCallbacks});
  }
}

bool OutsideBuilder::IsInLargePageNow(std::uint64_t address) const {
  return std::any_of(eptps_.begin(), eptps_.end(), [&](std::uint64_t eptp) {
    return eptp != 0 && IsInLargePage(facts_, pool_->memory(),
                                      Hpa{AddressIn(eptp)}, Hpa{address});
  });
}

void OutsideBuilder::CheckWord(std::uint64_t address) {
  if (address % 8 != 0) abandon_({IncidentKind::kMisaligned, address});
  if (pool_->Pointer(Hpa{address & ~kOffset}) == nullptr) {
    abandon_({IsInLargePageNow(address) ? IncidentKind::kLargePage
                                        : IncidentKind::kForeignFrame,
              address});
  }
}

void OutsideBuilder::AddFacts(TableFacts& facts) const {
  BuilderUnderTest::AddFacts(facts);
  facts.trap_mask = trap_mask_;
  facts.trap_value = trap_value_;
  facts.map_replaces = map_replaces_;
  facts.begins_mapped = begins_mapped_;
  facts.on_demand = on_demand_;
  facts.frames = frames_;
  facts.spare_frames = spare_frames_;
  facts.companion_frames = companion_frames_;
}

void OutsideBuilder::Look() {
  if (functions_.read == nullptr) return;
  std::set<std::uint64_t> seen;
  for (const std::uint64_t eptp : eptps_) {
    if (eptp != 0) LookAt(AddressIn(eptp), facts_.levels, seen);
  }
  const std::set<std::uint64_t> brought = pool_->brought();
  for (const std::uint64_t table : brought) {
    if (!seen.contains(table)) pool_->Drop(Hpa{table});
  }
}

void OutsideBuilder::LookAt(std::uint64_t table, int level,
                            std::set<std::uint64_t>& seen) {
  if (seen.size() == kMaxTables || !seen.insert(table).second) return;
  FrameMemory::Frame words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = functions_.read(table + 8 * i);
  }
  pool_->Bring(Hpa{table}, words);
  for (const std::uint64_t entry : words) {
    if (IsPresent(facts_, entry) &&
        !IsMisconfiguredEntry(facts_, entry, level) && !IsLeaf(entry, level)) {
      LookAt(AddressIn(entry), level - 1, seen);
    }
  }
}

TableResult OutsideBuilder::ResultOf(int result) {
  if (result == EPTDIFF_DECLINED) {
    not_modelled_ = true;
    return {TableError::kUnsupported, Gpa{}};
  }
  if (result == EPTDIFF_NO_FRAMES && functions_.read != nullptr &&
      frames_ == 0) {
    pool_->NoteNoRoom();
  }
  const bool known = result == EPTDIFF_DONE ||
                     (result > 0 && result <= EPTDIFF_BAD_CONTROLS &&
                      (EPTDIFF_ALL_REFUSALS & EPTDIFF_REFUSAL(result)) != 0);
  if (!known) {
    abandon_({IncidentKind::kProtocol,
              static_cast<std::uint64_t>(ProtocolError::kResult)});
  }
  return {static_cast<TableError>(result), Gpa{}};
}

TableResult OutsideBuilder::Create(FramePool& pool, const Processor& processor,
                                   const Controls& controls,
                                   std::uint64_t unused) {
  pool_ = &pool;
  callbacks_ = 0;
  eptps_.fill(0);
  MachineState state;
  state.processor = processor;
  state.controls = controls;
  eptdiff_question machine;
  SetMachine(state, machine);
  not_modelled_ = false;
  const TableResult result =
      ResultOf(functions_.create(&machine, unused, &host_, eptps_.data()));
  if (!result.ok()) {
    eptps_.fill(0);
    return result;
  }
  for (int view = 1; view <= more_views_; ++view) {
    functions_.view(static_cast<std::uint32_t>(view),
                    &eptps_[static_cast<std::size_t>(view)]);
  }
  Controls own = controls;
  own.eptp = eptps_[0];
  facts_ = FactsOf(processor, own, unused);
  AddFacts(facts_);
  Look();
  return result;
}

TableResult OutsideBuilder::Perform(const TableOperation& operation,
                                    std::vector<Interval>& taken) {
  callbacks_ = 0;
  eptdiff_builder_operation asked;
  std::memset(&asked, 0, sizeof(asked));
  asked.size = sizeof(asked);
  asked.kind = static_cast<std::uint32_t>(operation.kind);
  asked.level = operation.level;
  const bool of_all = operation.view == kAllViews ||
                      (IsAboutLog(operation.kind) && more_views_ > 0);
  asked.view = of_all ? EPTDIFF_ALL_VIEWS : operation.view;
  asked.gpa = operation.gpa.value;
  asked.hpa = operation.hpa.value;
  asked.bytes = operation.bytes;
  asked.flags = operation.flags;
  taken_ = &taken;
  told_.clear();
  const int result = functions_.perform(&asked);
  taken_ = nullptr;
  Look();
  return ResultOf(result);
}

BuilderUnderTest::ExitResult OutsideBuilder::HandleExit(std::uint8_t processor,
                                                        const Event& event) {
  callbacks_ = 0;
  eptdiff_builder_exit_information exit;
  std::memset(&exit, 0, sizeof(exit));
  exit.size = sizeof(exit);
  exit.processor = processor;
  for (std::size_t view = 0; view < eptps_.size(); ++view) {
    if ((pool_->RunningIn(eptps_[view]) >> processor & 1) != 0) {
      exit.view = static_cast<std::uint32_t>(view);
    }
  }
  exit.reason = event.exit_reason;
  exit.qualification = event.qualification;
  exit.gpa = event.gpa.value;
  const int result = functions_.exit(&exit);
  Look();
  if (result < EPTDIFF_RETRY || result > EPTDIFF_EXIT_NO_FRAMES) {
    abandon_({IncidentKind::kProtocol,
              static_cast<std::uint64_t>(ProtocolError::kResult)});
  }
  return static_cast<ExitResult>(result);
}

bool OutsideBuilder::List(std::vector<Interval>& pages) {
  if (functions_.list == nullptr) return false;
  callbacks_ = 0;
  Listing listing = {&pages, [this] { Count(); }};
  functions_.list(Visit, &listing);
  return true;
}

void OutsideBuilder::Destroy() {
  callbacks_ = 0;
  functions_.destroy();
  if (functions_.read == nullptr) return;
  const std::set<std::uint64_t> brought = pool_->brought();
  for (const std::uint64_t table : brought) pool_->Drop(Hpa{table});
}

}  // namespace eptdiff
