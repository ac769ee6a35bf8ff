#include "fuzzers/command/report/check_rules.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/check/declared_rules.h"
#include "fuzzers/command/distill/decided.h"
#include "fuzzers/command/files/embedded_corpus.h"
#include "fuzzers/command/report/rule_description.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/generation/generator.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/spine.h"

namespace eptdiff {
namespace {

using Mode = GuestPagingMode;
static_assert(kModes == RuleAnswers::kModes &&
              kPositions == RuleAnswers::kPositions);

// Enough for the situations that are not rare; the corpus has the others.
constexpr std::uint64_t kMadeCases = 4000;

void AddAnswers(const Case& c, RuleAnswers& answers) {
  for (Spine spine(c); !spine.over(); spine.Advance()) {
    const Step* step = spine.step() == 0 ? nullptr : &c.steps[spine.step() - 1];
    answers.Agree(GuestModeOf(spine.before().guest), step,
                  spine.trace().consequences);
  }
}

// The SDM's own answers, whatever is modelled.
std::unique_ptr<RuleAnswers> KnownAnswers() {
  auto answers = std::make_unique<RuleAnswers>();
  for (const Case& c : EmbeddedCorpus()) {
    if (!HasTableOperations(c)) AddAnswers(c, *answers);
  }
  Case c;
  for (std::uint64_t seed = 0; seed < kMadeCases; ++seed) {
    GenerateCase(seed, c, seed % 2 == 0 ? Focus::kEpt : Focus::kLinear);
    AddAnswers(c, *answers);
  }
  return answers;
}

bool CanMeet(const eptdiff_profile& profile, Rule rule, const Situated& where) {
  return CanMeet(profile, rule, where.mode,
                 where.dimension == Dimension::kGuestEntry, where.level);
}

// "PDE, guest entry, 4-level paging".
std::string WordsOf(const Situated& where) {
  std::string words = where.level == 0 ? std::string("no entry")
                                       : std::string(NameOfLevel(where.level));
  absl::StrAppend(
      &words,
      where.dimension == Dimension::kGuestEntry ? ", access to a guest's entry"
                                                : "",
      ", ", where.mode == Mode::kNone ? "no" : ModeWords(where.mode),
      " guest paging");
  return words;
}

// The situations in which a rule was seen broken most.
std::string BrokenWords(const RuleReport& rule) {
  constexpr std::size_t kMost = 3;
  std::vector<RuleReport::Situation> broken;
  for (const RuleReport::Situation& situation : rule.situations) {
    if (situation.answers.disagreeing != 0) broken.push_back(situation);
  }
  const auto rank = [](const RuleReport::Situation& s) {
    return std::tuple(~s.answers.disagreeing, s.where.mode, s.where.dimension,
                      s.where.level);
  };
  std::sort(broken.begin(), broken.end(),
            [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  std::vector<std::string> words;
  for (std::size_t i = 0; i < std::min(kMost, broken.size()); ++i) {
    words.push_back(absl::StrCat(Grouped(broken[i].answers.disagreeing), " at ",
                                 WordsOf(broken[i].where)));
  }
  if (broken.size() > kMost) {
    words.push_back(
        absl::StrCat("in ", broken.size() - kMost, " more situations"));
  }
  return absl::StrJoin(words, "; ");
}

struct Family {
  std::string name;
  std::size_t declared = 0;
  std::size_t decided = 0;
  std::size_t situations = 0;
  std::size_t asked = 0;
  std::uint64_t agreeing = 0;
  std::uint64_t disagreeing = 0;
  std::string broken;
};

std::vector<Family> FamiliesOf(const std::vector<RuleReport>& rules) {
  std::vector<Family> families;
  for (const RuleReport& rule : rules) {
    if (!rule.declared) continue;
    const std::string name = FamilyOf(rule.rule);
    if (families.empty() || families.back().name != name) {
      families.emplace_back().name = name;
    }
    Family& family = families.back();
    ++family.declared;
    family.decided += rule.decided ? 1 : 0;
    family.situations += rule.situations.size();
    family.asked += rule.situations_asked();
    family.agreeing += rule.answers.agreeing;
    family.disagreeing += rule.answers.disagreeing;
    if (rule.answers.disagreeing == 0) continue;
    family.broken += Item(4, absl::StrCat(View(IdentifierOf(rule.rule)), ":"),
                          "", WrongWords(rule));
  }
  return families;
}

std::string FamiliesText(const std::vector<RuleReport>& rules) {
  std::string text =
      absl::StrFormat("  %-6s %12s %14s %14s %10s\n", "rules", "decided",
                      "situations met", "right", "wrong");
  for (const Family& family : FamiliesOf(rules)) {
    absl::StrAppendFormat(&text, "  %-6s %12s %14s %14s %10s\n", family.name,
                          absl::StrCat(family.decided, " of ", family.declared),
                          absl::StrCat(family.asked, " of ", family.situations),
                          Grouped(family.agreeing),
                          Grouped(family.disagreeing));
    text += family.broken;
  }
  return text;
}

// The cells of one rule in one mode of guest paging; "" if it has none.
std::string CellsOf(const RuleReport& rule, Mode mode) {
  std::string cells(kPositions, '-');
  bool any = false;
  for (const RuleReport::Situation& situation : rule.situations) {
    if (situation.where.mode != mode) continue;
    any = true;
    // As `eptdiff rules --corpus` has them: from level 5 down to none.
    cells[static_cast<std::size_t>(situation.where.dimension) * 6 +
          (5 - situation.where.level)] = SignOf(situation.answers);
  }
  if (!any) return "";
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    absl::StrAppend(&text, i == 6 ? "    " : "", cells.substr(i, 1), " ");
  }
  text.pop_back();
  return text;
}

// "EPTP-1 to EPTP-5, CFG-4", of rules in their order.
std::string RuleNames(const std::vector<Rule>& rules) {
  const auto follows = [&](std::size_t i) {
    return i < rules.size() &&
           static_cast<int>(rules[i]) == static_cast<int>(rules[i - 1]) + 1 &&
           FamilyOf(rules[i]) == FamilyOf(rules[i - 1]);
  };
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    std::size_t last = i;
    while (follows(last + 1)) ++last;
    names.emplace_back(IdentifierOf(rules[i]));
    if (last < i + 2) continue;  // one, or two
    absl::StrAppend(&names.back(), " to ", View(IdentifierOf(rules[last])));
    i = last;
  }
  return absl::StrJoin(names, ", ");
}

// "By rule, ...: + right, ! wrong, ...".
std::string LegendText() {
  std::vector<std::string> words;
  for (const auto& [sign, meaning] : SituationLegend()) {
    words.push_back(absl::StrCat(std::string(1, sign), " ", meaning));
  }
  return Wrapped(
      absl::StrCat("By rule, guest paging, access and level of the entry: ",
                   absl::StrJoin(words, ", "), "."),
      2);
}

std::string WholeText(const std::vector<RuleReport>& rules) {
  std::string text = absl::StrFormat(
      "%s\n"
      "  %-8s %-7s %-15s %-15s %10s %8s\n  %-8s %-7s %-15s %s\n",
      LegendText(), "rule", "paging", "guest entries", "other accesses",
      "right", "wrong", "", "", "5 4 3 2 1 no", "5 4 3 2 1 no");
  for (const RuleReport& rule : rules) {
    if (!rule.declared) continue;
    std::string head(IdentifierOf(rule.rule));
    std::string counts =
        absl::StrFormat("%10s %8s", Grouped(rule.answers.agreeing),
                        Grouped(rule.answers.disagreeing));
    for (const Mode mode : kAllModes) {
      const std::string cells = CellsOf(rule, mode);
      if (cells.empty()) continue;
      std::string line = absl::StrFormat("  %-8s %-7s %-31s %s", head,
                                         ModeWords(mode), cells, counts);
      while (line.back() == ' ') line.pop_back();
      absl::StrAppend(&text, line, "\n");
      head.clear();
      counts.clear();
    }
  }
  return text;
}

}  // namespace

std::string WrongWords(const RuleReport& rule) {
  const std::string broken = BrokenWords(rule);
  return absl::StrCat(Grouped(rule.answers.disagreeing), " wrong",
                      broken.empty() ? "" : ": ", broken);
}

std::size_t RuleReport::situations_asked() const {
  return static_cast<std::size_t>(
      std::count_if(situations.begin(), situations.end(),
                    [](const Situation& s) { return s.answers.any(); }));
}

char SignOf(const RuleAnswers::Count& answers) {
  return answers.disagreeing != 0 ? '!'
         : answers.agreeing != 0  ? '+'
         : answers.obscured != 0  ? '?'
                                  : '.';
}

std::vector<std::pair<char, std::string>> SituationLegend() {
  return {{'+', "right"},
          {'!', "wrong"},
          {'?', "met in answers alone that are wrong for another rule"},
          {'.', "never came up"},
          {'-', "no such situation is known"}};
}

std::string UndecidedWords(const RuleReport& rule) {
  if (!rule.declared) return "the profile does not declare what it is about";
  if (!rule.answers.any()) return "it never came up";
  if (rule.IsObscured()) {
    return "it came up only in answers that are wrong for another rule";
  }
  return "it came up, but getting it wrong would not have been noticed";
}

std::vector<RuleReport> ReportRules(const RuleAnswers& answers,
                                    const ProvenRules& proven,
                                    const eptdiff_profile& profile) {
  const std::unique_ptr<RuleAnswers> known = KnownAnswers();
  std::vector<RuleReport> reports;
  for (const RuleInfo& info : kRules) {
    // Where ALIAS-1 applies, no answer is right or wrong.
    if (!IsAsked(info.rule) || info.rule == Rule::kAlias1) continue;
    RuleReport& report = reports.emplace_back();
    report.rule = info.rule;
    report.answers = answers.Of(info.rule);
    report.decided = proven.Has(info.rule) || report.answers.disagreeing != 0;
    report.declared = report.decided || Declares(profile, info.rule);
    for (const Mode mode : kAllModes) {
      for (std::size_t position = 0; position < kPositions; ++position) {
        const RuleAnswers::Count& count = answers.At(info.rule, mode, position);
        const Situated where = {mode, static_cast<Dimension>(position / 6),
                                static_cast<std::uint8_t>(position % 6)};
        const bool known_here = known->At(info.rule, mode, position).any();
        if (count.any() || (known_here && CanMeet(profile, info.rule, where))) {
          report.situations.push_back({where, count});
        }
      }
    }
  }
  return reports;
}

std::string RulesText(const std::vector<RuleReport>& rules, bool whole) {
  std::string text = whole ? WholeText(rules) : FamiliesText(rules);
  for (const auto& [lead, names] : UndecidedLists(rules)) {
    text += Item(2, absl::StrCat(lead, ":"), "", names);
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> UndecidedLists(
    const std::vector<RuleReport>& rules) {
  std::vector<Rule> unnoticed;
  std::vector<Rule> obscured;
  std::vector<Rule> unmet;
  std::vector<Rule> undeclared;
  for (const RuleReport& rule : rules) {
    if (rule.decided) continue;
    (!rule.declared       ? undeclared
     : rule.IsObscured()  ? obscured
     : rule.answers.any() ? unnoticed
                          : unmet)
        .push_back(rule.rule);
  }
  std::vector<std::pair<std::string, std::string>> lists;
  const auto list = [&](const char* lead, const std::vector<Rule>& listed) {
    if (!listed.empty()) lists.emplace_back(lead, RuleNames(listed));
  };
  list("met, but getting them wrong would not have been noticed", unnoticed);
  list("met only in answers that are wrong for another rule", obscured);
  list("never came up", unmet);
  list("not declared by its profile", undeclared);
  return lists;
}

void WriteRules(const std::vector<RuleReport>& rules, JsonWriter& json) {
  json.Array();
  for (const RuleReport& rule : rules) {
    json.Object();
    json.Key("rule").String(View(IdentifierOf(rule.rule)));
    json.Key("sdm").String(View(InfoOf(rule.rule).section));
    json.Key("sdm_2026").String(CitedIn2026(InfoOf(rule.rule).section));
    json.Key("declared").Bool(rule.declared);
    json.Key("decided").Bool(rule.decided);
    json.Key("agreeing").Number(static_cast<double>(rule.answers.agreeing));
    json.Key("disagreeing")
        .Number(static_cast<double>(rule.answers.disagreeing));
    json.Key("obscured").Number(static_cast<double>(rule.answers.obscured));
    json.Key("situations").Array();
    for (const RuleReport::Situation& situation : rule.situations) {
      json.OnOneLine();
      json.Object();
      json.Key("paging").String(ModeWords(situation.where.mode));
      json.Key("access").String(
          situation.where.dimension == Dimension::kGuestEntry ? "guest entry"
                                                              : "other");
      json.Key("level").String(View(NameOfLevel(situation.where.level)));
      json.Key("agreeing")
          .Number(static_cast<double>(situation.answers.agreeing));
      json.Key("disagreeing")
          .Number(static_cast<double>(situation.answers.disagreeing));
      json.Key("obscured")
          .Number(static_cast<double>(situation.answers.obscured));
      json.End();
    }
    json.End();
    json.End();
  }
  json.End();
}

}  // namespace eptdiff
