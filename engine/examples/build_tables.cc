// A guest's EPT from its first page to its last.
#include <cstdint>
#include <cstdio>
#include <optional>
#include <vector>

#include "engine/extended_page_table.h"

namespace {

using eptdiff::EptFlags, eptdiff::Gpa, eptdiff::Hpa;

// What a VMM brings: 4-KByte frames for tables, where they are in its address
// space, and INVEPT. Here a frame's host-physical address is made up.
class Frames {
 public:
  std::optional<Hpa> AllocateFrame() {
    if (free_.empty()) return std::nullopt;
    const Hpa frame = free_.back();
    free_.pop_back();
    return frame;
  }
  void FreeFrame(Hpa frame) { free_.push_back(frame); }
  std::uint64_t* Pointer(Hpa frame) {
    const std::uint64_t offset = frame.value - kFirst;
    return offset < kBytes ? &words_[offset / 8] : nullptr;
  }
  // On every processor that may have run the guest: INVEPT, single-context.
  void Invept(std::uint64_t eptp) {
    std::printf("INVEPT %llXH\n", static_cast<unsigned long long>(eptp));
  }

  Frames() : words_(kBytes / 8) {
    for (std::uint64_t i = 0; i < kBytes; i += 4096) {
      free_.push_back(Hpa{kFirst + i});
    }
  }

 private:
  static constexpr std::uint64_t kFirst = 0x100000, kBytes = 16 * 4096;
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
  controls.eptp = 0x5e;                // WB, 4 levels, accessed and dirty

  Frames frames;
  auto table =
      eptdiff::ExtendedPageTable<Frames>::Create(frames, processor, controls);
  if (!table.ok()) return table.status();

  // 2 GBytes of RAM, in the largest pages that fit; no VGA window in it; the
  // first MByte read-only.
  constexpr EptFlags kRam = EptFlags::kRead | EptFlags::kWrite |
                            EptFlags::kExecute | EptFlags::kWriteBack;
  absl::Status status =
      table->MapRegion(Gpa{0}, Hpa{0x40000000}, 0x80000000, kRam);
  if (status.ok()) status = table->UnmapRegion(Gpa{0xa0000}, 0x20000);
  if (status.ok()) {
    status = table->ProtectRegion(Gpa{0}, 0x100000,
                                  EptFlags::kRead | EptFlags::kWriteBack);
  }
  if (!status.ok()) return status;

  const auto place = table->Translate(Gpa{0x7fffffff}, eptdiff::Use::kWrite);
  if (!place.ok()) return place.status();
  std::printf("GPA 7FFFFFFFH is HPA %llXH; EPTP for the VMCS: %llXH\n",
              static_cast<unsigned long long>(place->address.value),
              static_cast<unsigned long long>(table->eptp()));

  // A device's registers where nothing was; refused where something is.
  status =
      table->Map(Gpa{0xfee00000}, Hpa{0xfee00000}, eptdiff::PageSize::k4KByte,
                 EptFlags::kRead | EptFlags::kWrite);
  if (!status.ok()) return status;
  status = table->MapRegion(Gpa{0}, Hpa{0}, 0x1000, kRam);
  std::printf("%s\n", status.ToString().c_str());

  int pages = 0;
  status = table->ForEach(Gpa{0}, std::uint64_t{1} << 48,
                          [&](const eptdiff::Mapping&) { ++pages; });
  std::printf("%d pages\n", pages);
  return status;
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::printf("%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
