/* views_builder.c with a log of what the guest writes to, one for all views: as
 * hypervisors have it that migrate a guest with altp2m, or with a view for SMM.
 * A page may be written to in any of them; dirty flags are in each view's own
 * entries, or in those of a table that views share. By these alone, or, with
 * `by-log`, by page-modification logging, which is each processor's, whatever
 * view it runs in.
 * EPTDIFF_EXAMPLE_BUG names what is otherwise, commas between:
 *
 *   by-log        none: see above
 *   first-asked   dirty flags are looked at in the first view alone
 *   first-armed   LOG_CLEAR clears them in the first view alone
 *   races         they are cleared by a load and a store
 *   first-flushed as views_builder.c has it, and the others there */
#define eptdiff_builder_describe describe
#define eptdiff_builder_create create
#define eptdiff_builder_perform perform_on_views
#define eptdiff_builder_destroy destroy
#include "oracle/target/examples/views_builder.c"
#undef eptdiff_builder_describe
#undef eptdiff_builder_create
#undef eptdiff_builder_perform
#undef eptdiff_builder_destroy

#define EVERYWHERE (UINT64_C(1) << 48)
#define MAX_WRITTEN 1024
#define MAX_PROCESSORS 8
#define PML_INDEX 0x812
#define PML_ADDRESS 0x200e
#define SECONDARY 0x401e
#define ENABLE_PML (UINT64_C(1) << 17)
#define LAST 511

static uint64_t written[MAX_WRITTEN]; /* pages, and not told yet */
static int written_count;
static int logging;
static int has_flags; /* EPTP bit 6 */
static uint64_t logs[MAX_PROCESSORS];

static void note_written(uint64_t gpa) {
  int i;
  for (i = 0; i < written_count; ++i) {
    if (written[i] == gpa) return;
  }
  if (written_count < MAX_WRITTEN) written[written_count++] = gpa;
}

static void look_at_flags(uint64_t gpa, uint64_t end, int clears, int views) {
  int view;
  for (view = 0; view < views; ++view) find_dirty(view, gpa, end, clears);
}

static void read_out(uint32_t processor) {
  uint64_t index, i;
  host->vmread(host->context, processor, PML_INDEX, &index);
  for (i = (index + 1) & 0xffff; i <= LAST; ++i) {
    note_written(read_entry(logs[processor] + 8 * i));
  }
  host->vmwrite(host->context, processor, PML_INDEX, LAST);
}

static void stop_logs(void) {
  uint32_t i;
  for (i = 0; i < host->processors && logs[i] != 0; ++i) {
    uint64_t controls;
    host->vmread(host->context, i, SECONDARY, &controls);
    host->vmwrite(host->context, i, SECONDARY, controls & ~ENABLE_PML);
    host->vmwrite(host->context, i, PML_ADDRESS, 0);
    free_frame(logs[i]);
    logs[i] = 0;
  }
}

static int start_logs(void) {
  uint32_t i;
  for (i = 0; i < host->processors; ++i) {
    uint64_t controls;
    if (!new_frame(&logs[i])) {
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
  if (logging) return EPTDIFF_DONE;
  if (has("by-log") && !start_logs()) return EPTDIFF_NO_FRAMES;
  look_at_flags(0, EVERYWHERE, 1, VIEWS);
  written_count = 0;
  logging = 1;
  if (!has("by-log")) note_dirty = note_written;
  return EPTDIFF_DONE;
}

static void log_off(void) {
  if (logging) stop_logs();
  note_dirty = NULL;
  logging = written_count = 0;
}

static void tell(const eptdiff_builder_operation* asked) {
  const uint64_t end = asked->gpa + asked->bytes;
  const int clears = asked->kind == EPTDIFF_LOG_CLEAR;
  const int by_log = has("by-log");
  uint32_t processor;
  int i;
  if (!logging) return;
  for (processor = 0; by_log && processor < host->processors; ++processor) {
    read_out(processor);
  }
  if (!by_log) {
    look_at_flags(asked->gpa, end, 0, has("first-asked") ? 1 : VIEWS);
  }
  if (clears) {
    look_at_flags(asked->gpa, end, 1, has("first-armed") ? 1 : VIEWS);
  }
  for (i = 0; i < written_count; ++i) {
    if (written[i] - asked->gpa >= asked->bytes) continue;
    host->written(host->context, written[i], PAGE);
    if (clears) written[i--] = written[--written_count];
  }
}

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  describe(profile);
  races_in_clear = has("races");
  profile->operations |= EPTDIFF_LOG_OPERATIONS;
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* lent, uint64_t* eptp) {
  logging = written_count = 0;
  note_dirty = NULL;
  memset(logs, 0, sizeof(logs));
  has_flags = (machine->eptp >> 6 & 1) != 0;
  return create(machine, unused, lent, eptp);
}

int eptdiff_builder_perform(const eptdiff_builder_operation* asked) {
  int result = EPTDIFF_DONE;
  if (asked->kind < EPTDIFF_LOG_ON) return perform_on_views(asked);
  if (!has_flags) return EPTDIFF_DECLINED;
  if (asked->kind == EPTDIFF_LOG_ON) {
    result = log_on();
  } else if (asked->kind == EPTDIFF_LOG_OFF) {
    log_off();
  } else {
    tell(asked);
  }
  flushed = 0;
  settle_views();
  return result;
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
