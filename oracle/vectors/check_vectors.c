/* check_vectors FILE: puts test vectors to a target (oracle/target's header),
 * which is linked in. Says which do not conform; exits with 1 if any does not,
 * with 2 if the file is none, and with 3 if none could be put.
 *
 * An example of a consumer: copy it, and put your own types where the target's
 * are. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_target.h"
#include "oracle/vectors/json.h"

#if defined(__GNUC__)
__attribute__((weak))
#endif
int eptdiff_target_enter(const eptdiff_question*, const eptdiff_memory*,
                         eptdiff_answer*);

/* ------------------------------------------------- host-physical memory */

#define MAX_WORDS 4096

struct words {
  size_t count;
  uint64_t address[MAX_WORDS];
  uint64_t value[MAX_WORDS];
};

static uint64_t load(void* context, uint64_t address) {
  const struct words* words = context;
  size_t i;
  for (i = 0; i < words->count; ++i) {
    if (words->address[i] == address) return words->value[i];
  }
  return 0;
}

static void store(void* context, uint64_t address, uint64_t value) {
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

static int compare_exchange(void* context, uint64_t address, uint64_t expected,
                            uint64_t desired) {
  if (load(context, address) != expected) return 0;
  store(context, address, desired);
  return 1;
}

/* ----------------------------------------------------- what is modelled */

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
  /* "ept_disabled", "processors", and what a later version adds. */
  return 0;
}

static int models(const eptdiff_profile* profile, const struct json* vector,
                  const eptdiff_question* machine) {
  /* Capabilities that answers depend on: execute-only, UC, WB, 2-MByte and
   * 1-GByte pages, advanced VM-exit information. */
  const uint64_t capabilities = 0x434101;
  const uint64_t cap = machine->ept_vpid_cap;
  const struct json* flag = json_member(vector, "flags")->child;
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
  return 1;
}

/* --------------------------------------------------------- the question */

static void read_pdptes(const struct json* list, uint64_t pdpte[4]) {
  const struct json* element = list->child;
  int i;
  for (i = 0; i < 4 && element != NULL; ++i, element = element->next) {
    pdpte[i] = strtoull(element->text, NULL, 0);
  }
}

