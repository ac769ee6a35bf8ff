/* A builder that is driven by faults: it keeps a list of what is mapped, and
 * fills its tables when a processor finds nothing in them. Where frames run out
 * all tables go, and come again. It logs writes by taking write permission away.
 * EPTDIFF_EXAMPLE_BUG names what is otherwise, commas between:
 *
 *   traps             what is absent is misconfigured (writable, and not
 *                     readable): the first access is an EPT misconfiguration
 *   violations-alone  ... which is not seen to
 *   undeclared        the profile does not say that it is so
 *   does-nothing      an exit is said to be dealt with, and is not
 *   present-is-ours   ... where there is an entry, whatever it lacks
 *   reads-only        what is written to for the first time is not let go on
 *   takes-all         what is not mapped is let be done again
 *   rights-of-exit    a page is given the right that it was accessed by alone,
 *                     and is not given another one later
 *   maps-writable     a page is writable whatever was asked for
 *   zaps-unflushed    tables go without INVEPT
 *   unlogged          what is written to is not logged
 *   stays-writable    LOG_CLEAR leaves write permission */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_builder.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define READ UINT64_C(1)
#define WRITE UINT64_C(2)
#define RIGHTS UINT64_C(7)
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define PAGE UINT64_C(0x1000)
#define MAX_SLOTS 128
#define MAX_WRITTEN 256

/* What is mapped: memory of the guest, with its rights and its type. */
typedef struct slot {
  uint64_t gpa, bytes, hpa, flags;
} slot;

static const eptdiff_host* host;
static uint64_t root;
static uint64_t table_eptp;
static slot slots[MAX_SLOTS];
static int slot_count;
static uint64_t written[MAX_WRITTEN]; /* pages */
static int written_count;
static int logging;
static int needs_flush;

static int has(const char* word) {
  const char* const words = getenv("EPTDIFF_EXAMPLE_BUG");
  return words != NULL && strstr(words, word) != NULL;
}

static uint64_t load(uint64_t address) {
  return host->load(host->context, address);
}
static void store(uint64_t address, uint64_t value) {
  host->store(host->context, address, value);
}

/* What maps nothing; everything else is readable. */
static uint64_t absent(void) { return has("traps") ? WRITE : 0; }

static uint64_t entry_at(uint64_t table, uint64_t gpa, int level) {
  return table + (gpa >> (12 + 9 * (level - 1)) & 511) * 8;
}

static int new_table(uint64_t* table) {
  uint64_t i;
  if (!host->allocate(host->context, table)) return 0;
  for (i = 0; i < 512; ++i) store(*table + 8 * i, absent());
  return 1;
}

/* The address of the leaf for `gpa`, with tables that lack made if `makes`; 0 if
 * there is none. */
static uint64_t find_leaf(uint64_t gpa, int makes) {
  uint64_t table = root;
  int level;
  for (level = 4; level > 1; --level) {
    const uint64_t at = entry_at(table, gpa, level);
    uint64_t entry = load(at);
    if (!(entry & READ)) {
      if (!makes || !new_table(&entry)) return 0;
      store(at, entry | RIGHTS);
    }
    table = entry & ADDRESS;
  }
  return entry_at(table, gpa, 1);
}

static void flush(void) {
  if (!has("zaps-unflushed")) host->invept(host->context, table_eptp);
}

static void release_below(uint64_t table, int level) {
  uint64_t i;
  for (i = 0; i < 512; ++i) {
    const uint64_t entry = load(table + 8 * i);
    if (level == 1 || !(entry & READ)) continue;
    release_below(entry & ADDRESS, level - 1);
    host->release(host->context, entry & ADDRESS);
  }
}

static int is_empty(uint64_t table) {
  uint64_t i;
  for (i = 0; i < 512; ++i) {
    if (load(table + 8 * i) & READ) return 0;
  }
  return 1;
}

/* All tables go but the root. */
static void zap_all(void) {
  uint64_t old[512];
  uint64_t i;
  if (is_empty(root)) return;
  for (i = 0; i < 512; ++i) {
    old[i] = load(root + 8 * i);
    if (old[i] & READ) store(root + 8 * i, absent());
  }
  flush();
  for (i = 0; i < 512; ++i) {
    if (!(old[i] & READ)) continue;
    release_below(old[i] & ADDRESS, 3);
    host->release(host->context, old[i] & ADDRESS);
  }
}

