#include "oracle/processor/guest_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

namespace eptdiff {
namespace {

using testing::ElementsAre;

Step Access(AccessKind kind, std::uint16_t size) {
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access.kind = kind;
  step.access.size = size;
  return step;
}

Step Write(GuestRegister reg) {
  Step step;
  step.kind = StepKind::kRegisterWrite;
  step.reg = reg;
  return step;
}

Step Invalidate(InvalidationKind kind) {
  Step step;
  step.kind = StepKind::kInvalidation;
  step.invalidation.kind = kind;
  return step;
}

// One of each that has an instruction.
std::vector<Step> AllSteps() {
  std::vector<Step> steps;
  for (const std::uint16_t size : {1, 2, 4, 8}) {
    for (const AccessKind kind : {AccessKind::kRead, AccessKind::kWrite,
                                  AccessKind::kReadModifyWrite}) {
      steps.push_back(Access(kind, size));
    }
  }
  for (const std::uint16_t size : {4, 8}) {
    steps.push_back(Access(AccessKind::kShadowStackRead, size));
    steps.push_back(Access(AccessKind::kShadowStackWrite, size));
    steps.push_back(Access(AccessKind::kShadowStackWrite, size));
    steps.back().access.wruss = true;
  }
  steps.push_back(Access(AccessKind::kRead, 8));
  steps.back().access.implicit_supervisor = true;
  steps.push_back(Access(AccessKind::kShadowStackReadModifyWrite, 8));
  for (const GuestRegister reg :
       {GuestRegister::kCr0, GuestRegister::kCr3, GuestRegister::kCr4,
        GuestRegister::kPkru, GuestRegister::kEfer, GuestRegister::kPat,
        GuestRegister::kPkrs}) {
    steps.push_back(Write(reg));
  }
  steps.push_back(Invalidate(InvalidationKind::kInvlpg));
  steps.push_back(Invalidate(InvalidationKind::kInvpcid));
  Step step;
  step.kind = StepKind::kPdpteLoad;
  steps.push_back(step);
  step.kind = StepKind::kEptpSwitch;
  steps.push_back(step);
  return steps;
}

std::vector<std::uint8_t> Instruction(const Step& step, bool is_64_bit) {
  const GuestCode code = CodeOf(step, is_64_bit);
  return {code.begin(), code.begin() + CodeLength(step, is_64_bit)};
}

TEST(GuestCodeTest, HasAPlaceOfItsOwnForEachInstruction) {
  std::set<std::uint16_t> places = {0};  // INT3
  for (const Step& step : AllSteps()) {
    EXPECT_TRUE(HasInstruction(step));
    const std::uint16_t offset = CodeOffset(step);
    EXPECT_TRUE(places.insert(offset).second) << offset;
    EXPECT_EQ(offset % kCodeBytes, 0u);
    EXPECT_LE(offset + kCodeBytes, kInvpcidDescriptor);
  }
}

TEST(GuestCodeTest, EndsWithInt3) {
  for (const Step& step : AllSteps()) {
    for (const bool is_64_bit : {false, true}) {
      const GuestCode code = CodeOf(step, is_64_bit);
      const std::size_t length = CodeLength(step, is_64_bit);
      ASSERT_GT(length, 1u);
      ASSERT_LT(length, kCodeBytes);
      EXPECT_NE(code[0], 0xcc);
      for (std::size_t i = length; i < kCodeBytes; ++i) {
        EXPECT_EQ(code[i], 0xcc);
      }
    }
  }
}

TEST(GuestCodeTest, IsWhatAnAssemblerMakes) {
  EXPECT_THAT(Instruction(Access(AccessKind::kRead, 8), true),
              ElementsAre(0x48, 0x8b, 0x03));  // mov rax, [rbx]
  EXPECT_THAT(Instruction(Access(AccessKind::kWrite, 1), false),
              ElementsAre(0x88, 0x03));  // mov [ebx], al
  EXPECT_THAT(Instruction(Access(AccessKind::kReadModifyWrite, 2), true),
              ElementsAre(0x66, 0x31, 0x03));  // xor [rbx], ax
  EXPECT_THAT(Instruction(Access(AccessKind::kShadowStackWrite, 8), true),
              ElementsAre(0x48, 0x0f, 0x38, 0xf6, 0x03));  // wrssq [rbx], rax
  EXPECT_THAT(Instruction(Access(AccessKind::kShadowStackRead, 4), false),
              ElementsAre(0xf3, 0x0f, 0xae, 0xe9));  // incsspd ecx
  EXPECT_THAT(Instruction(Write(GuestRegister::kCr3), true),
              ElementsAre(0x0f, 0x22, 0xd8));  // mov cr3, rax
  EXPECT_THAT(Instruction(Write(GuestRegister::kPat), true),
              ElementsAre(0x0f, 0x30));  // wrmsr
  EXPECT_THAT(
      Instruction(Access(AccessKind::kShadowStackReadModifyWrite, 8), true),
      ElementsAre(0xf3, 0x0f, 0xae, 0x33));  // clrssbsy [rbx]
  EXPECT_THAT(Instruction(Invalidate(InvalidationKind::kInvlpg), false),
              ElementsAre(0x0f, 0x01, 0x3b));  // invlpg [ebx]
  EXPECT_THAT(Instruction(Invalidate(InvalidationKind::kInvpcid), true),
              ElementsAre(0x66, 0x0f, 0x38, 0x82, 0x03));  // invpcid rax, [rbx]
}

TEST(GuestCodeTest, HasNoneForWhatIsNoInstruction) {
  EXPECT_FALSE(HasInstruction(Access(AccessKind::kFetch, 1)));
  EXPECT_FALSE(HasInstruction(Write(GuestRegister::kCpl)));
  EXPECT_FALSE(HasInstruction(Invalidate(InvalidationKind::kInvept)));
  Step store;
  store.kind = StepKind::kStore;
  EXPECT_FALSE(HasInstruction(store));
}

}  // namespace
}  // namespace eptdiff
