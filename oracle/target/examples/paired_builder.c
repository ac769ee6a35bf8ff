/* simple_builder.c with tables that come in pairs: with each there is a second
 * frame, for what its owner keeps of it, as code has them that keeps reverse
 * maps, or tables for the user's half beside the kernel's. There are 12 pairs.
 * EPTDIFF_EXAMPLE_BUG names what is otherwise, commas between:
 *
 *   undeclared-pairs   the profile does not say so
 *   keeps-companion    the second frame stays when its table goes
 *   gives-companion    it alone is released, and the table stays
 *   half-the-pairs     no more than half of them are ever used */
#include <stdlib.h>
#include <string.h>

#define eptdiff_builder_describe describe
#define eptdiff_builder_create create
#define eptdiff_builder_perform perform
#define eptdiff_builder_destroy destroy
#include "oracle/target/examples/simple_builder.c"
#undef eptdiff_builder_describe
#undef eptdiff_builder_create
#undef eptdiff_builder_perform
#undef eptdiff_builder_destroy

#define PAIRS 12

static const eptdiff_host* lent;
static eptdiff_host paired; /* lent, with pairs between */
static struct {
  uint64_t table, companion;
} pairs[PAIRS];
static int used;
static int is_end;

static int has(const char* word) {
  const char* const words = getenv("EPTDIFF_EXAMPLE_BUG");
  return words != NULL && strstr(words, word) != NULL;
}

static int take(void* context, uint64_t* frame) {
  if (used == (has("half-the-pairs") ? PAIRS / 2 : PAIRS)) return 0;
  if (!lent->allocate(context, frame)) return 0;
  if (!lent->allocate(context, &pairs[used].companion)) {
    lent->release(context, *frame);
    return 0;
  }
  lent->store(context, pairs[used].companion, *frame); /* whose it is */
  pairs[used++].table = *frame;
  return 1;
}

static void give(void* context, uint64_t frame) {
  int i = 0;
  while (pairs[i].table != frame) ++i;
  if (is_end || !has("keeps-companion")) {
    lent->release(context, pairs[i].companion);
  }
  if (is_end || !has("gives-companion")) lent->release(context, frame);
  pairs[i] = pairs[--used];
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  describe(profile);
  profile->frames = 2 * PAIRS;
  if (!has("undeclared-pairs")) profile->companion_frames = 1;
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* host_lent, uint64_t* eptp) {
  lent = host_lent;
  paired = *lent;
  paired.allocate = take;
  paired.release = give;
  used = is_end = 0;
  return create(machine, unused, &paired, eptp);
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  return perform(operation);
}

void eptdiff_builder_destroy(void) {
  is_end = 1;
  destroy();
}
