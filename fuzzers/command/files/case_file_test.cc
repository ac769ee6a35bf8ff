#include "fuzzers/command/files/case_file.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::HasSubstr;

TEST(CaseFileTest, NameThenContentTellTheNotation) {
  const std::string bytes("\x01\x00\x02", 3);
  EXPECT_EQ(NotationOf("a.textproto", bytes), Notation::kText);
  EXPECT_EQ(NotationOf("a.textproto", ""), Notation::kText);
  EXPECT_EQ(NotationOf("crash-1", bytes), Notation::kBytes);
  EXPECT_EQ(NotationOf("crash-1", ""), Notation::kBytes);
  EXPECT_EQ(NotationOf("a", "processor {}\n\t# caf\xc3\xa9\r\n"),
            Notation::kText);
  EXPECT_EQ(NotationOf("a", "cut \xc3"), Notation::kBytes);
  EXPECT_EQ(NotationOf("a", "\xff"), Notation::kBytes);
  EXPECT_EQ(NotationOf("a", "\x7f"), Notation::kBytes);
}

// Files cannot grow beyond `bytes` while this lives: a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_;
  void (*handler_)(int);
};

TEST(CaseFileTest, FullDiskLeavesTheOldFileAndNothingElse) {
  const TestDirectory directory;
  const std::string path = directory.File("a", "old");
  absl::Status status;
  {
    const FullDisk full(100);
    status = WriteFile(path, std::string(1000, 'x'));
  }
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write " + path));
  EXPECT_EQ(ContentOf(path), "old");
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(directory.path())) {
    ++files;
  }
  EXPECT_EQ(files, 1u);
}

TEST(CaseFileTest, WrittenFileIsWholeAndHasTheUsualMode) {
  const TestDirectory directory;
  const std::string path = directory.Path("a");
  const std::string content(1 << 20, 'x');
  const mode_t mask = umask(022);
  ASSERT_TRUE(WriteFile(path, content).ok());
  umask(mask);
  EXPECT_EQ(ContentOf(path), content);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
}

}  // namespace
}  // namespace eptdiff
