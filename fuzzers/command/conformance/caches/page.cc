#include "fuzzers/command/conformance/caches/page.h"

#include <algorithm>
#include <cstddef>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/conformance/caches/answers.h"
#include "fuzzers/command/conformance/caches/drawing.h"
#include "fuzzers/command/conformance/caches/shape_words.h"
#include "fuzzers/encoding/canonical.h"
#include "oracle/editions.h"

namespace eptdiff {
namespace {

constexpr std::size_t kWidth = 80;

// `text` in lines of at most kWidth bytes, each after `lead`.
std::string Wrapped(const std::string& lead, const std::string& text) {
  std::string all;
  std::string line = lead;
  for (const auto word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (line.size() > lead.size() && line.size() + 1 + word.size() > kWidth) {
      absl::StrAppend(&all, line, "\n");
      line = lead;
    }
    absl::StrAppend(&line, line.size() > lead.size() ? " " : "", word);
  }
  return absl::StrCat(all, line, "\n");
}

const char* PermissionWords(Permission permission) {
  switch (permission) {
    case Permission::kMay:
      return "may";
    case Permission::kMayNot:
      return "**may not**";
    case Permission::kOpen:
      return "open";
  }
  return "?";
}

std::string AnswerTable(const ShapeVariant& variant,
                        const MachineState& before) {
  const std::vector<GivenAnswer> given = AskAll(variant);
  std::string text = absl::StrCat(
      "| step ", variant.c.steps.size(),
      " | | | memory alone | engine | engine with cache | Bochs | Bochs with "
      "TLB | processors |\n|---|---|---|---|---|---|---|---|---|\n");
  for (std::size_t i = 0; i < variant.answers.size(); ++i) {
    const ShapeAnswer& answer = variant.answers[i];
    absl::StrAppend(&text, "| ", AnswerWords(before, answer.answer.In(before)),
                    " | ", PermissionWords(answer.permission), " | ",
                    answer.rule, ": ", answer.why, " |");
    for (const GivenAnswer& one : given) {
      absl::StrAppend(&text, one.answer == i ? " ● |" : " |");
    }
    text += " |\n";
  }
  constexpr const char* kWho[] = {"Memory alone", "The engine",
                                  "The engine with its cache", "Bochs",
                                  "Bochs with its TLB"};
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].answer) continue;
    absl::StrAppend(&text, "\n", kWho[i], ": ", given[i].otherwise, ".\n");
  }
  return text;
}

std::string VariantText(const LitmusShape& shape, const ShapeVariant& variant) {
  const FollowedVariant followed = Follow(variant, Dialect());
  std::string text = absl::StrCat(
      "## [", variant.name, "](", shape.name, "/", variant.name,
      ".textproto)\n\n", Wrapped("", variant.title), "\n```text\n",
      TablesDrawing(variant.c, followed.before), "\n",
      StepsDrawing(variant.c, followed.before, followed.answers), "```\n\n");
  return absl::StrCat(text, AnswerTable(variant, followed.before.back()));
}

std::vector<std::string> RulesOf(const LitmusShape& shape) {
  std::set<std::string> known;
  std::vector<std::string> rules;
  for (const ShapeVariant& variant : shape.variants) {
    for (const ShapeAnswer& answer : variant.answers) {
      if (answer.permission == Permission::kOpen) continue;
      if (known.insert(answer.rule).second) rules.push_back(answer.rule);
    }
  }
  std::sort(rules.begin(), rules.end(),
            [](const std::string& a, const std::string& b) {
              return a.size() != b.size() ? a.size() < b.size() : a < b;
            });
  return rules;
}

// Each answer that some variant permits, or forbids, once.
std::string AnswersOf(const LitmusShape& shape) {
  std::size_t count[3] = {};
  for (const ShapeVariant& variant : shape.variants) {
    for (const ShapeAnswer& answer : variant.answers) {
      ++count[static_cast<std::size_t>(answer.permission)];
    }
  }
  return absl::StrCat(shape.variants.size(), " | ", count[0], " | ", count[1],
                      " | ", count[2]);
}

constexpr char kIndexHead[] =
    R"(# Shapes of what may be kept of translations

