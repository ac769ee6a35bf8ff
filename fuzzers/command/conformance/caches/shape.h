// Shapes of what may be kept of translations, as litmus tests: a case, a
// question (what does its last step answer?), and by hand, from the SDM's text,
// every answer that is permitted, with the rule that permits it, and what is
// forbidden, with the rule that forbids it. corpus/conformance/caches/ has a
// page for each. Nothing here asks the reference; answers.h does.
//
// This folder uses the witnesses' language, and the words of reports. Begin
// with world.h, the page that nearly all shapes are about, then
// change_shapes.cc; drawing.h and page.h make the pages.
//
// Not part of any fuzz target. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_SHAPE_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "oracle/case.h"
#include "oracle/reference/witnesses/answer.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {

enum class Permission : std::uint8_t {
  kMay,
  kMayNot,
  // The SDM can be read either way (oracle/silences.def), and the reference
  // follows the reading that does not permit it.
  kOpen,
};

struct ShapeAnswer {
  Answer answer;
  Permission permission = Permission::kMay;
  std::string rule;  // its identifier: "CACHE-6"; of kOpen, the silence's
  std::string why;

  bool permitted() const { return permission == Permission::kMay; }
};

// A case in one of its forms.
struct ShapeVariant {
  ShapeVariant(std::string name, std::string title, const CaseBuilder& builder)
      : name(std::move(name)), title(std::move(title)), c(builder.Build()) {}

  // An answer of the last step that is permitted; what memory says is the
  // first. All are told.
  ShapeVariant& May(Answer answer, std::string rule, std::string why) {
    answers.push_back(
        {std::move(answer), Permission::kMay, std::move(rule), std::move(why)});
    return *this;
  }
  // One that is not.
  ShapeVariant& MayNot(Answer answer, std::string rule, std::string why) {
    answers.push_back({std::move(answer), Permission::kMayNot, std::move(rule),
                       std::move(why)});
    return *this;
  }
  // One that the SDM permits if this silence is read the other way.
  ShapeVariant& Open(Answer answer, std::string silence, std::string why) {
    answers.push_back({std::move(answer), Permission::kOpen, std::move(silence),
                       std::move(why)});
    return *this;
  }
  // The question is put to whom step `step` (from 1) has answered this, which
  // is permitted and not what memory says.
  ShapeVariant& After(std::size_t step, Answer answer) {
    met.emplace(step, std::move(answer));
    return *this;
  }

  std::string name;   // of its file: "pde"
  std::string title;  // "The PDE leads to another page table."
  Case c;
  std::vector<ShapeAnswer> answers;
  std::map<std::size_t, Answer> met;
};

struct Passage {
  std::string section;  // of Volume 3C, December 2023, or "3A 4.10.4.1"
  std::string words;
};

// Why, where there is no more to say.
inline constexpr char kMemory[] = "what memory has";
inline constexpr char kKept[] = "the translation of step 1 may have been kept";

struct LitmusShape {
  std::string name;      // of its page: "changed-address"
  std::string title;     // "Changed address"
  std::string sentence;  // what it is about
  std::vector<Passage> passages;
  std::string text;  // what there is to say
  std::vector<ShapeVariant> variants;
};

std::vector<LitmusShape> ChangeShapes();      // an entry changes
std::vector<LitmusShape> MemoryTypeShapes();  // its memory type
std::vector<LitmusShape> PageSizeShapes();    // its page size; freed tables
std::vector<LitmusShape> FirstUseShapes();    // what is not kept at all
std::vector<LitmusShape> OrderShapes();       // two changes
std::vector<LitmusShape> InveptShapes();      // INVEPT
std::vector<LitmusShape> InvvpidShapes();     // INVVPID
std::vector<LitmusShape> GuestShapes();       // what the guest executes
std::vector<LitmusShape> CrossedShapes();     // changes with all these
std::vector<LitmusShape> FaultShapes();       // violations and page faults
std::vector<LitmusShape> FlagShapes();        // accessed and dirty flags
std::vector<LitmusShape> LogShapes();         // what hangs on them; SPP vectors
std::vector<LitmusShape> RootShapes();        // EPTP
std::vector<LitmusShape> TagShapes();         // VPID, PCID
std::vector<LitmusShape> ProcessorShapes();   // several logical processors

// All of them; names are unique.
std::vector<LitmusShape> AllLitmusShapes();

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_SHAPE_H_
