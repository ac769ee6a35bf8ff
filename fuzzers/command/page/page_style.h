// style.css, as it stands in every page.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_PAGE_STYLE_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_PAGE_STYLE_H_

namespace eptdiff {

extern const char kPageStyle[];

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_PAGE_STYLE_H_
