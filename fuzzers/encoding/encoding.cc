#include "fuzzers/encoding/encoding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <utility>

#include "fuzzers/encoding/canonical.h"

namespace eptdiff {
namespace {

using Record = std::array<std::uint8_t, kRecordBytes>;

// The tag of a word; that of a step is its kind + 1, with the number of its
// logical processor above. An unknown one folds by a mask of four bits, and if
// it is unknown still by one of three, which is all that version 1 had.
constexpr std::uint8_t kWordTag = 0;
constexpr std::uint8_t kTagMask = 15;
constexpr std::uint8_t kTagMaskOfVersion1 = 7;
constexpr unsigned kProcessorShift = 4;
static_assert(kStepKindCount > kTagMaskOfVersion1 &&
              kStepKindCount <= kTagMask);

constexpr std::uint8_t FoldTag(std::uint8_t tag, std::uint8_t version) {
  if (version == 1) return tag & kTagMaskOfVersion1;
  constexpr int kStepKindsOfVersion3 = 8;
  tag &= kTagMask;
  const int known =
      version == 2 || version == 3 ? kStepKindsOfVersion3 : kStepKindCount;
  return tag <= known ? tag : tag & kTagMaskOfVersion1;
}

// The fields of a record. 8-byte fields stand at 8 and 16.
constexpr std::size_t kTag = 0;
constexpr std::size_t kKind = 1;         // of the access
constexpr std::size_t kSize = 2;         // of the access, in bytes
constexpr std::size_t kAccessFlags = 3;  // 0 implicit, 1 WRUSS,
                                         // 2 asynchronous, 3 PEBS
constexpr std::size_t kPageFlags = 4;    // 0 no GLA, 1 U/S, 2 R/W, 3 XD
constexpr std::size_t kPatIndex = 5;
constexpr std::size_t kSizeAbove = 6;  // bits 12:8 of the size
constexpr std::size_t kNumber = 2;     // 2 bytes: a field of the VMCS
constexpr std::size_t kType = 2;       // of INVEPT and its kin
constexpr std::size_t kFirst = 8;
constexpr std::size_t kSecond = 16;

// Of a table operation: its kind, in bits 5:4 the level of the page less 1, and
// in bits 7:6 the view, of which bit 2 is bit 6 of the tag; from byte 2 to 7
// its size in units of 2048, with the moments at which a processor comes in
// between in the last 7 bits; then the guest-physical address with the failing
// allocation above it; then what the entry of the page would be: address and
// flags, with bit 11 of the address in bit 7.
constexpr std::size_t kOperation = 1;
constexpr std::size_t kUnits = 2;
constexpr std::size_t kUnitsBytes = 6;
constexpr unsigned kViewShift = 6;
constexpr unsigned kMeanwhileShift = 41;
constexpr unsigned kFailingShift = 52;
constexpr std::uint64_t kEntryAddress = 0x000ffffffffff000;
constexpr std::uint64_t kHalfPage = 0x800;
constexpr std::uint64_t kHalfPageInEntry = 0x80;

constexpr int kAccessKindCount = 7;
constexpr int kAccessKindCountOfVersion3 = 6;

// At most 8 bytes, little-endian. Where the machine is, too, it is one load or
// one store; byte by byte the sanitizers would check each.
inline std::uint64_t LoadAt(const std::uint8_t* from, std::size_t bytes) {
  std::uint64_t value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, from, bytes);
  } else {
    for (std::size_t i = 0; i < bytes; ++i) {
      value |= std::uint64_t{from[i]} << (8 * i);
    }
  }
  return value;
}

