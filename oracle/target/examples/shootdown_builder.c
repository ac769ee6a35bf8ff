/* A builder that shoots down by itself: simple_builder.c over a host whose
 * `invept` is this, processor by processor. EPTDIFF_EXAMPLE_BUG names what is
 * otherwise, commas between:
 *
 *   own-processor     INVEPT on logical processor 0 alone
 *   never-awaited     the others are asked, and not waited for
 *   invvpid           INVVPID where INVEPT is needed
 *   other-quadword    the descriptor's second quadword is not 0
 *   reserved-eptp     the descriptor's EPTP has reserved bits
 *   all-contexts      none: type 2
 *   lazy              none: at the next VM entry, which is made to come */
#include <stdlib.h>
#include <string.h>

#define eptdiff_builder_create create
#include "oracle/target/examples/simple_builder.c"
#undef eptdiff_builder_create

#define SINGLE_CONTEXT 1
#define ALL_CONTEXTS 2

static const eptdiff_host* lent_host;
static eptdiff_host own_host;
static int has_all_contexts; /* bit 26 of IA32_VMX_EPT_VPID_CAP */

static int has(const char* bug) {
  const char* const bugs = getenv("EPTDIFF_EXAMPLE_BUG");
  return bugs != NULL && strstr(bugs, bug) != NULL;
}

static void shoot_down(void* context, uint64_t eptp) {
  const eptdiff_host* const lent = lent_host;
  const int all = has_all_contexts && has("all-contexts");
  const uint64_t type = all ? ALL_CONTEXTS : SINGLE_CONTEXT;
  uint64_t descriptor[2];
  uint32_t i;
  descriptor[0] = has("reserved-eptp") ? eptp | 1 << 11 : eptp;
  descriptor[1] = (uint64_t)has("other-quadword");
  if (has("invvpid")) {
    descriptor[0] = 1;
    for (i = 0; i < lent->processors; ++i) {
      lent->invvpid_on(context, i, SINGLE_CONTEXT, descriptor);
    }
    return;
  }
  lent->invept_on(context, 0, type, descriptor);
  if (has("own-processor")) return;
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
  has_all_contexts = (int)(machine->ept_vpid_cap >> 26 & 1);
  lent_host = lent;
  own_host = *lent;
  own_host.invept = shoot_down;
  return create(machine, unused, &own_host, eptp);
}
