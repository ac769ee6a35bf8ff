/* The example walker in a build that plants mistakes: each place where it names
 * a bit is a site (planted_mistake.h), and asks what the bit is to be. */
#include <stdint.h>

uint64_t eptdiff_planted_bits(int site, const char* name, const char* function,
                              uint64_t bits);

#define NAMED(name, bits) \
  eptdiff_planted_bits(__COUNTER__, #name, __func__, bits)
#define eptdiff_target_abi eptdiff_planted_abi
#define eptdiff_target_describe eptdiff_planted_describe
#define eptdiff_target_answer eptdiff_planted_answer

#include "oracle/target/examples/faulty_walker.c"
