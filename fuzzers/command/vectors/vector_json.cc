// Vectors in JSON, as oracle/vectors/eptdiff-vectors-1.schema.json describes
// it.
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/report/json.h"
#include "fuzzers/command/vectors/cached_verdicts.h"
#include "fuzzers/command/vectors/vectors.h"
#include "oracle/editions.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/spine.h"
#include "oracle/machine_state.h"
#include "oracle/rules.h"
#include "oracle/verdict.h"

namespace eptdiff {
namespace {

constexpr std::string_view kAccessKinds[] = {"read",
                                             "write",
                                             "read_modify_write",
                                             "fetch",
                                             "shadow_stack_read",
                                             "shadow_stack_write",
                                             "shadow_stack_read_modify_write"};

constexpr std::string_view kEvents[] = {"completed",
                                        "vm_exit",
                                        "virtualization_exception",
                                        "page_fault",
                                        "general_protection",
                                        "vm_entry_failure",
                                        "guest_state_failure",
                                        "",  // nobody may give up
                                        "invalid_opcode",
                                        "invalid_operand"};

constexpr std::string_view kStepKinds[] = {"guest_physical_access",
                                           "linear_access",
                                           "paging_structure_read",
                                           "paging_structure_update",
                                           "pdpte_load",
                                           "store",
                                           "eptp_switch",
                                           "",  // never in a vector
                                           "register_write",
                                           "vm_entry",
                                           "invalidation"};

constexpr std::string_view kRegisters[] = {
    "cr0", "cr3", "cr4", "efer", "pat", "pkrs", "pkru", "rflags", "cpl"};

constexpr std::string_view kInvalidations[] = {"invept", "invvpid", "invlpg",
                                               "invpcid"};

// One vector in the making.
class VectorWriter {
 public:
  VectorWriter(JsonWriter& json, bool caches) : json_(json), caches_(caches) {}

  void Write(const std::string& id, const TextCase& text, const Case& c,
             bool alone) {
    json_.OnOneLine();
    json_.Object();
    Text("id", id);
    json_.Key("rules").Array();
    for (const std::string& rule : RulesOf(text, c)) json_.String(rule);
    json_.End();
    json_.Key("flags").Array();
    for (const VectorFlag& flag : AllVectorFlags()) {
      if (Needs(c, flag)) json_.String(std::string(flag.name));
    }
    if (alone) json_.String("step_alone");
    json_.End();
    if (!text.explanation.empty()) Text("comment", text.explanation);
    WriteProcessor(c.processor);
    WriteControls(c.controls);
    WriteGuest(c.guest);
    json_.Key("memory").Object();
    for (const MemoryWord& word : c.memory) {
      Hex(absl::StrFormat("0x%x", word.address.value), word.value);
    }
    json_.End();
    WriteSteps(c);
    json_.End();
  }

 private:
  void Text(std::string_view key, std::string_view value) {
    json_.Key({key.data(), key.size()}).String({value.data(), value.size()});
  }
  void Hex(std::string_view key, std::uint64_t value) {
    Text(key, absl::StrFormat("0x%x", value));
  }
  void Count(std::string_view key, std::uint64_t value) {
    json_.Key({key.data(), key.size()}).Number(static_cast<double>(value));
  }
  void Flag(std::string_view key, bool value) {
    json_.Key({key.data(), key.size()}).Bool(value);
  }
  void Begin(std::string_view key) {
    json_.Key({key.data(), key.size()}).Object();
  }

  // What the file says the case is about; else what decides it.
  static std::set<std::string> RulesOf(const TextCase& text, const Case& c) {
    std::set<std::string> rules(text.rules.begin(), text.rules.end());
    if (!rules.empty()) return rules;
    for (Spine spine(c); !spine.over(); spine.Advance()) {
      if (spine.step() == 0 && !c.steps.empty()) continue;
      for (const Alternative& alternative : spine.verdict().alternatives) {
        rules.emplace(IdentifierOf(alternative.decided.rule));
      }
    }
    return rules;
  }

  void WriteProcessor(const Processor& p) {
    Begin("processor");
    Count("maxphyaddr", p.maxphyaddr);
    Hex("ept_vpid_cap", p.ept_vpid_cap);
    Flag("ept_violation_ve", p.ept_violation_ve);
    Flag("page_1gb", p.page_1gb);
    Flag("nx", p.nx);
    Flag("pse36", p.pse36);
    Flag("smep", p.smep);
    Flag("smap", p.smap);
    Flag("pku", p.pku);
    Flag("pks", p.pks);
    Flag("cet_ss", p.cet_ss);
    Flag("la57", p.la57);
    Flag("pcid", p.pcid);
    if (p.keyid_bits != 0) Count("keyid_bits", p.keyid_bits);
    json_.End();
  }