static void read_machine(const struct json* vector, eptdiff_question* q) {
  const struct json* p = json_member(vector, "processor");
  const struct json* c = json_member(vector, "controls");
  const struct json* g = json_member(vector, "guest");
  memset(q, 0, sizeof *q);
  q->size = sizeof *q;
  q->maxphyaddr = (uint8_t)json_number(p, "maxphyaddr");
  q->ept_vpid_cap = json_number(p, "ept_vpid_cap");
  if (json_member(p, "keyid_bits") != NULL) {
    q->keyid_bits = (uint8_t)json_number(p, "keyid_bits");
  }
  if (json_true(p, "page_1gb")) q->cpu |= EPTDIFF_CPU_1_GBYTE_PAGES;
  if (json_true(p, "pse36")) q->cpu |= EPTDIFF_CPU_PSE36;
  if (json_true(p, "ept_violation_ve")) q->cpu |= EPTDIFF_CPU_EPT_VIOLATION_VE;
  if (json_true(p, "nx")) q->cpu |= EPTDIFF_CPU_NX;
  if (json_true(p, "smep")) q->cpu |= EPTDIFF_CPU_SMEP;
  if (json_true(p, "smap")) q->cpu |= EPTDIFF_CPU_SMAP;
  if (json_true(p, "pku")) q->cpu |= EPTDIFF_CPU_PKU;
  if (json_true(p, "pks")) q->cpu |= EPTDIFF_CPU_PKS;
  if (json_true(p, "cet_ss")) q->cpu |= EPTDIFF_CPU_CET_SS;
  if (json_true(p, "la57")) q->cpu |= EPTDIFF_CPU_LA57;
  if (json_true(p, "pcid")) q->cpu |= EPTDIFF_CPU_PCID;
  q->pin_based = (uint32_t)json_number(c, "pin_based");
  q->primary = (uint32_t)json_number(c, "primary");
  q->secondary = (uint32_t)json_number(c, "secondary");
  q->tertiary = json_number(c, "tertiary");
  q->vm_functions = json_number(c, "vm_functions");
  q->exception_bitmap = (uint32_t)json_number(c, "exception_bitmap");
  q->eptp = json_number(c, "eptp");
  q->pml_address = json_number(c, "pml_address");
  q->pml_index = (uint16_t)json_number(c, "pml_index");
  q->spptp = json_number(c, "spptp");
  q->ve_information_address = json_number(c, "ve_information_address");
  q->eptp_list_address = json_number(c, "eptp_list_address");
  q->eptp_index = (uint16_t)json_number(c, "eptp_index");
  q->hlatp = json_number(c, "hlatp");
  q->hlat_prefix_size = (uint16_t)json_number(c, "hlat_prefix_size");
  q->vpid = (uint16_t)json_number(c, "vpid");
  q->entry_controls = (uint32_t)json_number(c, "entry_controls");
  q->exit_controls = (uint32_t)json_number(c, "exit_controls");
  if (json_member(c, "apic_access_address") != NULL) {
    q->apic_access_address = json_number(c, "apic_access_address");
  }
  q->cr0 = json_number(g, "cr0");
  q->cr3 = json_number(g, "cr3");
  q->cr4 = json_number(g, "cr4");
  q->efer = json_number(g, "efer");
  q->pat = json_number(g, "pat");
  q->rflags = json_number(g, "rflags");
  q->pkru = (uint32_t)json_number(g, "pkru");
  q->pkrs = (uint32_t)json_number(g, "pkrs");
  read_pdptes(json_member(g, "pdpte"), q->pdpte);
  q->cpl = (uint8_t)json_number(g, "cpl");
  q->cs_l = (uint8_t)json_true(g, "cs_l");
  q->event_delivery = (uint8_t)json_true(g, "event_delivery");
  q->nmi_unblocking = (uint8_t)json_true(g, "nmi_unblocking");
  q->transactional = (uint8_t)json_true(g, "transactional");
  q->secondary_exit_controls = json_number(c, "secondary_exit_controls");
  q->busy_shadow_stack = (uint8_t)json_true(g, "busy_shadow_stack");
  q->delivered_event = (uint32_t)json_number(g, "delivered_event");
  q->delivered_error_code = (uint32_t)json_number(g, "delivered_error_code");
  q->instruction_length = (uint8_t)json_number(g, "instruction_length");
  q->interruptibility = (uint8_t)json_number(g, "interruptibility");
  q->pending_debug = (uint32_t)json_number(g, "pending_debug");
}

static unsigned place_in(const char* const* names, const char* name) {
  unsigned i = 0;
  while (names[i] != NULL && strcmp(names[i], name) != 0) ++i;
  return i;
}

static void read_step(const struct json* step, eptdiff_question* q) {
  static const char* const kinds[] = {"guest_physical_access",
                                      "linear_access",
                                      "paging_structure_read",
                                      "paging_structure_update",
                                      "pdpte_load",
                                      "store",
                                      "eptp_switch",
                                      "",
                                      "register_write",
                                      "vm_entry",
                                      NULL};
  static const char* const registers[] = {"cr0", "cr3",  "cr4",  "efer",
                                          "pat", "pkrs", "pkru", "rflags",
                                          "cpl", NULL};
  static const char* const accesses[] = {"read",
                                         "write",
                                         "read_modify_write",
                                         "fetch",
                                         "shadow_stack_read",
                                         "shadow_stack_write",
                                         "shadow_stack_read_modify_write",
                                         NULL};
  q->step = place_in(kinds, json_text(step, "kind"));
  q->access = (uint8_t)(json_member(step, "access") != NULL
                            ? place_in(accesses, json_text(step, "access"))
                            : 0);
  q->access_bytes = (uint16_t)json_number(step, "size");
  q->bytes = (uint8_t)(q->access_bytes <= 64 ? q->access_bytes : 0);
  q->implicit_supervisor = (uint8_t)json_true(step, "implicit_supervisor");
  q->wruss = (uint8_t)json_true(step, "wruss");
  q->asynchronous = (uint8_t)json_true(step, "asynchronous");
  q->pebs = (uint8_t)json_true(step, "pebs");
  q->gla_valid = (uint8_t)json_true(step, "gla_valid");
  q->page_user = (uint8_t)json_true(step, "user");
  q->page_writable = (uint8_t)json_true(step, "writable");
  q->page_execute_disable = (uint8_t)json_true(step, "execute_disable");
  q->page_pat_index = (uint8_t)json_number(step, "pat_index");
  q->gpa = json_number(step, "gpa");
  q->gla = json_number(step, "gla");
  q->index = (uint32_t)json_number(step, "index");
  q->function = (uint32_t)json_number(step, "function");
  q->value = json_number(step, "value");
  q->vmcs_field = (uint32_t)json_number(step, "field");
  q->guest_register =
      (uint8_t)(json_member(step, "register") != NULL
                    ? place_in(registers, json_text(step, "register"))
                    : 0);
}

