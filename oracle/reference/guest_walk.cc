#include "oracle/reference/guest_walk.h"

#include "oracle/fixed_vector.h"
#include "oracle/reference/apic_access.h"
#include "oracle/reference/flags.h"

namespace eptdiff {
namespace {

// Sets bits `mask` of the guest entry at `address`; its word in memory.
BitWrite FlagWrite(Hpa address, std::uint64_t flags, std::uint8_t level) {
  const int low = sdm::Bit(address.value, 2) ? 32 : 0;
  return {Hpa{address.value & ~std::uint64_t{7}},
          flags << low,
          flags << low,
          {Rule::kGw12, level}};
}

// Adds what `writes` do not set yet.
template <typename Writes>
void AddMissing(BitWrite write, Writes& writes) {
  for (const BitWrite& other : writes) {
    if (other.word == write.word) write.mask &= ~(other.mask & other.value);
  }
  write.value &= write.mask;
  if (write.mask != 0) writes.push_back(write);
}

class Walker {
 public:
  Walker(Examiner& x, const LinearPart& part, Effects& effects,
         Verdict& verdict, GuestTranslation& translation)
      : x_(x),
        linear_(x.s.linear),
        part_(part),
        effects_(effects),
        verdict_(verdict),
        translation_(translation),
        entry_order_(static_cast<GuestEntryOrder>(x.Ask(Slot::kGw13))),
        updates_(static_cast<GuestUpdates>(x.Ask(Slot::kGw20))) {}

  bool Run();

 private:
  enum class End : std::uint8_t { kStopped, kRestarted, kLeaf };

  // A guest entry, and where it is.
  struct Located {
    GuestEntry entry;
    bool kept = false;  // memory has another value by now
    Gpa gpa;
    Hpa address;
    std::uint64_t pat_index = 0;  // of what references it
  };

  // From the first paging structure, or a PDPTE register, to a leaf.
  End WalkFromRoot();
  End Walk(std::uint64_t table, std::uint8_t level, std::uint64_t pat_index);
  // Reads the entry through EPT. Returns whether the walk goes on.
  bool Read(Located& located);
  // Whether P, or a reserved bit, of the entry that is looked at faults.
  bool FaultsAt(const Located& located);
  bool Faults(const Located& located);
  bool IsReserved(RuleAt& decided);
  bool MapsPage();
  // Whether the entries so far refuse the access; `whole`: they are all there.
  bool IsRefused(bool whole, RuleAt& decided);
  // Sets flags of an entry, as far as EPT allows. Returns whether the walk goes
  // on.
  bool Set(const Located& located, std::uint64_t flags);
  // In dialects alone: flags of an entry that is not present.
  void SetInVain(const Located& located);
  // The dirty flag, if the access sets it in the leaf.
  std::uint64_t DirtyFlag();
  // Adds the exits of the updates that EPT refuses, once the guest's rights
  // allow the access.
  void AddRefusedUpdates();
  // Adds the exits of the final access.
  void AddFinalExits();
  void Describe();
  // ... with CR0.PG = 0: the linear address is the guest-physical one.
  void DescribeUntranslated();
  void AddFault(Fault fault, RuleAt decided);
  PageAccess StructureAccess(Purpose purpose, const Located& located) const;

  void LookAt(std::uint8_t level, std::uint64_t entry) {
    x_.s.level = level;
    x_.s.entry = entry;
  }
  int EntryBytes() const { return linear_.mode == GuestMode::k32Bit ? 4 : 8; }

  Examiner& x_;
  LinearTranslation& linear_;
  const LinearPart& part_;
  Effects& effects_;
  Verdict& verdict_;
  GuestTranslation& translation_;
  const GuestEntryOrder entry_order_;
  const GuestUpdates updates_;

