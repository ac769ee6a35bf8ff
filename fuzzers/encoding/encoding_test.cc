#include "fuzzers/encoding/encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/generation/random_case.h"

namespace eptdiff {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes RandomBytes(Random& random, std::size_t size) {
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(random.Next());
  }
  return bytes;
}

Bytes FromHex(std::string_view hex) {
  Bytes bytes;
  std::string digits;
  for (const char digit : hex) {
    if (digit == ' ') continue;
    digits += digit;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

// Bytes of an older version as the current one has them.
Bytes InCurrentVersion(Bytes bytes) {
  const std::size_t header = bytes[0] < 3    ? kHeaderBytesOfVersion2
                             : bytes[0] == 3 ? kHeaderBytesOfVersion3
                                             : kHeaderBytes;
  bytes[0] = kEncodingVersion;
  bytes.insert(bytes.begin() + kHeaderOffset + header, kHeaderBytes - header,
               0);
  return bytes;
}

// Whether one list is the other with at most one element changed, inserted or
// removed.
template <typename T>
bool AtMostOneApart(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() > b.size()) return AtMostOneApart(b, a);
  if (b.size() - a.size() > 1) return false;
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin());
  if (in_b == b.end()) return true;
  return a.size() == b.size() ? std::equal(in_a + 1, a.end(), in_b + 1, b.end())
                              : std::equal(in_a, a.end(), in_b + 1, b.end());
}

bool SameHeader(const Case& a, const Case& b) {
  return a.processor == b.processor && a.controls == b.controls &&
         a.guest == b.guest;
}

bool SameRecords(const Case& a, const Case& b) {
  return a.memory == b.memory && a.steps == b.steps;
}

TEST(EncodingTest, EveryCaseComesBackFromItsBytes) {
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const Case c = RandomCase(random, 40);
    ASSERT_EQ(DecodeCase(EncodeCase(c)), c) << "case " << i;
  }
}

TEST(EncodingTest, TheLargestCaseComesBackFromItsBytes) {
  Random random(2);
  Case c = RandomCase(random, 0);
  c.memory.resize(kMaxRecords - 5);
  c.steps.resize(5);
  Canonicalise(c);
  const Bytes bytes = EncodeCase(c);
  EXPECT_LE(bytes.size(), kMaxEncodedBytes);
  EXPECT_EQ(DecodeCase(bytes), c);
}

TEST(EncodingTest, EveryByteStringIsACanonicalCase) {
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    const Bytes bytes = RandomBytes(random, random.Below(800));
    const Case c = DecodeCase(bytes);
    ASSERT_TRUE(IsCanonical(c)) << "case " << i;
    ASSERT_EQ(DecodeCase(EncodeCase(c)), c) << "case " << i;
  }
}

TEST(EncodingTest, RecordsBeyondTheLimitAreIgnored) {
  Random random(4);
  const Bytes bytes = RandomBytes(random, 2 * kMaxEncodedBytes);
  const Case c = DecodeCase(bytes);
  EXPECT_EQ(c.memory.size() + c.steps.size(), kMaxRecords);
  EXPECT_TRUE(IsCanonical(c));
}

TEST(EncodingTest, AFlippedBitChangesTheHeaderOrOneRecord) {
  Random random(5);
  for (int i = 0; i < 50'000; ++i) {
    Bytes bytes = RandomBytes(random, kRecordsOffset + random.Below(400));
    const Case before = DecodeCase(bytes);
    const std::size_t at =
        kHeaderOffset + random.Below(bytes.size() - kHeaderOffset);
    bytes[at] ^= static_cast<std::uint8_t>(1u << random.Below(8));
    const Case after = DecodeCase(bytes);
    const std::size_t header = bytes[0] == 1 || bytes[0] == 2
                                   ? kHeaderBytesOfVersion2
                               : bytes[0] == 3 ? kHeaderBytesOfVersion3
                                               : kHeaderBytes;
    const std::size_t records = kHeaderOffset + header;
    if (at < records) {
      ASSERT_TRUE(SameRecords(before, after)) << "byte " << at;
    } else {
      ASSERT_TRUE(SameHeader(before, after)) << "byte " << at;
      ASSERT_TRUE(AtMostOneApart(before.memory, after.memory)) << at;
      ASSERT_TRUE(AtMostOneApart(before.steps, after.steps)) << at;
      ASSERT_EQ(before.memory.size() + before.steps.size(),
                after.memory.size() + after.steps.size())
          << at;
    }
  }
}

