#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/image/machine_report.h"
#include "fuzzers/command/report/json.h"
#include "fuzzers/text/view.h"

namespace eptdiff {
namespace {

std::string Hexadecimal(std::uint64_t value) {
  return absl::StrFormat("0x%x", value);
}

void WriteMachine(const AskedMachine& machine, JsonWriter& json) {
  json.Key("vendor").String(machine.vendor);
  json.Key("brand").String(machine.brand);
  if (!machine.hypervisor.empty()) {
    json.Key("hypervisor").String(machine.hypervisor);
  }
  json.Key("firmware").String(machine.firmware);
  json.Key("family").Number(machine.family);
  json.Key("model").String(Hexadecimal(machine.model));
  json.Key("stepping").Number(machine.stepping);
  json.Key("microcode").String(Hexadecimal(machine.microcode));
  json.Key("maxphyaddr").Number(machine.processor.maxphyaddr);
  json.Key("ept_vpid_cap").String(Hexadecimal(machine.processor.ept_vpid_cap));
  json.Key("msrs").Object();
  for (const auto& [index, value] : machine.msrs) {
    json.Key(Hexadecimal(index)).String(Hexadecimal(value));
  }
  json.End();
}

void WriteFindings(const std::vector<CheckFinding>& findings,
                   JsonWriter& json) {
  json.Array();
  for (const CheckFinding& finding : findings) {
    json.OnOneLine();
    json.Object();
    json.Key("rule").String(finding.identifier);
    json.Key("signature").String(finding.signature);
    json.Key("cases").Number(static_cast<double>(finding.cases));
    json.Key("sentence").String(finding.sentence);
    json.End();
  }
  json.End();
}

}  // namespace

std::string MachineJson(const std::string& name, const ImageReport& answers,
                        const CheckReport& report) {
  const ReportCounts& counts = answers.counts;
  JsonWriter json;
  json.Object();
  json.Key("name").String(name);
  json.Key("eptdiff").String(answers.image);
  json.Key("whole").Bool(answers.ended);
  json.Key("machine").Object();
  WriteMachine(answers.machine, json);
  json.End();
  json.Key("cases").Number(static_cast<double>(counts.cases));
  json.Key("steps").Number(static_cast<double>(counts.steps));
  json.Key("agrees").Number(static_cast<double>(counts.agrees));
  json.Key("departs").Number(static_cast<double>(counts.departs));
  json.Key("skipped").Number(static_cast<double>(counts.skipped));
  json.Key("harness_errors").Number(static_cast<double>(counts.harness));
  json.Key("seconds").Number(report.seconds);
  json.Key("rule_places_met").Number(static_cast<double>(report.places));
  json.Key("rules_met").Array();
  for (const RuleReport& rule : report.rules) {
    if (rule.decided) json.String(View(InfoOf(rule.rule).identifier));
  }
  json.End();
  json.Key("departures");
  WriteFindings(report.departures, json);
  json.Key("unexplained");
  WriteFindings(report.findings, json);
  json.Key("seen").Array();
  for (const ImageReport::Variant& variant : answers.variants) {
    json.OnOneLine();
    json.Object();
    json.Key("case").String(variant.name);
    json.Key("step").Number(static_cast<double>(variant.step));
    json.Key("answer").String(VariantWords(variant));
    json.Key("kept").Bool(variant.kept);
    json.Key("times").Number(static_cast<double>(variant.times));
    json.Key("of").Number(static_cast<double>(variant.of));
    json.End();
  }
  json.End();
  json.Key("skips").Object();
  for (const auto& [words, steps] : report.skipped) {
    json.Key(words).Number(static_cast<double>(steps));
  }
  json.End();
  json.End();
  return std::move(json).Finish();
}

}  // namespace eptdiff
