/* The adapter of flag_tables.c: tables in which processors set accessed and
 * dirty flags while they change. EPTDIFF_EXAMPLE_BUG names where it loads an
 * entry and stores it anew, commas between: races-in-unmap, races-in-protect,
 * races-in-split, races-in-clear; and reused-early, what it unmaps. */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_stores.h"
#include "oracle/target/examples/flag_tables.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define ADDRESS UINT64_C(0x000ffffffffff000)
#define LARGE UINT64_C(0x80)

static const eptdiff_host* host;
static entry_t* root;
static uint64_t table_eptp;

entry_t* alloc_table(void) { return eptdiff_stores_allocate(); }
void free_table(entry_t* table) { eptdiff_stores_release(table); }
uint64_t virt_to_phys(const void* address) {
  return eptdiff_stores_address(address);
}
void* phys_to_virt(uint64_t address) { return eptdiff_stores_pointer(address); }
void flush_guest_mappings(void) { eptdiff_stores_invept(table_eptp); }
void page_was(uint64_t gpa, uint64_t bytes, entry_t entry) {
  host->removed(host->context, gpa, entry & ADDRESS, bytes,
                entry & ~(ADDRESS | LARGE));
}
void page_may_be_reused(uint64_t hpa, uint64_t bytes) {
  eptdiff_stores_settle();
  host->page_released(host->context, hpa, bytes);
}

static int has_bug(const char* bug) {
  const char* const bugs = getenv("EPTDIFF_EXAMPLE_BUG");
  return bugs != NULL && strstr(bugs, bug) != NULL;
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  races = (has_bug("races-in-unmap") ? IN_UNMAP : 0) |
          (has_bug("races-in-protect") ? IN_PROTECT : 0) |
          (has_bug("races-in-split") ? IN_SPLIT : 0) |
          (has_bug("races-in-clear") ? IN_CLEAR : 0);
  reused_early = has_bug("reused-early");
  profile->operations =
      EPTDIFF_OPERATION(EPTDIFF_MAP) | EPTDIFF_OPERATION(EPTDIFF_UNMAP) |
      EPTDIFF_OPERATION(EPTDIFF_PROTECT) | EPTDIFF_OPERATION(EPTDIFF_SPLIT) |
      EPTDIFF_OPERATION(EPTDIFF_CLEAR_FLAGS);
  profile->refusals = EPTDIFF_REFUSAL(EPTDIFF_OVERLAP) |
                      EPTDIFF_REFUSAL(EPTDIFF_NOT_MAPPED) |
                      EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->waives = EPTDIFF_WAIVES_NEEDLESS_INVEPT;
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_ACCESSED_DIRTY;
  /* 2-MByte pages always, 1-GByte pages never. */
  profile->capabilities_clear &= ~(UINT64_C(1) << 16);
  profile->capabilities_set &= ~(UINT64_C(1) << 17);
  profile->leaf_flags = 0x3f; /* rights and memory type */
  profile->shows_removed = 1;
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  host = lent;
  eptdiff_stores_begin(host);
  root = alloc_table();
  if (root == NULL) return EPTDIFF_NO_FRAMES;
  memset(root, 0, 4096);
  eptdiff_stores_settle();
  table_eptp = *eptp = (machine->eptp & ~ADDRESS) | virt_to_phys(root);
  return EPTDIFF_DONE;
}

static int perform(const eptdiff_builder_operation* asked) {
  switch (asked->kind) {
    case EPTDIFF_MAP:
      return map_page(root, asked->gpa, asked->hpa, (int)asked->level,
                      asked->flags);
    case EPTDIFF_UNMAP:
      return unmap_page(root, asked->gpa);
    case EPTDIFF_PROTECT:
      return protect_page(root, asked->gpa, asked->flags);
    case EPTDIFF_SPLIT:
      return split_page(root, asked->gpa);
    default:
      clear_flags(root, asked->gpa, asked->bytes, asked->flags);
      return TABLES_DONE;
  }
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  const int result = perform(operation);
  eptdiff_stores_settle();
  switch (result) {
    case TABLES_OVERLAP:
      return EPTDIFF_OVERLAP;
    case TABLES_NOT_MAPPED:
      return EPTDIFF_NOT_MAPPED;
    case TABLES_NO_MEMORY:
      return EPTDIFF_NO_FRAMES;
    default:
      return EPTDIFF_DONE;
  }
}

void eptdiff_builder_destroy(void) { free_tables(root); }
