/* What pointer_tables.c wants of its surroundings, and what it gives. */
#ifndef EPTDIFF_EXAMPLES_POINTER_TABLES_H_
#define EPTDIFF_EXAMPLES_POINTER_TABLES_H_

#include <stdint.h>

typedef uint64_t entry_t;

/* The rest of the hypervisor: here, the adapter. */
entry_t* alloc_table(void); /* with any contents; null if there is none */
void free_table(entry_t* table);
uint64_t virt_to_phys(const void* address);
void* phys_to_virt(uint64_t address);
void flush_guest_mappings(void);

/* 4-KByte pages under `root`. 0, or -1: mapped already, not mapped; -2: there
 * is no memory. */
int map_page(entry_t* root, uint64_t gpa, entry_t leaf);
int unmap_page(entry_t* root, uint64_t gpa);
void clear_table(entry_t* table);

/* What an entry holds from which a page or a table is removed. */
extern entry_t unused_entry;

/* A mistake to see: tables are linked first, and cleared then. */
extern int link_before_clear;

/* None: what is cleared is copied from a cleared table, as a structure. */
extern int copy_tables;

#endif /* EPTDIFF_EXAMPLES_POINTER_TABLES_H_ */
