// What Bochs, HAXM and small hypervisors print, with numbers of our own.
#include <string>
#include <vector>

#include "fuzzers/command/import/bochs_entry.h"
#include "fuzzers/command/import/log_testing.h"
#include "fuzzers/command/import/read_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(BochsLogTest, AnExitWithItsQualification) {
  const ReadLogResult result = Read(
      "00000712d[CPU0  ] EPT walk for guest paddr 0x0000000000801238\n"
      "00000712e[CPU0  ] VMEXIT: EPT violation for guest paddr "
      "0x0000000000801238 laddr 0x00007f0012340238\n"
      "00000712d[CPU0  ] VMEXIT reason = 48 (EPT Violation) "
      "qualification=0x18a\n"
      "00000713i[CPU0  ] something else\n");
  ASSERT_THAT(result.found, SizeIs(1));
  const Logged& logged = result.found[0];
  EXPECT_EQ(logged.reason, 48);
  EXPECT_EQ(logged.gpa, 0x801238u);
  EXPECT_EQ(logged.gla, 0x7f0012340238u);
  EXPECT_EQ(logged.qualification, 0x18au);
  EXPECT_THAT(logged.lines, ElementsAre(1, 2));
  EXPECT_THAT(result.not_understood, IsEmpty());
  EXPECT_THAT(Told(logged), HasSubstr("missing (VIO-3)"));
}

TEST(BochsLogTest, AnExitWithoutDebugMessagesAndWhatItComplainsOf) {
  const ReadLogResult result = Read(
      "00000712e[CPU0  ] VMEXIT: EPT violation for guest paddr 0x801238 laddr "
      "0x1238\n"
      "00000800d[CPU1  ] EPT  PDE: reserved bit is set: 0x00000000402010b1\n"
      "00000800e[CPU1  ] VMEXIT: EPT misconfig for guest paddr 0x40201238 "
      "laddr 0x2238\n"
      "00000900e[CPU1  ] VMEXIT: SPP misconfig for guest paddr 0x40202238 "
      "laddr 0x2238\n"
      "00000900d[CPU1  ] VMEXIT reason = 66 (SPP) qualification=0x800\n"
      "00000901d[CPU1  ] VMEXIT reason = 28 (CR Access) qualification=0x300\n");
  ASSERT_THAT(result.found, SizeIs(3));
  EXPECT_FALSE(result.found[0].qualification);
  EXPECT_EQ(result.found[1].reason, 49);
  EXPECT_EQ(result.found[1].gpa, 0x40201238u);
  EXPECT_THAT(result.found[1].notes,
              ElementsAre("Bochs says \"EPT  PDE: reserved bit is set: "
                          "0x00000000402010b1\""));
  EXPECT_THAT(result.found[1].lines, ElementsAre(1, 2));
  EXPECT_EQ(result.found[2].reason, 66);
  EXPECT_EQ(result.found[2].qualification, 0x800u);
}

// The exit behind another one is not its.
TEST(BochsLogTest, AQualificationBelongsToTheExitBeforeIt) {
  const ReadLogResult result = Read(
      "e[CPU0  ] VMEXIT: EPT violation for guest paddr 0x801238 laddr 0x1\n"
      "e[CPU0  ] VMEXIT: EPT violation for guest paddr 0x901238 laddr 0x2\n"
      "d[CPU0  ] VMEXIT reason = 48 (EPT Violation) qualification=0x181\n"
      "d[CPU0  ] VMEXIT reason = 48 (EPT Violation) qualification=0x182\n");
  ASSERT_THAT(result.found, SizeIs(3));
  EXPECT_FALSE(result.found[0].qualification);
  EXPECT_EQ(result.found[1].qualification, 0x181u);
  EXPECT_EQ(result.found[2].qualification, 0x182u);
  EXPECT_FALSE(result.found[2].gpa);
}

