/* A builder that puts a page wherever it is told to, whatever is there: large
 * pages are split, tables are freed, pages replaced. Where frames run out, what
 * has been done until then stays. Entries that map nothing are traps, which are
 * misconfigured on purpose, and it maps no memory of other types than WB, and
 * says so. EPTDIFF_EXAMPLE_BUG names what is otherwise, commas between:
 *
 *   undeclared-replace   the profile does not say the first of these
 *   undeclared-part      nor the second
 *   undeclared-traps     nor the third
 *   refuses-types        unmodelled types are refused as misconfigured
 *   keeps-old-tables     a table in whose place a page comes is not freed
 *   replaces-unflushed   a page that takes another's place comes without INVEPT
 *   loses-on-failure     where frames run out, what was mapped there is gone
 *   unmaps-on-failure    likewise, and the profile says that
 *   unmaps-anyway        with that: and what is unmapped takes more with it
 *   unmaps-unflushed     with that: without INVEPT
 *   lossy                any page may go, and the profile says so
 *   lossy-unflushed      as lossy, without INVEPT
 *   declines-late        unmodelled types are mapped before they are declined
 *   narrow-tables        a table's entry has the rights of its first page alone
 *   types-dropped        pages are UC, whatever was asked for
 *   ignores-pat          pages have the ignore-PAT bit
 *   next-page            regions are mapped one page too high
 *   reserved-in-tables   a table's entry has the memory type of its first page
 *   walks-large-pages    a large page is taken for a table
 *   says-done            what is misaligned is said to be done
 *   says-refused         what is done is said to be refused */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_builder.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define RIGHTS UINT64_C(7)
#define TYPE UINT64_C(0x38)
#define WRITE_BACK UINT64_C(0x30)
#define IGNORE_PAT UINT64_C(0x40)
#define LARGE UINT64_C(0x80)
#define ADDRESS UINT64_C(0x000ffffffffff000)
#define TRAP UINT64_C(0xabcd002) /* writable, and not readable */
#define SMALL UINT64_C(0x1000)
#define BYTES_OF(level) (SMALL << 9 * ((level) - 1))
#define MAX_FREED 96

static const eptdiff_host* host;
static uint64_t root;
static uint64_t table_eptp;
static uint64_t freed[MAX_FREED];
static int freed_count;
static int needs_flush;

static int has(const char* bug) {
  const char* const bugs = getenv("EPTDIFF_EXAMPLE_BUG");
  return bugs != NULL && strstr(bugs, bug) != NULL;
}

static uint64_t load(uint64_t address) {
  return host->load(host->context, address);
}
static void store(uint64_t address, uint64_t value) {
  host->store(host->context, address, value);
}

static int maps(uint64_t entry) {
  return (entry & RIGHTS) != 0 && (entry & RIGHTS) != (TRAP & RIGHTS);
}

static int is_leaf(uint64_t entry, int level) {
  return level == 1 || (entry & LARGE) != 0;
}

static uint64_t entry_at(uint64_t table, uint64_t gpa, int level) {
  return table + gpa / BYTES_OF(level) % 512 * 8;
}

/* A table of traps, or of what the large page `entry` maps; 0: no frame. */
static uint64_t new_table(uint64_t entry, int level) {
  uint64_t frame;
  uint64_t i;
  if (!host->allocate(host->context, &frame)) return 0;
  for (i = 0; i < 512; ++i) {
    store(frame + 8 * i, !maps(entry) ? TRAP
                         : level == 2 ? (entry & ~LARGE) + i * SMALL
                                      : entry + i * BYTES_OF(2));
  }
  return frame;
}

static void free_later(uint64_t table, int level) {
  uint64_t i;
  if (has("keeps-old-tables")) return;
  for (i = 0; level > 1 && i < 512; ++i) {
    const uint64_t entry = load(table + 8 * i);
    if (maps(entry) && !is_leaf(entry, level)) {
      free_later(entry & ADDRESS, level - 1);
    }
  }
  freed[freed_count++] = table;
}

/* Of the entry of a table that is made for an entry `word`. */
static uint64_t table_flags(uint64_t word) {
  if (has("reserved-in-tables")) return RIGHTS | (word & TYPE);
  return has("narrow-tables") ? word & RIGHTS : RIGHTS;
}

static uint64_t leaf(uint64_t hpa, uint64_t flags, int level) {
  if (has("types-dropped")) flags &= ~TYPE;
  if (has("ignores-pat")) flags |= IGNORE_PAT;
  return hpa | flags | (level > 1 ? LARGE : 0);
}

/* `word` becomes the entry of `level` for `gpa`. */
static int put(uint64_t gpa, int level, uint64_t word) {
  uint64_t table = root;
  uint64_t at;
  uint64_t old;
  int above;
  for (above = 4; above > level; --above) {
    at = entry_at(table, gpa, above);
    old = load(at);
    if (!maps(old) || (is_leaf(old, above) && !has("walks-large-pages"))) {
      const uint64_t fresh = new_table(old, above);
      if (fresh == 0) return EPTDIFF_NO_FRAMES;
      store(at, fresh | table_flags(word));
      needs_flush |= maps(old);
      old = fresh;
    }
    table = old & ADDRESS;
  }
  at = entry_at(table, gpa, level);
  old = load(at);
  if (old == word) return EPTDIFF_DONE;
  store(at, word);
  if (!maps(old)) return EPTDIFF_DONE;
  if (!has("replaces-unflushed") || !maps(word)) needs_flush = 1;
  if (!is_leaf(old, level)) free_later(old & ADDRESS, level - 1);
  return EPTDIFF_DONE;
}

