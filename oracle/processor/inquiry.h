// One arranged case put to a machine: each step is judged by the reference
// before it is asked, so that the machine's side knows what to look for; what
// it then answers is held against that. As in judgement/trial.h an answer that
// conforms is carried out, the next step meets it, and the first that does not
// is the finding.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_PROCESSOR_INQUIRY_H_
#define EPTDIFF_ORACLE_PROCESSOR_INQUIRY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "oracle/fixed_vector.h"
#include "oracle/judgement/judge.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"
#include "oracle/processor/arranging.h"
#include "oracle/processor/moving.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/caches/kept.h"
#include "oracle/reference/rule_places.h"

namespace eptdiff {

// How a machine came by an answer.
enum class Reply : std::uint8_t {
  kAnswered,
  // The VM entry that Enter() has put off fails: the answer is that to it.
  kNotEntered,
  // What the guest would have executed or overwritten is the case's own memory.
  kOwnMemory,
  kUnsafe,  // this machine would not survive the question
  // More places than can be told apart are where the access may go.
  kIndistinct,
  kInParts,       // this machine is known to make the access as several
  kHarnessError,  // the asker does not believe itself: why()
};

// Whoever runs guests. It has the memory of the case, word for word, from
// Load() on; what a step changes there stays.
class Machine {
 public:
  virtual ~Machine() = default;

  // The pages that the next case uses: what no word of it names is 0 there.
  virtual void Claim(std::span<const MovedRegion> regions) { (void)regions; }

  // The case begins: its memory is put where it says, and nothing that earlier
  // cases have left of translations is used. What the steps of this one leave
  // is kept if arranged.keeps; else nothing is, from step to step.
  virtual void Load(const ArrangedCase& arranged,
                    const MachineState& state) = 0;

  // VM entry, and nothing of the guest. If it `may_wait`, the next call is a
  // Perform() of an access that enters all the same: the answer may be that VM
  // entry completes, and Perform()'s that it has not.
  virtual Reply Enter(const MachineState& state, bool may_wait,
                      Outcome& outcome) = 0;

  // A linear access, a fetch, a store, INVEPT or INVVPID, MOV to CR and the
  // like, or VM entry again in the state that has what it loads. `verdict` says
  // what is permitted; `fields` are those that are known of the answer.
  virtual Reply Perform(const MachineState& state, const Step& step,
                        const Verdict& verdict, Outcome& outcome,
                        FieldSet& fields) = 0;

  // The case is over: no word of it is left in memory. False if more had
  // changed than the answers say. `conformed`: the last of them has been
  // carried out; else there is no telling what has changed.
  virtual bool Unload(const MachineState& state, bool conformed) = 0;

  // Between cases: words of the memory that cases may use that have changed all
  // the same, as a departure may do. They are as before then.
  virtual std::span<const MemoryWord> FindStrays() { return {}; }

  // Whether no guest has written into the asker's own program.
  virtual bool IsIntact() { return true; }

