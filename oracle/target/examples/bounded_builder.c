/* simple_builder.c with bounds: a pool of 12 frames, of which it keeps 2 for
 * later; regions of at most 64 KBytes; 40 bits of guest-physical addresses; and
 * the guest's memory mostly where the machine has it, as a thin hypervisor's.
 * EPTDIFF_EXAMPLE_BUG names what is otherwise, commas between:
 *
 *   full-early           half of the pool is never used
 *   undeclared-frames    the profile does not say how many there are
 *   one-too-many         more frames are used than are declared
 *   undeclared-spare     the profile says nothing of the 2 frames
 *   keeps-more           more frames are kept than that
 *   undeclared-bytes     the profile does not say how large regions are
 *   wraps                nor how wide addresses are: what lies above 40 bits is
 *                        mapped below
 *   identity-uncached    memory that is mapped to itself loses its memory type
 */
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

#define FRAMES 12
#define SPARE 2
#define MAX_BYTES UINT64_C(0x10000)
#define WIDTH 40

static const eptdiff_host* lent;
static eptdiff_host bounded; /* lent, with a pool between */
static uint64_t spare[FRAMES];
static int spares, used;

static int has(const char* word) {
  const char* const words = getenv("EPTDIFF_EXAMPLE_BUG");
  return words != NULL && strstr(words, word) != NULL;
}

static int take(void* context, uint64_t* frame) {
  const int limit = FRAMES + has("one-too-many");
  if (used == (has("full-early") ? limit / 2 : limit)) return 0;
  if (spares > 0) {
    *frame = spare[--spares];
  } else if (!lent->allocate(context, frame)) {
    return 0;
  }
  ++used;
  return 1;
}

static void give(void* context, uint64_t frame) {
  --used;
  if (spares < SPARE + 2 * has("keeps-more")) {
    spare[spares++] = frame;
  } else {
    lent->release(context, frame);
  }
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  describe(profile);
  profile->operations |= EPTDIFF_OPERATION(EPTDIFF_MAP_REGION) |
                         EPTDIFF_OPERATION(EPTDIFF_UNMAP_REGION);
  profile->waives =
      EPTDIFF_WAIVES_REPEATED_INVEPT | EPTDIFF_WAIVES_PARTIAL_SUCCESS;
  if (!has("undeclared-frames")) profile->frames = FRAMES;
  if (!has("undeclared-spare")) profile->spare_frames = SPARE;
  if (!has("undeclared-bytes")) profile->max_bytes = MAX_BYTES;
  if (!has("wraps")) profile->gpa_width = WIDTH;
  profile->identity_maps = EPTDIFF_IDENTITY_HALF;
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* host_lent, uint64_t* eptp) {
  lent = host_lent;
  bounded = *lent;
  bounded.allocate = take;
  bounded.release = give;
  spares = used = 0;
  return create(machine, unused, &bounded, eptp);
}

static int unmap_all(uint64_t gpa, uint64_t bytes) {
  uint64_t done;
  for (done = 0; done < bytes; done += 4096) (void)unmap(gpa + done);
  return EPTDIFF_DONE;
}

static int is_mapped(uint64_t gpa) {
  uint64_t table = root;
  int level;
  for (level = 4; level > 0; --level) {
    const uint64_t entry = load(entry_at(table, gpa, level));
    if (!(entry & RIGHTS)) return 0;
    table = entry & ADDRESS;
  }
  return 1;
}

/* As far as frames go. */
static int map_all(const eptdiff_builder_operation* asked) {
  const int is_same = asked->gpa == asked->hpa;
  const uint64_t lost = has("identity-uncached") && is_same ? 0x38 : 0;
  uint64_t done;
  for (done = 0; done < asked->bytes; done += 4096) {
    if (is_mapped(asked->gpa + done)) return EPTDIFF_OVERLAP;
  }
  for (done = 0; done < asked->bytes; done += 4096) {
    const int result =
        map(asked->gpa + done, asked->hpa + done, asked->flags & ~lost);
    if (result != EPTDIFF_DONE) return result;
  }
  return EPTDIFF_DONE;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  eptdiff_builder_operation asked = *operation;
  if (asked.kind == EPTDIFF_MAP || asked.kind == EPTDIFF_UNMAP) {
    asked.bytes = 4096;
  }
  if (asked.bytes > MAX_BYTES) return EPTDIFF_OUT_OF_RANGE;
  if (has("wraps")) {
    asked.gpa &= (UINT64_C(1) << WIDTH) - 1;
  } else if ((asked.gpa + asked.bytes - 1) >> WIDTH != 0) {
    return EPTDIFF_OUT_OF_RANGE;
  }
  switch (asked.kind) {
    case EPTDIFF_UNMAP:
      return unmap(asked.gpa);
    case EPTDIFF_UNMAP_REGION:
      return unmap_all(asked.gpa, asked.bytes);
    default:
      return map_all(&asked);
  }
}

void eptdiff_builder_destroy(void) {
  destroy();
  while (spares > 0) lent->release(lent->context, spare[--spares]);
}
