// The driver killed at any instant, and a full disk: nothing that was found is
// lost, no half of a file stands under a good name, and nothing is swallowed.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A case on which the engine disagrees with this fault planted: bit 12 of a
// 2-MByte leaf, which is reserved.
const std::vector<std::string> kPlanted = {"EPTDIFF_PLANT=large-leaf-bit-12"};
constexpr char kSignature[] = "eptdiff-engine-event-CFG-9-PDE";

std::string CaseText() {
  std::ifstream file(EPTDIFF_SOURCE_DIR
                     "/corpus/seeds/vio/read-only-2-mbyte-page.textproto");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t leaf = text.find("0x2000b1");
  EXPECT_NE(leaf, std::string::npos);
  return text.replace(leaf, 8, "0x2010b1");
}

// A target that finds what is in the file $0.case, again and again, under a new
// name each time, as long as the signature is not muted.
constexpr char kTarget[] =
    "#!/bin/sh\n"
    "for option; do case $option in\n"
    "  -artifact_prefix=*) prefix=${option#*=} ;;\n"
    "esac; done\n"
    "if grep -q eptdiff \"$EPTDIFF_MUTED\"; then exec sleep 100; fi\n"
    "sleep 0.1\n"
    "cp \"$0.case\" \"${prefix}crash-$$\"\n"
    "echo \"ASSERTION FAILED: eptdiff-engine-event-CFG-9-PDE\"\n"
    "echo \"Test unit written to ${prefix}crash-$$\"\n"
    "kill -ABRT $$\n";

class RobustnessTest : public ::testing::Test {
 protected:
  // The target, as a file, with the case that it finds beside it.
  std::string MakeTarget(const std::string& script) {
    const std::string target = directory_.File("target", script);
    chmod(target.c_str(), 0755);
    const std::string text = directory_.File("found.textproto", CaseText());
    EXPECT_EQ(RunEptdiff({"convert", text, "-o", target + ".case"}).status, 0);
    return target;
  }
  std::string Report() const {
    return ContentOf(directory_.Path("build/fuzz/report.json"));
  }
  void ExpectWholeFiles() const {
    if (fs::exists(directory_.Path("build/fuzz/report.json"))) {
      EXPECT_THAT(Report(), AllOf(StartsWith("{"), EndsWith("}\n")));
    }
    if (!fs::exists(directory_.Path("corpus/regressions"))) return;
    for (const auto& entry :
         fs::directory_iterator(directory_.Path("corpus/regressions"))) {
      if (entry.path().extension() != ".textproto") continue;
      EXPECT_EQ(RunEptdiff({"run", entry.path()}, kPlanted).status, 1)
          << entry.path();
    }
  }

  TestDirectory directory_;
};

TEST_F(RobustnessTest, KilledAtAnyInstantItLeavesWholeFiles) {
  const std::string target = MakeTarget(kTarget);
  // From the first moments to well into triage and the report.
  for (const int milliseconds : {20, 150, 300, 600, 1000, 1100, 1250, 1500}) {
    const pid_t driver = StartEptdiff(
        {"fuzz", "--target", target, "--jobs", "1", "--seconds", "1"},
        directory_.path(), kPlanted);
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    kill(driver, SIGKILL);
    Wait(driver);
    ExpectWholeFiles();
  }
}

TEST_F(RobustnessTest, WhatAKilledRunFoundIsTriagedByTheNext) {
  const std::string target = MakeTarget(kTarget);
  const fs::path artifacts = directory_.Path("build/fuzz/artifacts");
  const fs::path regression = directory_.Path(
      std::string("corpus/regressions/") + kSignature + ".textproto");
  const pid_t driver = StartEptdiff(
      {"fuzz", "--target", target, "--jobs", "1", "--seconds", "600"},
      directory_.path(), kPlanted);
  for (int i = 0; i < 2000; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (fs::exists(artifacts) && !fs::is_empty(artifacts)) break;
  }
  kill(driver, SIGKILL);
  Wait(driver);
  ASSERT_FALSE(fs::is_empty(artifacts));
  ASSERT_FALSE(fs::exists(regression));
  // A run that itself finds nothing.
  MakeTarget("#!/bin/sh\necho cases 1 > \"$EPTDIFF_STATS\"\n");
  const std::vector<std::string> run = {"fuzz", "--target", target, "--jobs",
                                        "1"};
  const Ran next = RunEptdiff(run, kPlanted, directory_.path());
  EXPECT_EQ(next.status, 1) << next.out << next.err;
  EXPECT_TRUE(fs::exists(regression)) << next.out << next.err;
  ExpectWholeFiles();
  // And once they are triaged, they are not any more.
  const Ran last = RunEptdiff(run, kPlanted, directory_.path());
  EXPECT_EQ(last.status, 0) << last.out << last.err;
}

// A small file system in this process alone; it goes with the process, which
// ctest makes anew for each test. False, and why, where that is not permitted.
bool MountSmallDisk(const std::string& where, const std::string& size,
                    std::string& why) {
  const uid_t user = geteuid();
  const int spaces = user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
  if (unshare(spaces) != 0) {
    why = std::string("unshare: ") + std::strerror(errno);
    return false;
  }
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("none", where.c_str(), "tmpfs", 0, ("size=" + size).c_str()) != 0) {
    why = std::string("mount: ") + std::strerror(errno);
    return false;
  }
  return true;
}

