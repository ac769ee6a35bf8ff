/* What flag_tables.c wants of its surroundings, and what it gives. */
#ifndef EPTDIFF_EXAMPLES_FLAG_TABLES_H_
#define EPTDIFF_EXAMPLES_FLAG_TABLES_H_

#include <stdint.h>

typedef uint64_t entry_t;

/* The rest of the hypervisor: here, the adapter. */
entry_t* alloc_table(void); /* with any contents; null if there is none */
void free_table(entry_t* table);
uint64_t virt_to_phys(const void* address);
void* phys_to_virt(uint64_t address);
void flush_guest_mappings(void);
/* A page of so many bytes goes, or loses flags: its last entry. */
void page_was(uint64_t gpa, uint64_t bytes, entry_t entry);
/* Nobody reaches this memory any more. */
void page_may_be_reused(uint64_t hpa, uint64_t bytes);

enum { TABLES_DONE = 0, TABLES_OVERLAP, TABLES_NOT_MAPPED, TABLES_NO_MEMORY };

/* Pages of 4 KBytes (level 1) and 2 MBytes (level 2) under `root`. `flags` are
 * bits 5:0 of a leaf. */
int map_page(entry_t* root, uint64_t gpa, uint64_t hpa, int level,
             entry_t flags);
int unmap_page(entry_t* root, uint64_t gpa);
int protect_page(entry_t* root, uint64_t gpa, entry_t flags);
int split_page(entry_t* root, uint64_t gpa);
/* Of accessed and dirty those of `flags`, in all pages of the region. */
void clear_flags(entry_t* root, uint64_t gpa, uint64_t bytes, entry_t flags);
void free_tables(entry_t* root);

/* Mistakes to see: an entry is loaded and stored anew, and what a processor
 * sets in it between these two is lost. */
enum { IN_UNMAP = 1, IN_PROTECT = 2, IN_SPLIT = 4, IN_CLEAR = 8 };
extern int races;

/* Another: what is unmapped is reused before the guest's mappings are flushed.
 */
extern int reused_early;

#endif /* EPTDIFF_EXAMPLES_FLAG_TABLES_H_ */
