// Where does guest-physical address 1234H lie, and may it be written?
#include <cstdio>

#include "engine/engine.h"

int main() {
  static std::uint64_t image[0x3000 / 8];  // 12 KBytes of host memory
  image[0x1000 / 8] = 0x2007;              // PML4E: tables at 2000H
  image[0x2000 / 8] = 0x400000b7;          // PDPTE: a 1-GByte page, WB
  eptdiff::FlatMemory memory(image, sizeof(image));

  eptdiff::Controls controls;
  controls.primary = 0x80000000;  // activate secondary controls
  controls.secondary = 0x2;       // enable EPT
  controls.eptp = 0x101e;         // WB, 4 levels, the PML4 table at 1000H
  eptdiff::Engine engine({.ept_vpid_cap = 0x34040}, controls);

  eptdiff::Event event;
  const eptdiff::Access write = {.kind = eptdiff::AccessKind::kWrite};
  engine.PerformAccess(memory, write, eptdiff::Gpa{0x1234}, {}, event);
  if (event.kind != eptdiff::EventKind::kCompleted) return 1;
  std::printf(
      "GPA 1234H is HPA %llXH\n",
      static_cast<unsigned long long>(event.translations[0].address.value));
  return 0;
}