TEST(EncodingTest, AFlippedBitOfTheHeaderChangesNoOtherByteOfIt) {
  Random random(6);
  for (std::size_t bit = 0; bit < 8 * kHeaderBytes; ++bit) {
    Bytes bytes = EncodeCase(RandomCase(random, 0));
    const std::size_t at = kHeaderOffset + bit / 8;
    const Bytes before = EncodeCase(DecodeCase(bytes));
    bytes[at] ^= static_cast<std::uint8_t>(1u << bit % 8);
    Bytes after = EncodeCase(DecodeCase(bytes));
    after[at] = before[at];
    EXPECT_EQ(after, before) << "bit " << bit;
  }
}

TEST(EncodingTest, AnUnknownVersionDecodesAsTheCurrentOne) {
  Random random(7);
  Bytes bytes = EncodeCase(RandomCase(random, 20));
  const Case c = DecodeCase(bytes);
  for (int version = 0; version < 256; ++version) {
    if (version >= 1 && version < kEncodingVersion) continue;
    bytes[0] = static_cast<std::uint8_t>(version);
    EXPECT_EQ(DecodeCase(bytes), c) << "version " << version;
  }
}

TEST(EncodingTest, WhatIsMissingAtTheEndReadsAsZero) {
  Random random(8);
  const Bytes whole = EncodeCase(RandomCase(random, 30));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + size);
    Bytes padded = cut;
    std::size_t full = kRecordsOffset;
    while (full < size) full += kRecordBytes;
    padded.resize(full);
    ASSERT_EQ(DecodeCase(cut), DecodeCase(padded)) << "size " << size;
  }
}

TEST(EncodingTest, NoBytesAreACase) {
  Case expected;
  expected.processor.maxphyaddr = 32;
  expected.guest.pat = 0;
  EXPECT_EQ(DecodeCase({}), expected);
}

TEST(EncodingTest, DecodingForgetsWhatTheCaseHeldBefore) {
  Random random(9);
  Case c = RandomCase(random, 50);
  DecodeInto({}, c);
  EXPECT_EQ(c, DecodeCase({}));
}

TEST(EncodingTest, TooLittleRoomIsSaidAndNothingIsWritten) {
  Random random(10);
  const Case c = RandomCase(random, 30);
  Bytes bytes(EncodedSize(c) - 1, 0xcc);
  EXPECT_EQ(EncodeInto(c, bytes), 0u);
  EXPECT_THAT(bytes, testing::Each(0xcc));
}

TEST(EncodingTest, NumbersOutOfRangeFold) {
  Bytes bytes(kRecordsOffset + 2 * kRecordBytes);
  bytes[kHeaderOffset] = 53;                    // MAXPHYADDR
  bytes[kRecordsOffset + kRecordBytes] = 0xcd;  // an unknown tag
  bytes[kRecordsOffset] = 0x01;                 // an access
  bytes[kRecordsOffset + 1] = 7;                // the kind of the access
  bytes[kRecordsOffset + 6] = 0x1f;             // its size, above bit 7
  bytes[kRecordsOffset + 15] = 0xff;            // GPA bits 63:56
  const Case c = DecodeCase(bytes);
  EXPECT_EQ(c.processor.maxphyaddr, 32 + 53 % 21);
  ASSERT_EQ(c.steps.size(), 2u);
  EXPECT_EQ(c.steps[1].kind, StepKind::kPdpteLoad);
  EXPECT_EQ(c.steps[0].kind, StepKind::kGuestPhysicalAccess);
  EXPECT_EQ(c.steps[0].processor, 0);
  EXPECT_EQ(c.steps[0].access.kind, AccessKind::kRead);
  EXPECT_EQ(c.steps[0].access.size, 1);
  EXPECT_EQ(c.steps[0].gpa, Gpa{0});
}

