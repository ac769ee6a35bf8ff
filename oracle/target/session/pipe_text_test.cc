#include "oracle/target/session/pipe_text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "oracle/target/profile/profile.h"

namespace eptdiff {
namespace {

bool Read(std::string_view lines, eptdiff_profile& profile) {
  std::string error;
  return ReadPipeProfile("eptdiff_target 1\n" + std::string(lines), profile,
                         error);
}

TEST(PipeProfileTest, NamesStandForBits) {
  eptdiff_profile profile;
  ASSERT_TRUE(
      Read("models 4_levels caches\n"
           "fills event address\n"
           "keeps combined paging_structures eptrtas\n"
           "leaves ept_rights guest_reserved_bits\n"
           "accesses read fetch\n"
           "processors 2\n",
           profile));
  EXPECT_EQ(profile.models, EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_CACHES);
  EXPECT_EQ(profile.fills, EPTDIFF_FILLS_EVENT | EPTDIFF_FILLS_ADDRESS);
  EXPECT_EQ(profile.keeps, EPTDIFF_KEEPS_COMBINED |
                               EPTDIFF_KEEPS_PAGING_STRUCTURES |
                               EPTDIFF_KEEPS_EPTRTAS);
  EXPECT_EQ(profile.leaves,
            EPTDIFF_LEAVES_EPT_RIGHTS | EPTDIFF_LEAVES_GUEST_RESERVED_BITS);
  EXPECT_EQ(profile.accesses, 1u << EPTDIFF_READ | 1u << EPTDIFF_FETCH);
  EXPECT_EQ(profile.processors, 2);
}

TEST(PipeProfileTest, WhatIsLeftOutIsAsAtFirst) {
  eptdiff_profile profile;
  ASSERT_TRUE(Read("models 4_levels\n", profile));
  const eptdiff_profile blank = BlankProfile();
  EXPECT_EQ(profile.fills, blank.fills);
  EXPECT_EQ(profile.keeps, blank.keeps);
  EXPECT_EQ(profile.leaves, blank.leaves);
  EXPECT_EQ(profile.accesses, blank.accesses);
  EXPECT_EQ(profile.processors, blank.processors);
}

TEST(PipeProfileTest, WhatIsNoNameIsRefused) {
  eptdiff_profile profile;
  EXPECT_FALSE(Read("keeps everything\n", profile));
  EXPECT_FALSE(Read("leaves rights\n", profile));
  EXPECT_FALSE(Read("accesses peek\n", profile));
  EXPECT_FALSE(Read("processors many\n", profile));
}

}  // namespace
}  // namespace eptdiff
