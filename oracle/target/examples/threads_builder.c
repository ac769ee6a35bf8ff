/* A builder that several threads enter at once: 4-KByte pages, 4 levels; what
 * it changes it changes by compare_exchange, and tables stay until the end.
 * EPTDIFF_EXAMPLE_BUG names what is otherwise, commas between:
 *
 *   locked             none: one lock around everything, and plain stores
 *   stores-in-protect  protect loads an entry, and stores it anew, without one
 *   stores-in-unmap    so does unmap
 *   stores-tables      map links a new table by a store: another's is lost
 *   early-unlock       the lock is given back before the store */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_builder.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define RIGHTS UINT64_C(7)
#define ADDRESS UINT64_C(0x000ffffffffff000)

static const eptdiff_host* host;
static uint64_t root;
static uint64_t table_eptp;
static int lock;

static int has(const char* bug) {
  const char* const bugs = getenv("EPTDIFF_EXAMPLE_BUG");
  return bugs != NULL && strstr(bugs, bug) != NULL;
}

static void take_lock(void) {
  while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0) {
    host->pause(host->context);
  }
}
static void give_lock(void) { __atomic_store_n(&lock, 0, __ATOMIC_RELEASE); }

static uint64_t load(uint64_t address) {
  return host->load(host->context, address);
}

/* Whether the entry is `desired` now; it was `expected`. */
static int exchange(uint64_t address, uint64_t expected, uint64_t desired,
                    const char* bug) {
  if (has("locked") || has("early-unlock") || has(bug)) {
    if (has("early-unlock")) give_lock();
    host->store(host->context, address, desired);
    if (has("early-unlock")) take_lock();
    return 1;
  }
  return host->compare_exchange(host->context, address, expected, desired);
}

static uint64_t entry_at(uint64_t table, uint64_t gpa, int level) {
  return table + (gpa >> (12 + 9 * (level - 1)) & 511) * 8;
}

static uint64_t new_table(void) {
  uint64_t frame;
  int i;
  if (!host->allocate(host->context, &frame)) return 0;
  for (i = 0; i < 512; ++i) {
    host->store(host->context, frame + 8 * (uint64_t)i, 0);
  }
  return frame;
}

/* The table of the page's own entry; 0 if there is none, or no frame for it. */
static uint64_t table_of(uint64_t gpa, int makes) {
  uint64_t table = root;
  int level;
  for (level = 4; level > 1; --level) {
    const uint64_t at = entry_at(table, gpa, level);
    uint64_t entry = load(at);
    while (!(entry & RIGHTS)) {
      const uint64_t fresh = makes ? new_table() : 0;
      if (fresh == 0) return 0;
      if (exchange(at, entry, fresh | RIGHTS, "stores-tables")) {
        entry = fresh | RIGHTS;
      } else {
        host->release(host->context, fresh);
        entry = load(at);
      }
    }
    table = entry & ADDRESS;
  }
  return table;
}

static int change(const eptdiff_builder_operation* asked) {
  const int maps = asked->kind == EPTDIFF_MAP;
  const uint64_t table = table_of(asked->gpa, maps);
  const uint64_t at = entry_at(table, asked->gpa, 1);
  if (table == 0) return maps ? EPTDIFF_NO_FRAMES : EPTDIFF_NOT_MAPPED;
  for (;;) {
    const uint64_t entry = load(at);
    uint64_t desired = 0;
    const char* bug = "stores-in-unmap";
    if (maps != !(entry & RIGHTS)) {
      return maps ? EPTDIFF_OVERLAP : EPTDIFF_NOT_MAPPED;
    }
    if (maps) {
      desired = asked->hpa | asked->flags;
      bug = "stores-in-map";
    } else if (asked->kind == EPTDIFF_PROTECT) {
      desired = (entry & ADDRESS) | asked->flags;
      bug = "stores-in-protect";
    }
    if (exchange(at, entry, desired, bug)) break;
  }
  if (!maps) host->invept(host->context, table_eptp);
  return EPTDIFF_DONE;
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  profile->operations = EPTDIFF_OPERATION(EPTDIFF_MAP) |
                        EPTDIFF_OPERATION(EPTDIFF_UNMAP) |
                        EPTDIFF_OPERATION(EPTDIFF_PROTECT);
  profile->refusals = EPTDIFF_REFUSAL(EPTDIFF_OVERLAP) |
                      EPTDIFF_REFUSAL(EPTDIFF_NOT_MAPPED) |
                      EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->waives =
      EPTDIFF_WAIVES_NEEDLESS_INVEPT | EPTDIFF_WAIVES_EMPTY_TABLES;
  profile->models = EPTDIFF_MODELS_4_LEVELS;
  profile->capabilities_set &= ~(UINT64_C(3) << 16);
  profile->leaf_flags = 0x3f;
  profile->several_threads = 1;
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  host = lent;
  lock = 0;
  root = new_table();
  if (root == 0) return EPTDIFF_NO_FRAMES;
  table_eptp = *eptp = (machine->eptp & ~ADDRESS) | root;
  return EPTDIFF_DONE;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  const int locks = has("locked") || has("early-unlock");
  int result;
  if (locks) take_lock();
  result = change(operation);
  if (locks) give_lock();
  return result;
}

static void release(uint64_t table, int level) {
  int i;
  for (i = 0; level > 1 && i < 512; ++i) {
    const uint64_t entry = load(table + 8 * (uint64_t)i);
    if (entry & RIGHTS) release(entry & ADDRESS, level - 1);
  }
  host->release(host->context, table);
}

void eptdiff_builder_destroy(void) {
  host->invept(host->context, table_eptp);
  release(root, 4);
}