inline void StoreAt(std::uint8_t* to, std::uint64_t value, std::size_t bytes) {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(to, &value, bytes);
  } else {
    for (std::size_t i = 0; i < bytes; ++i) {
      to[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }
}

// Flags as bits, the first one lowest.
template <typename... Bools>
constexpr std::uint8_t BitsOf(Bools... flags) {
  unsigned bits = 0;
  unsigned shift = 0;
  ((bits |= unsigned{flags} << shift++), ...);
  return static_cast<std::uint8_t>(bits);
}

// The header is described once, in VisitHeader; these two read and write it.
class HeaderReader {
 public:
  explicit HeaderReader(const std::uint8_t* at) : at_(at) {}
  template <std::unsigned_integral T>
  [[gnu::always_inline]] void Number(T& field) {
    field = static_cast<T>(LoadAt(at_, sizeof(T)));
    at_ += sizeof(T);
  }
  template <typename... Bools>
  void Flags(std::size_t bytes, Bools&... flags) {
    std::uint64_t bits = LoadAt(at_, bytes);
    ((flags = (bits & 1) != 0, bits >>= 1), ...);
    at_ += bytes;
  }

 private:
  const std::uint8_t* at_;
};

class HeaderWriter {
 public:
  explicit HeaderWriter(std::uint8_t* at) : at_(at) {}
  template <std::unsigned_integral T>
  [[gnu::always_inline]] void Number(const T& field) {
    StoreAt(at_, field, sizeof(T));
    at_ += sizeof(T);
  }
  template <typename... Bools>
  void Flags(std::size_t bytes, const Bools&... flags) {
    std::uint64_t bits = 0;
    unsigned shift = 0;
    ((bits |= std::uint64_t{flags} << shift++), ...);
    StoreAt(at_, bits, bytes);
    at_ += bytes;
  }

 private:
  std::uint8_t* at_;
};

// The order of the fields is the format. P, C and G are Processor, Controls and
// GuestState, const or not.
template <typename Visitor, typename P, typename C, typename G>
constexpr void VisitHeader(Visitor& v, P& p, C& k, G& g) {
  v.Number(p.maxphyaddr);
  v.Number(p.ept_vpid_cap);
  v.Flags(2, p.ept_violation_ve, p.page_1gb, p.nx, p.pse36, p.smep, p.smap,
          p.pku, p.pks, p.cet_ss, p.la57, p.pcid);
  v.Number(k.pin_based);
  v.Number(k.primary);
  v.Number(k.secondary);
  v.Number(k.tertiary);
  v.Number(k.vm_functions);
  v.Number(k.exception_bitmap);
  v.Number(k.eptp);
  v.Number(k.pml_address);
  v.Number(k.pml_index);
  v.Number(k.spptp);
  v.Number(k.ve_information_address);
  v.Number(k.eptp_list_address);
  v.Number(k.eptp_index);
  v.Number(k.hlatp);
  v.Number(k.hlat_prefix_size);
  v.Number(k.vpid);
  v.Number(g.cr0);
  v.Number(g.cr3);
  v.Number(g.cr4);
  v.Number(g.efer);
  v.Number(g.pat);
  v.Number(g.rflags);
  v.Number(g.pkru);
  v.Number(g.pkrs);
  for (auto& pdpte : g.pdpte) v.Number(pdpte);
  v.Number(g.cpl);
  v.Flags(1, g.cs_l, g.event_delivery, g.nmi_unblocking, g.transactional);
  // Since version 3.
  v.Number(k.entry_controls);
  v.Number(k.exit_controls);
  // Since version 4.
  v.Number(p.keyid_bits);
  v.Number(k.apic_access_address);
  v.Number(k.secondary_exit_controls);
  v.Flags(1, g.busy_shadow_stack);
  v.Number(g.delivered_event);
  v.Number(g.delivered_error_code);
  v.Number(g.instruction_length);
  v.Number(g.interruptibility);
  v.Number(g.pending_debug);
}

// Adds up what the header takes.
struct HeaderMeter {
  template <std::unsigned_integral T>
  constexpr void Number(const T&) {
    bytes += sizeof(T);
  }
  template <typename... Bools>
  constexpr void Flags(std::size_t flag_bytes, const Bools&...) {
    bytes += flag_bytes;
  }
  std::size_t bytes = 0;
};
constexpr std::size_t MeasureHeader() {
  const Processor processor;
  const Controls controls;
  const GuestState guest;
  HeaderMeter meter;
  VisitHeader(meter, processor, controls, guest);
  return meter.bytes;
}
static_assert(MeasureHeader() == kHeaderBytes);

constexpr bool IsUpToVersion3(std::uint8_t version) {
  return version >= 1 && version <= 3;
}
constexpr bool IsUpToVersion4(std::uint8_t version) {
  return version >= 1 && version <= 4;
}
constexpr bool IsUpToVersion5(std::uint8_t version) {
  return version >= 1 && version <= 5;
}
constexpr bool IsUpToVersion6(std::uint8_t version) {
  return version >= 1 && version <= 6;
}

constexpr bool IsUpToVersion7(std::uint8_t version) {
  return version >= 1 && version <= 7;
}

void ReadAccess(const std::uint8_t* record, std::uint8_t version,
                Access& access) {
  const bool old = IsUpToVersion3(version);
  access.kind = static_cast<AccessKind>(
      record[kKind] % (old ? kAccessKindCountOfVersion3 : kAccessKindCount));
  // Up to version 3 there were at most 64 bytes.
  constexpr unsigned kSizes = 64;
  const unsigned above = old ? 0 : record[kSizeAbove] & 31u;
  const unsigned size = record[kSize] | above << 8;
  access.size = FoldAccessSize(static_cast<std::uint16_t>(
      old && size > kSizes ? 1 + size % kSizes : size));
  access.pebs = !old && (record[kAccessFlags] & 8) != 0;
  access.implicit_supervisor = (record[kAccessFlags] & 1) != 0;
  access.wruss = (record[kAccessFlags] & 2) != 0;
  access.asynchronous = (record[kAccessFlags] & 4) != 0;
}

void WriteAccess(const Access& access, std::uint8_t* record) {
  record[kKind] = static_cast<std::uint8_t>(access.kind);
  record[kSize] = static_cast<std::uint8_t>(access.size);
  record[kSizeAbove] = static_cast<std::uint8_t>(access.size >> 8);
  record[kAccessFlags] = BitsOf(access.implicit_supervisor, access.wruss,
                                access.asynchronous, access.pebs);
}

void ReadOperation(const std::uint8_t* record, std::uint8_t version,
                   TableOperation& operation) {
  const std::uint64_t first = LoadAt(record + kFirst, 8);
  const std::uint64_t entry = LoadAt(record + kSecond, 8);
  constexpr int kKindsOfVersion6 = 10;
  const int kinds =
      IsUpToVersion6(version) ? kKindsOfVersion6 : kTableOperationKindCount;
  operation.kind =
      static_cast<TableOperationKind>((record[kOperation] & 15) % kinds);
  operation.failing_allocation =
      static_cast<std::uint16_t>(first >> kFailingShift);
  const std::uint64_t units = LoadAt(record + kUnits, kUnitsBytes);
  if (!IsUpToVersion4(version)) {
    operation.meanwhile = static_cast<std::uint8_t>(units >> kMeanwhileShift);
  }
  if (!IsUpToVersion7(version) && !IsAboutLog(operation.kind)) {
    operation.view = FoldView(record[kOperation] >> kViewShift |
                              (record[kTag] >> kViewShift & 1u) << 2);
  }
  const TableOperationFields fields = FieldsOf(operation.kind);
  if (fields.gpa) operation.gpa = Gpa{first & kPhysicalAddressMask};
  if (fields.level) {
    operation.level =
        static_cast<std::uint8_t>(1 + (record[kOperation] >> 4 & 3) % 3);
  }
  if (fields.bytes) {
    operation.bytes = units * kTableOperationUnit & kTableAddressMask;
  }
  if (fields.flags) operation.flags = entry & kTableFlagsMask;
  if (fields.hpa) {
    operation.hpa = Hpa{(entry & kEntryAddress) |
                        ((entry & kHalfPageInEntry) != 0 ? kHalfPage : 0)};
  }
}

void WriteOperation(const TableOperation& operation, std::uint8_t* record) {
  record[kOperation] = static_cast<std::uint8_t>(
      static_cast<unsigned>(operation.kind) | (operation.level - 1u) << 4 |
      (operation.view & 3u) << kViewShift);
  record[kTag] |=
      static_cast<std::uint8_t>((operation.view >> 2 & 1u) << kViewShift);
  StoreAt(record + kUnits,
          operation.bytes / kTableOperationUnit |
              std::uint64_t{operation.meanwhile} << kMeanwhileShift,
          kUnitsBytes);
  StoreAt(record + kFirst,
          operation.gpa.value | std::uint64_t{operation.failing_allocation}
                                    << kFailingShift,
          8);
  const std::uint64_t hpa = operation.hpa.value;
  StoreAt(record + kSecond,
          (hpa & kEntryAddress) | operation.flags |
              ((hpa & kHalfPage) != 0 ? kHalfPageInEntry : 0),
          8);
}

void ReadStep(const std::uint8_t* record, std::uint8_t version, Step& step) {
  const std::uint64_t first = LoadAt(record + kFirst, 8);
  const std::uint64_t second = LoadAt(record + kSecond, 8);
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      ReadAccess(record, version, step.access);
      step.gpa = Gpa{first & kPhysicalAddressMask};
      step.page.gla_valid = (record[kPageFlags] & 1) == 0;
      step.page.gla = Gla{second};
      step.page.user = (record[kPageFlags] & 2) != 0;
      step.page.writable = (record[kPageFlags] & 4) != 0;
      step.page.execute_disable = (record[kPageFlags] & 8) != 0;
      step.page.pat_index = record[kPatIndex] & 7;
      break;
    case StepKind::kLinearAccess:
      ReadAccess(record, version, step.access);
      step.access.pebs = false;  // it has no linear address
      step.gla = Gla{first};
      break;
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      step.gpa = Gpa{first & kPhysicalAddressMask};
      step.page.gla = Gla{second};
      step.page.pat_index = record[kPatIndex] & 7;
      break;
    case StepKind::kPdpteLoad:
      break;
    case StepKind::kStore:
      step.hpa = Hpa{first & kWordAddressMask};
      step.value = second;
      break;
    case StepKind::kEptpSwitch:
      step.index = static_cast<std::uint32_t>(first);
      if (!IsUpToVersion3(version)) step.value = second & 0xffffffff;
      break;
    case StepKind::kTableOperation:
      ReadOperation(record, version, step.operation);
      break;
    case StepKind::kRegisterWrite:
      step.reg =
          static_cast<GuestRegister>(record[kKind] % kGuestRegisterCount);
      step.value = first;
      break;
    case StepKind::kVmEntry:
      step.index = static_cast<std::uint32_t>(LoadAt(record + kNumber, 2));
      step.value = first;
      break;
    case StepKind::kInvalidation:
      step.invalidation.kind =
          static_cast<InvalidationKind>(record[kKind] % kInvalidationKindCount);
      step.invalidation.second = second;
      if (step.invalidation.kind == InvalidationKind::kInvlpg) break;
      step.invalidation.type = record[kType];
      step.invalidation.first = first;
      break;
  }
}

