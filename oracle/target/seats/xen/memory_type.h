/* Between the half that Xen's headers see (memory_type_xen.c) and the one that
 * eptdiff's do (memory_type.c): in types that mean the same in both. */
#ifndef EPTDIFF_SEATS_XEN_MEMORY_TYPE_H_
#define EPTDIFF_SEATS_XEN_MEMORY_TYPE_H_

/* A page of 2^order frames: bits 6:3 of its entry, or -1 if Xen has smaller
 * pages there, or -2 if it lets no guest have such MTRRs. */
int memory_type_of_page(unsigned long gfn, unsigned long mfn,
                        unsigned int order, int is_device, int has_iommu);

/* What the other half has: MSRs of the machine and of the guest, and how wide
 * physical addresses are. */
unsigned long seat_rdmsr(unsigned int msr);
unsigned long seat_guests_msr(unsigned int msr);
unsigned int seat_maxphyaddr(void);
unsigned int seat_guests_maxphyaddr(void);

#endif /* EPTDIFF_SEATS_XEN_MEMORY_TYPE_H_ */