Litmus tests of translation caches. Each shape is a short program: some tables,
accesses, stores and invalidations, and a last access that is the question. The
SDM permits one answer to it, or several, and every one is told here, with the
rule that permits it; and what must not come, with the rule that forbids it. They
were written down by hand from the SDM's text, not from what the reference says,
and the reference permits these and no others.

A page has a drawing of each variant, made from its case: the tables with all
that is written to them, and the steps in their order. ● stands where an
implementation answers: the SDM of memory alone (which keeps nothing), the
engine, the engine with its translation cache, Bochs as it walks, and Bochs with
its TLB. What processors show is not known yet, and has a column to come to.

The commands of this page are run in the source tree, on Debian 12 or later
after `ci/setup`. They need this build, which `ci/fuzz` has made, too:

```sh
cmake --preset release && cmake --build --preset release --target eptdiff
export PATH=$PWD/build/release/fuzzers/command:$PATH
```

Put one to all, and see what is permitted to the engine with its cache:

```sh
eptdiff run corpus/conformance/caches/changed-address/pde.textproto
eptdiff explain --oracles cache corpus/conformance/caches/changed-address/pde.textproto
```

Where the SDM can be read either way, an answer is open: a silence is named
(`eptdiff rules --silences` has both readings), and the reference follows the
one that does not permit it.

The shapes stand in `fuzzers/command/conformance/caches/`; `eptdiff rules
CACHE-5` has the words of a rule. This folder is written by
`eptdiff_write_conformance corpus/conformance`, and a test holds that it was.

)";

}  // namespace

TextCase ShapeCase(const LitmusShape& shape, const ShapeVariant& variant) {
  TextCase text_case;
  text_case.c = variant.c;
  Canonicalise(text_case.c);
  text_case.explanation = absl::StrCat(shape.title, ": ", variant.title);
  std::vector<std::string> sections;
  for (const Passage& passage : shape.passages) {
    if (std::find(sections.begin(), sections.end(), passage.section) ==
        sections.end()) {
      sections.push_back(passage.section);
    }
  }
  text_case.sdm_section = absl::StrJoin(sections, ", ");
  std::vector<std::string> words;
  const MachineState before = Follow(variant, Dialect()).before.back();
  for (const ShapeAnswer& answer : variant.answers) {
    const std::string which = AnswerWords(before, answer.answer.In(before));
    if (answer.permitted()) words.push_back(which);
    if (answer.permission != Permission::kOpen &&
        std::find(text_case.rules.begin(), text_case.rules.end(),
                  answer.rule) == text_case.rules.end()) {
      text_case.rules.push_back(answer.rule);
    }
  }
  text_case.expected = absl::StrCat("Step ", variant.c.steps.size(), " ",
                                    absl::StrJoin(words, "; or "), ".");
  return text_case;
}

std::string ShapePage(const LitmusShape& shape) {
  std::string text =
      absl::StrCat("# ", shape.title, "\n\n", Wrapped("", shape.sentence));
  if (!shape.text.empty())
    absl::StrAppend(&text, "\n", Wrapped("", shape.text));
  for (const Passage& passage : shape.passages) {
    absl::StrAppend(
        &text, "\n",
        Wrapped("> ", absl::StrCat(passage.words, " (SDM ",
                                   CitedInBoth(passage.section), ")")));
  }
  absl::StrAppend(&text, "\nRules: ", absl::StrJoin(RulesOf(shape), ", "),
                  ". [All shapes](README.md)\n");
  for (const ShapeVariant& variant : shape.variants) {
    absl::StrAppend(&text, "\n", VariantText(shape, variant));
  }
  return text;
}

std::string ShapeIndex(const std::vector<LitmusShape>& shapes) {
  std::string text = kIndexHead;
  absl::StrAppend(
      &text,
      "| shape | what it is about | cases | may | may not | open |\n"
      "|---|---|---|---|---|---|\n");
  for (const LitmusShape& shape : shapes) {
    absl::StrAppend(&text, "| [", shape.name, "](", shape.name, ".md) | ",
                    shape.sentence, " | ", AnswersOf(shape), " |\n");
  }
  return text;
}

}  // namespace eptdiff
