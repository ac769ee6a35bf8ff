#include "fuzzers/encoding/current_case.h"

#include <gtest/gtest.h>

#include <vector>

#include "fuzzers/encoding/encoding.h"
#include "fuzzers/generation/generator.h"

namespace eptdiff {
namespace {

Case Generated(std::uint64_t seed) {
  Case c;
  GenerateCase(seed, c);
  return c;
}

TEST(CurrentCaseTest, ReadsWhatTheBytesMeanWhateverWasReadBefore) {
  CurrentCase current;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<std::uint8_t> bytes = EncodeCase(Generated(seed / 2));
    ASSERT_EQ(current.Read(bytes), Generated(seed / 2));
    EXPECT_EQ(current.Read({}), DecodeCase({}));
    ASSERT_EQ(current.Read(bytes), Generated(seed / 2));
  }
}

TEST(CurrentCaseTest, ReadsWhatItHasWritten) {
  CurrentCase current;
  std::vector<std::uint8_t> bytes(kMaxEncodedBytes);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    current.Change() = Generated(seed);
    const std::size_t size = current.Write(bytes);
    ASSERT_EQ(size, EncodedSize(Generated(seed)));
    EXPECT_EQ(current.Read({bytes.data(), size}), Generated(seed));
    // One byte less is another case, and so is a changed one.
    const std::span<std::uint8_t> shorter(bytes.data(), size - 1);
    EXPECT_EQ(current.Read(shorter), DecodeCase(shorter));
    current.Change() = Generated(seed);
    current.Write(bytes);
    bytes[kHeaderOffset] ^= 1;
    EXPECT_EQ(current.Read({bytes.data(), size}),
              DecodeCase({bytes.data(), size}));
  }
}

TEST(CurrentCaseTest, WritesWhatTookItsPlace) {
  CurrentCase current;
  std::vector<std::uint8_t> bytes(kMaxEncodedBytes);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Case other = Generated(seed);
    current.Replace(other);
    const std::size_t size = current.Write(bytes);
    bytes[0] = 0;  // not what was written: it has to be decoded
    EXPECT_EQ(current.Read({bytes.data(), size}), Generated(seed));
  }
}

TEST(CurrentCaseTest, WithoutRoomNothingIsRemembered) {
  CurrentCase current;
  const Case c = Generated(1);
  std::vector<std::uint8_t> bytes = EncodeCase(c);
  current.Change() = Generated(2);
  EXPECT_EQ(current.Write(std::span<std::uint8_t>(bytes).first(10)), 0u);
  EXPECT_EQ(bytes, EncodeCase(c));
  EXPECT_EQ(current.Read(bytes), c);
  current.Change() = Generated(2);
  EXPECT_EQ(current.Write({}), 0u);
  EXPECT_EQ(current.Read({}), DecodeCase({}));
}

TEST(CurrentCaseDeathTest, ACaseThatBytesCannotSayIsFoundOut) {
  CurrentCase current;
  std::vector<std::uint8_t> bytes(kMaxEncodedBytes);
  current.Change() = Generated(1);
  current.Change().guest.cpl = 7;
  const std::size_t size = current.Write(bytes);
  const auto read_often = [&] {
    for (unsigned i = 0; i < CurrentCase::kCheckedReads; ++i) {
      current.Read({bytes.data(), size});
    }
  };
  EXPECT_DEATH(read_often(), "");
}

}  // namespace
}  // namespace eptdiff