TEST(BochsLogTest, ThePageCommandHasBothKindsOfEntries) {
  const ReadLogResult result = Read(
      "EPT  PML4: 0x0000000000001000 : 0x0000000000002007     X W R\n"
      "EPT  PDPE: 0x0000000000002000 : 0x00000000000000b7 PS X W R ignore_pat "
      "WB\n"
      " PML4: 0x0000000000009000 : 0x000000000000a067    ps         A pcd pwt "
      "U W P\n"
      "EPT  PML4: 0x0000000000001000 : 0x0000000000002007     X W R\n"
      "EPT  PDPE: 0x0000000000002008 : 0x0000000000003007     X W R\n"
      "EPT   PDE: 0x0000000000003010 : 0x0000000040201087 PS X W R ignore_pat "
      "UC\n");
  ASSERT_THAT(result.found, SizeIs(3));
  EXPECT_EQ(result.found[0].eptp, 0x101eu);
  EXPECT_THAT(ValuesOf(result.found[0].entries), ElementsAre(0x2007, 0xb7));
  EXPECT_THAT(ValuesOf(result.found[1].guest_entries), ElementsAre(0xa067));
  EXPECT_THAT(result.found[1].entries, IsEmpty());
  const Logged& last = result.found[2];
  EXPECT_EQ(last.gpa, 0x40400000u);
  EXPECT_THAT(ValuesOf(last.entries), ElementsAre(0x2007, 0x3007, 0x40201087));
  EXPECT_THAT(Told(last), HasSubstr("CFG-9 at the PDE forbids it"));
}

TEST(BochsLogTest, ATraceOfAccessesHasTheWalk) {
  const ReadLogResult result = Read(
      "[CPU0 RD]: PHY 0x000000001000 (len=8, WB): 0x00000000 0x00002007\t; EPT "
      "PML4E\n"
      "[CPU0 RD]: PHY 0x000000002000 (len=8, WB): 0x00000001 0x40000087\t; EPT "
      "PDPTE\n"
      "[CPU0 RD]: PHY 0x000140001234 (len=1, WB): 0x55\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_THAT(ValuesOf(result.found[0].entries),
              ElementsAre(0x2007, 0x140000087));
  EXPECT_EQ(result.found[0].eptp, 0x101eu);
  EXPECT_EQ(result.found[0].gpa, 0u);
}

TEST(BochsEntryTest, WhatIsNoneIsNone) {
  for (const char* line :
       {"", "EPT  PDE: 0x1000", "PDE: 0x1000 : value 0x2007",
        "XPDE: 0x1000 : 0x2007", "EPT  PDE: not present",
        "[CPU0 RD]: PHY 0x1000 (len=4, WB): 0x00002007 ; EPT PDE",
        "[CPU0 RD]: PHY 0x1000 (len=8, WB): 0x00002007 ; EPT PDE"}) {
    EXPECT_FALSE(BochsEntryIn(line)) << line;
  }
}

TEST(VmcsFieldsTest, HaxmsDumpOfAnEntryThatFailed) {
  const ReadLogResult result = Read(
      "haxm_error: 401e VMX_SECONDARY_PROCESSOR_CONTROLS: 2a\n"
      "haxm_error: 201a VMX_EPTP: 1a2b3c01e\n"
      "haxm_error: 4402 VM_EXIT_INFO_REASON: 80000021\n"
      "haxm_error: 6400 VM_EXIT_INFO_QUALIFICATION: 0\n"
      "haxm_error: 640a VM_EXIT_INFO_GUEST_LINEAR_ADDRESS: 5500\n"
      "haxm_error: 2400 VM_EXIT_INFO_GUEST_PHYSICAL_ADDRESS: 5500\n"
      "haxm_error: something else\n");
  ASSERT_THAT(result.found, SizeIs(1));
  const Logged& logged = result.found[0];
  EXPECT_EQ(logged.secondary, 0x2au);
  EXPECT_EQ(logged.eptp, 0x1a2b3c01eu);
  EXPECT_FALSE(logged.reason);
  EXPECT_FALSE(logged.gpa);
  EXPECT_FALSE(logged.qualification);
  EXPECT_THAT(logged.notes, Contains(HasSubstr("VM entry that failed")));
  EXPECT_EQ(result.others, 1u);
  Told(logged);
}