// Version 1 as it was. If this fails, old corpora no longer mean what
// they meant: a new version is needed, not a new golden.
TEST(EncodingTest, VersionOneIsWhatItWas) {
  Bytes bytes = FromHex(
      "01"
      // Processor: 46 bits, capabilities, #VE 1GB NX / PCID.
      "2e 4141030000000000 0704"
      // Controls.
      "28000000 00000280 02004400 0e00000000000000 0100000000000000"
      "00001000 5e10000000000000 0020000000000000 ff01"
      "0030000000000000 0040000000000000 0050000000000000 0700"
      "0060000000000000 0200 0300"
      // Guest state.
      "3300018000000000 0070000000000000 2000000000000000 010d000000000000"
      "0604070006040700 0200040000000000 04000000 08000000"
      "0180000000000000 0190000000000000 01a0000000000000 01b0000000000000"
      "03 0b"
      // A write of 8 bytes at GPA 1234H, user, writable, PAT index 5.
      "01 01 08 00 06 05 0000 3412000000000000 3472ffff7f000000"
      // An implicit supervisor fetch of 1 byte at GLA 8000H.
      "02 03 01 01 00 00 0000 0080000000000000 0000000000000000"
      // A guest paging-structure read, an update, a PDPTE load.
      "03 00 00 00 00 02 0000 0870000000000000 3472ffff7f000000"
      "04 00 00 00 00 01 0000 1070000000000000 3472ffff7f000000"
      "05 00 00 00 00 00 0000 0000000000000000 0000000000000000"
      // A store and an EPTP switch.
      "06 00 00 00 00 00 0000 0810000000000000 0720000000000000"
      "07 00 00 00 00 00 0000 0102000000000000 0000000000000000"
      // A word of memory.
      "00 00 00 00 00 00 0000 0010000000000000 0720000000000080");
  Case c;
  c.processor = {.maxphyaddr = 46,
                 .ept_vpid_cap = 0x34141,
                 .ept_violation_ve = true,
                 .page_1gb = true,
                 .nx = true,
                 .pcid = true};
  c.controls = {.pin_based = 0x28,
                .primary = 0x80020000,
                .secondary = 0x440002,
                .tertiary = 0xe,
                .vm_functions = 1,
                .exception_bitmap = 0x100000,
                .eptp = 0x105e,
                .pml_address = 0x2000,
                .pml_index = 511,
                .spptp = 0x3000,
                .ve_information_address = 0x4000,
                .eptp_list_address = 0x5000,
                .eptp_index = 7,
                .hlatp = 0x6000,
                .hlat_prefix_size = 2,
                .vpid = 3};
  c.guest = {.cr0 = 0x80010033,
             .cr3 = 0x7000,
             .cr4 = 0x20,
             .efer = 0xd01,
             .pat = 0x0007040600070406,
             .rflags = 0x40002,
             .pkru = 4,
             .pkrs = 8,
             .pdpte = {0x8001, 0x9001, 0xa001, 0xb001},
             .cpl = 3,
             .cs_l = true,
             .event_delivery = true,
             .nmi_unblocking = false,
             .transactional = true};
  const Gla gla{0x7fffff7234};
  c.steps.resize(7);
  c.steps[0].access = {.kind = AccessKind::kWrite, .size = 8};
  c.steps[0].gpa = Gpa{0x1234};
  c.steps[0].page = {
      .gla = gla, .user = true, .writable = true, .pat_index = 5};
  c.steps[1].kind = StepKind::kLinearAccess;
  c.steps[1].access = {.kind = AccessKind::kFetch, .implicit_supervisor = true};
  c.steps[1].gla = Gla{0x8000};
  c.steps[2].kind = StepKind::kPagingStructureRead;
  c.steps[2].gpa = Gpa{0x7008};
  c.steps[2].page = {.gla = gla, .pat_index = 2};
  c.steps[3].kind = StepKind::kPagingStructureUpdate;
  c.steps[3].gpa = Gpa{0x7010};
  c.steps[3].page = {.gla = gla, .pat_index = 1};
  c.steps[4].kind = StepKind::kPdpteLoad;
  c.steps[5].kind = StepKind::kStore;
  c.steps[5].hpa = Hpa{0x1008};
  c.steps[5].value = 0x2007;
  c.steps[6].kind = StepKind::kEptpSwitch;
  c.steps[6].index = 0x201;
  c.memory = {{Hpa{0x1000}, 0x8000000000002007}};
  EXPECT_EQ(DecodeCase(bytes), c);
  // What version 1 could say is said the same way now, behind a longer header.
  EXPECT_EQ(EncodeCase(c), InCurrentVersion(bytes));
  // And it had three bits of tag: what is an operation now was a word.
  constexpr std::size_t kRecords = kHeaderOffset + kHeaderBytesOfVersion2;
  bytes = Bytes(kRecords + kRecordBytes);
  bytes[0] = 1;
  bytes[kRecords] = 8;
  EXPECT_EQ(DecodeCase(bytes).memory.size(), 1u);
  bytes[0] = 2;
  EXPECT_EQ(DecodeCase(bytes).steps.size(), 1u);
}

