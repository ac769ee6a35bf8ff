#include "fuzzers/command/fuzz/triage.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/distill/apart.h"
#include "fuzzers/command/distill/smallest.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/fuzz/common_causes.h"
#include "fuzzers/command/fuzz/crash.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/text/case_text.h"

namespace eptdiff {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kProbeLimit{3};
constexpr std::chrono::seconds kMinimizeLimit{120};
constexpr std::chrono::seconds kExperimentLimit{120};

std::size_t Records(const Case& c) { return c.memory.size() + c.steps.size(); }

// An artifact that shows a signature.
struct Witness {
  std::string file;
  Case c;
};

class Triager {
 public:
  Triager(const OracleOptions& options, std::string out)
      : options_(options), out_(std::move(out)) {}

  // Sorts the artifact under its signatures, or says why it has none.
  void Probe(const std::string& artifact) {
    const auto content = ReadCaseFile(artifact);
    if (!content.ok()) {
      result_.unreproduced.emplace_back(
          artifact, std::string(content.status().message()));
      return;
    }
    const Case& c = content->text_case.c;
    Incident incident;
    const auto signatures = RunApart(
        [&] {
          return absl::StrJoin((*options_.MakePanel())->Findings(c), "\n");
        },
        kProbeLimit, &incident);
    if (incident.kind != IncidentKind::kNone) {
      const Crash crash = CrashOf(options_, c, incident);
      const std::string signature = SignatureOf(crash);
      crashes_[signature] = crash;
      witnesses_[signature].push_back({artifact, c});
    } else if (!signatures.ok()) {
      result_.crashes.emplace_back(artifact,
                                   std::string(signatures.status().message()));
    } else if (signatures->empty()) {
      result_.unreproduced.emplace_back(artifact, "nobody disagrees on it");
    } else {
      for (absl::string_view signature : absl::StrSplit(*signatures, '\n')) {
        witnesses_[std::string(signature)].push_back({artifact, c});
      }
    }
  }

  absl::Status Minimize() {
    for (const auto& [signature, witnesses] : witnesses_) {
      if (absl::Status s = Minimize(signature, witnesses); !s.ok()) return s;
    }
    FindCommonCauses();
    for (TriagedSignature& triaged : result_.signatures) {
      if (!triaged.alike.empty()) continue;
      const TextCase& regression = regressions_.at(triaged.signature);
      if (triaged.kept && regression.explanation == triaged.explanation) {
        continue;
      }
      triaged.explanation = regression.explanation;
      absl::Status s = WriteFile(triaged.file, FormatCase(regression));
      if (!s.ok()) return s;
    }
    return absl::OkStatus();
  }

  TriageResult Result() && { return std::move(result_); }

 private:
  absl::Status Minimize(const std::string& signature,
                        const std::vector<Witness>& witnesses) {
    const Witness& smallest =
        *std::min_element(witnesses.begin(), witnesses.end(),
                          [](const Witness& a, const Witness& b) {
                            return SizeOf(a.c) < SizeOf(b.c);
                          });
    TriagedSignature triaged;
    triaged.signature = signature;
    for (const Witness& w : witnesses) triaged.artifacts.push_back(w.file);
    triaged.records_before = Records(smallest.c);
    triaged.file = absl::StrCat(out_, "/", signature, ".textproto");

    const auto crash = crashes_.find(signature);
    const auto text =
        crash != crashes_.end()
            ? FormatCase(SmallestCrash(options_, smallest.c, crash->second))
            : RunApart(
                  [&] { return FormatCase(Regression(smallest.c, signature)); },
                  kMinimizeLimit);
    if (!text.ok()) {
      result_.crashes.emplace_back(
          smallest.file,
          absl::StrCat("while it was minimised: ", text.status().message()));
      return absl::OkStatus();
    }
    auto regression = ParseCase(*text, triaged.file);
    if (!regression.ok()) return regression.status();
    triaged.kept = KeepsOld(triaged.file, signature, *regression);
    triaged.records = Records(regression->c);
    triaged.explanation = regression->explanation;
    regressions_[signature] = *std::move(regression);
    result_.signatures.push_back(std::move(triaged));
    return absl::OkStatus();
  }

  // Makes one of findings that have one cause.
  void FindCommonCauses() {
    std::map<std::string, std::map<std::string, Case>> cases;  // by oracle
    for (const auto& [signature, regression] : regressions_) {
      const std::string oracle = OracleWithCauses(signature);
      if (!oracle.empty() && crashes_.count(signature) == 0) {
        cases[oracle][signature] = regression.c;
      }
    }
    for (const auto& [oracle, of_oracle] : cases) {
      const auto found = RunApart(
          [&, &oracle = oracle, &of_oracle = of_oracle] {
            std::string text;
            for (const auto& cause :
                 CommonCauses(options_, oracle, of_oracle)) {
              absl::StrAppend(&text, cause.words, "\t",
                              absl::StrJoin(cause.signatures, "\t"), "\n");
            }
            return text;
          },
          kExperimentLimit);
      // Whoever crashes or takes too long is told signature by signature.
      if (!found.ok()) continue;
      for (absl::string_view line :
           absl::StrSplit(*found, '\n', absl::SkipEmpty())) {
        const std::vector<std::string> parts = absl::StrSplit(line, '\t');
        MakeOne(parts[0], {parts.begin() + 1, parts.end()});
      }
    }
  }