/* --------------------------------------------- what changes between steps */

/* What a write that completes leaves. IA32_EFER.LMA is LME and CR0.PG. */
static void write_register(eptdiff_question* q) {
  const uint64_t paging = UINT64_C(1) << 31, lme = 1 << 8, lma = 1 << 10;
  const uint64_t kept = 0x1ffaffd0; /* by MOV to CR0 */
  const uint64_t value = q->value;
  int long_mode;
  switch (q->guest_register) {
    case EPTDIFF_CR0:
      long_mode = (q->efer & (q->cr0 & paging ? lma : lme)) != 0;
      q->cr0 = (q->cr0 & kept) | (value & ~kept);
      q->efer &= ~(lme | lma);
      if (long_mode) q->efer |= value & paging ? lme | lma : lme;
      break;
    case EPTDIFF_CR3: /* with CR4.PCIDE bit 63 is not loaded */
      q->cr3 = q->cr4 >> 17 & 1 ? value & ~(UINT64_C(1) << 63) : value;
      break;
    case EPTDIFF_CR4:
      q->cr4 = value;
      break;
    case EPTDIFF_EFER:
      q->efer = (value & ~lma) | (q->efer & lma);
      break;
    case EPTDIFF_PAT:
      q->pat = value;
      break;
    case EPTDIFF_PKRS:
      q->pkrs = (uint32_t)value;
      break;
    case EPTDIFF_PKRU:
      q->pkru = (uint32_t)value;
      break;
    case EPTDIFF_RFLAGS:
      q->rflags = value;
      break;
    case EPTDIFF_CPL:
      q->cpl = (uint8_t)value;
      break;
  }
}

/* VMWRITE: fields by their encoding (SDM appendix B). */
#define FIELD(encoding, member)                  \
  {encoding, offsetof(eptdiff_question, member), \
   sizeof(((eptdiff_question*)0)->member)}
static void write_field(eptdiff_question* q) {
  static const struct {
    uint32_t encoding;
    size_t offset, size;
  } fields[] = {
      FIELD(0x0000, vpid),
      FIELD(0x0004, eptp_index),
      FIELD(0x0006, hlat_prefix_size),
      FIELD(0x0812, pml_index),
      FIELD(0x200e, pml_address),
      FIELD(0x2014, apic_access_address),
      FIELD(0x2018, vm_functions),
      FIELD(0x201a, eptp),
      FIELD(0x2024, eptp_list_address),
      FIELD(0x202a, ve_information_address),
      FIELD(0x2030, spptp),
      FIELD(0x2034, tertiary),
      FIELD(0x2040, hlatp),
      FIELD(0x4000, pin_based),
      FIELD(0x4002, primary),
      FIELD(0x4004, exception_bitmap),
      FIELD(0x400c, exit_controls),
      FIELD(0x4012, entry_controls),
      FIELD(0x401e, secondary),
      FIELD(0x2804, pat),
      FIELD(0x2806, efer),
      FIELD(0x280a, pdpte[0]),
      FIELD(0x280c, pdpte[1]),
      FIELD(0x280e, pdpte[2]),
      FIELD(0x2810, pdpte[3]),
      FIELD(0x2818, pkrs),
      FIELD(0x6800, cr0),
      FIELD(0x6802, cr3),
      FIELD(0x6804, cr4),
      FIELD(0x6820, rflags),
  };
  size_t i;
  if (q->vmcs_field == 0x4816) q->cs_l = q->value >> 13 & 1; /* CS */
  if (q->vmcs_field == 0x4818) q->cpl = q->value >> 5 & 3;   /* SS */
  for (i = 0; i < sizeof fields / sizeof *fields; ++i) {
    void* const to = (char*)q + fields[i].offset;
    const uint16_t value16 = (uint16_t)q->value;
    const uint32_t value32 = (uint32_t)q->value;
    if (fields[i].encoding != q->vmcs_field) continue;
    if (fields[i].size == 2) memcpy(to, &value16, 2);
    if (fields[i].size == 4) memcpy(to, &value32, 4);
    if (fields[i].size == 8) memcpy(to, &q->value, 8);
  }
}
#undef FIELD

