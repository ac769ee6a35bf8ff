/* Between the half that VirtualBox's headers see (nested_ept_vbox.cc) and the
 * one that eptdiff's do (nested_ept.c): in types that mean the same in both. */
#ifndef EPTDIFF_SEATS_VIRTUALBOX_NESTED_EPT_H_
#define EPTDIFF_SEATS_VIRTUALBOX_NESTED_EPT_H_

#ifdef __cplusplus
extern "C" {
#endif

struct nested_access {
  unsigned long eptp; /* of the guest hypervisor */
  unsigned long ept_vpid_cap;
  unsigned long gpa; /* its guest's */
  unsigned long gla;
  unsigned int maxphyaddr;
  int write, fetch;
};

struct nested_result {
  int violation;
  int misconfiguration;
  unsigned long page; /* else */
  unsigned int shift;
};

/* Does not return where VirtualBox goes on to its shadow tables: then it has
 * called nested_ept_granted(), which must not return either. */
void nested_ept_access(const struct nested_access *access,
                       struct nested_result *result);

/* What the other half has. */
void nested_ept_granted(void);
/* The guest hypervisor's memory: 4096 bytes of it, for this access. */
void *nested_ept_table(unsigned long address);

#ifdef __cplusplus
}
#endif

#endif /* EPTDIFF_SEATS_VIRTUALBOX_NESTED_EPT_H_ */
