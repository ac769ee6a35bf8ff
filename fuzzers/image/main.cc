// The image's own main(): what this machine is, whether it can be asked, and
// then all that it is asked.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "fuzzers/encoding/encoding.h"
#include "fuzzers/image/image_run.h"
#include "oracle/fixed_vector.h"
#include "oracle/processor/image/boot_information.h"
#include "oracle/processor/image/clock.h"
#include "oracle/processor/image/console.h"
#include "oracle/processor/image/firmware.h"
#include "oracle/processor/image/guest_machine.h"
#include "oracle/processor/image/heap.h"
#include "oracle/processor/image/interrupts.h"
#include "oracle/processor/image/port.h"
#include "oracle/processor/image/vmx.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff::image {
namespace {

constexpr std::string_view kVersion = EPTDIFF_VERSION;
constexpr std::uint64_t kMegabyte = 1 << 20;
constexpr std::uint64_t kHeapBytes = 48 * kMegabyte;
constexpr std::uint64_t kPage = 4096;
// What cases may lie in, at least: some pages of 2 MBytes.
constexpr std::uint64_t kLeastBytes = 64 * kMegabyte;

// What no program can see of its own accesses (inquiry.cc).
constexpr FieldSet kFields =
    kAllFields &
    ~(SetOf(Field::kFailedCheck) | SetOf(Field::kPageSize) |
      SetOf(Field::kMemoryType) | SetOf(Field::kStructureMemoryType));

void ToPorts(void*, std::string_view text) { SayToPorts(text); }

// One line of the screen, over and over.
void ShowProgress(const ReportCounts& counts) {
  char line[80];
  std::size_t length = 0;
  const auto words = [&](std::string_view text) {
    for (const char c : text) {
      if (length < sizeof line) line[length++] = c;
    }
  };
  const auto number = [&](std::uint64_t value, std::string_view of_what) {
    char digits[20];
    std::size_t first = sizeof digits;
    do {
      digits[--first] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    words({digits + first, sizeof digits - first});
    words(of_what);
  };
  words("\r");
  number(counts.cases, " cases: ");
  number(counts.agrees, " agree, ");
  number(counts.departs, " depart, ");
  number(counts.skipped, " skipped");
  SayOnScreen({line, length});
  FlushToFirmware();
}

// Above the line of progress, which is shown again after it. A screen has room
// for some.
void ShowFinding(std::string_view signature) {
  constexpr int kShown = 8;
  static int seen = 0;
  if (++seen > kShown + 1) return;
  char line[79];
  std::memset(line, ' ', sizeof line);
  const std::string_view words =
      seen <= kShown ? signature : "and more, which are not shown here";
  std::memcpy(line, words.data(), std::min(words.size(), sizeof line));
  SayOnScreen("\r");
  SayOnScreen({line, sizeof line});
  SayOnScreen("\n");
}

// CPUID's words, as long as the facts are.
struct Names {
  char vendor[12];
  char hypervisor[12];
  char brand[48];
};

void ReadName(const CpuidResult& r, char* name) {
  std::memcpy(name, &r.ebx, 4);
  std::memcpy(name + 4, &r.ecx, 4);
  std::memcpy(name + 8, &r.edx, 4);
}

// CPUID pads names with zeros, and some with spaces before them.
std::string_view WordsOfName(std::string_view name) {
  name = name.substr(0, name.find('\0'));
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
  return name;
}

MachineFacts ReadFacts(const BootInformation& boot, Names& names) {
  MachineFacts facts;
  const CpuidResult leaf0 = Cpuid(0), leaf1 = Cpuid(1);
  std::memcpy(names.vendor, &leaf0.ebx, 4);
  std::memcpy(names.vendor + 4, &leaf0.edx, 4);
  std::memcpy(names.vendor + 8, &leaf0.ecx, 4);
  facts.vendor = {names.vendor, sizeof names.vendor};
  if ((leaf1.ecx >> 31 & 1) != 0) {
    ReadName(Cpuid(0x40000000), names.hypervisor);
    facts.hypervisor = {names.hypervisor, sizeof names.hypervisor};
  }
  if (Cpuid(0x80000000).eax >= 0x80000004) {
    for (std::uint32_t i = 0; i < 3; ++i) {
      const CpuidResult part = Cpuid(0x80000002 + i);
      std::memcpy(names.brand + 16 * i, &part, 16);
    }
    facts.brand = {names.brand, sizeof names.brand};
  }
  facts.firmware = boot.loader;
  const std::uint32_t family = leaf1.eax >> 8 & 15;
  facts.family = family == 15 ? 15 + (leaf1.eax >> 20 & 255) : family;
  facts.model = leaf1.eax >> 4 & 15;
  if (family == 6 || family == 15) facts.model |= leaf1.eax >> 12 & 0xf0;
  facts.stepping = leaf1.eax & 15;
  std::uint64_t value = 0;
  if (TryReadMsr(0x8b, value)) {
    facts.microcode = static_cast<std::uint32_t>(value >> 32);
  }
  if (Cpuid(0).eax >= 7 && (Cpuid(7).edx >> 29 & 1) != 0 &&
      TryReadMsr(0x10a, value)) {
    facts.arch_capabilities = value;
  }
  return facts;
}

[[noreturn]] void Refuse(ReportWriter& report, std::string_view words,
                         std::string_view advice) {
  report.Refused(words, advice);
  Say("\nThis machine cannot be asked: ", words, ".\n");
  if (!advice.empty()) Say("What to do: ", advice, ".\n");
  End(Ending::kCannotAsk);
}

// Takes `bytes` from the end of some range below 4 GBytes.
bool Take(FixedVector<FreeRange, kMaxRanges>& memory, std::uint64_t bytes,
          std::uint64_t& first) {
  for (FreeRange& range : memory) {
    if (range.bytes < bytes) continue;
    range.bytes -= bytes;
    first = range.first.value + range.bytes;
    return true;
  }
  return false;
}

void ShowWhatNext(const ReportCounts& told) {
  SayOnScreen(told.harness != 0
                  ? "\nThe image does not believe itself: that is a fault of "
                    "its own.\n"
              : told.departs != 0
                  ? "\nThis machine departs from what it was judged by.\n"
                  : "\nThis machine agrees in all that it was asked.\n");
  SayOnScreen(
      "What next: eptdiff image --log eptdiff.log --out cases, which names the "
      "rules.\nThis machine can be switched off.\n");
}

void TellMachine(const BootInformation& boot, ReportWriter& report) {
  Names names = {};
  report.Begin(kVersion, kEncodingVersion);
  const MachineFacts facts = ReadFacts(boot, names);
  report.Machine(facts);
  SayOnScreen("eptdiff " EPTDIFF_VERSION
              " asks this machine whether its EPT is "
              "as the SDM says.\n\n  ");
  SayOnScreen(WordsOfName(facts.brand.empty() ? facts.vendor : facts.brand));
  if (!facts.hypervisor.empty()) {
    SayOnScreen(", a guest of ");
    SayOnScreen(WordsOfName(facts.hypervisor));
  }
  SayOnScreen(
      HasFirmware()
          ? "\n  What it finds is told in eptdiff.log, on the volume "
            "that this came from.\n\n"
          : "\n  What it finds is told over the first serial line.\n\n");
  for (const Range& range : boot.memory) {
    report.Memory(range.first, range.bytes, 1);
  }
}

[[noreturn]] void Run(const BootInformation& boot) {
  ReportWriter report(ToPorts, nullptr);
  TellMachine(boot, report);
  const NoEpt no_ept = WhyNoEpt();
  if (!no_ept.words.empty()) Refuse(report, no_ept.words, no_ept.advice);
  const RunOptions options = ReadRunOptions(boot.command_line);
  VmxCapabilities vmx = ReadVmxCapabilities();
  constexpr std::uint64_t kVirtualNmis = 1 << 5;
  if (options.Without("virtual-nmis")) {
    vmx.limits.pin_based.may &= ~kVirtualNmis;
  }
  report.ProcessorIs(vmx.limits.processor);
  for (std::uint32_t msr = 0x480; msr <= 0x493; ++msr) {
    std::uint64_t value = 0;
    if (TryReadMsr(msr, value)) report.Msr(msr, value);
  }

  FixedVector<FreeRange, kMaxRanges> memory;
  std::uint64_t bytes = 0;
  for (const Range& range : FreeMemory(boot, kPage)) {
    memory.push_back({Hpa{range.first}, range.bytes});
    bytes += range.bytes;
  }
  std::uint64_t heap = 0, frames_at = 0;
  std::array<Hpa, kArrangedFrames> frames;
  if (bytes < kHeapBytes + kLeastBytes || !Take(memory, kHeapBytes, heap) ||
      !Take(memory, kArrangedFrames * kPage, frames_at)) {
    Refuse(report, "there is too little memory",
           "give the machine 256 MBytes; with less than 2 GBytes, cases with "
           "pages of 1 GByte are skipped");
  }
  GiveHeap(heap, kHeapBytes);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i] = Hpa{frames_at + kPage * i};
  }
  // A guest may be at these, too.
  FixedVector<FreeRange, kMaxRanges> all = memory;
  all.push_back({Hpa{frames_at}, kArrangedFrames * kPage});

