// What no EPT walk reaches, asked of the machine itself: a panic of Bochs.
#include "oracle/bochs/machine.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace eptdiff::bochs {
namespace {

using Words = std::map<std::uint64_t, std::uint64_t>;

std::uint64_t Load(void* context, std::uint64_t address) {
  const Words& words = *static_cast<Words*>(context);
  const auto found = words.find(address);
  return found == words.end() ? 0 : found->second;
}

void Store(void* context, std::uint64_t address, std::uint64_t value) {
  (*static_cast<Words*>(context))[address] = value;
}

// A guest with 4-level paging whose linear address 0 is a read-only page that
// is not dirty, under EPT that maps 1 GByte onto itself.
Words ReadOnlyPage() {
  return {{0x1000, 0x2007},   {0x2000, 0xb7},     {0x10000, 0x11003},
          {0x11000, 0x12003}, {0x12000, 0x13003}, {0x13000, 0x14001}};
}

constexpr Setup kSetup = {.ept_page_1gb = true,
                          .cet = true,
                          .secondary = 1 << 1,  // EPT
                          .eptp = 0x1000 | 3 << 3 | 6,
                          .cr0 = 0x80000001,  // PG, PE; WP is 0
                          .cr3 = 0x10000,
                          .cr4 = 0x20,    // PAE
                          .efer = 0xd00,  // NXE, LMA, LME
                          .cs_l = true};

// With CR0.WP = 0 the write is allowed, and Bochs panics because a processor
// with CET sets no dirty flag where R/W is 0.
constexpr Question kWrite = {.operation = Operation::kLinear,
                             .access = Access::kWrite};

// Later trees have mended that, and no other way to a panic is known.
bool HasPanic() {
  return std::string_view(EPTDIFF_BOCHS_DIALECT) == "bochs-3.0";
}

TEST(MachineTest, APanicIsAnAnswer) {
  if (!HasPanic()) GTEST_SKIP();
  Words words = ReadOnlyPage();
  Begin(kSetup, {}, {&words, Load, Store});
  const Answer& answer = Ask(kWrite);
  EXPECT_EQ(answer.end, End::kPanic);
  EXPECT_NE(std::string(answer.message).find("dirty"), std::string::npos)
      << answer.message;
}

TEST(MachineTest, AnswersOnAfterAPanic) {
  if (!HasPanic()) GTEST_SKIP();
  Words words = ReadOnlyPage();
  Begin(kSetup, {}, {&words, Load, Store});
  ASSERT_EQ(Ask(kWrite).end, End::kPanic);

  Begin(kSetup, {}, {&words, Load, Store});
  const Answer& answer =
      Ask({.operation = Operation::kLinear, .access = Access::kRead});
  EXPECT_EQ(answer.end, End::kCompleted);
  EXPECT_EQ(answer.address, 0x14000u);
}

TEST(MachineTest, RaisesPageFaults) {
  Words words = ReadOnlyPage();
  bochs::Setup setup = kSetup;
  setup.cr0 |= 1 << 16;  // WP
  Begin(setup, {}, {&words, Load, Store});
  Question write = kWrite;
  write.gla = 0x234;
  const Answer& answer = Ask(write);
  EXPECT_EQ(answer.end, End::kException);
  EXPECT_EQ(answer.vector, 14u);
  EXPECT_EQ(answer.error_code, 3u);  // present, write
  EXPECT_EQ(answer.cr2, 0x234u);

  setup.exception_bitmap = 1 << 14;
  Begin(setup, {}, {&words, Load, Store});
  EXPECT_EQ(Ask(kWrite).interruption_information, 0x80000b0eu);
}

TEST(MachineTest, PushesNoErrorCodeInRealMode) {
  Words words = {{0x1000, 0x2007}, {0x2000, 0xb7}, {0x10000, 0x3}};
  bochs::Setup setup = kSetup;
  setup.efer = 0;
  setup.exception_bitmap = 1 << 13;  // #GP
  const Question load = {.operation = Operation::kPdpteLoad};
  Begin(setup, {}, {&words, Load, Store});
  EXPECT_EQ(Ask(load).interruption_information, 0x80000b0du);
  setup.cr0 = 0;
  Begin(setup, {}, {&words, Load, Store});
  EXPECT_EQ(Ask(load).interruption_information, 0x8000030du);
}

}  // namespace
}  // namespace eptdiff::bochs
