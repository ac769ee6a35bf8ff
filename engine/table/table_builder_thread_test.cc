// One thread changes a table; others are the processors that walk it and set
// its accessed and dirty flags. Meant for ThreadSanitizer.
//
// Every 4-KByte page has a state that is published: what it was before the
// operation that is under way, and what it will be. A walk during which the
// publication did not change must find one of the two. A write that completed
// must find its dirty flag again, whatever happened to the page meanwhile.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "engine/table/table_builder.h"
#include "engine/table/test_frames.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000;
constexpr int kPages = 1024;  // two pages of 2 MBytes
constexpr int kWalkers = 2;
// The pages that are walked and written most.
constexpr int kHot[] = {0, 1, 511, 512, 1023};
constexpr std::uint64_t kFirstHpa[] = {0x40000000, 0x80000000};

// Frames in one arena. INVEPT waits until every walker has begun a new walk, as
// a processor would have to.
class SharedFrames {
 public:
  SharedFrames() : words_(kFrames * 512) {
    for (int i = 0; i < kFrames; ++i) free_.push_back(Hpa{kBase + i * k4K});
  }
  std::optional<Hpa> AllocateFrame() {
    const Hpa frame = free_.back();
    free_.pop_back();
    return frame;
  }
  void FreeFrame(Hpa frame) {
    // Whoever still walks it ends up nowhere near.
    for (int i = 0; i < 512; ++i) {
      __atomic_store_n(Pointer(frame) + i, 0x3ffffff0f7, __ATOMIC_RELAXED);
    }
    free_.insert(free_.begin(), frame);
  }
  std::uint64_t* Pointer(Hpa frame) {
    const std::uint64_t offset = frame.value - kBase;
    return offset < kFrames * k4K ? &words_[offset / 8] : nullptr;
  }
  void Invept(std::uint64_t) {
    const std::uint64_t now = epoch_.fetch_add(1) + 1;
    for (auto& seen : seen_) {
      while (seen.load() < now) std::this_thread::yield();
    }
  }
  void OnStore(Hpa, std::uint64_t, std::uint64_t) {
    if (++stores_ % 7 == 0) std::this_thread::yield();
  }
  // A walker has no walk under way.
  void Rest(int walker) { seen_[walker].store(epoch_.load()); }
  void Leave(int walker) { seen_[walker].store(~std::uint64_t{0}); }

 private:
  static constexpr std::uint64_t kBase = 0x100000;
  static constexpr int kFrames = 16;
  int stores_ = 0;  // the builder may lose its turn, too
  std::vector<std::uint64_t> words_;
  std::vector<Hpa> free_;
  std::atomic<std::uint64_t> epoch_ = 0;
  std::array<std::atomic<std::uint64_t>, kWalkers> seen_ = {};
};

// Memory of a processor that others overtake: between two accesses it may lose
// its turn.
class InterruptedMemory {
 public:
  InterruptedMemory(SharedFrames& frames, std::mt19937& random)
      : memory_(frames), random_(&random) {}

  bool Load(Hpa address, std::uint64_t& word) const {
    Interrupt();
    return memory_.Load(address, word);
  }
  bool Store(Hpa address, std::uint64_t value) {
    return memory_.Store(address, value);
  }
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    Interrupt();
    return memory_.CompareExchange(address, expected, desired);
  }

 private:
  void Interrupt() const {
    if ((*random_)() % 64 == 0) std::this_thread::yield();
  }
  TableMemory<SharedFrames> memory_;
  std::mt19937* random_;
};

// What a page is: 0 for not mapped; 1 or 2 for which memory, | 4 if writable.
using State = std::uint32_t;
constexpr State kWritable = 4;

// A state before and after, whether writes count, and a number that is new
// whenever the dirty flag starts anew.
struct Published {
  State before = 0, after = 0;
  bool counts = true;
  std::uint32_t life = 0;

  std::uint64_t Packed() const {
    return std::uint64_t{life} << 32 | std::uint64_t{counts} << 16 |
           before << 8 | after;
  }
  static Published From(std::uint64_t word) {
    return {static_cast<State>(word >> 8 & 0xff),
            static_cast<State>(word & 0xff), (word >> 16 & 1) != 0,
            static_cast<std::uint32_t>(word >> 32)};
  }
};

class Machine {
 public:
  using Builder = TableBuilder<SharedFrames>;

  Machine() {
    TableError error;
    builder_.emplace(std::move(*Builder::Create(
        frames_, TableProcessor(), TableControls(/*eptp=*/0x5e), error)));
    life_.fill(1);
  }

