/* check_vectors FILE: puts test vectors to a target (oracle/target's header),
 * which is linked in. Says which do not conform; exits with 1 if any does not,
 * with 2 if the file is none, and with 3 if none could be put.
 *
 * An example of a consumer, with the C files beside it: copy them, and put your
 * own types where the target's are. The machine and its steps are read in
 * vector_question.h, answers are held against the vector in vector_answer.h. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_target.h"
#include "oracle/vectors/host_memory.h"
#include "oracle/vectors/json.h"
#include "oracle/vectors/vector_answer.h"
#include "oracle/vectors/vector_question.h"

#if defined(__GNUC__)
__attribute__((weak))
#endif
int eptdiff_target_enter(const eptdiff_question*, const eptdiff_memory*,
                         eptdiff_answer*);

/* ------------------------------------------------- what is modelled */

static const struct {
  const char* flag;
  uint64_t models; /* 0: nothing is needed */
} flag_table[] = {
    {"five_levels", EPTDIFF_MODELS_5_LEVELS},
    {"accessed_dirty", EPTDIFF_MODELS_ACCESSED_DIRTY},
    {"shadow_stack_control", EPTDIFF_MODELS_SHADOW_STACK_CONTROL},
    {"keyids", EPTDIFF_MODELS_KEYIDS},
    {"apic_page", EPTDIFF_MODELS_APIC_PAGE},
    {"mbec", EPTDIFF_MODELS_MBEC},
    {"pml", EPTDIFF_MODELS_PML},
    {"spp", EPTDIFF_MODELS_SPP},
    {"ve", EPTDIFF_MODELS_VE},
    {"paging_write", EPTDIFF_MODELS_PAGING_WRITE},
    {"verification", EPTDIFF_MODELS_PAGING_WRITE},
    {"hlat", EPTDIFF_MODELS_HLAT},
    {"entry_controls", EPTDIFF_MODELS_VM_ENTRY | EPTDIFF_MODELS_ENTRY_CONTROLS},
    {"guest_state", EPTDIFF_MODELS_VM_ENTRY | EPTDIFF_MODELS_GUEST_STATE},
    {"eptp_switch", EPTDIFF_MODELS_EPTP_SWITCHING},
    {"vmfunc", EPTDIFF_MODELS_VMFUNC},
    {"register_write", EPTDIFF_MODELS_REGISTER_WRITES},
    {"vm_entry_again", 0},
    {"invalidation", EPTDIFF_MODELS_INVALIDATION},
    {"processors", EPTDIFF_MODELS_PROCESSORS},
    {"structure_access", EPTDIFF_MODELS_STRUCTURE_ACCESS},
    {"pdpte_load", EPTDIFF_MODELS_PDPTE_LOAD},
    {"linear_paging_off", EPTDIFF_MODELS_LINEAR_PAGING_OFF},
    {"linear_32_bit", EPTDIFF_MODELS_LINEAR_32_BIT},
    {"linear_pae", EPTDIFF_MODELS_LINEAR_PAE},
    {"linear_4_level", EPTDIFF_MODELS_LINEAR_4_LEVEL},
    {"linear_5_level", EPTDIFF_MODELS_LINEAR_5_LEVEL},
    {"smep_smap", EPTDIFF_MODELS_SMEP_SMAP},
    {"protection_keys", EPTDIFF_MODELS_PROTECTION_KEYS},
    {"lass", EPTDIFF_MODELS_LASS},
    {"lam", EPTDIFF_MODELS_LAM},
    {"cet", EPTDIFF_MODELS_SHADOW_STACK_ACCESS},
    {"page_crossing", EPTDIFF_MODELS_PAGE_CROSSING},
    {"large_access", EPTDIFF_MODELS_LARGE_ACCESSES},
    {"read_modify_write", EPTDIFF_MODELS_READ_MODIFY_WRITE},
    {"shadow_stack_access", EPTDIFF_MODELS_SHADOW_STACK_ACCESS},
    {"shadow_stack_token", EPTDIFF_MODELS_SHADOW_STACK_TOKENS},
    {"asynchronous", EPTDIFF_MODELS_ASYNCHRONOUS},
    {"pebs", EPTDIFF_MODELS_PEBS},
    {"event_delivery", EPTDIFF_MODELS_EVENTS},
    {"busy_shadow_stack", EPTDIFF_MODELS_BUSY_SHADOW_STACK},
    {"nmi_unblocking", EPTDIFF_MODELS_EVENTS},
    {"transactional", EPTDIFF_MODELS_TRANSACTIONS},
    {"linear", 0},
    {"store", 0},
    {"step_alone", 0},
};

