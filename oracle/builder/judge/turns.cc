#include "oracle/builder/judge/turns.h"

#include <utility>

namespace eptdiff {

bool Turns::Run(const Schedule& schedule, const std::function<void()>& one,
                std::function<void()> other) {
  schedule_ = schedule;
  other_ = std::move(other);
  turn_ = kOne;
  over_[kOne] = over_[kOther] = false;
  begun_ = stopped_ = false;
  stores_ = accesses_ = 0;
  running_ = true;
  one();
  const bool begun = begun_;
  if (begun) {
    End(kOne);
    thread_.join();
  }
  running_ = false;
  return begun;
}

void Turns::Pause() {
  if (!running_) return;
  const Thread to = turn_ == kOne ? kOther : kOne;
  if (!over_[to]) PassTo(to);
}

void Turns::Access() {
  if (turn_ != kOther || ++accesses_ != schedule_.access) return;
  stopped_ = true;
  if (!over_[kOne]) PassTo(kOne);
}

void Turns::BeforeStore() {
  if (turn_ == kOther) return Access();
  if (++stores_ == schedule_.store && !begun_) PassTo(kOther);
}

void Turns::PassTo(Thread to) {
  const Thread from = turn_;
  const bool begins = to == kOther && !begun_;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    turn_ = to;
    begun_ |= begins;
  }
  if (begins) {
    thread_ = std::thread([this] {
      Await(kOther);
      other_();
      End(kOther);
    });
  } else {
    passed_.notify_all();
  }
  Await(from);
}

void Turns::Await(Thread thread) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    passed_.wait(lock, [&] { return turn_ == thread; });
  }
  if (changed_) changed_();
}

void Turns::End(Thread thread) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over_[thread] = true;
    turn_ = thread == kOne ? kOther : kOne;
  }
  passed_.notify_all();
}

}  // namespace eptdiff
