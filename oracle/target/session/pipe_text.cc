#include "oracle/target/session/pipe_text.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>

#include "oracle/target/profile/profile.h"
#include "oracle/target/session/question.h"

namespace eptdiff {
namespace {

// A number in a structure of the header, by its name there.
struct NumberField {
  std::string_view name;
  std::size_t offset;
  std::size_t bytes;
};
#define EPTDIFF_NUMBER(type, name) \
  {#name, offsetof(type, name), sizeof(type::name)}

constexpr NumberField kQuestionNumbers[] = {
    EPTDIFF_NUMBER(eptdiff_question, bytes),
    EPTDIFF_NUMBER(eptdiff_question, implicit_supervisor),
    EPTDIFF_NUMBER(eptdiff_question, wruss),
    EPTDIFF_NUMBER(eptdiff_question, asynchronous),
    EPTDIFF_NUMBER(eptdiff_question, gla_valid),
    EPTDIFF_NUMBER(eptdiff_question, page_user),
    EPTDIFF_NUMBER(eptdiff_question, page_writable),
    EPTDIFF_NUMBER(eptdiff_question, page_execute_disable),
    EPTDIFF_NUMBER(eptdiff_question, page_pat_index),
    EPTDIFF_NUMBER(eptdiff_question, gpa),
    EPTDIFF_NUMBER(eptdiff_question, gla),
    EPTDIFF_NUMBER(eptdiff_question, index),
    EPTDIFF_NUMBER(eptdiff_question, ept_vpid_cap),
    EPTDIFF_NUMBER(eptdiff_question, cpu),
    EPTDIFF_NUMBER(eptdiff_question, maxphyaddr),
    EPTDIFF_NUMBER(eptdiff_question, pin_based),
    EPTDIFF_NUMBER(eptdiff_question, primary),
    EPTDIFF_NUMBER(eptdiff_question, secondary),
    EPTDIFF_NUMBER(eptdiff_question, exception_bitmap),
    EPTDIFF_NUMBER(eptdiff_question, tertiary),
    EPTDIFF_NUMBER(eptdiff_question, vm_functions),
    EPTDIFF_NUMBER(eptdiff_question, eptp),
    EPTDIFF_NUMBER(eptdiff_question, pml_address),
    EPTDIFF_NUMBER(eptdiff_question, spptp),
    EPTDIFF_NUMBER(eptdiff_question, ve_information_address),
    EPTDIFF_NUMBER(eptdiff_question, eptp_list_address),
    EPTDIFF_NUMBER(eptdiff_question, hlatp),
    EPTDIFF_NUMBER(eptdiff_question, pml_index),
    EPTDIFF_NUMBER(eptdiff_question, eptp_index),
    EPTDIFF_NUMBER(eptdiff_question, hlat_prefix_size),
    EPTDIFF_NUMBER(eptdiff_question, vpid),
    EPTDIFF_NUMBER(eptdiff_question, cr0),
    EPTDIFF_NUMBER(eptdiff_question, cr3),
    EPTDIFF_NUMBER(eptdiff_question, cr4),
    EPTDIFF_NUMBER(eptdiff_question, efer),
    EPTDIFF_NUMBER(eptdiff_question, pat),
    EPTDIFF_NUMBER(eptdiff_question, rflags),
    EPTDIFF_NUMBER(eptdiff_question, pkru),
    EPTDIFF_NUMBER(eptdiff_question, pkrs),
    EPTDIFF_NUMBER(eptdiff_question, cpl),
    EPTDIFF_NUMBER(eptdiff_question, cs_l),
    EPTDIFF_NUMBER(eptdiff_question, event_delivery),
    EPTDIFF_NUMBER(eptdiff_question, nmi_unblocking),
    EPTDIFF_NUMBER(eptdiff_question, transactional),
    EPTDIFF_NUMBER(eptdiff_question, entry_controls),
    EPTDIFF_NUMBER(eptdiff_question, exit_controls),
    EPTDIFF_NUMBER(eptdiff_question, apic_access_address),
    EPTDIFF_NUMBER(eptdiff_question, value),
    EPTDIFF_NUMBER(eptdiff_question, function),
    EPTDIFF_NUMBER(eptdiff_question, vmcs_field),
    EPTDIFF_NUMBER(eptdiff_question, access_bytes),
    EPTDIFF_NUMBER(eptdiff_question, guest_register),
    EPTDIFF_NUMBER(eptdiff_question, invalidation),
    EPTDIFF_NUMBER(eptdiff_question, invalidation_type),
    EPTDIFF_NUMBER(eptdiff_question, processor),
    EPTDIFF_NUMBER(eptdiff_question, pebs),
    EPTDIFF_NUMBER(eptdiff_question, keyid_bits),
    EPTDIFF_NUMBER(eptdiff_question, secondary_exit_controls),
    EPTDIFF_NUMBER(eptdiff_question, delivered_event),
    EPTDIFF_NUMBER(eptdiff_question, delivered_error_code),
    EPTDIFF_NUMBER(eptdiff_question, pending_debug),
    EPTDIFF_NUMBER(eptdiff_question, interruptibility),
    EPTDIFF_NUMBER(eptdiff_question, instruction_length),
    EPTDIFF_NUMBER(eptdiff_question, busy_shadow_stack),
};

constexpr NumberField kAnswerNumbers[] = {
    EPTDIFF_NUMBER(eptdiff_answer, exit_reason),
    EPTDIFF_NUMBER(eptdiff_answer, interruption_information),
    EPTDIFF_NUMBER(eptdiff_answer, qualification),
    EPTDIFF_NUMBER(eptdiff_answer, gpa),
    EPTDIFF_NUMBER(eptdiff_answer, gla),
    EPTDIFF_NUMBER(eptdiff_answer, cr2),
    EPTDIFF_NUMBER(eptdiff_answer, error_code),
    EPTDIFF_NUMBER(eptdiff_answer, failed_check),
    EPTDIFF_NUMBER(eptdiff_answer, eptp),
    EPTDIFF_NUMBER(eptdiff_answer, pml_index),
    EPTDIFF_NUMBER(eptdiff_answer, eptp_index),
    EPTDIFF_NUMBER(eptdiff_answer, exit_reason_flags),
    EPTDIFF_NUMBER(eptdiff_answer, vectoring_information),
    EPTDIFF_NUMBER(eptdiff_answer, vectoring_error_code),
    EPTDIFF_NUMBER(eptdiff_answer, instruction_length),
    EPTDIFF_NUMBER(eptdiff_answer, interruptibility),
    EPTDIFF_NUMBER(eptdiff_answer, rflags),
    EPTDIFF_NUMBER(eptdiff_answer, pending_debug),
};

constexpr NumberField kProfileNumbers[] = {
    EPTDIFF_NUMBER(eptdiff_profile, capabilities_set),
    EPTDIFF_NUMBER(eptdiff_profile, capabilities_clear),
    EPTDIFF_NUMBER(eptdiff_profile, min_maxphyaddr),
    EPTDIFF_NUMBER(eptdiff_profile, max_maxphyaddr),
    EPTDIFF_NUMBER(eptdiff_profile, keeps_state),
    EPTDIFF_NUMBER(eptdiff_profile, qualification_left_out),
    EPTDIFF_NUMBER(eptdiff_profile, error_code_left_out),
    EPTDIFF_NUMBER(eptdiff_profile, offsets_left_out),
    EPTDIFF_NUMBER(eptdiff_profile, processors),
};
#undef EPTDIFF_NUMBER

// By number.
constexpr std::string_view kSteps[] = {
    "guest_physical", "linear",   "structure_read", "structure_update",
    "pdpte_load",     "store",    "eptp_switch",    "",
    "register_write", "vm_entry", "invalidation"};
constexpr std::string_view kAccesses[] = {"read",
                                          "write",
                                          "read_modify_write",
                                          "fetch",
                                          "shadow_stack_read",
                                          "shadow_stack_write",
                                          "shadow_stack_read_modify_write"};
constexpr std::string_view kEvents[] = {"completed",
                                        "vm_exit",
                                        "ve",
                                        "page_fault",
                                        "general_protection",
                                        "vm_entry_failure",
                                        "guest_state_failure",
                                        "",
                                        "invalid_opcode",
                                        "invalid_operand"};
// By bit.
constexpr std::string_view kModels[] = {"4_levels",
                                        "5_levels",
                                        "accessed_dirty",
                                        "mbec",
                                        "pml",
                                        "spp",
                                        "ve",
                                        "shadow_stack_control",
                                        "paging_write",
                                        "hlat",
                                        "eptp_switching",
                                        "vm_entry",
                                        "page_crossing",
                                        "read_modify_write",
                                        "shadow_stack_access",
                                        "asynchronous",
                                        "transactions",
                                        "events",
                                        "structure_access",
                                        "pdpte_load",
                                        "linear_paging_off",
                                        "linear_32_bit",
                                        "linear_pae",
                                        "linear_4_level",
                                        "linear_5_level",
                                        "smep_smap",
                                        "protection_keys",
                                        "entry_controls",
                                        "guest_state",
                                        "lass",
                                        "register_writes",
                                        "vmfunc",
                                        "invalidation",
                                        "large_accesses",
                                        "caches",
                                        "processors",
                                        "busy_shadow_stack",
                                        "keyids",
                                        "apic_page",
                                        "lam",
                                        "shadow_stack_tokens",
                                        "pebs"};
constexpr std::string_view kFills[] = {"event",
                                       "failed_check",
                                       "exit_reason",
                                       "interruption_information",
                                       "error_code",
                                       "qualification",
                                       "gpa",
                                       "gla",
                                       "cr2",
                                       "address",
                                       "page_size",
                                       "memory_type",
                                       "structure_memory_type",
                                       "pdpte",
                                       "eptp",
                                       "eptp_index",
                                       "pml_index",
                                       "memory",
                                       "exit_reason_flags",
                                       "vectoring_information",
                                       "vectoring_error_code",
                                       "instruction_length",
                                       "interruptibility",
                                       "rflags",
                                       "pending_debug"};
static_assert(std::size(kFills) == kFieldCount);
constexpr std::string_view kKeeps[] = {
    "guest_physical", "combined", "paging_structures",
    "vpids",          "pcids",    "eptrtas"};
static_assert((1u << std::size(kKeeps)) - 1 == EPTDIFF_KEEPS_ALL);
constexpr std::string_view kLeaves[] = {"ept_rights", "ept_reserved_bits",
                                        "ept_misconfigurations", "guest_rights",
                                        "guest_reserved_bits"};
static_assert((1u << std::size(kLeaves)) - 1 == EPTDIFF_LEAVES_ALL);
static_assert((1u << std::size(kAccesses)) - 1 == EPTDIFF_ACCESSES_ALL);

std::optional<unsigned> NumberOf(std::span<const std::string_view> names,
                                 std::string_view name) {
  for (unsigned i = 0; i < names.size(); ++i) {
    if (names[i] == name && !name.empty()) return i;
  }
  return std::nullopt;
}

void AddLine(std::string_view name, std::string_view value, std::string& text) {
  text.append(name).append(" ").append(value).append("\n");
}

std::string Hexadecimal(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

// "0x1f" or "31".
bool ReadNumber(std::string_view text, std::uint64_t& value) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, base);
  return !text.empty() && result.ec == std::errc() && result.ptr == end;
}

std::uint64_t Get(const void* structure, const NumberField& field) {
  std::uint64_t value = 0;
  std::memcpy(&value, static_cast<const std::byte*>(structure) + field.offset,
              field.bytes);
  return value;
}

// False if the value is too large for the field.
bool Set(void* structure, const NumberField& field, std::uint64_t value) {
  if (field.bytes < 8 && value >> (8 * field.bytes) != 0) return false;
  std::memcpy(static_cast<std::byte*>(structure) + field.offset, &value,
              field.bytes);
  return true;
}

// If `words` is "name number" of a field: sets it, and says whether it could.
std::optional<bool> SetNamed(std::span<const NumberField> fields,
                             std::span<const std::string_view> words,
                             void* structure) {
  for (const NumberField& field : fields) {
    if (field.name != words[0]) continue;
    std::uint64_t value = 0;
    return words.size() == 2 && ReadNumber(words[1], value) &&
           Set(structure, field, value);
  }
  return std::nullopt;
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = line.find_first_of(" \t\r");
    if (end != 0) words.push_back(line.substr(0, end));
    if (end == std::string_view::npos) break;
    line.remove_prefix(end + 1);
  }
  return words;
}

// Calls `f` with the words of each line that has any, until it says false.
template <typename F>
bool ForEachLine(std::string_view text, F f) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::vector<std::string_view> words = Words(text.substr(0, end));
    if (!words.empty() && !f(std::span(words))) return false;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return true;
}