/* Pages of the region lose these rights, as far as they are there. */
static void take_away(uint64_t gpa, uint64_t bytes, uint64_t rights) {
  uint64_t done = 0;
  while (done < bytes) {
    uint64_t table = root;
    uint64_t size = UINT64_C(1) << 39;
    int level;
    for (level = 4; level > 1; --level, size >>= 9) {
      const uint64_t entry = load(entry_at(table, gpa + done, level));
      if (!(entry & READ)) break;
      table = entry & ADDRESS;
    }
    if (level == 1) {
      const uint64_t at = entry_at(table, gpa + done, 1);
      const uint64_t entry = load(at);
      if ((entry & READ) && (entry & rights)) {
        /* Execute-only and the like: what cannot stay goes. */
        const uint64_t left = entry & ~rights;
        store(at, left & READ ? left : absent());
        needs_flush = 1;
      }
    }
    done = ((gpa + done) & ~(size - 1)) + size - gpa;
  }
}

static slot* find_slot(uint64_t gpa) {
  int i;
  for (i = 0; i < slot_count; ++i) {
    if (gpa - slots[i].gpa < slots[i].bytes) return &slots[i];
  }
  return NULL;
}

static int add_slot(uint64_t gpa, uint64_t bytes, uint64_t hpa,
                    uint64_t flags) {
  slot* const fresh = &slots[slot_count];
  if (bytes == 0) return 1;
  if (slot_count == MAX_SLOTS) return 0;
  fresh->gpa = gpa;
  fresh->bytes = bytes;
  fresh->hpa = hpa;
  fresh->flags = flags;
  ++slot_count;
  return 1;
}

/* No slot lies across `gpa` afterwards. */
static int cut(uint64_t gpa) {
  slot* const found = find_slot(gpa);
  uint64_t head;
  if (found == NULL || found->gpa == gpa) return 1;
  head = gpa - found->gpa;
  if (!add_slot(gpa, found->bytes - head, found->hpa + head, found->flags)) {
    return 0;
  }
  found->bytes = head;
  return 1;
}

static int is_written(uint64_t page) {
  int i;
  for (i = 0; i < written_count; ++i) {
    if (written[i] == page) return 1;
  }
  return 0;
}

static void forget_written(uint64_t gpa, uint64_t bytes) {
  int i;
  for (i = 0; i < written_count; ++i) {
    if (written[i] - gpa < bytes) written[i--] = written[--written_count];
  }
}

static int change_slots(const eptdiff_builder_operation* asked) {
  const uint64_t end = asked->gpa + asked->bytes;
  int i;
  if (!cut(asked->gpa) || !cut(end)) return EPTDIFF_DECLINED;
  for (i = 0; i < slot_count; ++i) {
    if (slots[i].gpa - asked->gpa >= asked->bytes) continue;
    if (asked->kind == EPTDIFF_UNMAP_REGION) {
      slots[i--] = slots[--slot_count];
    } else {
      slots[i].flags = asked->flags;
    }
  }
  take_away(asked->gpa, asked->bytes, RIGHTS); /* they come again */
  if (asked->kind == EPTDIFF_UNMAP_REGION) {
    forget_written(asked->gpa, asked->bytes);
  }
  return EPTDIFF_DONE;
}

static int map_region(const eptdiff_builder_operation* asked) {
  int i;
  for (i = 0; i < slot_count; ++i) {
    const slot* const other = &slots[i];
    if (asked->gpa < other->gpa + other->bytes &&
        other->gpa < asked->gpa + asked->bytes) {
      return EPTDIFF_OVERLAP;
    }
  }
  return add_slot(asked->gpa, asked->bytes, asked->hpa, asked->flags)
             ? EPTDIFF_DONE
             : EPTDIFF_DECLINED;
}

static void log_on(void) {
  if (logging) return;
  logging = 1;
  written_count = 0;
  take_away(0, UINT64_C(1) << 48, WRITE);
}

