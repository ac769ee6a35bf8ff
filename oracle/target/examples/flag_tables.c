/* Tables in which processors set accessed and dirty flags while they change, as
 * hypervisors build them: nothing here knows of eptdiff. Compiled with
 * -fsanitize=thread (eptdiff_stores.h). */
#include "oracle/target/examples/flag_tables.h"

#include <stddef.h>
#include <string.h>

#define RIGHTS UINT64_C(7)
#define LEAF_FLAGS UINT64_C(0x3f)
#define LARGE UINT64_C(0x80)
#define ACCESSED_DIRTY UINT64_C(0x300)
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define READ_ONCE(entry) (*(const volatile entry_t*)(entry))
#define WRITE_ONCE(entry, word) (*(volatile entry_t*)(entry) = (word))

int races;
int reused_early;

static uint64_t bytes_of(int level) { return UINT64_C(1) << (3 + 9 * level); }

static entry_t* entry_of(entry_t* table, uint64_t gpa, int level) {
  return &table[gpa / bytes_of(level) % 512];
}

static int is_leaf(entry_t entry, int level) {
  return level == 1 || (entry & LARGE) != 0;
}

/* The entry that decides about `gpa`, and its level. */
static entry_t* find(entry_t* root, uint64_t gpa, int* level) {
  entry_t* table = root;
  for (*level = 4;; --*level) {
    entry_t* const at = entry_of(table, gpa, *level);
    const entry_t entry = READ_ONCE(at);
    if ((entry & RIGHTS) == 0 || is_leaf(entry, *level)) return at;
    table = phys_to_virt(entry & ADDRESS);
  }
}

static int is_empty(const entry_t* table) {
  int i;
  for (i = 0; i < 512; ++i) {
    if ((table[i] & RIGHTS) != 0) return 0;
  }
  return 1;
}

/* Puts `word` in place of what is `old`, with the flags that processors have set
 * until then, if they are kept; returns what was there. */
