// How to shoot down what another thread's cache has kept: ask, and wait until
// it has run the invalidation between two of its accesses. Meant for
// ThreadSanitizer.
//
// One thread moves a page, again and again; others are processors that read it.
// A read that begins when a move is settled must not see an older place.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "engine/cache/caching_engine.h"
#include "engine/memory.h"

namespace eptdiff {
namespace {

constexpr int kProcessors = 2;
constexpr std::uint64_t kMoves = 300;
constexpr std::uint64_t kPte = 0x4000, kRoot = 0x1000;

// A logical processor's mailbox, the one atomic word.
class Mailbox {
 public:
  // By anybody, who then waits.
  void Ask() { asked_.fetch_add(1); }
  bool IsDone() const { return asked_.load() == done_.load(); }
  // By its owner, between two accesses.
  void Answer(CachingEngine& engine) {
    const std::uint64_t asked = asked_.load();
    if (asked == done_.load()) return;
    engine.Invept(2, 0);
    done_.store(asked);
  }

 private:
  std::atomic<std::uint64_t> asked_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
};

struct Machine {
  Machine() : words(0x8000 / 8) {
    words[0x1000 / 8] = 0x2007;
    words[0x2000 / 8] = 0x3007;
    words[0x3000 / 8] = 0x4007;
    words[kPte / 8] = EntryFor(0);
  }
  static std::uint64_t EntryFor(std::uint64_t place) {
    return place << 12 | 0x37;
  }

  std::vector<std::uint64_t> words;
  std::atomic<std::uint64_t> settled = 0;
  std::array<Mailbox, kProcessors> mailboxes;
  std::atomic<bool> stop = false;
};

void RunProcessor(Machine& machine, Mailbox& mailbox, bool& as_expected) {
  const Processor processor = {.ept_vpid_cap = 0x06104140};
  Controls controls;
  controls.primary = 0x80000000;
  controls.secondary = 0x22;  // EPT, VPID
  controls.vpid = 1;
  controls.eptp = kRoot | 0x1e;
  TranslationCache cache(16);
  CachingEngine engine(cache, processor, controls);
  FlatMemory memory(machine.words.data(), machine.words.size() * 8);
  while (!machine.stop.load()) {
    mailbox.Answer(engine);
    const std::uint64_t settled = machine.settled.load();
    Event event;
    engine.PerformAccess(memory, Access(), Gpa{0}, GuestPage(), event);
    as_expected &= event.kind == EventKind::kCompleted &&
                   event.translations[0].address.value >> 12 >= settled;
  }
}

TEST(ShootdownTest, AfterwardsNobodyUsesWhatWasKept) {
  Machine machine;
  FlatMemory memory(machine.words.data(), machine.words.size() * 8);
  std::array<bool, kProcessors> as_expected = {true, true};
  std::vector<std::thread> threads;
  for (int i = 0; i < kProcessors; ++i) {
    threads.emplace_back(RunProcessor, std::ref(machine),
                         std::ref(machine.mailboxes[i]),
                         std::ref(as_expected[i]));
  }
  for (std::uint64_t place = 1; place <= kMoves; ++place) {
    memory.Store(Hpa{kPte}, Machine::EntryFor(place));
    for (Mailbox& mailbox : machine.mailboxes) mailbox.Ask();
    for (Mailbox& mailbox : machine.mailboxes) {
      while (!mailbox.IsDone()) std::this_thread::yield();
    }
    machine.settled.store(place);
  }
  machine.stop.store(true);
  for (std::thread& thread : threads) thread.join();
  for (const bool good : as_expected) EXPECT_TRUE(good);
}

}  // namespace
}  // namespace eptdiff
