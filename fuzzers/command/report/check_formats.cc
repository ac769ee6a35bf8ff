// The report for machines: JSON, JUnit XML, SARIF.
#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "fuzzers/command/report/check_report.h"
#include "fuzzers/command/report/check_rules.h"
#include "fuzzers/command/report/json.h"
#include "fuzzers/command/words/consequence_words.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"

namespace eptdiff {
namespace {

const char* NameOf(CheckedKind kind) {
  static constexpr const char* kNames[] = {"walker", "builder", "memory_types",
                                           "machine"};
  return kNames[static_cast<int>(kind)];
}

// "asked_for" of "asked for".
std::string KeyOf(std::string lead) {
  std::replace(lead.begin(), lead.end(), ' ', '_');
  return lead;
}

void WriteProtections(const CheckFinding& finding, JsonWriter& json) {
  json.Key("protections").Array();
  for (const Protection protection : finding.protections) {
    json.String(View(NameOf(protection)));
  }
  json.End();
}

// `rank`: from 1 on; 0 of what is not ranked.
void WriteFinding(const CheckFinding& finding, std::size_t rank,
                  JsonWriter& json) {
  json.Object();
  json.Key("rule").String(finding.identifier);
  if (rank != 0) json.Key("rank").Number(static_cast<double>(rank));
  if (!finding.breaks.empty()) json.Key("breaks").String(finding.breaks);
  if (!finding.alteration.empty()) {
    json.Key("alteration").String(finding.alteration);
  }
  if (!finding.sdm_section.empty()) {
    json.Key("sdm").String(finding.sdm_section);
    json.Key("sdm_2026").String(CitedIn2026(finding.sdm_section));
  }
  json.Key("sentence").String(finding.sentence);
  json.Key("consequence").String(View(NameOf(finding.consequence)));
  if (!finding.protections.empty()) WriteProtections(finding, json);
  json.Key("inseparable").Array();
  for (const std::string& other : finding.inseparable) json.String(other);
  json.End();
  if (!finding.experiment.empty()) {
    json.Key("experiment").Array();
    for (const std::string& line : finding.experiment) json.String(line);
    json.End();
  }
  if (!finding.signature.empty()) {
    json.Key("signature").String(finding.signature);
  }
  json.Key("cases").Number(static_cast<double>(finding.cases));
  if (finding.has_case || finding.memory_types.has_value()) {
    json.Key("step").String(finding.step);
    json.Key("expected").String(finding.expected);
    json.Key("given").String(finding.given);
    for (const auto& [lead, words] : finding.facts) {
      json.Key(KeyOf(lead)).String(words);
    }
    if (finding.has_case) {
      json.Key("case").String(FormatCase(finding.text_case));
    } else {
      json.Key("question").String(FormatMemoryTypeCase(*finding.memory_types));
    }
  }
  if (finding.lacks_frames) json.Key("allocation_fails").Bool(true);
  if (!finding.output.empty()) json.Key("output").String(finding.output);
  if (!finding.follows.empty()) {
    json.Key("follows").Array();
    for (const CheckFinding& other : finding.follows) {
      WriteFinding(other, 0, json);
    }
    json.End();
  }
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
  std::string text = absl::StrCat(
      Message(finding), "\nconsequence: ", View(WordsOf(finding.consequence)));
  if (!finding.protections.empty()) {
    absl::StrAppend(&text, "\nwhat falls: ", WordsOf(finding.protections));
  }
  if (!finding.breaks.empty()) {
    absl::StrAppend(&text, "\nits case breaks: ", finding.breaks);
  }
  for (const CheckFinding& other : finding.follows) {
    absl::StrAppend(&text, "\nwhat follows: ", other.identifier, ": ",
                    Message(other));
  }
  for (const std::string& line : finding.experiment) {
    absl::StrAppend(&text, "\ntried: ", line);
  }
  if (!finding.has_case && !finding.memory_types.has_value()) return text;
  absl::StrAppend(&text, "\nstep: ", finding.step,
                  "\nexpected: ", finding.expected, "\ngiven: ", finding.given,
                  "\n");
  for (const auto& [lead, words] : finding.facts) {
    absl::StrAppend(&text, lead, ": ", words, "\n");
  }
  absl::StrAppend(&text, "\n",
                  finding.has_case
                      ? FormatCase(finding.text_case)
                      : FormatMemoryTypeCase(*finding.memory_types));
  return text;
}

void AddTestCase(absl::string_view suite, const std::string& name,
                 const std::vector<const CheckFinding*>& findings,
                 const std::string& skipped, std::string& xml) {
  absl::StrAppendFormat(&xml, "  <testcase classname=\"%s\" name=\"%s\"",
                        Xml(suite), Xml(name));
  if (findings.empty() && skipped.empty()) {
    absl::StrAppend(&xml, "/>\n");
    return;
  }
  absl::StrAppend(&xml, ">\n");
  if (findings.empty()) {
    absl::StrAppend(&xml, "    <skipped message=\"", Xml(skipped), "\"/>\n");
  }
  for (const CheckFinding* finding : findings) {
    absl::StrAppendFormat(
        &xml, "    <failure type=\"%s\" message=\"%s\">%s</failure>\n",
        NameOf(finding->consequence), Xml(finding->sentence),
        Xml(Details(*finding)));
  }
  absl::StrAppend(&xml, "  </testcase>\n");
}

// What SARIF calls a rule: one of the SDM's, or a kind of finding.
struct SarifRule {
  std::string id;
  std::string words;
  std::string sdm;                     // "" if none
  const RuleReport* report = nullptr;  // null if it is none of the SDM's
};

// Of a finding that no rule's identifier stands for: what all of its kind do.
std::string WordsOfKind(const CheckFinding& finding) {
  if (finding.breaks.empty()) return finding.sentence;
  return absl::StrCat(View(WordsOf(finding.consequence)),
                      finding.protections.empty() ? "" : ": what falls is ",
                      WordsOf(finding.protections));
}

std::vector<SarifRule> RulesOf(const CheckReport& report,
                               const std::vector<const CheckFinding*>& found) {
  std::vector<SarifRule> rules;
  for (const RuleReport& rule : report.rules) {
    const RuleInfo& info = InfoOf(rule.rule);
    rules.push_back({std::string(info.identifier), std::string(info.words),
                     std::string(info.section), &rule});
  }
  for (const CheckFinding* finding : found) {
    const bool known = std::any_of(
        rules.begin(), rules.end(),
        [&](const SarifRule& rule) { return rule.id == finding->identifier; });
    if (known) continue;
    rules.push_back({finding->identifier, WordsOfKind(*finding),
                     finding->breaks.empty() ? finding->sdm_section : "",
                     nullptr});
  }
  return rules;
}

double IndexOf(const std::vector<SarifRule>& rules, const std::string& id) {
  const auto rule =
      std::find_if(rules.begin(), rules.end(),
                   [&](const SarifRule& r) { return r.id == id; });
  return static_cast<double>(rule - rules.begin());
}

void WriteRule(const SarifRule& rule, JsonWriter& json) {
  json.Object();
  json.Key("id").String(rule.id);
  json.Key("shortDescription").Object();
  json.Key("text").String(rule.words);
  json.End();
  if (!rule.sdm.empty() || rule.report != nullptr) {
    json.Key("properties").Object();
    if (!rule.sdm.empty()) json.Key("sdm").String(rule.sdm);
    if (rule.report != nullptr) {
      const RuleReport& report = *rule.report;
      json.Key("declared").Bool(report.declared);
      json.Key("decided").Bool(report.decided);
      json.Key("agreeing").Number(static_cast<double>(report.answers.agreeing));
      json.Key("disagreeing")
          .Number(static_cast<double>(report.answers.disagreeing));
    }
    json.End();
  }
  json.End();
}

void WriteReport(const CheckReport& report, JsonWriter& json) {
  json.Key("target").String(report.target);
  json.Key("name").String(report.name);
  if (!report.machine.empty()) json.Key("machine").String(report.machine);
  json.Key("seconds").Number(report.seconds);
  json.Key("cases").Number(static_cast<double>(report.cases));
  json.Key("corpus_cases").Number(static_cast<double>(report.given));
  json.Key("corpus_cases_not_modelled")
      .Number(static_cast<double>(report.unfit));
  json.Key("steps").Number(static_cast<double>(report.steps));
  json.Key("disagreeing_cases").Number(static_cast<double>(report.disagreeing));
  json.Key("harness_microseconds_per_case").Number(report.harness_microseconds);
  if (report.edges.covered != 0 || report.edges.total != 0) {
    json.Key("target_edges_reached").Number(report.edges.covered);
  }
  if (report.edges.total != 0) {
    json.Key("target_edges_total").Number(report.edges.total);
  }
  json.Key("skipped").Object();
  for (const auto& [reason, count] : report.skipped) {
    json.Key(reason).Number(static_cast<double>(count));
  }
  json.End();
  json.Key("rules");
  WriteRules(report.rules, json);
  const std::vector<const CheckFinding*> ranked = Ranked(report);
  const auto write = [&](const char* name,
                         const std::vector<CheckFinding>& list) {
    json.Key(name).Array();
    for (const CheckFinding& finding : list) {
      const auto place = std::find(ranked.begin(), ranked.end(), &finding);
      const auto rank = static_cast<std::size_t>(place - ranked.begin()) + 1;
      WriteFinding(finding, place == ranked.end() ? 0 : rank, json);
    }
    json.End();
  };
  write("departures", report.departures);
  write("findings", report.findings);
  write("allowed", report.allowed);
  json.Key("remarks").Array();
  for (const std::string& remark : report.remarks) json.String(remark);
  json.End();
}

// Test cases: what failed, the worst first; then what did not.
class Suite {
 public:
  explicit Suite(const CheckReport& report)
      : report_(report), name_(absl::StrCat("eptdiff.", report.name)) {}

