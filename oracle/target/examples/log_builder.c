/* A builder that logs which pages the guest writes to, for live migration:
 * simple_builder.c with a list of its pages beside. By dirty flags alone, or,
 * with `by-log`, by page-modification logging: a log for each logical
 * processor, which is read out when it is full and when somebody asks.
 * EPTDIFF_EXAMPLE_BUG names what is otherwise, commas between:
 *
 *   by-log             none: see above
 *   races              a flag is cleared by a load and a store, needed or not
 *   flags-stay         LOG_ON leaves the flags as they are
 *   never-flushed      no INVEPT where flags are cleared
 *   forgets-unasked    LOG_CLEAR forgets what lies beside the region
 *   not-read-out       with by-log: logs are read out only when they are full
 *   off-by-one         with by-log: the newest entry is left out
 *   dirty-stays        with by-log: what is cleared has its flag still, so that
 *                      another write to it is not logged
 *   full-stays-full    with by-log: the index stays where it is
 *   frees-its-logs     with by-log: a log is freed before the processor is told
 *                      to write to it no more */
#include <stdlib.h>
#include <string.h>

#define eptdiff_builder_describe describe
#define eptdiff_builder_create create
#define eptdiff_builder_perform perform
#define eptdiff_builder_destroy destroy
#include "oracle/target/examples/simple_builder.c"
#undef eptdiff_builder_describe
#undef eptdiff_builder_create
#undef eptdiff_builder_perform
#undef eptdiff_builder_destroy

#define ACCESSED UINT64_C(0x100)
#define DIRTY UINT64_C(0x200)
#define MAX_PAGES 256
#define MAX_PROCESSORS 8
#define PML_INDEX 0x812
#define PML_ADDRESS 0x200e
#define SECONDARY 0x401e
#define ENABLE_PML (UINT64_C(1) << 17)
#define LAST 511

static struct {
  uint64_t gpa;
  int written;
} pages[MAX_PAGES];
static int page_count;
static int logging;
static int stored;    /* by "races" */
static int has_flags; /* EPTP bit 6 */
static uint64_t logs[MAX_PROCESSORS];

static int has(const char* word) {
  const char* const words = getenv("EPTDIFF_EXAMPLE_BUG");
  return words != NULL && strstr(words, word) != NULL;
}

static uint64_t leaf_of(uint64_t gpa) {
  uint64_t table = root;
  int level;
  for (level = 4; level > 1; --level) {
    table = load(entry_at(table, gpa, level)) & ADDRESS;
  }
  return entry_at(table, gpa, 1);
}

/* Whether the flag was there. */
static int clear_dirty(uint64_t gpa) {
  const uint64_t at = leaf_of(gpa);
  uint64_t old = load(at);
  if (has("races")) {
    store(at, (old & ~DIRTY) | ACCESSED);
    stored = 1;
    return (old & DIRTY) != 0;
  }
  while (old & DIRTY) {
    if (host->compare_exchange(host->context, at, old, old & ~DIRTY)) return 1;
    old = load(at);
  }
  return 0;
}

static void flush(int is_needed) {
  if (!is_needed && !stored) return;
  stored = 0;
  if (!has("never-flushed")) host->invept(host->context, table_eptp);
}

static void read_out(uint32_t processor) {
  uint64_t index;
  uint64_t i;
  int page;
  host->vmread(host->context, processor, PML_INDEX, &index);
  for (i = (index + 1 + has("off-by-one")) & 0xffff; i <= LAST; ++i) {
    const uint64_t gpa = load(logs[processor] + 8 * i);
    for (page = 0; page < page_count; ++page) {
      if (pages[page].gpa == gpa) pages[page].written = 1;
    }
  }
  if (!has("full-stays-full")) {
    host->vmwrite(host->context, processor, PML_INDEX, LAST);
  }
}

static void stop_logs(void) {
  uint32_t i;
  for (i = 0; i < host->processors && logs[i] != 0; ++i) {
    uint64_t controls;
    const int early = has("frees-its-logs");
    if (early) host->release(host->context, logs[i]);
    host->vmread(host->context, i, SECONDARY, &controls);
    host->vmwrite(host->context, i, SECONDARY, controls & ~ENABLE_PML);
    host->vmwrite(host->context, i, PML_ADDRESS, 0);
    if (!early) host->release(host->context, logs[i]);
    logs[i] = 0;
  }
}

