// Effects of an access that is under way: what will be an alternative, or the
// start of several. Drafts live in the verdict that they are for, last come,
// first gone. On the stack, sanitizers would mark out the room of each, which
// takes longer than the rest of the judgement. Thread-safety: as the verdict.
#ifndef EPTDIFF_ORACLE_REFERENCE_DRAFT_H_
#define EPTDIFF_ORACLE_REFERENCE_DRAFT_H_

#include "oracle/verdict.h"

namespace eptdiff {

class Draft {
 public:
  // Nothing has happened yet, and no register has a value.
  explicit Draft(Verdict& verdict)
      : drafts_(verdict.drafts), own_(drafts_.emplace_back()) {}
  // What `effects` say has happened.
  Draft(Verdict& verdict, const Effects& effects)
      : drafts_(verdict.drafts), own_(drafts_.emplace_back(effects)) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() { drafts_.pop_back(); }

  Effects& operator*() { return own_; }
  Effects* operator->() { return &own_; }

 private:
  FixedVector<Effects, kMaxDrafts>& drafts_;
  Effects& own_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_DRAFT_H_