void WriteStep(const Step& step, std::uint8_t* record) {
  record[kTag] = static_cast<std::uint8_t>(
      (static_cast<unsigned>(step.kind) + 1) |
      static_cast<unsigned>(step.processor) << kProcessorShift);
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      WriteAccess(step.access, record);
      record[kPageFlags] =
          BitsOf(!step.page.gla_valid, step.page.user, step.page.writable,
                 step.page.execute_disable);
      record[kPatIndex] = step.page.pat_index;
      StoreAt(record + kFirst, step.gpa.value, 8);
      StoreAt(record + kSecond, step.page.gla.value, 8);
      break;
    case StepKind::kLinearAccess:
      WriteAccess(step.access, record);
      StoreAt(record + kFirst, step.gla.value, 8);
      break;
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      record[kPatIndex] = step.page.pat_index;
      StoreAt(record + kFirst, step.gpa.value, 8);
      StoreAt(record + kSecond, step.page.gla.value, 8);
      break;
    case StepKind::kPdpteLoad:
      break;
    case StepKind::kStore:
      StoreAt(record + kFirst, step.hpa.value, 8);
      StoreAt(record + kSecond, step.value, 8);
      break;
    case StepKind::kEptpSwitch:
      StoreAt(record + kFirst, step.index, 4);
      StoreAt(record + kSecond, step.value, 4);
      break;
    case StepKind::kTableOperation:
      WriteOperation(step.operation, record);
      break;
    case StepKind::kRegisterWrite:
      record[kKind] = static_cast<std::uint8_t>(step.reg);
      StoreAt(record + kFirst, step.value, 8);
      break;
    case StepKind::kVmEntry:
      StoreAt(record + kNumber, step.index, 2);
      StoreAt(record + kFirst, step.value, 8);
      break;
    case StepKind::kInvalidation:
      record[kKind] = static_cast<std::uint8_t>(step.invalidation.kind);
      record[kType] = step.invalidation.type;
      StoreAt(record + kFirst, step.invalidation.first, 8);
      StoreAt(record + kSecond, step.invalidation.second, 8);
      break;
  }
}

