// The pages of the shapes, in Markdown: what a shape is about, and of each
// variant the drawing, the answers, and who gives which.
// Thread-safety: as answers.h.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_PAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_PAGE_H_

#include <string>
#include <vector>

#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/text/case_text.h"

namespace eptdiff {

std::string ShapePage(const LitmusShape& shape);

// README.md: what this is, and a table of all shapes.
std::string ShapeIndex(const std::vector<LitmusShape>& shapes);

// The case of a variant as a file of the corpus, canonical.
TextCase ShapeCase(const LitmusShape& shape, const ShapeVariant& variant);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_PAGE_H_
