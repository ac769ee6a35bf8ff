#include "fuzzers/text/case_text.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/generation/random_case.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Every member of every part differs from its default.
Case FullCase() {
  Case c;
  c.processor = {.maxphyaddr = 52,
                 .ept_vpid_cap = 0xf0106f34141,
                 .ept_violation_ve = true,
                 .page_1gb = true,
                 .nx = true,
                 .pse36 = true,
                 .smep = true,
                 .smap = true,
                 .pku = true,
                 .pks = true,
                 .cet_ss = true,
                 .la57 = true,
                 .pcid = true};
  c.controls = {.pin_based = 0xffffffff,
                .primary = 0x80000000,
                .secondary = 0x2,
                .tertiary = 0x8000000000000000,
                .vm_functions = 1,
                .exception_bitmap = 1 << 20,
                .eptp = 0xffffffffffffffff,
                .pml_address = 0x7000,
                .pml_index = 65535,
                .spptp = 0x8000,
                .ve_information_address = 0x9000,
                .eptp_list_address = 0xa000,
                .eptp_index = 511,
                .hlatp = 0xb000,
                .hlat_prefix_size = 52,
                .vpid = 65535,
                .entry_controls = 0xffffffff,
                .exit_controls = 0x80000000};
  c.guest = {.cr0 = 0x80000001,
             .cr3 = 0x1000,
             .cr4 = 0x20,
             .efer = 0xd01,
             .pat = 0,
             .rflags = 0x40002,
             .pkru = 0x55555555,
             .pkrs = 0xffffffff,
             .pdpte = {0x1001, 0, 0x3001, 0},
             .cpl = 3,
             .cs_l = true,
             .event_delivery = true,
             .nmi_unblocking = true,
             .transactional = true,
             .busy_shadow_stack = true,
             .delivered_event = 0x80000b0e,
             .delivered_error_code = 0xffffffff,
             .instruction_length = 15,
             .interruptibility = 0x1f,
             .pending_debug = 0x1580f};
  c.memory = {{Hpa{0xffffffffffff8}, 0xffffffffffffffff},
              {Hpa{0}, 0},
              {Hpa{0}, 7}};  // twice the same address: the order matters
  c.steps = {{.kind = StepKind::kGuestPhysicalAccess,
              .access = {.kind = AccessKind::kShadowStackWrite,
                         .size = 64,
                         .implicit_supervisor = true,
                         .wruss = true,
                         .asynchronous = true},
              .gpa = Gpa{0xfffffffffffff},
              .page = {.gla_valid = false,
                       .gla = Gla{0xffff800000000000},
                       .user = true,
                       .writable = true,
                       .execute_disable = true,
                       .pat_index = 7}},
             {.kind = StepKind::kLinearAccess,
              .access = {.kind = AccessKind::kReadModifyWrite, .size = 8},
              .gla = Gla{0xffffffffffffffff}},
             {.kind = StepKind::kPagingStructureRead,
              .gpa = Gpa{0x1000},
              .page = {.gla = Gla{0x5000}, .pat_index = 3}},
             {.kind = StepKind::kPagingStructureUpdate, .gpa = Gpa{0x1008}},
             {.kind = StepKind::kPdpteLoad},
             {.kind = StepKind::kStore, .hpa = Hpa{0x2008}, .value = 0x3007},
             {.kind = StepKind::kEptpSwitch, .index = 0xffffffff},
             {.kind = StepKind::kTableOperation,
              .operation = {.kind = TableOperationKind::kMapRegion,
                            .level = 3,
                            .failing_allocation = 4095,
                            .meanwhile = 0x7f,
                            .gpa = Gpa{0xfffffffffffff},
                            .hpa = Hpa{0xffffffffff800},
                            .bytes = 0x40000800,
                            .flags = 0xfff0000000000f7f}}};
  return c;
}

