// What a profile does not declare is not asked.
#include "oracle/target/profile/profile.h"

#include <cstddef>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "oracle/machine_state.h"
#include "oracle/target/eptdiff_target.h"
#include "oracle/target/profile/left_rules.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kAll = (std::uint64_t{1} << 34) - 1;

// A machine that uses what a profile may lack.
Case Rich() {
  Case c;
  c.processor.ept_vpid_cap = 0x6334141;
  c.controls.primary = 1u << 31 | 1u << 17;
  c.controls.secondary =
      1u << 1 | 1u << 13 | 1u << 17 | 1u << 18 | 1u << 22 | 1u << 23;
  c.controls.tertiary = 1u << 1 | 1u << 2 | 1u << 3;
  c.controls.eptp = 0x10de;
  c.guest.cr0 = 0x80010021;
  c.guest.rflags = 2;
  c.guest.cr4 = 1u << 5 | 1u << 13 | 1u << 20 | 1u << 22 | 1u << 23 | 1u << 27;
  c.guest.efer = 1u << 10;
  c.guest.event_delivery = true;
  c.guest.transactional = true;
  for (int kind = 0; kind < kStepKindCount; ++kind) {
    Step step;
    step.kind = static_cast<StepKind>(kind);
    if (step.kind == StepKind::kTableOperation) continue;
    c.steps.push_back(step);
  }
  Step crossing;
  crossing.gpa = Gpa{0xffc};
  crossing.access.size = 8;
  crossing.access.kind = AccessKind::kReadModifyWrite;
  c.steps.push_back(crossing);
  Step large;
  large.access.size = 65;
  c.steps.push_back(large);
  Step function;
  function.kind = StepKind::kEptpSwitch;
  function.value = 1;
  c.steps.push_back(function);
  Step shadow;
  shadow.access.kind = AccessKind::kShadowStackWrite;
  shadow.access.asynchronous = true;
  shadow.page.gla_valid = false;
  c.steps.push_back(shadow);
  return c;
}

bool IsModelled(const eptdiff_profile& profile, const Case& c) {
  if (NotModelled(profile, c.processor, c.controls, c.guest) != Skip::kNone) {
    return false;
  }
  for (const Step& step : c.steps) {
    if (NotModelled(profile, c.controls, c.guest, step) != Skip::kNone)
      return false;
  }
  return true;
}

TEST(ProfileTest, WhatIsDeclaredIsAskedAsItIs) {
  eptdiff_profile profile = BlankProfile();
  profile.models = kAll;
  EXPECT_EQ(FaultOf(profile), "");
  Case c = Rich();
  EXPECT_TRUE(IsModelled(profile, c));
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_EQ(c, Rich());
}

TEST(ProfileTest, OnlyWhatIsComparedCanBeLeftOut) {
  eptdiff_profile profile = BlankProfile();
  profile.models = kAll;
  profile.qualification_left_out = 0x1ffff;
  profile.error_code_left_out = 0xff;
  profile.offsets_left_out = 7;
  EXPECT_EQ(FaultOf(profile), "");
  profile.offsets_left_out = 8;
  EXPECT_EQ(FaultOf(profile).find("offsets_left_out"), 0u);
  profile.error_code_left_out = 0x100;
  EXPECT_EQ(FaultOf(profile).find("error_code_left_out"), 0u);
  profile.qualification_left_out = 0x20000;
  EXPECT_EQ(FaultOf(profile).find("qualification_left_out"), 0u);
}

TEST(ProfileTest, EachFeatureThatIsMissingIsTakenOut) {
  int noticed = 0;
  for (int feature = 0; feature < 34; ++feature) {
    eptdiff_profile profile = BlankProfile();
    profile.models = kAll & ~(std::uint64_t{1} << feature);
    Case c = Rich();
    noticed += !IsModelled(profile, c);
    if (!FitTo(profile, c)) {
      EXPECT_EQ(feature, 0) << "only the depth of the tables cannot be changed";
      continue;
    }
    EXPECT_TRUE(IsModelled(profile, c)) << feature;
  }
  // All but 5-level EPT, the three of VM entry, and the modes of guest paging
  // that this machine is not in.
  EXPECT_EQ(noticed, 34 - 8);
}

