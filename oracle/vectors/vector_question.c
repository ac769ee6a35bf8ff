#include "oracle/vectors/vector_question.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void read_pdptes(const struct json* list, uint64_t pdpte[4]) {
  const struct json* element = list->child;
  int i;
  for (i = 0; i < 4 && element != NULL; ++i, element = element->next) {
    pdpte[i] = strtoull(element->text, NULL, 0);
  }
}

void read_machine(const struct json* vector, eptdiff_question* q) {
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

void read_step(const struct json* step, eptdiff_question* q) {
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
                                      "invalidation",
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
  static const char* const invalidations[] = {"invept", "invvpid", "invlpg",
                                              "invpcid", NULL};
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
  q->processor = (uint8_t)json_number(step, "processor");
  q->invalidation =
      (uint8_t)(json_member(step, "instruction") != NULL
                    ? place_in(invalidations, json_text(step, "instruction"))
                    : 0);
  q->invalidation_type = (uint8_t)json_number(step, "type");
  q->descriptor[0] = json_number(step, "first");
  q->descriptor[1] = json_number(step, "second");
  q->guest_register =
      (uint8_t)(json_member(step, "register") != NULL
                    ? place_in(registers, json_text(step, "register"))
                    : 0);
}

void write_register(eptdiff_question* q) {
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
    default: /* no step writes to another */
      break;
  }
}

/* By their encoding (SDM appendix B). */
#define FIELD(encoding, member)                  \
  {encoding, offsetof(eptdiff_question, member), \
   sizeof(((eptdiff_question*)0)->member)}
void write_field(eptdiff_question* q) {
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
