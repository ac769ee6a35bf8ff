// Steps that end what was kept of a translation (SDM 29.4.3; volume 3A 4.10.4),
// or that seem to: INVEPT, INVVPID, INVLPG, INVPCID, writes to CR3 and CR4, VM
// entry, an access that is refused, each as it is needed or with something a
// little otherwise. cache_shapes.h says what they are for.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_CACHE_ENDINGS_H_
#define EPTDIFF_FUZZERS_GENERATION_CACHE_ENDINGS_H_

#include <cstdint>
#include <vector>

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// What was kept is of an EPT entry, which INVEPT ends most of all; of a guest
// entry, which more ends; or of a VPID or PCID that is not current.
enum class KeptOf : std::uint8_t { kEpt, kGuest, kOtherVpid, kOtherPcid };

// Adds to `steps` what ends, or seems to end, what was kept of `access`; often
// nothing.
void AddEnding(Random& random, const Case& c, const Step& access, KeptOf of,
               std::vector<Step>& steps);

// One of INVEPT, INVVPID, INVLPG and INVPCID.
Step AnyInvalidation(Random& random, const Case& c, const Step& access);
// Of the linear address of `access`, or one near by.
Step Invlpg(Random& random, const Step& access);
Step Invpcid(Random& random, const Case& c, const Step& access);

// Whether CR3 may be written without a look at anything else.
bool MayMoveToCr(const Case& c);
Step MoveToCr3(const Case& c, const Step& access, std::uint64_t value);

// VM entry with another value in a field of the VMCS, of this encoding.
Step EnterWith(const Step& access, std::uint32_t field, std::uint64_t value);

// `value` with another frame in bits 51:12: one near by, or where another entry
// of the case leads.
std::uint64_t OtherFrame(Random& random, const Case& c, std::uint64_t value);

// The encodings of fields that tag what is kept, and bit 63 of what MOV to CR3
// takes: nothing ends.
inline constexpr std::uint32_t kFieldVpid = 0x0000;
inline constexpr std::uint32_t kFieldEptp = 0x201a;
inline constexpr std::uint32_t kFieldCr0 = 0x6800;
inline constexpr std::uint32_t kFieldHlatp = 0x2040;
inline constexpr std::uint32_t kFieldCr3 = 0x6802;
inline constexpr std::uint32_t kFieldCr4 = 0x6804;
inline constexpr std::uint64_t kCr3Preserve = std::uint64_t{1} << 63;

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_CACHE_ENDINGS_H_
