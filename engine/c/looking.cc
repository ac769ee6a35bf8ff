// The functions of eptdiff_engine.h that only look: entries, walks, exit
// qualifications.
#include <cstring>
#include <optional>
#include <variant>

#include "engine/bits.h"
#include "engine/c/c_values.h"
#include "engine/c/engine_handle.h"
#include "engine/c/eptdiff_engine.h"
#include "engine/walk/exit_qualification.h"
#include "engine/walk/path.h"

namespace {

namespace bits = eptdiff::bits;
using eptdiff::engine::EntryKind;
using eptdiff::engine::Path;
using eptdiff::engine::PathEnd;

constexpr std::int8_t kNoMeaning = -1;

eptdiff_engine_entry Decode(const eptdiff::engine::EptContext& context,
                            std::uint64_t value, int level) {
  const auto has = [value](std::uint64_t mask) {
    return static_cast<std::uint8_t>((value & mask) != 0);
  };
  const EntryKind kind = context.Classify(value, level);
  const bool present = kind != EntryKind::kNotPresent;
  const bool page = present && (level == 1 || (level <= 3 && has(bits::kPage)));
  const auto if_any = [&](bool any, std::uint64_t mask) {
    return any ? static_cast<std::int8_t>(has(mask)) : kNoMeaning;
  };
  constexpr int kFirstMemoryTypeBit = 3;

  eptdiff_engine_entry entry;
  std::memset(&entry, 0, sizeof(entry));
  entry.kind = static_cast<std::uint8_t>(kind);
  entry.level = static_cast<std::uint8_t>(level);
  entry.read = has(bits::kRead);
  entry.write = has(bits::kWrite);
  entry.execute = has(bits::kExecute);
  entry.execute_for_user = if_any(context.mbec(), bits::kUserExecute);
  entry.memory_type =
      page ? static_cast<std::int8_t>(value >> kFirstMemoryTypeBit & 7)
           : kNoMeaning;
  entry.ignore_pat = if_any(page, bits::kIgnorePat);
  entry.accessed = if_any(present && context.access_dirty(), bits::kAccessed);
  entry.dirty = if_any(page && context.access_dirty(), bits::kDirty);
  entry.value = value;
  const int shift = page ? 3 + 9 * level : 12;
  if (page) entry.page_shift = static_cast<std::uint8_t>(shift);
  if (present) entry.address = value & bits::Bits(51, shift);
  return entry;
}

std::int8_t ToC(bool value) { return value ? 1 : 0; }
std::int8_t ToC(std::optional<bool> value) {
  return value ? ToC(*value) : kNoMeaning;
}

}  // namespace

int eptdiff_engine_decode_entry(const eptdiff_engine* engine, uint64_t value,
                                uint32_t level, eptdiff_engine_entry* entry) {
  if (!eptdiff::engine::IsLargeEnough(*entry) || level < 1 || level > 5) {
    return EPTDIFF_ENGINE_BAD_ARGUMENT;
  }
  eptdiff::engine::WriteTo(*entry, Decode(engine->engine().context(), value,
                                          static_cast<int>(level)));
  return EPTDIFF_ENGINE_ANSWERED;
}

int eptdiff_engine_walk(eptdiff_engine* engine, uint64_t gpa,
                        eptdiff_engine_entry* entries, size_t* count) {
  *count = 0;
  const eptdiff::engine::EptContext& context = engine->engine().context();
  if (!context.enabled()) return EPTDIFF_ENGINE_EPT_OFF;
  if (gpa > context.widest_gpa()) return EPTDIFF_ENGINE_CALLER_ERROR;
  Path path;
  std::visit(
      [&](const auto& memory) {
        eptdiff::engine::TracePath(context, memory, eptdiff::Gpa{gpa}, path);
      },
      engine->memory);
  int level = context.five_level() ? 5 : 4;
  // The caller's structures may be larger than ours.
  const std::size_t stride = entries->size;
  auto* place = reinterpret_cast<char*>(entries);
  for (std::size_t i = 0; i < path.count; ++i, --level, place += stride) {
    auto& entry = *reinterpret_cast<eptdiff_engine_entry*>(place);
    if (!eptdiff::engine::IsLargeEnough(entry) || entry.size != stride) {
      return EPTDIFF_ENGINE_BAD_ARGUMENT;
    }
    eptdiff_engine_entry read = Decode(context, path.entries[i].value, level);
    read.at = path.entries[i].address.value;
    eptdiff::engine::WriteTo(entry, read);
    *count = i + 1;
  }
  return path.end == PathEnd::kNoMemory ? EPTDIFF_ENGINE_NO_MEMORY
                                        : EPTDIFF_ENGINE_ANSWERED;
}

int eptdiff_engine_decode_qualification(uint64_t value, uint32_t context,
                                        eptdiff_engine_qualification* fields) {
  constexpr std::uint32_t kKnown =
      EPTDIFF_ENGINE_ADVANCED_INFORMATION | EPTDIFF_ENGINE_MBEC |
      EPTDIFF_ENGINE_SHADOW_STACK_CONTROL | EPTDIFF_ENGINE_NMI_UNBLOCKING;
  if (!eptdiff::engine::IsLargeEnough(*fields) || (context & ~kKnown) != 0) {
    return EPTDIFF_ENGINE_BAD_ARGUMENT;
  }
  const auto has = [context](std::uint32_t flag) {
    return (context & flag) != 0;
  };
  const auto decoded = eptdiff::ExitQualification::Decode(
      value, {.advanced_information = has(EPTDIFF_ENGINE_ADVANCED_INFORMATION),
              .mbec = has(EPTDIFF_ENGINE_MBEC),
              .shadow_stack_control = has(EPTDIFF_ENGINE_SHADOW_STACK_CONTROL),
              .nmi_unblocking = has(EPTDIFF_ENGINE_NMI_UNBLOCKING)});
  eptdiff_engine_qualification c;
  std::memset(&c, 0, sizeof(c));
  c.read = ToC(decoded.read);
  c.write = ToC(decoded.write);
  c.fetch = ToC(decoded.fetch);
  c.readable = ToC(decoded.readable);
  c.writable = ToC(decoded.writable);
  c.executable = ToC(decoded.executable);
  c.user_executable = ToC(decoded.user_executable);
  c.gla_valid = ToC(decoded.gla_valid);
  c.to_translation = ToC(decoded.to_translation);
  c.user_mode_address = ToC(decoded.user_mode_address);
  c.read_write_page = ToC(decoded.read_write_page);
  c.execute_disable_page = ToC(decoded.execute_disable_page);
  c.nmi_unblocking = ToC(decoded.nmi_unblocking);
  c.shadow_stack_access = ToC(decoded.shadow_stack_access);
  c.supervisor_shadow_stack_page = ToC(decoded.supervisor_shadow_stack_page);
  c.verification = ToC(decoded.verification);
  c.asynchronous = ToC(decoded.asynchronous);
  eptdiff::engine::WriteTo(*fields, c);
  return EPTDIFF_ENGINE_ANSWERED;
}
