// `eptdiff explain` as a page. Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_EXPLANATION_PAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_EXPLANATION_PAGE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/command/words/explanation.h"
#include "fuzzers/targets/panel.h"
#include "fuzzers/text/case_text.h"
#include "fuzzers/text/memory_type_text.h"

namespace eptdiff {

// Tells a case in elements of HTML.
class PageTelling : public Telling {
 public:
  // `id` begins the names of the page's places.
  explicit PageTelling(std::string id) : id_(std::move(id)) {}

  std::string Verdict(const MachineState& before,
                      const eptdiff::Verdict& verdict, const Trace& trace,
                      const std::vector<EntryNote>& notes) override;
  std::string Answer(const AnswerTold& answer) override;
  std::string NoAnswer(const std::string& words) override;
  std::string End(const std::string& words) override;
  std::string Step(const StepTold& step) override;

 private:
  std::string id_;
  int places_ = 0;  // named so far
};

// The part of a page that is about one case: what it is, its machine, its
// steps. `heading` is the file's name; `notes` are about the case.
// `number` is its place in the page. As Explain().
std::string ExplanationHtml(Panel& panel, const TextCase& text_case,
                            const std::string& heading,
                            const std::vector<std::string>& notes,
                            std::size_t number);

// A case about memory types, with what `explain` tells of it.
std::string ExplanationHtml(const MemoryTypeCase& c, const std::string& heading,
                            const std::string& told);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_EXPLANATION_PAGE_H_
