// A Hal for TableBuilder that records what the builder does, in its order.
//
// A frame is given out full of kPoison: present entries that no processor would
// take. Freed frames are given out again at once, the last one first, so that
// whoever freed too early meets its own tables.
//
// Processors use the tables meanwhile: a Watcher is told where they may, and
// what they set is recorded, too.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_FRAME_POOL_H_
#define EPTDIFF_ORACLE_BUILDER_FRAME_POOL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "engine/table/table_hal.h"
#include "engine/types.h"
#include "oracle/builder/frame_memory.h"
#include "oracle/builder/page_logs.h"
#include "oracle/case.h"

namespace eptdiff {

// Logical processors, as bits.
using ProcessorSet = std::uint8_t;
inline constexpr ProcessorSet kAllProcessors = (1 << kLogicalProcessors) - 1;

// Types of INVEPT (SDM 31.3).
inline constexpr std::uint8_t kSingleContext = 1, kAllContexts = 2;

struct TableEvent {
  enum class Kind : std::uint8_t {
    kAllocate,
    kFree,
    kStore,
    kInvept,
    kAsked,  // for INVEPT, which nobody has waited for
    kInvvpid,
    kReleased,  // a page of the guest may be used otherwise from now on
    kFlags,     // a processor set accessed or dirty
    kWritten,   // a processor writes to the page at this guest-physical address
    kBetween,   // a processor comes in before the store of this word
    kTurn,      // of two operations at once the other one goes on
  };
  Kind kind = Kind::kAllocate;
  Hpa address = {};          // of a frame, a page, the word that was stored;
                             // of kInvvpid: the linear address
  std::uint64_t before = 0;  // kStore, kFlags; of kInvept: the processors that
                             // run in the tables of this EPTP; of kWritten: the
                             // root of the tables by which it writes
  std::uint64_t after = 0;   // kStore, kFlags; of kInvept: the EPTP; of
                             // kInvvpid: the descriptor's first quadword; of
                             // kBetween: the GPA that the processor uses; of
                             // kReleased: how many bytes; of kWritten: the
                             // GPA
  int level = 0;  // kStore: of the entry; 0 where no processor can find it.
                  // Known once the event is judged.
  // Of kInvept, kAsked, kInvvpid: where, of which type, and whether it fails,
  // which invalidates nothing.
  ProcessorSet processors = kAllProcessors;
  std::uint8_t type = kSingleContext;
  bool failed = false;  // kWritten: it may be no write; kFree: of a frame that
                        // a processor logs to
};

class FramePool {
 public:
  // Bits 51:46 are not 0: reserved where MAXPHYADDR is below 48.
  static constexpr std::uint64_t kPoison = 0x000bad0000000037;
  static constexpr std::uint64_t kFirstFrame = 0x100000;
  static constexpr std::uint64_t kLastEnd = std::uint64_t{1} << 52;
  // Where frames can lie at their own addresses, as pointers: below all that
  // processes have there, whatever sanitizer they run with.
  static constexpr std::uint64_t kPlaced = 0x40000000;

  // What others do while the builder works.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    // The builder waits for another of its threads, ...
    virtual void OnPause() = 0;
    // ... is about to load or to store this word, ...
    virtual void BeforeLoad(Hpa address) = 0;
    virtual void BeforeStore(Hpa address) = 0;
    // ... has just stored the first since AwaitStore(), ...
    virtual void OnStored() = 0;
    // ... or has INVEPT executed on some processors: whether it fails there,
    // with `any_type` only if it would with either type; it begins, and is
    // over. (INVVPID is asked about likewise.)
    virtual bool InveptFails(const Invalidation& invept, bool any_type) = 0;
    virtual ProcessorSet RunningIn(std::uint64_t eptp) const = 0;
    virtual void BeforeInvept(ProcessorSet processors) = 0;
    virtual void OnInvept(ProcessorSet processors,
                          const Invalidation& invept) = 0;
    virtual void OnInvvpid(ProcessorSet processors,
                           const Invalidation& invvpid) = 0;
  };

  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  // Begins anew: frames from `first` on, up to `end`.
  void Reset(std::uint64_t first, std::uint64_t end) {
    memory_.Clear();
    events_.clear();
    free_.clear();
    asked_.clear();
    brought_.clear();
    next_ = first;
    end_ = end;
    FailAllocation(0);
  }
  // Borrowed; null for none.
  void set_watcher(Watcher* watcher) { watcher_ = watcher; }