  void WriteControls(const Controls& c) {
    Begin("controls");
    Hex("pin_based", c.pin_based);
    Hex("primary", c.primary);
    Hex("secondary", c.secondary);
    Hex("tertiary", c.tertiary);
    Hex("vm_functions", c.vm_functions);
    Hex("exception_bitmap", c.exception_bitmap);
    Hex("eptp", c.eptp);
    Hex("pml_address", c.pml_address);
    Count("pml_index", c.pml_index);
    Hex("spptp", c.spptp);
    Hex("ve_information_address", c.ve_information_address);
    Hex("eptp_list_address", c.eptp_list_address);
    Count("eptp_index", c.eptp_index);
    Hex("hlatp", c.hlatp);
    Count("hlat_prefix_size", c.hlat_prefix_size);
    Count("vpid", c.vpid);
    Hex("entry_controls", c.entry_controls);
    Hex("exit_controls", c.exit_controls);
    if (c.apic_access_address != 0) {
      Hex("apic_access_address", c.apic_access_address);
    }
    if (c.secondary_exit_controls != 0) {
      Hex("secondary_exit_controls", c.secondary_exit_controls);
    }
    json_.End();
  }

  void WriteGuest(const GuestState& g) {
    Begin("guest");
    Hex("cr0", g.cr0);
    Hex("cr3", g.cr3);
    Hex("cr4", g.cr4);
    Hex("efer", g.efer);
    Hex("pat", g.pat);
    Hex("rflags", g.rflags);
    Hex("pkru", g.pkru);
    Hex("pkrs", g.pkrs);
    WritePdptes(g.pdpte);
    Count("cpl", g.cpl);
    Flag("cs_l", g.cs_l);
    Flag("event_delivery", g.event_delivery);
    Flag("nmi_unblocking", g.nmi_unblocking);
    Flag("transactional", g.transactional);
    if (g.busy_shadow_stack) Flag("busy_shadow_stack", true);
    if (g.delivered_event != 0) Hex("delivered_event", g.delivered_event);
    if (g.delivered_error_code != 0) {
      Hex("delivered_error_code", g.delivered_error_code);
    }
    if (g.instruction_length != 0) {
      Count("instruction_length", g.instruction_length);
    }
    if (g.interruptibility != 0) Hex("interruptibility", g.interruptibility);
    if (g.pending_debug != 0) Hex("pending_debug", g.pending_debug);
    json_.End();
  }

  void WritePdptes(const std::array<std::uint64_t, 4>& pdptes) {
    json_.Key("pdpte").Array();
    for (std::uint64_t pdpte : pdptes) {
      json_.String(absl::StrFormat("0x%x", pdpte));
    }
    json_.End();
  }

  void WriteSteps(const Case& c) {
    Spine spine(c);
    Begin("entry");
    WriteVerdict(spine.verdict(), RegistersOf(spine.before()));
    json_.End();
    std::vector<std::vector<CachedVerdict>> with_caches(c.steps.size());
    if (caches_) with_caches = CachedVerdictsOf(c);
    json_.Key("steps").Array();
    for (spine.Advance(); !spine.over(); spine.Advance()) {
      const std::size_t number = spine.step() - 1;
      json_.Object();
      WriteStep(c.steps[number]);
      Begin("verdict");
      WriteVerdict(spine.verdict(), RegistersOf(spine.before()));
      json_.End();
      if (!with_caches[number].empty()) WriteCached(with_caches[number]);
      json_.End();
    }
    json_.End();
  }

  void WriteCached(const std::vector<CachedVerdict>& verdicts) {
    json_.Key("with_caches").Array();
    for (const CachedVerdict& verdict : verdicts) {
      json_.Object();
      json_.Key("alternatives").Array();
      for (const CachedAnswer& answer : verdict.answers) {
        json_.Object();
        if (answer.kept) Flag("kept", true);
        if (answer.last) Flag("last", true);
        if (answer.then != 0) Count("then", answer.then);
        WriteAlternative(answer.alternative, verdict.before);
        json_.End();
      }
      json_.End();
      json_.End();
    }
    json_.End();
  }