  Module module;
  const ModuleTrouble trouble =
      boot.module.empty() ? ModuleTrouble::kNone : module.Open(boot.module);
  if (trouble != ModuleTrouble::kNone) {
    Refuse(report, WordsOf(trouble), "make the image anew");
  }
  std::string_view refusal;
  if (!StartVmx(vmx, refusal)) Refuse(report, refusal, "");

  std::optional<Dialect> dialect = FindDialect(options.dialect);
  if (!dialect.has_value()) {
    Refuse(report, "there is no dialect of that name",
           "eptdiff dialect lists them");
  }
  RunFacts facts;
  facts.module_cases = module.size();
  facts.seed = options.seed;
  facts.seconds = options.seconds;
  facts.repeat = options.repeat;
  facts.only = options.only;
  facts.dialect = options.dialect;
  facts.fields = kFields;
  report.Run(facts);

  GuestMachine machine(vmx, {all.begin(), all.end()});
  if (options.Without("apic-fetch")) machine.AvoidApicFetches();
  if (options.Without("split-gates")) machine.AvoidSplitGates();
  if (options.Without("split-tokens")) machine.AvoidSplitTokens();
  if (options.with == "page-sizes") machine.ChangePageSizes();
  if (options.Without("virtual-nmis")) machine.AvoidNmis();
  if (options.troubles == "1") machine.PlantTroubles();
  if (options.troubles == "interruptions") machine.PlantInterruptions();
  if (options.troubles == "garbage") machine.LeaveGarbage();
  Arranger arranger(vmx.limits);
  ImageRun run(options, vmx.limits.processor, machine, arranger,
               {memory.begin(), memory.end()}, frames, *std::move(dialect),
               SecondsOfClock, TimeStamp, {ShowProgress, ShowFinding}, report);
  const bool agreed = run.Run(module);
  StopVmx();

