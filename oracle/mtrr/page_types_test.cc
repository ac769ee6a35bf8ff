#include "oracle/mtrr/page_types.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;
constexpr std::uint32_t kUc = 0, kWc = 1, kWt = 4, kWb = 6;
constexpr std::uint64_t kEnabled = 1 << 11;

// All of `mtrrs` is of this type, but for `range` from 1 GByte on.
Mtrrs AllOf(std::uint32_t type) {
  Mtrrs mtrrs;
  mtrrs.cap = 1 << 8 | 10;
  mtrrs.def_type = kEnabled | type;
  return mtrrs;
}
Mtrrs AllOf(std::uint32_t type, std::uint32_t other, std::uint64_t bytes) {
  Mtrrs mtrrs = AllOf(type);
  const std::uint64_t width = (std::uint64_t{1} << mtrrs.maxphyaddr) - 1;
  mtrrs.variable[0] = {k1G | other, (width & ~(bytes - 1)) | kEnabled};
  return mtrrs;
}

MtrrQuestion Question(std::uint32_t machine, std::uint32_t guest,
                      std::uint64_t bytes = k4K) {
  MtrrQuestion question;
  question.mtrrs = AllOf(machine);
  question.hpa = k1G;
  question.bytes = bytes;
  question.page.emplace().mtrrs = AllOf(guest);
  question.page->gpa = 2 * k1G;
  return question;
}

std::uint32_t Permitted(const MtrrQuestion& question, RamPolicy ram,
                        bool passes = false) {
  return TypeOf(question, {ram, passes}).permitted & 0xffff;
}

std::uint32_t Entry(std::uint32_t type) { return 1u << type; }
std::uint32_t NoPat(std::uint32_t type) { return 1u << (type + kPatIsIgnored); }

TEST(PageTypesTest, EachPolicyHasItsOwnMtrrs) {
  const MtrrQuestion question = Question(kWt, kWc);
  EXPECT_EQ(Permitted(question, RamPolicy::kAsMachine), Entry(kWt));
  EXPECT_EQ(Permitted(question, RamPolicy::kAsGuest), Entry(kWc));
  EXPECT_EQ(Permitted(question, RamPolicy::kWriteBack), NoPat(kWb));
  // What is UC may be so whatever the PAT, and is WC by the PAT.
  EXPECT_EQ(Permitted(Question(kWb, kUc), RamPolicy::kAsGuest),
            Entry(kUc) | NoPat(kUc));
}

TEST(PageTypesTest, ADeviceThatDoesNotSnoopNeedsTheGuestsTypes) {
  MtrrQuestion question = Question(kWb, kWt);
  question.page->is_unsnooped = true;
  EXPECT_EQ(Permitted(question, RamPolicy::kWriteBack), Entry(kWt));
  EXPECT_EQ(
      RuleBrokenBy(kWb + kPatIsIgnored, question, {RamPolicy::kWriteBack}),
      MtrrRule::kUnsnooped);
  EXPECT_EQ(
      RuleBrokenBy(kWt + kPatIsIgnored, question, {RamPolicy::kWriteBack}),
      MtrrRule::kPatIgnored);
  EXPECT_EQ(RuleBrokenBy(kWt, question, {RamPolicy::kWriteBack}), std::nullopt);
}

TEST(PageTypesTest, CachesThatTheGuestDisabledAreItsBusinessIfItsPolicySaysSo) {
  MtrrQuestion question = Question(kWb, kWb);
  question.page->cache_disabled = true;
  EXPECT_EQ(Permitted(question, RamPolicy::kAsGuest), NoPat(kUc));
  EXPECT_EQ(Permitted(question, RamPolicy::kWriteBack), NoPat(kWb));
  question.page->is_unsnooped = true;
  EXPECT_EQ(Permitted(question, RamPolicy::kWriteBack), NoPat(kUc));
  // The processor makes it UC: each type that is none reserved.
  EXPECT_EQ(Permitted(question, RamPolicy::kAsGuest, true), 0x7373u);
}

