/* A builder that shoots down by itself: simple_builder.c over a host whose
 * `invept` is this, processor by processor. EPTDIFF_EXAMPLE_BUG names what is
 * otherwise, commas between:
 *
 *   own-processor     INVEPT on logical processor 0 alone
 *   never-awaited     the others are asked, and not waited for
 *   invvpid           INVVPID, of a VPID or of all, where INVEPT is needed
 *   invvpid-address   ... of one linear address
 *   invvpid-others    ... and INVEPT on logical processor 0 alone
 *   invvpid-0         INVVPID of VPID 0000H, which fails, and INVEPT
 *   invvpid-too       none: INVVPID, and INVEPT
 *   other-quadword    the descriptor's second quadword is not 0
 *   reserved-eptp     the descriptor's EPTP has reserved bits
 *   one-type-alone    type 1 where the processor has type 2 alone
 *   all-contexts      none: type 2, where there is a choice
 *   lazy              none: at the next VM entry, which is made to come */
#include <stdlib.h>
#include <string.h>

#define eptdiff_builder_create create
#include "oracle/target/examples/simple_builder.c"
#undef eptdiff_builder_create

#define INDIVIDUAL_ADDRESS 0
#define SINGLE_CONTEXT 1
#define ALL_CONTEXTS 2

static const eptdiff_host* lent_host;
static eptdiff_host own_host;
static uint64_t types; /* bits 25 and 26 of IA32_VMX_EPT_VPID_CAP */
static uint64_t vpid_types; /* bits 43:40; 0 without INVVPID, bit 32 */
static uint64_t vpid;

static int has(const char* bug) {
  const char* const bugs = getenv("EPTDIFF_EXAMPLE_BUG");
  return bugs != NULL && strstr(bugs, bug) != NULL;
}

static uint64_t type_of_invept(void) {
  const int has_single = (types >> SINGLE_CONTEXT & 1) != 0;
  const int has_all = (types >> ALL_CONTEXTS & 1) != 0;
  if (has("one-type-alone")) return SINGLE_CONTEXT;
  if (has_all && (!has_single || has("all-contexts"))) return ALL_CONTEXTS;
  return SINGLE_CONTEXT;
}

/* Of the VPID in use, or of all where there is none or no other type. Returns
 * whether the processor has INVVPID at all. */
static int end_combined_mappings(void* context) {
  const eptdiff_host* const lent = lent_host;
  uint64_t descriptor[2] = {0, 0};
  uint64_t type = SINGLE_CONTEXT;
  uint32_t i;
  if ((vpid_types >> ALL_CONTEXTS & 1) == 0) return 0;
  if (has("invvpid-address")) type = INDIVIDUAL_ADDRESS;
  if (vpid == 0 || (vpid_types >> type & 1) == 0) type = ALL_CONTEXTS;
  if (type != ALL_CONTEXTS) descriptor[0] = vpid;
  if (has("invvpid-0")) type = SINGLE_CONTEXT, descriptor[0] = 0;
  for (i = 0; i < lent->processors; ++i) {
    lent->invvpid_on(context, i, type, descriptor);
  }
  return 1;
}

static void shoot_down(void* context, uint64_t eptp) {
  const eptdiff_host* const lent = lent_host;
  const uint64_t type = type_of_invept();
  uint64_t descriptor[2];
  uint32_t i;
  descriptor[0] = has("reserved-eptp") ? eptp | 1 << 11 : eptp;
  descriptor[1] = (uint64_t)has("other-quadword");
  const int ended = has("invvpid") && end_combined_mappings(context);
  if (ended && !has("invvpid-0") && !has("invvpid-too") &&
      !has("invvpid-others")) {
    return;
  }
  lent->invept_on(context, 0, type, descriptor);
  if (has("own-processor") || (ended && has("invvpid-others"))) return;
  for (i = 1; i < lent->processors; ++i) {
    lent->ask_invept(context, i, type, descriptor);
  }
  if (has("never-awaited")) return;
  if (!has("lazy")) {
    lent->await_invept(context);
    return;
  }
  for (i = 1; i < lent->processors; ++i) lent->leave_guest(context, i);
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  types = machine->ept_vpid_cap >> 24;
  vpid_types = machine->ept_vpid_cap >> 32 & 1;
  if (vpid_types != 0) vpid_types = machine->ept_vpid_cap >> 40;
  vpid = machine->vpid;
  lent_host = lent;
  own_host = *lent;
  own_host.invept = shoot_down;
  return create(machine, unused, &own_host, eptp);
}
