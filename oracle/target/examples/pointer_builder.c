/* The adapter of pointer_tables.c, whose stores eptdiff_stores.h announces.
 * EPTDIFF_EXAMPLE_BUG names what it does otherwise, commas between:
 *
 *   link-before-clear  a mistake that no look at the finished tables would show
 *   copy-tables        none: structures are copied to clear tables
 *   casts              none, since it is declared: no look-up of addresses
 *   guest-stopped      none, if the guest is stopped meanwhile: declares that
 *   no-invept          a mistake even so
 *   other-unused-word  what is removed leaves a word that leads to no memory, as
 *                      hypervisors have it against L1TF; which is right if it
 *                      is declared, with other-unused-word-declared */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_stores.h"
#include "oracle/target/examples/pointer_tables.h"

EPTDIFF_BUILDER_DEFINE_ABI;

#define ADDRESS UINT64_C(0x000ffffffffff000)

static entry_t* root;
static uint64_t table_eptp;

entry_t* alloc_table(void) { return eptdiff_stores_allocate(); }
void free_table(entry_t* table) { eptdiff_stores_release(table); }
static int casts;
uint64_t virt_to_phys(const void* address) {
  return casts ? (uintptr_t)address : eptdiff_stores_address(address);
}
void* phys_to_virt(uint64_t address) {
  return casts ? (void*)(uintptr_t)address : eptdiff_stores_pointer(address);
}
static int no_invept;
void flush_guest_mappings(void) {
  if (!no_invept) eptdiff_stores_invept(table_eptp);
}

static int has_bug(const char* bug) {
  const char* const bugs = getenv("EPTDIFF_EXAMPLE_BUG");
  return bugs != NULL && strstr(bugs, bug) != NULL;
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  link_before_clear = has_bug("link-before-clear");
  copy_tables = has_bug("copy-tables");
  casts = has_bug("casts");
  profile->casts_addresses = (uint8_t)casts;
  no_invept = has_bug("no-invept");
  profile->guest_stopped = (uint8_t)has_bug("guest-stopped");
  unused_entry =
      has_bug("other-unused-word") ? UINT64_C(0x000fffffc0000000) : 0;
  profile->any_unused_word = (uint8_t)has_bug("other-unused-word-declared");
  profile->operations =
      EPTDIFF_OPERATION(EPTDIFF_MAP) | EPTDIFF_OPERATION(EPTDIFF_UNMAP);
  profile->refusals = EPTDIFF_REFUSAL(EPTDIFF_OVERLAP) |
                      EPTDIFF_REFUSAL(EPTDIFF_NOT_MAPPED) |
                      EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  profile->models = EPTDIFF_MODELS_4_LEVELS;
  profile->capabilities_set &= ~(UINT64_C(3) << 16); /* no large pages */
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* host, uint64_t* eptp) {
  (void)unused; /* 0: "EPT-violation #VE" is not declared */
  eptdiff_stores_begin(host);
  root = alloc_table();
  if (root == NULL) return EPTDIFF_NO_FRAMES;
  clear_table(root);
  eptdiff_stores_settle();
  table_eptp = *eptp = (machine->eptp & ~ADDRESS) | virt_to_phys(root);
  return EPTDIFF_DONE;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  const int maps = operation->kind == EPTDIFF_MAP;
  int result;
  if (!maps && operation->kind != EPTDIFF_UNMAP) return EPTDIFF_UNSUPPORTED;
  result =
      maps ? map_page(root, operation->gpa, operation->hpa | operation->flags)
           : unmap_page(root, operation->gpa);
  eptdiff_stores_settle();
  if (result == 0) return EPTDIFF_DONE;
  if (result == -2) return EPTDIFF_NO_FRAMES;
  return maps ? EPTDIFF_OVERLAP : EPTDIFF_NOT_MAPPED;
}

static void free_below(entry_t* table, int level) {
  int i;
  for (i = 0; level > 1 && i < 512; ++i) {
    if ((table[i] & 7) != 0) {
      free_below(phys_to_virt(table[i] & ADDRESS), level - 1);
    }
  }
  free_table(table);
}

static int is_unused(const entry_t* table) {
  int i;
  for (i = 0; i < 512; ++i) {
    if ((table[i] & 7) != 0) return 0;
  }
  return 1;
}

void eptdiff_builder_destroy(void) {
  if (!is_unused(root)) flush_guest_mappings();
  free_below(root, 4);
}
