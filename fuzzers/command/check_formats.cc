// The report for machines: JSON, JUnit XML, SARIF.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "fuzzers/command/check_report.h"
#include "fuzzers/command/decided.h"
#include "fuzzers/command/json.h"
#include "fuzzers/text/view.h"

namespace eptdiff {
namespace {

void WriteFinding(const CheckFinding& finding, JsonWriter& json) {
  json.Object();
  json.Key("rule").String(finding.identifier);
  if (!finding.sdm_section.empty()) {
    json.Key("sdm").String(finding.sdm_section);
  }
  json.Key("sentence").String(finding.sentence);
  json.Key("inseparable").Array();
  for (const std::string& other : finding.inseparable) json.String(other);
  json.End();
  if (!finding.signature.empty()) {
    json.Key("signature").String(finding.signature);
  }
  json.Key("cases").Number(static_cast<double>(finding.cases));
  if (finding.has_case) {
    json.Key("step").String(finding.step);
    json.Key("expected").String(finding.expected);
    json.Key("given").String(finding.given);
    json.Key("case").String(FormatCase(finding.text_case));
  }
  if (!finding.output.empty()) json.Key("output").String(finding.output);
  json.End();
}

std::string Xml(absl::string_view text) {
  std::string escaped = absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
  // XML 1.0 has no other control characters, not even escaped ones.
  for (char& c : escaped) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') c = '?';
  }
  return escaped;
}

std::string Message(const CheckFinding& finding) {
  std::string text = absl::StrCat(finding.sentence, "; seen in ", finding.cases,
                                  finding.cases == 1 ? " case" : " cases");
  for (const std::string& other : finding.inseparable) {
    absl::StrAppend(&text, "; no case tells it from: ", other);
  }
  return text;
}

std::string Details(const CheckFinding& finding) {
  std::string text = Message(finding);
  if (!finding.has_case) return text;
  absl::StrAppend(&text, "\nstep: ", finding.step,
                  "\nexpected: ", finding.expected, "\ngiven: ", finding.given,
                  "\n\n", FormatCase(finding.text_case));
  return text;
}

void AddTestCase(absl::string_view suite, const std::string& name,
                 const std::vector<const CheckFinding*>& findings, bool asked,
                 std::string& xml) {
  absl::StrAppendFormat(&xml, "  <testcase classname=\"%s\" name=\"%s\"",
                        Xml(suite), Xml(name));
  if (findings.empty() && asked) {
    absl::StrAppend(&xml, "/>\n");
    return;
  }
  absl::StrAppend(&xml, ">\n");
  if (findings.empty()) {
    absl::StrAppend(&xml, "    <skipped message=\"not decided\"/>\n");
  }
  for (const CheckFinding* finding : findings) {
    absl::StrAppendFormat(&xml, "    <failure message=\"%s\">%s</failure>\n",
                          Xml(finding->sentence), Xml(Details(*finding)));
  }
  absl::StrAppend(&xml, "  </testcase>\n");
}

}  // namespace

std::string CheckJson(const CheckReport& report) {
  JsonWriter json;
  json.Object();
  json.Key("target").String(report.target);
  json.Key("name").String(report.name);
  json.Key("agrees").Bool(report.agrees());
  json.Key("seconds").Number(report.seconds);
  json.Key("cases").Number(static_cast<double>(report.cases));
  json.Key("corpus_cases").Number(static_cast<double>(report.given));
  json.Key("corpus_cases_not_modelled")
      .Number(static_cast<double>(report.unfit));
  json.Key("steps").Number(static_cast<double>(report.steps));
  json.Key("disagreeing_cases").Number(static_cast<double>(report.disagreeing));
  json.Key("harness_microseconds_per_case").Number(report.harness_microseconds);
  if (report.edges.total != 0) {
    json.Key("target_edges_reached").Number(report.edges.covered);
    json.Key("target_edges_total").Number(report.edges.total);
  }
  json.Key("situations").Number(static_cast<double>(report.situations));
  json.Key("rules_decided").Number(static_cast<double>(report.rules_decided));
  json.Key("rules_total").Number(static_cast<double>(report.rules));
  json.Key("skipped").Object();
  for (const auto& [reason, count] : report.skipped) {
    json.Key(reason).Number(static_cast<double>(count));
  }
  json.End();
  json.Key("rules").Array();
  for (const RuleInfo& info : kRules) {
    if (report.builder || !IsAsked(info.rule)) continue;
    const auto rule = static_cast<std::size_t>(info.rule);
    json.Object();
    json.Key("rule").String(View(info.identifier));
    json.Key("sdm").String(View(info.section));
    json.Key("decided").Bool(report.decided[rule]);
    json.Key("agreeing").Number(static_cast<double>(report.agreements[rule]));
    json.Key("disagreeing")
        .Number(static_cast<double>(report.disagreements[rule]));
    json.End();
  }
  json.End();
  json.Key("departures").Array();
  for (const CheckFinding& finding : report.departures) {
    WriteFinding(finding, json);
  }
  json.End();
  json.Key("findings").Array();
  for (const CheckFinding& finding : report.findings) {
    WriteFinding(finding, json);
  }
  json.End();
  json.Key("remarks").Array();
  for (const std::string& remark : report.remarks) json.String(remark);
  json.End();
  json.End();
  return std::move(json).Finish();
}