  Located leaf_;
  int structure_accesses_ = 0;
  // GuestUpdates::kAfterRights: they wait for the guest's rights. Each level of
  // HLAT and of ordinary paging has one, and the leaf another.
  FixedVector<BitWrite, 11> waiting_;
  // The updates that EPT refuses: the first from the root on, and the last if
  // that is another one.
  FixedVector<Page, 2> refused_;
};

PageAccess Walker::StructureAccess(Purpose purpose,
                                   const Located& located) const {
  PageAccess access;
  access.purpose = purpose;
  access.access.asynchronous = part_.access.asynchronous;
  access.gpa = located.gpa;
  access.gla = part_.gla;
  access.page.gla = part_.gla;
  access.page.pat_index = static_cast<std::uint8_t>(located.pat_index);
  access.bytes = static_cast<std::uint8_t>(EntryBytes());
  return access;
}

bool Walker::Read(Located& located) {
  Page page;
  JudgePage(x_, StructureAccess(Purpose::kStructureRead, located), effects_,
            page);
  AddExits(x_, page, nullptr, effects_, verdict_);
  if (!page.MayBeAllowed()) return false;
  if (ExitsBeforeFlags(x_, page, effects_, verdict_)) return false;
  if (!SetFlagsOrExit(x_, page, effects_, verdict_)) return false;
  if (!MayPassApicPage(x_, &page, 1, effects_, verdict_)) return false;
  located.address = page.translation.address;
  located.entry.value =
      x_.ReadGuestEntry(linear_.level, located.address, EntryBytes());
  located.kept = x_.read_what_was_kept();
  located.entry.ept_leaf = x_.s.path.back().value;
  translation_.structure_types |=
      (8 + static_cast<std::uint64_t>(page.translation.memory_type))
      << (4 * structure_accesses_++);
  if (!page.memory_type_defined) translation_.structure_types_defined = false;
  return true;
}

bool Walker::IsReserved(RuleAt& decided) {
  const auto forbids = [&](Slot slot) __attribute__((always_inline)) {
    if (!x_.Ask(slot)) return false;
    decided = x_.At(slot);
    return true;
  };
  return forbids(Slot::kGw2Reserved) || forbids(Slot::kGw4Reserved) ||
         forbids(Slot::kGw5Address) || forbids(Slot::kGw5PageSize) ||
         forbids(Slot::kGw5Leaf) || forbids(Slot::kGw5ExecuteDisable) ||
         forbids(Slot::kGw5Ignored);
}

void Walker::SetInVain(const Located& located) {
  BitWrite write = FlagWrite(located.address, x_.Ask(Slot::kGw12NotPresent),
                             located.entry.level);
  write.mask &= ~CurrentWord(x_, effects_, write.word);
  if (write.mask == 0) return;
  x_.Touch(Role::kGuestEntry, 0, write.word);
  AddMissing(write, effects_.required);
}

bool Walker::FaultsAt(const Located& located) {
  if (!Faults(located)) return false;
  if (x_.chooser != nullptr) x_.chooser->KeepNoGuest(x_);
  return true;
}

bool Walker::Faults(const Located& located) {
  if (entry_order_ == GuestEntryOrder::kRestartFirst &&
      x_.Ask(Slot::kGw15Restart)) {
    return false;
  }
  RuleAt decided;
  if (entry_order_ == GuestEntryOrder::kReservedFirst && IsReserved(decided)) {
    AddFault(Fault::kReserved, decided);
    return true;
  }
  if (!x_.Ask(Slot::kGw6Present)) {
    SetInVain(located);
    AddFault(Fault::kNotPresent, x_.At(Slot::kGw6Present));
    return true;
  }
  if (IsReserved(decided)) {
    AddFault(Fault::kReserved, decided);
    return true;
  }
  return false;
}

bool Walker::MapsPage() {
  if (x_.s.level == 2 && linear_.mode == GuestMode::k32Bit) {
    return x_.Ask(Slot::kGw2Leaf);
  }
  if (x_.s.level == 3) return x_.Ask(Slot::kGw4Leaf);
  return x_.Ask(Slot::kGw1Leaf);
}

bool Walker::IsRefused(bool whole, RuleAt& decided) {
  const auto forbids = [&](Slot slot) __attribute__((always_inline)) {
    if (!x_.Ask(slot)) return false;
    decided = x_.At(slot);
    return true;
  };
  if (forbids(Slot::kGw7User) || forbids(Slot::kGw7Write) ||
      forbids(Slot::kGw8Fetch)) {
    return true;
  }
  return whole && (forbids(Slot::kGw9Smep) || forbids(Slot::kGw9Smap) ||
                   forbids(Slot::kGw10) || forbids(Slot::kGw11Page) ||
                   forbids(Slot::kGw11Mode));
}

bool Walker::Set(const Located& located, std::uint64_t flags) {
  if (located.kept) flags &= ~located.entry.value;
  BitWrite write = FlagWrite(located.address, flags, located.entry.level);
  write.mask &= ~CurrentWord(x_, effects_, write.word);
  if (write.mask == 0) return true;
  x_.Touch(Role::kGuestEntry, 0, write.word);
  const std::uint8_t level = x_.s.level;
  Page page;
  JudgePage(x_, StructureAccess(Purpose::kStructureUpdate, located), effects_,
            page);
  if (page.MayBeAllowed()) {
    switch (updates_) {
      case GuestUpdates::kAsYouGo:
        AddMissing(write, effects_.required);
        break;
      case GuestUpdates::kAfterRights:
        AddMissing(write, waiting_);
        break;
      case GuestUpdates::kEither:
        AddMissing(write, effects_.optional);
        break;
    }
  } else {
    if (refused_.full()) refused_.pop_back();
    refused_.push_back(page);
    refused_.back().kept = x_.s;
    // Where the processor sets flags as it goes, this ends the walk.
    if (refused_.size() == 1 && updates_ != GuestUpdates::kAfterRights) {
      AddExits(x_, page, nullptr, effects_, verdict_);
      if (updates_ == GuestUpdates::kAsYouGo) return false;
    }
  }
  LookAt(level, located.entry.value);
  return true;
}

std::uint64_t Walker::DirtyFlag() {
  const std::uint64_t flag = x_.Ask(Slot::kGw12Dirty);
  if ((flag & ~leaf_.entry.value) == 0) return 0;
  if (x_.chooser != nullptr && x_.chooser->GuestDirtyMayStay(x_)) return 0;
  switch (static_cast<ReadOnlyDirty>(x_.Ask(Slot::kGw12ReadOnly))) {
    case ReadOnlyDirty::kYes:
      return flag;
    case ReadOnlyDirty::kNo:
      return 0;
    case ReadOnlyDirty::kEither:
      break;
  }
  translation_.dirty_was_open = true;
  return part_.dirties_read_only ? flag : 0;
}

void Walker::AddRefusedUpdates() {
  const Situation here = x_.s;
  for (const Page& page : refused_) {
    if (&page == refused_.begin() ||
        page.kept->linear.level != refused_[0].kept->linear.level) {
      AddExits(x_, page, nullptr, effects_, verdict_);
    }
  }
  x_.s = here;
}

void Walker::AddFinalExits() {
  linear_.level = 0;
  Page page;
  JudgePage(x_, translation_.final_access, effects_, page);
  AddExits(x_, page, nullptr, effects_, verdict_);
}

void Walker::AddFault(Fault fault, RuleAt decided) {
  Alternative& alternative = AddAfter(effects_, verdict_);
  alternative.decided = decided;
  alternative.span = static_cast<std::uint16_t>(part_.bytes - 1);
  Event& event = alternative.event;
  event.kind = EventKind::kPageFault;
  event.cr2.value = x_.Ask(Slot::kGw16);
  const auto operand = static_cast<std::uint64_t>(fault);
  event.error_code = static_cast<std::uint32_t>(
      x_.Ask(Slot::kGw6Error, operand) | x_.Ask(Slot::kGw18User, operand) << 2 |
      x_.Ask(Slot::kGw8Error) << 4 |
      x_.Ask(Slot::kGw18ShadowStack, operand) << 6 |
      x_.Ask(Slot::kGw15Error, operand) << 7);
  const auto set_bit = [&](int position, std::uint64_t answer) {
    const std::uint32_t bit = std::uint32_t{1} << position;
    if (answer == kUndefinedBit) {
      alternative.error_code_defined &= ~bit;
    } else if (answer != 0) {
      event.error_code |= bit;
    }
  };
  set_bit(1, x_.Ask(Slot::kGw18Write, operand));
  linear_.key_refuses = fault == Fault::kRights && x_.Ask(Slot::kGw10);
  set_bit(5, x_.Ask(Slot::kGw18Key, operand));
}

Walker::End Walker::Walk(std::uint64_t table, std::uint8_t level,
                         std::uint64_t pat_index) {
  for (;; --level) {
    Located located;
    located.entry.level = level;
    located.pat_index = pat_index;
    linear_.level = level;
    LookAt(level, 0);
    located.gpa = {table + x_.Ask(Slot::kGw1Index)};
    // 29.3.3.3, 1a and 1b.
    if (!Read(located)) return End::kStopped;
    LookAt(level, located.entry.value);
    if (FaultsAt(located)) return End::kStopped;
    linear_.path.push_back(located.entry);
    const bool restarts = x_.Ask(Slot::kGw15Restart);
    const bool leaf = !restarts && MapsPage();
    if (x_.chooser != nullptr) x_.chooser->KeepGuest(x_, leaf);
    if (!Set(located,
             x_.Ask(restarts ? Slot::kGw19Accessed : Slot::kGw12Accessed))) {
      return End::kStopped;
    }
    if (restarts) return End::kRestarted;
    RuleAt decided;
    if (entry_order_ == GuestEntryOrder::kRightsPerLevel &&
        IsRefused(false, decided)) {
      AddFault(Fault::kRights, decided);
      return End::kStopped;
    }
    if (leaf) {
      leaf_ = located;
      return End::kLeaf;
    }
    table = x_.Ask(Slot::kGw1Table);
    pat_index = x_.Ask(Slot::kGw14Table);
  }
}

Walker::End Walker::WalkFromRoot() {
  LookAt(0, 0);
  if (linear_.mode == GuestMode::k32Bit) {
    return Walk(x_.Ask(Slot::kGw2Root), 2,
                x_.Ask(Slot::kGw14Root, linear_.root->cr3));
  }
  if (linear_.mode == GuestMode::kPae) {
    LookAt(3, linear_.root->pdpte[x_.Ask(Slot::kGw3Register)]);
    if (x_.Ask(Slot::kGw3Absent)) {
      AddFault(Fault::kNotPresent, x_.At(Slot::kGw3Absent));
      return End::kStopped;
    }
    if (x_.Ask(Slot::kGw3Rights)) {
      linear_.path.push_back({x_.s.entry, ~std::uint64_t{0}, 3});
    }
    return Walk(x_.Ask(Slot::kGw3Directory), 2, x_.Ask(Slot::kGw14Table));
  }
  const std::uint8_t top = linear_.mode == GuestMode::k5Level ? 5 : 4;
  linear_.hlat = x_.Ask(Slot::kGw15Applies);
  if (linear_.hlat) {
    const End end = Walk(x_.Ask(Slot::kGw15Root), top,
                         x_.Ask(Slot::kGw14Root, linear_.hlat_root->hlatp));
    if (end != End::kRestarted) return end;
    linear_.hlat = false;
    for (const GuestEntry& used : linear_.path) {
      linear_.ept_leaves_before_restart &= used.ept_leaf;
    }
    if (!x_.Ask(Slot::kGw19Rights)) linear_.path.clear();
    LookAt(0, 0);
  }
  return Walk(x_.Ask(Slot::kGw4Root), top,
              x_.Ask(Slot::kGw14Root, linear_.root->cr3));
}

// x_.s looks at the leaf.
void Walker::Describe() {
  PageAccess& access = translation_.final_access;
  access.purpose = Purpose::kTranslated;
  access.access = part_.access;
  const bool large =
      linear_.mode == GuestMode::k32Bit && leaf_.entry.level == 2;
  access.gpa = {x_.Ask(large ? Slot::kGw2Frame : Slot::kGw1Frame)};
  access.gla = part_.gla;
  access.bytes = part_.bytes;
  access.split = part_.split;
  access.page.gla = part_.gla;
  access.page.user = x_.s.UserModeAddress();
  access.page.writable = x_.s.InAllGuestEntries(1);
  access.page.execute_disable = x_.s.InSomeGuestEntry(63);
  access.page.pat_index = static_cast<std::uint8_t>(x_.Ask(Slot::kGw14Leaf));
}

void Walker::DescribeUntranslated() {
  PageAccess& access = translation_.final_access;
  access.purpose = Purpose::kTranslated;
  access.access = part_.access;
  access.gla = {sdm::Bits(part_.gla.value, 31, 0)};
  access.gpa = {access.gla.value};
  access.bytes = part_.bytes;
  access.split = part_.split;
}

bool Walker::Run() {
  if (linear_.mode == GuestMode::kNone) {
    DescribeUntranslated();
    return true;
  }
  if (WalkFromRoot() != End::kLeaf) return false;
  // 29.3.3.3, 2a: the guest's rights.
  LookAt(leaf_.entry.level, leaf_.entry.value);
  Describe();
  // With CR0.PG = 0 a translation that was kept has no rights or flags of the
  // guest's (3A 4.1.1).
  const bool paging = x_.s.PagingEnabled();
  RuleAt decided;
  if (paging && IsRefused(true, decided)) {
    if (x_.chooser != nullptr) {
      x_.chooser->UseGuestNow(x_, translation_.final_access);
    }
    if (static_cast<LinearOrder>(x_.Ask(Slot::kPri2)) ==
        LinearOrder::kFinalFirst) {
      const Situation here = x_.s;
      linear_.level = 0;
      Page page;
      JudgePage(x_, translation_.final_access, effects_, page);
      AddExits(x_, page, nullptr, effects_, verdict_);
      if (!page.MayBeAllowed()) return false;
      x_.s = here;
    }
    AddFault(Fault::kRights, decided);
    return false;
  }
  if (paging && !Set(leaf_, DirtyFlag())) return false;
  for (const BitWrite& write : waiting_) effects_.required.push_back(write);
  if (!refused_.empty()) {
    AddRefusedUpdates();
    // 29.3.3.3 gives updates no place: the final access may be first to exit.
    if (updates_ == GuestUpdates::kEither) AddFinalExits();
    return false;
  }
  linear_.level = 0;
  return true;
}

}  // namespace

void BeginLinear(Examiner& x, const LinearPart& part) {
  const Access& access = part.access;
  const bool token = access.kind == AccessKind::kShadowStackReadModifyWrite;
  LinearTranslation& linear = x.s.linear;
  linear = {};
  linear.gla = part.gla;
  linear.named = part.named;
  linear.bytes = part.bytes;
  linear.fetch = access.kind == AccessKind::kFetch;
  linear.shadow_stack = access.kind == AccessKind::kShadowStackRead ||
                        access.kind == AccessKind::kShadowStackWrite || token;
  linear.write = access.kind == AccessKind::kWrite ||
                 access.kind == AccessKind::kReadModifyWrite ||
                 access.kind == AccessKind::kShadowStackWrite || token;
  linear.implicit = access.implicit_supervisor;
  linear.read_modify_write =
      access.kind == AccessKind::kReadModifyWrite || token;
  linear.user_access =
      access.wruss || (x.state().guest.cpl == 3 && !linear.implicit);
  x.s.level = 0;
  linear.mode = static_cast<GuestMode>(x.Ask(Slot::kGw1Mode));
  linear.root = &x.state().guest;
  linear.hlat_root = &x.state().controls;
}

bool WalkGuest(Examiner& x, const LinearPart& part, Effects& effects,
               Verdict& verdict, GuestTranslation& translation) {
  if (x.chooser != nullptr) x.chooser->BeginLinear(x);
  return Walker(x, part, effects, verdict, translation).Run();
}

}  // namespace eptdiff
