/* For the tests: targets that cannot be loaded, and why. */
#include "oracle/target/eptdiff_builder.h"

#ifdef BUILDER
EPTDIFF_BUILDER_DEFINE_ABI;
void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  profile->operations = EPTDIFF_ALL_OPERATIONS;
}
#endif

#ifdef OLD_VERSION
const uint32_t eptdiff_target_abi = 0;
#elif !defined(NO_VERSION)
EPTDIFF_TARGET_DEFINE_ABI;
#endif

#ifdef UNRESOLVED
/* As of a newer compiler, which announces what nobody receives. */
void __tsan_announces_something_new(void);
#endif

void eptdiff_target_describe(eptdiff_profile* profile) {
#ifdef UNRESOLVED
  __tsan_announces_something_new();
#endif
  profile->models = EPTDIFF_MODELS_4_LEVELS;
}
