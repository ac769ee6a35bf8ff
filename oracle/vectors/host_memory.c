#include "oracle/vectors/host_memory.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t words_load(void* context, uint64_t address) {
  const struct words* words = context;
  size_t i;
  for (i = 0; i < words->count; ++i) {
    if (words->address[i] == address) return words->value[i];
  }
  return 0;
}

void words_store(void* context, uint64_t address, uint64_t value) {
  struct words* words = context;
  size_t i = 0;
  while (i < words->count && words->address[i] != address) ++i;
  if (i == MAX_WORDS) {
    fputs("check_vectors: too many words\n", stderr);
    exit(2);
  }
  if (i == words->count) ++words->count;
  words->address[i] = address;
  words->value[i] = value;
}

int words_compare_exchange(void* context, uint64_t address, uint64_t expected,
                           uint64_t desired) {
  if (words_load(context, address) != expected) return 0;
  words_store(context, address, desired);
  return 1;
}