TextCase FullTextCase() {
  return {.c = FullCase(),
          .explanation =
              "A long one, \"quoted\", with caf\xc3\xa9 and a tab\t, "
              "so long that it does not stand on one line.\n"
              "And a second sentence on a line of its own.\n",
          .signature = "eptdiff-bochs-event-CFG-8-PDPTE",
          .sdm_section = "table 29-3",
          .rules = {"CFG-8", "WALK-6"},
          .expected = "an EPT misconfiguration",
          .alterations = {"CFG-8/off"},
          .expectations = {
              {0, {.event = EventKind::kCompleted}},
              {1,
               {.event = EventKind::kVmExit,
                .exit_reason = 48,
                .qualification = 0x181,
                .qualification_mask = 0xfff,
                .gpa = Gpa{0xfffffffffffff},
                .memory = {{Hpa{0x1008}, 0x2107, 0xfff}, {Hpa{0x8}, 1, 1}}}},
              {2, {.event = EventKind::kPageFault, .error_code = 0xffffffff}},
              {3, {.event = EventKind::kCompleted, .hpa = Hpa{0x9123}}},
              {4, {.event = EventKind::kGeneralProtection}},
              {5, {.event = EventKind::kVirtualizationException}},
              {6, {.event = EventKind::kGuestStateFailure}},
              {7, {.event = EventKind::kVmEntryFailure}}}};
}

TEST(CaseTextTest, EmptyTextIsTheDefaultCase) {
  const auto parsed = ParseCase("", "empty");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, TextCase());
}

TEST(CaseTextTest, DefaultCaseIsWrittenWithoutFields) {
  EXPECT_EQ(FormatCase(TextCase()),
            "# proto-file: fuzzers/text/case.proto\n"
            "# proto-message: CaseFile\n\n");
}

TEST(CaseTextTest, EveryFieldSurvivesARoundTrip) {
  const TextCase full = FullTextCase();
  const auto parsed = ParseCase(FormatCase(full), "full");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, full);
}

TEST(CaseTextTest, AnExpectationOfNoKindIsCompletion) {
  const auto parsed = ParseCase("step { pdpte_load {} must {} }", "must");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->expectations.size(), 1u);
  EXPECT_EQ(parsed->expectations.at(1), Expectation());
}

TEST(CaseTextTest, EachKindOfStepAndAccessSurvivesARoundTrip) {
  TextCase text_case;
  for (int kind = 0; kind < kStepKindCount; ++kind) {
    text_case.c.steps.push_back({.kind = static_cast<StepKind>(kind)});
  }
  for (const AccessKind kind :
       {AccessKind::kRead, AccessKind::kWrite, AccessKind::kReadModifyWrite,
        AccessKind::kFetch, AccessKind::kShadowStackRead,
        AccessKind::kShadowStackWrite,
        AccessKind::kShadowStackReadModifyWrite}) {
    text_case.c.steps.push_back(
        {.kind = StepKind::kLinearAccess, .access = {.kind = kind}});
  }
  for (int kind = 0; kind < kTableOperationKindCount; ++kind) {
    text_case.c.steps.push_back(
        {.kind = StepKind::kTableOperation,
         .operation = {.kind = static_cast<TableOperationKind>(kind)}});
  }
  const auto parsed = ParseCase(FormatCase(text_case), "steps");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, text_case);
}

TEST(CaseTextTest, AnyCaseSurvivesARoundTrip) {
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const TextCase text_case = {.c = RandomCase(random, 40)};
    const auto parsed = ParseCase(FormatCase(text_case), "random");
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    ASSERT_EQ(*parsed, text_case) << FormatCase(text_case);
  }
}

TEST(CaseTextTest, TextReadsAsAPersonWouldWriteIt) {
  TextCase text_case;
  text_case.explanation = "a read";
  text_case.c.controls.eptp = 0x101e;
  text_case.c.controls.pml_index = 511;
  text_case.c.memory = {{Hpa{0x1000}, 0x2007}, {Hpa{0x2000}, 0x80}};
  text_case.c.steps = {
      {.access = {.kind = AccessKind::kWrite, .size = 8}, .gpa = Gpa{0x1234}}};
  EXPECT_EQ(FormatCase(text_case),
            "# proto-file: fuzzers/text/case.proto\n"
            "# proto-message: CaseFile\n"
            "\n"
            "explanation: \"a read\"\n"
            "\n"
            "controls {\n"
            "  eptp: 0x101e\n"
            "  pml_index: 511\n"
            "}\n"
            "\n"
            "memory { address: 0x1000 value: 0x2007 }\n"
            "memory { address: 0x2000 value: 0x80 }\n"
            "\n"
            "step { guest_physical_access { kind: WRITE size: 8 gpa: 0x1234 } "
            "}\n");
}