TEST(ProfileTest, MaskingIsTakenOut) {
  constexpr std::uint64_t kSup = 1 << 28;
  constexpr std::uint64_t kUser = std::uint64_t{3} << 61;
  for (const auto& [cr3, cr4] : {std::pair{kUser, std::uint64_t{0}},
                                 std::pair{std::uint64_t{0}, kSup}}) {
    Case c = Rich();
    c.guest.cr3 |= cr3;
    c.guest.cr4 |= cr4;
    eptdiff_profile profile = BlankProfile();
    profile.models = kAll | EPTDIFF_MODELS_LAM;
    EXPECT_TRUE(IsModelled(profile, c));
    profile.models = kAll;
    EXPECT_FALSE(IsModelled(profile, c));
    ASSERT_TRUE(FitTo(profile, c));
    EXPECT_TRUE(IsModelled(profile, c));
  }
}

TEST(ProfileTest, CapabilitiesAndWidthAreBroughtIntoRange) {
  eptdiff_profile profile = BlankProfile();
  profile.models = kAll;
  profile.capabilities_clear = ~std::uint64_t{1};        // execute-only: always
  profile.capabilities_set = ~(std::uint64_t{1} << 17);  // 1 GByte: never
  profile.min_maxphyaddr = profile.max_maxphyaddr = 39;
  Case c = Rich();
  c.processor.ept_vpid_cap = 0x6334140;
  EXPECT_FALSE(IsModelled(profile, c));
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_TRUE(IsModelled(profile, c));
  EXPECT_EQ(c.processor.ept_vpid_cap, 0x6314141u);
  EXPECT_EQ(c.processor.maxphyaddr, 39);
}

// Code that takes such a state for granted is right: SDM 27.3.1.1, 27.3.1.6.
TEST(ProfileTest, AGuestThatVmEntryRefusesIsNotAsked) {
  struct Refused {
    const char* what;
    std::uint64_t cr3, cr4, efer, pdpte;
    bool refused;
  };
  constexpr std::uint64_t kBit46 = std::uint64_t{1} << 46;
  constexpr std::uint64_t kPae = 1u << 5, kLma = 1u << 10, kVmxe = 1u << 13;
  const Refused guests[] = {
      {"4-level", 0x1000, kPae, kLma, 0, false},
      {"CR3 beyond the width", kBit46, kPae, kLma, 0, true},
      {"CR3 up to the width", kBit46 >> 1, kPae, kLma, 0, false},
      {"IA-32e mode without PAE", 0, 0, kLma, 0, true},
      {"PAE", 0, kPae, 0, 0x1001, false},
      {"PDPTE beyond the width", 0, kPae, 0, kBit46 | 1, true},
      {"PDPTE with bit 1", 0, kPae, 0, 0x1003, true},
      {"absent PDPTE", 0, kPae, 0, kBit46 | 2, false},
      {"PDPTE of another mode", 0, kPae, kLma, 0x1003, false},
  };
  eptdiff_profile profile = BlankProfile();
  profile.models = kAll & ~EPTDIFF_MODELS_GUEST_STATE;
  for (const Refused& guest : guests) {
    Case c = Rich();
    c.processor.maxphyaddr = 46;
    c.guest.cr3 = guest.cr3;
    c.guest.cr4 = guest.cr4 | kVmxe;
    c.guest.efer = guest.efer;
    c.guest.pdpte[2] = guest.pdpte;
    EXPECT_EQ(NotModelled(profile, c.processor, c.controls, c.guest),
              guest.refused ? Skip::kGuestState : Skip::kNone)
        << guest.what;
    const Case before = c;
    EXPECT_TRUE(FitTo(profile, c)) << guest.what;
    EXPECT_TRUE(IsModelled(profile, c)) << guest.what;
    EXPECT_EQ(c == before, !guest.refused) << guest.what;
  }
}

TEST(ProfileTest, WhoModelsGuestStateIsAskedAboutIt) {
  eptdiff_profile profile = BlankProfile();
  profile.models = kAll;
  Case c = Rich();
  c.guest.cr4 &= ~(std::uint64_t{1} << 13);
  const Case refused = c;
  EXPECT_EQ(NotModelled(profile, c.processor, c.controls, c.guest),
            Skip::kNone);
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_EQ(c, refused);
}