  void MakeOne(const std::string& cause,
               const std::vector<std::string>& signatures) {
    std::vector<TriagedSignature*> all;
    for (const std::string& signature : signatures) {
      all.push_back(&*std::find_if(
          result_.signatures.begin(), result_.signatures.end(),
          [&](const TriagedSignature& t) { return t.signature == signature; }));
    }
    const auto there = std::find_if(
        all.begin(), all.end(),
        [](const TriagedSignature* triaged) { return triaged->kept; });
    TriagedSignature& kept = there == all.end() ? *all[0] : **there;
    std::vector<std::string> others;
    for (TriagedSignature* triaged : all) {
      if (triaged == &kept) continue;
      triaged->alike = kept.signature;
      triaged->file = kept.file;
      others.push_back(triaged->signature);
    }
    std::sort(others.begin(), others.end());
    std::string& explanation = regressions_[kept.signature].explanation;
    // What a file has said before is said anew.
    static constexpr char kLead[] = " The same cause is found out for ";
    static constexpr char kLeadOfOne[] = " The cause is found out: ";
    for (const char* lead : {kLead, kLeadOfOne}) {
      explanation.resize(std::min(explanation.find(lead), explanation.size()));
    }
    if (others.empty()) {
      absl::StrAppend(&explanation, kLeadOfOne, cause, ".");
    } else {
      absl::StrAppend(&explanation, kLead, absl::StrJoin(others, ", "), ": ",
                      cause, ".");
    }
  }

  TextCase Regression(const Case& c, const std::string& signature) {
    const auto panel = *options_.MakePanel();
    return Documented(*panel, Smallest(*panel, c, signature), signature);
  }

  // Whether the file of that name shows the signature with no larger a case;
  // if so `now` becomes what it holds.
  bool KeepsOld(const std::string& file, const std::string& signature,
                TextCase& now) {
    const auto old = ReadCaseFile(file);
    if (!old.ok() || SizeOf(old->text_case.c) > SizeOf(now.c)) return false;
    Incident incident;
    const auto signatures = RunApart(
        [&] {
          return absl::StrJoin(
              (*options_.MakePanel())->Findings(old->text_case.c), "\n");
        },
        kProbeLimit, &incident);
    if (const auto crash = crashes_.find(signature); crash != crashes_.end()) {
      if (incident.kind != crash->second.incident.kind) return false;
      now = old->text_case;
      return true;
    }
    if (!signatures.ok()) return false;
    const std::vector<std::string> shown = absl::StrSplit(*signatures, '\n');
    if (std::find(shown.begin(), shown.end(), signature) == shown.end()) {
      return false;
    }
    now = old->text_case;
    return true;
  }

  const OracleOptions& options_;
  const std::string out_;
  std::map<std::string, std::vector<Witness>> witnesses_;  // by signature
  std::map<std::string, Crash> crashes_;                   // those of them
  std::map<std::string, TextCase> regressions_;            // likewise
  TriageResult result_;
};

}  // namespace

namespace {

// "crash-0a1b", "walk_fuzzer-address-crash-0a1b" (ClusterFuzzLite),
// "clusterfuzz-testcase-minimized-walk_fuzzer-123".
bool IsArtifactName(const std::string& name) {
  for (const char* kind : {"crash-", "timeout-", "oom-", "leak-", "slow-unit-",
                           "clusterfuzz-testcase-"}) {
    if (absl::StrContains("-" + name, absl::StrCat("-", kind))) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ArtifactsIn(
    const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return absl::FailedPreconditionError(absl::StrCat(
        directory, error ? ": " + error.message() : " is not a directory",
        "; name the folder of libFuzzer's artifacts"));
  }
  std::vector<std::string> artifacts;
  for (fs::directory_iterator entry(directory, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (IsArtifactName(name) && entry->is_regular_file()) {
      artifacts.push_back(entry->path().string());
    }
  }
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read ", directory, ": ", error.message()));
  }
  std::sort(artifacts.begin(), artifacts.end());
  return artifacts;
}

absl::StatusOr<TriageResult> Triage(const std::vector<std::string>& artifacts,
                                    const OracleOptions& options,
                                    const std::string& out) {
  std::error_code error;
  fs::create_directories(out, error);
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat("cannot make ", out, ": ", error.message()));
  }
  if (const auto panel = options.MakePanel(); !panel.ok()) {
    return panel.status();
  }
  Triager triager(options, out);
  for (const std::string& artifact : artifacts) triager.Probe(artifact);
  if (absl::Status s = triager.Minimize(); !s.ok()) return s;
  return std::move(triager).Result();
}

std::string TriageText(const TriageResult& result) {
  std::string text;
  for (const TriagedSignature& s : result.signatures) {
    if (!s.alike.empty()) {
      absl::StrAppendFormat(
          &text, "%s\n  %d artifact%s; the cause of %s, in its file\n",
          s.signature, s.artifacts.size(), s.artifacts.size() == 1 ? "" : "s",
          s.alike);
      continue;
    }
    absl::StrAppendFormat(
        &text, "%s\n  %d artifact%s, %d records -> %d, %s\n%s", s.signature,
        s.artifacts.size(), s.artifacts.size() == 1 ? "" : "s",
        s.records_before, s.records,
        s.kept ? absl::StrCat("already in ", s.file) : s.file,
        Wrapped(s.explanation, 2));
  }
  for (const auto& [file, how] : result.crashes) {
    absl::StrAppend(&text, file, "\n  ", how, "\n");
  }
  for (const auto& [file, why] : result.unreproduced) {
    absl::StrAppend(&text, file, "\n  does not reproduce: ", why, "\n");
  }
  return text;
}

}  // namespace eptdiff