// What version 2 adds, as it is and stays.
TEST(EncodingTest, VersionTwoHasTableOperations) {
  Bytes head = EncodeCase(DecodeCase({}));
  head[0] = 2;
  head.resize(kHeaderOffset + kHeaderBytesOfVersion2);
  Bytes bytes = FromHex(
      // 3 MByte of 2-MByte pages at GPA 40000000H; the second frame is not to
      // be had.
      "08 15 000600000000 0000004000002000 37 00 20 80 01 00 00 80"
      // GPA 1234567890FFFH, HPA 56789800H: misaligned, both.
      "08 02 000000000000 ff0f896745230100 87 90 78 56 00 00 00 00"
      // 2^51 bytes.
      "08 06 000000000001 0000000000000000 0000000000000000");
  bytes.insert(bytes.begin(), head.begin(), head.end());
  ASSERT_EQ(bytes[0], 2);
  Case c = DecodeCase({});
  c.steps.resize(3);
  for (Step& step : c.steps) step.kind = StepKind::kTableOperation;
  c.steps[0].operation = {.kind = TableOperationKind::kMapRegion,
                          .level = 2,
                          .failing_allocation = 2,
                          .gpa = Gpa{0x40000000},
                          .hpa = Hpa{0x180200000},
                          .bytes = 0x300000,
                          .flags = 0x8000000000000037};
  c.steps[1].operation = {.kind = TableOperationKind::kRemap,
                          .gpa = Gpa{0x0001234567890fff},
                          .hpa = Hpa{0x56789800},
                          .flags = 7};
  c.steps[2].operation = {.kind = TableOperationKind::kUnmapRegion,
                          .bytes = std::uint64_t{1} << 51};
  EXPECT_EQ(DecodeCase(bytes), c);
  EXPECT_EQ(EncodeCase(c), InCurrentVersion(bytes));
}

// What version 3 adds, as it is and stays.
TEST(EncodingTest, VersionThreeHasTheControlsOfEntryAndExit) {
  Bytes bytes = EncodeCase(DecodeCase({}));
  bytes[0] = 3;
  bytes.resize(198);
  const Bytes added = FromHex("00c00400 00000002");
  std::copy(added.begin(), added.end(), bytes.begin() + 190);
  Case c = DecodeCase({});
  c.controls.entry_controls = 0x4c000;
  c.controls.exit_controls = 0x2000000;
  EXPECT_EQ(DecodeCase(bytes), c);
  EXPECT_EQ(EncodeCase(c), InCurrentVersion(bytes));
  // It had accesses of 64 bytes at most, and no steps after operations.
  const Bytes access = FromHex(
      "11 01 41 08 00 00 01 00 0000000000000000 0000000000000000"
      "0a 00 00 00 00 00 00 00 0000000000000000 0000000000000000");
  bytes.insert(bytes.end(), access.begin(), access.end());
  const Case steps = DecodeCase(bytes);
  ASSERT_EQ(steps.steps.size(), 2u);
  EXPECT_EQ(steps.steps[0].access,
            (Access{.kind = AccessKind::kWrite, .size = 2}));
  EXPECT_EQ(steps.steps[0].processor, 0);
  EXPECT_EQ(steps.steps[1].kind, StepKind::kLinearAccess);
}