TEST(PageTypesTest, AGuestWhoseMtrrsHaveNoEffectHasItsPat) {
  MtrrQuestion question = Question(kUc, kUc);
  question.page->cache_disabled = true;
  const MemoryPolicy as_guest = {.ram = RamPolicy::kAsGuest, .pat_alone = true};
  EXPECT_EQ(TypeOf(question, as_guest).permitted & 0xffff, Entry(kWb));
  EXPECT_EQ(RuleBrokenBy(kUc, question, as_guest), MtrrRule::kPatIgnored);
  const MemoryPolicy write_back = {.ram = RamPolicy::kWriteBack,
                                   .pat_alone = true};
  EXPECT_EQ(TypeOf(question, write_back).permitted & 0xffff, NoPat(kWb));
  question.page->is_unsnooped = true;
  EXPECT_EQ(TypeOf(question, write_back).permitted & 0xffff, Entry(kWb));
}

TEST(PageTypesTest, ADevicesMemoryIsNeverCachedWhateverThePatSays) {
  MtrrQuestion question = Question(kUc, kWb);
  question.page->is_device = true;
  for (const RamPolicy ram :
       {RamPolicy::kAsMachine, RamPolicy::kWriteBack, RamPolicy::kAsGuest}) {
    EXPECT_EQ(Permitted(question, ram), Entry(kUc) | NoPat(kUc));
    EXPECT_EQ(RuleBrokenBy(kWb, question, {ram}), MtrrRule::kDevice);
  }
  // A frame buffer: WC, UC if the guest asks for it, or always UC.
  question.mtrrs = AllOf(kWc);
  EXPECT_EQ(Permitted(question, RamPolicy::kAsMachine),
            Entry(kWc) | Entry(kUc) | NoPat(kUc));
}

TEST(PageTypesTest, ALargePageIsOfTheMostConservativeType) {
  MtrrQuestion question = Question(kWb, kWb, k2M);
  question.page->mtrrs = AllOf(kWb, kWt, k4K);
  question.page->gpa = k1G;
  const PageType type = TypeOf(question, {RamPolicy::kAsGuest});
  EXPECT_EQ(type.rule, MtrrRule::kSeveralTypes);
  EXPECT_EQ(type.permitted & 0xffff, Entry(kUc) | NoPat(kUc) | Entry(kWt));
  EXPECT_NE(type.permitted & 1u << kSmallerPages, 0u);
  // The machine's do not count.
  question.page->gpa = 0;
  question.mtrrs = AllOf(kWb, kWt, k4K);
  EXPECT_EQ(Permitted(question, RamPolicy::kAsGuest), Entry(kWb));
  question.page->is_device = true;
  EXPECT_EQ(Permitted(question, RamPolicy::kAsGuest), Entry(kUc) | NoPat(kUc));
}

TEST(PageTypesTest, WhereBothMtrrsDecideMemoryIsOfBothTypes) {
  constexpr std::uint32_t kWp = 5;
  const MemoryPolicy both = {.ram = RamPolicy::kAsGuest, .and_machine = true};
  const auto permitted = [&](std::uint32_t machine, std::uint32_t guest) {
    return TypeOf(Question(machine, guest), both).permitted & 0xffff;
  };
  const std::uint32_t uc = Entry(kUc) | NoPat(kUc);
  const struct {
    std::uint32_t one, other, permitted;
  } kTable[] = {
      {kUc, kUc, uc},
      {kUc, kWc, uc},
      {kUc, kWt, uc},
      {kUc, kWb, uc},
      {kWc, kWc, Entry(kWc)},
      {kWc, kWt, Entry(kWc) | uc},
      {kWc, kWp, Entry(kWc) | uc},
      {kWc, kWb, Entry(kWc)},
      {kWt, kWt, Entry(kWt)},
      {kWt, kWp, Entry(kWt) | Entry(kWp) | uc},
      {kWt, kWb, Entry(kWt)},
      {kWp, kWp, Entry(kWp)},
      {kWp, kWb, Entry(kWp)},
      {kWb, kWb, Entry(kWb)},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(permitted(row.one, row.other), row.permitted)
        << row.one << " " << row.other;
    EXPECT_EQ(permitted(row.other, row.one), row.permitted)
        << row.other << " " << row.one;
  }
  EXPECT_EQ(RuleBrokenBy(kWb, Question(kWt, kWc), both), MtrrRule::kBoth);
  // Whichever is WB in any case leaves the rule to the other.
  EXPECT_EQ(RuleBrokenBy(kWb, Question(kWb, kWt), both), MtrrRule::kDefault);
}

