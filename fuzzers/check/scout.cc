#include "fuzzers/check/scout.h"

#include <algorithm>
#include <span>

namespace eptdiff {

Scout::Scout(TargetOracle& oracle, const NewCases& cases,
             const Dialect& dialect, const RulePlaces& seen)
    : oracle_(oracle), cases_(cases), seen_(seen) {
  SetDialect(dialect);
  batch_.resize(ScoutedBatch::kCases);
}

void Scout::SetDialect(const Dialect& dialect) {
  dialect_ = dialect;
  table_ = std::make_unique<TargetTable>(oracle_, dialect_);
  known_ = std::make_unique<KnownDepartures>(dialect_, oracle_.fields());
}

void Scout::Go(std::uint64_t batch, std::size_t count, ScoutedBatch& result) {
  result = ScoutedBatch();
  const std::uint64_t first = batch * ScoutedBatch::kCases;
  // What was there is overwritten in place: a case owns memory.
  const auto cases = std::span(batch_).first(count);
  for (std::size_t i = 0; i < count; ++i) cases_.Make(first + i, cases[i]);
  oracle_.set_repeats(cases_.IsAskedAgain(batch) ? 1 : 0);
  oracle_.Prepare(cases);
  for (std::size_t i = 0; i < count; ++i) Judge(first + i, i, result);
  oracle_.set_repeats(0);
  result.done = true;
}

void Scout::Judge(std::uint64_t number, std::size_t place,
                  ScoutedBatch& result) {
  const Case& c = batch_[place];
  consequences_.Clear();
  left_ = 0;
  of_case_.Clear();
  const Standings& standings = table_->Run(c, [&](const StepReport& report) {
    consequences_.Add(report.trace.consequences);
    left_ += report.trace.left ? 1 : 0;
    of_case_.Add(oracle_, dialect_, *known_, c, report);
  });
  const std::uint64_t bit = std::uint64_t{1} << place;
  // After an incident nobody may ask again: what was seen then is news as yet.
  const bool news =
      oracle_.incident().kind == IncidentKind::kNone && IsNews(number);
  if (oracle_.reached_new_edges()) result.new_edges |= bit;
  if (!table_->SignatureOf(standings).empty()) {
    result.wrong |= bit;
    result.incidents[place] = oracle_.incident();
  } else if (!news && dialect_.alterations().size() <= result.shown.size()) {
    return Count(standings, result);
  }
  result.named |= bit;
}

bool Scout::IsNews(std::uint64_t number) {
  bool news = oracle_.reached_new_edges() || cases_.IsKeptAnyway(number);
  consequences_.ForEachNotIn(seen_, [&](std::size_t) { news = true; });
  seen_.Add(consequences_);
  return news;
}

void Scout::Count(const Standings& standings, ScoutedBatch& result) {
  ++result.cases;
  result.compared += standings.compared;
  result.left += left_;
  ++result.skipped[static_cast<std::size_t>(standings.skip)];
  result.disagreeing += !of_case_.shown().empty();
  for (const Alteration* alteration : of_case_.shown()) {
    const auto all = dialect_.alterations();
    ++result.shown[static_cast<std::size_t>(
        std::find(all.begin(), all.end(), alteration) - all.begin())];
  }
  of_case_.CountIn(answers_);
}

}  // namespace eptdiff