static int models_flag(const eptdiff_profile* profile, const char* flag) {
  size_t i;
  for (i = 0; i < sizeof flag_table / sizeof *flag_table; ++i) {
    if (strcmp(flag_table[i].flag, flag) != 0) continue;
    return (flag_table[i].models & ~profile->models) == 0;
  }
  /* "ept_disabled", and what a later version adds. */
  return 0;
}

static int models(const eptdiff_profile* profile, const struct json* vector,
                  const eptdiff_question* machine) {
  /* Capabilities that answers depend on: execute-only, UC, WB, 2-MByte and
   * 1-GByte pages, advanced VM-exit information. */
  const uint64_t capabilities = 0x434101;
  const uint64_t cap = machine->ept_vpid_cap;
  const struct json* flag = json_member(vector, "flags")->child;
  const struct json* step = json_member(vector, "steps")->child;
  if ((machine->eptp >> 3 & 7) != 4 &&
      (profile->models & EPTDIFF_MODELS_4_LEVELS) == 0) {
    return 0;
  }
  if (machine->maxphyaddr < profile->min_maxphyaddr ||
      machine->maxphyaddr > profile->max_maxphyaddr ||
      (capabilities & cap & ~profile->capabilities_set) != 0 ||
      (capabilities & ~cap & ~profile->capabilities_clear) != 0) {
    return 0;
  }
  for (; flag != NULL; flag = flag->next) {
    if (!models_flag(profile, flag->text)) return 0;
  }
  for (; step != NULL; step = step->next) {
    if (json_number(step, "processor") >= profile->processors) return 0;
  }
  return 1;
}

/* ------------------------------------------------------- one vector */

enum result { PASSED, FAILED, SKIPPED };

enum { PROCESSORS = 4 };

static void start_answer(const eptdiff_question* q, eptdiff_answer* answer) {
  memset(answer, 0, sizeof *answer);
  answer->size = sizeof *answer;
  answer->eptp = q->eptp;
  answer->pml_index = q->pml_index;
  answer->eptp_index = q->eptp_index;
  memcpy(answer->pdpte, q->pdpte, sizeof answer->pdpte);
}

/* VM entry: whether it succeeds, or fails as one of the alternatives does. */
static enum result enter(const eptdiff_profile* profile,
                         const struct json* verdict, const eptdiff_question* q,
                         const eptdiff_memory* memory, eptdiff_answer* answer) {
  const struct json* a = json_member(verdict, "alternatives")->child;
  const int fails = strcmp(json_text(a, "event"), "completed") != 0;
  const int modelled = (profile->models & EPTDIFF_MODELS_VM_ENTRY) != 0;
  if (fails && !modelled) return SKIPPED;
  start_answer(q, answer);
  if (eptdiff_target_enter == NULL) return modelled ? SKIPPED : PASSED;
  if (eptdiff_target_enter(q, memory, answer) != EPTDIFF_ANSWERED) {
    return SKIPPED;
  }
  if (!modelled) return PASSED;
  for (; a != NULL; a = a->next) {
    if (event_of(a) == answer->event) return PASSED;
  }
  return FAILED;
}

/* Whether the answer conforms to the verdict of `step`. That is one of several
 * to who keeps translations: those to which the answers so far have led, as
 * bits of `among`, which becomes that of the next step; 0 if nothing is said of
 * what follows. Without a comparison, whatever is permitted may have come. */
static int judge(const struct comparison* c, const struct json* step,
                 int caches, uint64_t* among) {
  const struct json* verdict = json_member(step, "with_caches");
  const uint64_t here = *among;
  const struct json* a;
  int conforms = c == NULL;
  int last = 0;
  unsigned i = 0;
  *among = 1;
  if (!caches || verdict == NULL) {
    a = json_member(json_member(step, "verdict"), "alternatives")->child;
    return conforms || fitting(c, a) != NULL;
  }
  *among = 0;
  for (verdict = verdict->child; verdict != NULL;
       verdict = verdict->next, ++i) {
    if ((here >> i & 1) == 0) continue;
    a = json_member(verdict, "alternatives")->child;
    for (; a != NULL; a = a->next) {
      if (c != NULL && (a = fitting(c, a)) == NULL) break;
      conforms = 1;
      last |= json_true(a, "last");
      *among |= UINT64_C(1) << json_number(a, "then");
    }
  }
  if (last) *among = 0;
  return conforms;
}

static void report(const struct json* vector, const struct json* step,
                   int number, const eptdiff_answer* answer) {
  const struct json* a =
      json_member(json_member(step, "verdict"), "alternatives")->child;
  printf("%s: step %d does not conform: %s, by %s; given event %" PRIu32,
         json_text(vector, "id"), number, json_text(a, "event"),
         json_text(a, "decided_by"), answer->event);
  if (answer->event == EPTDIFF_COMPLETED && answer->translation_count > 0) {
    printf(" at 0x%" PRIx64, answer->translations[0].address);
  }
  if (answer->event == EPTDIFF_VM_EXIT) {
    printf(", reason %u, qualification 0x%" PRIx64, answer->exit_reason,
           answer->qualification);
  }
  putchar('\n');
}

