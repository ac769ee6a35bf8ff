// `eptdiff decode`: how a number may be written, and what it is taken for.
#include <string>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(DecodeCommandTest, ANumberMayBeWrittenAsItWasMet) {
  const std::string text = RunEptdiff({"decode", "0x83"}).out;
  EXPECT_THAT(text, StartsWith("0x83: exit qualification of an EPT violation"));
  for (const char* number : {"83H", "83h", "131", "0x0000_0083", "0X83"}) {
    EXPECT_THAT(RunEptdiff({"decode", "qualification", number}).out,
                StartsWith("0x83: exit qualification"))
        << number;
  }
}

TEST(DecodeCommandTest, WithoutAWordItSaysWhatElseItMayBe) {
  EXPECT_THAT(RunEptdiff({"decode", "0x83"}).out,
              HasSubstr("eptdiff decode error-code 0x83"));
  EXPECT_THAT(RunEptdiff({"decode", "qualification", "0x83"}).out,
              Not(HasSubstr("It may also be")));
}

TEST(DecodeCommandTest, OptionsNarrowWhatIsDefined) {
  EXPECT_THAT(RunEptdiff({"decode", "0x1c1", "--mbec"}).out,
              Not(HasSubstr("--mbec")));
  EXPECT_THAT(RunEptdiff({"decode", "entry", "0x2010b1", "--level", "PDE"}).out,
              AllOf(HasSubstr("WRONG: EPT misconfiguration: CFG-9"),
                    HasSubstr("2-MByte page at 0x200000")));
  EXPECT_THAT(RunEptdiff({"decode", "--reason", "62", "0"}).out,
              HasSubstr("page-modification log-full"));
  EXPECT_THAT(RunEptdiff({"decode", "eptp", "0x101e", "--json"}).out,
              AllOf(StartsWith("{"), HasSubstr("\"summary\": \"WB, 4 levels")));
}

TEST(DecodeCommandTest, MisuseIsExitStatusTwo) {
  struct Misuse {
    std::vector<std::string> arguments;
    const char* says;
  };
  for (const auto& [arguments, says] : {
           Misuse{{"decode", "eptq", "1"}, "did you mean eptp?"},
           Misuse{{"decode", "83G"}, "is no number of 64 bits"},
           Misuse{{"decode", "0x10000000000000000"}, "is no number"},
           Misuse{{"decode", "1", "--capabilities", "x"}, "is no number"},
           Misuse{{"decode"}, "missing"},
       }) {
    const Ran ran = RunEptdiff(arguments);
    EXPECT_EQ(ran.status, 2) << says;
    EXPECT_THAT(ran.err, HasSubstr(says));
    EXPECT_EQ(ran.out, "");
  }
}

}  // namespace
}  // namespace eptdiff
