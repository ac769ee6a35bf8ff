/* What view_tables.c wants of its surroundings, and what it gives: a few views
 * of a guest's memory, tables of 4 levels over one pool, for VMFUNC or for
 * monitoring. The lowest tables are shared among views that map the same there,
 * and copied when one of them is to differ. */
#ifndef EPTDIFF_EXAMPLES_VIEW_TABLES_H_
#define EPTDIFF_EXAMPLES_VIEW_TABLES_H_

#include <stdint.h>

#define VIEWS 3

/* The rest of the hypervisor: here, the adapter. */
int new_frame(uint64_t* frame); /* with any contents; 0: there is none */
void free_frame(uint64_t frame);
uint64_t read_entry(uint64_t address);
void write_entry(uint64_t address, uint64_t word);
/* cmpxchg: whether it was `old`. */
int swap_entry(uint64_t address, uint64_t old, uint64_t word);
void flush_view(int view); /* INVEPT, on all processors */

enum { VIEW_DONE = 0, VIEW_OVERLAP, VIEW_NOT_MAPPED, VIEW_NO_MEMORY };

int create_views(uint64_t roots[VIEWS]);
void destroy_views(void);

/* Pages of 4 KBytes; `flags` are bits 5:0 of an entry. What is mapped where
 * nothing was, in this view or in all of them; and what is mapped, if anything
 * is. */
int map_region(int view, uint64_t gpa, uint64_t hpa, uint64_t bytes,
               uint64_t flags);
int map_in_all(uint64_t gpa, uint64_t hpa, uint64_t bytes, uint64_t flags);
int unmap_region(int view, uint64_t gpa, uint64_t bytes);
int protect_region(int view, uint64_t gpa, uint64_t bytes, uint64_t flags);
/* Calls `note_dirty` for each page in [gpa, end) whose dirty flag is set in
 * this view, and clears that, if it `clears`. */
void find_dirty(int view, uint64_t gpa, uint64_t end, int clears);
/* To be called when something has changed, before it counts as done. */
void settle_views(void);

/* Null, or told of pages that have been written to in some view: by
 * `find_dirty`, and where a page goes whose flag says so, for other views may
 * have it still. */
extern void (*note_dirty)(uint64_t gpa);

/* Mistakes to see: shared tables are changed in place, or freed while they are
 * linked elsewhere; rights change in the next view, if it has the page; dirty
 * flags are cleared by a load and a store. */
extern int never_copies, frees_shared, protects_next, races_in_clear;

#endif /* EPTDIFF_EXAMPLES_VIEW_TABLES_H_ */
