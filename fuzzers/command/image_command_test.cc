// `eptdiff image`: what boots, what is started here, and what machines tell.

#include <sys/stat.h>

#include <string>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/image/machine_testing.h"
#include "fuzzers/encoding/encoding.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/trial.h"
#include "oracle/processor/module.h"
#include "oracle/processor/report_writer.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

void Append(void* to, std::string_view text) {
  static_cast<std::string*>(to)->append(text);
}

std::string LogOfDialect(const std::string& names) {
  DialectOracle machine(*FindDialect(names));
  return LogOf(machine, WitnessCases());
}

TEST(ImageCommandTest, AMachineThatAgreesIsToldSo) {
  const TestDirectory directory;
  EngineOracle engine;
  const std::string log = directory.File("log", LogOf(engine, WitnessCases()));
  const Ran ran = RunEptdiff({"image", "--log", log});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("A machine that never was, family 6, model 0x8c"),
                    HasSubstr("agrees with the SDM in all that it was asked"),
                    HasSubstr("pages of 1 GByte: 3"),
                    ContainsRegex("1[0-9][0-9] of 19[0-9] rules had a")));
}

// Each departure comes out by its name, with a case that shows it to others.
TEST(ImageCommandTest, DeparturesHaveNamesAndSmallCases) {
  const TestDirectory directory;
  const std::string log = directory.File(
      "log", LogOfDialect("CFG-9/off,VIO-8/walk-updates-unchecked"));
  const std::string out = directory.Path("cases");
  const Ran ran = RunEptdiff({"image", "--log", log, "--out", out, "--json",
                              directory.Path("report.json"), "--junit",
                              directory.Path("report.xml"), "--sarif",
                              directory.Path("report.sarif"), "--html",
                              directory.Path("report.html"), "--machine",
                              directory.Path("never-was.json")});
  EXPECT_EQ(ran.status, 1) << ran.out << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("departs from the SDM"), HasSubstr("1. VIO-8"),
                    HasSubstr("2. CFG-9"), Not(HasSubstr("3. ")),
                    Not(HasSubstr("unexplained"))));
  EXPECT_THAT(
      ContentOf(directory.Path("report.json")),
      AllOf(HasSubstr("\"agrees\": false"), HasSubstr("\"rule\": \"CFG-9\""),
            HasSubstr("\"machine\": \"A machine that never was")));
  EXPECT_THAT(ContentOf(directory.Path("report.xml")),
              AllOf(HasSubstr("<failure"), HasSubstr("name=\"CFG-9: ")));
  EXPECT_THAT(ContentOf(directory.Path("report.sarif")),
              HasSubstr("\"ruleId\": \"VIO-8\""));
  EXPECT_THAT(ContentOf(directory.Path("report.html")),
              AllOf(HasSubstr("eptdiff image"),
                    HasSubstr("A machine that never was, family 6"),
                    HasSubstr("<h4><a href=\"#rule-VIO-8\">VIO-8</a>"),
                    HasSubstr("accesses get through that the SDM forbids"),
                    Not(HasSubstr("no case shows any more")),
                    HasSubstr("id=\"rule-VIO-8\""), HasSubstr("</html>")));
  EXPECT_THAT(
      ContentOf(directory.Path("never-was.json")),
      AllOf(HasSubstr("\"name\": \"never-was\""), HasSubstr("\"whole\": true"),
            HasSubstr("\"rule\": \"VIO-8\"")));
  // The cases show the same of who departs so, and nothing of who does not.
  DialectOracle machine(*FindDialect("CFG-9/off,VIO-8/walk-updates-unchecked"));
  const auto files = CasesUnder(out);
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(files->size(), 2u);
  const Dialect sdm;
  Trial trial;
  trial.Add(machine, sdm);
  for (const std::string& file : *files) {
    const auto content = ReadCaseFile(file);
    ASSERT_TRUE(content.ok());
    EXPECT_TRUE(trial.Run(content->text_case.c)[0].disagrees) << file;
    EXPECT_LE(content->text_case.c.memory.size(), 8u) << file;
  }
  std::vector<std::string> run = {"run", "--oracles", "engine"};
  run.insert(run.end(), files->begin(), files->end());
  EXPECT_EQ(RunEptdiff(run).status, 0);
}

