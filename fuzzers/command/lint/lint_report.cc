#include "fuzzers/command/lint/lint_report.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/lint/lint_words.h"
#include "fuzzers/command/report/json.h"
#include "fuzzers/command/words/bit_words.h"

namespace eptdiff {
namespace {

// Lines of one kind, and how many more there are.
std::string LinesOf(const LintList& list, const Style& style) {
  std::string text;
  const std::string lead = list.lead + ":";
  for (const LintList::Thing& thing : list.things) {
    text += Item(2, lead, list.bad ? style.Bad(lead) : "", thing.words);
  }
  if (list.count > list.things.size()) {
    absl::StrAppend(&text, "  and ", list.count - list.things.size(),
                    " more of these\n");
  }
  return text;
}

}  // namespace

bool IsWrong(const TreeSweep& sweep) {
  return sweep.misconfigured_count > 0 || sweep.any_table_written ||
         sweep.any_types_differ || sweep.mixed_count > 0;
}

std::string LintText(const LintSubject& subject, const TreeSweep& sweep,
                     std::size_t most, const Style& style) {
  std::string text;
  for (const auto& [lead, words] : LintFacts(subject, sweep)) {
    text += Item(0, absl::StrCat(lead, ":"),
                 lead == "assumed" ? "" : style.Bold(absl::StrCat(lead, ":")),
                 words);
  }
  for (const LintList& list : LintLists(subject, sweep, most)) {
    text += LinesOf(list, style);
  }
  for (const std::string& note : LintNotes(sweep)) {
    text += Item(2, "note:", "", note);
  }
  text += Item(0, "map:", style.Bold("map:"), "");
  std::uint64_t end = 0;  // of the range before
  for (std::size_t i = 0; i < sweep.ranges.size() && i < most; ++i) {
    const MappedRange& range = sweep.ranges[i];
    if (const std::uint64_t hole = range.gpa - end; hole != 0) {
      text += Item(2, "", "",
                   absl::StrCat(SpanWords(end, hole), ": ", HoleWords(hole)));
    }
    text += Item(2, "", "",
                 absl::StrCat(SpanWords(range.gpa, range.bytes), ": ",
                              RangeWords(range, subject.context.mbec)));
    end = range.gpa + range.bytes;
  }
  if (sweep.ranges.size() > most) {
    absl::StrAppend(&text, "  and ", sweep.ranges.size() - most,
                    " more of these\n");
  }
  return text;
}

namespace {

void AddFound(JsonWriter& json, const FoundEntry& entry) {
  json.Key("level").String(EptLevelWords(entry.level));
  json.Key("at").String(Hexadecimal(entry.at));
  json.Key("value").String(Hexadecimal(entry.value));
  json.Key("gpa").String(Hexadecimal(entry.gpa));
}

void AddRange(JsonWriter& json, const MappedRange& range, bool mbec) {
  json.OnOneLine();
  json.Object();
  json.Key("gpa").String(Hexadecimal(range.gpa));
  json.Key("hpa").String(Hexadecimal(range.hpa));
  json.Key("bytes").Number(static_cast<double>(range.bytes));
  json.Key("rights").String(EptRightsWords(range.rights, mbec));
  json.Key("type").String(LeafTypeWords(range.type));
  json.End();
}

void AddCount(JsonWriter& json, const char* name, std::uint64_t count) {
  json.Key(name).Number(static_cast<double>(count));
}

}  // namespace

std::string LintJson(const LintSubject& subject, const TreeSweep& sweep) {
  const bool mbec = subject.context.mbec;
  JsonWriter json;
  json.Object();
  json.Key("image").String(subject.image);
  json.Key("eptp").String(Hexadecimal(subject.eptp));
  json.Key("assumed").Array();
  for (const std::string& words : subject.assumed) json.String(words);
  json.End();
  if (!subject.mtrrs.empty()) json.Key("mtrrs").String(subject.mtrrs);
  AddCount(json, "mapped_bytes", sweep.mapped_bytes);
  AddCount(json, "pages_4k", sweep.leaves[1]);
  AddCount(json, "pages_2m", sweep.leaves[2]);
  AddCount(json, "pages_1g", sweep.leaves[3]);
  AddCount(json, "tables", sweep.tables);
  AddCount(json, "accessed", sweep.accessed);
  AddCount(json, "dirty", sweep.dirty);
  AddCount(json, "write_execute_bytes", sweep.write_execute_bytes);
  AddCount(json, "same_alias_bytes", sweep.same_alias_bytes);
  json.Key("identity").String(IdentityWords(sweep));
  json.Key("ended_early").Bool(sweep.ended_early);
  json.Key("aliases_ended_early").Bool(sweep.aliases_ended_early);
  json.Key("needs").Array();
  for (const std::string& words : NeedsWords(subject, sweep))
    json.String(words);
  json.End();
  AddCount(json, "misconfigured_count", sweep.misconfigured_count);
  json.Key("misconfigured").Array();
  for (const FoundEntry& entry : sweep.misconfigured) {
    json.OnOneLine();
    json.Object();
    AddFound(json, entry);
    json.Key("rules").String(RulesBrokenBy(entry, subject.context));
    json.End();
  }
  json.End();
  AddCount(json, "tables_reached_count", sweep.tables_reached_count);
  json.Key("tables_reached").Array();
  for (const FoundEntry& entry : sweep.tables_reached) {
    json.OnOneLine();
    json.Object();
    json.Key("table").String(Hexadecimal(entry.at));
    json.Key("gpa").String(Hexadecimal(entry.gpa));
    json.Key("rights").String(EptRightsWords(entry.value, mbec));
    json.End();
  }
  json.End();
  AddCount(json, "aliases_count", sweep.alias_count);
  json.Key("aliases").Array();
  for (const Alias& alias : sweep.aliases) {
    json.Array();
    AddRange(json, alias.first, mbec);
    AddRange(json, alias.second, mbec);
    json.End();
  }
  json.End();
  AddCount(json, "not_in_the_image_count", sweep.outside_count);
  json.Key("not_in_the_image").Array();
  for (const FoundEntry& entry : sweep.outside) {
    json.OnOneLine();
    json.Object();
    json.Key("at").String(Hexadecimal(entry.at));
    json.Key("value").String(Hexadecimal(entry.value));
    json.Key("gpa").String(Hexadecimal(entry.gpa));
    json.End();
  }
  json.End();
  AddCount(json, "mixed_types_count", sweep.mixed_count);
  json.Key("mixed_types").Array();
  for (const FoundEntry& entry : sweep.mixed) {
    json.OnOneLine();
    json.Object();
    AddFound(json, entry);
    json.End();
  }
  json.End();
  AddCount(json, "unlike_mtrrs_count", sweep.unlike_count);
  json.Key("unlike_mtrrs").Array();
  for (const UnlikeMtrrs& unlike : sweep.unlike) {
    json.Array();
    AddRange(json, unlike.range, mbec);
    json.String(MemoryTypeWords(unlike.type));
    json.End();
  }
  json.End();
  json.Key("elsewhere").Array();
  for (const LintList& list : LintLists(subject, sweep, 0)) {
    if (list.lead != "elsewhere") continue;
    for (const LintList::Thing& thing : list.things) json.String(thing.words);
  }
  json.End();
  json.Key("map").Array();
  for (const MappedRange& range : sweep.ranges) AddRange(json, range, mbec);
  json.End();
  json.End();
  return std::move(json).Finish();
}

}  // namespace eptdiff
