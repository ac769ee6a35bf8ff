/* Builders that use tables through pointers, as they stand.
 *
 * eptdiff judges every single store to a table, so a builder has to announce
 * each of them (eptdiff_builder.h). Code that writes `*entry = word` need not
 * be changed for that: compile it, and only it, with
 *
 *   clang -fsanitize=thread    or    gcc -fsanitize=thread
 *
 * and link it, without that option, with eptdiff_stores.c and your adapter. The
 * compiler then calls a function at each store; they stand in eptdiff_stores.c,
 * and the sanitizer's own library takes no part. Between the load of an entry
 * and the store to it a processor may come in (eptdiff_host.before_store).
 *
 * Your adapter calls what follows: `begin` when a table is created, `allocate`
 * and `release` in place of the host's, `invept` likewise, and `settle` at the
 * end of each operation. phys_to_virt and virt_to_phys, whatever their names,
 * are `pointer` and `address`.
 *
 * What no call announces (inline assembly, memset by gcc, which wants
 * -fno-builtin and -Dmemset=eptdiff_stores_memset) is noticed at the next of
 * these calls, word by word from low addresses on, and so without its order.
 *
 * C99, one thread; one builder at a time, as everything here.
 */
#ifndef EPTDIFF_STORES_H_
#define EPTDIFF_STORES_H_

#include <stddef.h>

#include "eptdiff_builder.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Frames that may be allocated at once: as many as the host has. */
#define EPTDIFF_STORES_FRAMES EPTDIFF_BUILDER_FRAMES

/* In eptdiff_builder_create: whatever was watched is forgotten. */
void eptdiff_stores_begin(const eptdiff_host* host);

/* A frame, as a pointer to its 512 words, 4-KByte aligned; null if there is
 * none. */
uint64_t* eptdiff_stores_allocate(void);
/* The frame that `pointer` points into. */
void eptdiff_stores_release(const void* pointer);

/* The host-physical address of what `pointer` points to, and the reverse. Of
 * what lies in no frame: all ones, and null. */
uint64_t eptdiff_stores_address(const void* pointer);
void* eptdiff_stores_pointer(uint64_t address);

/* Announces what is not yet; then INVEPT. */
void eptdiff_stores_invept(uint64_t eptp);
void eptdiff_stores_settle(void);

void* eptdiff_stores_memset(void* to, int value, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* EPTDIFF_STORES_H_ */