TEST(ImageCommandTest, ADialectThatIsKnownIsRecognised) {
  const TestDirectory directory;
  const std::string log = directory.File("log", LogOfDialect("bochs-3.0"));
  const Ran ran = RunEptdiff({"image", "--log", log});
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_THAT(Unwrapped(ran.out), HasSubstr("the dialect bochs-3.0"));
}

TEST(ImageCommandTest, ALogThatWasCutGivesItsHalf) {
  const TestDirectory directory;
  const std::string whole =
      LogOfDialect("CFG-9/off,VIO-8/walk-updates-unchecked");
  const std::string mark = "@eptdiff ";
  const std::size_t within =
      whole.find(mark, whole.size() / 2) + mark.size() + 3;
  const std::string log = directory.File("log", whole.substr(0, within));
  const Ran ran = RunEptdiff({"image", "--log", log});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out, HasSubstr("departs from the SDM"));
  EXPECT_THAT(ran.err, AllOf(HasSubstr(log + ":"), HasSubstr("cut short"),
                             HasSubstr("the log ends before the run does")));
}

// No departure in half a run is no agreement.
TEST(ImageCommandTest, HalfARunThatAgreesIsNotAgreement) {
  const TestDirectory directory;
  EngineOracle engine;
  std::string text = LogOf(engine, WitnessCases());
  text.erase(text.rfind("@eptdiff end"));
  const Ran ran = RunEptdiff({"image", "--log", directory.File("log", text)});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.err, HasSubstr("the log ends before the run does"));
}

TEST(ImageCommandTest, NoiseIsLeftOutAndDamageIsSaid) {
  const TestDirectory directory;
  const std::string whole = LogOfDialect("CFG-9/off");
  std::string noisy = "SeaBIOS (version 1.16)\r\n";
  bool damaged = false;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = whole.find('\n', at) + 1;
    std::string line = whole.substr(at, end - at);
    if (!damaged && line.find(" seed=") != std::string::npos) {
      line.insert(20, "[    1.5] usb 1-1: new device\n");
      damaged = true;
    }
    noisy += "\x1b[0m" + line + "\x01\xff noise \r\n";
    at = end;
  }
  const Ran ran = RunEptdiff({"image", "--log", directory.File("log", noisy)});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out, HasSubstr("1. CFG-9"));
  EXPECT_THAT(ran.err, HasSubstr("cut short"));
}

TEST(ImageCommandTest, WhatIsNoReportIsBadInput) {
  const TestDirectory directory;
  Ran ran = RunEptdiff({"image", "--log", directory.File("log", "Linux\n")});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("has nothing in it that an image of this "
                                 "version told"));
  std::string other = "begin protocol=99 image=x";
  char sum[9];
  std::snprintf(sum, sizeof(sum), "%08x", ReportSum(other));
  ran = RunEptdiff(
      {"image", "--log",
       directory.File("other", "@eptdiff " + other + " *" + sum + "\n")});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("a report of version 99; this program reads "
                                 "version 1"));
  EXPECT_EQ(RunEptdiff({"image", "--log", directory.Path("none")}).status, 2);
}

TEST(ImageCommandTest, AMachineThatCanBeAskedNothingSaysWhy) {
  const TestDirectory directory;
  std::string text;
  ReportWriter writer(Append, &text);
  writer.Begin("0.1.0", kEncodingVersion);
  writer.Refused("it has no VT-x", "switch it on in the firmware");
  writer.End({});
  const Ran ran = RunEptdiff({"image", "--log", directory.File("log", text)});
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(Unwrapped(ran.out),
              EndsWith("It can be asked nothing: it has no VT-x. What to do: "
                       "switch it on in the firmware."));
}

TEST(ImageCommandTest, AHarnessErrorIsNeitherAgreementNorFinding) {
  const TestDirectory directory;
  EngineOracle engine;
  std::string text = LogOf(engine, WitnessCases());
  text.erase(text.rfind("@eptdiff end"));
  ReportWriter writer(Append, &text);
  writer.HarnessError("an exit that no step expects", "seeds/x", 5, 1);
  writer.End({.cases = 9, .steps = 9, .agrees = 8, .harness = 1});
  const Ran ran = RunEptdiff({"image", "--log", directory.File("log", text)});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(Unwrapped(ran.out),
              HasSubstr("the image stopped believing itself (no finding): an "
                        "exit that no step expects, in case seeds/x, step 1"));
}

