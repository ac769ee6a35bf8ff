// What only machine code can say: ports, MSRs, control registers, CPUID.
// Thread-safety: of one processor.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_PORT_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_PORT_H_

#include <cstddef>
#include <cstdint>

namespace eptdiff::image {

inline void Out8(std::uint16_t port, std::uint8_t value) {
  asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
inline void OutAll(std::uint16_t port, const char* from, std::size_t bytes) {
  asm volatile("rep outsb" : "+S"(from), "+c"(bytes) : "d"(port) : "memory");
}
inline void Out32(std::uint16_t port, std::uint32_t value) {
  asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
inline std::uint8_t In8(std::uint16_t port) {
  std::uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

inline std::uint64_t ReadMsr(std::uint32_t msr) {
  std::uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return std::uint64_t{high} << 32 | low;
}
inline void WriteMsr(std::uint32_t msr, std::uint64_t value) {
  asm volatile("wrmsr"
               :
               : "c"(msr), "a"(static_cast<std::uint32_t>(value)),
                 "d"(static_cast<std::uint32_t>(value >> 32)));
}

struct CpuidResult {
  std::uint32_t eax, ebx, ecx, edx;
};
inline CpuidResult Cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
  CpuidResult r;
  asm volatile("cpuid"
               : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
               : "a"(leaf), "c"(subleaf));
  return r;
}

inline std::uint64_t TimeStamp() {
  std::uint32_t low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return std::uint64_t{high} << 32 | low;
}

#define EPTDIFF_CONTROL_REGISTER(number)                            \
  inline std::uint64_t ReadCr##number() {                           \
    std::uint64_t value;                                            \
    asm volatile("mov %%cr" #number ", %0" : "=r"(value));          \
    return value;                                                   \
  }                                                                 \
  inline void WriteCr##number(std::uint64_t value) {                \
    asm volatile("mov %0, %%cr" #number : : "r"(value) : "memory"); \
  }
EPTDIFF_CONTROL_REGISTER(0)
EPTDIFF_CONTROL_REGISTER(3)
EPTDIFF_CONTROL_REGISTER(4)
#undef EPTDIFF_CONTROL_REGISTER

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_PORT_H_