// Leaves so many bytes.
void Fill(const std::string& directory, std::uint64_t leave) {
  const std::string path = directory + "/filler";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  const std::string block(4096, 'x');
  while (write(file, block.data(), block.size()) > 0) {
  }
  struct stat info;
  fstat(file, &info);
  EXPECT_EQ(ftruncate(file, info.st_size - static_cast<off_t>(leave)), 0);
  close(file);
}

TEST_F(RobustnessTest, FullDiskIsReportedAndTheOldFileStays) {
  const std::string disk = directory_.Path("disk");
  fs::create_directory(disk);
  std::string why;
  if (!MountSmallDisk(disk, "256k", why)) GTEST_SKIP() << why;
  const std::string text = directory_.File("a.textproto", CaseText());
  const std::string old = disk + "/old.textproto";
  directory_.File("disk/old.textproto", "old");
  fs::create_directory(directory_.Path("artifacts"));
  ASSERT_EQ(
      RunEptdiff({"convert", text, "-o", directory_.Path("artifacts/crash-1")})
          .status,
      0);
  Fill(disk, 0);
  const std::vector<std::vector<std::string>> commands = {
      {"convert", text, "-o", old},
      {"minimize", text, "-o", old},
      {"triage", directory_.Path("artifacts"), "--out", disk + "/regressions"},
      {"triage", directory_.Path("artifacts"), "--out", disk},
      {"distill", directory_.Path("artifacts"), "--out", disk},
  };
  for (const std::vector<std::string>& command : commands) {
    const Ran ran = RunEptdiff(command, kPlanted, directory_.path());
    EXPECT_EQ(ran.status, 4) << command[0] << ran.out;
    EXPECT_THAT(ran.err, HasSubstr("No space left on device")) << command[0];
    EXPECT_EQ(ContentOf(old), "old");
    for (const auto& entry : fs::recursive_directory_iterator(disk)) {
      if (entry.is_directory()) continue;
      EXPECT_THAT(entry.path().filename().string(),
                  AnyOf("old.textproto", "filler"));
    }
  }
}

// libFuzzer does not notice that its inputs are not written.
TEST_F(RobustnessTest, RunOnAFullDiskEndsAndSaysWhy) {
  const std::string target = MakeTarget(kTarget);
  fs::create_directory(directory_.Path("build"));
  std::string why;
  if (!MountSmallDisk(directory_.Path("build"), "6m", why)) {
    GTEST_SKIP() << why;
  }
  // The second worker, once the signature is muted, fills the disk.
  std::string script = kTarget;
  script.replace(script.find("exec sleep 100"), 14,
                 "cat /dev/zero >\"$EPTDIFF_STATS.zero\"; exec sleep 100");
  MakeTarget(script);
  const Ran ran =
      RunEptdiff({"fuzz", "--target", target, "--jobs", "1", "--seconds", "60"},
                 kPlanted, directory_.path());
  EXPECT_THAT(ran.err, AllOf(HasSubstr("the disk is full: build/fuzz"),
                             HasSubstr("cannot write build/fuzz/report.json")));
  EXPECT_EQ(ran.status, 4);
  // What was found before is told, and is where there is room.
  EXPECT_THAT(ran.out, HasSubstr(kSignature));
  EXPECT_TRUE(fs::exists(directory_.Path(std::string("corpus/regressions/") +
                                         kSignature + ".textproto")))
      << ran.out;
}

// Where nothing may be mounted: a file that may not grow (ulimit -f).
TEST_F(RobustnessTest, FileThatMayNotGrowIsReported) {
  const std::string text = directory_.File("a.textproto", CaseText());
  const std::string old = directory_.File("old.textproto", "old");
  rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlim_t before = std::exchange(limit.rlim_cur, 512);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  signal(SIGXFSZ, SIG_DFL);
  const Ran converted =
      RunEptdiff({"convert", "--to", "text", text, "-o", old});
  const Ran minimized = RunEptdiff({"minimize", text, "-o", old}, kPlanted);
  limit.rlim_cur = before;
  setrlimit(RLIMIT_FSIZE, &limit);
  for (const Ran& ran : {converted, minimized}) {
    EXPECT_EQ(ran.status, 4) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("File too large"));
  }
  EXPECT_EQ(ContentOf(old), "old");
}

TEST_F(RobustnessTest, StandardOutputThatIsFullIsReported) {
  const std::string text = directory_.File("a.textproto", CaseText());
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"convert", text, "--to", "text"},
                                             {"minimize", text},
                                             {"explain", text}}) {
    const Ran ran = RunEptdiffTo("/dev/full", command, kPlanted);
    EXPECT_EQ(ran.status, 4) << command[0];
    EXPECT_THAT(ran.err, HasSubstr("cannot write to standard output"));
  }
}

// As with `eptdiff rules | head`: that is how people read long lists.
TEST_F(RobustnessTest, ReaderThatHasGoneIsNoError) {
  const std::string pipe = directory_.Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread reader([&pipe] { close(open(pipe.c_str(), O_RDONLY)); });
  const Ran ran = RunEptdiffTo(pipe, {"rules"});
  reader.join();
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err, "");
}

}  // namespace
}  // namespace eptdiff