TEST(ImageCommandTest, MisuseIsSaid) {
  const auto mistake = [](const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"image"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Ran ran = RunEptdiff(all);
    EXPECT_EQ(ran.status, 2) << arguments[0];
    return ran.err;
  };
  EXPECT_THAT(mistake({"--log", "x", "--run", "bochs"}),
              HasSubstr("makes and runs nothing"));
  EXPECT_THAT(mistake({"--cpu", "x"}), HasSubstr("--cpu is of --run"));
  EXPECT_THAT(mistake({"--memory", "64"}), HasSubstr("--memory is of --run"));
  EXPECT_THAT(mistake({"--json", "x"}),
              HasSubstr("--json is of --run or --log"));
  EXPECT_THAT(mistake({"--image", "x.img"}), HasSubstr(".iso, .elf or .efi"));
  EXPECT_THAT(mistake({"--run", "bochs", "--image", "x.elf"}),
              HasSubstr("starts from an .iso"));
  EXPECT_THAT(mistake({"--only", "linaer"}), HasSubstr("did you mean linear"));
  EXPECT_THAT(mistake({"no-such-case"}), HasSubstr("no-such-case"));
}

// With stand-ins for the programs that it starts.
class ImageMakingTest : public testing::Test {
 protected:
  ImageMakingTest() {
    directory_.File("eptdiff.elf", "an image");
    StandIn("xorriso", "exit 0");
    StandIn("mformat", "exit 0");
    // An ISO that is the tree, one file behind the other.
    StandIn("grub-mkrescue",
            "for word; do\n"
            "  case $word in\n"
            "    --output=*) out=${word#--output=} ;;\n"
            "    --*) ;;\n"
            "    *) tree=$word ;;\n"
            "  esac\n"
            "done\n"
            "cat \"$tree\"/boot/* \"$tree\"/boot/grub/grub.cfg >\"$out\" 2>&1\n"
            "exit 0");
  }

  void StandIn(const std::string& name, const std::string& script) const {
    const std::string file =
        directory_.File(name, "#!/bin/sh\n" + script + "\n");
    chmod(file.c_str(), 0755);
  }

  Ran Run(const std::vector<std::string>& arguments) const {
    return RunEptdiff(arguments,
                      {"EPTDIFF_IMAGE_DIR=" + directory_.path(),
                       "PATH=" + directory_.path() + ":/usr/bin:/bin"},
                      directory_.path());
  }

  std::string ACase() const {
    return std::string(EPTDIFF_SOURCE_DIR) +
           "/corpus/deviations/bochs-3.0/vio-8.textproto";
  }

  const TestDirectory directory_;
};

TEST_F(ImageMakingTest, TheProgramAndItsCasesForBootLoaders) {
  const Ran ran = Run({"image", "--image", "x.elf", ACase()});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ContentOf(directory_.Path("x.elf")), "an image");
  const std::string bytes = ContentOf(directory_.Path("x.elf.cases"));
  Module module;
  ASSERT_EQ(module.Open({reinterpret_cast<const std::uint8_t*>(bytes.data()),
                         bytes.size()}),
            ModuleTrouble::kNone);
  ASSERT_EQ(module.size(), 1u);
  ModuleCase c;
  ASSERT_TRUE(module.Next(c));
  EXPECT_EQ(c.name, ACase());
  EXPECT_EQ(DecodeCase(c.bytes).steps.size(), 1u);
  EXPECT_THAT(ran.out, HasSubstr("x.elf.cases"));
}

TEST_F(ImageMakingTest, TheProgramForUefiHasItsWordsAndCasesBesideIt) {
  directory_.File("eptdiff.efi", "a program for UEFI");
  const Ran ran = Run({"image", "--image", "x.efi", "--seconds", "7", "--words",
                       "troubles=1", ACase()});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ContentOf(directory_.Path("x.efi")), "a program for UEFI");
  EXPECT_EQ(ContentOf(directory_.Path("x.efi.words")),
            "seed=1 seconds=7 troubles=1");
  EXPECT_THAT(ContentOf(directory_.Path("x.efi.cases")), HasSubstr("EPTDIFFM"));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("cp x.efi STICK/EFI/BOOT/BOOTX64.EFI"),
                             HasSubstr("STICK/eptdiff.log")));
}