  const GuestCounts& counts = machine.counts();
  const ReportCounts& told = run.counts();
  Say("\n", told.cases, " cases: ", told.agrees, " agree, ", told.departs,
      " depart, ", told.skipped, " skipped, ", told.harness,
      " errors of the image's own\n");
  Say(told.steps, " steps compared; ", counts.entries, " VM entries, ",
      counts.vmwrites, " VMWRITEs, ", counts.vmreads, " VMREADs, ",
      counts.invalidations, " INVEPTs and INVVPIDs, ", counts.retries,
      " tried again; ", HeapLeft() / kMegabyte, " MBytes left\n");
  const ImageRun::Ticks& ticks = run.ticks();
  Say("Ticks: ", ticks.making, " making cases, ", ticks.moving, " moving, ",
      ticks.arranging, " arranging, ", ticks.asking, " asking, ", counts.ticks,
      " of these by the machine, ", ticks.telling, " telling\n");
  ShowWhatNext(told);
  if (told.harness != 0) End(Ending::kHarnessError);
  End(agreed ? Ending::kAgreed : Ending::kDeparted);
}

}  // namespace
}  // namespace eptdiff::image

extern "C" void ImageMain(std::uint32_t magic, std::uint32_t words) {
  using namespace eptdiff::image;
  OpenConsole();
  LoadInterruptTable();
  const BootInformation boot = ReadBootInformation(magic, words);
  if (magic == kEfiMagic) {
    UseFirmware(*reinterpret_cast<const EfiHandoff*>(std::uint64_t{words}));
  }
  UseScreen(boot);
  Run(boot);
}
