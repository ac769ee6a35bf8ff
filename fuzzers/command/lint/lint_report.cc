#include "fuzzers/command/lint/lint_report.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/report/json.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"

namespace eptdiff {
namespace {

std::string LevelName(int level) {
  EntryRead entry;
  entry.level = static_cast<std::uint8_t>(level);
  return EntryNameWords(entry);
}

std::string To(std::uint64_t begin, std::uint64_t bytes) {
  return absl::StrCat(Hexadecimal(begin), " to ",
                      Hexadecimal(begin + bytes - 1));
}

std::string AttributeWords(const MappedRange& range, bool mbec) {
  return absl::StrCat(EptRightsWords(range.rights, mbec), "; ",
                      LeafTypeWords(range.type));
}

std::string RangeWords(const MappedRange& range, bool mbec) {
  return absl::StrCat(
      range.gpa == range.hpa ? "identity"
                             : absl::StrCat("at ", Hexadecimal(range.hpa)),
      ", ", SizeWords(range.bytes), ", ", AttributeWords(range, mbec));
}

std::string EntryPlace(const FoundEntry& entry) {
  return absl::StrCat(LevelName(entry.level), " at ", Hexadecimal(entry.at),
                      " = ", Hexadecimal(entry.value), ", for GPA ",
                      Hexadecimal(entry.gpa));
}

// The rules that a misconfigured entry breaks.
std::string RulesBrokenBy(const FoundEntry& entry, DecodeContext context) {
  context.level = entry.level;
  return absl::StrJoin(DecodeEntry(entry.value, context).wrong, "; ");
}

std::string AliasWords(const Alias& alias, bool mbec) {
  return absl::StrCat("host-physical ", To(alias.first.hpa, alias.first.bytes),
                      " is at GPA ", Hexadecimal(alias.first.gpa), " (",
                      AttributeWords(alias.first, mbec), ") and at GPA ",
                      Hexadecimal(alias.second.gpa), " (",
                      AttributeWords(alias.second, mbec), ")");
}

std::string ReachedWords(const FoundEntry& entry, bool mbec) {
  return absl::StrCat("the EPT table at ", Hexadecimal(entry.at),
                      " is mapped at GPA ", Hexadecimal(entry.gpa), " (",
                      EptRightsWords(entry.value, mbec), ")");
}

// What a processor must have for these tables to mean what they mean here.
std::vector<std::string> Needs(const LintSubject& subject,
                               const TreeSweep& sweep) {
  std::vector<std::string> needs;
  std::uint64_t capabilities = 0;
  const auto need = [&capabilities](bool needed, int bit) {
    if (needed) capabilities |= std::uint64_t{1} << bit;
  };
  need(sweep.execute_only > 0, 0);
  need((subject.eptp >> 3 & 7) == 3, 6);
  need((subject.eptp >> 3 & 7) == 4, 7);
  need((subject.eptp & 7) == 0, 8);
  need((subject.eptp & 7) == 6, 14);
  need(sweep.leaves[2] > 0, 16);
  need(sweep.leaves[3] > 0, 17);
  need(Bit(subject.eptp, 6), 21);
  need(Bit(subject.eptp, 7), 23);
  needs.push_back(absl::StrCat("MAXPHYADDR of at least ",
                               std::max(32, sweep.address_bits)));
  needs.push_back(CapabilityWords(capabilities));
  return needs;
}

// Where the map stops being the identity.
std::string IdentityWords(const TreeSweep& sweep) {
  const auto end = std::find_if(
      sweep.ranges.begin(), sweep.ranges.end(),
      [](const MappedRange& range) { return range.gpa != range.hpa; });
  if (sweep.ranges.empty()) return "nothing is mapped";
  if (end == sweep.ranges.end()) {
    return "what is mapped is mapped to itself";
  }
  if (end == sweep.ranges.begin()) return "no identity map";
  return absl::StrCat("an identity map up to GPA ", Hexadecimal(end->gpa));
}

template <typename T, typename Tell>
void AddList(std::string& text, const std::vector<T>& all, std::uint64_t count,
             std::size_t most, std::string_view lead, const std::string& styled,
             Tell&& tell) {
  const absl::string_view shown(lead.data(), lead.size());
  for (std::size_t i = 0; i < all.size() && i < most; ++i) {
    text += Item(2, shown, styled, tell(all[i]));
  }
  const std::uint64_t told = std::min<std::uint64_t>(all.size(), most);
  if (count > told) {
    absl::StrAppend(&text, "  and ", count - told, " more of these\n");
  }
}

}  // namespace

bool IsWrong(const TreeSweep& sweep) {
  return sweep.misconfigured_count > 0 || sweep.any_table_written ||
         sweep.any_types_differ;
}

std::string LintText(const LintSubject& subject, const TreeSweep& sweep,
                     std::size_t most, const Style& style) {
  const bool mbec = subject.context.mbec;
  std::string text = Item(0, "image:", style.Bold("image:"), subject.image);
  text += Item(
      0, "EPTP:", style.Bold("EPTP:"),
      absl::StrCat(Hexadecimal(subject.eptp), ": ", EptpWords(subject.eptp)));
  if (!subject.assumed.empty()) {
    text += Item(0, "assumed:", "", absl::StrJoin(subject.assumed, "; "));
  }
  text += Item(
      0, "mapped:", style.Bold("mapped:"),
      absl::StrCat(SizeWords(sweep.mapped_bytes), " by ", sweep.leaves[1],
                   " pages of 4 KBytes, ", sweep.leaves[2], " of 2 MBytes, ",
                   sweep.leaves[3], " of 1 GByte; ", sweep.tables, " tables; ",
                   sweep.accessed, " accessed, ", sweep.dirty, " dirty; ",
                   IdentityWords(sweep)));
  text += Item(0, "needs:", style.Bold("needs:"),
               absl::StrJoin(Needs(subject, sweep), "; "));
  AddList(text, sweep.misconfigured, sweep.misconfigured_count, most,
          "MISCONFIGURED:", style.Bad("MISCONFIGURED:"),
          [&](const FoundEntry& entry) {
            return absl::StrCat(EntryPlace(entry), ": ",
                                RulesBrokenBy(entry, subject.context));
          });
  AddList(text, sweep.tables_reached, sweep.tables_reached_count, most,
          "REACHED:", style.Bad("REACHED:"),
          [&](const FoundEntry& entry) { return ReachedWords(entry, mbec); });
  AddList(text, sweep.aliases, sweep.alias_count, most,
          "TWICE:", style.Bad("TWICE:"),
          [&](const Alias& alias) { return AliasWords(alias, mbec); });
  AddList(text, sweep.outside, sweep.outside_count, most,
          "not in the image:", "", [](const FoundEntry& entry) {
            return absl::StrCat(
                "the table of the entry at ", Hexadecimal(entry.at), " = ",
                Hexadecimal(entry.value), ", for GPA ", Hexadecimal(entry.gpa));
          });
  if (sweep.write_execute_bytes > 0) {
    text += Item(2, "note:", "",
                 absl::StrCat(SizeWords(sweep.write_execute_bytes),
                              " are writable and executable at once"));
  }
  if (sweep.same_alias_bytes > 0) {
    text += Item(2, "note:", "",
                 absl::StrCat(SizeWords(sweep.same_alias_bytes),
                              " are mapped again with the same rights and "
                              "memory type"));
  }
  if (sweep.aliases_ended_early) {
    text += Item(2, "note:", "",
                 "a frame is at more than 64 guest-physical addresses: not all "
                 "of them were held against each other");
  }
  if (sweep.ended_early) {
    text += Item(2, "note:", "",
                 "there are more than 1048576 tables, or 4194304 ranges: does "
                 "a table reference itself? The rest was not looked at");
  }
  text += Item(0, "map:", style.Bold("map:"), "");
  AddList(text, sweep.ranges, sweep.ranges.size(), most, "", "",
          [mbec](const MappedRange& range) {
            return absl::StrCat(To(range.gpa, range.bytes), ": ",
                                RangeWords(range, mbec));
          });
  return text;
}

namespace {

void AddFound(JsonWriter& json, const FoundEntry& entry) {
  json.Key("level").String(LevelName(entry.level));
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
  for (const std::string& words : Needs(subject, sweep)) json.String(words);
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
  json.Key("map").Array();
  for (const MappedRange& range : sweep.ranges) AddRange(json, range, mbec);
  json.End();
  json.End();
  return std::move(json).Finish();
}

}  // namespace eptdiff
