/* Where does guest-physical address 1234H lie, and may it be written? And once
 * it has moved? Memory is a flat image. */
#include <inttypes.h>
#include <stdio.h>

#include "engine/c/eptdiff_engine.h"

static uint64_t image[0x3000 / 8]; /* 12 KBytes of host memory */

static uint64_t where_is(eptdiff_engine* engine, uint64_t gpa) {
  eptdiff_engine_translation page;
  if (!eptdiff_engine_translate(engine, gpa, EPTDIFF_ENGINE_USE_READ, 0,
                                &page)) {
    return UINT64_MAX;
  }
  return page.address;
}

int main(void) {
  eptdiff_engine* engine;
  eptdiff_engine_machine machine;
  eptdiff_engine_memory memory = {sizeof memory, 0, image, sizeof image, 0,
                                  NULL, NULL, NULL, NULL};
  eptdiff_engine_translation page;
  eptdiff_engine_access_request write = {0};
  eptdiff_engine_event event;
  eptdiff_engine_entry entries[5];
  size_t count, i;

  image[0x1000 / 8] = 0x2007;     /* PML4E: tables at 2000H */
  image[0x2000 / 8] = 0x400000b5; /* PDPTE: a 1-GByte page, not writable, WB */

  eptdiff_engine_machine_init(&machine, sizeof machine);
  machine.ept_vpid_cap = 0x06134040;
  machine.primary = 0x80000000; /* activate secondary controls */
  machine.secondary = 0x22;     /* enable EPT, enable VPID */
  machine.vpid = 1;
  machine.eptp = 0x101e; /* WB, 4 levels, the PML4 table at 1000H */
  if (eptdiff_engine_create(&machine, &memory, 1024, &engine) !=
      EPTDIFF_ENGINE_ANSWERED) {
    return 1;
  }

  if (!eptdiff_engine_translate(engine, 0x1234, EPTDIFF_ENGINE_USE_READ, 0,
                                &page)) {
    return 1;
  }
  printf("GPA 1234H is HPA %" PRIX64 "H, %s page, %s\n", page.address,
         page.page_shift == 30 ? "1-GByte" : "smaller",
         page.memory_type == 6 ? "WB" : "not WB");

  write.size = sizeof write;
  write.kind = EPTDIFF_ENGINE_WRITE;
  write.bytes = 8;
  event.size = sizeof event;
  if (eptdiff_engine_access(engine, &write, 0x1234, &event) !=
          EPTDIFF_ENGINE_ANSWERED ||
      event.kind != EPTDIFF_ENGINE_VM_EXIT || event.exit_reason != 48) {
    return 1;
  }
  printf("a write there: EPT violation, qualification %" PRIX64 "H\n",
         event.qualification);

  for (i = 0; i < 5; ++i) entries[i].size = sizeof entries[i];
  if (eptdiff_engine_walk(engine, 0x1234, entries, &count) !=
          EPTDIFF_ENGINE_ANSWERED ||
      count != 2) {
    return 1;
  }
  printf("PDPTE at %" PRIX64 "H = %" PRIX64 "H: %s\n", entries[1].at,
         entries[1].value,
         entries[1].kind == EPTDIFF_ENGINE_LEAF ? "leaf" : "no leaf");

  where_is(engine, 0x1234); /* the violation ended what was kept of it */
  image[0x2000 / 8] = 0x800000b5;
  printf("moved, it is %" PRIX64 "H\n", where_is(engine, 0x1234));
  eptdiff_engine_invept(engine, 1, machine.eptp, &event);
  printf("after INVEPT, it is %" PRIX64 "H\n", where_is(engine, 0x1234));
  eptdiff_engine_destroy(engine);
  return 0;
}
