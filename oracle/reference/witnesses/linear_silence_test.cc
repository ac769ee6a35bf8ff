// Where the SDM is silent on linear accesses: the PK bit of a fault that
// another rule decides, and guest-paging verification beside other reasons to
// refuse.
#include <gtest/gtest.h>

#include <cstdint>

#include "oracle/reference/witnesses/answer.h"
#include "oracle/reference/witnesses/case_builder.h"
#include "oracle/reference/witnesses/choices.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit57 = std::uint64_t{1} << 57;
constexpr std::uint64_t kBit58 = std::uint64_t{1} << 58;
constexpr std::uint64_t kKey1 = std::uint64_t{1} << 59;
constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;

// GW-18: a user-mode access to a supervisor-mode page with key 1 (AD is bit 2,
// WD bit 3 of IA32_PKRS), for which U/S alone is reason enough.
CaseBuilder UserToSupervisorPage(std::uint64_t cr0, std::uint32_t pkrs) {
  return Guest4()
      .Cr4(1 << 24)
      .Cpl3()
      .With([=](Case& c) {
        c.guest.cr0 = cr0;
        c.guest.pkrs = pkrs;
      })
      .GuestPte(kKey1 | 0x10063);
}
constexpr std::uint64_t kWriteProtect = 0x8001'0001;
constexpr std::uint64_t kNoWriteProtect = 0x8000'0001;

TEST(LinearSilenceTest, KeyOfAUserWriteThatWriteProtectDoesNotForbid) {
  Expect(UserToSupervisorPage(kNoWriteProtect, 8).Write(kGla),
         {{"by U/S alone", PageFault(7)}, {"PK, too", PageFault(0x27)}},
         {{"no U/S", PageFault(3)},
          {"not a write", PageFault(5)},
          {"it happens", Reaches(0x20234, 4)}});
}

TEST(LinearSilenceTest, KeyOfAUserWriteIsDefinedOtherwise) {
  Expect(UserToSupervisorPage(kWriteProtect, 8).Write(kGla),
         {{"WD and CR0.WP", PageFault(0x27)}}, {{"U/S alone", PageFault(7)}});
  Expect(UserToSupervisorPage(kNoWriteProtect, 4).Write(kGla),
         {{"AD", PageFault(0x27)}}, {{"U/S alone", PageFault(7)}});
  Expect(UserToSupervisorPage(kNoWriteProtect, 8).Read(kGla),
         {{"a read", PageFault(5)}}, {{"PK", PageFault(0x25)}});
  Expect(UserToSupervisorPage(kNoWriteProtect, 0).Write(kGla),
         {{"no key", PageFault(7)}}, {{"PK", PageFault(0x27)}});
}

// The linear address of an exit in the page walk is that of any byte; the
// guest-physical one is that of the entry.
TEST(LinearSilenceTest, AnyByteOfTheLinearAddressMayBeReported) {
  const Answer violation = Violation(0x81, 0x11aa8);
  Expect(Guest4().EptPte(0x11000, 0).Linear(AccessKind::kRead, kGla, 8),
         {{"first", Answer(violation).At(kGla)},
          {"last", Answer(violation).At(kGla + 7)}},
         {{"beyond", Answer(violation).At(kGla + 8)},
          {"another entry", Violation(0x81, 0x11aa9).At(kGla)}});
}

// VIO-13: the final page asks for verification of tables that do not pass it.
CaseBuilder Unverified(std::uint64_t ept_pte) {
  return Guest4().PagingWrite().Verification().Pte(kBit57 | ept_pte);
}

TEST(LinearSilenceTest, VerificationAndAPermissionMayEitherBeTheReason) {
  const Answer bit_15 = Violation(0x87aa, 0x10234);
  const Answer clear = Violation(0x7aa, 0x10234);
  Expect(Unverified(0x20035).Write(kGla),
         {{"verification", bit_15}, {"write access", clear}},
         {{"it happens", Reaches(0x20234, 4)},
          {"write access given", Violation(0x87ba, 0x10234)}});
  // Verification alone, and write access alone.
  Expect(Unverified(0x20037).Write(kGla),
         {{"verification", Violation(0x87ba, 0x10234)}},
         {{"bit 15 clear", Violation(0x7ba, 0x10234)}});
  Expect(Guest4()
             .PagingWrite()
             .Verification()
             .Pte(kBit57 | 0x20035)
             .EptPte(0x11000, kBit58 | 0x21037)
             .EptPte(0x12000, kBit58 | 0x22037)
             .EptPte(0x13000, kBit58 | 0x23037)
             .EptPte(0x14000, kBit58 | 0x24037)
             .Write(kGla),
         {{"write access", clear}}, {{"bit 15", bit_15}});
}

