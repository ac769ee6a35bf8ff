// What the full form consists of beside Bochs's processor. Not for code outside
// this folder.
#ifndef EPTDIFF_ORACLE_BOCHS_FULL_FORM_H_
#define EPTDIFF_ORACLE_BOCHS_FULL_FORM_H_

#include <cstdarg>

namespace eptdiff::bochs {

// Provides the parameters that Bochs's processor asks its simulator for.
void ProvideSimulator();

// Bochs's panic: ends the question under way.
[[noreturn]] void Panic(const char* format, va_list arguments);

}  // namespace eptdiff::bochs

#endif  // EPTDIFF_ORACLE_BOCHS_FULL_FORM_H_
