#include <string>
#include <string_view>
#include <vector>

#include "oracle/diagnosis/diagnosis.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

// "CFG-8 (SDM table 29-3): bit 12 of a 1-GByte leaf is not checked".
std::string Described(const Alteration& alteration) {
  const RuleInfo& rule = InfoOf(InfoOf(alteration.slot).rule);
  std::string text(rule.identifier);
  text.append(" (SDM ").append(rule.section).append("): ");
  return text.append(alteration.words);
}

// `start`, then all of them, then a full stop.
std::string Listed(std::string start,
                   const std::vector<const Alteration*>& alterations) {
  std::string_view separator = " ";
  for (const Alteration* alteration : alterations) {
    start.append(separator).append(Described(*alteration));
    separator = "; ";
  }
  return start.append(".");
}

std::string Counted(std::size_t count, std::string_view one,
                    std::string_view many) {
  return std::to_string(count).append(" ").append(count == 1 ? one : many);
}

std::string SentenceOf(const Departure& departure) {
  std::string sentence = Described(*departure.alteration);
  sentence.append("; seen in ");
  sentence.append(Counted(departure.cases, "case", "cases")).append(".");
  if (departure.inseparable.empty()) return sentence;
  return Listed(sentence.append(" No case tells it from:"),
                departure.inseparable);
}

std::string UnexplainedIn(const Explanation& explanation) {
  std::string sentence = "Unexplained: ";
  sentence.append(Counted(explanation.unexplained.size(), "answer", "answers"));
  sentence.append(" that no combination of known departures gives.");
  if (!explanation.nearest) return sentence;
  const Nearest& nearest = *explanation.nearest;
  sentence.append(" Nearest is ").append(Described(*nearest.alteration));
  sentence.append("; it would explain ");
  sentence.append(std::to_string(nearest.explained));
  sentence.append(" and contradict ");
  return sentence
      .append(Counted(nearest.contradicted, "other answer", "other answers"))
      .append(".");
}

}  // namespace

std::vector<std::string> Sentences(const Explanation& explanation) {
  std::vector<std::string> sentences;
  for (const Departure& departure : explanation.departures) {
    sentences.push_back(SentenceOf(departure));
  }
  for (const auto& other : explanation.others) {
    sentences.push_back(Listed("Or together:", other));
  }
  if (!explanation.unexplained.empty()) {
    sentences.push_back(UnexplainedIn(explanation));
  }
  return sentences;
}

}  // namespace eptdiff
