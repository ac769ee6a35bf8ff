#include "oracle/vectors/vector_answer.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/vectors/vector_question.h"

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
  const unsigned event = event_of(a);
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
  const uint64_t before = words_load(c->old_words, address);
  const uint64_t after = words_load(c->new_words, address);
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

const struct json* fitting(const struct comparison* c, const struct json* a) {
  for (; a != NULL; a = a->next) {
    if (fits_event(c, a) && fits_registers(c, a) &&
        ((c->fills & EPTDIFF_FILLS_MEMORY) == 0 || fits_memory(c, a))) {
      break;
    }
  }
  return a;
}

unsigned event_of(const struct json* alternative) {
  return place_in(event_names, json_text(alternative, "event"));
}