TEST(PageTypesTest, ALargePageIsCutWhereEitherOfBothHasAnotherType) {
  const MemoryPolicy both = {.ram = RamPolicy::kWriteBack, .and_machine = true};
  MtrrQuestion question = Question(kWb, kWb, k2M);
  question.page->is_unsnooped = true;
  EXPECT_EQ(TypeOf(question, both).permitted & 0xffff, Entry(kWb));
  question.mtrrs = AllOf(kWb, kWt, k4K);
  EXPECT_EQ(TypeOf(question, both).rule, MtrrRule::kSeveralTypes);
  question.page->mtrrs = AllOf(kWt);
  EXPECT_EQ(TypeOf(question, both).permitted & 0xffff, Entry(kWt));
  question.page->gpa = k1G;
  question.page->mtrrs = AllOf(kWb, kWc, k4K);
  const PageType type = TypeOf(question, both);
  EXPECT_EQ(type.rule, MtrrRule::kSeveralTypes);
  EXPECT_EQ(type.permitted & 0xffff, Entry(kUc) | NoPat(kUc));
  // WC throughout, of memory that is WT in part: so may be UC.
  question.mtrrs = AllOf(kWc);
  question.page->mtrrs = AllOf(kWb, kWt, k4K);
  EXPECT_EQ(TypeOf(question, both).permitted & 0xffff,
            Entry(kWc) | Entry(kUc) | NoPat(kUc));
  // ... as SMRAM may always be, which hides no other type.
  question.mtrrs = AllOf(kWb);
  question.mtrrs.cap |= 1 << 11;
  question.mtrrs.smrr = {k1G, 0xffe0'0000 | kEnabled};
  EXPECT_EQ(TypeOf(question, both).rule, MtrrRule::kSeveralTypes);
  EXPECT_EQ(TypeOf(question, both).permitted & 0xffff, Entry(kUc) | NoPat(kUc));
  // Without such a device neither says anything.
  question.page->is_unsnooped = false;
  EXPECT_EQ(TypeOf(question, both).permitted & 0xffff, NoPat(kWb));
}

TEST(PageTypesTest, APatOfUcDisablesCachesWhereItCountsAndPagingIsOn) {
  const MemoryPolicy policy = {.ram = RamPolicy::kAsGuest,
                               .disables_by_pat = true};
  MtrrQuestion question = Question(kWb, kWb);
  EXPECT_EQ(TypeOf(question, policy).permitted & 0xffff, Entry(kWb));
  question.page->cache_disabled = true;
  // Each type that is none reserved, if the PAT is not ignored.
  EXPECT_EQ(TypeOf(question, policy).permitted & 0xffff, 0x73u | NoPat(kUc));
  // WB is in place of the PAT's type, and leaves UC alone UC.
  question.page->paging_off = true;
  EXPECT_EQ(TypeOf(question, policy).permitted & 0xffff,
            Entry(kUc) | NoPat(kUc));
  EXPECT_EQ(RuleBrokenBy(kWb, question, policy), MtrrRule::kCacheDisabled);
}

TEST(PageTypesTest, WhoseTypeIsUndefinedHasAny) {
  MtrrQuestion question = Question(kWb, kWb);
  question.page->mtrrs = AllOf(kWb, kWb, k2M);
  question.page->mtrrs.variable[1] = question.page->mtrrs.variable[0];
  question.page->mtrrs.variable[1].base ^= kWb ^ kWc;
  question.page->gpa = k1G;
  EXPECT_EQ(Permitted(question, RamPolicy::kAsGuest), 0x7373u);
  EXPECT_EQ(RuleBrokenBy(2, question, {RamPolicy::kAsGuest}),
            MtrrRule::kUndefined);
}

}  // namespace
}  // namespace eptdiff
