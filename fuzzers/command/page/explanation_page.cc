#include "fuzzers/command/page/explanation_page.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/page/html.h"
#include "fuzzers/command/page/walk_grid.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/builder_words.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

// In the names of a verdict's places until it is known where the verdict
// stands: one that serves several oracles is the same text, and is told once.
constexpr char kPlace[] = "\x01";

// In a verdict: behind it the walk follows, which may be another's too.
constexpr char kWalk[] = "\x02";

// Each way to answer that the SDM, or the dialect of who is judged, permits,
// with what decides and what changes.
std::string AlternativesHtml(const MachineState& before,
                             const Verdict& verdict) {
  std::set<std::string> told;
  std::string html;
  for (const Alternative& alternative : verdict.alternatives) {
    std::string words = Element("b", Escaped(ExpectedEventWords(alternative)));
    if (IsDecided(alternative)) {
      words += Element(
          "p", Escaped(absl::StrCat(
                   "decided by ", RuleAtWords(alternative.decided), ": ",
                   std::string(InfoOf(alternative.decided.rule).words))));
    }
    words += ListOf(ExpectedEffectWords(before, alternative));
    if (told.insert(words).second) html += Element("li", words);
  }
  return absl::StrCat(
      Element("p", told.size() == 1 ? "One answer is permitted:"
                                    : "Each of these answers is permitted:"),
      Element("ul", html));
}

std::string BeginHtml(const std::string& heading,
                      const std::string& explanation,
                      const std::string& signature) {
  PageHead head;
  head.command = "eptdiff explain";
  head.title = heading;
  if (!explanation.empty()) head.lines = {explanation};
  std::string html = HeadHtml(head);
  if (!signature.empty()) {
    html += Element("p", Element("code", Escaped(signature)));
  }
  return html;
}

}  // namespace

std::string PageTelling::Verdict(const MachineState& before,
                                 const eptdiff::Verdict& verdict,
                                 const Trace& trace,
                                 const std::vector<EntryNote>& notes) {
  std::string html;
  std::string forbids;
  for (const RuleHit& hit : ForbiddingRules(trace)) {
    forbids += Element(
        "li", absl::StrCat(
                  Element("span class=\"forbids\"", Escaped(ForbidsWords(hit))),
                  " ", Escaped(ForbiddingRuleWords(hit.rule))));
  }
  if (!forbids.empty()) html += Element("ul", forbids);
  if (const std::string none = NoVerdictWords(verdict); !none.empty()) {
    html += Element("p", Escaped(none));
  } else {
    html += AlternativesHtml(before, verdict);
  }
  if (const auto used = UsedRules(trace); !used.empty()) {
    html += Element(
        "p class=\"quiet\"",
        Escaped(absl::StrCat("Rules used: ", absl::StrJoin(used, " "))));
  }
  return absl::StrCat(html, kWalk,
                      WalkGrid(before, verdict, trace, notes, kPlace));
}

std::string PageTelling::Answer(const AnswerTold& answer) {
  std::string html = absl::StrCat(
      Element("b", Escaped(answer.who)), " ",
      Element(answer.conforms ? "span class=\"good\"" : "span class=\"bad\"",
              answer.conforms ? "agrees" : "DISAGREES"),
      ": ", Escaped(answer.given), ListOf(answer.effects));
  for (const std::string& fault : answer.faults) {
    html += Element("p class=\"bad\"", Escaped(fault));
  }
  return Element("li", html);
}

std::string PageTelling::NoAnswer(const std::string& words) {
  return Element("li class=\"quiet\"", Escaped(words));
}

std::string PageTelling::End(const std::string& words) {
  return Element("p", Escaped(words));
}

std::string PageTelling::Step(const StepTold& step) {
  std::string html = Element(
      "h2", Escaped(absl::StrCat("step ", step.number, ": ", step.words)));
  if (!step.answers.empty()) {
    html += Element("h3", "What was answered");
    html += Element("ul", absl::StrJoin(step.answers, ""));
  }
  std::string last;
  for (const StepTold::Reference& reference : step.references) {
    html += Element("h3", reference.who.empty()
                              ? "What the reference says"
                              : Escaped(absl::StrCat("What the reference says, "
                                                     "for ",
                                                     reference.who)));
    const std::vector<std::string> parts =
        absl::StrSplit(reference.verdict, absl::MaxSplits(kWalk, 1));
    std::string walk = parts.size() == 2 ? parts[1] : "";
    html += parts[0];
    if (!walk.empty() && walk == last) {
      html += Element("p class=\"quiet\"", "The walk is the one above.");
      continue;
    }
    html += absl::StrReplaceAll(walk,
                                {{kPlace, absl::StrCat(id_, "-", ++places_)}});
    last = std::move(walk);
  }
  return Element("section", html);
}

std::string ExplanationHtml(const MemoryTypeCase& c, const std::string& heading,
                            const std::string& told) {
  return ArticleOf("case", heading,
                   BeginHtml(heading, c.explanation, c.signature) +
                       Element("pre", Escaped(told)));
}

std::string ExplanationHtml(Panel& panel, const TextCase& text_case,
                            const std::string& heading,
                            const std::vector<std::string>& notes,
                            std::size_t number) {
  const Case& c = text_case.c;
  std::string html =
      BeginHtml(heading, text_case.explanation, text_case.signature);
  html += ListOf(notes);
  std::string machine;
  for (const auto& [what, words] : MachineWords(c)) {
    machine += Element("dt", what) + Element("dd", Escaped(words));
  }
  html += Element("dl", machine);
  if (HasTableOperations(c)) {
    html += Element("pre", Escaped(Explain(panel, c, Style(false))));
  } else {
    PageTelling telling(absl::StrCat("case", number));
    html += Explain(panel, c, telling);
  }
  return ArticleOf("case", heading, html);
}

}  // namespace eptdiff
