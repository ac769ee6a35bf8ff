// What a builder that logs writes has to tell (EPTDIFF_LOG_*): which pages of
// 4 KBytes the guest has written to since it was asked to log, or since that
// was told and cleared.
//
//   written before the operation   it has to tell of that
//   written while it runs          it may, or the next one has to
//   no write                       it must not, save of the rest of a page that
//                                  the tables have as one
//
// Of a page that is unmapped, or mapped elsewhere, it may tell or not.
//
// Of a builder that has several tables (views) there is one log for the guest,
// which each of them feeds: a page that is written to in any view is told, and
// told once. It is due for each view that it was written to in, for as long as
// that has it mapped.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_WRITE_LOG_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_WRITE_LOG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "oracle/builder/mapping_model.h"
#include "oracle/case.h"

namespace eptdiff {

class WriteLog {
 public:
  bool on() const { return on_; }

  // An operation begins.
  void Begin();
  // The guest writes in [gpa, gpa + 4 KBytes), by the page of the tables of
  // `view` that is `page`; `sure`: it does, or it sets the dirty flag at most.
  void OnWrite(std::uint64_t gpa, const Interval& page, bool sure,
               std::size_t view = 0);
  // A store to these tables takes the dirty flag from these pages, which
  // processors have set since what it is made of was loaded.
  void OnFlagLost(std::uint64_t gpa, std::uint64_t bytes, std::size_t view = 0);
  // Nothing is mapped there any more, or another page.
  void OnUnmapped(std::uint64_t gpa, std::uint64_t bytes, std::size_t view = 0);

  struct Wrong {
    enum class Kind {
      kLost,
      kRaced,
      kLostInView,   // written to in another view than the first alone
      kStaysInView,  // ... since LOG_CLEAR has told it
      kTooMuch
    };
    Kind kind;
    std::uint64_t gpa;
    std::size_t view = 0;  // of what is lost
  };
  // An operation about the log is over, as it should be, and has told `told`.
  // `page_of` is the page of the tables that an address is in, the largest of
  // all views, of 0 bytes if none is.
  using PageOf = std::function<Interval(std::uint64_t)>;
  std::optional<Wrong> OnDone(const TableOperation& operation,
                              const std::vector<Interval>& told,
                              const PageOf& page_of);

 private:
  struct Due {
    bool during = false;  // the operation at hand
    bool raced = false;   // the flag that says so is gone
  };

  // Of what is due in this view, what has not been told.
  std::optional<Wrong> FindLost(const TableOperation& operation,
                                const std::vector<Interval>& told,
                                std::size_t view) const;
  void Tell(const TableOperation& operation, const std::vector<Interval>& told);
  bool MayTell(std::uint64_t gpa, const PageOf& page_of) const;

  bool on_ = false;
  std::array<std::map<std::uint64_t, Due>, kMaxViews> due_;  // pages
  MappingModel may_;              // what may be told, mapped somewhere
  MappingModel cleared_;          // what has been told and forgotten, likewise
  std::vector<Interval> during_;  // of what may be told, what the operation has
                                  // brought
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_WRITE_LOG_H_
