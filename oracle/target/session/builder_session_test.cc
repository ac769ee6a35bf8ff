#include "oracle/target/session/builder_session.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "oracle/target/eptdiff_builder.h"

namespace eptdiff {
namespace {

// Of what nothing is asked but its profile.
void DescribeOnDemand(eptdiff_builder_profile* profile) {
  profile->operations = EPTDIFF_OPERATION(EPTDIFF_MAP);
  profile->models = EPTDIFF_MODELS_4_LEVELS;
  profile->on_demand = 1;
}
int Proceed(const eptdiff_builder_exit_information*) { return EPTDIFF_RETRY; }

// Empty if there is a session.
std::string WhyNot(bool handles_exits) {
  const auto load = [handles_exits](BuilderFunctions& functions,
                                    bool& is_builder, std::string&) {
    functions.describe = DescribeOnDemand;
    if (handles_exits) functions.exit = Proceed;
    return is_builder = true;
  };
  std::string why;
  const auto session = BuilderSession::Make(load, {}, "on demand", why);
  EXPECT_EQ(session == nullptr, !why.empty());
  return why;
}

TEST(BuilderSessionTest, WhoFillsTablesOnDemandHandlesExits) {
  EXPECT_EQ(WhyNot(true), "");
  EXPECT_EQ(WhyNot(false),
            "its profile is none: on_demand: without eptdiff_builder_exit "
            "nothing maps what a processor needs");
}

}  // namespace
}  // namespace eptdiff