  std::string Xml() {
    for (const CheckFinding* finding : Ranked(report_)) AddFailed(*finding);
    for (const RuleReport& rule : report_.rules) {
      if (!told_.contains(rule.rule)) AddRule(rule);
    }
    for (const CheckFinding& finding : report_.allowed) {
      if (!finding.alteration.empty()) continue;  // told by its rule
      Add(finding.told_as(), {}, absl::StrCat("allowed: ", Message(finding)));
    }
    return absl::StrFormat(
        "<testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" errors=\"0\" "
        "skipped=\"%d\" time=\"%.3f\">\n%s</testsuite>\n",
        eptdiff::Xml(name_), tests_, failures_, skipped_, report_.seconds,
        cases_);
  }

 private:
  static std::string NameOf(const RuleReport& rule) {
    const RuleInfo& info = InfoOf(rule.rule);
    return absl::StrCat(View(info.identifier), ": ", View(info.words));
  }

  void Add(const std::string& name,
           const std::vector<const CheckFinding*>& findings,
           const std::string& skipped) {
    ++tests_;
    failures_ += findings.empty() ? 0 : 1;
    skipped_ += findings.empty() && !skipped.empty() ? 1 : 0;
    AddTestCase(name_, name, findings, skipped, cases_);
  }

  // A departure is told with all others of its rule.
  void AddFailed(const CheckFinding& finding) {
    const auto rule = std::find_if(
        report_.rules.begin(), report_.rules.end(), [&](const auto& one) {
          return View(IdentifierOf(one.rule)) == finding.identifier;
        });
    const bool of_rule = std::any_of(
        report_.departures.begin(), report_.departures.end(),
        [&](const CheckFinding& departure) { return &departure == &finding; });
    if (!of_rule || rule == report_.rules.end()) {
      return Add(finding.told_as(), {&finding}, "");
    }
    if (!told_.insert(rule->rule).second) return;
    std::vector<const CheckFinding*> findings;
    for (const CheckFinding& departure : report_.departures) {
      if (departure.identifier == finding.identifier) {
        findings.push_back(&departure);
      }
    }
    Add(NameOf(*rule), findings, "");
  }