/* ----------------------------------------------------------- the answer */

/* What an answer is held against. */
struct comparison {
  uint32_t fills;
  const eptdiff_question* before; /* registers before the step */
  const eptdiff_answer* answer;
  struct words* old_words;
  struct words* new_words;
};

static int fits_masked(const struct json* field, uint64_t given) {
  return ((given ^ json_number(field, "value")) &
          json_number(field, "defined")) == 0;
}

/* What is absent is undefined. */
static int fits_range(const struct json* field, uint64_t given) {
  return field == NULL || (given >= json_number(field, "first") &&
                           given <= json_number(field, "last"));
}

static int fits_translations(const struct comparison* c,
                             const struct json* expected) {
  const struct json* t = expected != NULL ? expected->child : NULL;
  uint32_t count = 0;
  for (; t != NULL; t = t->next, ++count) {
    const eptdiff_translation* given = &c->answer->translations[count];
    const struct json* types = json_member(t, "guest_structure_types");
    uint64_t packed = 0;
    int shift = 0;
    if (count >= c->answer->translation_count) return 0;
    if ((c->fills & EPTDIFF_FILLS_ADDRESS) != 0 &&
        given->address != json_number(t, "hpa")) {
      return 0;
    }
    if ((c->fills & EPTDIFF_FILLS_PAGE_SIZE) != 0 &&
        given->page_shift != json_number(t, "page_shift")) {
      return 0;
    }
    if ((c->fills & EPTDIFF_FILLS_MEMORY_TYPE) != 0 &&
        json_member(t, "memory_type") != NULL &&
        given->memory_type != json_number(t, "memory_type")) {
      return 0;
    }
    if ((c->fills & EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE) == 0) continue;
    if (given->structure_memory_type !=
        json_number(t, "structure_memory_type")) {
      return 0;
    }
    if (types == NULL) continue;
    for (types = types->child; types != NULL; types = types->next, shift += 4) {
      packed |= (8 | strtoull(types->text, NULL, 0)) << shift;
    }
    if (given->guest_structure_types != packed) return 0;
  }
  return count == c->answer->translation_count;
}

/* What a VM exit saves besides; what is absent is undefined. */
static int fits_saved(const struct comparison* c, const struct json* saved) {
  const eptdiff_answer* given = c->answer;
  const struct {
    uint32_t fills;
    const char* name;
    uint64_t value;
  } fields[] = {
      {EPTDIFF_FILLS_EXIT_REASON_FLAGS, "exit_reason_flags",
       given->exit_reason_flags},
      {EPTDIFF_FILLS_VECTORING_INFORMATION, "vectoring_information",
       given->vectoring_information},
      {EPTDIFF_FILLS_VECTORING_ERROR_CODE, "vectoring_error_code",
       given->vectoring_error_code},
      {EPTDIFF_FILLS_INSTRUCTION_LENGTH, "instruction_length",
       given->instruction_length},
      {EPTDIFF_FILLS_INTERRUPTIBILITY, "interruptibility",
       given->interruptibility},
      {EPTDIFF_FILLS_RFLAGS, "rflags", given->rflags},
      {EPTDIFF_FILLS_PENDING_DEBUG, "pending_debug", given->pending_debug},
  };
  size_t i;
  for (i = 0; i < sizeof fields / sizeof *fields; ++i) {
    const struct json* field = json_member(saved, fields[i].name);
    if ((c->fills & fields[i].fills) == 0 || field == NULL) continue;
    if (!fits_masked(field, fields[i].value)) return 0;
  }
  return 1;
}