TEST_F(ImageMakingTest, ADiscBootsTheProgramWithItsCasesAndOptions) {
  const Ran ran = Run({"image", "--seconds", "7", "--seed", "9", "--only",
                       "linear", "--repeat", "5", ACase()});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ContentOf(directory_.Path("eptdiff.iso")),
              AllOf(HasSubstr("an image"), HasSubstr("EPTDIFFM"),
                    HasSubstr("multiboot2 /boot/eptdiff.elf seed=9 seconds=7 "
                              "repeat=5 only=linear"),
                    HasSubstr("module2 /boot/eptdiff.cases")));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("eptdiff.iso: 1 case, then new ones"),
                             HasSubstr("dd if=eptdiff.iso")));
}

TEST_F(ImageMakingTest, TheCorpusGoesAlongWithoutBuilders) {
  ASSERT_EQ(Run({"image", "--image", "x.elf", "--corpus"}).status, 0);
  const std::string bytes = ContentOf(directory_.Path("x.elf.cases"));
  Module module;
  ASSERT_EQ(module.Open({reinterpret_cast<const std::uint8_t*>(bytes.data()),
                         bytes.size()}),
            ModuleTrouble::kNone);
  EXPECT_GT(module.size(), 1000u);
  ModuleCase c;
  while (module.Next(c)) EXPECT_FALSE(HasTableOperations(DecodeCase(c.bytes)));
}

TEST_F(ImageMakingTest, WhatIsMissingIsSaid) {
  Ran ran = RunEptdiff({"image", "--image", directory_.Path("x.elf")},
                       {"EPTDIFF_IMAGE_DIR=" + directory_.Path("nowhere")});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("there is no eptdiff.elf"),
                             HasSubstr("the target eptdiff_image")));
  ran = RunEptdiff({"image", "--image", directory_.Path("x.iso")},
                   {"EPTDIFF_IMAGE_DIR=" + directory_.path(), "PATH=/nowhere"});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("grub-mkrescue is not installed"),
                             HasSubstr("ci/setup --image")));
  StandIn("grub-mkrescue", "echo the disc is round; exit 1");
  ran = Run({"image"});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("grub-mkrescue made no image"),
                             HasSubstr("the disc is round")));
}

// A stand-in for QEMU that says what `log` has, with a pause in the middle.
TEST_F(ImageMakingTest, AMachineIsStartedHere) {
  const std::string log = directory_.File("told", LogOfDialect("CFG-9/off"));
  StandIn("qemu-system-x86_64",
          "for word; do\n"
          "  case $word in file:*) serial=${word#file:} ;; esac\n"
          "done\n"
          "head -c 3000 '" +
              log +
              "' >\"$serial\"\n"
              "sleep 0.2\n"
              "tail -c +3001 '" +
              log +
              "' >>\"$serial\"\n"
              "exit 3");
  const Ran ran = Run({"image", "--run", "qemu", "--save-log", "saved", "--out",
                       "cases", ACase()});
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("1. CFG-9"));
  EXPECT_EQ(ContentOf(directory_.Path("saved")), ContentOf(log));
}

TEST_F(ImageMakingTest, AMachineThatHangsIsEnded) {
  const std::string log = directory_.File("told", LogOfDialect("CFG-9/off"));
  StandIn("qemu-system-x86_64",
          "for word; do\n"
          "  case $word in file:*) serial=${word#file:} ;; esac\n"
          "done\n"
          "grep -v '@eptdiff end' '" +
              log +
              "' >\"$serial\"\n"
              "exec sleep 1000");
  const Ran ran = Run({"image", "--run", "qemu", "--limit", "1"});
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_THAT(ran.err, AllOf(HasSubstr("qemu did not end within 1 second"),
                             HasSubstr("the log ends before the run does")));
}

TEST_F(ImageMakingTest, AMachineThatSaysNothingIsShownToHave) {
  StandIn("qemu-system-x86_64", "echo no such machine; exit 1");
  const Ran ran = Run({"image", "--run", "qemu"});
  EXPECT_EQ(ran.status, 3) << ran.err;
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("exit status 1"), HasSubstr("no such machine")));
}

}  // namespace
}  // namespace eptdiff
