#include "oracle/processor/module.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace eptdiff {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes Written() {
  const Bytes one = {4, 1, 2, 3};
  const Bytes other(300, 0xab);
  const ModuleCase cases[] = {
      {"seeds/vio/one", one}, {"", {}}, {"three", other}};
  return WriteModule(cases);
}

TEST(ModuleTest, GivesBackWhatWasWritten) {
  const Bytes bytes = Written();
  EXPECT_EQ(bytes.size() % 8, 0u);
  Module module;
  ASSERT_EQ(module.Open(bytes), ModuleTrouble::kNone);
  EXPECT_EQ(module.size(), 3u);
  for (int round = 0; round < 2; ++round) {
    ModuleCase c;
    ASSERT_TRUE(module.Next(c));
    EXPECT_EQ(c.name, "seeds/vio/one");
    EXPECT_EQ(Bytes(c.bytes.begin(), c.bytes.end()), (Bytes{4, 1, 2, 3}));
    ASSERT_TRUE(module.Next(c));
    EXPECT_EQ(c.name, "");
    EXPECT_TRUE(c.bytes.empty());
    ASSERT_TRUE(module.Next(c));
    EXPECT_EQ(c.name, "three");
    EXPECT_EQ(Bytes(c.bytes.begin(), c.bytes.end()), Bytes(300, 0xab));
    EXPECT_FALSE(module.Next(c));
    module.Rewind();
  }
}

TEST(ModuleTest, MayBeEmpty) {
  Module module;
  EXPECT_EQ(module.Open(WriteModule({})), ModuleTrouble::kNone);
  EXPECT_EQ(module.size(), 0u);
  ModuleCase c;
  EXPECT_FALSE(module.Next(c));
}

TEST(ModuleTest, RoomBehindItIsNoPartOfIt) {
  Bytes bytes = Written();
  bytes.resize(bytes.size() + 4096, 0xff);
  Module module;
  EXPECT_EQ(module.Open(bytes), ModuleTrouble::kNone);
  EXPECT_EQ(module.size(), 3u);
}

TEST(ModuleTest, EveryCutIsNoticed) {
  const Bytes bytes = Written();
  Module module;
  EXPECT_EQ(module.Open({}), ModuleTrouble::kNotAModule);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const Bytes cut(bytes.begin(), bytes.begin() + size);
    EXPECT_EQ(module.Open(cut), ModuleTrouble::kCutShort) << size;
    EXPECT_EQ(module.size(), 0u);
  }
}

TEST(ModuleTest, EveryChangedByteIsNoticed) {
  const Bytes bytes = Written();
  Module module;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const std::uint8_t change : {0x01, 0x80, 0xff}) {
      Bytes changed = bytes;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ change);
      EXPECT_NE(module.Open(changed), ModuleTrouble::kNone) << at;
    }
  }
  Bytes other = bytes;
  other[8] = kModuleVersion + 1;
  EXPECT_EQ(module.Open(other), ModuleTrouble::kOtherVersion);
  other[0] = 'e';
  EXPECT_EQ(module.Open(other), ModuleTrouble::kNotAModule);
}

// Whoever damages a module may mend the sum, too: lengths that go out of it
// must not be followed.
TEST(ModuleTest, LengthsThatDoNotFitAreNoticed) {
  const auto mend = [](Bytes& bytes) {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (std::size_t i = 32; i < bytes.size(); ++i) {
      sum = (sum ^ bytes[i]) * 0x100000001b3;
    }
    for (int i = 0; i < 8; ++i) {
      bytes[24 + i] = static_cast<std::uint8_t>(sum >> (8 * i));
    }
  };
  Module module;
  Bytes bytes = Written();
  mend(bytes);
  ASSERT_EQ(module.Open(bytes), ModuleTrouble::kNone);
  for (std::size_t at = 32; at < 40; ++at) {  // the lengths of the first case
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = Written();
      if (changed[at] == value) continue;
      changed[at] = static_cast<std::uint8_t>(value);
      mend(changed);
      if (module.Open(changed) == ModuleTrouble::kNone) {
        // Only what ends in the same place: a length that padding hides, or
        // bytes that the other one has less.
        ModuleCase c;
        while (module.Next(c)) {
          EXPECT_LE(c.bytes.data() + c.bytes.size(),
                    changed.data() + changed.size());
        }
      }
    }
  }
  bytes[12] = 4;  // cases
  EXPECT_EQ(module.Open(bytes), ModuleTrouble::kDamaged);
  bytes[12] = 2;
  EXPECT_EQ(module.Open(bytes), ModuleTrouble::kDamaged);
  bytes = Written();
  bytes[16] = 8;  // bytes
  bytes[17] = 0;
  EXPECT_EQ(module.Open(bytes), ModuleTrouble::kDamaged);
}

}  // namespace
}  // namespace eptdiff
