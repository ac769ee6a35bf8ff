#include "fuzzers/command/words/builder_words.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/table/table_error.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/explanation.h"
#include "fuzzers/text/view.h"
#include "oracle/builder/diagnosis/cause_words.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

std::string FindingRule(const BuilderFinding& finding) {
  const std::optional<Rule> rule = SdmRuleOf(finding);
  return rule.has_value() ? RuleWords(*rule) : "";
}

// "PTE at 0x103000 = 0x9037: read, write, execute, 4-KByte page at ...".
std::string FoundEntryWords(const Case& c, const FoundEntry& found,
                            bool has_address) {
  EntryRead entry;
  entry.structure = Structure::kEpt;
  entry.level = static_cast<std::uint8_t>(found.level);
  entry.address = found.address;
  entry.value = found.word;
  return absl::StrCat(
      EntryNameWords(entry),
      has_address ? absl::StrCat(" at ", Hexadecimal(found.address.value)) : "",
      " = ", Hexadecimal(found.word), ": ",
      EntryWords(entry, c.processor, c.controls, c.guest));
}

bool IsMbecOn(const Case& c) { return (c.controls.secondary >> 22 & 1) != 0; }

void AddPageFacts(const Case& c, const PageWords& page, Facts& facts) {
  facts.emplace_back(
      "asked for",
      page.asked_level == 0
          ? "nothing is mapped there"
          : FoundEntryWords(
                c,
                {.level = page.asked_level, .address = {}, .word = page.asked},
                /*has_address=*/false));
  facts.emplace_back("found",
                     FoundEntryWords(c, page.found, /*has_address=*/true));
  if (page.above.level == 0) return;
  facts.emplace_back(
      "taken away",
      absl::StrCat(EptRightsWords(page.taken, IsMbecOn(c)), ", by the ",
                   FoundEntryWords(c, page.above, /*has_address=*/true)));
}

std::string ResultWords(TableError error) {
  return error == TableError::kNone
             ? std::string(HeaderNameOf(error))
             : absl::StrCat(View(HeaderNameOf(error)), " (",
                            TableErrorText(error), ")");
}

void AddRefusalFacts(const RefusalWords& refusal, Facts& facts) {
  std::string asked;
  TableError first = refusal.given;
  for (int i = 31; i >= 0; --i) {
    if ((refusal.reasons >> i & 1) == 0) continue;
    first = static_cast<TableError>(i);
    asked =
        absl::StrCat(ResultWords(first), asked.empty() ? "" : " or ", asked);
  }
  const bool refused = refusal.given != TableError::kNone;
  facts.emplace_back("asked for",
                     asked.empty() ? ResultWords(TableError::kNone) : asked);
  facts.emplace_back(
      "found",
      absl::StrCat(ResultWords(refusal.given),
                   refusal.changed ? "; tables in use change"
                                   : "; nothing changes in the tables"));
  facts.emplace_back("if meant so",
                     DesignWords(refused ? refusal.given : first, refused));
}

// What the builder makes of a step, or of its beginning, which is none.
std::string DoneWords(const BuilderStepReport& report) {
  if (!report.asked) {
    const TableOperation& operation = report.step->operation;
    return IsAboutLog(operation.kind) ? "not asked, for it keeps no log"
           : operation.view != 0
               ? "not asked, for it has no such table, or no such refusal"
               : "not asked, for it declares no such refusal";
  }
  if (report.step != nullptr &&
      report.step->kind != StepKind::kTableOperation) {
    return "has dealt with an exit";
  }
  if (report.result.ok()) return "done";
  return absl::StrCat("refused, ", TableErrorText(report.result.error));
}

class TableTeller {
 public:
  TableTeller(const Case& c, const Style& style) : case_(c), style_(style) {}

  void Hear(const BuilderStepReport& report) {
    const std::string number = absl::StrCat("step ", report.number, ":");
    text_ += Item(0, number, style_.Bold(number),
                  BuilderStepWords(case_, report.number));
    if (report.verdict != nullptr) {
      TellAccess(report);
    } else if (report.step == nullptr ||
               report.step->kind != StepKind::kEptpSwitch) {
      TellOperation(report);
    }
    if (report.finding.has_value()) {
      text_ += Item(4, "!", style_.Bad("!"), report.finding->sentence);
      const std::string rule = FindingRule(*report.finding);
      if (!rule.empty()) absl::StrAppend(&text_, Wrapped(rule, 8));
      for (const auto& [lead, words] : FactsOf(case_, *report.finding)) {
        text_ += Item(8, absl::StrCat(lead, ":"), "", words);
      }
    }
    text_ += "\n";
  }