  void WriteStep(const Step& step) {
    Text("kind", kStepKinds[static_cast<std::size_t>(step.kind)]);
    if (step.processor != 0) Count("processor", step.processor);
    switch (step.kind) {
      case StepKind::kGuestPhysicalAccess:
        WriteAccess(step.access);
        Hex("gpa", step.gpa.value);
        Flag("gla_valid", step.page.gla_valid);
        Hex("gla", step.page.gla.value);
        Flag("user", step.page.user);
        Flag("writable", step.page.writable);
        Flag("execute_disable", step.page.execute_disable);
        Count("pat_index", step.page.pat_index);
        break;
      case StepKind::kLinearAccess:
        WriteAccess(step.access);
        Hex("gla", step.gla.value);
        break;
      case StepKind::kPagingStructureRead:
      case StepKind::kPagingStructureUpdate:
        Hex("gpa", step.gpa.value);
        Hex("gla", step.page.gla.value);
        Count("pat_index", step.page.pat_index);
        break;
      case StepKind::kStore:
        Hex("hpa", step.hpa.value);
        Hex("value", step.value);
        break;
      case StepKind::kEptpSwitch:
        Count("index", step.index);
        if (step.value != 0) Count("function", step.value);
        break;
      case StepKind::kRegisterWrite:
        Text("register", kRegisters[static_cast<std::size_t>(step.reg)]);
        Hex("value", step.value);
        break;
      case StepKind::kVmEntry:
        Hex("field", step.index);
        Hex("value", step.value);
        break;
      case StepKind::kInvalidation: {
        const Invalidation& asked = step.invalidation;
        Text("instruction",
             kInvalidations[static_cast<std::size_t>(asked.kind)]);
        Count("type", asked.type);
        Hex("first", asked.first);
        Hex("second", asked.second);
        break;
      }
      case StepKind::kPdpteLoad:
      case StepKind::kTableOperation:  // never in a vector
        break;
    }
  }

  void WriteAccess(const Access& access) {
    Text("access", kAccessKinds[static_cast<std::size_t>(access.kind)]);
    Count("size", access.size);
    Flag("implicit_supervisor", access.implicit_supervisor);
    Flag("wruss", access.wruss);
    Flag("asynchronous", access.asynchronous);
    if (access.pebs) Flag("pebs", true);
  }

  void WriteVerdict(const Verdict& verdict, const Registers& before) {
    json_.Key("alternatives").Array();
    for (const Alternative& alternative : verdict.alternatives) {
      json_.Object();
      WriteAlternative(alternative, before);
      json_.End();
    }
    json_.End();
  }

  void WriteAlternative(const Alternative& a, const Registers& before) {
    const Event& e = a.event;
    Text("event", kEvents[static_cast<std::size_t>(e.kind)]);
    Text("decided_by", IdentifierOf(a.decided.rule));
    if (a.decided.level != 0) Text("level", NameOfLevel(a.decided.level));
    switch (e.kind) {
      case EventKind::kCompleted:
        if (e.translation_count > 0) WriteTranslations(a);
        break;
      case EventKind::kVmExit:
        Count("exit_reason", e.exit_reason);
        if (e.exit_reason == 0) {
          Masked("interruption_information", e.interruption_information,
                 a.interruption_information_defined);
        }
        if (a.ve_written) {
          Masked("qualification", e.qualification, ~std::uint64_t{0});
        } else {
          WriteReport(a, ReportOf(e));
        }
        WriteSaved(a.saved, a.saved_defined);
        break;
      case EventKind::kPageFault:
        Masked("error_code", e.error_code, a.error_code_defined);
        Range("cr2", e.cr2.value, a.span);
        break;
      case EventKind::kVmEntryFailure:
        json_.Key("failed_checks").Array();
        for (unsigned i = 1; i < kEntryCheckCount; ++i) {
          if (!(a.failed_checks >> i & 1)) continue;
          json_.String(
              std::string(IdentifierOf(RuleOf(static_cast<EntryCheck>(i)))));
        }
        json_.End();
        break;
      case EventKind::kGuestStateFailure:
        Count("exit_reason", e.exit_reason);
        Masked("qualification", e.qualification, a.qualification_defined);
        break;
      case EventKind::kVirtualizationException:
      case EventKind::kGeneralProtection:
      case EventKind::kInvalidOpcode:
      case EventKind::kInvalidOperand:
      case EventKind::kGaveUp:
        break;
    }
    Registers after = a.registers;
    if (!a.pdptes_defined) after.pdpte = before.pdpte;
    WriteRegisters(after, before);
    WriteBits("required", a.required);
    WriteBits("optional", a.optional);
    if (!a.ve_written) return;
    Begin("ve_information");
    Hex("area", a.ve_area.value);
    WriteReport(a, a.ve_information);
    json_.End();
  }

  // Of an exit, or in the #VE information area.
  void WriteReport(const Alternative& a, const AccessReport& report) {
    Masked("qualification", report.qualification, a.qualification_defined);
    if (a.gpa_defined) Range("gpa", report.gpa.value, a.span);
    if (a.gla_defined) Range("gla", report.gla.value, a.gla_span);
  }

