#include "fuzzers/check/scouts.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>
#include <string>
#include <utility>

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLookAfterMs = 50;

bool SendAll(int socket, const void* data, std::size_t size) {
  const auto* at = static_cast<const char*>(data);
  while (size != 0) {
    const ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool ReceiveAll(int socket, void* data, std::size_t size) {
  auto* at = static_cast<char*>(data);
  while (size != 0) {
    const ssize_t got = recv(socket, at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

// Followed by the alterations of a new dialect, whose addresses are the same in
// all of them, and by news.
struct Scouts::Order {
  bool is_last = false;  // asks for the totals, and for nothing more
  bool new_dialect = false;
  std::uint32_t alterations = 0;
  std::uint64_t news = 0;
  // Batches first, first + stride, ...
  std::uint64_t first = 0;
  std::uint64_t stride = 1;
  std::uint64_t batches = 0;
  std::uint64_t last = 0;  // the one with last_count cases
  std::uint64_t last_count = 0;
};

Scouts::Scouts(const TargetOpener& open, unsigned count, const NewCases& cases,
               const Dialect& dialect, const RulePlaces& seen) {
  void* shared =
      mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    any_lost_ = true;
    return;
  }
  stop_ = new (shared) std::atomic<bool>(false);
  std::fflush(nullptr);  // or each would print it again
  for (unsigned i = 0; i < count; ++i) {
    Member& member = members_.emplace_back();
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      any_lost_ = true;
      continue;
    }
    const pid_t parent = getpid();
    member.process = fork();
    if (member.process == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(0);
      // An interrupt is for whoever decides.
      signal(SIGINT, SIG_IGN);
      for (const Member& other : members_) {
        if (other.socket >= 0) close(other.socket);
      }
      close(ends[0]);
      Serve(ends[1], open, cases, dialect, seen);
    }
    close(ends[1]);
    member.socket = ends[0];
    if (member.process < 0) Lose(member);
  }
}

Scouts::~Scouts() {
  for (Member& member : members_) Lose(member);
  if (stop_ != nullptr) munmap(stop_, sizeof(*stop_));
}

void Scouts::Lose(Member& member) {
  any_lost_ = true;
  if (member.socket >= 0) close(std::exchange(member.socket, -1));
  if (member.process <= 0) return;
  kill(member.process, SIGKILL);
  while (waitpid(member.process, nullptr, 0) < 0 && errno == EINTR) {
  }
  member.process = -1;
}

void Scouts::Serve(int socket, const TargetOpener& open, NewCases cases,
                   Dialect dialect, const RulePlaces& seen) {
  const std::unique_ptr<TargetOracle> oracle = open();
  if (oracle == nullptr) _exit(1);
  Scout scout(*oracle, cases, dialect, seen);
  const auto waited_before = oracle->waited();
  Clock::duration worked{0};
  std::vector<const Alteration*> alterations;
  std::vector<std::uint8_t> news;
  std::vector<ScoutedBatch> results;
  Order order;
  while (ReceiveAll(socket, &order, sizeof(order))) {
    const Clock::time_point start = Clock::now();
    alterations.resize(order.alterations);
    news.resize(order.news);
    if (!ReceiveAll(socket, alterations.data(),
                    alterations.size() * sizeof(const Alteration*)) ||
        !ReceiveAll(socket, news.data(), news.size())) {
      break;
    }
    if (order.new_dialect) scout.SetDialect(Dialect("found", alterations));
    cases.Learn(news);
    if (order.is_last) {
      ScoutTotals totals;
      totals.answers = scout.answers();
      totals.worked = worked - (oracle->waited() - waited_before);
      totals.leaks = oracle->leaks();
      SendAll(socket, &totals, sizeof(totals));
      break;
    }
    results.assign(order.batches, ScoutedBatch());
    for (std::uint64_t i = 0; i < order.batches && !*stop_; ++i) {
      const std::uint64_t batch = order.first + i * order.stride;
      const std::size_t count =
          batch == order.last ? order.last_count : ScoutedBatch::kCases;
      scout.Go(batch, count, results[i]);
    }
    worked += Clock::now() - start;
    if (!SendAll(socket, results.data(),
                 results.size() * sizeof(ScoutedBatch))) {
      break;
    }
  }
  _exit(0);  // the target's process sees that, and ends
}

void Scouts::Tell(std::span<const std::uint8_t> news) {
  news_.insert(news_.end(), news.begin(), news.end());
}

void Scouts::Tell(const Dialect& dialect) {
  new_dialect_ = true;
  dialect_.assign(dialect.alterations().begin(), dialect.alterations().end());
}

void Scouts::Await(const Member& member, const std::function<bool()>& goes_on) {
  for (;;) {
    pollfd ready = {.fd = member.socket, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, kLookAfterMs) > 0) return;
    if (!goes_on()) *stop_ = true;
  }
}

void Scouts::Go(std::uint64_t first, std::size_t last_count,
                std::span<ScoutedBatch> results,
                const std::function<bool()>& goes_on) {
  if (stop_ == nullptr) return;
  *stop_ = false;
  const std::size_t count = members_.size();
  const auto batches_of = [&](std::size_t i) {
    return (results.size() + count - 1 - i) / count;
  };
  for (std::size_t i = 0; i < count; ++i) {
    Member& member = members_[i];
    if (member.socket < 0) continue;
    const Order order = {
        .new_dialect = new_dialect_,
        .alterations = static_cast<std::uint32_t>(dialect_.size()),
        .news = news_.size(),
        .first = first + i,
        .stride = count,
        .batches = batches_of(i),
        .last = first + results.size() - 1,
        .last_count = last_count};
    if (!SendAll(member.socket, &order, sizeof(order)) ||
        !SendAll(member.socket, dialect_.data(),
                 dialect_.size() * sizeof(const Alteration*)) ||
        !SendAll(member.socket, news_.data(), news_.size())) {
      Lose(member);
    }
  }
  news_.clear();
  dialect_.clear();
  new_dialect_ = false;
  std::vector<ScoutedBatch> own;
  for (std::size_t i = 0; i < count; ++i) {
    Member& member = members_[i];
    if (member.socket < 0) continue;
    own.resize(batches_of(i));
    if (own.empty()) continue;  // nothing is said of nothing
    Await(member, goes_on);
    if (!ReceiveAll(member.socket, own.data(),
                    own.size() * sizeof(ScoutedBatch))) {
      Lose(member);
      continue;
    }
    for (std::size_t k = 0; k < own.size(); ++k)
      results[i + k * count] = own[k];
  }
}

ScoutTotals Scouts::Finish() {
  ScoutTotals all;
  for (Member& member : members_) {
    const Order order = {.is_last = true};
    ScoutTotals totals;
    if (member.socket >= 0 && SendAll(member.socket, &order, sizeof(order)) &&
        ReceiveAll(member.socket, &totals, sizeof(totals))) {
      all.answers.Add(totals.answers);
      all.worked += totals.worked;
      all.leaks += totals.leaks;
    }
    Lose(member);
  }
  members_.clear();
  return all;
}

}  // namespace eptdiff