void DecodeRecord(const std::uint8_t* record, std::uint8_t version, Case& c) {
  const std::uint8_t tag = FoldTag(record[kTag], version);
  if (tag == kWordTag) {
    MemoryWord& word = c.memory.emplace_back();
    word.address = Hpa{LoadAt(record + kFirst, 8) & kWordAddressMask};
    word.value = LoadAt(record + kSecond, 8);
  } else {
    Step& step = c.steps.emplace_back();
    step.kind = static_cast<StepKind>(tag - 1);
    const std::uint8_t processor = record[kTag] >> kProcessorShift & 3;
    if (step.kind == StepKind::kTableOperation) {
      if (!IsUpToVersion5(version)) step.processor = processor != 0;
    } else if (!IsUpToVersion3(version) && step.kind != StepKind::kStore) {
      step.processor = processor;
    }
    ReadStep(record, version, step);
  }
}

// Where the records of an encoding of this version begin.
constexpr std::size_t RecordsOffsetOf(std::uint8_t version) {
  switch (version) {
    case 1:
    case 2:
      return kHeaderOffset + kHeaderBytesOfVersion2;
    case 3:
      return kHeaderOffset + kHeaderBytesOfVersion3;
    default:
      return kRecordsOffset;
  }
}

// `bytes` end where the records begin, or before.
void DecodeHeader(std::span<const std::uint8_t> bytes, Case& c) {
  std::array<std::uint8_t, kHeaderBytes> padded = {};
  const std::uint8_t* header = padded.data();
  if (bytes.size() >= kRecordsOffset) {
    header = bytes.data() + kHeaderOffset;
  } else if (bytes.size() > kHeaderOffset) {
    std::memcpy(padded.data(), bytes.data() + kHeaderOffset,
                bytes.size() - kHeaderOffset);
  }
  HeaderReader reader(header);
  VisitHeader(reader, c.processor, c.controls, c.guest);
  c.processor.maxphyaddr = FoldMaxphyaddr(c.processor.maxphyaddr);
  c.processor.keyid_bits &= kMaxKeyidBits;
  c.guest.cpl &= 3;
  FoldSavedState(c.guest);
}

}  // namespace

