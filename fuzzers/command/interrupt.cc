#include "fuzzers/command/interrupt.h"

#include <signal.h>

namespace eptdiff {
namespace {

volatile sig_atomic_t came = 0;

void Handle(int) { came = 1; }

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

}  // namespace eptdiff
