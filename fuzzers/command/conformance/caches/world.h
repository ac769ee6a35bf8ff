// The page that the shapes are about, at 9000H, and the two ways to it: by a
// guest-physical address, and by a linear address whose guest entries lead to
// that address.
//
//   guest-physical 1234H          linear kGla = guest-physical 80_0000_1234H
//   PML4E 1000H: 2007H            PML4E  1008H: 42007H
//   PDPTE 2000H: 3007H            PDPTE 42000H: 43007H
//   PDE   3000H: 4007H            PDE   43000H: 44007H
//   PTE   4008H: 9037H            PTE   44008H:  9037H
//
// By a linear address, the guest's own tables are reached by EPT entries apart
// from these, which no shape changes, under VPID 5. Another page is at A000H,
// and other tables lead there from each level: 32000H PDPT, 33000H PD, 34000H
// PT.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_WORLD_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_WORLD_H_

#include <cstdint>
#include <string>

#include "oracle/reference/witnesses/answer.h"
#include "oracle/reference/witnesses/cache_scenes.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {

inline constexpr std::uint64_t kOtherEptp = 0xb01e;
inline constexpr std::uint32_t kFieldSecondary = 0x401e;  // a VMCS field

class World {
 public:
  static World GuestPhysical() { return World(false); }
  static World Linear() { return World(true); }

  bool linear() const { return linear_; }
  std::uint64_t address() const { return linear_ ? kGla : 0x1234; }
  std::uint64_t gpa() const { return linear_ ? 0x80'0000'1234 : 0x1234; }

  // The way to the page, and the tables that lead to the other one.
  CaseBuilder Start() const { return Prepare(linear_ ? Guest4() : Walk4()); }
  CaseBuilder Prepare(CaseBuilder builder) const;

  // Of each level, 1 (PTE) to 4 (PML4E): where its entry is, what it is, and
  // what leads to the other page.
  std::uint64_t Place(int level) const;
  std::uint64_t Entry(int level) const;
  static std::uint64_t Other(int level);

  // What the access comes to: a page of 4 KBytes, write-back.
  Answer To(std::uint64_t hpa) const;
  // An EPT violation: the access, as bits 2:0, and the rights of the entries,
  // as their bits 2:0.
  Answer Violates(std::uint64_t access, std::uint64_t rights) const;
  Answer Misconfigures() const;

  // "pde", "linear-pde".
  std::string Name(int level) const;

 private:
  explicit World(bool linear) : linear_(linear) {}

  bool linear_;
};

inline const World kWorlds[] = {World::GuestPhysical(), World::Linear()};

inline constexpr std::uint64_t kNoFlush = std::uint64_t{1} << 63;  // of CR3
inline constexpr std::uint64_t kReads = 1, kWrites = 2, kFetches = 4;

// With accessed flags set at all levels by guest-physical address, and the PTE
// as it is told.
CaseBuilder Flagged(std::uint64_t pte);

// "PDE".
const char* LevelWords(int level);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_WORLD_H_