/* The level of the page that `gpa` is in, or of the entry that maps nothing. */
static int level_at(uint64_t gpa, int* mapped) {
  uint64_t table = root;
  int level = 4;
  for (;; --level) {
    const uint64_t entry = load(entry_at(table, gpa, level));
    *mapped = maps(entry);
    if (!*mapped || is_leaf(entry, level)) return level;
    table = entry & ADDRESS;
  }
}

static int map_region(const eptdiff_builder_operation* asked) {
  uint64_t done = 0;
  while (done < asked->bytes) {
    const uint64_t gpa = asked->gpa + done;
    const uint64_t hpa = asked->hpa + done + (has("next-page") ? SMALL : 0);
    const int large = asked->level > 1 && asked->bytes - done >= BYTES_OF(2) &&
                      (gpa | hpa) % BYTES_OF(2) == 0;
    const int level = large ? 2 : 1;
    const int result = put(gpa, level, leaf(hpa, asked->flags, level));
    if (result != EPTDIFF_DONE) return result;
    done += BYTES_OF(level);
  }
  return EPTDIFF_DONE;
}

static int unmap_region(uint64_t gpa, uint64_t bytes) {
  const uint64_t end = gpa + bytes;
  while (gpa < end) {
    int mapped;
    const int level = level_at(gpa, &mapped);
    const uint64_t size = BYTES_OF(level);
    const int whole = gpa % size == 0 && end - gpa >= size;
    const int at = whole ? level : 1;
    if (mapped) {
      const int result = put(gpa, at, TRAP);
      if (result != EPTDIFF_DONE) return result;
    }
    gpa = mapped ? gpa + BYTES_OF(at) : (gpa & ~(size - 1)) + size;
  }
  return EPTDIFF_DONE;
}

static int change(const eptdiff_builder_operation* asked) {
  const uint64_t type = asked->flags >> 3 & 7;
  const int sets = asked->kind != EPTDIFF_UNMAP_REGION;
  if (has("says-done") && ((asked->gpa | asked->hpa | asked->bytes) & 4095)) {
    return EPTDIFF_DONE;
  }
  if (sets && type != 6 && !has("declines-late")) {
    return has("refuses-types") ? EPTDIFF_MISCONFIGURED : EPTDIFF_DECLINED;
  }
  if (asked->kind == EPTDIFF_MAP) {
    const int level = (int)asked->level;
    return put(asked->gpa, level, leaf(asked->hpa, asked->flags, level));
  }
  if (asked->kind == EPTDIFF_MAP_REGION) return map_region(asked);
  return unmap_region(asked->gpa, asked->bytes);
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  profile->operations = EPTDIFF_OPERATION(EPTDIFF_MAP) |
                        EPTDIFF_OPERATION(EPTDIFF_MAP_REGION) |
                        EPTDIFF_OPERATION(EPTDIFF_UNMAP_REGION);
  profile->refusals = EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->waives =
      EPTDIFF_WAIVES_EMPTY_TABLES | EPTDIFF_WAIVES_NEEDLESS_INVEPT;
  if (!has("undeclared-part")) {
    profile->waives |= EPTDIFF_WAIVES_PARTIAL_SUCCESS;
  }
  if (has("unmaps-on-failure")) {
    profile->waives |= EPTDIFF_WAIVES_LOSS_ON_FAILURE;
  }
  if (has("lossy")) profile->waives |= EPTDIFF_WAIVES_LOSSY_TABLES;
  profile->models = EPTDIFF_MODELS_4_LEVELS;
  /* 2-MByte pages always, 1-GByte pages never. */
  profile->capabilities_clear &= ~(UINT64_C(1) << 16);
  profile->capabilities_set &= ~(UINT64_C(1) << 17);
  profile->leaf_flags = 0x3f; /* rights and memory type */
  profile->always_flags = 1;  /* readable, always */
  profile->map_replaces = !has("undeclared-replace");
  if (has("undeclared-replace")) {
    profile->refusals |= EPTDIFF_REFUSAL(EPTDIFF_OVERLAP);
  }
  if (has("says-done")) {
    profile->refusals |= EPTDIFF_REFUSAL(EPTDIFF_MISALIGNED);
  }
  if (!has("undeclared-traps")) {
    profile->trap_mask = RIGHTS;
    profile->trap_value = 2;
  }
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  host = lent;
  root = new_table(0, 4);
  if (root == 0) return EPTDIFF_NO_FRAMES;
  table_eptp = *eptp = (machine->eptp & ~ADDRESS) | root;
  return EPTDIFF_DONE;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  int result;
  freed_count = needs_flush = 0;
  result = change(operation);
  if (result == EPTDIFF_NO_FRAMES &&
      (has("loses-on-failure") || has("unmaps-on-failure") || has("lossy"))) {
    (void)put(operation->gpa & ~(BYTES_OF(3) - 1), 3, TRAP);
    if (has("lossy-unflushed") || has("unmaps-unflushed")) needs_flush = 0;
  } else if (operation->kind == EPTDIFF_UNMAP_REGION && has("unmaps-anyway")) {
    (void)put(operation->gpa & ~(BYTES_OF(3) - 1), 3, TRAP);
  }
  if (has("declines-late") && (operation->flags & TYPE) != WRITE_BACK &&
      operation->kind != EPTDIFF_UNMAP_REGION) {
    result = EPTDIFF_DECLINED;
  }
  if (needs_flush) host->invept(host->context, table_eptp);
  while (freed_count > 0) host->release(host->context, freed[--freed_count]);
  if (result == EPTDIFF_DONE && has("says-refused")) return EPTDIFF_UNSUPPORTED;
  return result;
}

void eptdiff_builder_destroy(void) {
  host->invept(host->context, table_eptp);
  freed_count = 0;
  free_later(root, 4);
  while (freed_count > 0) host->release(host->context, freed[--freed_count]);
}