  std::string Take() && { return std::move(text_); }

 private:
  void TellOperation(const BuilderStepReport& report) {
    const bool is_end = report.number > case_.steps.size();
    if (!is_end) {
      absl::StrAppend(&text_, "    builder: ", DoneWords(report), "\n");
    }
    std::uint64_t filled = 0;  // the table that is being filled
    int words = 0;
    for (const TableEvent& event : report.events) {
      const std::uint64_t frame = event.address.value & ~std::uint64_t{0xfff};
      const bool fills =
          event.kind == TableEvent::Kind::kStore && event.level == 0;
      if (words > 0 && !(fills && frame == filled)) {
        TellFilled(filled, words);
        words = 0;
      }
      if (fills) {
        filled = frame;
        ++words;
      } else {
        TellEvent(event);
      }
    }
    if (words > 0) TellFilled(filled, words);
    if (report.taken != nullptr) TellTaken(*report.taken);
    if (report.told == nullptr) return;
    for (const Interval& page : *report.told) {
      absl::StrAppend(&text_, "    tells of writes to ",
                      Hexadecimal(page.bytes), " bytes at guest-physical ",
                      Hexadecimal(page.gpa), "\n");
    }
  }

  void TellTaken(const std::vector<Interval>& taken) {
    constexpr std::size_t kShown = 8;
    for (std::size_t i = 0; i < std::min(kShown, taken.size()); ++i) {
      const Interval& page = taken[i];
      absl::StrAppend(&text_, "    shows ", Hexadecimal(page.bytes),
                      " bytes at guest-physical ", Hexadecimal(page.gpa),
                      " that were at ", Hexadecimal(page.hpa), ", flags ",
                      Hexadecimal(page.flags), "\n");
    }
    if (taken.size() > kShown) {
      absl::StrAppend(&text_, "    ... and ", taken.size() - kShown, " more\n");
    }
  }

  void TellFilled(std::uint64_t frame, int words) {
    absl::StrAppendFormat(&text_, "    fills %d word%s of the frame at %s\n",
                          words, words == 1 ? "" : "s", Hexadecimal(frame));
  }

  static std::string InveptWords(const TableEvent& event) {
    std::string words = "INVEPT";
    if (event.type != kSingleContext) {
      absl::StrAppend(&words, ", type ", int{event.type}, ",");
    }
    absl::StrAppend(&words, " with EPTP ", Hexadecimal(event.after));
    if (event.processors != kAllProcessors) {
      absl::StrAppend(&words, " on logical processor ",
                      std::countr_zero(event.processors));
    }
    return words;
  }

  void TellEvent(const TableEvent& event) {
    const std::string address = Hexadecimal(event.address.value);
    switch (event.kind) {
      case TableEvent::Kind::kAllocate:
        absl::StrAppend(&text_, "    takes the frame at ", address, "\n");
        return;
      case TableEvent::Kind::kFree:
        absl::StrAppend(&text_, "    frees the frame at ", address, "\n");
        return;
      case TableEvent::Kind::kInvept:
        absl::StrAppend(&text_, "    ", InveptWords(event),
                        event.failed ? ": fails, and invalidates nothing" : "",
                        "\n");
        return;
      case TableEvent::Kind::kReleased:
        absl::StrAppend(&text_, "    releases ", Hexadecimal(event.after),
                        " bytes of the guest's memory at ", address, "\n");
        return;
      case TableEvent::Kind::kInvvpid:
        absl::StrAppend(&text_, "    INVVPID, type ", int{event.type},
                        ", VPID ", event.after, ", on logical processor ",
                        std::countr_zero(event.processors),
                        event.failed ? ": fails, and invalidates nothing" : "",
                        "\n");
        return;
      case TableEvent::Kind::kAsked:
        absl::StrAppend(&text_, "    asks for ", InveptWords(event), "\n");
        return;
      case TableEvent::Kind::kFlags:
        absl::StrAppend(&text_, "    a processor sets ",
                        Hexadecimal(event.before ^ event.after), " at ",
                        address, "\n");
        return;
      case TableEvent::Kind::kWritten:
        absl::StrAppend(&text_, "    a processor writes to the page at ",
                        "guest-physical ", Hexadecimal(event.after), "\n");
        return;
      case TableEvent::Kind::kBetween:
        absl::StrAppend(&text_, "    before the store to ", address,
                        " a processor uses ", Hexadecimal(event.after), "\n");
        return;
      case TableEvent::Kind::kTurn:
        absl::StrAppend(&text_, "    the other operation goes on\n");
        return;
      case TableEvent::Kind::kStore:
        text_ += Item(4, "stores", "stores",
                      absl::StrCat(Entry(event, event.after), "; it was ",
                                   Hexadecimal(event.before)));
        return;
    }
  }

