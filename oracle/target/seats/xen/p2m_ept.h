/* Between the half that Xen's headers see (p2m_ept_xen.c) and the one that
 * eptdiff's do (p2m_ept.c): in types that mean the same in both. */
#ifndef EPTDIFF_SEATS_XEN_P2M_EPT_H_
#define EPTDIFF_SEATS_XEN_P2M_EPT_H_

/* Of p2m_ept_set(). */
enum { P2M_DONE = 0, P2M_NO_FRAMES = 1, P2M_REFUSED = 2 };

/* A domain without memory. Frames are numbered; -1 is none. */
int p2m_ept_create(int has_2_mbyte_pages, int has_1_gbyte_pages,
                   unsigned int maxphyaddr, unsigned long *root);
/* 2^order pages; access has the rights as EPT has them, and memory_type the
 * type that the MTRRs of guest and host have. */
int p2m_ept_set(unsigned long gfn, unsigned long mfn, unsigned int order,
                unsigned int access, unsigned int memory_type);
int p2m_ept_remove(unsigned long gfn, unsigned int order);
/* The frame of a page and the order of the page that it is in. */
unsigned long p2m_ept_get(unsigned long gfn, unsigned int *order);

/* What the other half has. */
unsigned long p2m_ept_allocate(void); /* a frame that is cleared */
void p2m_ept_release(unsigned long mfn);
void *p2m_ept_map(unsigned long mfn);
void p2m_ept_invept(void);

/* Says what happened, and ends the process: a finding. */
void seat_fails(const char *what);

#endif /* EPTDIFF_SEATS_XEN_P2M_EPT_H_ */