  void Run(int operations) {
    std::vector<std::thread> walkers;
    for (int i = 0; i < kWalkers; ++i) {
      walkers.emplace_back([this, i] { Walk(i); });
    }
    for (int i = 0; i < operations; ++i) Operate();
    stop_ = true;
    for (std::thread& walker : walkers) walker.join();
  }

  std::atomic<int> third_things = 0;  // neither old nor new
  std::atomic<int> judged = 0;
  std::atomic<int> writes = 0;
  int lost = 0;  // dirty flags
  int removed_dirty = 0;

 private:
  static constexpr EptFlags kRead = EptFlags::kRead | EptFlags::kWriteBack;

  static EptFlags FlagsOf(State state) {
    return (state & kWritable) != 0 ? kRead | EptFlags::kWrite : kRead;
  }

  void Walk(int walker) {
    std::mt19937 random(walker + 1);
    Engine engine(TableProcessor(), builder_->controls());
    InterruptedMemory memory(frames_, random);
    int judged_here = 0, writes_here = 0;
    while (!stop_) {
      frames_.Rest(walker);
      const int page = random() % 8 != 0 ? kHot[random() % std::size(kHot)]
                                         : static_cast<int>(random() % kPages);
      const bool write = random() % 2 == 0;
      std::uint64_t word = published_[page].load();
      Event event;
      const Access access = {.kind = write ? AccessKind::kWrite
                                           : AccessKind::kRead};
      engine.PerformAccess(memory, access, Gpa{page * k4K}, GuestPage{}, event);
      // A read-modify-write, so that no part of the walk comes after it.
      if (published_[page].fetch_add(0) != word) continue;
      ++judged_here;
      const Published published = Published::From(word);
      if (!Shows(published.before, page, write, event) &&
          !Shows(published.after, page, write, event)) {
        ++third_things;
      }
      if (write && event.kind == EventKind::kCompleted && published.counts) {
        wrote_[page].store(published.life);
        ++writes_here;
      }
    }
    frames_.Leave(walker);
    judged += judged_here;
    writes += writes_here;
  }

  // Whether `event` is what an access to a page in `state` ends in.
  static bool Shows(State state, int page, bool write, const Event& event) {
    if (event.kind == EventKind::kCompleted) {
      return (state & 3) != 0 && (!write || (state & kWritable) != 0) &&
             event.translations[0].address.value ==
                 kFirstHpa[(state & 3) - 1] + page * k4K;
    }
    const std::uint64_t rights = event.qualification >> 3 & 7;
    return event.exit_reason == 48 && rights == ((state & 3) != 0 ? 1u : 0u) &&
           (state == 0 || (write && (state & kWritable) == 0));
  }

  void Operate() {
    // Whole large pages, halves, and odd pieces.
    constexpr int kEdges[] = {0, 1, 256, 511, 512, 513, 700, 1023, kPages};
    const int a = random_() % 8;
    const int b = a + 1 + random_() % (8 - a);
    const int first = kEdges[a], last = kEdges[b];
    const Gpa gpa{first * k4K};
    const std::uint64_t bytes = (last - first) * k4K;
    const State memory = random_() % 8 == 0 ? 2 : 1;
    const State rights = random_() % 2 == 0 ? kWritable : 0;

    switch (random_() % 6) {
      case 0:
      case 1: {
        for (int i = first; i < last; ++i) {
          if (state_[i] != 0) return;
        }
        const State now = memory | rights;
        Publish(first, last, [&](State) { return now; }, /*new_life=*/true);
        EXPECT_TRUE(builder_
                        ->MapRegion(gpa, Hpa{kFirstHpa[memory - 1] + gpa.value},
                                    bytes, FlagsOf(now))
                        .ok());
        break;
      }
      case 2:
        Publish(first, last, [](State) { return 0; }, false);
        dirty_.fill(false);
        EXPECT_TRUE(
            builder_
                ->UnmapRegion(gpa, bytes, [this](const Mapping& m) { Gone(m); })
                .ok());
        CheckGone(first, last);
        break;
      case 3:
        Publish(
            first, last,
            [&](State was) { return was == 0 ? 0 : (was & 3) | rights; },
            false);
        EXPECT_TRUE(builder_->ProtectRegion(gpa, bytes, FlagsOf(rights)).ok());
        break;
      case 4:
        Fill(memory | rights);
        EXPECT_TRUE(builder_->MergeRegion(Gpa{0}, 2 * k2M).ok());
        break;
      default:
        if (state_[first] == 0) return;
        Mapping page;
        builder_->Query(gpa, page);
        if (page.gpa != gpa) return;
        Replace(page, memory | rights);
        break;
    }
    Settle();
    CheckMapped();
  }

