// What people ask in public when they meet EPT for the first time: what they
// paste, in the form of their threads and with numbers of our own, and the one
// command that answers.
#include <string>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::HasSubstr;

struct Question {
  std::string name;
  std::vector<std::string> command;  // with LOG for what was pasted
  std::string pasted;
  std::vector<std::string> answer;  // what it has to say
};

void PrintTo(const Question& question, std::ostream* out) {
  *out << question.name;
}

const Question kQuestions[] = {
    // "My handler gets exit qualification 83H. Is it a read or a write?"
    {"AQualification",
     {"decode", "0x83"},
     "",
     {"processor's own access to a guest paging-structure entry",
      "each such access counts as a write", "EPT allows nothing there"}},
    // "I set up EPT and VMLAUNCH fails with error 7. Is my EPTP wrong?"
    {"AnEptPointer",
     {"decode", "eptp", "0x1a2b3c05f"},
     "",
     {"VM entry fails: EPTP-1", "memory type 7"}},
    // "I map 2 MBytes and get EPT misconfigurations. These are my entries."
    {"AWalkOfMyOwn",
     {"explain", "--oracles", "engine", "--walk", "0x101e:0x1234", "2007",
      "3007", "2010b1"},
     "",
     {"CFG-9 at the PDE forbids it", "VM exit 49 (EPT misconfiguration)"}},
    // "These lines are in dmesg, and the guest is gone."
    {"KvmsMisconfiguration",
     {"import", "LOG"},
     "host kernel: EPT: Misconfiguration.\n"
     "host kernel: EPT: GPA: 0xfd0aa034\n"
     "host kernel: ept_misconfig_inspect_spte: spte 0x23f9b107 level 4\n"
     "host kernel: ept_misconfig_inspect_spte: spte 0x2a0ef107 level 3\n"
     "host kernel: ept_misconfig_inspect_spte: spte 0x1b9cc107 level 2\n"
     "host kernel: ept_misconfig_inspect_spte: spte 0x3d0aaf76 level 1\n",
     {"CFG-1 at the PTE forbids it: bit 0 clear, bit 1 set", "as logged"}},
    // "The domain crashes with this. Which permission is missing?"
    {"XensViolation",
     {"import", "LOG"},
     "(XEN) d2v0 EPT violation 0x1aa (-w-/r-x) gpa 0x000000fee55030 mfn "
     "0x8fe55 type 4\n"
     "(XEN) d2v0 Walking EPT tables for GFN fee55:\n"
     "(XEN) d2v0  epte 8000000855a3f107\n"
     "(XEN) d2v0  epte 80000008339e8107\n"
     "(XEN) d2v0  epte 800000085513d107\n"
     "(XEN) d2v0  epte 9c5000008fe55045\n"
     "(XEN) d2v0  --- GLA 0xffffffffff55c030\n",
     {"write permission is missing (VIO-3)", "VIO-3 at the PTE forbids it",
      "as logged"}},
    // "90 per cent of my guest's exits are EPT_MISCONFIG. What did I break?"
    {"ManyMisconfigurations",
     {"import", "LOG"},
     "             VM-EXIT    Samples  Samples%     Time%    Min Time\n"
     "EPT_MISCONFIG       1555    90.00%    95.00%      3.80us   75.77us\n",
     {"1555 exits", "for emulated devices (MMIO) on purpose"}},
    // "HAXM says that VM entry failed, and dumps all this."
    {"AFailedEntry",
     {"import", "LOG"},
     "haxm_error: 401e VMX_SECONDARY_PROCESSOR_CONTROLS: 2a\n"
     "haxm_error: 201a VMX_EPTP: 1a2b3c01e\n"
     "haxm_error: 4402 VM_EXIT_INFO_REASON: 80000021\n"
     "haxm_error: 6400 VM_EXIT_INFO_QUALIFICATION: 2\n"
     "haxm_error: 2400 VM_EXIT_INFO_GUEST_PHYSICAL_ADDRESS: 5500\n",
     {"a VM entry that failed: the guest's PDPTEs are refused",
      "no access was made"}},
    // "bhyve exits with this as soon as the guest starts."
    {"BhyvesExit",
     {"import", "LOG"},
     "vm exit[0]\n\treason\t\tVMX\n\trip\t\t0x000000000010f2a3\n"
     "\tinst_length\t3\n\tstatus\t\t0\n"
     "\texit_reason\t48 (EPT violation)\n"
     "\tqualification\t0x0000000000000182\n",
     {"a data write", "an entry on the way is not present"}},
    // "My small hypervisor stops here. The address is mapped!"
    {"FourLines",
     {"import", "LOG"},
     "Unexpected exit reason: ept_violation\n"
     "exit qualification = 0x781\n"
     "guest-physical address = 0x100b000\n"
     "guest linear address = 0x40b2f0\n",
     {"a data read at what the guest-linear address translates to",
      "EPT allows nothing there"}},
    // "Bochs runs my hypervisor and reports this. Which bit?"
    {"BochssLog",
     {"import", "LOG"},
     "00000712e[CPU0  ] VMEXIT: EPT violation for guest paddr "
     "0x0000000000801238 laddr 0x00007f0012340238\n"
     "00000712d[CPU0  ] VMEXIT reason = 48 (EPT Violation) "
     "qualification=0x18a\n",
     {"taken together, are readable", "write permission is missing (VIO-3)"}},
    // "I printed my whole table. It looks right to me."
    {"AWholeTable",
     {"lint", "--eptp", "0x101e", "LOG"},
     "0x1000: 0x2007\n"
     "0x2000: 0x3007 0x400000b7\n"
     "0x3000: 0x4007 0x2000b7\n"
     "0x4000: 0x37 0x1037 0x2037 0x3032 0x4037 0x5037\n",
     {"MISCONFIGURED: PTE at 0x4018 = 0x3032, for GPA 0x3000", "CFG-1"}},
    // "Is this page writable? HyperDbg shows me these entries."
    {"ADebuggersEntries",
     {"import", "LOG"},
     "HyperDbg> !pte fffff80563f7d3d0\n"
     "VA fffff80563f7d3d0\n"
     "PML4E (PXE) at ffff8542a150af80 contains 0000000004208063\n"
     "PDPTE (PPE) at ffff8542a15f00a8 contains 0000000004209063\n"
     "PDE at ffff8542be0158f8 contains 0a000000024001a1\n"
     "PDE is a large page, so it doesn't have a PTE\n",
     {"the guest's own entries", "read-only", "2-MByte page at 0x2400000"}},
    // "VirtualBox shows a guru meditation. Where was the guest?"
    {"AGuruMeditation",
     {"import", "LOG"},
     "00:01:02.345678 !!         VCPU0: Guru Meditation -2302 "
     "(VERR_IEM_INSTR_NOT_IMPLEMENTED)\n"
     "00:01:02.345678 !! GCPhys=00000000f0000020\n",
     {"guru meditation VERR_IEM_INSTR_NOT_IMPLEMENTED", "GPA 0xf0000020"}},
};

class QuestionsTest : public testing::TestWithParam<Question> {};

TEST_P(QuestionsTest, IsAnsweredByOneCommand) {
  const Question& question = GetParam();
  const TestDirectory directory;
  std::vector<std::string> command = question.command;
  for (std::string& word : command) {
    if (word == "LOG") word = directory.File("log", question.pasted);
  }
  const Ran ran = RunEptdiff(command);
  EXPECT_LE(ran.status, 1) << ran.err;
  EXPECT_EQ(ran.err, "");
  const std::string said = Unwrapped(ran.out);
  for (const std::string& answer : question.answer) {
    EXPECT_THAT(said, HasSubstr(answer));
  }
}

INSTANTIATE_TEST_SUITE_P(All, QuestionsTest, testing::ValuesIn(kQuestions),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace eptdiff
