#include "oracle/processor/image/interrupts.h"

#include <cstddef>

#include "oracle/processor/image/console.h"
#include "oracle/processor/image/port.h"

extern "C" {
// interrupts.S
extern const std::uint64_t interrupt_stubs[33];
extern std::uint64_t nmi_count;
extern std::uint64_t fault_recovery;

[[noreturn]] void UnexpectedInterrupt(std::uint64_t vector,
                                      std::uint64_t error_code,
                                      std::uint64_t rip, std::uint64_t cr2) {
  using namespace eptdiff::image;
  SayLine("harness-error interrupt ", vector, ", error code ", Hex{error_code},
          ", at ", Hex{rip}, ", CR2 ", Hex{cr2});
  End(Ending::kHarnessError);
}
}

namespace eptdiff::image {
namespace {

// 6.14.1 of volume 3A.
struct Gate {
  std::uint16_t offset_low;
  std::uint16_t selector;
  std::uint16_t attributes;
  std::uint16_t offset_middle;
  std::uint32_t offset_high;
  std::uint32_t reserved;
};
// On a stack of their own, IST1 or IST2 (boot.S): what lies below the stack
// pointer is in use, as the ABI lets functions do that call none.
constexpr std::uint16_t kInterruptGate = 0x8e01, kNmiGate = 0x8e02;
constexpr std::size_t kNmi = 2;
constexpr std::uint16_t kCodeSelector = 0x08;

alignas(16) Gate gates[256];

struct [[gnu::packed]] TableRegister {
  std::uint16_t limit;
  std::uint64_t base;
};

}  // namespace

void LoadInterruptTable() {
  for (std::size_t vector = 0; vector < 256; ++vector) {
    const std::uint64_t stub = interrupt_stubs[vector < 32 ? vector : 32];
    gates[vector] = {static_cast<std::uint16_t>(stub),
                     kCodeSelector,
                     vector == kNmi ? kNmiGate : kInterruptGate,
                     static_cast<std::uint16_t>(stub >> 16),
                     static_cast<std::uint32_t>(stub >> 32),
                     0};
  }
  const TableRegister table = {sizeof gates - 1, InterruptTableAddress()};
  asm volatile("lidt %0" : : "m"(table));
}

std::uint64_t InterruptTableAddress() {
  return reinterpret_cast<std::uint64_t>(gates);
}

std::uint64_t NmiCount() {
  return *const_cast<volatile std::uint64_t*>(&nmi_count);
}

bool HoldNmi() {
  // The local APIC's interrupt command (3A 11.6.1): NMI, to this processor.
  constexpr std::uint32_t kApicBase = 0x1b, kX2Id = 0x802, kX2Command = 0x830;
  constexpr std::uint32_t kNmiMode = 4 << 8 | 1 << 14;
  const std::uint64_t base = ReadMsr(kApicBase);
  const bool is_x2 = (base >> 10 & 1) != 0;
  const auto reg = [&](std::uint64_t offset) {
    constexpr std::uint64_t kPageOffset = 0xfff;
    return reinterpret_cast<volatile std::uint32_t*>((base & ~kPageOffset) +
                                                     offset);
  };
  std::uint64_t id = 0;
  if (is_x2) {
    id = ReadMsr(kX2Id);
  } else {
    *reg(0x310) = *reg(0x20);
  }
  std::uint32_t came = 0, left = 1 << 20;
  // The stub of the first one leaves without IRET, so that NMIs stay blocked.
  asm volatile(
      "movq $1f, nmi_recovery\n\t"
      "testl %[is_x2], %[is_x2]\n\t"
      "jnz 3f\n\t"
      "movl %%eax, (%[command])\n\t"
      "jmp 0f\n"
      "3:\n\t"
      "wrmsr\n"
      "0:\n\t"
      "pause\n\t"
      "decl %[left]\n\t"
      "jnz 0b\n\t"
      "jmp 2f\n"
      "1:\n\t"
      "movl $1, %[came]\n"
      "2:\n\t"
      "movq $0, nmi_recovery"
      : [came] "+r"(came), [left] "+r"(left)
      : [is_x2] "r"(std::uint32_t{is_x2}), [command] "r"(reg(0x300)),
        "a"(kNmiMode), "d"(static_cast<std::uint32_t>(id)), "c"(kX2Command)
      : "memory", "cc");
  if (came == 0) return false;
  if (is_x2) {
    WriteMsr(kX2Command, id << 32 | kNmiMode);
  } else {
    *reg(0x300) = kNmiMode;
  }
  return true;
}

bool TryReadMsr(std::uint32_t msr, std::uint64_t& value) {
  std::uint32_t low = 0, high = 0;
  std::uint8_t ok = 0;
  asm volatile(
      "movq $1f, fault_recovery\n\t"
      "rdmsr\n\t"
      "movb $1, %2\n"
      "1:\n\t"
      "movq $0, fault_recovery"
      : "=a"(low), "=d"(high), "+&r"(ok)
      : "c"(msr)
      : "memory");
  value = std::uint64_t{high} << 32 | low;
  return ok != 0;
}

bool TryWriteMsr(std::uint32_t msr, std::uint64_t value) {
  std::uint8_t ok = 0;
  asm volatile(
      "movq $1f, fault_recovery\n\t"
      "wrmsr\n\t"
      "movb $1, %0\n"
      "1:\n\t"
      "movq $0, fault_recovery"
      : "+&r"(ok)
      : "c"(msr), "a"(static_cast<std::uint32_t>(value)),
        "d"(static_cast<std::uint32_t>(value >> 32))
      : "memory");
  return ok != 0;
}

}  // namespace eptdiff::image
