// Each form of log, with numbers of our own, and what is left over of it.
#include "fuzzers/command/import/read_log.h"

#include <string>
#include <vector>

#include "fuzzers/command/import/log_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ReadLogTest, KvmsMisconfigurationWithOthersBetween) {
  const ReadLogResult result = Read(
      "host7 kernel: device vnet3 entered promiscuous mode\n"
      "host7 kernel: EPT: Misconfiguration.\n"
      "host7 kernel: EPT: GPA: 0x1234a5538\n"
      "host7 kernel: ept_misconfig_inspect_spte: spte 0x91c236107 level 4\n"
      "host7 kernel: usb 1-1: new high-speed USB device\n"
      "host7 kernel: ept_misconfig_inspect_spte: spte 0x9515c7107 level 3\n"
      "host7 kernel: ept_misconfig_inspect_spte: spte 0xce4657107 level 2\n"
      "host7 kernel: ept_misconfig_inspect_spte: spte 0x1028125d77 level 1\n"
      "host7 kernel: ept_misconfig_inspect_spte: rsvd_bits = 0x1000000000\n");
  ASSERT_THAT(result.found, SizeIs(1));
  const Logged& logged = result.found[0];
  EXPECT_EQ(logged.reason, 49);
  EXPECT_EQ(logged.gpa, 0x1234a5538u);
  EXPECT_THAT(LevelsOf(logged.entries), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(ValuesOf(logged.entries),
              ElementsAre(0x91c236107, 0x9515c7107, 0xce4657107, 0x1028125d77));
  EXPECT_THAT(logged.lines, ElementsAre(1, 2, 3, 5, 6, 7, 8));
  EXPECT_THAT(result.not_understood, IsEmpty());
  EXPECT_EQ(result.others, 2u);
}

TEST(ReadLogTest, KvmsReservedBitsOfOldKernelsAndNew) {
  for (const char* text :
       {"[ 55.8] get_mmio_spte: detect reserved bits on spte, addr 0xfec12792, "
        "dump hierarchy:\n"
        "[ 55.8] ------ spte 0x1344a0907 level 4.\n"
        "[ 55.9] ------ spte 0x7000000134499907 level 3.\n",
        "[ 55.8] get_mmio_spte: reserved bits set on MMU-present spte, addr "
        "0xfec12792, hierarchy:\n"
        "[ 55.8] ------ spte = 0x1344a0907 level = 4, rsvd bits = 0xf8\n"
        "[ 55.9] ------ spte = 0x7000000134499907 level = 3, rsvd bits = "
        "0x7\n"}) {
    const ReadLogResult result = Read(text);
    ASSERT_THAT(result.found, SizeIs(1)) << text;
    EXPECT_EQ(result.found[0].gpa, 0xfec12792u);
    EXPECT_FALSE(result.found[0].reason);
    EXPECT_THAT(ValuesOf(result.found[0].entries),
                ElementsAre(0x1344a0907, 0x7000000134499907));
    EXPECT_THAT(result.found[0].notes, Contains(HasSubstr("AMD")));
  }
}

