// The event of an access that completes within one page.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ENGINE_WALK_COMPLETED_H_
#define EPTDIFF_ENGINE_WALK_COMPLETED_H_

#include "engine/types.h"

namespace eptdiff::engine {

// Makes `event` a completed access to `page`. Field by field: nobody then
// copies what lies between them, and g++ makes a slow instruction of one
// assignment that clears them all. CompletedTest fails if one is forgotten.
[[gnu::always_inline]] inline void SetCompleted(const Translation& page,
                                                Event& event) {
  event.kind = EventKind::kCompleted;
  event.translation_count = 1;
  Translation& to = event.translations[0];
  to.address = page.address;
  to.page_shift = page.page_shift;
  to.memory_type = page.memory_type;
  to.structure_memory_type = page.structure_memory_type;
  to.guest_structure_types = page.guest_structure_types;
  event.translations[1] = Translation();
  event.exit_reason = 0;
  event.qualification = 0;
  event.gpa = Gpa();
  event.gla = Gla();
  event.interruption_information = 0;
  event.error_code = 0;
  event.cr2 = Gla();
  event.failed_check = EntryCheck::kNone;
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_COMPLETED_H_