static int fits_exit(const struct comparison* c, const struct json* a) {
  const eptdiff_answer* given = c->answer;
  const struct json* information = json_member(a, "interruption_information");
  const struct json* saved = json_member(a, "saved");
  if (saved != NULL && !fits_saved(c, saved)) return 0;
  if ((c->fills & EPTDIFF_FILLS_EXIT_REASON) != 0 &&
      given->exit_reason != json_number(a, "exit_reason")) {
    return 0;
  }
  if ((c->fills & EPTDIFF_FILLS_INTERRUPTION_INFORMATION) != 0 &&
      information != NULL &&
      !fits_masked(information, given->interruption_information)) {
    return 0;
  }
  if ((c->fills & EPTDIFF_FILLS_QUALIFICATION) != 0 &&
      !fits_masked(json_member(a, "qualification"), given->qualification)) {
    return 0;
  }
  if ((c->fills & EPTDIFF_FILLS_GPA) != 0 &&
      !fits_range(json_member(a, "gpa"), given->gpa)) {
    return 0;
  }
  return (c->fills & EPTDIFF_FILLS_GLA) == 0 ||
         fits_range(json_member(a, "gla"), given->gla);
}

/* By enum eptdiff_event. */
static const char* const event_names[] = {"completed",
                                          "vm_exit",
                                          "virtualization_exception",
                                          "page_fault",
                                          "general_protection",
                                          "vm_entry_failure",
                                          "guest_state_failure",
                                          "",
                                          "invalid_opcode",
                                          "invalid_operand",
                                          NULL};

static int fits_event(const struct comparison* c, const struct json* a) {
  const unsigned event = place_in(event_names, json_text(a, "event"));
  if (event != c->answer->event) return 0;
  switch (event) {
    case EPTDIFF_COMPLETED:
      return fits_translations(c, json_member(a, "translations"));
    case EPTDIFF_VM_EXIT:
    case EPTDIFF_GUEST_STATE_FAILURE:
      return fits_exit(c, a);
    case EPTDIFF_PAGE_FAULT:
      if ((c->fills & EPTDIFF_FILLS_ERROR_CODE) != 0 &&
          !fits_masked(json_member(a, "error_code"), c->answer->error_code)) {
        return 0;
      }
      return (c->fills & EPTDIFF_FILLS_CR2) == 0 ||
             fits_range(json_member(a, "cr2"), c->answer->cr2);
    default:
      return 1;
  }
}

/* As a VM exit saves a PDPTE, bits 11:9 are undefined, and all but bit 0 if
   that is clear (SDM 28.3.4). */
static int fits_pdptes(const uint64_t expected[4], const uint64_t given[4]) {
  int i;
  for (i = 0; i < 4; ++i) {
    const uint64_t defined = expected[i] & 1 ? ~(uint64_t)0xe00 : 1;
    if ((expected[i] ^ given[i]) & defined) return 0;
  }
  return 1;
}

/* A register that is not named stays as it was. */
static int fits_registers(const struct comparison* c, const struct json* a) {
  const struct json* changed = json_member(a, "registers");
  uint64_t eptp = c->before->eptp;
  uint64_t pml_index = c->before->pml_index;
  uint64_t eptp_index = c->before->eptp_index;
  uint64_t pdpte[4];
  memcpy(pdpte, c->before->pdpte, sizeof pdpte);
  if (json_member(changed, "eptp")) eptp = json_number(changed, "eptp");
  if (json_member(changed, "pml_index")) {
    pml_index = json_number(changed, "pml_index");
  }
  if (json_member(changed, "eptp_index")) {
    eptp_index = json_number(changed, "eptp_index");
  }
  if (json_member(changed, "pdpte")) {
    read_pdptes(json_member(changed, "pdpte"), pdpte);
  }
  return ((c->fills & EPTDIFF_FILLS_EPTP) == 0 || c->answer->eptp == eptp) &&
         ((c->fills & EPTDIFF_FILLS_PML_INDEX) == 0 ||
          c->answer->pml_index == pml_index) &&
         ((c->fills & EPTDIFF_FILLS_EPTP_INDEX) == 0 ||
          c->answer->eptp_index == eptp_index) &&
         ((c->fills & EPTDIFF_FILLS_PDPTE) == 0 ||
          fits_pdptes(pdpte, c->answer->pdpte));
}

/* The words of the #VE information area that may hold undefined bits. */
static int fits_information(const struct comparison* c, const struct json* ve,
                            uint64_t address, uint64_t value, int* fits) {
  const uint64_t offset = address - json_number(ve, "area");
  if (ve == NULL) return 0;
  (void)c;
  switch (offset) {
    case 8:
      *fits = fits_masked(json_member(ve, "qualification"), value);
      return 1;
    case 16:
      *fits = fits_range(json_member(ve, "gla"), value);
      return 1;
    case 24:
      *fits = fits_range(json_member(ve, "gpa"), value);
      return 1;
    default:
      return 0;
  }
}