static void tell(const eptdiff_builder_operation* asked) {
  const int clears = asked->kind == EPTDIFF_LOG_CLEAR;
  int i;
  for (i = 0; logging && i < written_count; ++i) {
    const uint64_t page = written[i];
    if (page - asked->gpa >= asked->bytes) continue;
    host->written(host->context, page, PAGE);
    if (!clears) continue;
    if (!has("stays-writable")) take_away(page, PAGE, WRITE);
    written[i--] = written[--written_count];
  }
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  profile->operations = EPTDIFF_OPERATION(EPTDIFF_MAP_REGION) |
                        EPTDIFF_OPERATION(EPTDIFF_UNMAP_REGION) |
                        EPTDIFF_OPERATION(EPTDIFF_PROTECT_REGION) |
                        EPTDIFF_LOG_OPERATIONS;
  profile->refusals =
      EPTDIFF_REFUSAL(EPTDIFF_OVERLAP) | EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->waives = EPTDIFF_WAIVES_EMPTY_TABLES;
  profile->models = EPTDIFF_MODELS_4_LEVELS;
  profile->capabilities_set &= ~(UINT64_C(3) << 16); /* no large pages */
  profile->leaf_flags = 0x3f; /* rights and memory type, */
  profile->always_flags = 1;  /* of which one is always there */
  profile->on_demand = !has("undeclared");
  if (has("traps")) {
    profile->trap_mask = RIGHTS;
    profile->trap_value = WRITE;
  }
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  host = lent;
  slot_count = written_count = logging = 0;
  if (!new_table(&root)) return EPTDIFF_NO_FRAMES;
  table_eptp = *eptp = (machine->eptp & ~ADDRESS) | root;
  return EPTDIFF_DONE;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  int result = EPTDIFF_DONE;
  needs_flush = 0;
  switch (operation->kind) {
    case EPTDIFF_MAP_REGION:
      result = map_region(operation);
      break;
    case EPTDIFF_UNMAP_REGION:
    case EPTDIFF_PROTECT_REGION:
      result = change_slots(operation);
      break;
    case EPTDIFF_LOG_ON:
      log_on();
      break;
    case EPTDIFF_LOG_OFF:
      logging = 0;
      break;
    default:
      tell(operation);
      break;
  }
  if (needs_flush) flush();
  return result;
}

static int map_page(const slot* memory, uint64_t gpa, uint64_t right) {
  const uint64_t page = gpa & ~(PAGE - 1);
  uint64_t flags = memory->flags;
  uint64_t at = find_leaf(page, 1);
  if (at == 0) {
    zap_all();
    at = find_leaf(page, 1);
    if (at == 0) return EPTDIFF_EXIT_NO_FRAMES;
  }
  if (has("maps-writable")) flags |= WRITE;
  if (right == WRITE && logging && !is_written(page) && !has("unlogged")) {
    if (written_count == MAX_WRITTEN) return EPTDIFF_NOT_OURS;
    written[written_count++] = page;
  }
  if (logging && right != WRITE && !is_written(page)) flags &= ~WRITE;
  if (has("rights-of-exit") && !(load(at) & READ)) {
    flags = (flags & ~RIGHTS) | READ | right;
  } else if (has("rights-of-exit")) {
    return EPTDIFF_RETRY;
  }
  store(at, (memory->hpa + (page - memory->gpa)) | flags);
  return EPTDIFF_RETRY;
}

int eptdiff_builder_exit(const eptdiff_builder_exit_information* exit) {
  const slot* const memory = find_slot(exit->gpa);
  const int present =
      exit->reason == 48 && (exit->qualification >> 3 & RIGHTS) != 0;
  uint64_t right = exit->qualification & RIGHTS;
  if (exit->reason == 49 && !has("violations-alone")) {
    right = READ; /* it does not say which: who writes comes again */
  } else if (exit->reason != 48) {
    return EPTDIFF_NOT_OURS;
  }
  if (memory == NULL || (right & ~memory->flags) != 0) {
    return has("takes-all") ? EPTDIFF_RETRY : EPTDIFF_NOT_OURS;
  }
  if (has("does-nothing")) return EPTDIFF_RETRY;
  if (present && has("present-is-ours")) return EPTDIFF_RETRY;
  if ((right & WRITE) && has("reads-only")) return EPTDIFF_NOT_OURS;
  return map_page(memory, exit->gpa, right & WRITE ? WRITE : right);
}

void eptdiff_builder_destroy(void) {
  zap_all();
  host->release(host->context, root);
}
