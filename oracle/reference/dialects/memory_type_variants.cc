// Variants of MT.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bits;

constexpr std::uint64_t kUc = 0;
constexpr std::uint64_t kWc = 1;
constexpr std::uint64_t kWt = 4;
constexpr std::uint64_t kWp = 5;
constexpr std::uint64_t kWb = 6;
constexpr std::uint64_t kUcMinus = 7;

// Another answer of MT-6 for one pair of EPT type and PAT type.
std::uint64_t Instead(const Situation& s, std::uint64_t ept, std::uint64_t pat,
                      std::uint64_t type, std::uint64_t value) {
  return s.operand == 8 * ept + pat ? type : value;
}

constexpr Alteration kVariants[] = {
    {"MT-1/cache-disable-ignored", Slot::kMt1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.state->controls.eptp, 2, 0);
     },
     "EPT paging structures are accessed with EPTP bits 2:0 although CR0.CD "
     "is 1"},
    {"MT-1/always-wb", Slot::kMt1,
     [](const Situation&, std::uint64_t) { return kWb; },
     "EPT paging structures are accessed as WB, whatever EPTP bits 2:0 say"},
    {"MT-2/pat-bit-ignored", Slot::kMt2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const int low = 8 * (s.access.page.pat_index % 4);
       return s.TranslatedByPaging() ? Bits(s.pat, low + 2, low) : value;
     },
     "PCD and PWT alone select the PAT entry"},
    {"MT-2/pcd-pwt-exchanged", Slot::kMt2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const int index = s.access.page.pat_index;
       const int low = 8 * ((index & 4) | (index & 2) >> 1 | (index & 1) << 1);
       return s.TranslatedByPaging() ? Bits(s.pat, low + 2, low) : value;
     },
     "PCD and PWT are exchanged when they select the PAT entry"},
    {"MT-2/reset-pat", Slot::kMt2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       constexpr std::uint64_t kAfterReset = 0x0007040600070406;
       const int low = 8 * (s.access.page.pat_index % 8);
       return s.TranslatedByPaging() ? Bits(kAfterReset, low + 2, low) : value;
     },
     "IA32_PAT is taken to hold its value after reset"},
    {"MT-2/paging-off-ignored", Slot::kMt2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       const int low = 8 * (s.access.page.pat_index % 8);
       return Bits(s.pat, low + 2, low);
     },
     "with CR0.PG = 0 the PAT is used, too"},
    {"MT-3/cache-disable-ignored", Slot::kMt3,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "CR0.CD does not make accesses uncacheable"},
    {"MT-4/never", Slot::kMt4,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "bit 6 of the leaf (ignore PAT) is not honoured"},
    {"MT-4/always", Slot::kMt4,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1; },
     "the PAT is ignored although bit 6 of the leaf is 0"},
    {"MT-5/eptp-type", Slot::kMt5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.state->controls.eptp, 2, 0);
     },
     "the memory type of EPTP bits 2:0 is used for data"},
    {"MT-6/pat-alone", Slot::kMt6,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       const std::uint64_t pat = s.operand % 8;
       return pat == kUcMinus ? kUc : pat;
     },
     "the EPT memory type is not combined: the PAT type alone is used"},
    {"MT-6/uc-with-wc-is-uc", Slot::kMt6,
     [](const Situation& s, std::uint64_t value) {
       return Instead(s, kUc, kWc, kUc, value);
     },
     "EPT type UC with PAT type WC gives UC"},
    {"MT-6/wc-with-uc-minus-is-uc", Slot::kMt6,
     [](const Situation& s, std::uint64_t value) {
       return Instead(s, kWc, kUcMinus, kUc, value);
     },
     "EPT type WC with PAT type UC- gives UC"},
    {"MT-6/wc-with-wb-is-uc", Slot::kMt6,
     [](const Situation& s, std::uint64_t value) {
       return Instead(s, kWc, kWb, kUc, value);
     },
     "EPT type WC with PAT type WB gives UC"},
    {"MT-6/wt-with-wp-is-wt", Slot::kMt6,
     [](const Situation& s, std::uint64_t value) {
       return Instead(s, kWt, kWp, kWt, value);
     },
     "EPT type WT with PAT type WP gives WT"},
    {"MT-6/wp-with-wt-is-wp", Slot::kMt6,
     [](const Situation& s, std::uint64_t value) {
       return Instead(s, kWp, kWt, kWp, value);
     },
     "EPT type WP with PAT type WT gives WP"},
    {"MT-6/wb-with-uc-minus-is-wc", Slot::kMt6,
     [](const Situation& s, std::uint64_t value) {
       return Instead(s, kWb, kUcMinus, kWc, value);
     },
     "EPT type WB with PAT type UC- gives WC"},
};

}  // namespace

std::span<const Alteration> MemoryTypeVariants() { return kVariants; }

}  // namespace eptdiff