  void AddRule(const RuleReport& rule) {
    std::string why = rule.decided ? "" : UndecidedWords(rule);
    for (const CheckFinding& finding : report_.allowed) {
      if (finding.identifier != View(IdentifierOf(rule.rule))) continue;
      why = absl::StrCat("allowed: ", Message(finding));
    }
    Add(NameOf(rule), {}, why);
  }

  const CheckReport& report_;
  const std::string name_;
  std::set<Rule> told_;
  std::string cases_;
  std::size_t tests_ = 0;
  std::size_t failures_ = 0;
  std::size_t skipped_ = 0;
};

void WriteRun(const CheckReport& report, JsonWriter& json) {
  std::vector<const CheckFinding*> all = Ranked(report);
  const std::size_t not_allowed = all.size();
  for (const CheckFinding& finding : report.allowed) all.push_back(&finding);
  const std::vector<SarifRule> rules = RulesOf(report, all);
  json.Object();
  json.Key("tool").Object();
  json.Key("driver").Object();
  json.Key("name").String("eptdiff");
  json.Key("version").String(EPTDIFF_VERSION);
  json.Key("rules").Array();
  for (const SarifRule& rule : rules) WriteRule(rule, json);
  json.End();  // rules
  json.End();  // driver
  json.End();  // tool
  // GitHub takes one run alone of each tool and id.
  json.Key("automationDetails").Object();
  json.Key("id").String(
      absl::StrCat("eptdiff/", report.name, "/", NameOf(report.kind), "/"));
  json.End();
  json.Key("results").Array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const CheckFinding* finding = all[i];
    json.Object();
    json.Key("ruleId").String(finding->identifier);
    json.Key("ruleIndex").Number(IndexOf(rules, finding->identifier));
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
    // GitHub shows no result without a line.
    json.Key("region").Object();
    json.Key("startLine").Number(1);
    json.End();
    json.End();
    json.End();
    json.End();
    json.Key("properties").Object();
    json.Key("consequence").String(View(NameOf(finding->consequence)));
    if (!finding->protections.empty()) WriteProtections(*finding, json);
    json.End();
    if (i >= not_allowed) {
      json.Key("suppressions").Array();
      json.Object();
      json.Key("kind").String("external");
      json.End();
      json.End();
    }
    json.Key("partialFingerprints").Object();
    json.Key("eptdiff/v1")
        .String(finding->told_as().empty() ? finding->identifier
                                           : finding->told_as());
    json.End();
    json.End();
  }
  json.End();  // results
  json.End();
}

}  // namespace

std::string CheckJson(const CheckReports& reports) {
  JsonWriter json;
  json.Object();
  json.Key("agrees").Bool(Agrees(reports));
  WriteReport(reports[0], json);
  for (std::size_t i = 1; i < reports.size(); ++i) {
    json.Key(NameOf(reports[i].kind)).Object();
    json.Key("agrees").Bool(reports[i].agrees());
    WriteReport(reports[i], json);
    json.End();
  }
  json.End();
  return std::move(json).Finish();
}

std::string CheckJUnit(const CheckReports& reports) {
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const CheckReport& report : reports) xml += Suite(report).Xml();
  return xml + "</testsuites>\n";
}

std::string CheckSarif(const CheckReports& reports) {
  JsonWriter json;
  json.Object();
  json.Key("version").String("2.1.0");
  json.Key("runs").Array();
  for (const CheckReport& report : reports) WriteRun(report, json);
  json.End();
  json.End();
  return std::move(json).Finish();
}

}  // namespace eptdiff
