#include "fuzzers/command/decode/decoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace eptdiff {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// The field that begins at bit `low`.
DecodedField At(const Decoding& decoding, int low) {
  for (const DecodedField& field : decoding.fields) {
    if (field.low == low) return field;
  }
  ADD_FAILURE() << "no field at bit " << low << " of " << decoding.what;
  return {};
}

// The number that people ask about most: a guest table that EPT does not map.
TEST(DecodeQualificationTest, AWalkThatMetAnAbsentPageIsToldAsOne) {
  const Decoding decoding = DecodeQualification(0x83, {});
  EXPECT_THAT(decoding.wrong, IsEmpty());
  EXPECT_THAT(decoding.summary,
              AllOf(HasSubstr("the processor's own access to a guest "
                              "paging-structure entry"),
                    HasSubstr("counts as a write"),
                    HasSubstr("EPT allows nothing there")));
  EXPECT_EQ(At(decoding, 7).words, "GLA valid");
  EXPECT_THAT(At(decoding, 7).source, HasSubstr("QUAL-7"));
}

TEST(DecodeQualificationTest, TheMissingRightIsNamed) {
  const Decoding decoding = DecodeQualification(0x1aa, {});
  EXPECT_THAT(decoding.summary,
              AllOf(HasSubstr("a data write at what the guest-linear address"),
                    HasSubstr("readable, executable"),
                    HasSubstr("write permission is missing (VIO-3)")));
}

// What is not known is left open, and what is known narrows it.
TEST(DecodeQualificationTest, UndefinedBitsSayWhy) {
  EXPECT_THAT(At(DecodeQualification(0x181, {}), 6).open, HasSubstr("--mbec"));
  DecodeContext context;
  context.mbec = true;
  EXPECT_EQ(At(DecodeQualification(0x1c1, context), 6).open, "");
  EXPECT_THAT(At(DecodeQualification(0x181, {}), 9).open,
              HasSubstr("--capabilities"));
  EXPECT_THAT(At(DecodeQualification(0x81, {}), 9).open,
              HasSubstr("bits 7 and 8"));
  context.capabilities = std::uint64_t{1} << 22;
  EXPECT_EQ(At(DecodeQualification(0x381, context), 9).open, "");
}

TEST(DecodeQualificationTest, WhatCannotBeIsSaid) {
  EXPECT_THAT(DecodeQualification(0x180, {}).wrong,
              Contains(HasSubstr("bits 2:0")));
  EXPECT_THAT(DecodeQualification(0x5, {}).wrong,
              Contains(HasSubstr("a fetch is neither")));
  EXPECT_THAT(DecodeQualification(0x191, {}).wrong,
              Contains(HasSubstr("bit 4 without bit 3")));
  EXPECT_THAT(DecodeQualification(0x101, {}).wrong,
              Contains(HasSubstr("bit 8 without bit 7")));
}

TEST(DecodeQualificationTest, OtherExitsHaveOtherBits) {
  DecodeContext context;
  context.reason = 49;
  EXPECT_THAT(DecodeQualification(0, context).wrong, IsEmpty());
  EXPECT_THAT(DecodeQualification(0x83, context).wrong, SizeIs(1));
  context.reason = 62;
  EXPECT_THAT(DecodeQualification(0, context).summary, HasSubstr("no room"));
  context.reason = 66;
  EXPECT_THAT(At(DecodeQualification(1 << 11, context), 11).words,
              HasSubstr("SPP miss"));
  EXPECT_THAT(At(DecodeQualification(0, context), 11).words,
              HasSubstr("misconfiguration"));
}

// A rule that the reference has is what is told, at every level.
TEST(DecodeEntryTest, TheRuleThatItBreaksIsNamed) {
  struct Expected {
    std::uint64_t entry;
    int level;
    const char* rule;
  };
  for (const auto& [entry, level, rule] : {
           Expected{0x2010b1, 2, "CFG-9"},
           Expected{0x400010b7, 3, "CFG-8"},
           Expected{0x2002, 1, "CFG-1"},
           Expected{0x202f, 4, "CFG-5"},
           Expected{0x2017, 2, "CFG-6"},
           Expected{0x201f, 1, "CFG-11"},
       }) {
    DecodeContext context;
    context.level = level;
    const Decoding decoding = DecodeEntry(entry, context);
    EXPECT_THAT(decoding.wrong, Contains(HasSubstr(rule))) << entry;
  }
}

TEST(DecodeEntryTest, WhatIsRightHasNothingWrong) {
  DecodeContext context;
  for (const auto& [entry, level] :
       {std::pair(0x9037, 1), std::pair(0x2000b1, 2), std::pair(0x3007, 5),
        std::pair(0, 1)}) {
    context.level = level;
    EXPECT_THAT(DecodeEntry(static_cast<std::uint64_t>(entry), context).wrong,
                IsEmpty())
        << entry;
  }
}