// What version 4 adds, as it is and stays.
TEST(EncodingTest, VersionFourHasStepsThatChangeRegistersAndCaches) {
  Bytes bytes = EncodeCase(DecodeCase({}));
  bytes[0] = 4;
  ASSERT_EQ(bytes.size(), 230u);
  const Bytes header = FromHex(
      "06 00f0e0fe00000000 0800000000000000"
      // A push of the delivery of #PF; 2 bytes; blocking by MOV SS; BS.
      "01 0e0b0080 02000000 02 02 00400000");
  std::copy(header.begin(), header.end(), bytes.begin() + 198);
  const Bytes records = FromHex(
      // A PEBS write of 4096 bytes at GPA 2000H, on logical processor 3.
      "31 01 00 08 01 00 10 00 0020000000000000 0000000000000000"
      // RSTORSSP's access to linear 1000H.
      "02 06 08 00 00 00 00 00 0010000000000000 0000000000000000"
      // VMFUNC with EAX = 1, ECX = 2.
      "07 00 00 00 00 00 00 00 0200000000000000 0100000000000000"
      // MOV to CR3, on logical processor 1.
      "19 01 00 00 00 00 00 00 0170000000000080 0000000000000000"
      // VM entry with another EPTP.
      "0a 00 1a 20 00 00 00 00 5e10000000000000 0000000000000000"
      // INVVPID, type 0.
      "0b 01 00 00 00 00 00 00 0500000000000000 0010000000000000"
      // INVLPG.
      "0b 02 00 00 00 00 00 00 0000000000000000 0010000000000000");
  bytes.insert(bytes.end(), records.begin(), records.end());
  Case c = DecodeCase({});
  c.processor.keyid_bits = 6;
  c.controls.apic_access_address = 0xfee0f000;
  c.controls.secondary_exit_controls = 8;
  c.guest.busy_shadow_stack = true;
  c.guest.delivered_event = 0x80000b0e;
  c.guest.delivered_error_code = 2;
  c.guest.instruction_length = 2;
  c.guest.interruptibility = 2;
  c.guest.pending_debug = 0x4000;
  c.steps.resize(7);
  c.steps[0] = {
      .processor = 3,
      .access = {.kind = AccessKind::kWrite, .size = 4096, .pebs = true},
      .gpa = Gpa{0x2000},
      .page = {.gla_valid = false}};
  c.steps[1] = {
      .kind = StepKind::kLinearAccess,
      .access = {.kind = AccessKind::kShadowStackReadModifyWrite, .size = 8},
      .gla = Gla{0x1000}};
  c.steps[2] = {.kind = StepKind::kEptpSwitch, .value = 1, .index = 2};
  c.steps[3] = {.kind = StepKind::kRegisterWrite,
                .processor = 1,
                .value = 0x8000000000007001,
                .reg = GuestRegister::kCr3};
  c.steps[4] = {.kind = StepKind::kVmEntry, .value = 0x105e, .index = 0x201a};
  c.steps[5] = {
      .kind = StepKind::kInvalidation,
      .invalidation = {
          .kind = InvalidationKind::kInvvpid, .first = 5, .second = 0x1000}};
  c.steps[6] = {
      .kind = StepKind::kInvalidation,
      .invalidation = {.kind = InvalidationKind::kInvlpg, .second = 0x1000}};
  EXPECT_EQ(DecodeCase(bytes), c);
  EXPECT_EQ(EncodeCase(c), InCurrentVersion(bytes));
}

// What version 5 adds, as it is and stays.
TEST(EncodingTest, VersionFiveHasProcessorsThatComeInBetween) {
  Bytes bytes = EncodeCase(DecodeCase({}));
  bytes[0] = 5;
  const Bytes record = FromHex(
      // 2^51 bytes are protected; before the first and the third store.
      "08 07 00000000000b 0000000000000000 3500000000000000");
  bytes.insert(bytes.end(), record.begin(), record.end());
  Case c = DecodeCase({});
  c.steps.resize(1);
  c.steps[0].kind = StepKind::kTableOperation;
  c.steps[0].operation = {.kind = TableOperationKind::kProtectRegion,
                          .meanwhile = 5,
                          .bytes = std::uint64_t{1} << 51,
                          .flags = 0x35};
  EXPECT_EQ(DecodeCase(bytes), c);
  EXPECT_EQ(EncodeCase(c), InCurrentVersion(bytes));
  // Up to version 4 what stands there now stood for nothing.
  bytes[0] = 4;
  c.steps[0].operation.meanwhile = 0;
  EXPECT_EQ(DecodeCase(bytes), c);
}

