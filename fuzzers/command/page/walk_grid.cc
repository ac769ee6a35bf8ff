#include "fuzzers/command/page/walk_grid.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/page/html.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/text/view.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

bool IsAcross(const EntryRead& entry) {
  return entry.structure == Structure::kEpt ||
         entry.structure == Structure::kSpp;
}

// Whether `a` shows nothing that `b` does not.
bool IsWithin(const Trace& trace, const GridRow& a, const GridRow& b) {
  const auto same = [&trace](std::optional<std::size_t> x,
                             std::optional<std::size_t> y) {
    if (!x || !y) return x.has_value() == y.has_value();
    return trace.entries[*x] == trace.entries[*y];
  };
  for (std::size_t level = 0; level < a.across.size(); ++level) {
    if (!same(a.across[level], b.across[level])) return false;
  }
  return a.structure == b.structure && a.guest_level == b.guest_level &&
         (!a.end || same(a.end, b.end));
}

std::string RowWords(const GridRow& row) {
  if (row.structure == Structure::kSpp) return "for the sub-page permissions";
  if (row.guest_level == 0) return "for the access";
  return absl::StrCat("for the guest ", View(NameOfLevel(row.guest_level)));
}

// Writes the grid of one step.
class GridWriter {
 public:
  GridWriter(const MachineState& before, const Verdict& verdict,
             const Trace& trace, const std::vector<EntryNote>& notes,
             const std::string& id)
      : before_(before),
        verdict_(verdict),
        trace_(trace),
        notes_(notes),
        id_(id),
        rows_(GridRowsOf(trace)) {
    if (verdict.standing == Standing::kJudged) {
      for (const Alternative& alternative : verdict.alternatives) {
        const std::string words = RuleAtWords(alternative.decided);
        for (const std::size_t i :
             DecidingEntries(trace, alternative.decided)) {
          deciding_.try_emplace(i, words);
        }
      }
    }
  }

  std::string Write() {
    std::vector<int> levels;
    for (int level = 5; level >= 1; --level) {
      if (std::any_of(rows_.begin(), rows_.end(), [level](const GridRow& row) {
            return row.across[level].has_value();
          })) {
        levels.push_back(level);
      }
    }
    std::string head = Element("th scope=\"col\" role=\"columnheader\"", "");
    for (const int level : levels) {
      EntryRead entry;
      entry.level = static_cast<std::uint8_t>(level);
      head += Element("th scope=\"col\" role=\"columnheader\"",
                      absl::StrCat("EPT ", EntryNameWords(entry)));
    }
    head += Element("th scope=\"col\" role=\"columnheader\"", "what it is for");
    std::string body;
    for (const GridRow& row : rows_) {
      std::string cells = Element("th scope=\"row\" role=\"rowheader\"",
                                  Escaped(RowWords(row)));
      for (const int level : levels) cells += Cell(row.across[level]);
      const bool last = &row == &rows_.back();
      cells += row.end || !last ? Cell(row.end) : EndCell();
      body += Element("tr role=\"row\"", cells);
    }
    return absl::StrCat(
        Element(absl::StrCat("table class=\"walk\" role=\"table\" id=\"", id_,
                             "-walk\""),
                absl::StrCat(
                    Element("caption",
                            "The walk: each row leads through the EPT entries, "
                            "from left to right, to what stands at its end. "
                            "\xe2\x97\x86 marks the entry that decides."),
                    Element("thead role=\"rowgroup\"",
                            Element("tr role=\"row\"", head)),
                    Element("tbody role=\"rowgroup\"", body))),
        bits_.empty() ? ""
                      : Element("h3", "The EPT entries, bit by bit") +
                            Element("div class=\"entries\"", bits_));
  }