TEST(ProfileTest, ControlsThatVmEntryRefusesAreNotAsked) {
  eptdiff_profile profile = BlankProfile();
  profile.models = kAll & ~EPTDIFF_MODELS_ENTRY_CONTROLS;
  Case c = Rich();
  c.controls.secondary |= 1u << 5;  // "enable VPID"
  EXPECT_EQ(NotModelled(profile, c.processor, c.controls, c.guest),
            Skip::kVmEntryNotModelled);
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_EQ(c.controls.vpid, 1);
  EXPECT_TRUE(IsModelled(profile, c));
}

TEST(ProfileTest, ChecksOfVmEntryAreDeclaredWithIt) {
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_GUEST_STATE;
  EXPECT_NE(FaultOf(profile), "");
  profile.models |= EPTDIFF_MODELS_VM_ENTRY;
  EXPECT_EQ(FaultOf(profile), "");
}

TEST(ProfileTest, AnAccessToTwoPagesBecomesOneToTheFirst) {
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS;
  Case c;
  c.controls.eptp = 0x101e;
  Step crossing;
  crossing.gpa = Gpa{0xffd};
  crossing.access.size = 8;
  c.steps.push_back(crossing);
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_EQ(c.steps[0].access.size, 3);
}

TEST(ProfileTest, ATokenIsAskedOfWhoDeclaresIt) {
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_SHADOW_STACK_ACCESS;
  const auto fitted = [&profile] {
    Case c;
    c.controls.eptp = 0x101e;
    Step token;
    token.access.kind = AccessKind::kShadowStackReadModifyWrite;
    c.steps.push_back(token);
    const bool declared =
        (profile.models & EPTDIFF_MODELS_SHADOW_STACK_TOKENS) != 0;
    EXPECT_EQ(NotModelled(profile, c.controls, c.guest, c.steps[0]),
              declared ? Skip::kNone : Skip::kAccessKind);
    EXPECT_TRUE(FitTo(profile, c));
    return c.steps[0].access.kind;
  };
  EXPECT_EQ(fitted(), AccessKind::kShadowStackWrite);
  profile.models |= EPTDIFF_MODELS_SHADOW_STACK_TOKENS;
  EXPECT_EQ(fitted(), AccessKind::kShadowStackReadModifyWrite);
  profile.models = EPTDIFF_MODELS_4_LEVELS;
  EXPECT_EQ(fitted(), AccessKind::kWrite);
}

TEST(ProfileTest, PebsIsAskedOfWhoDeclaresIt) {
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_ASYNCHRONOUS;
  const auto fitted = [&profile] {
    Case c;
    c.controls.eptp = 0x101e;
    Step write;
    write.access.kind = AccessKind::kWrite;
    write.access.pebs = true;
    write.page.gla_valid = false;
    c.steps.push_back(write);
    const bool declared = (profile.models & EPTDIFF_MODELS_PEBS) != 0;
    EXPECT_EQ(NotModelled(profile, c.controls, c.guest, c.steps[0]),
              declared ? Skip::kNone : Skip::kAccessKind);
    EXPECT_TRUE(FitTo(profile, c));
    EXPECT_NE(c.steps[0].page.gla_valid, declared);
    return c.steps[0].access.pebs;
  };
  EXPECT_FALSE(fitted());
  profile.models |= EPTDIFF_MODELS_PEBS;
  EXPECT_TRUE(fitted());
}

TEST(ProfileTest, ALargeAccessBecomesOneOf64Bytes) {
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS;
  Case c;
  c.controls.eptp = 0x101e;
  Step large;
  large.access.size = 3000;
  c.steps.push_back(large);
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_EQ(c.steps[0].access.size, 64);
  profile.models |= EPTDIFF_MODELS_LARGE_ACCESSES;
  c.steps[0] = large;
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_EQ(c.steps[0].access.size, 3000);
}

// Code compiled with an older header fills in what came before.
TEST(ProfileTest, ItGrowsAtItsEnd) {
  static_assert(offsetof(eptdiff_profile, keeps) == 88);
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_CACHES;
  profile.keeps_state = 1;
  EXPECT_EQ(FaultOf(profile), "");
  EXPECT_EQ(profile.keeps, EPTDIFF_KEEPS_ALL);
  EXPECT_EQ(profile.leaves, 0u);
  EXPECT_EQ(profile.accesses, EPTDIFF_ACCESSES_ALL);
  EXPECT_EQ(profile.processors, 4);
}

