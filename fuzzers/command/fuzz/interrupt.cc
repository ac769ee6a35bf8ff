#include "fuzzers/command/fuzz/interrupt.h"

#include <signal.h>

#include "absl/strings/str_format.h"

namespace eptdiff {
namespace {

volatile sig_atomic_t came = 0;

void Handle(int signal) { came = signal; }

void Install(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
  came = 0;
  Install(Handle);
}
Interrupt::~Interrupt() { Install(SIG_DFL); }
bool Interrupt::Came() { return came != 0; }

std::string Interrupt::Words(double seconds) {
  if (!Came()) return "";
  return absl::StrFormat("ended early, by %s, after %.0f seconds",
                         came == SIGINT ? "SIGINT" : "SIGTERM", seconds);
}

}  // namespace eptdiff
