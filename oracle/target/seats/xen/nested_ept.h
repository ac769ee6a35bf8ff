/* Between the half that Xen's headers see (nested_ept_xen.c) and the one that
 * eptdiff's do (nested_ept.c): in types that mean the same in both. */
#ifndef EPTDIFF_SEATS_XEN_NESTED_EPT_H_
#define EPTDIFF_SEATS_XEN_NESTED_EPT_H_

struct nested_access {
  unsigned long eptp; /* of the guest hypervisor */
  unsigned long gpa;  /* its guest's */
  unsigned long gla;
  unsigned long qualification; /* what the processor reports to Xen */
  unsigned int maxphyaddr;
  int execute_only; /* the processor's capability */
};

struct nested_result {
  int exits; /* to the guest hypervisor */
  unsigned int reason;
  unsigned long qualification;
  unsigned long page; /* else: of the entry that Xen makes of it */
  unsigned int shift;
  unsigned int rights;
};

void nested_ept_access(const struct nested_access *access,
                       struct nested_result *result);

/* The guest hypervisor's memory: 4096 bytes of it. */
const void *nested_ept_table(unsigned long address);

/* Says what happened, and ends the process: a finding. */
void seat_fails(const char *what);

#endif /* EPTDIFF_SEATS_XEN_NESTED_EPT_H_ */
