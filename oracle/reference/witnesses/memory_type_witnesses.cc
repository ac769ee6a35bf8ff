// Cases of MT.
#include <string_view>

#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr MemoryType kUc = MemoryType::kUncacheable;
constexpr MemoryType kWc = MemoryType::kWriteCombining;
constexpr MemoryType kWt = MemoryType::kWriteThrough;
constexpr MemoryType kWp = MemoryType::kWriteProtected;

void PagingOff(Case& c) { c.guest.cr0 = 1; }
void CacheDisable(Case& c) { c.guest.cr0 = 0xc0000001; }  // PG, CD, PE

// A read through `pte` whose PAT memory type is `pat`.
Case Combined(std::uint64_t pte, std::uint64_t pat) {
  return Walk4()
      .Pte(pte)
      .With([=](Case& c) { c.guest.pat = 0x0007040600070400 | pat; })
      .Read(0x1234)
      .Build();
}

// A read that selects PAT entry `index`; entry 5 is WC.
CaseBuilder Selecting(std::uint8_t index) {
  return Walk4()
      .With([](Case& c) { c.guest.pat = 0x0007010600070406; })
      .Read(0x1234)
      .But([=](Step& step) { step.page.pat_index = index; });
}

// 3A table 12-7: EPT type in bits 5:3 of the PTE, PAT type, what comes of them.
struct Combination {
  std::string_view name;
  std::uint64_t pte, pat;
  MemoryType type;
};
constexpr Combination kCombinations[] = {
    {"mt-6-uc-and-uc", 0x9007, 0, kUc},
    {"mt-6-uc-and-uc-minus", 0x9007, 7, kUc},
    {"mt-6-uc-and-wt", 0x9007, 4, kUc},
    {"mt-6-uc-and-wb", 0x9007, 6, kUc},
    {"mt-6-uc-and-wp", 0x9007, 5, kUc},
    {"mt-6-wc-and-uc", 0x900f, 0, kUc},
    {"mt-6-wc-and-wc", 0x900f, 1, kWc},
    {"mt-6-wc-and-wt", 0x900f, 4, kUc},
    {"mt-6-wc-and-wp", 0x900f, 5, kUc},
    {"mt-6-wt-and-uc", 0x9027, 0, kUc},
    {"mt-6-wt-and-uc-minus", 0x9027, 7, kUc},
    {"mt-6-wt-and-wc", 0x9027, 1, kWc},
    {"mt-6-wt-and-wt", 0x9027, 4, kWt},
    {"mt-6-wp-and-uc", 0x902f, 0, kUc},
    {"mt-6-wp-and-uc-minus", 0x902f, 7, kWc},
    {"mt-6-wp-and-wc", 0x902f, 1, kWc},
    {"mt-6-wp-and-wb", 0x902f, 6, kWp},
    {"mt-6-wp-and-wp", 0x902f, 5, kWp},
    {"mt-6-wb-and-wc", 0x9037, 1, kWc},
    {"mt-6-wb-and-wt", 0x9037, 4, kWt},
    {"mt-6-wb-and-wp", 0x9037, 5, kWp},
};

}  // namespace

std::vector<NamedCase> MemoryTypeWitnesses() {
  const Answer completes = Completes(0x9234);
  const auto typed = [&](MemoryType type) {
    return Answer(completes).Type(type);
  };
  std::vector<NamedCase> cases = {
      {"mt-1-cache-disable",
       "MT-1",
       {"MT-1/cache-disable-ignored", "MT-1/always-wb"},
       Walk4().With(CacheDisable).Read(0x1234).Build(),
       typed(kUc).StructureType(kUc)},
      {"mt-1-uc-structures",
       "MT-1",
       {"MT-1/always-wb"},
       Walk4().Eptp(0x1018).Read(0x1234).Build(),
       Answer(completes).StructureType(kUc)},
      // PAT = 1, PCD = 0, PWT = 1.
      {"mt-2-entry-5",
       "MT-2",
       {"MT-2/pat-bit-ignored", "MT-2/pcd-pwt-exchanged", "MT-2/reset-pat"},
       Selecting(5).Build(),
       typed(kWc)},
      {"mt-2-structure-access",
       "MT-2",
       {"MT-2/pcd-pwt-exchanged"},
       Walk4()
           .StructureRead(0x1008)
           .But([](Step& step) { step.page.pat_index = 1; })
           .Build(),
       Completes(0x9008).Type(kWt)},
      {"mt-2-paging-off",
       "MT-2",
       {"MT-2/paging-off-ignored"},
       Walk4()
           .With(PagingOff)
           .With([](Case& c) { c.guest.pat = 0; })
           .Linear(AccessKind::kRead, 0x1234)
           .Build(),
       completes},
      {"mt-3-cache-disable",
       "MT-3",
       {"MT-3/cache-disable-ignored"},
       Walk4().Pte(0x9077).With(CacheDisable).Read(0x1234).Build(),
       typed(kUc).StructureType(kUc)},
      {"mt-4-ignore-pat",
       "MT-4",
       {"MT-4/never"},
       Combined(0x9077, 0),
       completes},
      {"mt-4-pat-counts",
       "MT-4",
       {"MT-4/always"},
       Combined(0x9037, 0),
       typed(kUc)},
      {"mt-5-type-of-leaf",
       "MT-5",
       {"MT-5/eptp-type", "MT-6/pat-alone", "MT-5/always-wb",
        "MT-5/legacy-bits"},
       Combined(0x9027, 6),
       typed(kWt)},
      {"mt-5-1-gbyte-leaf",
       "MT-5",
       {"MT-5/eptp-type"},
       Walk4().Pdpte(0x4000'0087).Read(0x1234).Build(),
       Completes(0x4000'1234).Size(30).Type(kUc)},
      {"mt-6-uc-with-wc",
       "MT-6",
       {"MT-6/uc-with-wc-is-uc"},
       Combined(0x9007, 1),
       typed(kWc)},
      {"mt-6-wc-with-uc-minus",
       "MT-6",
       {"MT-6/wc-with-uc-minus-is-uc"},
       Combined(0x900f, 7),
       typed(kWc)},
      {"mt-6-wc-with-wb",
       "MT-6",
       {"MT-6/wc-with-wb-is-uc"},
       Combined(0x900f, 6),
       typed(kWc)},
      {"mt-6-wt-with-wp",
       "MT-6",
       {"MT-6/wt-with-wp-is-wt"},
       Combined(0x9027, 5),
       typed(kWp)},
      {"mt-6-wp-with-wt",
       "MT-6",
       {"MT-6/wp-with-wt-is-wp"},
       Combined(0x902f, 4),
       typed(kWt)},
      {"mt-6-wb-with-uc-minus",
       "MT-6",
       {"MT-6/wb-with-uc-minus-is-wc"},
       Combined(0x9037, 7),
       typed(kUc)},
  };
  for (const Combination& c : kCombinations) {
    cases.push_back(
        {c.name, "MT-6", {}, Combined(c.pte, c.pat), typed(c.type)});
  }
  return cases;
}

}  // namespace eptdiff
