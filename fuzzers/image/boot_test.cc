// The image is started by QEMU's own loaders, and says what is missing there.
// QEMU without KVM has no VT-x. Skipped where there is no QEMU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace eptdiff {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int kCannotAsk = 0x12 * 2 + 1;  // as isa-debug-exit tells it

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class BootTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v qemu-system-x86_64 >/dev/null") != 0) {
      GTEST_SKIP() << "there is no qemu-system-x86_64";
    }
    directory_ = testing::TempDir() + "eptdiff-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
  }

  void TearDown() override {
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  }

  // Of this test alone: others run at the same time.
  std::string FileNamed(const std::string& name) const {
    return directory_ + "/" + name;
  }

  // Starts an image and returns what it said; how QEMU ended is `status`.
  std::string Boot(const std::string& image, const std::string& options,
                   int& status) const {
    const std::string serial = FileNamed("serial");
    const std::string command =
        "timeout 120 qemu-system-x86_64 -nodefaults -display none -no-reboot "
        "-kernel '" +
        image + "' -serial 'file:" + serial +
        "' -device isa-debug-exit,iobase=0x501,iosize=2 " + options +
        " 2>/dev/null";
    status = WEXITSTATUS(std::system(command.c_str()));
    return Contents(serial);
  }

 private:
  std::string directory_;
};

TEST_F(BootTest, ByMultibootSaysThatThereIsNoVtx) {
  int status = 0;
  const std::string said =
      Boot(EPTDIFF_IMAGE_FILE, "-m 512 -cpu Nehalem", status);
  EXPECT_EQ(status, kCannotAsk);
  EXPECT_THAT(
      said, AllOf(HasSubstr("@eptdiff begin protocol=1 "),
                  HasSubstr("vendor=GenuineIntel"), HasSubstr("firmware=qemu"),
                  HasSubstr("cannot be asked: there is no VT-x in this "
                            "virtual machine.")));
}

TEST_F(BootTest, SaysThatAnotherVendorHasNoEpt) {
  int status = 0;
  const std::string said =
      Boot(EPTDIFF_IMAGE_FILE, "-m 512 -cpu Opteron_G3", status);
  EXPECT_EQ(status, kCannotAsk);
  EXPECT_THAT(said, HasSubstr("a processor of AMD's kind"));
}

// Without the multiboot header QEMU takes the note.
TEST_F(BootTest, ByPvh) {
  std::string image = Contents(EPTDIFF_IMAGE_FILE);
  const std::size_t magic = image.find("\x02\xb0\xad\x1b");
  ASSERT_NE(magic, std::string::npos);
  image.replace(magic, 4, 4, '\0');
  const std::string path = FileNamed("pvh.elf");
  std::ofstream(path, std::ios::binary) << image;
  int status = 0;
  const std::string said = Boot(path, "-m 512 -cpu Nehalem", status);
  EXPECT_EQ(status, kCannotAsk);
  EXPECT_THAT(said, AllOf(HasSubstr("firmware=PVH"), HasSubstr("no VT-x")));
}

}  // namespace
}  // namespace eptdiff