  // What handlers read; a field that is absent is undefined.
  void WriteSaved(const SavedState& saved, const SavedState& defined) {
    Begin("saved");
    const auto write = [&](std::string_view key, auto member) {
      if (defined.*member != 0) Masked(key, saved.*member, defined.*member);
    };
    write("exit_reason_flags", &SavedState::exit_reason_flags);
    write("vectoring_information", &SavedState::vectoring_information);
    write("vectoring_error_code", &SavedState::vectoring_error_code);
    write("instruction_length", &SavedState::instruction_length);
    write("interruptibility", &SavedState::interruptibility);
    write("rflags", &SavedState::rflags);
    write("pending_debug", &SavedState::pending_debug);
    json_.End();
  }

  void Masked(std::string_view key, std::uint64_t value,
              std::uint64_t defined) {
    Begin(key);
    Hex("value", value & defined);
    Hex("defined", defined);
    json_.End();
  }

  void Range(std::string_view key, std::uint64_t first, std::uint64_t span) {
    Begin(key);
    Hex("first", first);
    Hex("last", first + span);
    json_.End();
  }

  void WriteTranslations(const Alternative& a) {
    json_.Key("translations").Array();
    for (std::uint8_t i = 0; i < a.event.translation_count; ++i) {
      const Translation& t = a.event.translations[i];
      json_.Object();
      Hex("hpa", t.address.value);
      Count("page_shift", t.page_shift);
      if (a.memory_type_defined) {
        Count("memory_type", static_cast<std::uint64_t>(t.memory_type));
      }
      Count("structure_memory_type",
            static_cast<std::uint64_t>(t.structure_memory_type));
      if (a.guest_structure_types_defined) {
        json_.Key("guest_structure_types").Array();
        for (std::uint64_t types = t.guest_structure_types; types != 0;
             types >>= 4) {
          json_.Number(static_cast<double>(types & 7));
        }
        json_.End();
      }
      json_.End();
    }
    json_.End();
  }

  // Those that change.
  void WriteRegisters(const Registers& after, const Registers& before) {
    if (after == before) return;
    Begin("registers");
    if (after.eptp != before.eptp) Hex("eptp", after.eptp);
    if (after.eptp_index != before.eptp_index) {
      Count("eptp_index", after.eptp_index);
    }
    if (after.pml_index != before.pml_index) {
      Count("pml_index", after.pml_index);
    }
    if (after.pdpte != before.pdpte) WritePdptes(after.pdpte);
    json_.End();
  }

  void WriteBits(std::string_view key, const BitWrites& writes) {
    if (writes.empty()) return;
    json_.Key({key.data(), key.size()}).Array();
    for (const BitWrite& write : writes) {
      json_.Object();
      Hex("address", write.word.value);
      Hex("mask", write.mask);
      Hex("value", write.value & write.mask);
      json_.End();
    }
    json_.End();
  }

  JsonWriter& json_;
  const bool caches_;
};

// Every rule is told once, for all vectors.
void WriteCatalogue(JsonWriter& json) {
  json.Key("rules").Object();
  for (const RuleInfo& rule : kRules) {
    json.Key(std::string(rule.identifier));
    json.OnOneLine();
    json.Object();
    json.Key("section").String(std::string(rule.section));
    const std::string section_2026 = CitedIn2026(rule.section);
    if (section_2026 != rule.section) {
      json.Key("section_2026").String(section_2026);
    }
    json.Key("words").String(std::string(rule.words));
    json.End();
  }
  json.End();
  json.Key("flags").Object();
  for (const VectorFlag& flag : AllVectorFlags()) {
    json.Key(std::string(flag.name)).String(std::string(flag.words));
  }
  json.Key("step_alone")
      .String(
          "one step of a case whose later steps depend on what an answer to it "
          "chooses");
  json.End();
}

}  // namespace

std::string VectorsAsJson(const std::vector<NamedTextCase>& cases,
                          bool caches) {
  JsonWriter json;
  json.Object();
  json.Key("format").String("eptdiff-vectors");
  json.Key("version").Number(1);
  json.Key("sdm").String("volume 3C, December 2023");
  WriteCatalogue(json);
  json.Key("vectors").Array();
  for (const NamedTextCase& named : cases) {
    const std::vector<Case> parts = VectorCasesOf(named.text_case.c);
    const bool alone = !parts.empty() && named.text_case.c.steps.size() > 1 &&
                       parts[0].steps.size() == 1;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string id =
          parts.size() == 1 ? named.name : absl::StrCat(named.name, "#", i + 1);
      VectorWriter(json, caches).Write(id, named.text_case, parts[i], alone);
    }
  }
  json.End();
  json.End();
  return std::move(json).Finish();
}

}  // namespace eptdiff
