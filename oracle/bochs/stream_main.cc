// bochs_full_stream [--tlb] COUNT [SPOILT]: prints a digest of what the full
// form answers to each of the first COUNT random cases, one a line. The answers
// to case SPOILT are falsified, so that a test can see this noticed.
// bochs_full_stream [--tlb] --describe CASE: prints the answers to one case in
// words. With --tlb it is the oracle "bochs-tlb" that answers.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "oracle/bochs/bochs_oracle.h"
#include "oracle/bochs/random_walks.h"
#include "oracle/bochs/stream.h"

int main(int argc, char** argv) {
  using namespace eptdiff;
  const bool by_tlb = argc > 1 && std::string_view(argv[1]) == "--tlb";
  if (by_tlb) ++argv, --argc;
  if (argc < 2) return 2;
  const std::unique_ptr<Oracle> oracle =
      MakeBochsOracle(by_tlb ? BochsTlb::kKept : BochsTlb::kNone);
  MachineState state;
  if (argc == 3 && std::string_view(argv[1]) == "--describe") {
    const std::uint64_t number = std::strtoull(argv[2], nullptr, 10);
    Run(*oracle, RandomWalks(number), state,
        [](Skip skip, const Outcome& outcome) {
          std::puts(Describe(skip, outcome).c_str());
          if (skip == Skip::kPanic) {
            std::printf("%s\n", std::string(LastBochsPanic()).c_str());
          }
        });
    return 0;
  }
  const std::uint64_t count = std::strtoull(argv[1], nullptr, 10);
  const std::uint64_t spoilt =
      argc > 2 ? std::strtoull(argv[2], nullptr, 10) : count;
  for (std::uint64_t number = 0; number < count; ++number) {
    std::uint64_t digest = 0;
    Run(*oracle, RandomWalks(number), state,
        [&](Skip skip, const Outcome& outcome) {
          Outcome given = outcome;
          if (number == spoilt) given.event.qualification ^= 1;
          digest = digest * 31 + DigestOf(skip, given);
        });
    std::printf("%" PRIx64 "\n", digest);
  }
  return 0;
}
