#include "fuzzers/command/lint/lint_words.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/text/view.h"
#include "oracle/mtrr/memory_types.h"

namespace eptdiff {
namespace {

constexpr int kExecuteOnly = 0, kPages2M = 16, kPages1G = 17;

std::string EntryPlace(const FoundEntry& entry) {
  return absl::StrCat(EptLevelWords(entry.level), " at ", Hexadecimal(entry.at),
                      " = ", Hexadecimal(entry.value), ", for GPA ",
                      Hexadecimal(entry.gpa));
}

std::string AliasWords(const Alias& alias, bool mbec) {
  return absl::StrCat("host-physical ",
                      SpanWords(alias.first.hpa, alias.first.bytes),
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

std::string MixedWords(const FoundEntry& entry) {
  const MtrrRuleInfo& rule = InfoOf(MtrrRule::kSeveralTypes);
  const std::uint64_t bytes = std::uint64_t{1} << (3 + 9 * entry.level);
  return absl::StrCat(EntryPlace(entry), ": a page of ", SizeWords(bytes), ", ",
                      LeafTypeWords(entry.value >> 3 & 15),
                      ", over memory of several types by the MTRRs; SDM ",
                      View(rule.section), ": ", View(rule.words));
}

// What a processor with less makes of an entry, in its own words.
std::string ElsewhereWords(const std::string& where, std::uint64_t count,
                           const FoundEntry& first, DecodeContext context) {
  return absl::StrCat(where, ": ", Grouped(count),
                      count == 1 ? " entry, the " : " entries, the first the ",
                      EntryPlace(first), "; ", RulesBrokenBy(first, context));
}

LintList ElsewhereList(const LintSubject& subject, const TreeSweep& sweep) {
  LintList list = {"elsewhere", "Misconfigured on processors with less"};
  const std::uint64_t has = subject.context.capabilities.value_or(~0ull);
  const auto add = [&list](std::string words, std::uint64_t gpa) {
    list.things.push_back({std::move(words), gpa});
  };
  const auto without = [&](int bit, std::uint64_t count,
                           const FoundEntry& first) {
    const std::uint64_t mask = std::uint64_t{1} << bit;
    if (count == 0 || (has & mask) == 0) return;
    DecodeContext context = subject.context;
    // Else the smaller of two is told for the larger.
    context.capabilities = has & ~mask;
    add(ElsewhereWords(absl::StrCat("without ", CapabilityWords(mask)), count,
                       first, context),
        first.gpa);
  };
  without(kExecuteOnly, sweep.execute_only, sweep.first_execute_only);
  without(kPages2M, sweep.leaves[2], sweep.first_leaf[2]);
  without(kPages1G, sweep.leaves[3], sweep.first_leaf[3]);
  // The widest addresses, then those beyond what is usual.
  std::uint64_t told = 0;
  for (const int width : {sweep.address_bits - 1, 46, 39, 36}) {
    if (width < 32 || width >= static_cast<int>(subject.context.maxphyaddr)) {
      continue;
    }
    std::uint64_t count = 0;
    const FoundEntry* first = nullptr;
    for (std::size_t w = static_cast<std::size_t>(width) + 1;
         w < sweep.widths.size(); ++w) {
      count += sweep.widths[w];
      if (sweep.widths[w] != 0 &&
          (first == nullptr || sweep.first_of_width[w].gpa < first->gpa)) {
        first = &sweep.first_of_width[w];
      }
    }
    if (count <= told || first == nullptr) continue;
    told = count;
    DecodeContext context = subject.context;
    context.maxphyaddr = static_cast<unsigned>(width);
    context.eptp = std::nullopt;
    add(ElsewhereWords(absl::StrCat("with a MAXPHYADDR of ", width, " or less"),
                       count, *first, context),
        first->gpa);
  }
  list.count = list.things.size();
  return list;
}

template <typename T, typename Tell>
LintList ListOf(const char* lead, const char* title, bool bad,
                const std::vector<T>& all, std::uint64_t count,
                std::size_t most, Tell&& tell) {
  LintList list = {lead, title, bad};
  list.count = count;
  for (std::size_t i = 0; i < all.size() && i < most; ++i) {
    list.things.push_back(tell(all[i]));
  }
  return list;
}

}  // namespace

std::string EptLevelWords(int level) {
  EntryRead entry;
  entry.level = static_cast<std::uint8_t>(level);
  return EntryNameWords(entry);
}

std::string SpanWords(std::uint64_t begin, std::uint64_t bytes) {
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

std::string HoleWords(std::uint64_t bytes) {
  return absl::StrCat("nothing, ", SizeWords(bytes));
}

std::string RulesBrokenBy(const FoundEntry& entry, DecodeContext context) {
  context.level = entry.level;
  return absl::StrJoin(DecodeEntry(entry.value, context).wrong, "; ");
}

std::vector<std::string> NeedsWords(const LintSubject& subject,
                                    const TreeSweep& sweep) {
  std::uint64_t capabilities = 0;
  const auto need = [&capabilities](bool needed, int bit) {
    if (needed) capabilities |= std::uint64_t{1} << bit;
  };
  need(sweep.execute_only > 0, kExecuteOnly);
  need((subject.eptp >> 3 & 7) == 3, 6);
  need((subject.eptp >> 3 & 7) == 4, 7);
  need((subject.eptp & 7) == 0, 8);
  need((subject.eptp & 7) == 6, 14);
  need(sweep.leaves[2] > 0, kPages2M);
  need(sweep.leaves[3] > 0, kPages1G);
  need(Bit(subject.eptp, 6), 21);
  need(Bit(subject.eptp, 7), 23);
  return {
      absl::StrCat("MAXPHYADDR of at least ", std::max(32, sweep.address_bits)),
      CapabilityWords(capabilities)};
}

std::string IdentityWords(const TreeSweep& sweep) {
  const auto end = std::find_if(
      sweep.ranges.begin(), sweep.ranges.end(),
      [](const MappedRange& range) { return range.gpa != range.hpa; });
  if (sweep.ranges.empty()) return "nothing is mapped";
  if (end == sweep.ranges.end()) {
    return "what is mapped is mapped to itself";
  }
  if (end == sweep.ranges.begin()) return "no identity map";
  return absl::StrCat("an identity map up to GPA ", Hexadecimal(end->gpa),
                      ", which is at ", Hexadecimal(end->hpa));
}

std::vector<std::pair<std::string, std::string>> LintFacts(
    const LintSubject& subject, const TreeSweep& sweep) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"image", subject.image},
      {"EPTP",
       absl::StrCat(Hexadecimal(subject.eptp), ": ", EptpWords(subject.eptp))}};
  if (!subject.mtrrs.empty()) facts.emplace_back("MTRRs", subject.mtrrs);
  if (!subject.assumed.empty()) {
    facts.emplace_back("assumed", absl::StrJoin(subject.assumed, "; "));
  }
  facts.emplace_back(
      "mapped",
      absl::StrCat(SizeWords(sweep.mapped_bytes), " by ", sweep.leaves[1],
                   " pages of 4 KBytes, ", sweep.leaves[2], " of 2 MBytes, ",
                   sweep.leaves[3], " of 1 GByte; ", sweep.tables, " tables; ",
                   sweep.accessed, " accessed, ", sweep.dirty, " dirty; ",
                   IdentityWords(sweep)));
  facts.emplace_back("needs", absl::StrJoin(NeedsWords(subject, sweep), "; "));
  return facts;
}

std::vector<LintList> LintLists(const LintSubject& subject,
                                const TreeSweep& sweep, std::size_t most) {
  const bool mbec = subject.context.mbec;
  std::vector<LintList> lists = {
      ListOf("MISCONFIGURED", "Misconfigured entries", true,
             sweep.misconfigured, sweep.misconfigured_count, most,
             [&](const FoundEntry& entry) {
               return LintList::Thing{
                   absl::StrCat(EntryPlace(entry), ": ",
                                RulesBrokenBy(entry, subject.context)),
                   entry.gpa};
             }),
      ListOf("REACHED", "EPT tables that the guest reaches",
             sweep.any_table_written, sweep.tables_reached,
             sweep.tables_reached_count, most,
             [&](const FoundEntry& entry) {
               return LintList::Thing{ReachedWords(entry, mbec), entry.gpa};
             }),
      ListOf("TWICE", "Frames mapped twice, and differently",
             sweep.any_types_differ, sweep.aliases, sweep.alias_count, most,
             [&](const Alias& alias) {
               return LintList::Thing{AliasWords(alias, mbec),
                                      alias.second.gpa};
             }),
      ListOf("MIXED", "Large pages over mixed memory types", true, sweep.mixed,
             sweep.mixed_count, most,
             [&](const FoundEntry& entry) {
               return LintList::Thing{MixedWords(entry), entry.gpa};
             }),
      ListOf("unlike the MTRRs", "Memory types unlike the MTRRs", false,
             sweep.unlike, sweep.unlike_count, most,
             [&](const UnlikeMtrrs& unlike) {
               return LintList::Thing{
                   absl::StrCat(SpanWords(unlike.range.gpa, unlike.range.bytes),
                                ": ", RangeWords(unlike.range, mbec),
                                ", where the MTRRs say ",
                                View(MtrrAnswerWords(unlike.type))),
                   unlike.range.gpa};
             }),
      ListOf("not in the image", "Tables that are not in the image", false,
             sweep.outside, sweep.outside_count, most,
             [](const FoundEntry& entry) {
               return LintList::Thing{
                   absl::StrCat("the table of the entry at ",
                                Hexadecimal(entry.at), " = ",
                                Hexadecimal(entry.value), ", for GPA ",
                                Hexadecimal(entry.gpa)),
                   entry.gpa};
             }),
      ElsewhereList(subject, sweep)};
  std::erase_if(lists, [](const LintList& list) { return list.count == 0; });
  return lists;
}

std::vector<std::string> LintNotes(const TreeSweep& sweep) {
  std::vector<std::string> notes;
  if (sweep.write_execute_bytes > 0) {
    notes.push_back(absl::StrCat(SizeWords(sweep.write_execute_bytes),
                                 " are writable and executable at once, the "
                                 "first at GPA ",
                                 Hexadecimal(sweep.first_write_execute.gpa)));
  }
  if (sweep.same_alias_bytes > 0) {
    notes.push_back(absl::StrCat(SizeWords(sweep.same_alias_bytes),
                                 " are mapped again with the same rights and "
                                 "memory type"));
  }
  if (sweep.mixed_conservative > 0) {
    notes.push_back(absl::StrCat(
        Counted(sweep.mixed_conservative, "large page"),
        " over memory of several types by the MTRRs, of the most conservative "
        "of them"));
  }
  if (sweep.aliases_ended_early) {
    notes.push_back(
        "a frame is at more than 64 guest-physical addresses: not all of them "
        "were held against each other");
  }
  if (sweep.ended_early) {
    notes.push_back(
        "there are more than 1048576 tables, or 4194304 ranges: does a table "
        "reference itself? The rest was not looked at");
  }
  return notes;
}

}  // namespace eptdiff
