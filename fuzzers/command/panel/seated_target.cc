#include "fuzzers/command/panel/seated_target.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "oracle/target/object/sanitizer_runtime.h"
#include "oracle/target/process/guarded_memory.h"
#include "oracle/target/profile/builder_profile.h"
#include "oracle/target/profile/profile.h"
#include "oracle/target/session/direct_session.h"
#include "oracle/target/session/open_target.h"
#include "oracle/target/session/outside_builder.h"
#include "oracle/target/session/shared_object.h"

namespace eptdiff {
namespace {

// What would cost a child its life costs this process: a debugger is to see it.
[[noreturn]] void End(const Incident& incident) {
  std::fflush(stdout);
  absl::FPrintF(stderr, "eptdiff: of the target: %s\n", WordsOf(incident));
  std::abort();
}
void EndLoads() {
  End({IncidentKind::kStepLimit, GuardedMemory::kMaxCallbacks});
}

absl::Status Unfit(const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("--target: ", why));
}

absl::Status SeatBuilder(const BuilderFunctions& functions, Panel& panel) {
  eptdiff_builder_profile profile = BlankBuilderProfile();
  functions.describe(&profile);
  if (const std::string fault = FaultOf(profile); !fault.empty()) {
    return Unfit(fault);
  }
  auto trial = std::make_unique<BuilderTrial>(
      std::make_unique<OutsideBuilder>(functions, profile, End));
  trial->Allow(profile.waives);
  trial->set_refusals(RefusalsIn(profile));
  panel.SeatBuilder(std::move(trial));
  return absl::OkStatus();
}

absl::Status SeatWalker(const TargetFunctions& functions,
                        const std::string& path, Panel& panel) {
  auto session = std::make_unique<DirectSession>(functions, EndLoads);
  if (const std::string fault = FaultOf(session->profile()); !fault.empty()) {
    return Unfit(fault);
  }
  panel.Seat(
      std::make_unique<TargetOracle>(std::move(session), NameOfTarget(path)));
  return absl::OkStatus();
}

}  // namespace

absl::Status SeatTarget(const std::string& path, Panel& panel) {
  std::string error;
  if (!IsSharedObject(path)) {
    auto program = OpenTarget(path, {}, {.keeps_output = false}, error);
    if (program == nullptr) return Unfit(error);
    panel.Seat(std::move(program));
    return absl::OkStatus();
  }
  if (error = HaveRuntime(path); !error.empty()) return Unfit(error);
  BuilderFunctions builder;
  bool is_builder = false;
  if (LoadBuilder(path, builder, is_builder, error)) {
    if (absl::Status s = SeatBuilder(builder, panel); !s.ok()) return s;
  } else if (is_builder) {
    return Unfit(error);
  }
  TargetFunctions walker;
  bool is_walker = false;
  if (LoadWalker(path, walker, is_walker, error)) {
    return SeatWalker(walker, path, panel);
  }
  return is_walker || !is_builder ? Unfit(error) : absl::OkStatus();
}

}  // namespace eptdiff
