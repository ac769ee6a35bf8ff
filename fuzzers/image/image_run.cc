#include "fuzzers/image/image_run.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fuzzers/encoding/encoding.h"
#include "fuzzers/generation/generator.h"

namespace eptdiff::image {
namespace {

std::uint64_t NumberOf(std::string_view digits) {
  std::uint64_t number = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') break;
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return number;
}

}  // namespace

RunOptions ReadRunOptions(std::string_view command_line) {
  RunOptions options;
  while (!command_line.empty()) {
    const std::size_t end =
        std::min(command_line.find(' '), command_line.size());
    const std::string_view word = command_line.substr(0, end);
    command_line.remove_prefix(std::min(end + 1, command_line.size()));
    const std::size_t sign = word.find('=');
    if (sign == std::string_view::npos) continue;
    const std::string_view key = word.substr(0, sign);
    const std::string_view value = word.substr(sign + 1);
    if (key == "seed") options.seed = NumberOf(value);
    if (key == "seconds") options.seconds = NumberOf(value);
    if (key == "cases") options.cases = NumberOf(value);
    if (key == "repeat") options.repeat = NumberOf(value);
    if (key == "without") options.without = value;
    if (key == "with") options.with = value;
    if (key == "tell") options.tells_all = value == "all";
    if (key == "troubles") options.troubles = value;
    if (key == "dialect") options.dialect = value;
    if (key == "only") options.only = value;
  }
  return options;
}

ImageRun::ImageRun(const RunOptions& options, const Processor& processor,
                   Machine& machine, Arranger& arranger,
                   std::span<const FreeRange> memory,
                   std::span<const Hpa> frames, Dialect dialect,
                   SecondsFunction seconds, TicksFunction ticks,
                   const Onlooker& onlooker, ReportWriter& report)
    : options_(options),
      processor_(processor),
      machine_(machine),
      arranger_(arranger),
      frames_(frames),
      seconds_(seconds),
      ticks_(ticks),
      onlooker_(onlooker),
      report_(report),
      mover_(memory),
      inquiry_(machine, std::move(dialect)) {}

bool ImageRun::Run(Module& module) {
  AskModule(module);
  Generate();
  TellStrays();
  TellSkips();
  TellSeen();
  TellMet();
  report_.End(counts_);
  return counts_.departs == 0 && counts_.harness == 0;
}

void ImageRun::AskModule(Module& module) {
  Case c;
  keeps_ = true;
  module.Rewind();
  const std::uint64_t start = seconds_();
  std::uint64_t told = 0;
  ModuleCase next;
  while (counts_.harness < kMaxHarnessErrors && module.Next(next)) {
    DecodeInto(next.bytes, c);
    for (std::uint64_t i = 0; i < options_.repeat; ++i) {
      Ask(c, next.name, i != 0);
      if (counts_.harness >= kMaxHarnessErrors) break;
    }
    const std::uint64_t seconds = seconds_() - start;
    counts_.milliseconds = 1000 * seconds;
    if (seconds != told) TellProgress();
    told = seconds;
  }
  TellProgress();
}

void ImageRun::Generate() {
  if (options_.seconds == 0) return;
  constexpr std::uint64_t kBetweenLooks = 64;
  ways_ = kWays;
  const std::uint64_t start = seconds_();
  const std::uint64_t already = counts_.milliseconds;
  std::uint64_t told = 0;
  Case c;
  for (std::uint64_t i = 0; counts_.harness < kMaxHarnessErrors; ++i) {
    if (options_.cases != 0 && i == options_.cases) break;
    if (i % kBetweenLooks == 0) {
      const std::uint64_t seconds = seconds_() - start;
      counts_.milliseconds = already + 1000 * seconds;
      if (seconds >= options_.seconds) break;
      if (seconds != told) TellProgress();
      told = seconds;
    }
    // To judge by all that may be kept takes ten times as long.
    constexpr std::uint64_t kOneInCaches = 32;
    Focus focus = i % 2 == 0 ? Focus::kEpt : Focus::kLinear;
    if (i % kOneInCaches == kOneInCaches - 1) focus = Focus::kCaches;
    if (options_.only == "ept") focus = Focus::kEpt;
    if (options_.only == "linear") focus = Focus::kLinear;
    if (options_.only == "caches") focus = Focus::kCaches;
    const std::uint64_t before = ticks_();
    GenerateCase(options_.seed + i, c, focus);
    spent_.making += ticks_() - before;
    keeps_ = focus == Focus::kCaches;
    Ask(c, "");
  }
}

void ImageRun::Ask(const Case& c, std::string_view name, bool again) {
  ++counts_.cases;
  again = again && is_arranged_;
  if (!again && !Arrange(c)) return;
  AskArranged(c, name, again);
  const std::vector<Step>& steps = arranged_.c.steps;
  const bool switches = std::any_of(
      steps.begin(), steps.end(),
      [](const Step& step) { return step.kind == StepKind::kEptpSwitch; });
  if (switches) ForgetSwitch();
}

// A processor may keep the EPTP index that VMFUNC has loaded elsewhere than in
// the VMCS (Bochs does): no case is to find that of another.
void ImageRun::ForgetSwitch() {
  constexpr std::uint64_t kEptp = 0x101e, kList = 0x5000;
  Case c;
  c.controls.primary = 1u << 31;              // secondary controls
  c.controls.secondary = 1u << 1 | 1u << 13;  // EPT, VM functions
  c.controls.vm_functions = 1;
  c.controls.eptp = kEptp;
  c.controls.eptp_list_address = kList;
  c.guest.cr0 = 0x21;
  c.guest.cr4 = 0x2000;  // VMXE
  c.guest.rflags = 2;
  c.memory = {
      {Hpa{0x1000}, 0x2007}, {Hpa{0x2000}, 0x3007}, {Hpa{kList}, kEptp}};
  Step& step = c.steps.emplace_back();
  step.kind = StepKind::kEptpSwitch;
  is_arranged_ = false;
  if (mover_.Move(c, processor_, moved_) != Unmovable::kNone) return;
  arranger_.Arrange(moved_, frames_, arranged_);
  machine_.Claim(mover_.regions());
  inquiry_.TellTo(nullptr);
  inquiry_.Ask(arranged_);
}

bool ImageRun::Arrange(const Case& c) {
  const std::uint64_t start = ticks_();
  const Unmovable unmovable = mover_.Move(c, processor_, moved_);
  const std::uint64_t moved = ticks_();
  spent_.moving += moved - start;
  is_arranged_ = unmovable == Unmovable::kNone;
  if (!is_arranged_) {
    ++unmovable_[static_cast<std::size_t>(unmovable)];
    ++counts_.skipped;
    return false;
  }
  arranger_.Arrange(moved_, frames_, arranged_);
  arranged_.keeps = arranged_.keeps && keeps_;
  spent_.arranging += ticks_() - moved;
  return true;
}

void ImageRun::AskArranged(const Case& c, std::string_view name, bool again) {
  name_ = name;
  is_told_ = false;
  inquiry_.TellTo(options_.tells_all ? this : nullptr);
  const std::uint64_t start = ticks_();
  machine_.Claim(mover_.regions());
  const InquiryResult& result = again ? inquiry_.AskAgain(arranged_, ways_)
                                      : inquiry_.Ask(arranged_, ways_);
  const std::uint64_t asked = ticks_();
  spent_.asking += asked - start;
  Take(c, name, result);
  spent_.telling += ticks_() - asked;
}

void ImageRun::Hear(std::size_t step, const Outcome& answer, FieldSet fields) {
  FindingFacts facts;
  facts.number = ++findings_;
  facts.name = name_;
  facts.index = counts_.cases - 1;
  facts.keeps = arranged_.keeps;
  facts.step = step;
  facts.answer = answer;
  facts.fields = fields;
  std::vector<std::uint8_t> moved;
  if (!is_told_) moved = EncodeCase(arranged_.c);
  is_told_ = true;
  facts.moved = moved;
  report_.Asked(facts);
}

void ImageRun::Take(const Case& c, std::string_view name,
                    const InquiryResult& result) {
  counts_.steps += result.compared;
  CountSeen(name, result);
  if (result.has_news && result.result != Result::kHarnessError) {
    TellNews(name, result);
  }
  switch (result.result) {
    case Result::kHarnessError:
      ++counts_.harness;
      report_.HarnessError(result.why, name, counts_.cases - 1, result.step);
      return;
    case Result::kDeparts:
      ++counts_.departs;
      Tell(c, name, result);
      return;
    case Result::kAgrees:
    case Result::kSkipped:
      break;
  }
  CountSkip(result);
  // The VM entry alone is not the case.
  const bool entered = result.outcome.event.kind == EventKind::kCompleted;
  const bool asked = result.compared > 1 || c.steps.empty() ||
                     (result.compared == 1 && !entered);
  ++(asked ? counts_.agrees : counts_.skipped);
}

// What agrees counts, too, for who looks for the reason of what does not: the
// cases in which a rule had a consequence in a new place.
void ImageRun::TellNews(std::string_view name, const InquiryResult& result) {
  if (told_news_ == kToldNews) return;
  ++told_news_;
  FindingFacts facts;
  facts.number = ++findings_;
  facts.name = name;
  facts.index = counts_.cases - 1;
  facts.keeps = arranged_.keeps;
  facts.step = result.news_step;
  facts.answer = result.news;
  facts.fields = result.news_fields;
  const std::vector<std::uint8_t> moved = EncodeCase(arranged_.c);
  facts.moved = moved;
  report_.Agreed(facts);
}

// Of generated cases, which are asked once, it is how many that matters.
void ImageRun::CountSeen(std::string_view name, const InquiryResult& result) {
  for (const SeenAnswer& answer : result.seen) {
    ++open_answers_;
    kept_answers_ += answer.kept;
    if (name.empty() || options_.repeat < 2) continue;
    // Those of this case are the last.
    auto known = variants_.rbegin();
    while (known != variants_.rend() && known->name == name &&
           known->answer != answer) {
      ++known;
    }
    if (known != variants_.rend() && known->name == name) {
      ++known->times;
    } else {
      variants_.push_back({std::string(name), answer, 1});
    }
  }
}

void ImageRun::TellSeen() {
  if (open_answers_ == 0) return;
  report_.Seen("an answer that rests on what was kept", kept_answers_,
               open_answers_);
  for (const Variant& variant : variants_) {
    std::uint64_t of = 0;
    for (const Variant& other : variants_) {
      if (other.name == variant.name &&
          other.answer.step == variant.answer.step) {
        of += other.times;
      }
    }
    const SeenAnswer& answer = variant.answer;
    report_.Variant({.name = variant.name,
                     .step = answer.step,
                     .kept = answer.kept,
                     .event = answer.event,
                     .exit_reason = answer.exit_reason,
                     .address = answer.address,
                     .times = variant.times,
                     .of = of});
  }
}

void ImageRun::CountSkip(const InquiryResult& result) {
  if (result.undefined) {
    ++undefined_;
  } else if (!result.unmodelled.empty()) {
    const auto known = std::find_if(
        unmodelled_.begin(), unmodelled_.end(),
        [&](const Unmodelled& u) { return u.why == result.unmodelled; });
    if (known != unmodelled_.end()) {
      ++known->cases;
    } else {
      unmodelled_.push_back({result.unmodelled, 1});
    }
  } else if (result.code_unreachable) {
    ++code_unreachable_;
  } else if (result.own_memory) {
    ++own_memory_;
  } else if (result.unsafe) {
    ++unsafe_;
  } else if (result.indistinct) {
    ++indistinct_;
  } else if (result.in_parts) {
    ++in_parts_;
  } else if (arranged_.hindrance != Hindrance::kNone) {
    ++hindered_[static_cast<std::size_t>(arranged_.hindrance)];
  }
}

void ImageRun::Tell(const Case& c, std::string_view name,
                    const InquiryResult& result) {
  const std::string signature = SignatureOf("machine", result.finding);
  std::uint64_t& seen = SeenOf(signature);
  if (++seen > kToldOfEach) return;
  if (seen == 1) onlooker_.finding(signature);
  FindingFacts facts;
  facts.number = ++findings_;
  facts.name = name;
  facts.index = counts_.cases - 1;
  facts.keeps = arranged_.keeps;
  facts.step = result.step;
  facts.signature = signature;
  if (!result.finding.disagreements.empty()) {
    facts.first = result.finding.disagreements[0];
  }
  facts.answer = result.outcome;
  facts.fields = result.fields;
  if (seen == 1) {
    // It may have written anywhere.
    for (const MemoryWord& word : machine_.FindStrays()) {
      if (!facts.answer.writes.full()) facts.answer.writes.push_back(word);
    }
  }
  const std::vector<std::uint8_t> generated = EncodeCase(c);
  const std::vector<std::uint8_t> moved = EncodeCase(arranged_.c);
  facts.generated = generated;
  facts.moved = moved;
  report_.Finding(facts);
}

// What departures have left that were not told whole: nothing, or answers to
// later cases may rest on it.
void ImageRun::TellStrays() {
  const auto tell = [&](std::string_view words) {
    ++counts_.harness;
    report_.HarnessError(words, "", counts_.cases, 0);
  };
  if (!machine_.FindStrays().empty()) {
    tell(
        "a departure has changed memory outside of its case, and later cases "
        "may have met that");
  }
  if (!machine_.IsIntact()) {
    tell(
        "a guest has written into the image's own program: nothing here can be "
        "believed");
  }
}

std::uint64_t& ImageRun::SeenOf(std::string_view signature) {
  for (Signature& known : signatures_) {
    if (known.text == signature) return known.seen;
  }
  signatures_.push_back({std::string(signature), 0});
  return signatures_.back().seen;
}

void ImageRun::TellProgress() {
  report_.Progress(counts_);
  onlooker_.progress(counts_);
}

void ImageRun::TellMet() {
  std::array<std::uint8_t, (RulePlace::kCount + 7) / 8> places = {};
  inquiry_.met().ForEach([&](std::size_t place) {
    places[place / 8] |= static_cast<std::uint8_t>(1u << (place % 8));
  });
  report_.Met(places);
}

void ImageRun::TellSkips() {
  const auto tell = [&](std::string_view words, std::uint64_t cases) {
    if (cases != 0) report_.Skips(words, cases);
  };
  for (std::size_t i = 1; i < kUnmovableCount; ++i) {
    tell(WordsOf(static_cast<Unmovable>(i)), unmovable_[i]);
  }
  for (std::size_t i = 1; i < kHindranceCount; ++i) {
    tell(WordsOf(static_cast<Hindrance>(i)), hindered_[i]);
  }
  tell("what follows is undefined", undefined_);
  for (const Unmodelled& unmodelled : unmodelled_) {
    tell(unmodelled.why, unmodelled.cases);
  }
  tell("the guest's code cannot be fetched through these tables",
       code_unreachable_);
  tell("the guest would execute the case's own memory", own_memory_);
  tell("this machine would not survive the question", unsafe_);
  tell("where the access goes could not be told apart", indistinct_);
  tell("this machine is known to make the access as several", in_parts_);
  for (const Signature& signature : signatures_) {
    report_.Seen(signature.text, signature.seen, counts_.cases);
  }
}

}  // namespace eptdiff::image