TEST(VmcsFieldsTest, AViolationAndAnotherExit) {
  const std::string violation =
      "00008150\t1.46\thaxm_warning:4402 VM_EXIT_INFO_REASON: 30\n"
      "00008156\t1.46\thaxm_warning:6400 VM_EXIT_INFO_QUALIFICATION: 182\n"
      "00008162\t1.46\thaxm_warning:2400 VM_EXIT_INFO_GUEST_PHYSICAL_ADDRESS: "
      "e00ec0\t\n";
  const ReadLogResult two = Read(violation + violation);
  ASSERT_THAT(two.found, SizeIs(1));
  EXPECT_THAT(two.found[0].again, ElementsAre(3));
  EXPECT_EQ(two.found[0].reason, 48);
  EXPECT_EQ(two.found[0].qualification, 0x182u);
  EXPECT_EQ(two.found[0].gpa, 0xe00ec0u);

  const ReadLogResult other = Read(
      "4402 VM_EXIT_REASON: 9\n6400 VM_EXIT_QUALIFICATION: 0\n"
      "2400 GUEST_PHYSICAL_ADDRESS: 1234\n");
  ASSERT_THAT(other.found, SizeIs(1));
  EXPECT_FALSE(other.found[0].gpa);
  EXPECT_THAT(other.found[0].notes, Contains(HasSubstr("none that EPT makes")));
}

TEST(VmcsFieldsTest, OtherListsAreNone) {
  EXPECT_THAT(Read("4402 VM_EXIT_INFO_REASON: 30\n"
                   "6400 VM_EXIT_INFO_QUALIFICATION: 182\n")
                  .found,
              IsEmpty());
  EXPECT_THAT(Read("10:00:00 1234 A_B: 1\n10:00:00 1235 A_C: 1\n"
                   "10:00:00 1236 A_D: 1\n")
                  .found,
              IsEmpty());
}

