#include "fuzzers/command/files/seeds.h"

#include <optional>

#include "fuzzers/encoding/canonical.h"
#include "oracle/builder/judge/example_witnesses.h"
#include "oracle/builder/judge/table_witnesses.h"
#include "oracle/reference/witnesses/witnesses.h"
#include "oracle/rules.h"

namespace eptdiff {

namespace {

// Of a case about builders.
template <typename Witness>
Seed SeedOf(const Witness& witness) {
  Seed seed;
  seed.name = std::string(witness.name);
  TextCase& text_case = seed.text_case;
  text_case.c = witness.c;
  Canonicalise(text_case.c);
  if (const std::optional<Rule> rule = SdmRuleOf(witness.rule)) {
    text_case.rules.emplace_back(IdentifierOf(*rule));
    text_case.sdm_section = std::string(InfoOf(*rule).section);
  }
  text_case.explanation = std::string(witness.words);
  return seed;
}

}  // namespace

std::string PathOf(const Seed& seed) {
  return seed.name.substr(0, seed.name.find('-')) + "/" + seed.name +
         ".textproto";
}

std::vector<Seed> Seeds() {
  std::vector<Seed> seeds;
  for (const NamedCase& witness : Witnesses()) {
    Seed seed;
    seed.name = std::string(witness.name);
    TextCase& text_case = seed.text_case;
    text_case.c = witness.c;
    Canonicalise(text_case.c);
    text_case.rules.emplace_back(witness.rule);
    if (const std::optional<Rule> rule = FindRule(witness.rule)) {
      text_case.sdm_section = std::string(InfoOf(*rule).section);
      text_case.explanation = std::string(InfoOf(*rule).words);
    }
    seeds.push_back(std::move(seed));
  }
  for (const TableWitness& each : TableWitnesses()) {
    seeds.push_back(SeedOf(each));
  }
  for (const auto& witnesses : {LogWitnesses(), ViewWitnesses()}) {
    for (const ExampleWitness& each : witnesses) seeds.push_back(SeedOf(each));
  }
  return seeds;
}

}  // namespace eptdiff
