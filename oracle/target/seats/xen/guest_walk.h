/* Between the half that Xen's headers see (guest_walk_xen.c) and the one that
 * eptdiff's do (guest_walk.c): in types that mean the same in both. */
#ifndef EPTDIFF_SEATS_XEN_GUEST_WALK_H_
#define EPTDIFF_SEATS_XEN_GUEST_WALK_H_

struct guest_access {
  unsigned long gla;
  unsigned long cr0, cr3, cr4, efer, rflags;
  unsigned int pkru;
  unsigned int maxphyaddr;
  int write, fetch, user, implicit;
  int has_1_gbyte_pages, has_pse36;
};

struct guest_result {
  int translated;
  unsigned long gpa;
  unsigned int error_code; /* of the page fault, else */
};

void guest_walk_access(const struct guest_access *access,
                       struct guest_result *result);

/* The frame that a page of guest-physical memory is in; whether it has one. */
int guest_walk_page(unsigned long gpa, unsigned long *hpa);
/* The 4096 bytes of a frame, in which entries may be changed. */
void *guest_walk_map(unsigned long hpa);

/* Says what happened, and ends the process: a finding. */
void seat_fails(const char *what);

#endif /* EPTDIFF_SEATS_XEN_GUEST_WALK_H_ */