TEST(CaseTextTest, MostRecordsAndAllTheyHoldAreWithinTheLimits) {
  TextCase text_case;
  text_case.c.memory.assign(kMaxRecords,
                            {Hpa{0xffffffffffff8}, 0xffffffffffffffff});
  const std::string text = FormatCase(text_case);
  EXPECT_LT(text.size(), kMaxTextBytes);
  const auto parsed = ParseCase(text, "many");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, text_case);
}

struct Mistake {
  std::string_view name;
  std::string text;
  std::string place;  // line and column
  std::vector<std::string> words;
};

// For readable names of the instances below.
void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << mistake.name;
}

class MistakeTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(MistakeTest, IsRefusedWithPlaceFieldAndLimit) {
  const Mistake& mistake = GetParam();
  const auto parsed = ParseCase(mistake.text, "dir/f.textproto");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(parsed.status().message());
  EXPECT_THAT(message, StartsWith("dir/f.textproto:" + mistake.place));
  for (const std::string& word : mistake.words) {
    EXPECT_THAT(message, HasSubstr(word));
  }
}

std::string ManyRecords(std::size_t words, std::size_t steps) {
  std::string text;
  for (std::size_t i = 0; i < words; ++i) text += "memory {}\n";
  for (std::size_t i = 0; i < steps; ++i) text += "step { pdpte_load {} }\n";
  return text;
}

INSTANTIATE_TEST_SUITE_P(
    CaseTextTest, MistakeTest,
    ::testing::Values(
        Mistake{"NoTextproto",
                "\x7f"
                "ELF",
                "1:1:",
                {}},
        Mistake{"UnclosedMessage", "processor {\n  nx: true\n", "3:1:", {}},
        Mistake{"UnknownField",
                "processor {\n  nix: true\n}",
                "2:6:",
                {"Processor", "no field named \"nix\"", "nix: true"}},
        Mistake{"UnknownMessage", "\ncontrol {}", "2:9:", {"control"}},
        Mistake{"UnknownKindOfAccess",
                "step { linear_access { kind: GLANCE } }",
                "1:37:",
                {"GLANCE", "kind"}},
        Mistake{"FieldTwice", "guest { cr0: 1\ncr0: 2 }", "2:4:", {"cr0"}},
        Mistake{"TwoKindsInOneStep",
                "step { pdpte_load {} store {} }",
                "1:2",
                {"store", "pdpte_load"}},
        Mistake{"StepWithoutKind",
                "step {}\nstep { pdpte_load {} }",
                "1:1:",
                {"step[0]"}},
        Mistake{"MaxphyaddrAbove52",
                "processor { maxphyaddr: 99 }",
                "1:13:",
                {"processor.maxphyaddr: 99", "32 to 52"}},
        Mistake{"MaxphyaddrBelow32",
                "processor { maxphyaddr: 31 }",
                "1:13:",
                {"processor.maxphyaddr: 31", "32 to 52"}},
        Mistake{"SixteenBits",
                "controls {\n  pml_index: 65536\n}",
                "2:3:",
                {"controls.pml_index: 65536", "0 to 65535"}},
        Mistake{"ThirtyTwoBits",
                "controls { secondary: 0x100000000 }",
                "1:12:",
                {"controls.secondary: 0x100000000", "0x0 to 0xffffffff"}},
        Mistake{"SixtyFiveBits",
                "controls { eptp: 0x10000000000000000 }",
                "1:18:",
                {"eptp", "out of range", "64 bits"}},
        Mistake{"Negative", "controls { eptp: -1 }", "1:18:", {"eptp"}},
        Mistake{"Cpl", "guest { cpl: 4 }", "1:9:", {"guest.cpl: 4", "0 to 3"}},
        Mistake{"FifthPdpte",
                "guest {\npdpte: [1, 2, 3, 4, 5] }",
                "2:1:",
                {"guest.pdpte[4]", "more than 4"}},
        Mistake{"MisalignedWord",
                "memory {}\nmemory { address: 0x1001 }",
                "2:10:",
                {"memory[1].address: 0x1001", "multiple of 8"}},
        Mistake{"WordAbove52Bits",
                "memory { address: 0x10000000000000 }",
                "1:10:",
                {"memory[0].address: 0x10000000000000", "0xfffffffffffff"}},
        Mistake{"MisalignedStore",
                "step { store { hpa: 4 } }",
                "1:16:",
                {"step[0].store.hpa: 0x4", "multiple of 8"}},
        Mistake{"SizeZero",
                "step { guest_physical_access { kind: READ size: 0 } }",
                "1:43:",
                {"step[0].guest_physical_access.size: 0", "1 to 4096"}},
        Mistake{"SizeAbove4096",
                "step { linear_access { size: 4097 } }",
                "1:24:",
                {"step[0].linear_access.size: 4097", "1 to 4096"}},
        Mistake{"GpaAbove52Bits",
                "step { paging_structure_read { gpa: 0x10000000000000 } }",
                "1:32:",
                {"step[0].paging_structure_read.gpa", "0xfffffffffffff"}},
        Mistake{"PatIndex",
                "step { guest_physical_access { pat_index: 8 } }",
                "1:32:",
                {"pat_index: 8", "0 to 7"}},
        Mistake{"SwitchIndex",
                "step { eptp_switch { index: 4294967296 } }",
                "1:22:",
                {"step[0].eptp_switch.index", "4294967295"}},
        Mistake{"UnknownOperation",
                "step { table_operation { kind: MAPPING } }",
                "1:40:",
                {"MAPPING", "kind"}},
        Mistake{"MisalignedTableAddress",
                "step { table_operation { hpa: 0x400 } }",
                "1:26:",
                {"step[0].table_operation.hpa: 0x400", "multiple of 2048"}},
        Mistake{"AddressInFlags",
                "step { table_operation { flags: 0x1087 } }",
                "1:26:",
                {"table_operation.flags: 0x1087", "must not have: 0x1080"}},
        Mistake{"PageLevel",
                "step { table_operation { level: 4 } }",
                "1:26:",
                {"table_operation.level: 4", "1 to 3"}},
        Mistake{"FailingAllocation",
                "step { table_operation { failing_allocation: 4096 } }",
                "1:26:",
                {"failing_allocation: 4096", "0 to 4095"}},
        Mistake{"Meanwhile",
                "step { table_operation { meanwhile: 128 } }",
                "1:26:",
                {"meanwhile: 128", "0 to 127"}},
        Mistake{"UnknownRule",
                "rule: \"CFG-8\"\nrule: \"CFG-99\"",
                "2:1:",
                {"rule[1]", "CFG-99"}},
        Mistake{"TooManyWords",
                ManyRecords(2049, 0),
                "2049:1:",
                {"memory[2048]", "limit of 2048"}},
        Mistake{"TooManySteps",
                ManyRecords(2000, 49),
                "2049:1:",
                {"step[48]", "limit of 2048", "2000 and 49"}},
        Mistake{"TooDeep", std::string(100, '{'), "1:1:", {}}),
    [](const ::testing::TestParamInfo<Mistake>& info) {
      return std::string(info.param.name);
    });