  // Makes large pages possible: maps what is not, all with the same rights.
  void Fill(State now) {
    for (int i = 0; i < kPages; ++i) {
      if (state_[i] != 0) continue;
      Publish(i, i + 1, [&](State) { return now; }, /*new_life=*/true);
      EXPECT_TRUE(builder_
                      ->Map(Gpa{i * k4K},
                            Hpa{kFirstHpa[(now & 3) - 1] + i * k4K},
                            PageSize::k4KByte, FlagsOf(now))
                      .ok());
    }
    Publish(
        0, kPages, [&](State was) { return (was & 3) | (now & kWritable); },
        false);
    EXPECT_TRUE(
        builder_->ProtectRegion(Gpa{0}, kPages * k4K, FlagsOf(now)).ok());
    // Nobody has written to them since, so that many want to.
    Publish(0, kPages, [](State was) { return was; }, false, /*counts=*/false);
    EXPECT_TRUE(builder_
                    ->ClearFlags(Gpa{0}, kPages * k4K,
                                 EptFlags::kAccessed | EptFlags::kDirty)
                    .ok());
    for (std::uint32_t& life : life_) ++life;
    Settle();
  }

  // To other memory, of which nothing has been written yet.
  void Replace(const Mapping& page, State now) {
    const int first = static_cast<int>(page.gpa.value / k4K);
    const int last = first + static_cast<int>(page.bytes / k4K);
    Publish(first, last, [&](State) { return now; }, false, /*counts=*/false);
    Mapping replaced;
    EXPECT_TRUE(builder_
                    ->Remap(page.gpa,
                            Hpa{kFirstHpa[(now & 3) - 1] + page.gpa.value},
                            FlagsOf(now), &replaced)
                    .ok());
    dirty_.fill(false);
    Gone(replaced);
    CheckGone(first, last);
    for (int i = first; i < last; ++i) ++life_[i];
  }

  template <typename Change>
  void Publish(int first, int last, const Change& change, bool new_life,
               bool counts = true) {
    for (int i = first; i < last; ++i) {
      const State next = change(state_[i]);
      if (new_life) ++life_[i];
      published_[i].store(
          Published{state_[i], next, counts, life_[i]}.Packed());
      state_[i] = next;
    }
  }
  void Settle() {
    for (int i = 0; i < kPages; ++i) {
      published_[i].store(
          Published{state_[i], state_[i], true, life_[i]}.Packed());
    }
  }

  void Gone(const Mapping& page) {
    if (!page.flags.Has(EptFlags::kDirty)) return;
    for (std::uint64_t i = 0; i < page.bytes / k4K; ++i) {
      dirty_[page.gpa.value / k4K + i] = true;
    }
    ++removed_dirty;
  }
  void CheckGone(int first, int last) {
    for (int i = first; i < last; ++i) {
      if (wrote_[i].load() == life_[i] && !dirty_[i]) ++lost;
      wrote_[i].store(0);
    }
  }
  void CheckMapped() {
    for (int i = 0; i < kPages; ++i) {
      if (state_[i] == 0 || wrote_[i].load() != life_[i]) continue;
      Mapping page;
      builder_->Query(Gpa{i * k4K}, page);
      if (!page.flags.Has(EptFlags::kDirty)) ++lost;
    }
  }

  SharedFrames frames_;
  std::optional<Builder> builder_;
  std::mt19937 random_{7};
  std::atomic<bool> stop_ = false;
  std::array<std::atomic<std::uint64_t>, kPages> published_ = {};
  std::array<std::atomic<std::uint32_t>, kPages> wrote_ = {};  // in which life
  std::array<State, kPages> state_ = {};
  std::array<std::uint32_t, kPages> life_;  // from 1 on
  std::array<bool, kPages> dirty_ = {};
};

TEST(TableBuilderThreadTest, WalkersSeeOldOrNewAndLoseNoFlag) {
  Machine machine;
  machine.Run(/*operations=*/800);
  EXPECT_EQ(machine.third_things, 0);
  EXPECT_EQ(machine.lost, 0);
  // Something was there to be seen.
  EXPECT_GT(machine.judged, 1000);
  EXPECT_GT(machine.writes, 100);
  EXPECT_GT(machine.removed_dirty, 10);
}

}  // namespace
}  // namespace eptdiff
