/* The question of a vector: the machine, a step, and what steps leave in it. */
#ifndef EPTDIFF_VECTORS_VECTOR_QUESTION_H_
#define EPTDIFF_VECTORS_VECTOR_QUESTION_H_

#include <stdint.h>

#include "oracle/target/eptdiff_target.h"
#include "oracle/vectors/json.h"

/* The machine as it is before the first step. */
void read_machine(const struct json* vector, eptdiff_question* q);
void read_step(const struct json* step, eptdiff_question* q);

/* What the step in `q` leaves: a write of a register that completes
 * (IA32_EFER.LMA is LME and CR0.PG), and VMWRITE of a field. */
void write_register(eptdiff_question* q);
void write_field(eptdiff_question* q);

/* As many of the four as the list has. */
void read_pdptes(const struct json* list, uint64_t pdpte[4]);

#endif /* EPTDIFF_VECTORS_VECTOR_QUESTION_H_ */
