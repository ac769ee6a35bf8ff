// A page moves: what does the guest see before INVEPT, and after it?
#include <cstdio>

#include "engine/cache/caching_engine.h"

int main() {
  static std::uint64_t image[0x3000 / 8];  // 12 KBytes of host memory
  image[0x1000 / 8] = 0x2007;              // PML4E: tables at 2000H
  image[0x2000 / 8] = 0x400000b7;          // PDPTE: a 1-GByte page, WB
  eptdiff::FlatMemory memory(image, sizeof(image));

  eptdiff::Controls controls;
  controls.primary = 0x80000000;  // activate secondary controls
  controls.secondary = 0x22;      // enable EPT, enable VPID
  controls.vpid = 1;
  controls.eptp = 0x101e;  // WB, 4 levels, the PML4 table at 1000H
  eptdiff::TranslationCache cache(1024);  // pages
  eptdiff::CachingEngine engine(cache, {.ept_vpid_cap = 0x06134040}, controls);

  const auto where_is = [&](std::uint64_t gpa) {
    eptdiff::Event event;
    engine.PerformAccess(memory, {}, eptdiff::Gpa{gpa}, {}, event);
    return static_cast<unsigned long long>(event.translations[0].address.value);
  };
  std::printf("GPA 1234H is HPA %llXH\n", where_is(0x1234));
  image[0x2000 / 8] = 0x800000b7;
  std::printf("moved, it is %llXH\n", where_is(0x1234));
  engine.Invept(1, controls.eptp);
  std::printf("after INVEPT, it is %llXH\n", where_is(0x1234));
  return 0;
}
