#include "fuzzers/feedback/target_host.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace eptdiff {
namespace {

constexpr int kInterruptExitCode = 72;  // libFuzzer's own
// The clock is looked at once in so many cases.
constexpr std::uint64_t kCasesBetween = 256;

volatile std::sig_atomic_t interrupted = 0;

TargetHost* the_host = nullptr;

}  // namespace

std::string Environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

bool ReplaceFile(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "w");
  if (file == nullptr) return false;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  if (written && closed && std::rename(fresh.c_str(), path.c_str()) == 0) {
    return true;
  }
  std::remove(fresh.c_str());
  return false;
}

TargetHost::TargetHost(std::function<std::string()> statistics)
    : statistics_(std::move(statistics)),
      reported_(std::chrono::steady_clock::now()) {
  std::ifstream muted(Environment("EPTDIFF_MUTED"));
  for (std::string line; std::getline(muted, line);) muted_.insert(line);
  the_host = this;
  std::atexit([] { the_host->Report(); });
  // libFuzzer leaves a handler alone that is there before its own.
  for (const int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, [](int) {
      if (interrupted != 0) std::_Exit(kInterruptExitCode);
      interrupted = 1;
    });
  }
}

void TargetHost::BeginCase() {
  if (interrupted == 0) return;
  Report();
  std::_Exit(kInterruptExitCode);
}

void TargetHost::EndCase() {
  if (++cases_ % kCasesBetween != 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - reported_ < std::chrono::seconds(1)) return;
  reported_ = now;
  Report();
}

void TargetHost::Fail(const std::string& signature,
                      const std::string& details) {
  std::fprintf(stderr, "ASSERTION FAILED: %s\n%s\n", signature.c_str(),
               details.c_str());
  Report();
  std::abort();
}

void TargetHost::Report() const {
  if (!stats_path_.empty()) ReplaceFile(stats_path_, statistics_());
}

}  // namespace eptdiff