bool ReadNumbers(std::span<const std::string_view> words,
                 std::span<std::uint64_t> values) {
  if (words.size() != values.size()) return false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!ReadNumber(words[i], values[i])) return false;
  }
  return true;
}

// "translation ADDRESS PAGE_SHIFT TYPE STRUCTURE_TYPE [GUEST_TYPES]"
bool ReadTranslation(std::span<const std::string_view> words,
                     eptdiff_answer& answer) {
  std::uint64_t values[5] = {};
  if (words.empty() || words.size() > 5 || answer.translation_count == 2 ||
      !ReadNumbers(words, std::span(values).first(words.size())) ||
      values[1] > 255 || values[2] > 255 || values[3] > 255) {
    return false;
  }
  eptdiff_translation& translation =
      answer.translations[answer.translation_count++];
  translation.address = values[0];
  translation.page_shift = static_cast<std::uint8_t>(values[1]);
  translation.memory_type = static_cast<std::uint8_t>(values[2]);
  translation.structure_memory_type = static_cast<std::uint8_t>(values[3]);
  translation.guest_structure_types = values[4];
  return true;
}

bool ReadAnswerLine(std::span<const std::string_view> words,
                    PipeAnswer& answer) {
  const std::span<const std::string_view> values = words.subspan(1);
  if (words[0] == "not_modelled") {
    answer.declined = true;
    return values.empty();
  }
  if (words[0] == "event") {
    const auto event =
        values.size() == 1 ? NumberOf(kEvents, values[0]) : std::nullopt;
    answer.answer.event = event.value_or(~0u);
    return event.has_value();
  }
  if (words[0] == "translation") return ReadTranslation(values, answer.answer);
  if (words[0] == "pdpte") return ReadNumbers(values, answer.answer.pdpte);
  if (words[0] == "store") {
    std::uint64_t store[2];
    if (!ReadNumbers(values, store)) return false;
    answer.stores.push_back({Hpa{store[0]}, store[1]});
    return true;
  }
  return SetNamed(kAnswerNumbers, words, &answer.answer).value_or(false);
}

