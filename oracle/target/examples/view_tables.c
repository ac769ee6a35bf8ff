#include "oracle/target/examples/view_tables.h"

#define RIGHTS UINT64_C(7)
#define ACCESSED UINT64_C(0x100)
#define DIRTY UINT64_C(0x200)
#define ACCESSED_DIRTY (ACCESSED | DIRTY)
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define PAGE UINT64_C(4096)
#define MAX_FRAMES 2048

void (*note_dirty)(uint64_t gpa);
int never_copies, frees_shared, protects_next, races_in_clear;

static uint64_t roots[VIEWS];
static int changed[VIEWS];        /* since the last flush */
static uint64_t gone[MAX_FRAMES]; /* linked no more, to be freed after that */
static int gone_count;
/* Tables of 4-KByte pages, and how many views link them. */
static struct {
  uint64_t table;
  int links;
} lowest[MAX_FRAMES];
static int lowest_count;

static int lowest_at(uint64_t table) {
  int i;
  for (i = 0; i < lowest_count && lowest[i].table != table; ++i) continue;
  return i;
}

static void link_lowest(uint64_t table) {
  const int i = lowest_at(table);
  if (i == lowest_count) {
    lowest[lowest_count].table = table;
    lowest[lowest_count++].links = 0;
  }
  ++lowest[i].links;
}

static void unlink_lowest(uint64_t table, int is_end) {
  const int i = lowest_at(table);
  if (--lowest[i].links > 0 && (is_end || !frees_shared)) return;
  gone[gone_count++] = table;
  lowest[i] = lowest[--lowest_count];
}

static int is_shared(uint64_t table) {
  return !never_copies && lowest[lowest_at(table)].links > 1;
}

static uint64_t entry_at(uint64_t table, uint64_t gpa, int level) {
  return table + (gpa >> (12 + 9 * (level - 1)) & 511) * 8;
}

/* The entry of `level` for `gpa`; 0 if there is no such table. */
static uint64_t find(int view, uint64_t gpa, int level) {
  uint64_t table = roots[view];
  int i;
  for (i = 4; i > level; --i) {
    const uint64_t entry = read_entry(entry_at(table, gpa, i));
    if (!(entry & RIGHTS)) return 0;
    table = entry & ADDRESS;
  }
  return entry_at(table, gpa, level);
}

static int is_mapped(int view, uint64_t gpa) {
  const uint64_t at = find(view, gpa, 1);
  return at != 0 && (read_entry(at) & RIGHTS) != 0;
}

/* Whether a table has entries outside of [gpa, end), of `level`. */
static int has_others(uint64_t table, uint64_t gpa, uint64_t end, int level) {
  const uint64_t bytes = PAGE << 9 * (level - 1);
  uint64_t first = gpa & ~(512 * bytes - 1);
  int i;
  for (i = 0; i < 512; ++i, first += bytes) {
    if (first + bytes > gpa && first < end) continue;
    if (read_entry(table + 8 * (uint64_t)i) & RIGHTS) return 1;
  }
  return 0;
}

static void fill(uint64_t table, uint64_t from) {
  uint64_t i;
  for (i = 0; i < PAGE; i += 8) {
    write_entry(table + i, from != 0 ? read_entry(from + i) : 0);
  }
}

/* Stores the entry of `target`, 1 or 2, for `gpa`, by a single store to what
 * processors use: tables that are missing are made first, and one that other
 * views share is copied. Who finds no frame has changed nothing. */
