// The minimiser's reductions of table operations (minimizer.h).
#include <cstddef>
#include <cstdint>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/reduction/reduction.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 0x1000;

// Calls f with each guest-physical address in the case.
template <typename F>
void ForEachGpa(Case& c, F f) {
  for (Step& step : c.steps) {
    f(step.kind == StepKind::kTableOperation ? step.operation.gpa : step.gpa);
  }
}

// What belongs together moves together.
void LowerAllGpas(Search& search) {
  for (unsigned bit = 52; bit-- > 12;) {
    search.Try([bit](Case& c) {
      ForEachGpa(c, [bit](Gpa& gpa) { gpa.value &= ~bits::Bit(bit); });
    });
  }
  for (unsigned bit = 52; bit-- > 12;) {
    search.Try([bit](Case& c) {
      ForEachGpa(c, [bit](Gpa& gpa) {
        if ((gpa.value & bits::Bit(bit)) != 0) gpa.value -= bits::Bit(bit - 1);
      });
    });
  }
}

}  // namespace

void ReduceTableOperations(Search& search) {
  if (!HasTableOperations(search.current())) return;
  LowerAllGpas(search);
  for (std::size_t i = 0; i < search.current().steps.size(); ++i) {
    if (search.current().steps[i].kind != StepKind::kTableOperation) continue;
    const auto edit = [&](auto change) {
      return search.Try([&](Case& c) {
        change(c.steps[i].operation);
        Canonicalise(c.steps[i]);
      });
    };
    const auto now = [&]() -> const TableOperation& {
      return search.current().steps[i].operation;
    };
    if (search.current().steps[i].processor != 0) {
      search.Try([&](Case& c) {
        c.steps[i].processor = 0;
        c.steps[i].operation.meanwhile = 0;
      });
    }
    edit([](TableOperation& o) { o.view = 0; });
    for (std::uint8_t view = 1; view < now().view; ++view) {
      edit([view](TableOperation& o) { o.view = view; });
    }
    edit([](TableOperation& o) { o.failing_allocation = 0; });
    while (now().failing_allocation > 1 &&
           edit([](TableOperation& o) { --o.failing_allocation; })) {
    }
    edit([](TableOperation& o) { o.meanwhile = 0; });
    for (unsigned bit = 7; bit-- > 0 && now().meanwhile != 0;) {
      edit([bit](TableOperation& o) {
        o.meanwhile = static_cast<std::uint8_t>(1u << bit);
      });
    }
    for (unsigned bit = 7; bit-- > 0;) {
      edit([bit](TableOperation& o) {
        o.meanwhile &= static_cast<std::uint8_t>(~(1u << bit));
      });
    }
    // The region forms say what they are about, the others look for it.
    for (const auto kind :
         {TableOperationKind::kMapRegion, TableOperationKind::kUnmapRegion,
          TableOperationKind::kProtectRegion}) {
      if (kind != now().kind) continue;
      edit([](TableOperation& o) {
        o.kind = static_cast<TableOperationKind>(
            o.kind == TableOperationKind::kMapRegion ? TableOperationKind::kMap
            : o.kind == TableOperationKind::kUnmapRegion
                ? TableOperationKind::kUnmap
                : TableOperationKind::kProtect);
      });
    }
    if (now().kind == TableOperationKind::kLogClear) {
      edit([](TableOperation& o) { o.kind = TableOperationKind::kLogAsk; });
    }
    for (const std::uint8_t level : {1, 2}) {
      edit([level](TableOperation& o) { o.level = level; });
    }
    for (const std::uint64_t bytes : {kPage, kPage * 2, std::uint64_t{0x200000},
                                      std::uint64_t{0x40000000}}) {
      edit([bytes](TableOperation& o) { o.bytes = bytes; });
    }
    for (const std::uint64_t flags : {1, 7, 3, 0x37, 0x31}) {
      edit([flags](TableOperation& o) { o.flags = flags; });
    }
    for (unsigned bit = 64; bit-- > 0;) {
      const std::uint64_t mask = ~bits::Bit(bit);
      const TableOperation& o = now();
      if ((o.flags & ~mask) != 0) {
        edit([mask](TableOperation& p) { p.flags &= mask; });
      }
      if ((o.hpa.value & ~mask) != 0) {
        edit([mask](TableOperation& p) { p.hpa.value &= mask; });
        edit([bit](TableOperation& p) {
          if (bit > 12) p.hpa.value -= bits::Bit(bit - 1);
        });
      }
      if ((o.gpa.value & ~mask) != 0) {
        edit([mask](TableOperation& p) { p.gpa.value &= mask; });
      }
      if ((o.bytes & ~mask) != 0) {
        edit([mask](TableOperation& p) { p.bytes &= mask; });
      }
    }
  }
}

}  // namespace eptdiff
