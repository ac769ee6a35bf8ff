// The exit qualification of an EPT violation, bit by bit (SDM 28.2.1, table
// 28-7). The information area of a #VE receives the same value (26.5.7.2).
//
// A bit that is undefined may be anything, so a field that can be undefined is
// an std::optional: no value is no statement. What decides is in the value
// itself (bits 7 and 8) and in a QualificationContext. Whoever reads bit 6
// without mode-based execute control, or bits 11:9 without capability 22, reads
// noise; here it cannot be done by mistake.
//
// Thread-safety: plain values and pure functions.
#ifndef EPTDIFF_ENGINE_WALK_EXIT_QUALIFICATION_H_
#define EPTDIFF_ENGINE_WALK_EXIT_QUALIFICATION_H_

#include <cstdint>
#include <optional>

#include "engine/types.h"

namespace eptdiff {

// What, beside the value, decides which bits are defined.
struct QualificationContext {
  bool advanced_information = false;  // IA32_VMX_EPT_VPID_CAP bit 22
  bool mbec = false;                  // "mode-based execute control for EPT"
  bool shadow_stack_control = false;  // EPTP bit 7
  // "NMI exiting" is 0 or "virtual NMIs" is 1, and the IDT-vectoring
  // information field is not valid (28.2.3).
  bool nmi_unblocking = false;
  friend bool operator==(const QualificationContext&,
                         const QualificationContext&) = default;
};

// The context under these controls. `event_delivery`: the exit made the
// IDT-vectoring information valid.
QualificationContext ContextOf(const Processor& processor,
                               const Controls& controls, bool event_delivery);

struct ExitQualification {
  // Bits 2:0: the access that caused the violation. Where in_guest_walk(), that
  // is the processor's own access to a guest paging-structure entry; with
  // EPTP bit 6 it is both a read and a write, whatever it does (note 1).
  bool read = false;
  bool write = false;
  bool fetch = false;
  // Bits 6:3: what every EPT entry used allows. All false if one was not
  // present, or the address was too wide (notes 2 and 3). With mode-based
  // execute control `executable` is about supervisor-mode addresses.
  bool readable = false;
  bool writable = false;
  bool executable = false;
  std::optional<bool> user_executable = {};
  bool gla_valid = false;       // bit 7
  bool to_translation = false;  // bit 8: to what the linear address maps to
  // Bits 11:9: the page that the guest maps the linear address to.
  std::optional<bool> user_mode_address = {};
  std::optional<bool> read_write_page = {};
  std::optional<bool> execute_disable_page = {};
  std::optional<bool> nmi_unblocking = {};  // bit 12: due to IRET
  bool shadow_stack_access = false;         // bit 13
  // Bit 14: bit 60 of the EPT leaf. No value unless the qualification proves
  // that a leaf was reached, which is to say that some right in bits 6:3 is
  // granted.
  std::optional<bool> supervisor_shadow_stack_page = {};
  bool verification = false;  // bit 15: guest-paging verification
  bool asynchronous = false;  // bit 16: to instruction execution

  // The access was to a guest paging-structure entry, on the way to the
  // translation of the linear address. (If there is no linear address, it was
  // a load of the PDPTE registers, or trace output being prepared.)
  bool in_guest_walk() const { return gla_valid && !to_translation; }

  static ExitQualification Decode(std::uint64_t value,
                                  const QualificationContext& context);
  // Bits without a value are 0. Decode() of the result, in the same context,
  // is *this again, if *this came from Decode().
  std::uint64_t Encode() const;

  friend bool operator==(const ExitQualification&,
                         const ExitQualification&) = default;
};

// The bits of `value` that Decode() takes for defined: Encode() of what it
// gives is `value` with all others clear.
std::uint64_t DefinedBits(std::uint64_t value,
                          const QualificationContext& context);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_WALK_EXIT_QUALIFICATION_H_