static int put(int view, uint64_t gpa, int target, uint64_t word) {
  uint64_t frames[3], table = roots[view], copied = 0, old, at, made = word;
  int level = 4, i;
  for (; level > target; --level) {
    const uint64_t entry = read_entry(entry_at(table, gpa, level));
    if (!(entry & RIGHTS)) break;
    if (level == 2 && is_shared(entry & ADDRESS)) {
      copied = entry & ADDRESS;
      break;
    }
    table = entry & ADDRESS;
  }
  for (i = target; i < level; ++i) {
    if (new_frame(&frames[i - 1])) continue;
    while (--i >= target) free_frame(frames[i - 1]);
    return VIEW_NO_MEMORY;
  }
  for (i = target; i < level; ++i) {
    fill(frames[i - 1], copied);
    write_entry(entry_at(frames[i - 1], gpa, i), made);
    made = frames[i - 1] | RIGHTS;
    if (i == 1) link_lowest(frames[0]);
  }
  at = entry_at(table, gpa, level);
  do { /* what a processor has set in a page that stays is kept */
    old = read_entry(at);
    if (level == 1 && word != 0) made = word | (old & ACCESSED_DIRTY);
  } while (!swap_entry(at, old, made));
  if (level == 1 && word == 0 && (old & DIRTY) && note_dirty) note_dirty(gpa);
  if (target == 2) link_lowest(word & ADDRESS);
  if (copied != 0) unlink_lowest(copied, 0);
  for (i = 0; i < VIEWS && (old & RIGHTS) != 0; ++i) {
    if (i == view || never_copies) changed[i] = 1;
  }
  return VIEW_DONE;
}

int create_views(uint64_t made[VIEWS]) {
  int view;
  gone_count = lowest_count = 0;
  for (view = 0; view < VIEWS; ++view) {
    changed[view] = 0;
    if (!new_frame(&roots[view])) {
      while (view-- > 0) free_frame(roots[view]);
      return VIEW_NO_MEMORY;
    }
    fill(roots[view], 0);
    made[view] = roots[view];
  }
  return VIEW_DONE;
}

static int unmap_page(int view, uint64_t gpa) {
  uint64_t table;
  int level = 2;
  table = read_entry(find(view, gpa, 2)) & ADDRESS;
  if (has_others(table, gpa, gpa + PAGE, 1)) return put(view, gpa, 1, 0);
  /* The page is the last one of its table. */
  changed[view] = 1;
  write_entry(find(view, gpa, 2), 0);
  unlink_lowest(table, 0);
  for (; level < 4; ++level) {
    const uint64_t above = find(view, gpa, level + 1);
    table = read_entry(above) & ADDRESS;
    if (has_others(table, 0, 0, level)) break;
    write_entry(above, 0);
    gone[gone_count++] = table;
  }
  return VIEW_DONE;
}

int unmap_region(int view, uint64_t gpa, uint64_t bytes) {
  int result = VIEW_NOT_MAPPED;
  uint64_t done;
  for (done = 0; done < bytes; done += PAGE) {
    if (!is_mapped(view, gpa + done)) continue;
    result = unmap_page(view, gpa + done);
    if (result == VIEW_NO_MEMORY) break;
  }
  return result;
}

int protect_region(int view, uint64_t gpa, uint64_t bytes, uint64_t flags) {
  int result = VIEW_NOT_MAPPED;
  uint64_t done;
  for (done = 0; done < bytes; done += PAGE) {
    const int next = (view + 1) % VIEWS;
    int in = view;
    uint64_t entry;
    if (!is_mapped(view, gpa + done)) continue;
    if (protects_next && is_mapped(next, gpa + done) &&
        ((read_entry(find(next, gpa + done, 1)) ^ flags) & 0x3f) != 0) {
      in = next;
    }
    entry = read_entry(find(in, gpa + done, 1));
    result = put(in, gpa + done, 1, (entry & ADDRESS) | flags);
    if (result == VIEW_NO_MEMORY) break;
  }
  return result;
}

static void clear_dirty(uint64_t at, uint64_t gpa) {
  uint64_t old;
  int view;
  do {
    old = read_entry(at);
    if (races_in_clear) {
      write_entry(at, (old & ~DIRTY) | ACCESSED);
      break;
    }
    if (!(old & DIRTY)) return;
  } while (!swap_entry(at, old, old & ~DIRTY));
  for (view = 0; view < VIEWS; ++view) {
    if (find(view, gpa, 1) == at) changed[view] = 1;
  }
}

