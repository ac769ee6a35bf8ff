/* Whether an answer is one of those that a vector permits. */
#ifndef EPTDIFF_VECTORS_VECTOR_ANSWER_H_
#define EPTDIFF_VECTORS_VECTOR_ANSWER_H_

#include <stdint.h>

#include "oracle/target/eptdiff_target.h"
#include "oracle/vectors/host_memory.h"
#include "oracle/vectors/json.h"

/* What an answer is held against. */
struct comparison {
  uint32_t fills;
  const eptdiff_question* before; /* registers before the step */
  const eptdiff_answer* answer;
  struct words* old_words;
  struct words* new_words;
};

/* The first of this alternative and those after it that all of the answer fits;
 * null if there is none. */
const struct json* fitting(const struct comparison* c,
                           const struct json* alternative);

/* An enum eptdiff_event. */
unsigned event_of(const struct json* alternative);

#endif /* EPTDIFF_VECTORS_VECTOR_ANSWER_H_ */
