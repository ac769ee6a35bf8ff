// What a diagnosis of a builder says (builder_diagnosis.h), for those who mend
// it.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_CAUSE_WORDS_H_
#define EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_CAUSE_WORDS_H_

#include <string>
#include <string_view>

#include "oracle/builder/diagnosis/builder_diagnosis.h"
#include "oracle/builder/symptom.h"

namespace eptdiff {

// "invept-missing": short, without spaces.
std::string_view NameOf(Mistake mistake);
// "unmap"; "" for none.
std::string_view NameOf(Work work);

// "a page loses write permission where a large page is split".
std::string WordsOf(const BuilderCause& cause);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_CAUSE_WORDS_H_
