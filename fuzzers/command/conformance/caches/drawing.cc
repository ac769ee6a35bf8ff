#include "fuzzers/command/conformance/caches/drawing.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/conformance/caches/shape_words.h"
#include "fuzzers/command/words/bit_words.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kFrame = 0x000f'ffff'ffff'f000;
constexpr std::uint64_t kLarge = 0x80;
constexpr const char* kLevels[] = {"page",  "PTE",   "PDE",
                                   "PDPTE", "PML4E", "PML5E"};

// What is drawn is a tree: a line, and what it leads to.
struct Node {
  std::string text;
  std::vector<Node> children;
};

void Render(const std::vector<Node>& nodes, const std::string& indent,
            std::string& text) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool last = i + 1 == nodes.size();
    absl::StrAppend(&text, indent, last ? "└─ " : "├─ ", nodes[i].text, "\n");
    Render(nodes[i].children, indent + (last ? "   " : "│  "), text);
  }
}

std::uint64_t Index(std::uint64_t address, int level) {
  return address >> (12 + 9 * (level - 1)) & 511;
}

std::uint64_t PageMask(int level) {
  return (std::uint64_t{1} << (12 + 9 * (level - 1))) - 1;
}

bool MapsPage(std::uint64_t entry, int level) {
  return level == 1 || ((entry & kLarge) != 0 && level <= 3);
}

class Tables {
 public:
  explicit Tables(const std::vector<MachineState>& before) : before_(before) {}

  // The tables from the guest's root, if it has one, and those of EPT.
  std::string Draw(const Step& asked) {
    std::string text;
    std::set<std::uint64_t> addresses;
    if (asked.kind == StepKind::kLinearAccess) {
      for (const Value& cr3 :
           Values([](const MachineState& state) { return state.guest.cr3; })) {
        absl::StrAppend(&text, "CR3 ", Hexadecimal(cr3.value),
                        WordsOf(cr3.when), "\n");
        Render(Guest(cr3.value & kFrame, 4, asked.gla.value, addresses), "",
               text);
      }
    } else {
      addresses.insert(asked.gpa.value);
    }
    for (const std::uint64_t gpa : addresses) {
      if (asked.kind == StepKind::kLinearAccess) {
        absl::StrAppend(&text, "\nguest-physical ", Hexadecimal(gpa), "\n");
      }
      for (const Value& eptp : Values(
               [](const MachineState& state) { return state.controls.eptp; })) {
        absl::StrAppend(&text, "EPTP ", Hexadecimal(eptp.value),
                        WordsOf(eptp.when), "\n");
        const int levels = static_cast<int>(eptp.value >> 3 & 7) + 1;
        Render(Ept(eptp.value & kFrame, levels, gpa), "", text);
      }
    }
    return text;
  }

 private:
  // A value, and before which steps (from 1) it stood there.
  struct Value {
    std::uint64_t value = 0;
    std::vector<std::size_t> when;
  };

  template <typename Function>
  std::vector<Value> Values(Function of) const {
    std::vector<Value> values;
    for (std::size_t i = 0; i < before_.size(); ++i) {
      const std::uint64_t value = of(before_[i]);
      auto known = std::find_if(
          values.begin(), values.end(),
          [&](const Value& other) { return other.value == value; });
      if (known == values.end()) {
        known = values.insert(values.end(), {value, {}});
      }
      known->when.push_back(i + 1);
    }
    return values;
  }

  std::vector<Value> ValuesAt(std::uint64_t address) const {
    return Values([&](const MachineState& state) {
      return state.memory.Load(Hpa{address});
    });
  }

  // ", until step 2": the steps that change it are named. Before step 1 stands
  // what the case begins with.
  std::string WordsOf(const std::vector<std::size_t>& when) const {
    if (when.size() == before_.size()) return "";
    std::vector<std::string> spans;
    for (std::size_t i = 0; i < when.size();) {
      std::size_t end = i;
      while (end + 1 < when.size() && when[end + 1] == when[end] + 1) ++end;
      const bool begins = when[i] == 1;
      const bool ends = when[end] == before_.size();
      const std::size_t from = when[i] - 1, until = when[end];
      spans.push_back(
          begins ? absl::StrCat("until step ", until)
          : ends ? absl::StrCat("from step ", from)
                 : absl::StrCat("from step ", from, " until step ", until));
      i = end + 1;
    }
    return absl::StrCat(", ", absl::StrJoin(spans, ", "));
  }

