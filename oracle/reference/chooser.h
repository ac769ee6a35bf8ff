// Who says what a read of a paging-structure entry returns, where translations
// may be kept (29.4): caches/. Without one, every read returns what memory has.
//
// Every walk tells what it is about and how it went, entry by entry from the
// root down, in this order:
//   BeginEpt, for each entry ReadEntry and Keep or KeepNothing, and what
//   follows (a further walk, ReadSpp, UseNow, ReadGuest);
// in a linear translation BeginLinear first, and each guest entry's walk before
// its ReadGuest and KeepGuest or KeepNoGuest. A run in which something is used
// that cannot have been kept means nothing. Thread-safety: as the examiner.
#ifndef EPTDIFF_ORACLE_REFERENCE_CHOOSER_H_
#define EPTDIFF_ORACLE_REFERENCE_CHOOSER_H_

#include <cstdint>

#include "engine/types.h"

namespace eptdiff {

class Examiner;
struct PageAccess;

class Chooser {
 public:
  virtual ~Chooser() = default;

  // A linear address is translated by the guest's paging, or with CR0.PG = 0
  // by none. May give x.s.linear other roots, and another mode: as they were.
  virtual void BeginLinear(Examiner& x) = 0;
  // x.s.access.gpa is translated. Returns what holds the root, and the
  // page-walk length: EPTP as it was.
  virtual std::uint64_t BeginEpt(Examiner& x, std::uint64_t eptp) = 0;

  // What a read of an EPT entry returns, of x.s.level; memory has `now`.
  virtual std::uint64_t ReadEntry(Examiner& x, Hpa address,
                                  std::uint64_t now) = 0;
  // The entry read last, x.s.entry, is present and well configured.
  virtual void Keep(Examiner& x) = 0;
  // It is not, or only in a dialect: x.s.not_present says which.
  virtual void KeepNothing(Examiner& x) = 0;
  // Whether the flags of the entry kept last need not be set, which the access
  // needs; at a leaf, those of all entries on its path.
  virtual bool FlagsMayStay(Examiner& x) = 0;
  // Of the entries on the path of the leaf kept last, which flags are looked
  // for in memory, though what was kept has others.
  virtual std::uint64_t FlagsOfMemory(Examiner& x) = 0;

  // What a read of an SPP table's entry returns, for the page walked last.
  virtual std::uint64_t ReadSpp(Examiner& x, Hpa address,
                                std::uint64_t now) = 0;

  // What a read of a guest entry returns; its page was walked last.
  virtual std::uint64_t ReadGuest(Examiner& x, Hpa address, int bytes,
                                  std::uint64_t now) = 0;
  // The guest entry read last, x.s.entry, is present and has no reserved bit.
  virtual void KeepGuest(Examiner& x, bool leaf) = 0;
  virtual void KeepNoGuest(Examiner& x) = 0;
  // Whether the dirty flag of the guest's leaf, the entry read last, need not
  // be set, which the access needs.
  virtual bool GuestDirtyMayStay(Examiner& x) = 0;

  // The final page, walked last, has a memory type: IA32_PAT as it may have
  // been when the type was kept.
  virtual std::uint64_t Pat(Examiner& x) = 0;

  // The leaf reached last does not allow what is asked.
  virtual void Refused(Examiner& x) = 0;

  // The page walked last is accessed, or faults, now.
  virtual void UseNow(Examiner& x) = 0;
  // The guest's translation, whose entries are all read, faults now, for the
  // rights that they give: `page` is what they lead to.
  virtual void UseGuestNow(Examiner& x, const PageAccess& page) = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_CHOOSER_H_