static int start_logs(void) {
  uint32_t i;
  for (i = 0; i < host->processors; ++i) {
    uint64_t controls;
    if (!host->allocate(host->context, &logs[i])) {
      logs[i] = 0;
      stop_logs();
      return 0;
    }
    host->vmread(host->context, i, SECONDARY, &controls);
    host->vmwrite(host->context, i, PML_ADDRESS, logs[i]);
    host->vmwrite(host->context, i, PML_INDEX, LAST);
    host->vmwrite(host->context, i, SECONDARY, controls | ENABLE_PML);
  }
  return 1;
}

static int log_on(void) {
  int cleared = 0;
  int i;
  if (logging) return EPTDIFF_DONE;
  if (has("by-log") && !start_logs()) return EPTDIFF_NO_FRAMES;
  for (i = 0; i < page_count; ++i) {
    pages[i].written = 0;
    if (!has("flags-stay")) cleared |= clear_dirty(pages[i].gpa);
  }
  flush(cleared);
  logging = 1;
  return EPTDIFF_DONE;
}

static void log_off(void) {
  if (logging) stop_logs();
  logging = 0;
}

static void tell(const eptdiff_builder_operation* asked) {
  const int clears = asked->kind == EPTDIFF_LOG_CLEAR;
  int cleared = 0;
  uint32_t processor;
  int i;
  if (!logging) return;
  if (has("by-log") && !has("not-read-out")) {
    for (processor = 0; processor < host->processors; ++processor) {
      read_out(processor);
    }
  }
  for (i = 0; i < page_count; ++i) {
    const int is_asked = pages[i].gpa - asked->gpa < asked->bytes;
    if (!is_asked) {
      if (clears && has("forgets-unasked")) {
        pages[i].written = 0;
        cleared |= clear_dirty(pages[i].gpa);
      }
      continue;
    }
    if (!has("by-log")) {
      if (clears ? clear_dirty(pages[i].gpa)
                 : (load(leaf_of(pages[i].gpa)) & DIRTY) != 0) {
        pages[i].written = 1;
        cleared |= clears;
      }
    } else if (clears && pages[i].written && !has("dirty-stays")) {
      cleared |= clear_dirty(pages[i].gpa);
    }
    if (!pages[i].written) continue;
    host->written(host->context, pages[i].gpa, 4096);
    if (clears) pages[i].written = 0;
  }
  flush(cleared);
}

static void forget(uint64_t gpa) {
  int i;
  for (i = 0; i < page_count; ++i) {
    if (pages[i].gpa == gpa) pages[i--] = pages[--page_count];
  }
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  describe(profile);
  profile->operations |= EPTDIFF_LOG_OPERATIONS;
  profile->leaf_flags = 0x3f; /* rights and memory type */
  if (has("races")) profile->waives |= EPTDIFF_WAIVES_NEEDLESS_INVEPT;
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  page_count = 0;
  logging = stored = 0;
  memset(logs, 0, sizeof(logs));
  has_flags = (machine->eptp >> 6 & 1) != 0;
  return create(machine, unused, lent, eptp);
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  int result;
  if (operation->kind >= EPTDIFF_LOG_ON && !has_flags) return EPTDIFF_DECLINED;
  switch (operation->kind) {
    case EPTDIFF_LOG_ON:
      return log_on();
    case EPTDIFF_LOG_OFF:
      log_off();
      return EPTDIFF_DONE;
    case EPTDIFF_LOG_ASK:
    case EPTDIFF_LOG_CLEAR:
      tell(operation);
      return EPTDIFF_DONE;
    default:
      break;
  }
  if (operation->kind == EPTDIFF_MAP && page_count == MAX_PAGES) {
    return EPTDIFF_DECLINED;
  }
  result = perform(operation);
  if (result != EPTDIFF_DONE) return result;
  forget(operation->gpa);
  if (operation->kind == EPTDIFF_MAP) {
    pages[page_count].gpa = operation->gpa;
    pages[page_count++].written = 0;
  }
  return EPTDIFF_DONE;
}

int eptdiff_builder_exit(const eptdiff_builder_exit_information* exit) {
  if (exit->reason != 62 || !logging) return EPTDIFF_NOT_OURS;
  read_out(exit->processor);
  return EPTDIFF_RETRY;
}

void eptdiff_builder_destroy(void) {
  log_off();
  destroy();
}
