// The memory behind operator new (runtime.cc).
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_HEAP_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_HEAP_H_

#include <cstddef>
#include <cstdint>

namespace eptdiff::image {

// Once, before anything is allocated.
void GiveHeap(std::uintptr_t first, std::size_t bytes);

// What has never been handed out.
std::size_t HeapLeft();

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_HEAP_H_
