// Where the SDM's edition of June 2026 has what that of December 2023 had.
//
// The catalogue (rules.def) cites December 2023, and so do comments. Two new
// chapters of Volume 3A (linear-address pre-processing, FRED) have moved what
// comes after them, and some sections of Volume 3C have moved within their
// chapter. Numbers alone are looked at here: words such as "table" and "note",
// and the appendices, have stayed. Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_EDITIONS_H_
#define EPTDIFF_ORACLE_EDITIONS_H_

#include <string>
#include <string_view>

namespace eptdiff {

// The edition that is cited, and the one whose numbers are known, too.
inline constexpr std::string_view kCitedEdition = "December 2023";
inline constexpr std::string_view kLaterEdition = "June 2026";

// A citation such as "29.3.3.1, table 29-3" with the numbers of June 2026:
// "31.3.3.1, table 31-3". A number of a chapter that is not known stays, with
// a question mark behind it.
std::string CitedIn2026(std::string_view citation);

// "29.3.2; 2026: 31.3.2": both editions; one if there is nothing to add.
std::string CitedInBoth(std::string_view citation);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EDITIONS_H_
