// What a shared object needs of whoever loads it, read from the file: an object
// that lacks something cannot be asked.
//
// This folder knows shared objects as compilers make them: what one needs
// (here), the runtimes of sanitizers (sanitizer_runtime.h), and where its code
// went (edge_counters.h, traced_code.h). It uses process/, and knows nothing of
// what is asked.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_TARGET_OBJECT_OBJECT_NEEDS_H_
#define EPTDIFF_ORACLE_TARGET_OBJECT_OBJECT_NEEDS_H_

#include <string>
#include <string_view>
#include <vector>

namespace eptdiff {

struct ObjectNeeds {
  std::vector<std::string> libraries;  // DT_NEEDED
  std::vector<std::string> symbols;    // undefined, and not weak
  // The compilers that made it, as .comment has them; none if it was stripped.
  std::vector<std::string> compilers;

  // Whether a name in the list begins so.
  static bool Has(const std::vector<std::string>& list,
                  std::string_view beginning);
};

// Empty needs for what is no 64-bit ELF file of this machine's byte order, or
// has no section headers: who loads it finds out.
ObjectNeeds ReadNeeds(const std::string& path);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_OBJECT_OBJECT_NEEDS_H_
