// Builds the EPT of a guest, and changes it while the guest might run.
#include <cstdint>
#include <cstdio>
#include <optional>
#include <vector>

#include "engine/table/extended_page_table.h"

using eptdiff::EptFlags, eptdiff::Gpa, eptdiff::Hpa;

// What a VMM brings: frames for tables, their address in its own address space,
// and INVEPT. Here "host-physical memory" is a vector that begins at 1 MByte.
class Frames {
 public:
  Frames() : words_(kCount * 512) {
    for (std::uint64_t i = 0; i < kCount; ++i) {
      free_.push_back(Hpa{kFirst + i * 4096});
    }
  }
  std::optional<Hpa> AllocateFrame() {
    if (free_.empty()) return std::nullopt;
    const Hpa frame = free_.back();
    free_.pop_back();
    return frame;
  }
  void FreeFrame(Hpa frame) { free_.push_back(frame); }
  std::uint64_t* Pointer(Hpa frame) {
    const std::uint64_t offset = frame.value - kFirst;
    return offset < kCount * 4096 ? &words_[offset / 8] : nullptr;
  }
  // On every processor that may have run the guest, and waits for them.
  void Invept(std::uint64_t eptp) {
    std::printf("INVEPT %llXH\n", static_cast<unsigned long long>(eptp));
  }

 private:
  static constexpr std::uint64_t kFirst = 0x100000, kCount = 16;
  std::vector<std::uint64_t> words_;
  std::vector<Hpa> free_;
};

absl::Status Run() {
  eptdiff::Processor processor;
  processor.maxphyaddr = 46;           // CPUID.80000008H:EAX[7:0]
  processor.ept_vpid_cap = 0x6334141;  // RDMSR 48CH
  eptdiff::Controls controls;          // as in the VMCS
  controls.primary = 0x80000000;       // activate secondary controls
  controls.secondary = 0x2;            // enable EPT
  controls.eptp = 0x5e;                // WB, 4 levels, accessed and dirty flags

  Frames frames;
  auto table =
      eptdiff::ExtendedPageTable<Frames>::Create(frames, processor, controls);
  if (!table.ok()) return table.status();

  // 2 GBytes of RAM in the largest pages that fit. Then a hole for VGA, and
  // 1 MByte read-only: pages are split where they have to be.
  constexpr EptFlags kReadOnly = EptFlags::kRead | EptFlags::kWriteBack;
  constexpr EptFlags kRam = kReadOnly | EptFlags::kWrite | EptFlags::kExecute;
  absl::Status status =
      table->MapRegion(Gpa{0}, Hpa{0x40000000}, 0x80000000, kRam);
  if (!status.ok()) return status;
  status = table->UnmapRegion(Gpa{0xa0000}, 0x20000);
  if (!status.ok()) return status;
  status = table->ProtectRegion(Gpa{0x100000}, 0x100000, kReadOnly);
  if (!status.ok()) return status;

  // The registers of a device: UC.
  status =
      table->Map(Gpa{0xfee00000}, Hpa{0xfee00000}, eptdiff::PageSize::k4KByte,
                 EptFlags::kRead | EptFlags::kWrite);
  if (!status.ok()) return status;

  // What a processor makes of it.
  const auto place = table->Translate(Gpa{0x7fffffff}, eptdiff::Use::kWrite);
  if (!place.ok()) return place.status();
  std::printf("GPA 7FFFFFFFH is HPA %llXH under EPTP %llXH\n",
              static_cast<unsigned long long>(place->address.value),
              static_cast<unsigned long long>(table->eptp()));
  int pages = 0;
  status = table->ForEach(Gpa{0}, 1ull << 48,
                          [&](const eptdiff::Mapping&) { ++pages; });
  std::printf("%d pages\n", pages);

  // What is mapped stays as it is.
  const absl::Status refused = table->MapRegion(Gpa{0}, Hpa{0}, 4096, kRam);
  std::printf("%s\n", refused.ToString().c_str());
  return status;
}

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::printf("%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
