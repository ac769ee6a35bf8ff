#include "oracle/target/object/traced_code.h"

#include <link.h>

#include <algorithm>

namespace eptdiff {
namespace {

template <typename Visitor>
void ForEachModule(Visitor visit) {
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* visitor) {
        (*static_cast<Visitor*>(visitor))(*info);
        return 0;
      },
      &visit);
}

}  // namespace

std::vector<std::uintptr_t> LoadedModules() {
  std::vector<std::uintptr_t> modules;
  ForEachModule(
      [&](const dl_phdr_info& info) { modules.push_back(info.dlpi_addr); });
  return modules;
}

void TracedCode::Add(std::uintptr_t begin, std::uintptr_t end) {
  const std::size_t first =
      ranges_.empty() ? 0 : ranges_.back().first + ranges_.back().size;
  ranges_.push_back({begin, end - begin, first});
}

void TracedCode::AddModulesSince(const std::vector<std::uintptr_t>& modules) {
  ForEachModule([&](const dl_phdr_info& info) {
    if (std::find(modules.begin(), modules.end(), info.dlpi_addr) !=
        modules.end()) {
      return;
    }
    for (int i = 0; i < info.dlpi_phnum; ++i) {
      const ElfW(Phdr)& segment = info.dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
      const std::uintptr_t begin = info.dlpi_addr + segment.p_vaddr;
      Add(begin, begin + segment.p_memsz);
    }
  });
}

std::uint32_t TracedCode::NumberOf(std::size_t place) {
  const std::lock_guard lock(numbering_);
  std::uint32_t number = numbers_[place].load(std::memory_order_relaxed);
  const std::uint32_t counted = counted_.load(std::memory_order_relaxed);
  if (number != 0 || counted == kMaxCounted) return number;
  number = counted + 1;
  places_[number] = static_cast<std::uint32_t>(place);
  counted_.store(number, std::memory_order_release);
  numbers_[place].store(number, std::memory_order_release);
  return number;
}

}  // namespace eptdiff
