/* Tables as hypervisors build them, through pointers: nothing here knows of
 * eptdiff. Compiled with -fsanitize=thread (eptdiff_stores.h). */
#include "oracle/target/examples/pointer_tables.h"

#include <stddef.h>
#include <string.h>

#define RIGHTS UINT64_C(7)
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define WRITE_ONCE(entry, word) (*(volatile entry_t*)(entry) = (word))

entry_t unused_entry;
int link_before_clear;
int copy_tables;

static entry_t* entry_of(entry_t* table, uint64_t gpa, int level) {
  return &table[gpa >> (12 + 9 * (level - 1)) & 511];
}

static int is_empty(const entry_t* table) {
  int i;
  for (i = 0; i < 512; ++i) {
    if ((table[i] & RIGHTS) != 0) return 0;
  }
  return 1;
}

/* A structure: gcc copies it at once, clang by memcpy. */
struct table {
  entry_t entries[512];
};
static const struct table cleared;

void clear_table(entry_t* table) {
  if (copy_tables) {
    *(struct table*)(void*)table = cleared;
  } else {
    memset(table, 0, 4096);
  }
}

static void free_chain(entry_t* tables[], int level) {
  while (level > 0) {
    if (tables[level] != NULL) free_table(tables[level]);
    --level;
  }
}

int map_page(entry_t* root, uint64_t gpa, entry_t leaf) {
  entry_t* fresh[4] = {NULL, NULL, NULL, NULL}; /* by level, 1 to 3 */
  entry_t* table = root;
  int top = 4;
  int level;
  while (top > 1 && (*entry_of(table, gpa, top) & RIGHTS) != 0) {
    table = phys_to_virt(*entry_of(table, gpa, top) & ADDRESS);
    --top;
  }
  if ((*entry_of(table, gpa, top) & RIGHTS) != 0) return -1;
  for (level = 1; level < top; ++level) {
    fresh[level] = alloc_table();
    if (fresh[level] == NULL) {
      free_chain(fresh, level);
      return -2;
    }
    if (!link_before_clear) clear_table(fresh[level]);
  }
  /* From the leaf upwards, so that what is linked is complete. */
  for (level = 1; level <= top; ++level) {
    entry_t* const in = level < top ? fresh[level] : table;
    const entry_t word =
        level == 1 ? leaf : virt_to_phys(fresh[level - 1]) | RIGHTS;
    WRITE_ONCE(entry_of(in, gpa, level), word);
  }
  for (level = 1; link_before_clear && level < top; ++level) {
    entry_t* const kept = entry_of(fresh[level], gpa, level);
    const entry_t word = *kept;
    clear_table(fresh[level]);
    WRITE_ONCE(kept, word);
  }
  return 0;
}

int unmap_page(entry_t* root, uint64_t gpa) {
  entry_t* tables[5];
  entry_t* unlinked[4] = {NULL, NULL, NULL, NULL};
  int level;
  tables[4] = root;
  for (level = 4; level > 1; --level) {
    const entry_t entry = *entry_of(tables[level], gpa, level);
    if ((entry & RIGHTS) == 0) return -1;
    tables[level - 1] = phys_to_virt(entry & ADDRESS);
  }
  if ((*entry_of(tables[1], gpa, 1) & RIGHTS) == 0) return -1;
  WRITE_ONCE(entry_of(tables[1], gpa, 1), unused_entry);
  for (level = 1; level < 4 && is_empty(tables[level]); ++level) {
    unlinked[level] = tables[level];
    WRITE_ONCE(entry_of(tables[level + 1], gpa, level + 1), unused_entry);
  }
  flush_guest_mappings();
  free_chain(unlinked, 3);
  return 0;
}