TEST(ProfileTest, WhatCannotBeDeclaredIsRefused) {
  const auto fault = [](auto change) {
    eptdiff_profile profile = BlankProfile();
    profile.models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_CACHES;
    profile.keeps_state = 1;
    change(profile);
    const std::string words = FaultOf(profile);
    return words.substr(0, words.find(':'));
  };
  EXPECT_EQ(fault([](auto& p) { p.keeps = EPTDIFF_KEEPS_VPIDS; }), "keeps");
  EXPECT_EQ(fault([](auto& p) { p.keeps |= 1u << 6; }), "keeps");
  EXPECT_EQ(fault([](auto& p) { p.leaves = 1u << 5; }), "leaves");
  EXPECT_EQ(fault([](auto& p) { p.accesses = 1u << 4; }), "accesses");
  EXPECT_EQ(fault([](auto& p) { p.accesses |= 1u << 7; }), "accesses");
  EXPECT_EQ(fault([](auto& p) { p.processors = 0; }), "processors");
  EXPECT_EQ(fault([](auto& p) { p.processors = 5; }), "processors");
  EXPECT_EQ(fault([](auto& p) {
              p.models &= ~EPTDIFF_MODELS_CACHES;
              p.keeps = 0;
            }),
            "")
      << "who keeps nothing need not say of what";
}

Step Invalidating(InvalidationKind kind) {
  Step step;
  step.kind = StepKind::kInvalidation;
  step.invalidation.kind = kind;
  return step;
}

Step Entering(std::uint32_t field, std::uint64_t value) {
  Step step;
  step.kind = StepKind::kVmEntry;
  step.index = field;
  step.value = value;
  return step;
}

// A machine with all tags, and steps that bring others about.
Case Tagged() {
  Case c = Rich();
  c.controls.secondary |= 1u << 5;
  c.controls.vpid = 7;
  c.guest.cr4 |= 1u << 17;
  c.steps.clear();
  c.steps.push_back(Step());
  for (const InvalidationKind kind :
       {InvalidationKind::kInvept, InvalidationKind::kInvvpid,
        InvalidationKind::kInvlpg, InvalidationKind::kInvpcid}) {
    c.steps.push_back(Invalidating(kind));
  }
  Step cr4;
  cr4.kind = StepKind::kRegisterWrite;
  cr4.reg = GuestRegister::kCr4;
  cr4.value = 0x22020;
  c.steps.push_back(cr4);
  c.steps.push_back(Entering(0, 9));                   // VPID
  c.steps.push_back(Entering(0x201a, 0x7000 | 0xde));  // EPTP
  c.steps.push_back(Entering(0x401e, 0x22));           // secondary controls
  c.steps.push_back(Entering(0x6804, 0x22020));        // CR4
  Step other_processor;
  other_processor.processor = 3;
  c.steps.push_back(other_processor);
  return c;
}

TEST(ProfileTest, StepsAboutTagsThatAreNotDeclaredAreNotAsked) {
  eptdiff_profile profile = BlankProfile();
  profile.models = kAll | EPTDIFF_MODELS_INVALIDATION | EPTDIFF_MODELS_CACHES |
                   EPTDIFF_MODELS_PROCESSORS;
  profile.keeps_state = 1;
  Case c = Tagged();
  EXPECT_TRUE(IsModelled(profile, c));
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_EQ(c, Tagged());

  profile.keeps = EPTDIFF_KEEPS_GUEST_PHYSICAL;
  profile.processors = 2;
  EXPECT_FALSE(IsModelled(profile, c));
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_TRUE(IsModelled(profile, c));
  EXPECT_EQ(c.controls.secondary & 1u << 5, 0u);
  EXPECT_EQ(c.guest.cr4 & 1u << 17, 0u);
  ASSERT_EQ(c.steps.size(), Tagged().steps.size() - 2);
  EXPECT_EQ(c.steps[1].invalidation.kind, InvalidationKind::kInvept);
  EXPECT_EQ(c.steps[2].invalidation.kind, InvalidationKind::kInvlpg);
  EXPECT_EQ(c.steps[3].value, 0x2020u);
  EXPECT_EQ(c.steps[4].value, 0u);
  EXPECT_EQ(c.steps[5].value, 0x10deu) << "the case's own root";
  EXPECT_EQ(c.steps[6].value, 0x2u);
  EXPECT_EQ(c.steps[7].value, 0x2020u);
  EXPECT_EQ(c.steps[8].processor, 1);
}

