/* Xen's p2m, which builds the tables of an HVM guest.
 *
 * Judged: ept_set_entry() and ept_get_entry() of mm/p2m-ept.c with all that they
 * do, and of mm/p2m.c p2m_set_entry(), p2m_alloc_ptp(), p2m_free_ptp() and the
 * flush that is put off until the p2m is unlocked: a page is mapped, removed,
 * mapped to something else, given other rights, split into pages of the next
 * smaller size. The guest runs meanwhile.
 *
 * Stubbed: frames come from eptdiff, cleared as hap_alloc() clears them, and go
 * back to it where Xen gives them back to the domain's pool; the interrupts after
 * which processors execute INVEPT before they enter the guest; MTRRs, so that a
 * page has the memory type that is asked for; IOMMU, altp2m, page sharing,
 * populate-on-demand, of which none is in use.
 *
 * Not judged: regions, in which Xen goes on page by page, and what is left if a
 * frame fails on the way; 1-GByte pages that are split to 4 KBytes at once, which
 * takes more frames than there are; what Xen's callers of these functions refuse (a page that is mapped
 * already); empty tables, which Xen keeps until a large page replaces them;
 * entries that are misconfigured on purpose (log-dirty mode, changes of MTRRs);
 * accessed and dirty flags, which Xen uses with page-modification logging alone;
 * INVEPT where none is needed. */
#include "p2m_ept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_stores.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define CAP_2_MBYTE 0x10000u
#define CAP_1_GBYTE 0x20000u
#define LARGE 0x80u
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define FRAME_SHIFT 12

static uint64_t table_eptp;
static unsigned long frames[EPTDIFF_STORES_FRAMES];
static int frame_count;
static int mapped_anything;

void seat_fails(const char *what) {
  printf("%s\n", what);
  fflush(stdout);
  abort();
}

unsigned long p2m_ept_allocate(void) {
  uint64_t *const frame = eptdiff_stores_allocate();
  if (frame == NULL) return -1ul;
  memset(frame, 0, 4096);
  frames[frame_count] = eptdiff_stores_address(frame) >> FRAME_SHIFT;
  return frames[frame_count++];
}

void *p2m_ept_map(unsigned long mfn) {
  void *const frame =
      eptdiff_stores_pointer((uint64_t)mfn << FRAME_SHIFT);
  if (frame == NULL) seat_fails("Xen maps a frame that is not allocated");
  return frame;
}

void p2m_ept_release(unsigned long mfn) {
  int i = 0;
  while (i < frame_count && frames[i] != mfn) ++i;
  if (i == frame_count) seat_fails("Xen frees a frame that is not allocated");
  frames[i] = frames[--frame_count];
  eptdiff_stores_release(eptdiff_stores_pointer((uint64_t)mfn << FRAME_SHIFT));
}

void p2m_ept_invept(void) { eptdiff_stores_invept(table_eptp); }

void eptdiff_builder_describe(eptdiff_builder_profile *profile) {
  profile->operations =
      EPTDIFF_OPERATION(EPTDIFF_MAP) | EPTDIFF_OPERATION(EPTDIFF_UNMAP) |
      EPTDIFF_OPERATION(EPTDIFF_REMAP) | EPTDIFF_OPERATION(EPTDIFF_PROTECT) |
      EPTDIFF_OPERATION(EPTDIFF_SPLIT);
  profile->refusals = EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->waives = EPTDIFF_WAIVES_EMPTY_TABLES |
                    EPTDIFF_WAIVES_NEEDLESS_INVEPT |
                    EPTDIFF_WAIVES_REPEATED_INVEPT;
  profile->models = EPTDIFF_MODELS_4_LEVELS;
  profile->any_unused_word = 1; /* bit 63 */
  profile->leaf_flags = 0x3f;   /* rights and memory type */
  snprintf(profile->name, sizeof(profile->name), "xen_p2m_ept");
}

int eptdiff_builder_create(const eptdiff_question *machine, uint64_t unused,
                           const eptdiff_host *host, uint64_t *eptp) {
  unsigned long root = 0;
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  eptdiff_stores_begin(host);
  frame_count = 0;
  mapped_anything = 0;
  if (p2m_ept_create((machine->ept_vpid_cap & CAP_2_MBYTE) != 0,
                     (machine->ept_vpid_cap & CAP_1_GBYTE) != 0,
                     machine->maxphyaddr, &root) != P2M_DONE) {
    return EPTDIFF_NO_FRAMES;
  }
  eptdiff_stores_settle();
  table_eptp = (machine->eptp & ~ADDRESS) | (uint64_t)root << FRAME_SHIFT;
  *eptp = table_eptp;
  return EPTDIFF_DONE;
}

/* The entry that maps a page which is mapped. */
static uint64_t entry_of(unsigned long gfn) {
  uint64_t table = table_eptp & ADDRESS;
  int level;
  for (level = 3;; --level) {
    const uint64_t *const entries = eptdiff_stores_pointer(table);
    const uint64_t entry = entries[gfn >> 9 * level & 511];
    if (level == 0 || (entry & LARGE) != 0) return entry;
    table = entry & ADDRESS;
  }
}

/* A large page, by mapping the first of its smaller ones as it is. */
static int split(unsigned long gfn, unsigned long mfn, unsigned int order) {
  const uint64_t entry = entry_of(gfn);
  return p2m_ept_set(gfn, mfn, order - 9, entry & 7, entry >> 3 & 7);
}

static int perform(const eptdiff_builder_operation *operation) {
  const unsigned long gfn = operation->gpa >> FRAME_SHIFT;
  const unsigned int access = operation->flags & 7;
  const unsigned int type = operation->flags >> 3 & 7;
  unsigned int order = 9 * (operation->level - 1);
  unsigned long mfn;
  if (operation->kind == EPTDIFF_MAP) {
    mapped_anything = 1;
    return p2m_ept_set(gfn, operation->hpa >> FRAME_SHIFT, order, access, type);
  }
  mfn = p2m_ept_get(gfn, &order);
  if (mfn == -1ul) return P2M_REFUSED;
  switch (operation->kind) {
    case EPTDIFF_UNMAP:
      return p2m_ept_remove(gfn, order);
    case EPTDIFF_REMAP:
      return p2m_ept_set(gfn, operation->hpa >> FRAME_SHIFT, order, access,
                         type);
    case EPTDIFF_SPLIT:
      return split(gfn, mfn, order);
    case EPTDIFF_PROTECT:
      return p2m_ept_set(gfn, mfn, order, access, type);
    default:
      return P2M_REFUSED;
  }
}

int eptdiff_builder_perform(const eptdiff_builder_operation *operation) {
  const int result = perform(operation);
  eptdiff_stores_settle();
  return result == P2M_DONE        ? EPTDIFF_DONE
         : result == P2M_NO_FRAMES ? EPTDIFF_NO_FRAMES
                                   : EPTDIFF_NOT_MAPPED;
}

/* As p2m_teardown() of mm/p2m.c, when the domain has been destroyed. */
void eptdiff_builder_destroy(void) {
  if (mapped_anything) p2m_ept_invept();
  while (frame_count > 0) {
    const unsigned long mfn = frames[--frame_count];
    eptdiff_stores_release(
        eptdiff_stores_pointer((uint64_t)mfn << FRAME_SHIFT));
  }
}
