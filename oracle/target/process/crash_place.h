// Where code crashed, for who has to find it: before a signal ends a process
// that runs code under test, it says which one, at what address, and what of
// the code was under way, down to where this program comes in.
//
//   SIGSEGV at 0x0
//     in walk+0x12 (libmine.so+0x1234)
//     in eptdiff_target_answer+0x56 (libmine.so+0x1678)
//
// Functions that an object does not export have no name; addr2line knows them
// by the offset.
//
// Too deep a recursion is a fault of its own (sanitizer_fault.h), as it is with
// a sanitizer. Handlers that a sanitizer or the code itself has are left as
// they are. Thread-safety: of the process.
#ifndef EPTDIFF_ORACLE_TARGET_PROCESS_CRASH_PLACE_H_
#define EPTDIFF_ORACLE_TARGET_PROCESS_CRASH_PLACE_H_

namespace eptdiff {

// In a child, before the code is loaded: from here on such lines go to standard
// error.
void TellWhereItCrashes();

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROCESS_CRASH_PLACE_H_
