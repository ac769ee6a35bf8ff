/* The adapter of view_tables.c: three views of a guest's memory over one pool.
 * EPTDIFF_EXAMPLE_BUG names what is otherwise, commas between:
 *
 *   first-flushed      INVEPT with the first view's EPTP, whichever changed
 *   running-flushed    INVEPT with the EPTP that each processor has in its VMCS
 *   never-copies       a table that other views share is changed in place
 *   wrong-view         permissions change in the next view, if it has the page
 *   frees-shared       a table is freed while other views link it
 *   misses-last        what is done in all views is not done in the last one
 *   all-contexts       none: INVEPT of type 2, once
 *   threads            none: several threads at once, and a lock for all views
 *   lock-a-view        with threads: one lock for each view, in spite of tables
 *                      that they share
 *   early-unlock       with threads: the lock is given back before a store */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_builder.h"
#include "oracle/target/examples/view_tables.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define PAGE UINT64_C(4096)
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define OPERATION(kind) EPTDIFF_OPERATION(EPTDIFF_##kind)
#define EPTP 0x201a

static const eptdiff_host* host;
static uint64_t eptps[VIEWS];
static uint64_t types; /* of INVEPT: bits 25 and 26 of IA32_VMX_EPT_VPID_CAP */
static int flushed;    /* all that will be, in this operation */
static int locks[VIEWS];

int new_frame(uint64_t* frame) { return host->allocate(host->context, frame); }
void free_frame(uint64_t frame) { host->release(host->context, frame); }
uint64_t read_entry(uint64_t at) { return host->load(host->context, at); }
void write_entry(uint64_t at, uint64_t word) {
  host->store(host->context, at, word);
}
static int has(const char* bug) {
  const char* const bugs = getenv("EPTDIFF_EXAMPLE_BUG");
  return bugs != NULL && strstr(bugs, bug) != NULL;
}

static void take_lock(int which) {
  while (__atomic_exchange_n(&locks[which], 1, __ATOMIC_ACQUIRE) != 0) {
    host->pause(host->context);
  }
}
static void give_lock(int which) {
  __atomic_store_n(&locks[which], 0, __ATOMIC_RELEASE);
}

int swap_entry(uint64_t at, uint64_t old, uint64_t word) {
  const int early = has("early-unlock");
  int swapped;
  if (early) give_lock(0);
  swapped = host->compare_exchange(host->context, at, old, word);
  if (early) take_lock(0);
  return swapped;
}

static void flush_each(uint64_t type) {
  uint64_t descriptor[2] = {0, 0};
  uint32_t i;
  for (i = 0; i < host->processors; ++i) {
    if (type == 1) host->vmread(host->context, i, EPTP, &descriptor[0]);
    host->invept_on(host->context, i, type, descriptor);
  }
}

void flush_view(int view) {
  if (flushed) return;
  flushed = 1;
  if (has("first-flushed")) {
    host->invept(host->context, eptps[0]);
  } else if (has("running-flushed") && (types >> 25 & 1) != 0) {
    flush_each(1);
  } else if (has("all-contexts") && (types >> 26 & 1) != 0) {
    flush_each(2);
  } else {
    host->invept(host->context, eptps[view]);
    flushed = 0;
  }
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  never_copies = has("never-copies");
  profile->operations = OPERATION(MAP) | OPERATION(UNMAP) | OPERATION(PROTECT) |
                        OPERATION(MAP_REGION) | OPERATION(UNMAP_REGION) |
                        OPERATION(PROTECT_REGION);
  profile->refusals = EPTDIFF_REFUSAL(EPTDIFF_OVERLAP) |
                      EPTDIFF_REFUSAL(EPTDIFF_NOT_MAPPED) |
                      EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->waives =
      EPTDIFF_WAIVES_NEEDLESS_INVEPT | EPTDIFF_WAIVES_PARTIAL_SUCCESS;
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_ACCESSED_DIRTY;
  profile->capabilities_set &= ~(UINT64_C(3) << 16); /* no large pages */
  profile->leaf_flags = 0x3f; /* rights and memory type */
  profile->max_bytes = 16 * PAGE;
  profile->views = VIEWS - 1;
  profile->all_views = 1;
  profile->several_threads = has("threads") != 0;
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  int view;
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  host = lent;
  types = machine->ept_vpid_cap;
  flushed = 0;
  memset(locks, 0, sizeof(locks));
  if (create_views(eptps)) return EPTDIFF_NO_FRAMES;
  for (view = 0; view < VIEWS; ++view) {
    eptps[view] |= machine->eptp & ~ADDRESS;
  }
  *eptp = eptps[0];
  return EPTDIFF_DONE;
}

void eptdiff_builder_view(uint32_t view, uint64_t* eptp) {
  *eptp = eptps[view];
}

static int perform(const eptdiff_builder_operation* asked, uint64_t bytes) {
  const int in_all = asked->view == EPTDIFF_ALL_VIEWS;
  const int first = in_all ? 0 : (int)asked->view;
  const int last = in_all ? VIEWS - 1 - has("misses-last") : first;
  int result = VIEW_NOT_MAPPED, view;
  frees_shared = has("frees-shared") && !in_all;
  protects_next = has("wrong-view") && !in_all;
  switch (asked->kind) {
    case EPTDIFF_MAP:
    case EPTDIFF_MAP_REGION:
      return in_all ? map_in_all(asked->gpa, asked->hpa, bytes, asked->flags)
                    : map_region(first, asked->gpa, asked->hpa, bytes,
                                 asked->flags);
    default:
      break;
  }
  for (view = first; view <= last && result != VIEW_NO_MEMORY; ++view) {
    result =
        asked->kind == EPTDIFF_PROTECT || asked->kind == EPTDIFF_PROTECT_REGION
            ? protect_region(view, asked->gpa, bytes, asked->flags)
            : unmap_region(view, asked->gpa, bytes);
  }
  return result;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* asked) {
  const int is_page = asked->kind <= EPTDIFF_PROTECT;
  const int in_all = asked->view == EPTDIFF_ALL_VIEWS;
  const int lock = has("lock-a-view") && !in_all ? (int)asked->view : 0;
  int result;
  take_lock(lock);
  result = perform(asked, is_page ? PAGE : asked->bytes);
  flushed = 0;
  settle_views();
  give_lock(lock);
  switch (result) {
    case VIEW_OVERLAP:
      return EPTDIFF_OVERLAP;
    case VIEW_NO_MEMORY:
      return EPTDIFF_NO_FRAMES;
    case VIEW_NOT_MAPPED:
      return is_page ? EPTDIFF_NOT_MAPPED : EPTDIFF_DONE;
    default:
      return EPTDIFF_DONE;
  }
}

void eptdiff_builder_destroy(void) {
  flushed = 0;
  destroy_views();
}
