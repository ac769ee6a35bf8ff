// What a diagnosis of a builder says (builder_diagnosis.h), for those who mend
// it.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_CAUSE_WORDS_H_
#define EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_CAUSE_WORDS_H_

#include <string>
#include <string_view>

#include "engine/table/table_error.h"
#include "oracle/builder/diagnosis/builder_diagnosis.h"
#include "oracle/builder/symptom.h"

namespace eptdiff {

// "invept-missing": short, without spaces.
std::string_view NameOf(Mistake mistake);
// Likewise, and of bits of pages which: "page-write-lost", "page-memory-type".
std::string_view NameOf(const BuilderCause& cause);
// "unmap"; "" for none.
std::string_view NameOf(Work work);

// "a page loses write permission where a large page is split".
std::string WordsOf(const BuilderCause& cause);

// Of an operation that was refused, or not, against expectation: what to put
// into the profile if it is meant to be so. `reason`: why it has to be refused;
// or why it was, if it was `refused`.
std::string DesignWords(TableError reason, bool refused);
// "EPTDIFF_OVERLAP".
std::string_view HeaderNameOf(TableError error);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_CAUSE_WORDS_H_
