// A case as a processor can be asked it.
//
// A case describes accesses; a processor runs instructions. They are fetched
// through the tables under test, from code that has to lie somewhere, and a
// guest-physical access is made by way of a linear address. So a moved case
// (moving.h) is arranged: it gets what it lacks, and is a case again, in which
// all that happens is said, so that whoever judges cases can judge it.
//
//   the controls and registers    as this machine lets them be; what would
//                                 cause VM exits of its own is off
//   a linear access               stays, with a size that an instruction has
//   a guest-physical access       is linear: at its own address with CR0.PG =
//   0,
//                                 or through tables that map a page of ours to
//                                 its page, with the properties that it names;
//                                 without bits that this machine has not
//   a supervisor's access that    a read of a segment descriptor
//   is implicit
//   an access in delivery of an   the read of the IDT in delivery of an event
//   event                         that VM entry injects
//   on a shadow stack             by INCSSP, WRSS and WRUSS; of a token, by
//                                 CLRSSBSY, which finds none
//   a read, a write               by an instruction in a page of ours, in an
//                                 unused place of EPT's tables and, if the
//                                 guest pages, of the guest's. It is preceded
//                                 by a fetch from that page, a step of its own.
//   a fetch                       by entering the guest at its address; so are
//                                 accesses, where there is no place for code
//   the processor reads an entry  by a fetch with CR3 at the entry's page, so
//   of the guest's, or updates it that it is the first one of the walk
//   a store, INVEPT, INVVPID      stay
//   VM entry again                stays, for what concerns translation alone
//
// A step that cannot be asked ends the case, with its hindrance.
//
//   MOV to CR, WRPKRU, WRMSR,     by an instruction in our page; nothing of the
//   VMFUNC, INVLPG, INVPCID,      guest's is fetched behind it
//   a load of the PDPTE registers
//
// Begin with arranging.cc; arranging_places.cc is where the guest's code gets
// its place, guest_code.h what it is, fitting.h what becomes of controls and
// registers.
//
// Thread-safety: thread-compatible; an Arranger is reused from case to case.
#ifndef EPTDIFF_ORACLE_PROCESSOR_ARRANGING_H_
#define EPTDIFF_ORACLE_PROCESSOR_ARRANGING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/processor/guest_code.h"
#include "oracle/processor/machine_limits.h"
#include "oracle/reference/reference.h"

namespace eptdiff {

enum class Hindrance : std::uint8_t {
  kNone,
#define EPTDIFF_HINDRANCE(enumerator, words) enumerator,
#include "oracle/processor/hindrances.def"
#undef EPTDIFF_HINDRANCE
};
inline constexpr std::size_t kHindranceCount = 1
#define EPTDIFF_HINDRANCE(enumerator, words) +1
#include "oracle/processor/hindrances.def"
#undef EPTDIFF_HINDRANCE
    ;
std::string_view WordsOf(Hindrance hindrance);

// How many frames of its own an arranged case may take.
inline constexpr std::size_t kArrangedFrames = 10;

struct ArrangedCase {
  Case c;
  // Of each step of `c`: which step of the case that was arranged it stands
  // for, or kCodeStep.
  static constexpr std::uint16_t kCodeStep = 0xffff;
  std::vector<std::uint16_t> origin;
  // Whether what its steps leave of translations matters to later ones: no one
  // ends it between them but the case itself.
  bool keeps = false;
  bool has_code = false;
  Gla code;              // of the page of code
  Hindrance hindrance;   // what ended it early, ...
  std::size_t step = 0;  // ... and at which step, from 1 on
};

class Arranger {
 public:
  explicit Arranger(const MachineLimits& machine);

  // Arranges a moved case; `frames` are pages that it does not use, at least
  // kArrangedFrames of them. The VM entry of `out.c` can always be asked, even
  // if no step can.
  void Arrange(const Case& moved, std::span<const Hpa> frames,
               ArrangedCase& out);

 private:
  struct Place {
    Hpa table = {};
    unsigned index = 0;
    int level = 0;
    std::uint64_t base = 0;  // the lowest address that it translates
  };

  void FoldGuestPhysical(const Case& moved, ArrangedCase& out);
  std::uint64_t FoldedGpa(std::uint64_t gpa) const;
  Hindrance ArrangeSteps(const Case& moved, ArrangedCase& out);
  Hindrance ArrangeAccess(const Step& step, std::uint16_t number,
                          ArrangedCase& out);
  bool CanBeOnShadowStack(const Access& access, const Case& c) const;
  Hindrance ArrangeStructure(const Step& step, std::uint16_t number,
                             ArrangedCase& out);
  Hindrance ArrangeEntry(const Step& step, std::uint16_t number,
                         ArrangedCase& out);
  bool CanWriteMsr(GuestRegister reg, const Case& c) const;
  Hindrance ArrangeOfGuest(const Step& step, std::uint16_t number,
                           ArrangedCase& out);
  Hindrance ArrangeInvalidation(const Step& step, std::uint16_t number,
                                ArrangedCase& out);
  Hindrance LinearFrom(const Step& step, const Case& c, Step& linear);
  Hindrance Map(const Step& step, Step& linear);
  void FitSize(const Case& c, Step& step) const;
  Hindrance ProvideCode(ArrangedCase& out);
  Hindrance ProvideGuestPages(const Case& c);
  Hindrance ProvideOwnGuest(ArrangedCase& out);
  Hindrance ProvideGuestCode(ArrangedCase& out);
  bool FindInEpt(Hpa table, int level, std::uint64_t base, std::uint64_t limit,
                 int depth, Place& place);
  bool FindInGuest(const Case& c, Gpa table, int level, std::uint64_t base,
                   std::uint64_t limit, int depth, Place& place);
  bool IsUsed(std::uint64_t base, std::uint64_t bytes) const;
  bool Locate(Gpa gpa, Hpa& hpa);
  void LeadToCode(Hpa entry);
  void PutCode(std::size_t offset, const GuestCode& code);
  Hindrance ArrangeInstruction(const Step& step, std::uint16_t number,
                               ArrangedCase& out);
  void AddInstruction(const Step& step, std::uint16_t number,
                      ArrangedCase& out);
  Hpa NewFrame();
  void Put(Hpa word, std::uint64_t value);

  const MachineLimits machine_;
  const Reference reference_;
  const std::unique_ptr<Verdict> verdict_;
  Trace trace_;
  MachineState state_;  // of the arranged case
  std::span<const Hpa> frames_;
  std::size_t frames_taken_ = 0;
  std::vector<std::uint64_t> used_;  // addresses that steps are about
  ArrangedCase* out_ = nullptr;
  // The pages that lie side by side in guest-physical memory from `pages_gpa_`
  // on: code, tables of the guest, and another table of the third level.
  static constexpr std::size_t kPages = 6;
  std::array<Hpa, kPages> pages_;
  std::uint64_t pages_gpa_ = 0;
  bool provided_ = false;
  Hindrance provision_ = Hindrance::kNone;
  bool maps_ = false;  // guest-physical accesses go through tables of ours
  std::uint64_t own_base_ = 0;
  unsigned mapped_ = 0;                  // pages mapped there so far
  std::optional<Invalidation> invpcid_;  // whose descriptor is in the page
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_ARRANGING_H_