std::string CheckJUnit(const CheckReport& report) {
  const std::string suite = absl::StrCat("eptdiff.", report.name);
  std::string cases;
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::size_t skipped = 0;
  for (const RuleInfo& info : kRules) {
    if (report.builder || !IsAsked(info.rule)) continue;
    std::vector<const CheckFinding*> of_rule;
    for (const CheckFinding& finding : report.departures) {
      if (finding.identifier == View(info.identifier)) {
        of_rule.push_back(&finding);
      }
    }
    const bool asked = report.decided[static_cast<std::size_t>(info.rule)];
    ++tests;
    failures += of_rule.empty() ? 0 : 1;
    skipped += of_rule.empty() && !asked ? 1 : 0;
    AddTestCase(suite,
                absl::StrCat(View(info.identifier), ": ", View(info.words)),
                of_rule, asked, cases);
  }
  for (const CheckFinding& finding : report.findings) {
    ++tests;
    ++failures;
    AddTestCase(suite, finding.signature, {&finding}, true, cases);
  }
  return absl::StrFormat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" errors=\"0\" "
      "skipped=\"%d\" time=\"%.3f\">\n%s</testsuite>\n",
      Xml(suite), tests, failures, skipped, report.seconds, cases);
}

std::string CheckSarif(const CheckReport& report) {
  std::vector<const CheckFinding*> all;
  for (const CheckFinding& finding : report.departures) all.push_back(&finding);
  for (const CheckFinding& finding : report.findings) all.push_back(&finding);
  JsonWriter json;
  json.Object();
  json.Key("version").String("2.1.0");
  json.Key("runs").Array();
  json.Object();
  json.Key("tool").Object();
  json.Key("driver").Object();
  json.Key("name").String("eptdiff");
  json.Key("version").String(EPTDIFF_VERSION);
  json.Key("rules").Array();
  std::vector<std::string> told;
  for (const CheckFinding* finding : all) {
    bool known = false;
    for (const std::string& id : told) known |= id == finding->identifier;
    if (known) continue;
    told.push_back(finding->identifier);
    json.Object();
    json.Key("id").String(finding->identifier);
    json.Key("shortDescription").Object();
    const auto rule = FindRule(finding->identifier);
    json.Key("text").String(rule.has_value() ? View(InfoOf(*rule).words)
                                             : finding->sentence);
    json.End();
    if (!finding->sdm_section.empty()) {
      json.Key("properties").Object();
      json.Key("sdm").String(finding->sdm_section);
      json.End();
    }
    json.End();
  }
  json.End();  // rules
  json.End();  // driver
  json.End();  // tool
  json.Key("results").Array();
  for (const CheckFinding* finding : all) {
    json.Object();
    json.Key("ruleId").String(finding->identifier);
    json.Key("level").String("error");
    json.Key("message").Object();
    json.Key("text").String(Details(*finding));
    json.End();
    json.Key("locations").Array();
    json.Object();
    json.Key("physicalLocation").Object();
    json.Key("artifactLocation").Object();
    json.Key("uri").String(report.target);
    json.End();
    json.End();
    json.End();
    json.End();
    json.Key("partialFingerprints").Object();
    json.Key("eptdiff/v1")
        .String(finding->signature.empty() ? finding->identifier
                                           : finding->signature);
    json.End();
    json.End();
  }
  json.End();
  json.End();
  json.End();
  json.End();
  return std::move(json).Finish();
}

}  // namespace eptdiff
