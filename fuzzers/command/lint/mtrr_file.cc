#include "fuzzers/command/lint/mtrr_file.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kValid = 1 << 11;         // of PHYSMASK
constexpr std::uint64_t kFlags = 0xfff;           // of PHYSMASK: no address
constexpr std::uint64_t kEnabled = 1 << 11;       // of DEF_TYPE
constexpr std::uint64_t kFixedEnabled = 1 << 10;  // of DEF_TYPE
constexpr std::uint64_t kFixedThere = 1 << 8;     // of MTRRCAP

std::optional<std::uint64_t> HexadecimalIn(absl::string_view word) {
  std::uint64_t value;
  if (word.empty() || !absl::ascii_isxdigit(word[0]) ||
      !absl::SimpleHexAtoi(word, &value)) {
    return std::nullopt;
  }
  return value;
}

// Linux's words. None for what is no type.
std::optional<std::uint64_t> TypeIn(absl::string_view words) {
  static constexpr std::pair<absl::string_view, std::uint64_t> kTypes[] = {
      {"uncachable", 0},    {"uncacheable", 0},   {"write-combining", 1},
      {"write-through", 4}, {"write-protect", 5}, {"write-back", 6}};
  for (const auto& [name, type] : kTypes) {
    if (words == name) return type;
  }
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(std::optional<unsigned> maxphyaddr)
      : maxphyaddr_(maxphyaddr) {}

  // kInvalidArgument for a line that is about MTRRs and makes no sense.
  absl::Status Read(absl::string_view line) {
    // Before what Linux prints: "[    0.000000] ", or a date.
    if (const std::size_t end = line.find("] ");
        end != line.npos && line.substr(0, end).find('[') != line.npos) {
      line.remove_prefix(end + 2);
    }
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    words_ =
        absl::StrSplit(line, absl::ByAnyChar(" \t:=,()"), absl::SkipEmpty());
    if (words_.empty()) return absl::OkStatus();
    if (line.substr(0, 3) == "reg" && words_.size() > 2 &&
        words_[1] == "base") {
      return ReadProc();
    }
    if (absl::StrContains(line, "MTRR")) part_ = Part::kNone;
    if (absl::ConsumePrefix(&line, "MTRR default type: ")) {
      return SetDefault(line);
    }
    if (absl::StartsWith(line, "MTRR fixed ranges")) {
      part_ = Part::kFixed;
      if (words_.back() == "enabled") mtrrs_.def_type |= kFixedEnabled;
      mtrrs_.cap |= kFixedThere;
      return absl::OkStatus();
    }
    if (absl::StartsWith(line, "MTRR variable ranges")) {
      part_ = Part::kVariable;
      if (words_.back() == "enabled") mtrrs_.def_type |= kEnabled;
      return absl::OkStatus();
    }
    if (part_ == Part::kFixed) return ReadFixedRange();
    if (part_ == Part::kVariable) return ReadVariableRange();
    return ReadRegisters();
  }

  absl::StatusOr<GivenMtrrs> Finish() && {
    if (!any_) {
      return absl::InvalidArgumentError(
          "no line of it is about MTRRs: Linux's \"MTRR default type: ...\", "
          "/proc/mtrr, or registers as in \"IA32_MTRR_DEF_TYPE 0xc06\"");
    }
    GivenMtrrs given;
    std::uint64_t masks = 0;
    std::size_t valid = 0;
    for (const VariableMtrr& range : mtrrs_.variable) {
      masks |= range.mask;
      valid += (range.mask & kValid) != 0 ? 1 : 0;
    }
    mtrrs_.maxphyaddr =
        static_cast<std::uint8_t>(maxphyaddr_.value_or(std::clamp<unsigned>(
            static_cast<unsigned>(std::bit_width(masks)), 36, 52)));
    if (from_proc_) FinishProc(given);
    if ((mtrrs_.cap & 0xff) == 0) mtrrs_.cap |= kVariableMtrrs;
    if (!has_default_ && !from_proc_) {
      return absl::InvalidArgumentError(
          "it does not say the default type (IA32_MTRR_DEF_TYPE)");
    }
    if (absl::Status s = CheckMasks(); !s.ok()) return s;
    given.words = absl::StrCat(
        (mtrrs_.def_type & kEnabled) != 0 ? "" : "not enabled; ",
        Counted(valid, "variable range"),
        (mtrrs_.def_type & kFixedEnabled) != 0 ? ", fixed ranges" : "", "; ",
        MemoryTypeWords(mtrrs_.def_type & 0xff), " elsewhere");
    given.mtrrs = mtrrs_;
    return given;
  }

 private:
  enum class Part { kNone, kFixed, kVariable };

  static absl::Status Bad(const std::string& what) {
    return absl::InvalidArgumentError(what);
  }

  // 12.11.4 asks for masks without a gap. One may be of another MAXPHYADDR.
  absl::Status CheckMasks() const {
    const std::uint64_t width =
        (std::uint64_t{1} << mtrrs_.maxphyaddr) - 0x1000;
    for (std::size_t i = 0; i < kVariableMtrrs; ++i) {
      if ((mtrrs_.variable[i].mask & kValid) == 0) continue;
      const std::uint64_t mask = mtrrs_.variable[i].mask & ~kFlags;
      const std::uint64_t below = (mask & -mask) - 0x1000;
      if (mask != 0 && (mask | below) == width) continue;
      return Bad(absl::StrCat("the mask of variable range ", i, ", ",
                              Hexadecimal(mask),
                              ", is none with a MAXPHYADDR of ",
                              mtrrs_.maxphyaddr, " (--maxphyaddr)"));
    }
    return absl::OkStatus();
  }

  absl::Status SetDefault(absl::string_view words) {
    const auto type = TypeIn(words);
    if (!type) return Bad("a default type that is none");
    mtrrs_.def_type = (mtrrs_.def_type & ~std::uint64_t{0xff}) | *type;
    // Linux prints it of MTRRs that are on.
    mtrrs_.def_type |= kEnabled;
    has_default_ = any_ = true;
    return absl::OkStatus();
  }

  // "00000-9FFFF write-back".
  absl::Status ReadFixedRange() {
    const std::vector<std::string> ends = absl::StrSplit(words_[0], '-');
    const auto type = words_.size() == 2 ? TypeIn(words_[1]) : std::nullopt;
    if (ends.size() != 2 || !type) {
      part_ = Part::kNone;  // another message
      return absl::OkStatus();
    }
    const auto first = HexadecimalIn(ends[0]);
    const auto last = HexadecimalIn(ends[1]);
    if (!first || !last) return Bad("a fixed range that is none");
    for (std::size_t i = 0; i < kFixedMtrrs; ++i) {
      for (unsigned field = 0; field < 8; ++field) {
        const std::uint64_t at =
            kFixedRegisters[i].begin + field * kFixedRegisters[i].field;
        if (at < *first || at > *last) continue;
        mtrrs_.fixed[i] &= ~(std::uint64_t{0xff} << 8 * field);
        mtrrs_.fixed[i] |= *type << 8 * field;
      }
    }
    any_ = true;
    return absl::OkStatus();
  }

  // "0 base 0080000000 mask 7F80000000 uncachable", "1 disabled".
  absl::Status ReadVariableRange() {
    std::size_t number;
    if (!absl::SimpleAtoi(words_[0], &number) || words_.size() < 2) {
      part_ = Part::kNone;
      return absl::OkStatus();
    }
    if (words_[1] == "disabled") return absl::OkStatus();
    if (words_.size() != 6 || words_[1] != "base" || words_[3] != "mask") {
      part_ = Part::kNone;
      return absl::OkStatus();
    }
    const auto base = HexadecimalIn(words_[2]);
    const auto mask = HexadecimalIn(words_[4]);
    const auto type = TypeIn(words_[5]);
    if (number >= kVariableMtrrs || !base || !mask || !type) {
      return Bad("a variable range that is none");
    }
    mtrrs_.variable[number] = {*base | *type, *mask | kValid};
    any_ = true;
    return absl::OkStatus();
  }

  // "reg01: base=0x080000000 ( 2048MB), size= 2048MB, count=1: uncachable".
  absl::Status ReadProc() {
    std::size_t number;
    std::optional<std::uint64_t> base;
    std::uint64_t bytes = 0;
    if (!absl::SimpleAtoi(words_[0].substr(3), &number) ||
        number >= kVariableMtrrs) {
      return Bad("a register that is none");
    }
    for (std::size_t i = 1; i + 1 < words_.size(); ++i) {
      if (words_[i] == "base") base = HexadecimalIn(words_[i + 1]);
      if (words_[i] != "size") continue;
      absl::string_view size = words_[i + 1];
      const std::uint64_t unit = absl::ConsumeSuffix(&size, "MB")   ? 1 << 20
                                 : absl::ConsumeSuffix(&size, "KB") ? 1 << 10
                                                                    : 0;
      if (!absl::SimpleAtoi(size, &bytes)) return Bad("a size that is none");
      bytes *= unit;
    }
    const auto type = TypeIn(words_.back());
    if (!base || !type || !std::has_single_bit(bytes) || bytes < 0x1000) {
      return Bad("a range that is none");
    }
    // The mask waits for MAXPHYADDR.
    mtrrs_.variable[number] = {*base | *type, bytes};
    from_proc_ = any_ = true;
    return absl::OkStatus();
  }

  void FinishProc(GivenMtrrs& given) {
    bool any_write_back = false;
    std::uint64_t highest = 0;
    for (const VariableMtrr& range : mtrrs_.variable) {
      any_write_back |= range.mask != 0 && (range.base & 7) == 6;
      highest = std::max(highest, (range.base & ~std::uint64_t{0xfff}) +
                                      (range.mask == 0 ? 0 : range.mask - 1));
    }
    if (!maxphyaddr_) {
      mtrrs_.maxphyaddr = static_cast<std::uint8_t>(std::clamp<unsigned>(
          static_cast<unsigned>(std::bit_width(highest)), 46, 52));
    }
    for (VariableMtrr& range : mtrrs_.variable) {
      if (range.mask == 0) continue;
      range.mask =
          (((std::uint64_t{1} << mtrrs_.maxphyaddr) - 1) & ~(range.mask - 1)) |
          kValid;
    }
    mtrrs_.def_type |= kEnabled;
    if (has_default_) return;
    // It has no other place for the type of all else.
    if (!any_write_back) mtrrs_.def_type |= 6;
    given.assumed.push_back(absl::StrCat(
        "the MTRRs' default type is ", MemoryTypeWords(mtrrs_.def_type & 0xff),
        ", and no fixed ranges: /proc/mtrr does not say"));
  }

  // Where the register goes; null for one that has nothing to do with MTRRs.
  std::uint64_t* RegisterOf(absl::string_view word) {
    std::string name = absl::AsciiStrToUpper(word);
    absl::string_view rest = name;
    absl::ConsumePrefix(&rest, "IA32_");
    absl::ConsumePrefix(&rest, "MSR_");
    // Of bare numbers a log is full.
    std::optional<std::uint64_t> number;
    if (absl::StartsWith(rest, "0X")) number = HexadecimalIn(rest);
    if (rest == "MTRRCAP" || number == 0xfe) return &mtrrs_.cap;
    absl::ConsumePrefix(&rest, "MTRR_");
    if (rest == "DEF_TYPE" || number == 0x2ff) {
      has_default_ = true;
      return &mtrrs_.def_type;
    }
    for (std::size_t i = 0; i < kFixedMtrrs; ++i) {
      if (rest == kFixedRegisters[i].name || number == kFixedRegisters[i].msr) {
        return &mtrrs_.fixed[i];
      }
    }
    std::size_t index;
    if (number && *number >= 0x200 && *number < 0x200 + 2 * kVariableMtrrs) {
      VariableMtrr& range = mtrrs_.variable[(*number - 0x200) / 2];
      return *number % 2 == 0 ? &range.base : &range.mask;
    }
    for (const bool is_base : {true, false}) {
      absl::string_view which = rest;
      if (absl::ConsumePrefix(&which, is_base ? "PHYSBASE" : "PHYSMASK") &&
          absl::SimpleAtoi(which, &index) && index < kVariableMtrrs) {
        VariableMtrr& range = mtrrs_.variable[index];
        return is_base ? &range.base : &range.mask;
      }
    }
    return nullptr;
  }

  // "IA32_MTRR_PHYSBASE0 0x6  PHYSMASK0 0x3fff80000800", "0x2ff: 0xc06".
  absl::Status ReadRegisters() {
    for (std::size_t i = 0; i + 1 < words_.size(); i += 2) {
      if (words_[i] == "MAXPHYADDR") {
        unsigned bits;
        if (!absl::SimpleAtoi(words_[i + 1], &bits) || bits < 32 || bits > 52) {
          return Bad("MAXPHYADDR is a number from 32 to 52");
        }
        if (!maxphyaddr_) maxphyaddr_ = bits;
        continue;
      }
      std::uint64_t* const target = RegisterOf(words_[i]);
      if (target == nullptr) return absl::OkStatus();
      const auto value = HexadecimalIn(words_[i + 1]);
      if (!value) return Bad("a register whose value is no hexadecimal number");
      *target = *value;
      any_ = true;
    }
    return absl::OkStatus();
  }

  std::optional<unsigned> maxphyaddr_;
  Mtrrs mtrrs_;
  std::vector<std::string> words_;  // of the line
  Part part_ = Part::kNone;
  bool any_ = false;
  bool has_default_ = false;
  bool from_proc_ = false;
};

}  // namespace

absl::StatusOr<GivenMtrrs> ReadMtrrs(absl::string_view text,
                                     std::optional<unsigned> maxphyaddr) {
  Reader reader(maxphyaddr);
  std::size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::Status s = reader.Read(line); !s.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": ", s.message()));
    }
  }
  return std::move(reader).Finish();
}

}  // namespace eptdiff