static void look_below(uint64_t table, int level, uint64_t first, uint64_t gpa,
                       uint64_t end, int clears) {
  const uint64_t bytes = PAGE << 9 * (level - 1);
  int i;
  for (i = 0; i < 512; ++i, first += bytes) {
    const uint64_t at = table + 8 * (uint64_t)i;
    uint64_t entry;
    if (first + bytes <= gpa || first >= end) continue;
    entry = read_entry(at);
    if (!(entry & RIGHTS)) continue;
    if (level > 1) {
      look_below(entry & ADDRESS, level - 1, first, gpa, end, clears);
    } else {
      if ((entry & DIRTY) && note_dirty) note_dirty(first);
      if (clears) clear_dirty(at, first);
    }
  }
}

void find_dirty(int view, uint64_t gpa, uint64_t end, int clears) {
  look_below(roots[view], 4, 0, gpa, end, clears);
}

static int is_any_mapped(int view, uint64_t gpa, uint64_t bytes) {
  uint64_t done;
  for (done = 0; done < bytes; done += PAGE) {
    if (is_mapped(view, gpa + done)) return 1;
  }
  return 0;
}

int map_region(int view, uint64_t gpa, uint64_t hpa, uint64_t bytes,
               uint64_t flags) {
  uint64_t done;
  if (is_any_mapped(view, gpa, bytes)) return VIEW_OVERLAP;
  for (done = 0; done < bytes; done += PAGE) {
    if (put(view, gpa + done, 1, (hpa + done) | flags)) return VIEW_NO_MEMORY;
  }
  return VIEW_DONE;
}

/* The first view's tables where all that they map is new, else page by page. */
static int map_like_first(int view, uint64_t gpa, uint64_t end) {
  while (gpa < end) {
    const uint64_t own = find(view, gpa, 2);
    const uint64_t table = read_entry(find(0, gpa, 2)) & ADDRESS;
    const uint64_t next = (gpa & ~(512 * PAGE - 1)) + 512 * PAGE;
    const uint64_t stop = next < end ? next : end;
    if ((own == 0 || !(read_entry(own) & RIGHTS)) &&
        !has_others(table, gpa, stop, 1)) {
      if (put(view, gpa, 2, table | RIGHTS)) return VIEW_NO_MEMORY;
      gpa = stop;
    }
    for (; gpa < stop; gpa += PAGE) {
      const uint64_t page = read_entry(find(0, gpa, 1)) & ~ACCESSED_DIRTY;
      if (put(view, gpa, 1, page)) return VIEW_NO_MEMORY;
    }
  }
  return VIEW_DONE;
}

int map_in_all(uint64_t gpa, uint64_t hpa, uint64_t bytes, uint64_t flags) {
  int view, result;
  for (view = 1; view < VIEWS; ++view) {
    if (is_any_mapped(view, gpa, bytes)) return VIEW_OVERLAP;
  }
  result = map_region(0, gpa, hpa, bytes, flags);
  if (result != VIEW_DONE) return result;
  for (view = 1; view < VIEWS; ++view) {
    if (map_like_first(view, gpa, gpa + bytes)) return VIEW_NO_MEMORY;
  }
  return VIEW_DONE;
}

void settle_views(void) {
  int view;
  for (view = 0; view < VIEWS; ++view) {
    if (changed[view]) flush_view(view);
    changed[view] = 0;
  }
  while (gone_count > 0) free_frame(gone[--gone_count]);
}

static void give_up(uint64_t table, int level) {
  uint64_t i;
  for (i = 0; i < PAGE && level > 1; i += 8) {
    const uint64_t entry = read_entry(table + i);
    if (entry & RIGHTS) give_up(entry & ADDRESS, level - 1);
  }
  if (level == 1) {
    unlink_lowest(table, 1);
  } else {
    gone[gone_count++] = table;
  }
}

void destroy_views(void) {
  int view;
  for (view = 0; view < VIEWS; ++view) {
    changed[view] = has_others(roots[view], 0, 0, 4);
    give_up(roots[view], 4);
  }
  settle_views();
}