 private:
  std::string Cell(std::optional<std::size_t> number) {
    if (!number) return Element("td class=\"none\" role=\"cell\"", "");
    const EntryRead& entry = trace_.entries[*number];
    const auto deciding = deciding_.find(*number);
    const bool decides = deciding != deciding_.end();
    std::string name = Element("b", Escaped(EntryNameWords(entry)));
    if (entry.structure == Structure::kEpt) {
      name = Element(absl::StrCat("a href=\"#", BitsOf(entry), "\""), name);
    }
    std::string cell = Element(
        "p",
        absl::StrCat(
            name, " ", Element("code", Hexadecimal(entry.value)), " ",
            Element("span class=\"quiet\"",
                    absl::StrCat("at ", Hexadecimal(entry.address.value)))));
    if (decides) {
      cell += Element(
          "p class=\"mark\"",
          Escaped(absl::StrCat("\xe2\x97\x86 decides: ", deciding->second)));
    }
    for (const std::string& rule : RulesAgainst(*number)) {
      cell += Element("p class=\"forbids\"",
                      Escaped(absl::StrCat(rule, " forbids it")));
    }
    cell += ListOf(absl::StrSplit(
        EntryWords(entry, before_.processor, before_.controls, before_.guest),
        ", "));
    for (const EntryNote& note : notes_) {
      if (AreOfOnePlace(note.entry, entry)) {
        cell += Element("p class=\"quiet\"", Escaped(note.words));
      }
    }
    return Element(
        decides ? "td class=\"decides\" role=\"cell\"" : "td role=\"cell\"",
        cell);
  }

  // Where the walk came to.
  std::string EndCell() const {
    if (verdict_.standing != Standing::kJudged) {
      return Element("td class=\"none\" role=\"cell\"", "");
    }
    std::vector<std::string> events;
    for (const Alternative& alternative : verdict_.alternatives) {
      std::string words = ExpectedEventWords(alternative);
      if (std::find(events.begin(), events.end(), words) == events.end()) {
        events.push_back(std::move(words));
      }
    }
    return Element("td role=\"cell\"", Escaped(absl::StrJoin(events, "; or ")));
  }

  // The rules that forbid something at this entry, each once.
  std::vector<std::string> RulesAgainst(std::size_t number) const {
    std::vector<std::string> rules;
    for (const RuleHit& hit : trace_.hits) {
      if (!hit.forbids || EntryOf(trace_, hit) != number) continue;
      std::string name(IdentifierOf(hit.rule));
      if (std::find(rules.begin(), rules.end(), name) == rules.end()) {
        rules.push_back(std::move(name));
      }
    }
    return rules;
  }

  // The name of the entry's table of bits, which is written if it is new.
  std::string BitsOf(const EntryRead& entry) {
    const auto [at, is_new] = names_.try_emplace(
        {entry.level, entry.value}, absl::StrCat(id_, "-", names_.size() + 1));
    if (!is_new) return at->second;
    DecodeContext context;
    context.level = entry.level;
    context.maxphyaddr = static_cast<unsigned>(before_.processor.maxphyaddr);
    context.mbec = Bit(before_.controls.primary, 31) &&
                   Bit(before_.controls.secondary, 22);
    context.capabilities = before_.processor.ept_vpid_cap;
    context.eptp = before_.controls.eptp;
    std::string rows = Element("tr",
                               "<th scope=\"col\">bits</th>"
                               "<th scope=\"col\">value</th>"
                               "<th scope=\"col\">what it says</th>"
                               "<th scope=\"col\">rule</th>");
    for (const DecodedField& field : DecodeEntry(entry.value, context).fields) {
      const std::string bits = field.high == field.low
                                   ? absl::StrCat(field.high)
                                   : absl::StrCat(field.high, ":", field.low);
      rows += Element(
          "tr", absl::StrCat(
                    Element("th scope=\"row\"", bits),
                    Element("td class=\"value\"", Hexadecimal(field.value)),
                    Element("td", Escaped(field.open.empty()
                                              ? field.words
                                              : absl::StrCat(field.words, "; ",
                                                             field.open))),
                    Element("td class=\"quiet\"", Escaped(field.source))));
    }
    bits_ += Element(
        absl::StrCat("table class=\"bits\" id=\"", at->second, "\""),
        absl::StrCat(Element("caption", absl::StrCat(EntryNameWords(entry), " ",
                                                     Hexadecimal(entry.value))),
                     rows));
    return at->second;
  }