  std::optional<Hpa> AllocateFrame() {
    if (until_failure_ > 0 && --until_failure_ == 0) {
      failed_ = true;
      return std::nullopt;
    }
    Hpa frame{next_};
    if (!free_.empty()) {
      frame = free_.back();
      free_.pop_back();
    } else if (next_ < end_) {
      next_ += 0x1000;
    } else {
      failed_ = true;
      return std::nullopt;
    }
    memory_.Fill(frame, kPoison);
    events_.push_back({TableEvent::Kind::kAllocate, frame});
    return frame;
  }
  void FreeFrame(Hpa frame) {
    free_.push_back(frame);
    TableEvent& event = events_.emplace_back();
    event.kind = TableEvent::Kind::kFree;
    event.address = frame;
    logs_.ForEachFrame(
        [&](std::uint64_t log) { event.failed |= log == frame.value; });
  }
  std::uint64_t* Pointer(Hpa frame) {
    FrameMemory::Frame* words = memory_.Find(frame);
    return words == nullptr ? nullptr : words->data();
  }
  // Of what this EPTP maps, at least, by whichever type there is, on all
  // processors; over when it returns.
  void Invept(std::uint64_t eptp) {
    Execute(kAllProcessors,
            {.kind = InvalidationKind::kInvept, .type = 1, .first = eptp},
            /*any_type=*/true);
  }
  // As it is, on these alone. False if it fails.
  bool InveptOn(ProcessorSet processors, const Invalidation& invept) {
    return Execute(processors, invept, /*any_type=*/false);
  }
  // INVVPID, which ends no guest-physical mappings. False if it fails.
  bool InvvpidOn(ProcessorSet processors, const Invalidation& invvpid) {
    TableEvent& event = events_.emplace_back();
    event.kind = TableEvent::Kind::kInvvpid;
    event.address = Hpa{invvpid.second};
    event.after = invvpid.first;
    event.processors = processors;
    event.type = invvpid.type;
    event.failed = watcher_ != nullptr && watcher_->InveptFails(invvpid, false);
    const bool failed = event.failed;
    if (!failed && watcher_ != nullptr) {
      watcher_->OnInvvpid(processors, invvpid);
    }
    return !failed;
  }
  // Asks a processor to execute it, which it does when it is waited for or has
  // left the guest, and no sooner.
  void AskInvept(std::uint8_t processor, const Invalidation& invept) {
    asked_.push_back({processor, invept});
    TableEvent& event = events_.emplace_back();
    event.kind = TableEvent::Kind::kAsked;
    event.after = invept.first;
    event.processors = static_cast<ProcessorSet>(1 << processor);
    event.type = invept.type;
  }
  void AwaitInvept() {
    while (!asked_.empty()) ExecuteAsked(asked_.front().first);
  }
  // A processor leaves the guest: before it enters again it does as asked.
  void LeaveGuest(std::uint8_t processor) { ExecuteAsked(processor); }
  // To be called before a store that somebody else does, if it can be: then
  // processors come in between load and store.
  void BeforeStore(Hpa address) {
    if (watcher_ != nullptr) watcher_->BeforeStore(address);
  }
  void OnStore(Hpa address, std::uint64_t before, std::uint64_t after) {
    // In place: there are 512 of these for each table.
    TableEvent& event = events_.emplace_back();
    event.kind = TableEvent::Kind::kStore;
    event.address = address;
    event.before = before;
    event.after = after;
    if (!awaits_store_ || watcher_ == nullptr) return;
    awaits_store_ = false;
    watcher_->OnStored();
  }
  // The watcher is told of the next store.
  void AwaitStore() { awaits_store_ = true; }

