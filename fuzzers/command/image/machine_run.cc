#include "fuzzers/command/image/machine_run.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/fuzz/worker.h"
#include "fuzzers/command/image/programs.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

// MBytes: a page of 1 GByte, and more, unless another size is asked for.
int MemoryOf(const MachineRun& run) {
  constexpr int kMemory = 3072;
  return run.memory == 0 ? kMemory : run.memory;
}

// Where ci/bochs_machine puts it.
absl::StatusOr<std::string> WholeBochs() {
  std::string cache;
  if (const char* given = std::getenv("EPTDIFF_BOCHS_MACHINE");
      given != nullptr && *given != '\0') {
    return FindFileOf("", {given});
  }
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr) {
    cache = xdg;
  }
  if (const char* home = std::getenv("HOME");
      cache.empty() && home != nullptr) {
    cache = absl::StrCat(home, "/.cache");
  }
  const std::string file =
      absl::StrCat(cache, "/eptdiff/bochs-3.0-machine/bochs");
  auto found = FindFileOf("", {file});
  if (found.ok()) return found;
  return absl::FailedPreconditionError(absl::StrCat(
      file,
      " is not there: ci/bochs_machine builds it, in some minutes; or "
      "EPTDIFF_BOCHS_MACHINE names another"));
}

struct Command {
  std::vector<std::string> arguments;
  std::string serial;  // the file that gets what the image says
};

// The file that gets what the program prints.
std::string OutputOf(const MachineRun& run) { return run.room + "/output"; }

absl::StatusOr<Command> BochsCommand(const MachineRun& run,
                                     const std::string& program,
                                     const std::string& display,
                                     const std::string& model,
                                     bool has_debugger) {
  const auto rom =
      FindFileOf("bochsbios", {"/usr/share/bochs/BIOS-bochs-latest"});
  if (!rom.ok()) return rom.status();
  const auto video =
      FindFileOf("vgabios", {"/usr/share/vgabios/vgabios.stdvga.bin",
                             "/usr/share/vgabios/vgabios.bin"});
  if (!video.ok()) return video.status();
  Command command;
  // What goes to port E9H it prints, at once; a serial line takes its time, as
  // 115200 bits a second are.
  command.serial = OutputOf(run);
  const std::string settings = run.room + "/bochsrc";
  const int memory = MemoryOf(run);
  // Debian's crashes where there is no sound card; the other has no sound.
  const char* sound = has_debugger ? "sound: driver=dummy\n" : "";
  // It knows the state of each block by a name, and looks for a new one's among
  // all of them: with the blocks that it has by itself, that is a second and
  // more before anything boots. Debian's has no choice.
  const char* blocks = has_debugger ? "" : ", block_size=1024";
  absl::Status s = WriteFile(
      settings,
      absl::StrCat("display_library: ", display, "\n", "memory: guest=", memory,
                   ", host=", std::min(memory, 2048), blocks, "\n",
                   "romimage: file=", *rom, "\n", "vgaromimage: file=", *video,
                   "\n", "cpu: model=", model,
                   ", count=1, ips=100000000, reset_on_triple_fault=0, "
                   "ignore_bad_msrs=1\n",
                   "clock: sync=none, time0=local\n",
                   "ata0-master: type=cdrom, path=", run.iso,
                   ", status=inserted\n", "boot: cdrom\n", "com1: enabled=0\n",
                   sound, "port_e9_hack: enabled=1\n", "log: ", run.room,
                   "/log\n", "panic: action=report\nerror: action=ignore\n",
                   "info: action=ignore\n"));
  if (!s.ok()) return s;
  command.arguments = {program, "-q", "-f", settings};
  if (has_debugger) {
    // It stops before the first instruction, to be told to go on.
    const std::string script = run.room + "/continue";
    if (absl::Status c = WriteFile(script, "c\n"); !c.ok()) return c;
    command.arguments.insert(command.arguments.end(), {"-rc", script});
  }
  return command;
}

absl::StatusOr<Command> QemuCommand(const MachineRun& run, bool by_uefi) {
  const auto program = FindProgram("qemu-system-x86_64");
  if (!program.ok()) return program.status();
  Command command;
  command.serial = run.room + "/serial";
  command.arguments = {*program,
                       "-nodefaults",
                       "-display",
                       "none",
                       "-no-reboot",
                       "-m",
                       absl::StrCat(MemoryOf(run)),
                       "-cpu",
                       run.model.empty() ? "max" : run.model,
                       "-cdrom",
                       run.iso,
                       "-vga",
                       "std",
                       "-serial",
                       "file:" + command.serial,
                       "-device",
                       "isa-debug-exit,iobase=0x501,iosize=2"};
  if (by_uefi) {
    const auto firmware = FindFileOf(
        "ovmf", {"/usr/share/ovmf/OVMF.fd", "/usr/share/qemu/OVMF.fd"});
    if (!firmware.ok()) return firmware.status();
    command.arguments.insert(command.arguments.end(), {"-bios", *firmware});
  }
  return command;
}