void DecodeInto(std::span<const std::uint8_t> bytes, Case& c) {
  c.memory.clear();
  c.steps.clear();
  const std::uint8_t version = bytes.empty() ? kEncodingVersion : bytes[0];
  const std::size_t records = std::min(RecordsOffsetOf(version), bytes.size());
  DecodeHeader(bytes.first(records), c);
  std::span<const std::uint8_t> rest = bytes.subspan(records);
  if (rest.size() > kMaxRecords * kRecordBytes) {
    rest = rest.first(kMaxRecords * kRecordBytes);
  }
  for (; rest.size() >= kRecordBytes; rest = rest.subspan(kRecordBytes)) {
    DecodeRecord(rest.data(), version, c);
  }
  if (rest.empty()) return;
  Record padded = {};
  std::copy(rest.begin(), rest.end(), padded.begin());
  DecodeRecord(padded.data(), version, c);
}

Case DecodeCase(std::span<const std::uint8_t> bytes) {
  Case c;
  DecodeInto(bytes, c);
  return c;
}

std::size_t EncodedSize(const Case& c) {
  return kRecordsOffset + (c.steps.size() + c.memory.size()) * kRecordBytes;
}

std::size_t EncodeInto(const Case& c, std::span<std::uint8_t> bytes) {
  if (bytes.size() < EncodedSize(c)) return 0;
  bytes[0] = kEncodingVersion;
  HeaderWriter writer(bytes.data() + kHeaderOffset);
  VisitHeader(writer, c.processor, c.controls, c.guest);
  std::uint8_t* at = bytes.data() + kRecordsOffset;
  for (const Step& step : c.steps) {
    std::memset(at, 0, kRecordBytes);
    WriteStep(step, at);
    at += kRecordBytes;
  }
  for (const MemoryWord& word : c.memory) {
    StoreAt(at, kWordTag, kFirst);  // and nothing up to the fields
    StoreAt(at + kFirst, word.address.value, 8);
    StoreAt(at + kSecond, word.value, 8);
    at += kRecordBytes;
  }
  return EncodedSize(c);
}

std::vector<std::uint8_t> EncodeCase(const Case& c) {
  std::vector<std::uint8_t> bytes(EncodedSize(c));
  EncodeInto(c, bytes);
  return bytes;
}

}  // namespace eptdiff
