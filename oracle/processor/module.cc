#include "oracle/processor/module.h"

#include <cstring>

namespace eptdiff {
namespace {

constexpr char kMagic[] = "EPTDIFFM";
constexpr std::size_t kMagicBytes = 8;
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kCountAt = 12;
constexpr std::size_t kSizeAt = 16;
constexpr std::size_t kSumAt = 24;
constexpr std::size_t kRecordsAt = 32;
constexpr std::size_t kRecordHead = 8;  // the two lengths

using Bytes = std::span<const std::uint8_t>;

std::uint64_t LoadNumber(Bytes bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}

void StoreNumber(std::uint64_t value, std::size_t at, std::size_t size,
                 std::vector<std::uint8_t>& bytes) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

std::uint64_t SumOf(Bytes bytes) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) {
    sum = (sum ^ byte) * 0x100000001b3;
  }
  return sum;
}

constexpr std::size_t Padded(std::size_t bytes) { return (bytes + 7) & ~7ull; }

// Takes one record from the front of `rest`; false if it is not whole.
bool TakeRecord(Bytes& rest, ModuleCase& record) {
  if (rest.size() < kRecordHead) return false;
  const std::uint64_t name = LoadNumber(rest, 0, 4);
  const std::uint64_t bytes = LoadNumber(rest, 4, 4);
  const std::uint64_t whole = Padded(kRecordHead + name + bytes);
  if (whole > rest.size()) return false;
  record.name = {reinterpret_cast<const char*>(rest.data()) + kRecordHead,
                 static_cast<std::size_t>(name)};
  record.bytes = rest.subspan(kRecordHead + name, bytes);
  rest = rest.subspan(whole);
  return true;
}

}  // namespace

std::string_view WordsOf(ModuleTrouble trouble) {
  switch (trouble) {
    case ModuleTrouble::kNone:
      return "a module of cases";
    case ModuleTrouble::kNotAModule:
      return "this is no module of cases";
    case ModuleTrouble::kOtherVersion:
      return "the module of cases has another version than this program";
    case ModuleTrouble::kCutShort:
      return "the module of cases is cut short";
    case ModuleTrouble::kDamaged:
      return "the module of cases is damaged";
  }
  return "";
}

std::vector<std::uint8_t> WriteModule(std::span<const ModuleCase> cases) {
  std::size_t size = kRecordsAt;
  for (const ModuleCase& c : cases) {
    size += Padded(kRecordHead + c.name.size() + c.bytes.size());
  }
  std::vector<std::uint8_t> bytes(size);
  std::memcpy(bytes.data(), kMagic, kMagicBytes);
  StoreNumber(kModuleVersion, kVersionAt, 4, bytes);
  StoreNumber(cases.size(), kCountAt, 4, bytes);
  StoreNumber(size, kSizeAt, 8, bytes);
  std::size_t at = kRecordsAt;
  for (const ModuleCase& c : cases) {
    StoreNumber(c.name.size(), at, 4, bytes);
    StoreNumber(c.bytes.size(), at + 4, 4, bytes);
    std::uint8_t* const to = bytes.data() + at + kRecordHead;
    if (!c.name.empty()) std::memcpy(to, c.name.data(), c.name.size());
    if (!c.bytes.empty()) {
      std::memcpy(to + c.name.size(), c.bytes.data(), c.bytes.size());
    }
    at += Padded(kRecordHead + c.name.size() + c.bytes.size());
  }
  StoreNumber(SumOf(Bytes(bytes).subspan(kRecordsAt)), kSumAt, 8, bytes);
  return bytes;
}

ModuleTrouble Module::Open(std::span<const std::uint8_t> bytes) {
  records_ = rest_ = {};
  size_ = 0;
  if (bytes.size() < kRecordsAt) {
    const std::size_t known =
        bytes.size() < kMagicBytes ? bytes.size() : kMagicBytes;
    return known != 0 && std::memcmp(bytes.data(), kMagic, known) == 0
               ? ModuleTrouble::kCutShort
               : ModuleTrouble::kNotAModule;
  }
  if (std::memcmp(bytes.data(), kMagic, kMagicBytes) != 0) {
    return ModuleTrouble::kNotAModule;
  }
  if (LoadNumber(bytes, kVersionAt, 4) != kModuleVersion) {
    return ModuleTrouble::kOtherVersion;
  }
  const std::uint64_t size = LoadNumber(bytes, kSizeAt, 8);
  if (size < kRecordsAt) return ModuleTrouble::kDamaged;
  if (size > bytes.size()) return ModuleTrouble::kCutShort;
  const Bytes records = bytes.subspan(kRecordsAt, size - kRecordsAt);
  if (SumOf(records) != LoadNumber(bytes, kSumAt, 8)) {
    return ModuleTrouble::kDamaged;
  }
  const std::uint64_t count = LoadNumber(bytes, kCountAt, 4);
  Bytes rest = records;
  ModuleCase record;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!TakeRecord(rest, record)) return ModuleTrouble::kDamaged;
  }
  if (!rest.empty()) return ModuleTrouble::kDamaged;
  records_ = rest_ = records;
  size_ = static_cast<std::size_t>(count);
  return ModuleTrouble::kNone;
}

bool Module::Next(ModuleCase& next) { return TakeRecord(rest_, next); }

void Module::Rewind() { rest_ = records_; }

}  // namespace eptdiff