  std::string Entry(const TableEvent& event, std::uint64_t word) const {
    EntryRead entry;
    entry.structure = Structure::kEpt;
    entry.level = static_cast<std::uint8_t>(event.level);
    entry.address = event.address;
    entry.value = word;
    return absl::StrCat(
        EntryNameWords(entry), " at ", Hexadecimal(event.address.value), " = ",
        Hexadecimal(word), ": ",
        EntryWords(entry, case_.processor, case_.controls, case_.guest));
  }

  void TellAccess(const BuilderStepReport& report) {
    absl::StrAppend(
        &text_, "  by memory\n",
        VerdictText(*report.before, *report.verdict, *report.trace, style_));
    if (report.stale > 0) {
      absl::StrAppendFormat(
          &text_, "  the processor may go by %d cached path%s instead\n",
          report.stale, report.stale == 1 ? "" : "s");
    }
  }

  const Case& case_;
  const Style& style_;
  std::string text_;
};

}  // namespace

Facts FactsOf(const Case& c, const BuilderFinding& finding) {
  Facts facts;
  if (finding.facts.page.known) AddPageFacts(c, finding.facts.page, facts);
  if (finding.facts.entry.level != 0) {
    facts.emplace_back("found", FoundEntryWords(c, finding.facts.entry,
                                                /*has_address=*/true));
  }
  if (finding.facts.refusal.known) {
    AddRefusalFacts(finding.facts.refusal, facts);
  }
  return facts;
}

std::string BuilderStepWords(const Case& c, std::size_t step) {
  if (step == 0) return "the builder's beginning";
  if (step > c.steps.size()) return "the builder's end";
  return StepWords(c.steps[step - 1]);
}

std::string BuilderStandingsText(const BuilderUnderTest& builder,
                                 const BuilderStandings& standings,
                                 const Style& style) {
  const std::string name =
      absl::StrFormat("  %-9s ", std::string(builder.name()));
  if (standings.finding.has_value()) {
    std::string text = absl::StrCat(
        name, style.Bad("DISAGREES"), " at step ", standings.step, ": ",
        SignatureOf(builder.name(), *standings.finding), "\n");
    text += Item(12, "-", "", standings.finding->sentence);
    const std::string rule = FindingRule(*standings.finding);
    if (!rule.empty()) text += Wrapped(rule, 12);
    return text;
  }
  std::string end;
  if (standings.skip != Skip::kNone) {
    end = absl::StrCat(View(WordsOf(standings.skip)), " (step ", standings.step,
                       ")");
  } else if (standings.undefined) {
    end = absl::StrCat("undefined from step ", standings.step);
  }
  if (standings.compared == 0) {
    return absl::StrCat(name, "no answer: ", end, "\n");
  }
  return absl::StrCat(name, style.Good("agrees"), " (", standings.compared,
                      standings.compared == 1 ? " answer" : " answers",
                      " compared", end.empty() ? "" : "; then: ", end, ")\n");
}

TextCase BuilderRegressionCase(const Case& c, const BuilderUnderTest& builder,
                               const BuilderStandings& standings) {
  const BuilderFinding& finding = *standings.finding;
  TextCase text_case;
  text_case.c = c;
  text_case.signature = SignatureOf(builder.name(), finding);
  text_case.explanation = absl::StrFormat(
      "%s is wrong at step %d (%s): %s.", std::string(builder.name()),
      standings.step, BuilderStepWords(c, standings.step), finding.sentence);
  if (const std::optional<Rule> rule = SdmRuleOf(finding)) {
    text_case.sdm_section = std::string(InfoOf(*rule).section);
    text_case.rules.emplace_back(IdentifierOf(*rule));
  }
  return text_case;
}

std::string ExplainTables(BuilderTrial& trial, const Case& c,
                          const Style& style) {
  TableTeller teller(c, style);
  trial.set_keeps_hits(true);
  trial.set_observer(
      [&teller](const BuilderStepReport& report) { teller.Hear(report); });
  const BuilderStandings standings = trial.Run(c);
  trial.set_observer({});
  trial.set_keeps_hits(false);
  return absl::StrCat(std::move(teller).Take(),
                      BuilderStandingsText(trial.builder(), standings, style));
}

}  // namespace eptdiff