  std::string EptText(std::uint64_t entry, int level) const {
    if ((entry & 7) == 0 && (!Mbec() || (entry & 0x400) == 0)) {
      return "not present";
    }
    std::string text = {(entry & 1) != 0 ? 'r' : '-',
                        (entry & 2) != 0 ? 'w' : '-',
                        (entry & 4) != 0 ? 'x' : '-'};
    if (Mbec()) text += (entry & 0x400) != 0 ? 'u' : '-';
    const bool leaf = MapsPage(entry, level);
    if (leaf) text += absl::StrCat(" ", MemoryTypeWords(entry >> 3 & 7));
    if (leaf && (entry & 0x40) != 0) text += " ignore-PAT";
    if ((entry & 0x100) != 0) text += " A";
    if ((entry & 0x200) != 0) text += " D";
    if ((entry & 3) == 2) text += " (misconfigured)";
    if (leaf) {
      absl::StrAppend(&text, " ──▶ ",
                      Hexadecimal(entry & kFrame & ~PageMask(level)));
    }
    return text;
  }

  bool Mbec() const {
    return (before_.back().controls.secondary >> 22 & 1) != 0;
  }

  std::vector<Node> Ept(std::uint64_t table, int level,
                        std::uint64_t gpa) const {
    std::vector<Node> nodes;
    const std::uint64_t address = table + 8 * Index(gpa, level);
    for (const Value& value : ValuesAt(address)) {
      Node node;
      node.text =
          absl::StrCat(kLevels[level], " ", Hexadecimal(address), ": ",
                       Hexadecimal(value.value), " ",
                       EptText(value.value, level), WordsOf(value.when));
      const bool leads = (value.value & 7) != 0 && (value.value & 3) != 2;
      if (leads && !MapsPage(value.value, level)) {
        node.children = Ept(value.value & kFrame, level - 1, gpa);
      }
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  std::string GuestText(std::uint64_t entry, int level) const {
    if ((entry & 1) == 0) return "not present";
    std::string text;
    if ((entry & 2) == 0) text += " read-only";
    if (MapsPage(entry, level) && (entry & 0x100) != 0) text += " global";
    if ((entry & 0x20) == 0) text += " not accessed";
    if ((entry >> 63) != 0) text += " XD";
    if (MapsPage(entry, level)) {
      absl::StrAppend(&text, " ──▶ guest-physical ",
                      Hexadecimal(entry & kFrame & ~PageMask(level)));
    }
    return text.empty() ? text : text.substr(1);
  }

  // The guest's entries from `table`, guest-physical, and where they lead.
  std::vector<Node> Guest(std::uint64_t table, int level, std::uint64_t gla,
                          std::set<std::uint64_t>& addresses) const {
    std::vector<Node> nodes;
    const auto place = ToHost(table + 8 * Index(gla, level));
    if (!place) return nodes;
    for (const Value& value : ValuesAt(*place)) {
      Node node;
      const std::string text = GuestText(value.value, level);
      node.text =
          absl::StrCat("guest ", kLevels[level], " ", Hexadecimal(*place), ": ",
                       Hexadecimal(value.value), text.empty() ? "" : " ", text,
                       WordsOf(value.when));
      if ((value.value & 1) != 0) {
        if (MapsPage(value.value, level)) {
          addresses.insert((value.value & kFrame & ~PageMask(level)) |
                           (gla & PageMask(level)));
        } else {
          node.children =
              Guest(value.value & kFrame, level - 1, gla, addresses);
        }
      }
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  // Where EPT has the guest's own tables, as the case begins.
  std::optional<std::uint64_t> ToHost(std::uint64_t gpa) const {
    const MachineState& state = before_[0];
    std::uint64_t table = state.controls.eptp & kFrame;
    for (int level = 4; level >= 1; --level) {
      const std::uint64_t entry =
          state.memory.Load(Hpa{table + 8 * Index(gpa, level)});
      if ((entry & 7) == 0) return std::nullopt;
      if (MapsPage(entry, level)) {
        return (entry & kFrame & ~PageMask(level)) | (gpa & PageMask(level));
      }
      table = entry & kFrame;
    }
    return std::nullopt;
  }

  const std::vector<MachineState>& before_;
};

}  // namespace

std::string TablesDrawing(const Case& c,
                          const std::vector<MachineState>& before) {
  return Tables(before).Draw(c.steps.back());
}

std::string StepsDrawing(const Case& c, const std::vector<MachineState>& before,
                         const std::vector<Outcome>& answers) {
  std::string text;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Step& step = c.steps[i];
    const bool asks = i + 1 == before.size();
    const bool access = step.kind == StepKind::kGuestPhysicalAccess ||
                        step.kind == StepKind::kLinearAccess;
    std::string answer;
    if (asks) {
      answer = ": ?";
    } else if (access || answers[i].event.kind != EventKind::kCompleted) {
      answer = absl::StrCat(": ", AnswerWords(before[i], answers[i]));
    }
    absl::StrAppend(
        &text, " ", asks ? "▼" : "│",
        absl::StrFormat(" %d  %-13s", i + 1,
                        step.kind == StepKind::kStore
                            ? "memory"
                            : absl::StrCat("processor ", step.processor)),
        ShapeStepWords(before[i], step), answer, "\n");
  }
  return text;
}

}  // namespace eptdiff
