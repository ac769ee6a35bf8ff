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

void DescribeViews(eptdiff_builder_profile* profile) {
  profile->operations = EPTDIFF_OPERATION(EPTDIFF_MAP);
  profile->models = EPTDIFF_MODELS_4_LEVELS;
  profile->views = 2;
}
void TellEptp(std::uint32_t, std::uint64_t*) {}

// Empty if there is a session.
std::string WhyNot(const BuilderFunctions& has) {
  const auto load = [&has](BuilderFunctions& functions, bool& is_builder,
                           std::string&) {
    functions = has;
    return is_builder = true;
  };
  std::string why;
  const auto session = BuilderSession::Make(load, {}, "builder", why);
  EXPECT_EQ(session == nullptr, !why.empty());
  return why;
}

TEST(BuilderSessionTest, WhoFillsTablesOnDemandHandlesExits) {
  BuilderFunctions functions;
  functions.describe = DescribeOnDemand;
  EXPECT_EQ(WhyNot(functions),
            "its profile is none: on_demand: without eptdiff_builder_exit "
            "nothing maps what a processor needs");
  functions.exit = Proceed;
  EXPECT_EQ(WhyNot(functions), "");
}

TEST(BuilderSessionTest, WhoHasSeveralTablesTellsTheirEptps) {
  BuilderFunctions functions;
  functions.describe = DescribeViews;
  EXPECT_EQ(WhyNot(functions),
            "its profile is none: views: without eptdiff_builder_view nobody "
            "knows their EPTPs");
  functions.view = TellEptp;
  EXPECT_EQ(WhyNot(functions), "");
}

}  // namespace
}  // namespace eptdiff