static enum result run(const eptdiff_profile* profile,
                       const struct json* vector) {
  static struct words words;
  static struct words old_words;
  eptdiff_memory memory = {sizeof memory, 0,           &words,
                           words_load,    words_store, words_compare_exchange};
  const int caches = (profile->models & EPTDIFF_MODELS_CACHES) != 0;
  eptdiff_question of[PROCESSORS]; /* each has registers of its own */
  eptdiff_answer answer;
  const struct json* word = json_member(vector, "memory")->child;
  const struct json* step = json_member(vector, "steps")->child;
  uint64_t among = 1;
  enum result result;
  int number;

  read_machine(vector, &of[0]);
  if (!models(profile, vector, &of[0])) return SKIPPED;
  words.count = 0;
  for (; word != NULL; word = word->next) {
    words_store(&words, strtoull(word->key, NULL, 0),
                strtoull(word->text, NULL, 0));
  }
  result =
      enter(profile, json_member(vector, "entry"), &of[0], &memory, &answer);
  if (result != PASSED) return result;
  for (number = 1; number < PROCESSORS; ++number) of[number] = of[0];
  for (number = 1; step != NULL && among != 0; step = step->next, ++number) {
    eptdiff_question* const q = &of[json_number(step, "processor")];
    const struct comparison c = {profile->fills, q, &answer, &old_words,
                                 &words};
    if (strcmp(json_text(step, "kind"), "store") == 0) {
      words_store(&words, json_number(step, "hpa"), json_number(step, "value"));
      judge(NULL, step, caches, &among);
      continue;
    }
    read_step(step, q);
    if (q->step == EPTDIFF_STEP_VM_ENTRY) {
      write_field(q);
      result =
          enter(profile, json_member(step, "verdict"), q, &memory, &answer);
      if (result == FAILED) report(vector, step, number, &answer);
      if (result != PASSED || answer.event != EPTDIFF_COMPLETED) return result;
      judge(NULL, step, caches, &among);
      continue;
    }
    start_answer(q, &answer);
    old_words = words;
    if (eptdiff_target_answer(q, &memory, &answer) != EPTDIFF_ANSWERED) {
      return SKIPPED;
    }
    if (!judge(&c, step, caches, &among)) {
      report(vector, step, number, &answer);
      return FAILED;
    }
    q->eptp = answer.eptp;
    q->pml_index = answer.pml_index;
    q->eptp_index = answer.eptp_index;
    memcpy(q->pdpte, answer.pdpte, sizeof q->pdpte);
    if (q->step == EPTDIFF_STEP_REGISTER_WRITE &&
        answer.event == EPTDIFF_COMPLETED) {
      write_register(q);
    }
  }
  return PASSED;
}

static char* read_file(const char* path) {
  FILE* file = fopen(path, "rb");
  char* text = NULL;
  long size;
  if (file == NULL) return NULL;
  size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (size >= 0 && fseek(file, 0, SEEK_SET) == 0) {
    text = calloc((size_t)size + 1, 1);
    if (text != NULL && fread(text, 1, (size_t)size, file) != (size_t)size) {
      text = NULL;
    }
  }
  fclose(file);
  return text;
}

int main(int argc, char** argv) {
  eptdiff_profile profile;
  unsigned counts[3] = {0, 0, 0};
  const struct json* vector;
  const struct json* root;
  char* text = argc == 2 ? read_file(argv[1]) : NULL;
  root = text != NULL ? json_read(text) : NULL;
  if (root == NULL ||
      strcmp(json_text(root, "format"), "eptdiff-vectors") != 0 ||
      json_number(root, "version") != 1) {
    fputs("usage: check_vectors FILE, as `eptdiff vectors` writes it\n",
          stderr);
    return 2;
  }
  memset(&profile, 0, sizeof profile);
  profile.size = sizeof profile;
  profile.fills = EPTDIFF_FILLS_ALL;
  profile.capabilities_set = profile.capabilities_clear = ~UINT64_C(0);
  profile.min_maxphyaddr = 32;
  profile.max_maxphyaddr = 52;
  profile.processors = PROCESSORS;
  eptdiff_target_describe(&profile);
  for (vector = json_member(root, "vectors")->child; vector != NULL;
       vector = vector->next) {
    ++counts[run(&profile, vector)];
  }
  printf("%u vectors: %u conform, %u do not, %u not modelled\n",
         counts[PASSED] + counts[FAILED] + counts[SKIPPED], counts[PASSED],
         counts[FAILED], counts[SKIPPED]);
  if (counts[FAILED] > 0) return 1;
  return counts[PASSED] > 0 ? 0 : 3;
}
