/* A walker of EPT as a small hypervisor might have it, to try seats on. */
#ifndef EPT_WALK_H_
#define EPT_WALK_H_

#include <stdbool.h>
#include <stdint.h>

enum ept_fault { EPT_OK, EPT_VIOLATION, EPT_MISCONFIGURED };

struct ept_walk {
  uint64_t hpa;
  unsigned shift;  /* of the page: 12, 21, 30 */
  unsigned rights; /* bits 2:0, of all entries */
};

/* The 512 entries at a host-physical address. */
const uint64_t *map_table(uint64_t hpa);

enum ept_fault ept_walk(uint64_t eptp, uint64_t gpa, unsigned needed,
                        struct ept_walk *walk);

/* What CPUID and IA32_VMX_EPT_VPID_CAP said when the machine started. */
extern unsigned ept_physical_bits;
extern bool ept_has_execute_only;
extern bool ept_has_1gb_pages;
extern bool ept_has_2mb_pages;

#endif