TEST(ExitFieldsTest, InOneLineWithArrows) {
  const ReadLogResult result = Read(
      "EPT_VIOLATION at GPA -> 0x5501238 GVA -> 0xffff800000001238, "
      "exit_qulification = 0x1aa, G_RSP = 0x1, G_RIP=0x2\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].reason, 48);
  EXPECT_EQ(result.found[0].gpa, 0x5501238u);
  EXPECT_EQ(result.found[0].gla, 0xffff800000001238u);
  EXPECT_EQ(result.found[0].qualification, 0x1aau);
}

TEST(ExitFieldsTest, AnAddressAndAWordForTheAccess) {
  const ReadLogResult result =
      Read("ept violation address:0000000005501000, type:read/write \n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].reason, 48);
  EXPECT_EQ(result.found[0].gpa, 0x5501000u);
  EXPECT_FALSE(result.found[0].qualification);
  EXPECT_THAT(result.found[0].notes,
              ElementsAre("the log calls the access \"read/write\"",
                          HasSubstr("read as hexadecimal")));
}

TEST(ExitFieldsTest, DunesPageFault) {
  const ReadLogResult result = Read(
      "[7.1] ept: failed to get user page 7fcd40555000\n"
      "[7.2] vmx: page fault failure GPA: 0x555000, GVA: 0x403054\n"
      "[7.3] vmx: --- Begin VCPU Dump ---\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].reason, 48);
  EXPECT_EQ(result.found[0].gpa, 0x555000u);
  EXPECT_EQ(result.found[0].gla, 0x403054u);
  EXPECT_THAT(result.found[0].notes,
              ElementsAre(HasSubstr("the host has no page"),
                          HasSubstr("does not name")));
  EXPECT_THAT(result.found[0].lines, ElementsAre(0, 1));
  EXPECT_THAT(result.not_understood, IsEmpty());
}

TEST(ExitFieldsTest, AVmEntryThatFailedIsSaidToHaveFailed) {
  const struct {
    const char* reason;
    const char* qualification;
    const char* says;
  } kCases[] = {{"33", "0x0", "guest's state is refused (27.3.1"},
                {"0x80000021", "0x2", "PDPTEs are refused"},
                {"33", "0x3", "blocking by STI"},
                {"33", "0x4", "VMCS link pointer"},
                {"34", "0x5", "MSR 5 of the VM-entry MSR-load area"},
                {"41", "0x0", "machine check"}};
  for (const auto& c : kCases) {
    const ReadLogResult result = Read(
        std::string("vm exit[0]\n\trip\t0x9e019\n\texit_reason\t") + c.reason +
        "\n\tqualification\t" + c.qualification + "\n\tinst_type\t0\n");
    ASSERT_THAT(result.found, SizeIs(1)) << c.reason;
    EXPECT_FALSE(result.found[0].reason);
    EXPECT_THAT(result.found[0].notes, ElementsAre(HasSubstr(c.says)));
  }
  EXPECT_THAT(Read("exit reason: 9\nqualification: 0x0\n").found, IsEmpty());
}

TEST(ExitFieldsTest, AcrnsTwoHandlers) {
  const ReadLogResult violation = Read(
      "Guest Linear Address: 0xffffc90000c55000\n"
      "Guest Physical Address address: 0x00000000fe055000\n");
  ASSERT_THAT(violation.found, SizeIs(1));
  EXPECT_EQ(violation.found[0].reason, 48);
  EXPECT_EQ(violation.found[0].gpa, 0xfe055000u);
  const ReadLogResult misconfiguration = Read(
      "ept_misconfig_vmexit_handler, Guest linear address: 0x55 \n"
      "ept_misconfig_vmexit_handler, Guest physical address: 0x7055 \n");
  ASSERT_THAT(misconfiguration.found, SizeIs(1));
  EXPECT_EQ(misconfiguration.found[0].reason, 49);
  EXPECT_EQ(misconfiguration.found[0].gpa, 0x7055u);
}

TEST(ExitFieldsTest, Sel4sVmm) {
  const ReadLogResult result = Read(
      "    Guest OS VMExit due to EPT Violation:\n"
      "        Linear address 0xc0155000.\n"
      "        Guest-Physical address 0x155000.\n"
      "        Instruction pointer 0xc0100000.\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].gpa, 0x155000u);
  EXPECT_EQ(result.found[0].gla, 0xc0155000u);
}

TEST(KvmTraceTest, EmulatedDevicesAreMisconfiguredOnPurpose) {
  for (const char* behind :
       {"kvm_fast_mmio: fast mmio at gpa 0xfee550b0\n",
        "kvm_mmio: mmio write len 4 gpa 0xfee550b0 val 0x0\n",
        "handle_mmio_page_fault: addr:fee550b0 gfn fee55 access 6\n"}) {
    const ReadLogResult result =
        Read(std::string(
                 "qemu-7 [001] 5.1: kvm_exit: vcpu 0 reason EPT_MISCONFIG rip "
                 "0x1 info1 0x0 info2 0x0\nqemu-7 [001] 5.2: ") +
             behind);
    ASSERT_THAT(result.found, SizeIs(1)) << behind;
    EXPECT_EQ(result.found[0].reason, 49);
    EXPECT_EQ(result.found[0].gpa, 0xfee550b0u);
    EXPECT_THAT(result.found[0].notes, ElementsAre(HasSubstr("on purpose")));
  }
}

TEST(KvmTraceTest, ExitsThatWereCounted) {
  const ReadLogResult result = Read(
      "             VM-EXIT    Samples  Samples%     Time%    Min Time\n"
      "EPT_MISCONFIG       1555    90.00%    95.00%      3.80us   75.77us\n"
      "       EPT_VIOLATION         25     5.00%     1.00%      1.80us  7.7us\n"
      "                 HLT          5     5.00%     4.00%      1.80us  "
      "7.7us\n");
  ASSERT_THAT(result.found, SizeIs(2));
  EXPECT_EQ(result.found[0].reason, 49);
  EXPECT_THAT(result.found[0].what, HasSubstr("1555 exits"));
  EXPECT_THAT(result.found[0].notes, ElementsAre(HasSubstr("on purpose")));
  EXPECT_EQ(result.found[1].reason, 48);
  EXPECT_THAT(result.found[1].notes, IsEmpty());
  EXPECT_EQ(result.others, 2u);
}

TEST(KvmTraceTest, WhatKvmHadThereIsNoted) {
  const ReadLogResult result = Read(
      "exe-1 [006] d... 4.1: kvm_exit: vcpu 1 reason EPT_VIOLATION rip 0x5600 "
      "info1 0x0000000000000181 info2 0x0 intr_info 0x0 error_code 0x0\n"
      "exe-1 [006] .... 4.2: kvm_page_fault: address 3fef55512000 error_code "
      "181\n"
      "exe-1 [006] d... 4.3: fast_page_fault: vcpu 1 gva 3fef55512000 "
      "error_code U sptep 00000000ce97aa9a old 0x5a0 new 0 spurious 0 fixed "
      "0\n"
      "exe-1 [006] .... 4.4: kvm_userspace_exit: reason error (14)\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].gpa, 0x3fef55512000u);
  EXPECT_THAT(result.found[0].notes,
              ElementsAre("KVM had the entry 0x5a0 there"));
  EXPECT_THAT(result.found[0].lines, ElementsAre(0, 1, 2));
  EXPECT_THAT(result.not_understood, IsEmpty());
}

}  // namespace
}  // namespace eptdiff