TEST(ReadLogTest, KvmsViolationThatFailed) {
  const ReadLogResult result = Read(
      "EPT: Handling EPT violation failed!\n"
      "EPT: GPA: 0x1234, GVA: 0x7fff1234\n"
      "EPT: Exit qualification is 0x182\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].reason, 48);
  EXPECT_EQ(result.found[0].qualification, 0x182u);
  EXPECT_EQ(result.found[0].gla, 0x7fff1234u);
}

TEST(ReadLogTest, KvmsTracepointsBelongTogetherByProcessor) {
  const ReadLogResult result = Read(
      "CPU 5/KVM-1 [002] 86.1: kvm_exit: vcpu 5 reason EPT_VIOLATION rip "
      "0x7f08 "
      "info1 0x0000000000000182 info2 0x0 intr_info 0x0 error_code 0x0\n"
      "CPU 6/KVM-2 [003] 86.2: kvm_page_fault: vcpu 6 rip 0x1 address 0x2000 "
      "error_code 0x184\n"
      "CPU 5/KVM-1 [002] 86.3: kvm_page_fault: vcpu 5 rip 0x7f08 address "
      "0x0000000113600002 error_code 0x182\n"
      "CPU 5/KVM-1 [002] 86.4: kvm_entry: vcpu 5, rip 0x7f08\n");
  ASSERT_THAT(result.found, SizeIs(2));
  EXPECT_EQ(result.found[0].gpa, 0x113600002u);
  EXPECT_THAT(result.found[0].lines, ElementsAre(0, 2));
  EXPECT_EQ(result.found[1].qualification, 0x184u);
  EXPECT_EQ(result.found[1].gpa, 0x2000u);
  EXPECT_EQ(result.others, 1u);
}

TEST(ReadLogTest, KvmsTracepointsOfOldKernelsAndPerf) {
  const ReadLogResult result = Read(
      "qemu-1 [000] 1.1: kvm_exit: reason EPT_MISCONFIG rip 0x133025 info 0 0\n"
      "qemu-1 [000] 1.2: kvm_mmio: mmio write len 4 gpa 0xfee000b0 val 0x0\n"
      "  2.16%  reason EPT_VIOLATION rip 0xffffffff823ef54b info d82 0\n"
      "qemu-1 [000] 1.3: kvm_exit: reason MSR_WRITE rip 0x1 info 0 0\n");
  ASSERT_THAT(result.found, SizeIs(2));
  EXPECT_EQ(result.found[0].reason, 49);
  EXPECT_EQ(result.found[0].gpa, 0xfee000b0u);
  EXPECT_EQ(result.found[1].qualification, 0xd82u);
  EXPECT_FALSE(result.found[1].gpa);
}

// A fault of shadow paging, or of AMD, is no EPT violation; a number of more
// than 64 bits is none.
TEST(ReadLogTest, WhatKvmsTracepointsDoNotSayIsNotGuessed) {
  const ReadLogResult result = Read(
      "kvm_page_fault: vcpu 0 rip 0x0 address 0x0 error_code 0x10\n"
      "kvm_page_fault: vcpu 0 rip 0x0 address 0x0 error_code 0x500000084\n"
      "kvm_exit: vcpu 0 reason EPT_VIOLATION rip 0x1 info1 "
      "0x10000000000000000 info2 0x0\n");
  EXPECT_THAT(result.found, IsEmpty());
  EXPECT_THAT(result.not_understood, ElementsAre(0, 1, 2));
}

TEST(ReadLogTest, WhatKvmWritesIsAnEntryAlone) {
  const ReadLogResult result = Read(
      "kvm_page_fault: vcpu 0 rip 0x0 address 0x800000 error_code 0x182\n"
      "kvm_mmu_set_spte: gfn 800 spte 100b4a00ea7 (rwxu) level 2 at 1005020\n"
      "kvm_tdp_mmu_spte_changed: as id 0 gfn 803 level 1 old_spte 0 new_spte "
      "5a0\n");
  ASSERT_THAT(result.found, SizeIs(3));
  EXPECT_THAT(result.found[0].entries, IsEmpty());
  EXPECT_THAT(ValuesOf(result.found[1].entries), ElementsAre(0x100b4a00ea7));
  EXPECT_THAT(LevelsOf(result.found[1].entries), ElementsAre(2));
  EXPECT_THAT(ValuesOf(result.found[2].entries), ElementsAre(0x5a0));
}

TEST(ReadLogTest, XensViolationWithItsWalk) {
  const ReadLogResult result = Read(
      "(XEN) Failed to shatter gfn 6ec38: -12\n"
      "(XEN) d1v0 EPT violation 0x19c (--x/rw-) gpa 0x0000006ec381a8 mfn "
      "0x22ec38 type 0\n"
      "(XEN) d1v0 Walking EPT tables for GFN 6ec38:\n"
      "(XEN) d1v0  epte 9c00000357ba4107\n"
      "(XEN) d1v0  epte 9c000002000003f3\n"
      "(XEN) d1v0  --- GLA 0x6ec381a8\n"
      "(XEN) domain_crash called from arch/x86/hvm/vmx/vmx.c:3758\n");
  ASSERT_THAT(result.found, SizeIs(1));
  const Logged& logged = result.found[0];
  EXPECT_EQ(logged.qualification, 0x19cu);
  EXPECT_EQ(logged.gpa, 0x6ec381a8u);
  EXPECT_EQ(logged.gla, 0x6ec381a8u);
  EXPECT_THAT(ValuesOf(logged.entries),
              ElementsAre(0x9c00000357ba4107, 0x9c000002000003f3));
  EXPECT_THAT(LevelsOf(logged.entries), ElementsAre(4, 3));
  EXPECT_EQ(result.others, 2u);
}

TEST(ReadLogTest, XensWalkAlone) {
  const ReadLogResult result =
      Read("Walking EPT tables for GFN 6ec38:\n epte 357ba4107\n epte 0\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].gpa, 0x6ec38000u);
  EXPECT_FALSE(result.found[0].reason);
  EXPECT_THAT(result.found[0].notes, SizeIs(1));
}

TEST(ReadLogTest, VmcsDumps) {
  const ReadLogResult result = Read(
      "[1.1] kvm_intel: *** Guest State ***\n"
      "[1.1] kvm_intel: CR0: actual=0x0000000080010031, shadow=0x1, gh_mask=0\n"
      "[1.1] kvm_intel: CR3 = 0x0000000000001000\n"
      "[1.1] kvm_intel: *** Control State ***\n"
      "[1.1] kvm_intel: CPUBased=0xb5a26dfa SecondaryExec=0x0064104a "
      "TertiaryExec=0x0000000000000004\n"
      "[1.1] kvm_intel:         reason=00000030 "
      "qualification=0000000000000981\n"
      "[1.1] kvm_intel: EPT pointer = 0x0000000299e9305e\n"
      "[1.1] kvm_intel: Virtual processor ID = 0x0001\n"
      "[1.2] something else\n");
  ASSERT_THAT(result.found, SizeIs(1));
  const Logged& logged = result.found[0];
  EXPECT_EQ(logged.reason, 48);
  EXPECT_EQ(logged.qualification, 0x981u);
  EXPECT_EQ(logged.eptp, 0x299e9305eu);
  EXPECT_EQ(logged.secondary, 0x64104au);
  EXPECT_EQ(logged.tertiary, 4u);
  EXPECT_EQ(result.others, 1u);
}

TEST(ReadLogTest, AVmEntryThatFailedIsNoExitOfAnAccess) {
  const ReadLogResult result = Read(
      "(XEN)         reason=80000021 qualification=0000000000000000\n"
      "(XEN) EPT pointer = 0x000000041444701e  EPTP index = 0x0000\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_FALSE(result.found[0].reason);
  EXPECT_FALSE(result.found[0].qualification);
  EXPECT_EQ(result.found[0].eptp, 0x41444701eu);
  EXPECT_THAT(result.found[0].notes, Contains(HasSubstr("VM entry")));
}

TEST(ReadLogTest, VirtualBoxsGuruMeditation) {
  const ReadLogResult result = Read(
      "00:00:58.1 rcStrict=VERR_INVALID_PARAMETER GCPhys=00000000f0000020\n"
      "00:00:58.2 Changing the VM state from 'RUNNING' to 'GURU_MEDITATION'\n"
      "00:00:58.3 !!         VCPU0: Guru Meditation -2 "
      "(VERR_INVALID_PARAMETER)\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].gpa, 0xf0000020u);
  EXPECT_THAT(result.found[0].what, HasSubstr("VERR_INVALID_PARAMETER"));
  const ReadLogResult triple =
      Read("!! VCPU0: Guru Meditation 1155 (VINF_EM_TRIPLE_FAULT)\n");
  ASSERT_THAT(triple.found, SizeIs(1));
  EXPECT_THAT(triple.found[0].notes, Contains(HasSubstr("EPT makes none")));
  EXPECT_THAT(Read("--- Guru Meditation ---\n").found, IsEmpty());
}

TEST(ReadLogTest, DebuggersPrintTheGuestsOwnEntries) {
  const ReadLogResult result = Read(
      "HyperDbg> !pte fffff801639b1030\n"
      "VA fffff801639b1030\n"
      "PML4E (PXE) at ffffeaf57abd5f80\tcontains 0000000005109063\n"
      "PDPTE (PPE) at ffffeaf57abf0028\tcontains 000000000510a063\n"
      "PDE at ffffeaf57e0058e0\tcontains 0a000000034000a1\n"
      "PDE is a large page, so it doesn't have a PTE\n"
      "PXE at FFFF83C1E0F07F80    PPE at FFFF83C1E0FF0000\n"
      "contains 0000000004108063  contains 0000000000000000\n");
  ASSERT_THAT(result.found, SizeIs(2));
  EXPECT_EQ(result.found[0].gla, 0xfffff801639b1030u);
  EXPECT_THAT(result.found[0].entries, IsEmpty());
  EXPECT_THAT(LevelsOf(result.found[0].guest_entries), ElementsAre(4, 3, 2));
  EXPECT_THAT(ValuesOf(result.found[1].guest_entries),
              ElementsAre(0x4108063, 0));
}

TEST(ReadLogTest, ListsOfEntriesInManyForms) {
  for (const char* text : {
           "PML4E: 0x2007\nPDPTE: 3007\nPDE=0x4007\nPTE = 9037\n",
           "[1.2] level 4: 0x2007\n[1.2] level 3: 0x3007\n"
           "[1.2] level 2: 0x4007\n[1.2] level 1: 0x9037\n",
           "EPT PML4E at 0x1000 contains 2007\nEPT PDPTE at 0x2000 contains "
           "3007\nEPT PDE at 0x3000 contains 4007\nEPT PTE at 0x4008 contains "
           "9037\n",
       }) {
    const ReadLogResult result =
        Read(std::string("EPTP: 0x105e\nGPA: 0x1234\n") + text);
    ASSERT_THAT(result.found, SizeIs(1)) << text;
    EXPECT_EQ(result.found[0].eptp, 0x105eu);
    EXPECT_EQ(result.found[0].gpa, 0x1234u);
    EXPECT_THAT(LevelsOf(result.found[0].entries), ElementsAre(4, 3, 2, 1));
    EXPECT_THAT(ValuesOf(result.found[0].entries),
                ElementsAre(0x2007, 0x3007, 0x4007, 0x9037));
  }
}

// An entry of a tree stands under those before it, and its index says where.
TEST(ReadLogTest, TreesOfEntriesHaveTheirAddresses) {
  const ReadLogResult result = Read(
      "EPT pointer (physical) = 0x0000000006612000\n"
      "PML4E[0] = 0x0000000006611907 (physical)\n"
      "  PDPTE[1] = 0x0000000006610907 (physical)\n"
      "    PDE[2] = 0x000000000660f907 (physical)\n"
      "      PTE[0] = 0x06000000031cab77 (physical)\n"
      "      PTE[3] = 0x06000000031cab72 (physical)\n"
      "      PTE[4] = 0x06000000031dab72 (physical)\n");
  ASSERT_THAT(result.found, SizeIs(2));
  EXPECT_EQ(result.found[0].eptp, 0x661201eu);
  EXPECT_EQ(result.found[0].gpa, 0x40400000u);
  const Logged& second = result.found[1];
  EXPECT_EQ(second.gpa, 0x40403000u);
  EXPECT_EQ(second.eptp, 0x661201eu);
  EXPECT_THAT(ValuesOf(second.entries),
              ElementsAre(0x6611907, 0x6610907, 0x660f907, 0x6000000031cab72));
  EXPECT_THAT(second.notes, Contains("the entry above it is that of line 4"));
  EXPECT_THAT(second.again, ElementsAre(6));  // but for the address the same
}

// As eptdiff itself tells a walk.
TEST(ReadLogTest, WhereEntriesStandSaysTheAddress) {
  const ReadLogResult result = Read(
      "PML4E at 0x1000 = 0x2007: read, write, execute, table at 0x2000\n"
      "PDPTE at 0x2008 = 0x3007: read, write, execute, table at 0x3000\n"
      "PDE at 0x3010 = 0x2010b1: read, 2-MByte page at 0x200000, WB\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].gpa, 0x40400000u);
  EXPECT_EQ(result.found[0].eptp, 0x101eu);
  EXPECT_THAT(result.found[0].notes, Contains(HasSubstr("taken for WB")));
  // Addresses that are no host-physical ones say nothing.
  const ReadLogResult elsewhere = Read(
      "PML4E at 0xffff800000001000 = 0x2007\n"
      "PDPTE at 0xffff800000005008 = 0x3007\n");
  ASSERT_THAT(elsewhere.found, SizeIs(1));
  EXPECT_FALSE(elsewhere.found[0].gpa);
  EXPECT_FALSE(elsewhere.found[0].eptp);
}

// However far above an entry its table's is.
TEST(ReadLogTest, TreesMayBeLarge) {
  std::string text = "PML4E[0] = 0x2007\nPDPTE[0] = 0x3007\n";
  for (int pde = 0; pde < 4; ++pde) {
    text += "PDE[" + std::to_string(pde) + "] = 0x4007\n";
    for (int pte = 0; pte < 512; ++pte) {
      text += "PTE[" + std::to_string(pte) +
              "] = " + (pde == 3 && pte == 511 ? "0x9032" : "0x9037") + "\n";
    }
  }
  const ReadLogResult result = Read(text);
  ASSERT_THAT(result.found, SizeIs(2));  // the first, and the one unlike it
  EXPECT_THAT(ValuesOf(result.found.back().entries),
              ElementsAre(0x2007, 0x3007, 0x4007, 0x9032));
  EXPECT_EQ(result.found.back().gpa, 0x7ff000u);
}

TEST(ReadLogTest, WhatIsNoTreeHasNothingAbove) {
  const ReadLogResult result = Read(
      "PML4E: 2007\nPDPTE: 3007\nPDE: 4007\nPTE: 9037\nsomething\nPTE: 9032\n");
  ASSERT_THAT(result.found, SizeIs(2));
  EXPECT_THAT(ValuesOf(result.found[1].entries), ElementsAre(0x9032));
}

TEST(ReadLogTest, ExitsAsNamesAndNumbers) {
  for (const char* text : {
           "[4:3] reason: ept_violation\n"
           "[4:3] guest-physical address = 0x7fc0000000\n"
           "[4:3] exit qualification = 0x83\n"
           "[4:3] guest linear address = 0x22c039e\n",
           "ExitReason: 0x30\nExitQualification: 0x83\n"
           "GuestPhysicalAddress: 0x7fc0000000\nGuestLinearAddress: "
           "0x22c039e\n",
           "EPT violation: qualification 0x83, GPA 0x7fc0000000, "
           "GLA 0x22c039e\n",
           "EXIT_REASON=00000030\nEXIT_QUALIFICATION=0x83\n"
           "GUEST_PHYSICAL_ADDRESS=0x7fc0000000\nGUEST_LINEAR_ADDRESS=0x22c039e"
           "\n",
       }) {
    const ReadLogResult result = Read(text);
    ASSERT_THAT(result.found, SizeIs(1)) << text;
    EXPECT_EQ(result.found[0].reason, 48) << text;
    EXPECT_EQ(result.found[0].qualification, 0x83u) << text;
    EXPECT_EQ(result.found[0].gpa, 0x7fc0000000u) << text;
    EXPECT_EQ(result.found[0].gla, 0x22c039eu) << text;
    EXPECT_THAT(result.found[0].notes, IsEmpty()) << text;
  }
}

TEST(ReadLogTest, BhyvesExit) {
  const ReadLogResult result = Read(
      "vm exit[0]\n\treason\t\tVMX\n\trip\t\t0x000000000010f2a3\n"
      "\tinst_length\t3\n\tstatus\t\t0\n"
      "\texit_reason\t48 (EPT violation)\n"
      "\tqualification\t0x0000000000000182\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].reason, 48);
  EXPECT_EQ(result.found[0].qualification, 0x182u);
}

TEST(ReadLogTest, TheSameExitAgainIsToldOnce) {
  std::string text;
  for (int i = 0; i < 3; ++i) {
    text += "reason: ept_violation\nguest-physical address = 0x7fc000" +
            std::to_string(i) + "000\nexit qualification = 0x83\n";
  }
  const ReadLogResult result = Read(text);
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_THAT(result.found[0].again, ElementsAre(3, 6));
}

TEST(ReadLogTest, WhatIsTakenForGrantedIsNoted) {
  const ReadLogResult result =
      Read("qualification: 0x182\nguest physical address: 1234\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_THAT(result.found[0].notes,
              ElementsAre(HasSubstr("does not say why it exited"),
                          HasSubstr("read as hexadecimal")));
  // An exit that EPT does not make is none of ours.
  EXPECT_THAT(Read("exit reason: 30\nexit qualification: 0x3f80008\n").found,
              IsEmpty());
}

TEST(ReadLogTest, TheWalkBehindAnExitIsItsOwn) {
  const ReadLogResult result = Read(
      "EPT violation! qualification 0x182, GPA 0x1234\n"
      "PML4E: 0x2007\nPDPTE: 0x3007\nPDE: 0x4001\nPTE: 0x9077\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].qualification, 0x182u);
  EXPECT_THAT(result.found[0].entries, SizeIs(4));
  EXPECT_THAT(result.found[0].notes, Contains(HasSubstr("taken for its")));
}

TEST(ReadLogTest, WhatNobodyUnderstandsIsListed) {
  const ReadLogResult result = Read(
      "ept_something else broke 17\n"
      "this was kept and slept except: nothing\n"
      "EPTP 0x1g\n");
  EXPECT_THAT(result.found, IsEmpty());
  EXPECT_THAT(result.not_understood, ElementsAre(0, 2));
  EXPECT_EQ(result.others, 1u);
}

}  // namespace
}  // namespace eptdiff
