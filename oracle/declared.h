// What whoever answers declares of itself, and is judged by.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_DECLARED_H_
#define EPTDIFF_ORACLE_DECLARED_H_

namespace eptdiff {

class SlotSet;  // reference/dialect.h

// Of what it keeps translations (29.4.1), if it keeps any.
struct KeptKinds {
  bool guest_physical = true;     // guest-physical mappings
  bool combined = true;           // combined mappings
  bool paging_structures = true;  // of either: upper levels, apart from wholes
  friend bool operator==(const KeptKinds&, const KeptKinds&) = default;
};

struct Declared {
  KeptKinds kept;
  // What it leaves to hardware: these slots, of kind kForbids, forbid nothing.
  // Null: nothing is left. Whoever answers owns it.
  const SlotSet* left = nullptr;
  friend bool operator==(const Declared&, const Declared&) = default;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_DECLARED_H_