TEST(DecodeEntryTest, ContextNarrows) {
  DecodeContext context;
  constexpr std::uint64_t kBeyond = (std::uint64_t{1} << 46) | 0x9037;
  EXPECT_THAT(DecodeEntry(kBeyond, context).wrong, IsEmpty());
  context.maxphyaddr = 46;
  EXPECT_THAT(DecodeEntry(kBeyond, context).wrong,
              Contains(HasSubstr("CFG-10")));
  context.capabilities = 0x6334140;  // no execute-only
  EXPECT_THAT(DecodeEntry(0x9034, context).wrong, Contains(HasSubstr("CFG-2")));
}

TEST(DecodeEptpTest, WhatVmEntryRefusesIsNamed) {
  EXPECT_THAT(DecodeEptp(0x101e, {}).wrong, IsEmpty());
  EXPECT_THAT(DecodeEptp(0x101e, {}).summary, HasSubstr("WB, 4 levels"));
  EXPECT_THAT(DecodeEptp(0x1018, {}).wrong, IsEmpty());
  EXPECT_THAT(DecodeEptp(0x101b, {}).wrong, Contains(HasSubstr("EPTP-1")));
  EXPECT_THAT(DecodeEptp(0x1016, {}).wrong, Contains(HasSubstr("EPTP-2")));
  EXPECT_THAT(DecodeEptp(0x111e, {}).wrong, Contains(HasSubstr("EPTP-5")));
  EXPECT_THAT(DecodeInvept(0x101b, {}).wrong,
              Contains(AllOf(HasSubstr("CACHE-13"), HasSubstr("EPTP-1"))));
}

TEST(DecodeControlsTest, BitsHaveTheirNames) {
  EXPECT_THAT(DecodeSecondary(0x2, {}).summary, HasSubstr("enable EPT"));
  EXPECT_THAT(DecodeSecondary(0x20000, {}).wrong,
              Contains(AllOf(HasSubstr("enable PML"), HasSubstr("CTL-1"))));
  EXPECT_THAT(DecodeSecondary(1u << 29, {}).wrong,
              Contains(HasSubstr("reserved bits set: 29")));
  EXPECT_THAT(DecodePrimary(0x80006172, {}).wrong, IsEmpty());
  EXPECT_THAT(DecodeTertiary(0x2, {}).summary, HasSubstr("enable HLAT"));
  EXPECT_THAT(DecodePin(0x3f, {}).summary, HasSubstr("virtual NMIs"));
  EXPECT_THAT(DecodeCapabilities(0x6334141, {}).wrong, IsEmpty());
  EXPECT_THAT(DecodeCapabilities(0x2, {}).wrong, SizeIs(1));
}

TEST(DecodeRegistersTest, ErrorCodesAndPatAreTold) {
  EXPECT_THAT(DecodeErrorCode(0x7, {}).summary,
              HasSubstr("a write by a user-mode access, that the rights"));
  EXPECT_THAT(DecodeErrorCode(0x8, {}).wrong, SizeIs(1));
  EXPECT_THAT(DecodeErrorCode(0x12, {}).wrong, SizeIs(1));
  EXPECT_THAT(DecodePat(0x0007040600070406, {}).summary,
              HasSubstr("PA0 WB, PA1 WT, PA2 UC-, PA3 UC"));
  EXPECT_THAT(DecodePat(0x2, {}).wrong, Contains(HasSubstr("PA0")));
}

// Of the numbers in the headings above, each is taken for what it is.
TEST(DecodersTest, ANumberAloneSuggestsWhatItMayBe) {
  const auto may_be = [](std::uint64_t value) {
    std::string names;
    for (const Decoder& decoder : Decoders()) {
      if (decoder.plausible(value)) names += std::string(decoder.name) + " ";
    }
    return names;
  };
  EXPECT_THAT(may_be(0x83), HasSubstr("qualification"));
  EXPECT_THAT(may_be(0x10005e), HasSubstr("eptp"));
  EXPECT_THAT(may_be(0xf0106734141), HasSubstr("capabilities"));
  EXPECT_THAT(may_be(0x0007040600070406), HasSubstr("pat"));
  EXPECT_THAT(may_be(0x123456037),
              AllOf(HasSubstr("entry"), Not(HasSubstr("qualification"))));
}

TEST(DecodingTest, TextBeginsWithWhatIsWrongAndJsonHasTheSame) {
  DecodeContext context;
  context.level = 2;
  const Decoding decoding = DecodeEntry(0x2010b1, context);
  const std::string text = DecodingText(decoding);
  EXPECT_LT(text.find("WRONG: EPT misconfiguration: CFG-9"),
            text.find("2-MByte page"));
  const std::string json = DecodingJson(decoding);
  EXPECT_THAT(json, AllOf(HasSubstr("\"value\": \"0x2010b1\""),
                          HasSubstr("CFG-9"), HasSubstr("\"bits\": \"5:3\"")));
  for (const DecodedField& field : decoding.fields) {
    EXPECT_THAT(text, HasSubstr(field.words.substr(0, 8)));
  }
}

}  // namespace
}  // namespace eptdiff
