#include "fuzzers/reduction/reduction.h"

#include <algorithm>
#include <array>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/entries/bits.h"
#include "oracle/machine_state.h"

namespace eptdiff {
namespace {

using bits::Bit;

// Drops runs of elements of a list of the case, from half of it down to one.
template <typename List>
void DropRuns(Search& search, List list) {
  std::size_t run = std::max<std::size_t>(list(search.current()).size() / 2, 1);
  for (;; run /= 2) {
    // From the back: what comes later depends on what came before.
    std::size_t end = list(search.current()).size();
    while (end > 0) {
      const std::size_t begin = end > run ? end - run : 0;
      search.Try([&](Case& c) {
        auto& elements = list(c);
        elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(begin),
                       elements.begin() + static_cast<std::ptrdiff_t>(end));
      });
      end = begin;
    }
    if (run == 1) return;
  }
}

void TakeState(const StateBefore& state, std::size_t step, Case& c) {
  c.memory = state.memory;
  std::erase_if(c.memory,
                [](const MemoryWord& word) { return word.value == 0; });
  c.controls = state.controls;
  c.guest = state.guest;
  c.steps.erase(c.steps.begin(),
                c.steps.begin() + static_cast<std::ptrdiff_t>(step));
  Canonicalise(c);
}

void BeginLater(Search& search) {
  if (!search.options().state_before) return;
  for (std::size_t step = search.current().steps.size(); step-- > 1;) {
    const auto state = search.options().state_before(search.current(), step);
    if (!state.has_value()) continue;
    if (search.Try([&](Case& c) { TakeState(*state, step, c); })) return;
  }
}

void FoldStores(Search& search) {
  for (std::size_t i = search.current().steps.size(); i-- > 0;) {
    if (search.current().steps[i].kind != StepKind::kStore) continue;
    search.Try([i](Case& c) {
      const Step store = c.steps[i];
      c.steps.erase(c.steps.begin() + static_cast<std::ptrdiff_t>(i));
      StoreWord(c, store.hpa, store.value);
    });
  }
}

// What a write or a VM entry changes, the case begins with.
void FoldChanges(Search& search) {
  for (std::size_t i = search.current().steps.size(); i-- > 0;) {
    const StepKind kind = search.current().steps[i].kind;
    if (kind != StepKind::kRegisterWrite && kind != StepKind::kVmEntry) {
      continue;
    }
    search.Try([i](Case& c) {
      const Step step = c.steps[i];
      c.steps.erase(c.steps.begin() + static_cast<std::ptrdiff_t>(i));
      if (step.kind == StepKind::kVmEntry) {
        WriteVmcs(step.index, step.value, c.controls, c.guest);
      } else {
        WriteRegister(step.reg, step.value, c.guest);
      }
      Canonicalise(c);
    });
  }
}

// Clears the set bits of a number of the case, highest first: all at once, the
// upper or lower half, then one by one.
template <typename Number>
void ClearBits(Search& search, Number number) {
  if (number(search.current()) == 0) return;
  search.Try([&](Case& c) { number(c) = 0; });
  search.Try([&](Case& c) { number(c) &= 0xffffffff; });
  search.Try([&](Case& c) { number(c) &= ~0xffffffffull; });
  for (unsigned bit = 64; bit-- > 0;) {
    if ((number(search.current()) >> bit & 1) == 0) continue;
    search.Try([&](Case& c) { number(c) &= ~Bit(bit); });
  }
}

}  // namespace

void ReduceSteps(Search& search) {
  BeginLater(search);
  DropRuns(search, [](auto& c) -> auto& { return c.steps; });
  FoldStores(search);
  FoldChanges(search);
}

void ReduceWords(Search& search) {
  DropRuns(search, [](auto& c) -> auto& { return c.memory; });
}

// Works on the encoded header: there every field is some bytes, and a plain
// case says what each of them would rather be.
void ReduceMachine(Search& search) {
  using Header = std::array<std::uint8_t, kRecordsOffset>;
  const auto encode = [](const Case& c, Header& bytes) {
    Case header;
    header.processor = c.processor;
    header.controls = c.controls;
    header.guest = c.guest;
    EncodeInto(header, bytes);
  };
  const auto adopt = [](const Header& bytes, Case& c) {
    const Case header = DecodeCase(bytes);
    c.processor = header.processor;
    c.controls = header.controls;
    c.guest = header.guest;
  };
  Header plain;
  encode(Case{}, plain);
  for (std::size_t i = kHeaderOffset; i < plain.size(); ++i) {
    Header bytes;
    encode(search.current(), bytes);
    const std::uint8_t old = bytes[i];
    if (old == plain[i]) continue;
    bytes[i] = plain[i];
    if (search.Try([&](Case& c) { adopt(bytes, c); })) continue;
    bytes[i] = old;
    for (unsigned bit = 8; bit-- > 0;) {
      const auto mask = static_cast<std::uint8_t>(1u << bit);
      if (((bytes[i] ^ plain[i]) & mask) == 0) continue;
      bytes[i] ^= mask;
      if (!search.Try([&](Case& c) { adopt(bytes, c); })) bytes[i] ^= mask;
    }
  }
}