TEST(CaseTextTest, OversizedTextIsRefusedUnread) {
  const auto parsed =
      ParseCase(std::string(kMaxTextBytes + 1, ' '), "big.textproto");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().message(),
            absl::StrCat("big.textproto: ", kMaxTextBytes + 1,
                         " bytes are more than ", kMaxTextBytes,
                         ", the limit of a text"));
  EXPECT_TRUE(ParseCase(std::string(kMaxTextBytes, ' '), "big").ok());
}

TEST(CaseTextTest, EveryMistakeIsNamedUpToALimit) {
  const auto three = ParseCase(
      "processor { maxphyaddr: 1 }\nguest { cpl: 4 }\nmemory { address: 1 }",
      "f");
  EXPECT_THAT(std::string(three.status().message()),
              AllOf(HasSubstr("f:1:13: "), HasSubstr("f:2:9: "),
                    HasSubstr("f:3:10: ")));
  std::string text;
  for (int i = 0; i < 15; ++i) text += "memory { address: 1 }\n";
  EXPECT_THAT(std::string(ParseCase(text, "f").status().message()),
              AllOf(HasSubstr("memory[9]"), HasSubstr("and 5 more mistakes")));
}

TEST(CaseTextTest, ControlCharactersOfABadTextAreNotPrinted) {
  const auto parsed = ParseCase("nonsense \x1b[31m\x07", "f");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().message().find('\x1b'), std::string::npos);
  EXPECT_EQ(parsed.status().message().find('\x07'), std::string::npos);
}

}  // namespace
}  // namespace eptdiff
