/* For the tests: targets that cannot be loaded, and why. */
#include "oracle/target/eptdiff_target.h"

#ifdef OLD_VERSION
const uint32_t eptdiff_target_abi = 0;
#elif !defined(NO_VERSION)
EPTDIFF_TARGET_DEFINE_ABI;
#endif

void eptdiff_target_describe(eptdiff_profile* profile) {
  profile->models = EPTDIFF_MODELS_4_LEVELS;
}
