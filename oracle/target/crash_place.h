// Where code crashed, for who has to find it: before a signal ends a process
// that runs code under test, a line says which one, at what address, in which
// function of which file.
//
//   SIGSEGV at 0x0, in walk+0x12 (libmine.so+0x1234)
//
// Too deep a recursion is a fault of its own (sanitizer_fault.h), as it is with
// a sanitizer. Handlers that a sanitizer or the code itself has are left as
// they are. Thread-safety: of the process.
#ifndef EPTDIFF_ORACLE_TARGET_CRASH_PLACE_H_
#define EPTDIFF_ORACLE_TARGET_CRASH_PLACE_H_

namespace eptdiff {

// In a child, before the code is loaded: from here on such a line goes to
// standard error.
void TellWhereItCrashes();

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_CRASH_PLACE_H_