bool ReadNames(std::span<const std::string_view> words,
               std::span<const std::string_view> names, std::uint64_t& set) {
  set = 0;
  for (const std::string_view word : words) {
    const auto number = NumberOf(names, word);
    if (!number.has_value()) return false;
    set |= std::uint64_t{1} << *number;
  }
  return true;
}

// A line of names of bits.
struct NamesField {
  std::string_view name;
  std::span<const std::string_view> names;
  std::uint32_t eptdiff_profile::* bits;
};
constexpr NamesField kProfileNames[] = {
    {"fills", kFills, &eptdiff_profile::fills},
    {"keeps", kKeeps, &eptdiff_profile::keeps},
    {"leaves", kLeaves, &eptdiff_profile::leaves},
    {"accesses", kAccesses, &eptdiff_profile::accesses},
};

bool ReadProfileLine(std::span<const std::string_view> words,
                     eptdiff_profile& profile) {
  const std::span<const std::string_view> values = words.subspan(1);
  if (words[0] == "models") return ReadNames(values, kModels, profile.models);
  for (const NamesField& field : kProfileNames) {
    if (words[0] != field.name) continue;
    std::uint64_t bits = 0;
    if (!ReadNames(values, field.names, bits)) return false;
    profile.*field.bits = static_cast<std::uint32_t>(bits);
    return true;
  }
  if (words[0] == "name") {
    if (values.size() != 1 || values[0].size() >= sizeof(profile.name)) {
      return false;
    }
    std::memcpy(profile.name, values[0].data(), values[0].size());
    return true;
  }
  return SetNamed(kProfileNumbers, words, &profile).value_or(false);
}

}  // namespace