void ReduceValues(Search& search) {
  for (std::size_t i = 0; i < search.current().memory.size(); ++i) {
    ClearBits(search, [i](auto& c) -> auto& { return c.memory[i].value; });
    // A read permission says "present" as well as any other, and more plainly.
    for (const std::uint64_t other :
         {bits::kWrite, bits::kExecute, bits::kUserExecute}) {
      if ((search.current().memory[i].value & other) == 0) continue;
      search.Try([&](Case& c) {
        c.memory[i].value = (c.memory[i].value & ~other) | bits::kRead;
      });
    }
  }
  for (std::size_t i = 0; i < search.current().steps.size(); ++i) {
    ClearBits(search, [i](auto& c) -> auto& { return c.steps[i].value; });
  }
}

namespace {

// What the step is, as an access by guest-physical address.
void MakeGuestPhysical(Step& s) {
  if (s.kind == StepKind::kLinearAccess) {
    s.gpa = Gpa{s.gla.value};
    s.page.gla = s.gla;
  } else {
    s.access.kind = s.kind == StepKind::kPagingStructureUpdate
                        ? AccessKind::kWrite
                        : AccessKind::kRead;
  }
  s.kind = StepKind::kGuestPhysicalAccess;
}

}  // namespace

void SimplifySteps(Search& search) {
  for (std::size_t i = 0; i < search.current().steps.size(); ++i) {
    const auto edit = [&](auto change) {
      search.Try([&](Case& c) {
        change(c.steps[i]);
        Canonicalise(c.steps[i]);
      });
    };
    edit(MakeGuestPhysical);
    edit([](Step& s) {
      if (s.kind == StepKind::kPagingStructureUpdate) {
        s.kind = StepKind::kPagingStructureRead;
      }
    });
    for (const AccessKind kind :
         {AccessKind::kRead, AccessKind::kWrite, AccessKind::kFetch}) {
      edit([kind](Step& s) { s.access.kind = kind; });
    }
    for (std::uint16_t size = 1; size <= kMaxAccessBytes; size *= 2) {
      edit([size](Step& s) { s.access.size = size; });
    }
    // Of two pages the last byte and the first, or the second alone.
    edit([](Step& s) {
      s.gpa.value |= 0xfff;
      s.gla.value |= 0xfff;
      s.page.gla.value |= 0xfff;
      s.access.size = 2;
    });
    edit([](Step& s) {
      s.gpa.value = (s.gpa.value + s.access.size - 1) & ~0xfffull;
      s.gla.value = (s.gla.value + s.access.size - 1) & ~0xfffull;
      s.page.gla.value &= ~0xfffull;
      s.access.size = 1;
    });
    edit([](Step& s) { s.access.implicit_supervisor = false; });
    edit([](Step& s) { s.access.wruss = false; });
    edit([](Step& s) { s.access.asynchronous = false; });
    edit([](Step& s) { s.access.pebs = false; });
    edit([](Step& s) {
      s.access.pebs = false;
      s.page.gla_valid = true;
    });
    edit([](Step& s) { s.page.user = false; });
    edit([](Step& s) { s.page.writable = false; });
    edit([](Step& s) { s.page.execute_disable = false; });
    for (unsigned bit = 0; bit < 3; ++bit) {
      edit([bit](Step& s) {
        s.page.pat_index &= static_cast<std::uint8_t>(~(1u << bit));
      });
    }
    // The same offset in the page stays the same.
    edit([](Step& s) { s.page.gla = Gla{s.gpa.value & 0xfff}; });
    edit([](Step& s) {
      s.gpa.value &= ~0xfffull;
      s.page.gla.value &= ~0xfffull;
    });
    ClearBits(search, [i](auto& c) -> auto& { return c.steps[i].gpa.value; });
    ClearBits(search, [i](auto& c) -> auto& { return c.steps[i].gla.value; });
    ClearBits(search,
              [i](auto& c) -> auto& { return c.steps[i].page.gla.value; });
    ClearBits(search, [i](auto& c) -> auto& { return c.steps[i].hpa.value; });
    for (unsigned bit = 32; bit-- > 0;) {
      edit([bit](Step& s) { s.index &= ~(1u << bit); });
    }
  }
}

}  // namespace eptdiff