static int fits_word(const struct comparison* c, const struct json* a,
                     uint64_t address) {
  const uint64_t before = load(c->old_words, address);
  const uint64_t after = load(c->new_words, address);
  const struct json* list = json_member(a, "required");
  uint64_t free_bits = 0;
  const struct json* write;
  int fits = 0;
  if (fits_information(c, json_member(a, "ve_information"), address, after,
                       &fits)) {
    return fits;
  }
  for (write = list != NULL ? list->child : NULL; write; write = write->next) {
    const uint64_t mask = json_number(write, "mask");
    if (json_number(write, "address") != address) continue;
    if (((after ^ json_number(write, "value")) & mask) != 0) return 0;
    free_bits |= mask;
  }
  list = json_member(a, "optional");
  for (write = list != NULL ? list->child : NULL; write; write = write->next) {
    if (json_number(write, "address") != address) continue;
    /* A bit is as before, or as the write says. */
    free_bits |=
        json_number(write, "mask") & ~(after ^ json_number(write, "value"));
  }
  return ((before ^ after) & ~free_bits) == 0;
}

static int fits_memory(const struct comparison* c, const struct json* a) {
  const struct json* required = json_member(a, "required");
  const struct json* write = required != NULL ? required->child : NULL;
  size_t i;
  for (i = 0; i < c->new_words->count; ++i) {
    if (!fits_word(c, a, c->new_words->address[i])) return 0;
  }
  for (; write != NULL; write = write->next) {
    if (!fits_word(c, a, json_number(write, "address"))) return 0;
  }
  return 1;
}

static int conforms(const struct comparison* c, const struct json* verdict) {
  const struct json* a = json_member(verdict, "alternatives")->child;
  for (; a != NULL; a = a->next) {
    if (fits_event(c, a) && fits_registers(c, a) &&
        ((c->fills & EPTDIFF_FILLS_MEMORY) == 0 || fits_memory(c, a))) {
      return 1;
    }
  }
  return 0;
}

/* ---------------------------------------------------------- one vector */

enum result { PASSED, FAILED, SKIPPED };

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
    if (place_in(event_names, json_text(a, "event")) == answer->event) {
      return PASSED;
    }
  }
  return FAILED;
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
  eptdiff_memory memory = {sizeof memory, 0,     &words,
                           load,          store, compare_exchange};
  eptdiff_question q;
  eptdiff_answer answer;
  const struct json* word = json_member(vector, "memory")->child;
  const struct json* step = json_member(vector, "steps")->child;
  enum result result;
  int number = 1;

  read_machine(vector, &q);
  if (!models(profile, vector, &q)) return SKIPPED;
  words.count = 0;
  for (; word != NULL; word = word->next) {
    store(&words, strtoull(word->key, NULL, 0), strtoull(word->text, NULL, 0));
  }
  result = enter(profile, json_member(vector, "entry"), &q, &memory, &answer);
  if (result != PASSED) return result;
  for (; step != NULL; step = step->next, ++number) {
    const struct comparison c = {profile->fills, &q, &answer, &old_words,
                                 &words};
    if (strcmp(json_text(step, "kind"), "store") == 0) {
      store(&words, json_number(step, "hpa"), json_number(step, "value"));
      continue;
    }
    read_step(step, &q);
    if (q.step == EPTDIFF_STEP_VM_ENTRY) {
      write_field(&q);
      result =
          enter(profile, json_member(step, "verdict"), &q, &memory, &answer);
      if (result == FAILED) report(vector, step, number, &answer);
      if (result != PASSED || answer.event != EPTDIFF_COMPLETED) return result;
      continue;
    }
    start_answer(&q, &answer);
    old_words = words;
    if (eptdiff_target_answer(&q, &memory, &answer) != EPTDIFF_ANSWERED) {
      return SKIPPED;
    }
    if (!conforms(&c, json_member(step, "verdict"))) {
      report(vector, step, number, &answer);
      return FAILED;
    }
    q.eptp = answer.eptp;
    q.pml_index = answer.pml_index;
    q.eptp_index = answer.eptp_index;
    memcpy(q.pdpte, answer.pdpte, sizeof q.pdpte);
    if (q.step == EPTDIFF_STEP_REGISTER_WRITE &&
        answer.event == EPTDIFF_COMPLETED) {
      write_register(&q);
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