// What version 6 adds, as it is and stays.
TEST(EncodingTest, VersionSixHasOperationsThatRunBesideOthers) {
  Bytes bytes = EncodeCase(DecodeCase({}));
  bytes[0] = 6;
  const Bytes record = FromHex(
      // The page at 0 is unmapped, and beside that 2^51 bytes are protected.
      "08 01 000000000000 0000000000000000 0000000000000000"
      "18 07 00000000000b 0000000000000000 3500000000000000");
  bytes.insert(bytes.end(), record.begin(), record.end());
  Case c = DecodeCase({});
  c.steps.resize(2);
  for (Step& step : c.steps) step.kind = StepKind::kTableOperation;
  c.steps[0].operation = {.kind = TableOperationKind::kUnmap};
  c.steps[1].processor = 1;
  c.steps[1].operation = {.kind = TableOperationKind::kProtectRegion,
                          .meanwhile = 5,
                          .bytes = std::uint64_t{1} << 51,
                          .flags = 0x35};
  EXPECT_EQ(DecodeCase(bytes), c);
  EXPECT_EQ(EncodeCase(c), InCurrentVersion(bytes));
  // Up to version 5 they did not.
  bytes[0] = 5;
  c.steps[1].processor = 0;
  EXPECT_EQ(DecodeCase(bytes), c);
}

// What version 7 adds, as it is and stays.
TEST(EncodingTest, VersionSevenHasLogsOfWhatIsWritten) {
  Bytes bytes = EncodeCase(DecodeCase({}));
  bytes[0] = 7;
  const Bytes record = FromHex(
      // It is logged, and then told and cleared of 4096 bytes at 2000H.
      "08 0a 000000000000 0000000000000000 0000000000000000"
      "08 0d 020000000000 0020000000000000 0000000000000000");
  bytes.insert(bytes.end(), record.begin(), record.end());
  Case c = DecodeCase({});
  c.steps.resize(2);
  for (Step& step : c.steps) step.kind = StepKind::kTableOperation;
  c.steps[0].operation = {.kind = TableOperationKind::kLogOn};
  c.steps[1].operation = {.kind = TableOperationKind::kLogClear,
                          .gpa = Gpa{0x2000},
                          .bytes = 0x1000};
  EXPECT_EQ(DecodeCase(bytes), c);
  EXPECT_EQ(EncodeCase(c), InCurrentVersion(bytes));
  // Up to version 6 there were ten kinds.
  bytes[0] = 6;
  c.steps[0].operation.kind = TableOperationKind::kMap;
  c.steps[1].operation = {.kind = TableOperationKind::kProtect,
                          .gpa = Gpa{0x2000}};
  EXPECT_EQ(DecodeCase(bytes), c);
}

// What version 8 adds, as it is and stays.
TEST(EncodingTest, VersionEightHasSeveralTables) {
  Bytes bytes = EncodeCase(DecodeCase({}));
  ASSERT_EQ(bytes[0], 8);
  const Bytes record = FromHex(
      // The page at 0 is unmapped in the fourth table, 4096 bytes at 2000H in
      // all of them.
      "08 c1 000000000000 0000000000000000 0000000000000000"
      "48 06 020000000000 0020000000000000 0000000000000000");
  bytes.insert(bytes.end(), record.begin(), record.end());
  Case c = DecodeCase({});
  c.steps.resize(2);
  for (Step& step : c.steps) step.kind = StepKind::kTableOperation;
  c.steps[0].operation = {.kind = TableOperationKind::kUnmap, .view = 3};
  c.steps[1].operation = {.kind = TableOperationKind::kUnmapRegion,
                          .view = kAllViews,
                          .gpa = Gpa{0x2000},
                          .bytes = 0x1000};
  EXPECT_EQ(DecodeCase(bytes), c);
  EXPECT_EQ(EncodeCase(c), bytes);
  // Up to version 7 there was one.
  bytes[0] = 7;
  for (Step& step : c.steps) step.operation.view = 0;
  EXPECT_EQ(DecodeCase(bytes), c);
}

}  // namespace
}  // namespace eptdiff