  // The processors that run in the tables of this EPTP.
  ProcessorSet RunningIn(std::uint64_t eptp) const {
    return watcher_ != nullptr ? watcher_->RunningIn(eptp) : ProcessorSet{0};
  }
  void Pause() {
    if (watcher_ != nullptr) watcher_->OnPause();
  }
  // Of a frame that is allocated; null where none is.
  const std::uint64_t* Load(Hpa address) {
    if (watcher_ != nullptr) watcher_->BeforeLoad(address);
    return memory_.At(address);
  }
  // A store of the builder as a whole; one beyond all frames is recorded alone.
  void Store(Hpa address, std::uint64_t word) {
    BeforeStore(address);
    std::uint64_t* at = memory_.At(address);
    const std::uint64_t before = at == nullptr ? 0 : *at;
    if (at != nullptr) *at = word;
    OnStore(address, before, word);
  }
  // Likewise, if the word is `expected` still; whether it was.
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    BeforeStore(address);
    std::uint64_t* at = memory_.At(address);
    if (at == nullptr || *at != expected) return false;
    *at = desired;
    OnStore(address, expected, desired);
    return true;
  }
  // Of a builder whose tables lie elsewhere: a table is there, with these
  // words; or is none any more; or it says that it has no room for one.
  void Bring(Hpa frame, const FrameMemory::Frame& words) {
    FrameMemory::Frame* found = memory_.Find(frame);
    if (found == nullptr || !brought_.contains(frame.value)) {
      memory_.Fill(frame, kPoison);
      brought_.insert(frame.value);
      events_.push_back({TableEvent::Kind::kAllocate, frame});
      found = memory_.Find(frame);
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::uint64_t before = (*found)[i];
      if (before == words[i]) continue;
      (*found)[i] = words[i];
      OnStore(Hpa{frame.value + 8 * i}, before, words[i]);
    }
  }
  void Drop(Hpa frame) {
    brought_.erase(frame.value);
    events_.push_back({TableEvent::Kind::kFree, frame});
  }
  const std::set<std::uint64_t>& brought() const { return brought_; }
  void NoteNoRoom() { failed_ = true; }

  // Memory that guests used may be used otherwise from now on.
  void ReleasePage(Hpa page, std::uint64_t bytes) {
    events_.push_back({TableEvent::Kind::kReleased, page, 0, bytes});
  }
  // Of two operations at once the other one goes on.
  void OnTurn() { events_.push_back({TableEvent::Kind::kTurn}); }
  // A processor comes in, by an access to `gpa`: what it sets follows.
  void OnBetween(Hpa address, Gpa gpa) {
    events_.push_back({TableEvent::Kind::kBetween, address, 0, gpa.value});
  }
  // A processor sets flags in an entry. Nothing where no frame is.
  void SetFlags(Hpa address, std::uint64_t flags) {
    std::uint64_t* at = memory_.At(address);
    if (at == nullptr || (*at & flags) == flags) return;
    const std::uint64_t before = *at;
    *at |= flags;
    events_.push_back({TableEvent::Kind::kFlags, address, before, *at});
  }

  // A processor writes to the page of `gpa` by the tables under this
  // root, whatever flags that sets. For who keeps a log of it; not `sure`: as a
  // read that counts as a write, or in an access that ends at its second page.
  void OnWritten(Hpa root, Gpa gpa, bool sure = true) {
    if (!notes_writes_) return;
    TableEvent& event = events_.emplace_back();
    event.kind = TableEvent::Kind::kWritten;
    event.before = root.value;
    event.after = gpa.value;
    event.failed = !sure;
  }
  void set_notes_writes(bool notes) { notes_writes_ = notes; }
  bool notes_writes() const { return notes_writes_; }
  PageLogs& logs() { return logs_; }
  const PageLogs& logs() const { return logs_; }

  // The n-th allocation from now on fails, n from 1 on, and no other; 0: none.
  void FailAllocation(int n) {
    until_failure_ = n;
    failed_ = false;
  }
  // Whether one has, since that was last said.
  bool failed() const { return failed_; }

  FrameMemory& memory() { return memory_; }
  const FrameMemory& memory() const { return memory_; }
  // What happened since this was called last; what `events` held goes, its room
  // is used again.
  void TakeEvents(std::vector<TableEvent>& events) {
    events.clear();
    events_.swap(events);
  }

 private:
  bool Execute(ProcessorSet processors, const Invalidation& invept,
               bool any_type) {
    const bool failed =
        watcher_ != nullptr && watcher_->InveptFails(invept, any_type);
    if (!failed && watcher_ != nullptr) watcher_->BeforeInvept(processors);
    TableEvent& event = events_.emplace_back();
    event.kind = TableEvent::Kind::kInvept;
    event.before = RunningIn(invept.first);
    event.after = invept.first;
    event.processors = processors;
    event.type = invept.type;
    event.failed = failed;
    if (!failed && watcher_ != nullptr) watcher_->OnInvept(processors, invept);
    return !failed;
  }
  void ExecuteAsked(std::uint8_t processor) {
    for (std::size_t i = 0; i < asked_.size();) {
      if (asked_[i].first != processor) {
        ++i;
        continue;
      }
      const Invalidation invept = asked_[i].second;
      asked_.erase(asked_.begin() + static_cast<std::ptrdiff_t>(i));
      InveptOn(static_cast<ProcessorSet>(1 << processor), invept);
    }
  }

  FrameMemory memory_;
  std::vector<TableEvent> events_;
  std::vector<Hpa> free_;
  std::set<std::uint64_t> brought_;
  std::vector<std::pair<std::uint8_t, Invalidation>> asked_;
  std::uint64_t next_ = kFirstFrame;
  std::uint64_t end_ = kLastEnd;
  Watcher* watcher_ = nullptr;
  PageLogs logs_;
  bool notes_writes_ = false;
  bool awaits_store_ = true;
  int until_failure_ = 0;
  bool failed_ = false;
};

static_assert(TableHal<FramePool> && HasStoreHook<FramePool> &&
              HasBeforeStoreHook<FramePool>);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_FRAME_POOL_H_
