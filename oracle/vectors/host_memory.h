/* Host-physical memory as a list of words; what is in none is 0. */
#ifndef EPTDIFF_VECTORS_HOST_MEMORY_H_
#define EPTDIFF_VECTORS_HOST_MEMORY_H_

#include <stddef.h>
#include <stdint.h>

#define MAX_WORDS 4096

struct words {
  size_t count;
  uint64_t address[MAX_WORDS];
  uint64_t value[MAX_WORDS];
};

/* As the functions of an eptdiff_memory whose context is a struct words. */
uint64_t words_load(void* context, uint64_t address);
void words_store(void* context, uint64_t address, uint64_t value);
int words_compare_exchange(void* context, uint64_t address, uint64_t expected,
                           uint64_t desired);

#endif /* EPTDIFF_VECTORS_HOST_MEMORY_H_ */
