#include "oracle/processor/image/ept_presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace eptdiff::image {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kLocked = 1, kLockedOn = 5;

// A processor that has all.
VmxFacts Whole() {
  VmxFacts facts;
  facts.vmx = true;
  facts.feature_control = kLockedOn;
  facts.pin_based = facts.primary = facts.secondary = ~std::uint32_t{0};
  facts.ept_vpid_cap = ~std::uint64_t{0};
  return facts;
}

TEST(EptPresenceTest, AWholeProcessorIsAsked) {
  EXPECT_THAT(WhyNoEpt(Whole()).words, IsEmpty());
  EXPECT_THAT(WhyNoEpt(Whole()).advice, IsEmpty());
  VmxFacts in_a_machine = Whole();
  in_a_machine.in_a_machine = true;
  EXPECT_THAT(WhyNoEpt(in_a_machine).words, IsEmpty());
}

// Whoever lacks one thing is told which.
TEST(EptPresenceTest, WhatIsMissingIsSaid) {
  struct {
    void (*take)(VmxFacts&);
    std::string_view words;
  } const kCases[] = {
      {[](VmxFacts& f) { f.of_amd = true; }, "AMD's kind"},
      {[](VmxFacts& f) { f.vmx = false; }, "this processor has no VT-x"},
      {[](VmxFacts& f) {
         f.vmx = false;
         f.in_a_machine = true;
       },
       "no VT-x in this virtual machine"},
      {[](VmxFacts& f) { f.feature_control = kLocked; },
       "IA32_FEATURE_CONTROL (3AH) is locked"},
      {[](VmxFacts& f) { f.primary &= ~(1u << 31); }, "VT-x and no EPT"},
      {[](VmxFacts& f) { f.secondary &= ~(1u << 1); }, "VT-x and no EPT"},
      {[](VmxFacts& f) { f.secondary &= ~(1u << 7); },
       "no \"unrestricted guest\""},
      {[](VmxFacts& f) { f.ept_vpid_cap &= ~(1ull << 20); }, "no INVEPT"},
      {[](VmxFacts& f) { f.ept_vpid_cap &= ~(1ull << 26); }, "no INVEPT"},
      {[](VmxFacts& f) { f.pin_based &= ~(1u << 6); },
       "no VMX-preemption timer"},
  };
  for (const auto& c : kCases) {
    VmxFacts facts = Whole();
    c.take(facts);
    const NoEpt no_ept = WhyNoEpt(facts);
    EXPECT_THAT(no_ept.words, HasSubstr(c.words));
    EXPECT_FALSE(no_ept.advice.empty()) << no_ept.words;
    EXPECT_FALSE(no_ept.words.ends_with('.')) << no_ept.words;
  }
}

TEST(EptPresenceTest, VmxIsEnabledOutsideOfSmxOperation) {
  EXPECT_TRUE(EnablesVmx(std::nullopt));
  EXPECT_TRUE(EnablesVmx(kLockedOn));
  EXPECT_FALSE(EnablesVmx(kLocked));
  EXPECT_FALSE(EnablesVmx(kLocked | 1 << 1));  // within it alone
}

}  // namespace
}  // namespace eptdiff::image