std::string QuestionText(const MachineState& state, const Step* step) {
  eptdiff_question question;
  SetMachine(state, question);
  const bool enters = step == nullptr || step->kind == StepKind::kVmEntry;
  std::string text = enters ? "enter\n" : "ask\n";
  if (step != nullptr) {
    SetStep(*step, question);
    AddLine("step", kSteps[question.step], text);
    AddLine("access", kAccesses[question.access], text);
  }
  for (const NumberField& field : kQuestionNumbers) {
    AddLine(field.name, Hexadecimal(Get(&question, field)), text);
  }
  text += "pdpte";
  for (const std::uint64_t pdpte : question.pdpte) {
    text.append(" ").append(Hexadecimal(pdpte));
  }
  text += "\n";
  AddLine("descriptor " + Hexadecimal(question.descriptor[0]),
          Hexadecimal(question.descriptor[1]), text);
  for (const Hpa address : state.memory.addresses()) {
    AddLine("word " + Hexadecimal(address.value),
            Hexadecimal(state.memory.Load(address)), text);
  }
  return text + "end\n";
}

bool ReadPipeAnswer(std::string_view text, const MachineState& state,
                    PipeAnswer& answer) {
  answer.declined = false;
  answer.stores.clear();
  ClearAnswer(state, answer.answer);
  answer.answer.event = ~0u;  // there must be one
  return ForEachLine(text, [&](std::span<const std::string_view> words) {
    return ReadAnswerLine(words, answer);
  });
}

bool ReadPipeProfile(std::string_view text, eptdiff_profile& profile,
                     std::string& error) {
  profile = BlankProfile();
  bool versioned = false;
  return ForEachLine(text, [&](std::span<const std::string_view> words) {
    if (!versioned) {
      versioned = true;
      if (words.size() == 2 && words[0] == "eptdiff_target" &&
          words[1] == std::to_string(kPipeVersion)) {
        return true;
      }
      error = "it does not begin with \"eptdiff_target 1\": \"" +
              std::string(words[0]) + " ...\"";
      return false;
    }
    if (ReadProfileLine(words, profile)) return true;
    error = "a line of its profile cannot be read: \"" + std::string(words[0]) +
            " ...\"";
    return false;
  });
}

}  // namespace eptdiff