  const MachineState& before_;
  const Verdict& verdict_;
  const Trace& trace_;
  const std::vector<EntryNote>& notes_;
  const std::string id_;
  const std::vector<GridRow> rows_;
  std::map<std::size_t, std::string> deciding_;  // and by which rule
  std::map<std::pair<int, std::uint64_t>, std::string> names_;
  std::string bits_;
};

}  // namespace

std::vector<GridRow> GridRowsOf(const Trace& trace) {
  std::vector<GridRow> rows;
  int last = 0;  // the level read last in the row that is open; 0: none is
  for (std::size_t i = 0; i < trace.entries.size(); ++i) {
    const EntryRead& entry = trace.entries[i];
    const bool across = IsAcross(entry);
    // What a row leads to, an entry of the guest, ends it.
    const bool goes_on =
        last != 0 && (across ? entry.level < last &&
                                   entry.structure == rows.back().structure &&
                                   entry.guest_level == rows.back().guest_level
                             : entry.structure == Structure::kGuest &&
                                   entry.level == rows.back().guest_level);
    if (!goes_on) {
      rows.emplace_back();
      rows.back().structure = across ? entry.structure : Structure::kEpt;
      rows.back().guest_level = entry.structure == Structure::kGuest
                                    ? entry.level
                                    : entry.guest_level;
    }
    if (across) {
      rows.back().across[entry.level] = i;
    } else {
      rows.back().end = i;
    }
    last = across ? entry.level : 0;
  }
  std::vector<GridRow> different;
  for (const GridRow& row : rows) {
    if (std::none_of(different.begin(), different.end(),
                     [&](const GridRow& other) {
                       return IsWithin(trace, row, other);
                     })) {
      different.push_back(row);
    }
  }
  return different;
}

std::optional<std::size_t> EntryOf(const Trace& trace, const RuleHit& hit) {
  if (hit.level == 0) return std::nullopt;
  const auto identifier = IdentifierOf(hit.rule);
  const bool of_guest = identifier.starts_with("GW-");
  const bool of_spp = identifier.starts_with("SPP-");
  // The one read last: the walk ends there. An entry that was read twice is in
  // the grid where it was read first.
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < trace.entries.size(); ++i) {
    const EntryRead& entry = trace.entries[i];
    if (entry.level != hit.level) continue;
    const bool fits =
        of_guest ? entry.structure == Structure::kGuest
                 : entry.guest_level == hit.guest_level &&
                       (entry.structure == Structure::kEpt ||
                        (of_spp && entry.structure == Structure::kSpp));
    if (!fits) continue;
    if (!found || !(trace.entries[*found] == entry)) found = i;
  }
  return found;
}

std::vector<std::size_t> DecidingEntries(const Trace& trace, RuleAt decided) {
  std::vector<std::size_t> forbidding, completing;
  for (const RuleHit& hit : trace.hits) {
    if (hit.rule != decided.rule || hit.level != decided.level) continue;
    const std::optional<std::size_t> entry = EntryOf(trace, hit);
    if (!entry) continue;
    if (hit.forbids) {
      forbidding.push_back(*entry);
    } else {
      completing = {*entry};
    }
  }
  return forbidding.empty() ? completing : forbidding;
}

std::string WalkGrid(const MachineState& before, const Verdict& verdict,
                     const Trace& trace, const std::vector<EntryNote>& notes,
                     const std::string& id) {
  if (trace.entries.empty()) return "";
  return GridWriter(before, verdict, trace, notes, id).Write();
}

}  // namespace eptdiff
