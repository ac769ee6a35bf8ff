/* A walker says that a read completes, though bit 12 of the PDE is reserved:
 * may it? And what does the SDM have? Memory is a flat image. */
#include <inttypes.h>
#include <stdio.h>

#include "oracle/c/eptdiff_judge.h"

static uint64_t image[0x4000 / 8];

int main(void) {
  eptdiff_judge* judge;
  eptdiff_question question = {0};
  eptdiff_judge_memory memory = {sizeof memory, 0,    image, sizeof image, 0,
                                 NULL,          NULL};
  eptdiff_answer answer, permitted;
  eptdiff_judge_finding finding = {0};
  eptdiff_judge_store stores[EPTDIFF_JUDGE_MAX_STORES];
  size_t store_count;

  image[0x1000 / 8] = 0x2007;   /* PML4E */
  image[0x2000 / 8] = 0x3007;   /* PDPTE */
  image[0x3000 / 8] = 0x2010b1; /* PDE: a 2-MByte page, with bit 12 */

  question.size = sizeof question;
  question.step = EPTDIFF_STEP_GUEST_PHYSICAL;
  question.access = EPTDIFF_READ;
  question.bytes = 1;
  question.gla_valid = 1;
  question.gpa = question.gla = 0x1234;
  question.ept_vpid_cap = 0x06134141;
  question.maxphyaddr = 46;
  question.primary = 0x80000000; /* activate secondary controls */
  question.secondary = 0x2;      /* enable EPT */
  question.eptp = 0x101e;        /* WB, 4 levels, the PML4 table at 1000H */
  question.pat = UINT64_C(0x0007040600070406);
  question.rflags = 2;

  if (eptdiff_judge_create(&judge) != EPTDIFF_JUDGE_DONE ||
      eptdiff_judge_ask(judge, &question, &memory) != EPTDIFF_JUDGE_DONE) {
    return 1;
  }

  eptdiff_judge_answer_init(judge, &answer, sizeof answer);
  answer.event = EPTDIFF_COMPLETED;
  answer.translation_count = 1;
  answer.translations[0].address = 0x201234;
  answer.translations[0].page_shift = 21;
  answer.translations[0].memory_type = 6;
  answer.translations[0].structure_memory_type = 6;
  finding.size = sizeof finding;
  if (eptdiff_judge_answer(judge, &answer, NULL, 0, NULL, &finding) !=
      EPTDIFF_JUDGE_DONE) {
    return 1;
  }
  printf("a read that completes: %s by %s at level %u (%s)\n  %s\n",
         finding.permitted ? "permitted" : "forbidden", finding.rule,
         finding.level, finding.field, finding.words);

  permitted.size = sizeof permitted;
  if (eptdiff_judge_alternative(judge, 0, &permitted, stores, &store_count,
                                &finding) != EPTDIFF_JUDGE_DONE) {
    return 1;
  }
  printf("the SDM has: VM exit %u, GPA %" PRIX64 "H, by %s\n",
         (unsigned)permitted.exit_reason, permitted.gpa, finding.rule);

  permitted.gla = 0x5555; /* undefined at a misconfiguration */
  if (eptdiff_judge_answer(judge, &permitted, stores, store_count, NULL,
                           &finding) != EPTDIFF_JUDGE_DONE) {
    return 1;
  }
  printf("the same with another GLA: %s\n",
         finding.permitted ? "permitted" : "forbidden");
  eptdiff_judge_destroy(judge);
  return 0;
}
