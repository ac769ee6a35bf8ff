// The cases that an image is given: one flat piece of memory, which a boot
// loader puts somewhere and the image reads where it lies.
//
//   0   8 bytes  "EPTDIFFM"
//   8   u32      the version of this form, kModuleVersion
//   12  u32      how many cases
//   16  u64      the bytes of the whole module
//   24  u64      FNV-1a of everything behind it
//   32           the cases, one behind the other: u32 bytes of the name, u32
//                bytes of the case, the name, the case, zeros up to a multiple
//                of 8
//
// All numbers are little-endian. What the bytes of a case mean is not known
// here (fuzzers/encoding/encoding.h); the first of them is the version of that.
// A loader may leave more room behind the module than it takes.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_PROCESSOR_MODULE_H_
#define EPTDIFF_ORACLE_PROCESSOR_MODULE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace eptdiff {

inline constexpr std::uint32_t kModuleVersion = 1;

struct ModuleCase {
  std::string_view name;
  std::span<const std::uint8_t> bytes;
};

// Why bytes are no module.
enum class ModuleTrouble : std::uint8_t {
  kNone,
  kNotAModule,
  kOtherVersion,
  kCutShort,
  kDamaged,
};

// A sentence without its full stop.
std::string_view WordsOf(ModuleTrouble trouble);

// The module of these cases. Names and cases are at most 2^31 bytes.
std::vector<std::uint8_t> WriteModule(std::span<const ModuleCase> cases);

class Module {
 public:
  // Looks at all of `bytes`, which must outlive this object. Unless it returns
  // kNone, the module is empty.
  ModuleTrouble Open(std::span<const std::uint8_t> bytes);

  std::size_t size() const { return size_; }

  // The next case, whose name and bytes lie in the module; false at the end.
  bool Next(ModuleCase& next);
  // Next() begins again.
  void Rewind();

 private:
  std::span<const std::uint8_t> records_;
  std::span<const std::uint8_t> rest_;
  std::size_t size_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_MODULE_H_
