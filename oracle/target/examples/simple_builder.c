/* A builder as a small hypervisor might have it: 4-KByte pages, 4 levels, map
 * and unmap. What it does not declare it is never asked for.
 */
#include "oracle/target/eptdiff_builder.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define RIGHTS UINT64_C(7)
#define ADDRESS UINT64_C(0x000ffffffffff000)

static const eptdiff_host* host;
static uint64_t root;
static uint64_t table_eptp;

static uint64_t load(uint64_t address) {
  return host->load(host->context, address);
}
static void store(uint64_t address, uint64_t value) {
  host->store(host->context, address, value);
}

/* The entry of `level`, 4 to 1, for `gpa` in `table`. */
static uint64_t entry_at(uint64_t table, uint64_t gpa, int level) {
  return table + (gpa >> (12 + 9 * (level - 1)) & 511) * 8;
}

static void clear(uint64_t table) {
  for (int i = 0; i < 512; ++i) store(table + 8 * (uint64_t)i, 0);
}

static int is_empty(uint64_t table) {
  for (int i = 0; i < 512; ++i) {
    if (load(table + 8 * (uint64_t)i) & RIGHTS) return 0;
  }
  return 1;
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  profile->operations =
      EPTDIFF_OPERATION(EPTDIFF_MAP) | EPTDIFF_OPERATION(EPTDIFF_UNMAP);
  profile->refusals = EPTDIFF_REFUSAL(EPTDIFF_OVERLAP) |
                      EPTDIFF_REFUSAL(EPTDIFF_NOT_MAPPED) |
                      EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_ACCESSED_DIRTY;
  /* No large pages: bits 16 and 17 of IA32_VMX_EPT_VPID_CAP are 0. */
  profile->capabilities_set &= ~(UINT64_C(3) << 16);
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  host = lent;
  if (!host->allocate(host->context, &root)) return EPTDIFF_NO_FRAMES;
  clear(root);
  table_eptp = *eptp = (machine->eptp & ~ADDRESS) | root;
  return EPTDIFF_DONE;
}

static int map(uint64_t gpa, uint64_t hpa, uint64_t flags) {
  uint64_t frames[3];
  uint64_t table = root;
  uint64_t word = hpa | flags;
  int level = 4;
  while (level > 1) {
    const uint64_t entry = load(entry_at(table, gpa, level));
    if (!(entry & RIGHTS)) break;
    table = entry & ADDRESS;
    --level;
  }
  if (load(entry_at(table, gpa, level)) & RIGHTS) return EPTDIFF_OVERLAP;
  /* All frames first: who runs out has changed nothing. */
  for (int i = 0; i < level - 1; ++i) {
    if (host->allocate(host->context, &frames[i])) continue;
    while (i-- > 0) host->release(host->context, frames[i]);
    return EPTDIFF_NO_FRAMES;
  }
  /* From the leaf upwards: what is linked is complete. */
  for (int below = 1; below < level; ++below) {
    const uint64_t frame = frames[below - 1];
    clear(frame);
    store(entry_at(frame, gpa, below), word);
    word = frame | RIGHTS;
  }
  store(entry_at(table, gpa, level), word);
  return EPTDIFF_DONE;
}

static int unmap(uint64_t gpa) {
  uint64_t tables[5];
  int level = 4;
  tables[4] = root;
  for (; level > 1; --level) {
    const uint64_t entry = load(entry_at(tables[level], gpa, level));
    if (!(entry & RIGHTS)) return EPTDIFF_NOT_MAPPED;
    tables[level - 1] = entry & ADDRESS;
  }
  if (!(load(entry_at(tables[1], gpa, 1)) & RIGHTS)) return EPTDIFF_NOT_MAPPED;
  store(entry_at(tables[1], gpa, 1), 0);
  while (level < 4 && is_empty(tables[level])) {
    ++level;
    store(entry_at(tables[level], gpa, level), 0);
  }
  host->invept(host->context, table_eptp);
  while (--level > 0) host->release(host->context, tables[level]);
  return EPTDIFF_DONE;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  switch (operation->kind) {
    case EPTDIFF_MAP:
      return map(operation->gpa, operation->hpa, operation->flags);
    case EPTDIFF_UNMAP:
      return unmap(operation->gpa);
    default:
      return EPTDIFF_UNSUPPORTED;
  }
}

static void release(uint64_t table, int level) {
  for (int i = 0; level > 1 && i < 512; ++i) {
    const uint64_t entry = load(table + 8 * (uint64_t)i);
    if (entry & RIGHTS) release(entry & ADDRESS, level - 1);
  }
  host->release(host->context, table);
}

void eptdiff_builder_destroy(void) {
  if (!is_empty(root)) host->invept(host->context, table_eptp);
  release(root, 4);
}
