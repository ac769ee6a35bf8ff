/* A thin hypervisor: its tables lie in a block of its own, guest-physical
 * addresses are host-physical ones, every page may be read, written and
 * executed, and the guest's processors are stopped while that changes. Nothing
 * is announced but INVEPT. EPTDIFF_EXAMPLE_BUG names what is otherwise, commas
 * between:
 *
 *   undeclared-rights  the profile does not say that rights are fixed
 *   32-bit-addresses   pages above 4 GBytes come to lie below
 *   no-invept          INVEPT is forgotten
 *   half-a-block       it has no room, and half of the block is free
 *   full               none: the first 4 MBytes are mapped from the beginning
 *   undeclared-full    so they are, and the profile does not say so */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_builder.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define RIGHTS UINT64_C(7)
#define LARGE UINT64_C(0x80)
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define BLOCK UINT64_C(0x8000000) /* where it lies, as processors see it */
#define TABLES 24

static uint64_t block[TABLES][512];
static char used[TABLES];
static const eptdiff_host* host;
static uint64_t table_eptp;

static int has(const char* bug) {
  const char* const bugs = getenv("EPTDIFF_EXAMPLE_BUG");
  return bugs != NULL && strstr(bugs, bug) != NULL;
}

static uint64_t* table_at(uint64_t address) {
  return block[((address & ADDRESS) - BLOCK) / 4096];
}

/* What eptdiff reads the tables by, in place of all announcements. */
uint64_t eptdiff_builder_read(uint64_t address) {
  return table_at(address)[address / 8 % 512];
}

static uint64_t new_table(void) {
  int i;
  for (i = 0; i < TABLES / (has("half-a-block") ? 2 : 1); ++i) {
    if (used[i]) continue;
    used[i] = 1;
    memset(block[i], 0, sizeof(block[i]));
    return BLOCK + 4096 * (uint64_t)i;
  }
  return 0;
}

static uint64_t* entry_of(uint64_t table, uint64_t gpa, int level) {
  return &table_at(table)[gpa >> (12 + 9 * (level - 1)) & 511];
}

static void flush(void) {
  if (!has("no-invept")) host->invept(host->context, table_eptp);
}

/* The table of `level` for `gpa`; 0: there is none, or a large page instead. */
static uint64_t table_of(uint64_t gpa, int level, int makes, int* result) {
  uint64_t table = BLOCK;
  int above;
  for (above = 4; above > level; --above) {
    uint64_t* const entry = entry_of(table, gpa, above);
    if (*entry & LARGE) *result = EPTDIFF_OVERLAP;
    if ((*entry & LARGE) || (!(*entry & RIGHTS) && !makes)) return 0;
    if (!(*entry & RIGHTS)) {
      const uint64_t fresh = new_table();
      *result = EPTDIFF_NO_FRAMES;
      if (fresh == 0) return 0;
      *entry = fresh | RIGHTS;
    }
    table = *entry & ADDRESS;
  }
  return table;
}

static int is_empty(const uint64_t* words) {
  int i;
  for (i = 0; i < 512; ++i) {
    if (words[i] & RIGHTS) return 0;
  }
  return 1;
}

static int map(uint64_t gpa, int level, uint64_t flags) {
  int result = EPTDIFF_NO_FRAMES;
  const uint64_t table = table_of(gpa, level, 1, &result);
  uint64_t* const entry = table == 0 ? NULL : entry_of(table, gpa, level);
  if (table == 0) return result;
  if (*entry & RIGHTS) {
    if (level == 1 || (*entry & LARGE) || !is_empty(table_at(*entry))) {
      return EPTDIFF_OVERLAP;
    }
    used[((*entry & ADDRESS) - BLOCK) / 4096] = 0;
    flush();
  }
  if (has("32-bit-addresses")) gpa &= 0xffffffff;
  *entry = gpa | RIGHTS | (flags & 0x38) | (level > 1 ? LARGE : 0);
  return EPTDIFF_DONE;
}

static int unmap(uint64_t gpa) {
  int level;
  for (level = 2; level > 0; --level) {
    int result = EPTDIFF_NOT_MAPPED;
    const uint64_t table = table_of(gpa, level, 0, &result);
    uint64_t* const entry = table == 0 ? NULL : entry_of(table, gpa, level);
    if (table == 0 || !(*entry & RIGHTS)) return EPTDIFF_NOT_MAPPED;
    if (level > 1 && !(*entry & LARGE)) continue;
    *entry = 0;
    flush();
    return EPTDIFF_DONE;
  }
  return EPTDIFF_NOT_MAPPED;
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  profile->operations =
      EPTDIFF_OPERATION(EPTDIFF_MAP) | EPTDIFF_OPERATION(EPTDIFF_UNMAP);
  profile->refusals = EPTDIFF_REFUSAL(EPTDIFF_OVERLAP) |
                      EPTDIFF_REFUSAL(EPTDIFF_NOT_MAPPED) |
                      EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->waives =
      EPTDIFF_WAIVES_EMPTY_TABLES | EPTDIFF_WAIVES_NEEDLESS_INVEPT;
  profile->models = EPTDIFF_MODELS_4_LEVELS;
  profile->capabilities_clear &= ~(UINT64_C(1) << 16); /* 2-MByte pages: yes */
  profile->capabilities_set &= ~(UINT64_C(1) << 17);   /* 1-GByte pages: no */
  profile->leaf_flags = 0x38;                          /* memory type */
  profile->always_flags = RIGHTS;
  if (has("undeclared-rights")) {
    profile->leaf_flags = 0x3f;
    profile->always_flags = 0;
  }
  profile->identity_maps = EPTDIFF_IDENTITY_ALWAYS;
  profile->frames = TABLES;
  profile->begins_mapped = has("full") && !has("undeclared-full");
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  host = lent;
  memset(used, 0, sizeof(used));
  memset(block[0], 0, sizeof(block[0]));
  used[0] = 1;
  table_eptp = *eptp = (machine->eptp & ~ADDRESS) | BLOCK;
  if (!has("full")) return EPTDIFF_DONE;
  (void)map(0, 2, 6 << 3);
  (void)map(UINT64_C(0x200000), 2, 6 << 3);
  return EPTDIFF_DONE;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  if (operation->kind == EPTDIFF_UNMAP) return unmap(operation->gpa);
  return map(operation->gpa, (int)operation->level, operation->flags);
}

void eptdiff_builder_destroy(void) { flush(); }
