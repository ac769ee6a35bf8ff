// Where the SDM is silent on guest paging: when accessed and dirty flags of
// guest entries are set, and which page of two comes first.
#include <gtest/gtest.h>

#include <cstdint>

#include "oracle/reference/witnesses/answer.h"
#include "oracle/reference/witnesses/case_builder.h"
#include "oracle/reference/witnesses/choices.h"

namespace eptdiff {
namespace {

// EPT PTEs of guest tables that allow no writes.
constexpr std::uint64_t kReadOnlyPt = 0x21035;
constexpr std::uint64_t kReadOnlyPd = 0x22035;

// EPT refuses the update of the entry at `gpa`.
Answer RefusedUpdate(std::uint64_t gpa) {
  return Violation(0xaa, gpa).At(kGla);
}

TEST(GuestSilenceTest, AccessedFlagsOfAFaultMayBeSet) {
  const Answer fault = PageFault(0);
  Expect(
      Guest4().GuestPml4e(0x13007).GuestPde(0x11007).GuestPte(0x10006).Read(
          kGla),
      {{"none", fault},
       {"all", Answer(fault).Writes(0x24550, 0x13027).Writes(0x22550, 0x11027)},
       {"that of the PML4E", Answer(fault).Writes(0x24550, 0x13027)}},
      {{"of the entry not present", Answer(fault).Writes(0x21aa8, 0x10026)},
       {"dirty", Answer(fault).Writes(0x22550, 0x11067)},
       {"EPT's", Answer(fault).Writes(0x22550, 0x11107)}});
}

TEST(GuestSilenceTest, ARefusedWriteSetsNoDirtyFlag) {
  const Answer fault = PageFault(3);
  Expect(Guest4().GuestPde(0x11005).GuestPte(0x10007).Write(kGla),
         {{"none", fault},
          {"accessed", Answer(fault).Writes(0x21aa8, 0x10027)},
          {"accessed above", Answer(fault).Writes(0x22550, 0x11025)}},
         {{"dirty", Answer(fault).Writes(0x21aa8, 0x10047)},
          {"both", Answer(fault).Writes(0x21aa8, 0x10067)}});
}

TEST(GuestSilenceTest, AWriteThatEptRefusesMaySetTheGuestsDirtyFlag) {
  const Answer exit = Violation(0x7aa, 0x10234);
  Expect(Guest4().EptPte(0x10000, 0x20035).GuestPte(0x10007).Write(kGla),
         {{"none", exit},
          {"accessed", Answer(exit).Writes(0x21aa8, 0x10027)},
          {"both", Answer(exit).Writes(0x21aa8, 0x10067)}},
         {{"it happens", Reaches(0x20234, 4).Writes(0x21aa8, 0x10067)}});
}

// With CR0.WP = 0. What holds for one page holds for the other.
TEST(GuestSilenceTest, AProcessorWithCetNeedNotDirtyReadOnlyPages) {
  const CaseBuilder across = Guest4()
                                 .With([](Case& c) {
                                   c.guest.cr0 = 0x80000001;  // PG, PE
                                   c.processor.cet_ss = true;
                                 })
                                 .Word(0x21aa8, 0x10025)
                                 .Word(0x21ab0, 0x16025)
                                 .Write(kGlaPage | 0xffc, 8);
  const Answer completes = Reaches(0x20ffc, 4).And(0x26000);
  Expect(
      across,
      {{"neither", completes},
       {"both",
        Answer(completes).Writes(0x21aa8, 0x10065).Writes(0x21ab0, 0x16065)}},
      {{"one", Answer(completes).Writes(0x21aa8, 0x10065)}});
  // No update, no write that EPT could refuse.
  Expect(
      Guest4()
          .With([](Case& c) {
            c.guest.cr0 = 0x80000001;
            c.processor.cet_ss = true;
          })
          .EptPte(0x11000, kReadOnlyPt)
          .GuestPte(0x10025)
          .Write(kGla),
      {{"refused", RefusedUpdate(0x11aa8)}, {"not set", Reaches(0x20234, 4)}},
      {{"set", Reaches(0x20234, 4).Writes(0x21aa8, 0x10065)}});
}

TEST(GuestSilenceTest, ARefusedUpdateMayPrecedeOrFollowADeeperPageFault) {
  Expect(Guest4()
             .EptPte(0x12000, kReadOnlyPd)
             .GuestPde(0x11007)
             .GuestPte(0)
             .Read(kGla),
         {{"update", RefusedUpdate(0x12550)}, {"fault", PageFault(0)}},
         {{"both", PageFault(0).Writes(0x22550, 0x11027)},
          {"it happens", Reaches(0x20234, 4)}});
}

TEST(GuestSilenceTest, ARefusedUpdateMayPrecedeOrFollowADeeperExit) {
  Expect(Guest4()
             .EptPte(0x12000, kReadOnlyPd)
             .EptPte(0x11000, 0)
             .GuestPde(0x11007)
             .Read(kGla),
         {{"update", RefusedUpdate(0x12550)},
          {"table", Violation(0x81, 0x11aa8).At(kGla)}},
         {{"with the flag",
           Violation(0x81, 0x11aa8).At(kGla).Writes(0x22550, 0x11027)}});
}

TEST(GuestSilenceTest, ARefusedUpdateMayPrecedeOrFollowTheFinalExit) {
  const Answer exit = Violation(0x781, 0x10234);
  Expect(Guest4()
             .EptPte(0x11000, kReadOnlyPt)
             .EptPte(0x10000, 0)
             .GuestPde(0x11007)
             .GuestPte(0x10007)
             .Read(kGla),
         {{"update", RefusedUpdate(0x11aa8)},
          {"final access", exit},
          {"final access with a flag", Answer(exit).Writes(0x22550, 0x11027)}},
         {{"final access with the refused flag",
           Answer(exit).Writes(0x21aa8, 0x10027)}});
}

TEST(GuestSilenceTest, TheFirstOrTheLastRefusedUpdateEndsAnAllowedAccess) {
  Expect(
      Guest4()
          .EptPte(0x11000, kReadOnlyPt)
          .EptPte(0x12000, kReadOnlyPd)
          .GuestPde(0x11007)
          .GuestPte(0x10007)
          .Write(kGla),
      {{"PDE", RefusedUpdate(0x12550)}, {"PTE", RefusedUpdate(0x11aa8)}},
      {{"it happens", Reaches(0x20234, 4)},
       {"PDE with a flag", RefusedUpdate(0x12550).Writes(0x21aa8, 0x10067)}});
}

// The PTEs of two pages, neither of which has been accessed.
TEST(GuestSilenceTest, APageThatAllowsMayHaveItsFlagsWhereTheOtherFaults) {
  const CaseBuilder across =
      Guest4().Word(0x21aa8, 0x10007).Word(0x21ab0, 0x16006);
  const Answer fault = PageFault(2, kGlaPage + 0x1000);
  Expect(CaseBuilder(across).Write(kGlaPage | 0xffc, 8),
         {{"none", fault},
          {"accessed", Answer(fault).Writes(0x21aa8, 0x10027)},
          {"dirty", Answer(fault).Writes(0x21aa8, 0x10067)}},
         {{"at the first byte", PageFault(2, kGlaPage | 0xffc)},
          {"of the other page", Answer(fault).Writes(0x21ab0, 0x16026)}});
}

TEST(GuestSilenceTest, OfTwoPagesThatFaultEitherIsReported) {
  Expect(Guest4().GuestPte(0x10065).Write(kGlaPage | 0xffc, 8),
         {{"first", PageFault(3, kGlaPage | 0xffc)},
          {"a later byte of it", PageFault(3, kGlaPage | 0xfff)},
          {"second", PageFault(2, kGlaPage + 0x1000)}},
         {{"mixed", PageFault(3, kGlaPage + 0x1000)},
          {"beyond", PageFault(2, kGlaPage + 0x1004)}});
}

}  // namespace
}  // namespace eptdiff
