// The example builder in a build that plants mistakes (builder_mistake.h).
#define eptdiff_builder_abi eptdiff_planted_builder_abi
#define eptdiff_builder_describe eptdiff_planted_builder_describe
#define eptdiff_builder_create eptdiff_planted_builder_create
#define eptdiff_builder_perform eptdiff_planted_builder_perform
#define eptdiff_builder_list eptdiff_planted_builder_list
#define eptdiff_builder_destroy eptdiff_planted_builder_destroy

#include "oracle/target/examples/engine_builder.cc"