// Without a cache tags are nothing to be declared.
TEST(ProfileTest, WhoKeepsNothingIsAskedAboutAllTags) {
  eptdiff_profile profile = BlankProfile();
  profile.models =
      kAll | EPTDIFF_MODELS_INVALIDATION | EPTDIFF_MODELS_PROCESSORS;
  profile.keeps = 0;
  Case c = Tagged();
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_EQ(c, Tagged());
}

TEST(ProfileTest, AnAccessIsOfAKindThatIsDeclared) {
  struct Row {
    std::uint32_t accesses;
    AccessKind asked, becomes;
  };
  constexpr std::uint32_t kRead = 1u << EPTDIFF_READ;
  constexpr std::uint32_t kWrite = 1u << EPTDIFF_WRITE;
  constexpr std::uint32_t kFetch = 1u << EPTDIFF_FETCH;
  constexpr Row kRows[] = {
      {kRead, AccessKind::kFetch, AccessKind::kRead},
      {kRead, AccessKind::kReadModifyWrite, AccessKind::kRead},
      {kRead | kWrite, AccessKind::kReadModifyWrite, AccessKind::kWrite},
      {kRead | kWrite, AccessKind::kShadowStackWrite, AccessKind::kWrite},
      {kRead | kWrite, AccessKind::kFetch, AccessKind::kRead},
      {kWrite, AccessKind::kRead, AccessKind::kWrite},
      {kFetch, AccessKind::kRead, AccessKind::kFetch},
      {kFetch | kWrite, AccessKind::kWrite, AccessKind::kWrite},
  };
  for (const Row& row : kRows) {
    eptdiff_profile profile = BlankProfile();
    profile.models = kAll;
    profile.accesses = row.accesses;
    Case c = Rich();
    c.steps.resize(1);
    c.steps[0].access.kind = row.asked;
    EXPECT_EQ(IsModelled(profile, c), row.asked == row.becomes);
    EXPECT_TRUE(FitTo(profile, c));
    EXPECT_EQ(c.steps[0].access.kind, row.becomes);
    EXPECT_TRUE(IsModelled(profile, c));
  }
}

// What a large page is in a processor without them, reserved bits say alone.
TEST(ProfileTest, WhoLeavesReservedBitsMeetsProcessorsWithLargePages) {
  eptdiff_profile profile = BlankProfile();
  profile.models = kAll;
  profile.leaves = EPTDIFF_LEAVES_GUEST_RESERVED_BITS;
  Case c = Rich();
  c.processor.page_1gb = false;
  c.processor.pse36 = false;
  EXPECT_FALSE(IsModelled(profile, c));
  EXPECT_TRUE(FitTo(profile, c));
  EXPECT_TRUE(IsModelled(profile, c));
  EXPECT_TRUE(c.processor.page_1gb);
  EXPECT_TRUE(c.processor.pse36);
}

TEST(LeftRulesTest, AProfileLeavesWholeRules) {
  eptdiff_profile profile = BlankProfile();
  EXPECT_FALSE(Leaves(profile, Rule::kCfg9));
  profile.leaves = EPTDIFF_LEAVES_EPT_RESERVED_BITS;
  EXPECT_TRUE(Leaves(profile, Rule::kCfg9));
  EXPECT_FALSE(Leaves(profile, Rule::kCfg1));
  EXPECT_FALSE(Leaves(profile, Rule::kVio2));
  EXPECT_FALSE(Leaves(profile, Rule::kGw5));
  profile.leaves = EPTDIFF_LEAVES_ALL;
  for (const Rule rule : {Rule::kCfg1, Rule::kCfg11, Rule::kVio2, Rule::kVio13,
                          Rule::kGw5, Rule::kGw7, Rule::kGw10}) {
    EXPECT_TRUE(Leaves(profile, rule)) << IdentifierOf(rule);
  }
  // What tells where a translation leads, or that there is none.
  for (const Rule rule : {Rule::kWalk2, Rule::kWalk3, Rule::kWalk6, Rule::kGw1,
                          Rule::kGw6, Rule::kVio1}) {
    EXPECT_FALSE(Leaves(profile, rule)) << IdentifierOf(rule);
  }
}

TEST(ProfileTest, ACaseOfWhichNothingIsLeftIsNotAsked) {
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS;
  Case c;
  c.controls.eptp = 0x101e;
  Step step;
  step.kind = StepKind::kPdpteLoad;
  c.steps.push_back(step);
  EXPECT_FALSE(FitTo(profile, c));
}

}  // namespace
}  // namespace eptdiff
