// Finds out what memory types outside code gets wrong: puts questions about
// MTRRs to it, and cuts down one for each rule that it breaks.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_MTRR_TARGET_CHECK_H_
#define EPTDIFF_FUZZERS_CHECK_MTRR_TARGET_CHECK_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/entries/random.h"
#include "oracle/mtrr/memory_types.h"
#include "oracle/mtrr/mtrrs.h"
#include "oracle/mtrr/page_types.h"
#include "oracle/target/session/mtrr_session.h"

namespace eptdiff {

struct MtrrFinding {
  MtrrRule rule;    // that it breaks, if it answers
  MtrrReply reply;  // to `question`
  MtrrQuestion question;
  std::uint32_t permitted;  // as PageType has it
  std::uint64_t count = 0;  // questions
  std::string output;       // what it printed, of an incident

  // "eptdiff-<name>-mtrr-uc-wins".
  std::string Signature(const std::string& name) const;
};

class MtrrTargetCheck {
 public:
  // Borrows `session`. The same seed gives the same questions.
  MtrrTargetCheck(MtrrSession& session, std::uint64_t seed)
      : session_(session), random_(seed) {}

  // Puts these, or a batch of new questions.
  void Try(const std::vector<MtrrQuestion>& batch);
  void TryNew();
  // Cuts the findings down; then no more questions.
  void Conclude();

  std::uint64_t asked() const { return asked_; }
  std::uint64_t disagreeing() const { return disagreeing_; }
  std::size_t signatures() const { return findings_.size(); }
  // How many answers nothing was held against: that there is no such page.
  std::uint64_t unjudged() const { return unjudged_; }
  // Whether the rule has questions of its own, of which one may be expected.
  bool IsAsked(MtrrRule rule) const;
  // By rule, incidents last.
  std::vector<MtrrFinding> findings() const;
  // Whether some answer was judged by the rule.
  bool IsDecided(MtrrRule rule) const {
    return decided_[static_cast<int>(rule)];
  }

 private:
  // An incident, or the rule that is broken.
  using Kind = std::pair<std::string, MtrrRule>;
  static Kind KindOf(const MtrrFinding& finding);
  bool IsRight(const MtrrReply& reply, const MtrrQuestion& question) const;
  // What is wrong with the reply.
  MtrrFinding Wrong(const MtrrReply& reply, const MtrrQuestion& question) const;
  // The first 4-KByte page of each part of a large page that has a type.
  std::vector<MtrrQuestion> SmallPagesIn(const MtrrQuestion& question) const;
  // A reply to each, over as many children as it takes.
  std::vector<MtrrReply> AskAll(const std::vector<MtrrQuestion>& questions);
  // What is wrong with the replies to the first questions, in their order.
  std::vector<MtrrFinding> Look(std::span<const MtrrQuestion> questions,
                                std::span<const MtrrReply> replies);
  // Where a large page comes out wrong since a small one in it does, the
  // finding becomes the small one's.
  void BlameSmallPages(std::vector<MtrrFinding>& findings);
  // Where guest and machine decide, and it is wrong if one of them makes all
  // memory WB, the finding becomes that one; else it is that it takes both so.
  void BlameOneOfBoth(std::vector<MtrrFinding>& findings);
  // Where the answer is what fixed ranges say that are not enabled, it is that.
  void BlameFixedRanges(std::vector<MtrrFinding>& findings);

  MtrrSession& session_;
  Random random_;
  std::uint64_t asked_ = 0, disagreeing_ = 0, unjudged_ = 0;
  std::map<Kind, MtrrFinding> findings_;
  bool decided_[kMtrrRuleCount] = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_MTRR_TARGET_CHECK_H_