  // Of the last kHarnessError.
  virtual std::string_view why() const = 0;
};

// Hears of each answer that is judged, departures, too.
class Listener {
 public:
  virtual ~Listener() = default;
  // `step` of the arranged case, 0 is VM entry; `fields` are known of it.
  virtual void Hear(std::size_t step, const Outcome& answer,
                    FieldSet fields) = 0;
};

// An answer to a step to which several are permitted.
struct SeenAnswer {
  std::uint16_t step = 0;  // of the arranged case, from 1 on
  bool kept = false;       // it is none that memory alone would permit
  EventKind event = EventKind::kCompleted;
  std::uint16_t exit_reason = 0;
  Hpa address = {};  // kCompleted: of the first byte
  friend bool operator==(const SeenAnswer&, const SeenAnswer&) = default;
};

enum class Result : std::uint8_t { kAgrees, kDeparts, kSkipped, kHarnessError };

struct InquiryResult {
  Result result = Result::kAgrees;
  std::uint32_t compared = 0;   // steps, VM entry included
  bool undefined = false;       // ended by what the SDM leaves undefined
  std::string_view unmodelled;  // why the reference ended it
  bool code_unreachable = false;
  bool own_memory = false;
  bool unsafe = false;
  bool indistinct = false;
  bool in_parts = false;
  FixedVector<SeenAnswer, 16> seen;
  std::string_view why;  // kHarnessError
  // kDeparts: at which step of the arranged case (0: VM entry), in what, and
  // what the answer was.
  std::size_t step = 0;
  Finding finding;
  Outcome outcome;
  FieldSet fields = kAllFields;  // that are known of it
  // Whether a rule had a consequence in an answer that agreed, in a place where
  // it had one hardly ever before; and of the last such step, the same.
  bool has_news = false;
  std::size_t news_step = 0;
  Outcome news;
  FieldSet news_fields = kAllFields;
};

class Inquiry {
 public:
  // Judged by `dialect`; the SDM's is the empty one.
  explicit Inquiry(Machine& machine, Dialect dialect = Dialect());

  // From now on; null for nobody.
  void TellTo(Listener* listener) { listener_ = listener; }

  // Valid until the next call. A step that may have met what was kept in more
  // than `ways` is judged no further.
  const InquiryResult& Ask(const ArrangedCase& arranged,
                           std::size_t ways = Kept::kMaxRuns);

  // The case and the ways of the call before, once more. What is permitted
  // after the answers that it has been given already is not judged again.
  const InquiryResult& AskAgain(const ArrangedCase& arranged,
                                std::size_t ways = Kept::kMaxRuns);

  // Of the last answer judged.
  const Verdict& verdict() const { return *now_; }

  // Where rules had a consequence in answers that agreed, in all cases so far.
  const RulePlaces& met() const { return met_; }

 private:
  // What is permitted at one step of a case that is asked again and again, and
  // where the answers to it have led.
  struct Judged {
    Verdict verdict;
    bool is_known = false;
    std::unique_ptr<Verdict> of_memory;  // where that was asked for
    struct Way {
      Outcome answer;
      Judged* next;
    };
    std::vector<Way> ways;
  };
  // Of one case. What else it meets is judged each time.
  static constexpr std::size_t kMaxJudged = 100;

  const InquiryResult& AskWhole(const ArrangedCase& arranged, std::size_t ways);
  void AskSteps(const ArrangedCase& arranged);
  void JudgeStep(const Step* step);
  const Verdict& JudgeByMemory(const Step& step);
  Judged* NewJudged();
  void FollowAnswer();
  // Whether the next step may be asked.
  bool Compare(Reply reply, FieldSet fields, std::size_t number);
  bool EntryMayWait(const ArrangedCase& arranged) const;
  void CompareEntry();
  bool IsJudged();
  void NoteSeen(const Step& step, std::size_t number);
  void NoteNews(std::size_t number);

  Machine& machine_;
  Listener* listener_ = nullptr;
  const CachingReference reference_;
  const std::unique_ptr<Verdict> verdict_;
  const std::unique_ptr<Verdict> of_memory_;
  const Verdict* now_ = verdict_.get();
  // Of the case that is asked again, VM entry's first; none of another.
  std::vector<std::unique_ptr<Judged>> judged_;
  Judged* at_ = nullptr;  // the step that is asked; null: nothing is remembered
  bool is_new_ = true;    // it has just been judged
  Trace trace_;
  Trace trace_of_memory_;
  MachineState state_;
  bool keeps_ = false;  // the machine does, from step to step
  std::size_t ways_ = 0;
  InquiryResult result_;
  RulePlaces met_;
  RulePlaces no_news_;  // met kNews times
  // How often, up to kNews.
  static constexpr std::uint8_t kNews = 4;
  std::array<std::uint8_t, RulePlace::kCount> times_met_ = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_INQUIRY_H_