absl::StatusOr<Command> CommandOf(const MachineRun& run) {
  const auto model = [&](const char* usual) {
    return run.model.empty() ? std::string(usual) : run.model;
  };
  if (run.machine == "bochs") {
    const auto program = FindProgram("bochs");
    if (!program.ok()) return program.status();
    return BochsCommand(run, *program, "rfb, options=\"timeout=0\"",
                        model("corei7_skylake_x"), true);
  }
  if (run.machine == "bochs-3.0") {
    const auto program = WholeBochs();
    if (!program.ok()) return program.status();
    return BochsCommand(run, *program, "nogui", model("arrow_lake"), false);
  }
  return QemuCommand(run, run.machine == "qemu-uefi");
}

// What has been added to a file since the last time.
class Tail {
 public:
  explicit Tail(const std::string& path) : path_(path) {}

  void Read(const std::function<void(absl::string_view)>& take) {
    if (!file_.is_open()) file_.open(path_, std::ios::binary);
    if (!file_.is_open()) return;
    char bytes[1 << 16];
    for (;;) {
      file_.clear();  // it may have grown
      file_.read(bytes, sizeof(bytes));
      if (file_.gcount() <= 0) return;
      take(absl::string_view(bytes, static_cast<std::size_t>(file_.gcount())));
    }
  }

 private:
  const std::string path_;
  std::ifstream file_;
};

// Bochs goes on after a panic of its own; what it panicked at, each once. The
// end of a run is one, too.
std::vector<std::string> PanicsIn(const std::string& log) {
  const auto text = ReadBytes(log, std::size_t{1} << 26);
  std::vector<std::string> panics;
  if (!text.ok()) return panics;
  constexpr absl::string_view kMark = ">>PANIC<< ";
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::size_t at = line.find(kMark);
    if (at == absl::string_view::npos ||
        line.find("hutdown") != absl::string_view::npos) {
      continue;
    }
    const std::string panic(line.substr(at + kMark.size()));
    if (std::find(panics.begin(), panics.end(), panic) == panics.end()) {
      panics.push_back(panic);
    }
  }
  return panics;
}

std::string LastLines(const std::string& path, std::size_t lines) {
  const auto text = ReadBytes(path, std::size_t{1} << 24);
  if (!text.ok()) return "";
  std::vector<std::string> all =
      absl::StrSplit(*text, '\n', absl::SkipWhitespace());
  if (all.size() > lines) all.erase(all.begin(), all.end() - lines);
  return absl::StrJoin(all, "\n");
}

}  // namespace

std::vector<std::string> MachineNames() {
  return {"bochs", "bochs-3.0", "qemu", "qemu-uefi"};
}

// Bochs, of either version, ends at a fetch from the APIC-access page, and
// reads a gate of 16 bytes in two parts, of which it cuts the first one's
// second page at 32 bits (GW-21); 2.7 goes on blocking virtual NMIs in the
// guests that come after one which blocked them.
std::string NotSurvivedBy(const std::string& machine) {
  if (machine == "bochs") return "apic-fetch,split-gates,virtual-nmis";
  return machine.starts_with("bochs") ? "apic-fetch,split-gates,split-tokens"
                                      : "";
}

// No processor of Bochs has the erratum of pages that change their size.
std::string SurvivedBy(const std::string& machine) {
  return machine.starts_with("bochs") ? "page-sizes" : "";
}

absl::StatusOr<MachineEnd> RunMachine(
    const MachineRun& run,
    const std::function<void(absl::string_view)>& serial) {
  const auto command = CommandOf(run);
  if (!command.ok()) return command.status();
  std::error_code none;  // of an earlier run in the same room
  std::filesystem::remove(command->serial, none);
  WorkerCommand start;
  start.arguments = command->arguments;
  start.log = OutputOf(run);
  auto worker = Worker::Start(start);
  if (!worker.ok()) return worker.status();
  const Clock::time_point end = Clock::now() + run.limit;
  Tail tail(command->serial);
  MachineEnd result;
  while (!worker->HasEnded()) {
    tail.Read(serial);
    if (Clock::now() >= end || Interrupt::Came()) {
      result.in_time = false;
      worker->Kill();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  tail.Read(serial);
  result.how = worker->HowItEnded();
  result.said = LastLines(start.log, 5);
  result.panics = PanicsIn(run.room + "/log");
  return result;
}

}  // namespace eptdiff