static entry_t replace(entry_t* at, entry_t word, entry_t kept, int where) {
  entry_t old = READ_ONCE(at);
  if (races & where) {
    WRITE_ONCE(at, word | (old & kept)); /* what is set here is lost */
    return old;
  }
  while (!__atomic_compare_exchange_n(at, &old, word | (old & kept), 0,
                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
  return old;
}

int map_page(entry_t* root, uint64_t gpa, uint64_t hpa, int level,
             entry_t flags) {
  entry_t* fresh[4] = {NULL, NULL, NULL, NULL}; /* by level, 1 to 3 */
  entry_t word = hpa | flags | (level > 1 ? LARGE : 0);
  int top = 4;
  int i;
  entry_t* table = root;
  while (top > level && (READ_ONCE(entry_of(table, gpa, top)) & RIGHTS) != 0) {
    if (is_leaf(*entry_of(table, gpa, top), top)) return TABLES_OVERLAP;
    table = phys_to_virt(*entry_of(table, gpa, top) & ADDRESS);
    --top;
  }
  if ((READ_ONCE(entry_of(table, gpa, top)) & RIGHTS) != 0) {
    return TABLES_OVERLAP; /* tables that are empty are freed */
  }
  for (i = level; i < top; ++i) {
    fresh[i] = alloc_table();
    if (fresh[i] == NULL) {
      while (i-- > level) free_table(fresh[i]);
      return TABLES_NO_MEMORY;
    }
  }
  /* From the leaf upwards, so that what is linked is complete. */
  for (i = level; i < top; ++i) {
    memset(fresh[i], 0, 4096);
    WRITE_ONCE(entry_of(fresh[i], gpa, i), word);
    word = virt_to_phys(fresh[i]) | RIGHTS;
  }
  WRITE_ONCE(entry_of(table, gpa, top), word);
  return TABLES_DONE;
}

int unmap_page(entry_t* root, uint64_t gpa) {
  entry_t* tables[5];
  entry_t* unlinked[4] = {NULL, NULL, NULL, NULL};
  int level = 4;
  int i;
  entry_t old;
  tables[4] = root;
  for (;; --level) {
    old = READ_ONCE(entry_of(tables[level], gpa, level));
    if ((old & RIGHTS) == 0) return TABLES_NOT_MAPPED;
    if (is_leaf(old, level)) break;
    tables[level - 1] = phys_to_virt(old & ADDRESS);
  }
  old = replace(entry_of(tables[level], gpa, level), 0, 0, IN_UNMAP);
  page_was(gpa, bytes_of(level), old);
  if (reused_early) page_may_be_reused(old & ADDRESS, bytes_of(level));
  for (i = level; i < 4 && is_empty(tables[i]); ++i) {
    unlinked[i] = tables[i];
    WRITE_ONCE(entry_of(tables[i + 1], gpa, i + 1), 0);
  }
  flush_guest_mappings();
  if (!reused_early) page_may_be_reused(old & ADDRESS, bytes_of(level));
  for (i = 1; i < 4; ++i) {
    if (unlinked[i] != NULL) free_table(unlinked[i]);
  }
  return TABLES_DONE;
}

int protect_page(entry_t* root, uint64_t gpa, entry_t flags) {
  int level;
  entry_t* const at = find(root, gpa, &level);
  const entry_t old = READ_ONCE(at);
  if ((old & RIGHTS) == 0) return TABLES_NOT_MAPPED;
  replace(at, (old & ~(LEAF_FLAGS | ACCESSED_DIRTY)) | flags, ACCESSED_DIRTY,
          IN_PROTECT);
  flush_guest_mappings();
  return TABLES_DONE;
}

static void fill(entry_t* table, entry_t large) {
  entry_t i;
  for (i = 0; i < 512; ++i) table[i] = (large & ~LARGE) + i * 4096;
}

int split_page(entry_t* root, uint64_t gpa) {
  int level;
  entry_t* const at = find(root, gpa, &level);
  entry_t old = READ_ONCE(at);
  entry_t* table;
  if ((old & RIGHTS) == 0) return TABLES_NOT_MAPPED;
  table = alloc_table();
  if (table == NULL) return TABLES_NO_MEMORY;
  fill(table, old);
  if (races & IN_SPLIT) {
    WRITE_ONCE(at, virt_to_phys(table) | RIGHTS);
  } else {
    while (!__atomic_compare_exchange_n(at, &old, virt_to_phys(table) | RIGHTS,
                                        0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
      fill(table, old);
    }
  }
  flush_guest_mappings();
  return TABLES_DONE;
}

void clear_flags(entry_t* root, uint64_t gpa, uint64_t bytes, entry_t flags) {
  const uint64_t end = gpa + bytes;
  int cleared = 0;
  while (gpa < end) {
    int level;
    entry_t* const at = find(root, gpa, &level);
    const uint64_t first = gpa & ~(bytes_of(level) - 1);
    entry_t old = READ_ONCE(at);
    if ((old & RIGHTS) != 0 && (old & flags) != 0) {
      old = races & IN_CLEAR ? replace(at, old & ~flags, 0, IN_CLEAR)
                             : __atomic_fetch_and(at, ~flags, __ATOMIC_SEQ_CST);
      page_was(first, bytes_of(level), old);
      cleared = 1;
    }
    gpa = first + bytes_of(level);
  }
  if (cleared) flush_guest_mappings();
}

static void free_below(entry_t* table, int level) {
  int i;
  for (i = 0; level > 1 && i < 512; ++i) {
    if ((table[i] & RIGHTS) != 0 && !is_leaf(table[i], level)) {
      free_below(phys_to_virt(table[i] & ADDRESS), level - 1);
    }
  }
  free_table(table);
}

void free_tables(entry_t* root) {
  if (!is_empty(root)) flush_guest_mappings();
  free_below(root, 4);
}