TEST(LinearSilenceTest, AnEntryThatIsNotPresentComesBeforeVerification) {
  Expect(Guest4().PagingWrite().Verification().Pte(kBit57).Read(kGla),
         {{"not present", Violation(0x781, 0x10234)}},
         {{"bit 15", Violation(0x8781, 0x10234)}});
  Expect(Unverified(0x20032).Read(kGla),
         {{"misconfigured", Misconfiguration(0x10234)}},
         {{"bit 15", Violation(0x8781, 0x10234)}});
}

TEST(LinearSilenceTest, SubPagePermissionsMayComeBeforeOrAfterVerification) {
  const auto sub_page = [] { return Unverified(kBit61 | 0x20035).SubPage(); };
  const Answer verification = Violation(0x87aa, 0x10234);
  const Answer sub_page_refuses = Violation(0x7aa, 0x10234);
  Expect(
      sub_page().Vector(0x5555'5555'5555'5555).Write(kGla),
      {{"verification", verification}},
      {{"it happens", Reaches(0x20234, 4)}, {"sub-pages", sub_page_refuses}});
  Expect(sub_page().Write(kGla),
         {{"verification", verification}, {"sub-pages", sub_page_refuses}},
         {{"it happens", Reaches(0x20234, 4)}});
  Expect(
      sub_page().SppL3(0).Write(kGla),
      {{"verification", verification}, {"SPP miss", SppEvent(0x800, 0x10234)}},
      {{"SPP misconfiguration", SppEvent(0, 0x10234)},
       {"sub-pages", sub_page_refuses}});
}

// With EPT's flags of the entries above, and of the PML4 to the PT.
Answer Walked(Answer answer) {
  return answer.Writes(0x1000, 0x2107)
      .Writes(0x2000, 0x3107)
      .Writes(0x3000, 0x4107)
      .Writes(0x40a0, 0x24337)
      .Writes(0x4098, 0x23337)
      .Writes(0x4090, 0x22337)
      .Writes(0x4088, 0x21337);
}

// Which of two pages comes first: what has been done for the other stays.
TEST(LinearSilenceTest, EitherPageMayEndAnAccessToTwo) {
  const auto two_pages = [](CaseBuilder guest) {
    return guest.AccessedDirty().Pte(0x20035).Write(kGlaPage | 0xffc, 8);
  };
  const Answer exit = Walked(Violation(0x7aa, 0x10ffc));
  const Answer fault = Walked(PageFault(2, kGlaPage + 0x1000));
  Expect(two_pages(Guest4()), {{"first", exit}, {"second", fault}},
         {{"of the other page", Walked(PageFault(2, kGlaPage | 0xffc))},
          {"no walk", PageFault(2, kGlaPage + 0x1000)}});
  // The second page's flags stay where it comes first.
  Expect(two_pages(Guest4().Word(0x21ab0, 0x16067)),
         {{"first", exit},
          {"second's accessed flag", Answer(exit).Writes(0x40b0, 0x26137)},
          {"second done", Answer(exit).Writes(0x40b0, 0x26337)}},
         {{"first's dirty flag", Answer(exit).Writes(0x4080, 0x20235)},
          {"second refused", Walked(Violation(0x7aa, 0x16000))}});
}

// GW-22: a fetch goes on at address 0, in the lower half, where nothing is
// mapped. What was done for the page before may be done by then, or not be.
TEST(LinearSilenceTest, SeparationMayComeAfterAnotherPage) {
  const auto fetch = [](std::uint64_t guest_pte) {
    return Guest4().AccessedDirty().Cr4(1 << 27).GuestPte(guest_pte).Linear(
        AccessKind::kFetch, 0xffff'ffff'ffff'fffc, 8);
  };
  const Answer untouched = GeneralProtection();
  const Answer walked = Walked(GeneralProtection());
  Expect(fetch(0x10043),
         {{"before paging", untouched},
          {"guest accessed flag", Answer(walked).Writes(0x21ff8, 0x10063)},
          {"the page's, too",
           Answer(walked).Writes(0x21ff8, 0x10063).Writes(0x4080, 0x20137)},
          {"not at all", Walked(PageFault(0x10, 0)).Writes(0x21ff8, 0x10063)}},
         {{"a flag without a walk", Answer(untouched).Writes(0x21ff8, 0x10063)},
          {"dirty",
           Answer(walked).Writes(0x21ff8, 0x10063).Writes(0x4080, 0x20337)}});
  // The page before may refuse, first.
  Expect(fetch(0x10042),
         {{"before paging", untouched},
          {"not present", Walked(PageFault(0x10, 0xffff'ffff'ffff'fffc))}},
         {{"after its walk", walked}});
}

}  // namespace
}  // namespace eptdiff
