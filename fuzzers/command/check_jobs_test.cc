// `eptdiff check --jobs`: who asks, and how many, makes no difference.
#include <regex>
#include <string>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

class CheckJobsTest : public ::testing::Test {
 protected:
  // The report as JSON, without the lines that are about time.
  std::string Report(const std::vector<std::string>& target,
                     const std::string& bug, const std::string& cases,
                     const std::string& jobs, int status) {
    const std::string file = directory_.Path("report.json");
    std::vector<std::string> arguments = {"check", "--jobs", jobs, "--cases",
                                          cases,   "--json", file, "--"};
    arguments.insert(arguments.end(), target.begin(), target.end());
    const Ran ran = RunEptdiff(arguments, {"EPTDIFF_EXAMPLE_BUG=" + bug});
    EXPECT_EQ(ran.status, status) << bug << ", " << jobs << ran.err;
    const std::string json = ContentOf(file);
    std::string rest;
    for (std::size_t at = 0; at < json.size();) {
      const std::size_t end = json.find('\n', at);
      const std::string line = json.substr(at, end - at);
      at = end + 1;
      if (line.find("seconds\"") != line.npos) continue;
      if (line.find("microseconds") != line.npos) continue;
      // What it printed last, it may have printed for somebody else.
      if (line.find("\"output\"") != line.npos) continue;
      rest += line + "\n";
    }
    return rest;
  }

 private:
  const TestDirectory directory_;
};

TEST_F(CheckJobsTest, FindingsAreTheSame) {
  struct Target {
    const char* file;
    const char* bug;
    int status;
  };
  for (const auto& [file, bug, status] :
       {Target{EPTDIFF_SIMPLE_WALKER, "", 0},
        // One that is known; one that crashes.
        Target{EPTDIFF_FAULTY_WALKER, "2-mbyte-reserved-unchecked", 1},
        Target{EPTDIFF_FAULTY_WALKER, "crash-once-in-a-while", 1},
#ifdef EPTDIFF_ENGINE_BUILDER
        Target{EPTDIFF_ENGINE_BUILDER, "invept-missing-for-write", 1},
#endif
        Target{EPTDIFF_SIMPLE_BUILDER, "", 0}}) {
    const std::string one = Report({file}, bug, "1000", "1", status);
    for (const char* jobs : {"2", "3"}) {
      EXPECT_EQ(Report({file}, bug, "1000", jobs, status), one)
          << bug << " by " << jobs;
    }
  }
}

// More than the corpus, which takes a tenth of a second.
TEST(CheckSecondsTest, NewCasesAreAskedForAsLongAsThat) {
  for (const char* jobs : {"1", "2"}) {
    const Ran ran = RunEptdiff(
        {"check", "--jobs", jobs, "--seconds", "3", EPTDIFF_SIMPLE_WALKER});
    EXPECT_EQ(ran.status, 0) << ran.err;
    std::smatch counts;
    ASSERT_TRUE(std::regex_search(
        ran.out, counts, std::regex(R"((\d+) cases \((\d+) from the corpus)")))
        << ran.out;
    EXPECT_GT(std::stoull(counts[1]), std::stoull(counts[2])) << ran.out;
  }
}

}  // namespace
}  // namespace eptdiff
