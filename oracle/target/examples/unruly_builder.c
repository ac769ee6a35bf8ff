/* A builder that is right but for what it does to its process, where
 * EPTDIFF_EXAMPLE_BUG says so: for the tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define eptdiff_builder_perform perform
#include "oracle/target/examples/simple_builder.c"
#undef eptdiff_builder_perform

static int has(const char* bug) {
  const char* chosen = getenv("EPTDIFF_EXAMPLE_BUG");
  return chosen != NULL && strcmp(chosen, bug) == 0;
}

static int descend(int depth) {
  volatile char room[256];
  room[0] = (char)depth;
  return depth < 0 ? 0 : descend(depth + 1) + room[0];
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  if (operation->kind == EPTDIFF_UNMAP) {
    if (has("writes-beyond-its-block")) {
      volatile char* volatile block = malloc(8);
      block[8] = 1;
      free((void*)block);
    }
    if (has("descends") && descend(0) != 0) return EPTDIFF_DONE;
    if (has("talks-and-aborts")) {
      fprintf(stderr, "first words\n%04000d\nlast words\n", 0);
      abort();
    }
    if (has("forks") && fork() < 0) return EPTDIFF_DONE;
    if (has("closes-all-and-hangs")) {
      int i;
      for (i = 0; i < 1024; ++i) close(i);
      for (;;) pause();
    }
  }
  return perform(operation);
}
