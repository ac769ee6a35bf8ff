#include "fuzzers/command/walk/walk_case.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_names.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/encoding/canonical.h"
#include "oracle/judgement/spine.h"

namespace eptdiff {
namespace {

// Whatever a processor may have, unless it is said.
constexpr std::uint64_t kAllCapabilities = 0xf0106f341c1;

// The secondary and tertiary controls that need no further field: EPT, VPID,
// unrestricted guest, mode-based execute; paging-write, guest-paging
// verification. And those that translation depends on besides: APIC accesses,
// VM functions, PML, #VE, SPP; HLAT.
constexpr std::uint32_t kSecondaryTaken =
    1u << 1 | 1u << 5 | 1u << 7 | 1u << 22;
constexpr std::uint32_t kSecondaryLeftOut =
    1u << 0 | 1u << 13 | 1u << 17 | 1u << 18 | 1u << 23;
constexpr std::uint64_t kTertiaryTaken = 1u << 2 | 1u << 3;
constexpr std::uint64_t kTertiaryLeftOut = 1u << 1;

constexpr std::uint64_t kAddress = Mask(51, 12);

std::string NameOf(const EntryLevel& where) {
  EntryRead entry;
  entry.structure = where.guest ? Structure::kGuest : Structure::kEpt;
  entry.level = static_cast<std::uint8_t>(where.level);
  return EntryNameWords(entry);
}

// "PDE", "PDE on the way to the guest PTE".
std::string NameOnTheWay(const EntryRead& entry) {
  std::string name = EntryNameWords(entry);
  if (entry.structure != Structure::kEpt || entry.guest_level == 0) return name;
  return absl::StrCat(name, " on the way to the ",
                      NameOf({entry.guest_level, true}));
}

void SetPaging(const CopiedWalk& walk, GuestState& guest) {
  guest.cr3 = walk.cr3.value_or(0);
  switch (walk.paging) {
    case GuestPaging::k4Level:
      break;
    case GuestPaging::k5Level:
      guest.cr4 |= 1u << 12;
      break;
    case GuestPaging::kPae:
    case GuestPaging::k32Bit:
      guest.efer = 0x800;  // NXE
      guest.cs_l = false;
      if (walk.paging == GuestPaging::k32Bit) guest.cr4 = 0x2010;  // PSE
      break;
  }
}

// Goes through a walk by the reference, an entry more each time.
class Walker {
 public:
  explicit Walker(const CopiedWalk& walk) : walk_(walk) {}

  absl::StatusOr<WalkCase> Make() {
    made_.c = CaseUnder(walk_.eptp, walk_.machine);
    if (!walk_.gpa && !walk_.gla) {
      return absl::InvalidArgumentError(
          "the address of the access is missing: a guest-physical one, or a "
          "linear one (--gla) with the guest's CR3");
    }
    if (absl::Status s = AddStep(); !s.ok()) return s;
    if (absl::Status s = TakeEntries(); !s.ok()) return s;
    if (absl::Status s = TakeWhatIsNotRead(); !s.ok()) return s;
    Assume();
    return std::move(made_);
  }

 private:
  absl::Status AddStep() {
    GuestState& guest = made_.c.guest;
    if (walk_.user) guest.cpl = 3;
    Step step;
    step.access = walk_.access;
    if (!walk_.gpa) {
      if (!walk_.cr3) {
        return absl::InvalidArgumentError(
            absl::StrCat("CR3 is missing: a linear access goes through the "
                         "guest's tables, whose root CR3 has (--cr3)"));
      }
      SetPaging(walk_, guest);
      step.kind = StepKind::kLinearAccess;
      step.gla = Gla{*walk_.gla};
      made_.c.steps.push_back(step);
      return walk_.paging == GuestPaging::kPae ? TakePdpteRegister()
                                               : absl::OkStatus();
    }
    const bool write = walk_.access.kind == AccessKind::kWrite ||
                       walk_.access.kind == AccessKind::kReadModifyWrite;
    if (walk_.to_guest_entry) {
      step.kind = write ? StepKind::kPagingStructureUpdate
                        : StepKind::kPagingStructureRead;
      step.access = {};
    }
    step.gpa = Gpa{*walk_.gpa};
    step.page.gla = Gla{walk_.gla.value_or(0)};
    step.page.user = walk_.user;
    step.page.writable = true;
    made_.c.steps.push_back(step);
    return absl::OkStatus();
  }

  // With PAE paging the first entry is in a register, and read by nobody.
  absl::Status TakePdpteRegister() {
    EntryRead entry;
    entry.structure = Structure::kPdpte;
    const std::size_t number = *walk_.gla >> 30 & 3;
    if (next_ == walk_.entries.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the ", EntryNameWords(entry),
                       " is missing: with PAE paging it is "
                       "in PDPTE register ",
                       number, " of the VMCS"));
    }
    const CopiedEntry& copied = walk_.entries[next_];
    if (copied.where && *copied.where != EntryLevel{3, true}) {
      return NotNext(EntryNameWords(entry), copied);
    }
    ++next_;
    made_.c.guest.pdpte[number] = copied.value;
    return absl::OkStatus();
  }

  absl::Status TakeEntries() {
    while (true) {
      Spine spine(made_.c);
      const std::string refusal = RefusalBy(spine);
      spine.Advance();
      if (spine.over()) {
        if (next_ == walk_.entries.size()) return absl::OkStatus();
        return absl::InvalidArgumentError(absl::StrCat(
            "VM entry refuses this, so nothing is walked and ",
            Hexadecimal(walk_.entries[next_].value), " not read: ", refusal));
      }
      if (spine.verdict().standing == Standing::kCallerError) {
        return absl::InvalidArgumentError(
            absl::StrCat("no processor could be asked that: ",
                         std::string(spine.verdict().unmodelled)));
      }
      read_.assign(spine.trace().entries.begin(), spine.trace().entries.end());
      const auto missing = std::find_if(
          read_.begin(), read_.end(), [this](const EntryRead& entry) {
            return !places_.contains(entry.address.value);
          });
      if (missing == read_.end()) return absl::OkStatus();
      if (absl::Status s = Take(missing - read_.begin()); !s.ok()) return s;
    }
  }

  static std::string RefusalBy(const Spine& spine) {
    for (const RuleHit& hit : spine.trace().hits) {
      if (hit.forbids) return RuleWords(hit.rule);
    }
    return "";
  }

  // The entry at `place` of what is read is the next that was copied.
  absl::Status Take(std::size_t place) {
    const EntryRead& entry = read_[place];
    if (next_ == walk_.entries.size()) return Missing(place);
    const CopiedEntry& copied = walk_.entries[next_];
    if (copied.where &&
        (copied.where->level != entry.level ||
         copied.where->guest != (entry.structure == Structure::kGuest))) {
      return NotNext(NameOnTheWay(entry), copied);
    }
    ++next_;
    if (entry.structure == Structure::kGuest &&
        walk_.paging == GuestPaging::k32Bit) {
      if (copied.value >> 32 != 0) {
        return absl::InvalidArgumentError(absl::StrCat(
            Hexadecimal(copied.value), " is no ", NameOnTheWay(entry),
            ": with 32-bit paging an entry "
            "has 32 bits"));
      }
      PutHalf(entry.address.value, copied.value);
    } else {
      made_.c.memory.push_back({entry.address, copied.value});
    }
    places_.insert(entry.address.value);
    return absl::OkStatus();
  }

  void PutHalf(std::uint64_t address, std::uint64_t half) {
    const Hpa word{address & ~std::uint64_t{7}};
    const int shift = Bit(address, 2) ? 32 : 0;
    for (MemoryWord& known : made_.c.memory) {
      if (known.address == word) {
        known.value |= half << shift;
        return;
      }
    }
    made_.c.memory.push_back({word, half << shift});
  }

  absl::Status NotNext(const std::string& name,
                       const CopiedEntry& copied) const {
    return absl::InvalidArgumentError(
        absl::StrCat("the ", name, " comes next, and not the ",
                     NameOf(*copied.where), " ", Hexadecimal(copied.value)));
  }

  absl::Status Missing(std::size_t place) const {
    const EntryRead& entry = read_[place];
    const std::string name = NameOnTheWay(entry);
    std::string where = absl::StrCat(" at ", Hexadecimal(entry.address.value));
    if (entry.structure == Structure::kGuest) {
      where = absl::StrCat(
          " at guest-physical ",
          Hexadecimal(TableOf(place) | (entry.address.value & 0xfff)),
          ", host-physical ", Hexadecimal(entry.address.value));
    }
    const bool half = entry.structure == Structure::kGuest &&
                      walk_.paging == GuestPaging::k32Bit;
    return absl::InvalidArgumentError(
        absl::StrCat("the ", name, " is missing: ", CauseOf(place), "; the ",
                     name, " is the ", half ? "4 bytes" : "word", where));
  }

  // The entry that references the table of the one at `place`; null: it is a
  // root's.
  const EntryRead* ParentOf(std::size_t place) const {
    const EntryRead& entry = read_[place];
    for (std::size_t i = place; i-- > 0;) {
      const EntryRead& other = read_[i];
      if (other.structure != entry.structure) continue;
      if (entry.structure == Structure::kEpt &&
          other.guest_level != entry.guest_level) {
        continue;
      }
      return other.level == entry.level + 1 ? &other : nullptr;
    }
    return nullptr;
  }

  // Of a guest entry: the guest-physical address of its table.
  std::uint64_t TableOf(std::size_t place) const {
    if (const EntryRead* parent = ParentOf(place)) {
      return parent->value & kAddress;
    }
    if (walk_.paging == GuestPaging::kPae) {
      return made_.c.guest.pdpte[*walk_.gla >> 30 & 3] & kAddress;
    }
    return *walk_.cr3 & kAddress;
  }

  std::string CauseOf(std::size_t place) const {
    const EntryRead& entry = read_[place];
    const bool guest = entry.structure == Structure::kGuest;
    if (const EntryRead* parent = ParentOf(place)) {
      return absl::StrCat("the ", NameOnTheWay(*parent), " ",
                          Hexadecimal(parent->value), " references a table at ",
                          guest ? "guest-physical " : "",
                          Hexadecimal(parent->value & kAddress));
    }
    if (!guest) {
      return absl::StrCat("EPTP ", Hexadecimal(walk_.eptp),
                          " has its root table at ",
                          Hexadecimal(walk_.eptp & kAddress));
    }
    return absl::StrCat(
        walk_.paging == GuestPaging::kPae ? "its PDPTE register" : "CR3",
        " has the table at guest-physical ", Hexadecimal(TableOf(place)));
  }

  // Who copies a whole chain has entries below the one that is refused, which
  // no processor reads. They stand where they would be found.
  absl::Status TakeWhatIsNotRead() {
    if (next_ == walk_.entries.size()) return absl::OkStatus();
    const std::size_t first = next_;
    if (!read_.empty() && read_.back().structure == Structure::kEpt &&
        walk_.gpa) {
      int level = read_.back().level;
      std::uint64_t entry = read_.back().value;
      const std::uint64_t present = 7 | (HasMbec() ? 1u << 10 : 0);
      while (next_ < walk_.entries.size() && level > 1 &&
             (entry & present) != 0 && !(level <= 3 && Bit(entry, 7))) {
        --level;
        const CopiedEntry& copied = walk_.entries[next_];
        if (copied.where && *copied.where != EntryLevel{level, false}) {
          return NotNext(NameOf({level, false}), copied);
        }
        const std::uint64_t index = *walk_.gpa >> (12 + 9 * (level - 1)) & 511;
        entry = copied.value;
        made_.c.memory.push_back(
            {Hpa{(read_.back().value & kAddress) + 8 * index}, entry});
        read_.push_back({Structure::kEpt, static_cast<std::uint8_t>(level), 0,
                         made_.c.memory.back().address, entry});
        ++next_;
      }
    }
    if (next_ < walk_.entries.size()) return Superfluous();
    made_.notes.push_back(absl::StrCat(
        "the walk ends before ", Hexadecimal(walk_.entries[first].value),
        next_ - first == 1 ? ", which is not read"
                           : ": that and what follows it is not read"));
    return absl::OkStatus();
  }

  absl::Status Superfluous() const {
    const std::string value = Hexadecimal(walk_.entries[next_].value);
    if (read_.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          value, " is superfluous: this access reads no entry in memory"));
    }
    const EntryRead& last = read_.back();
    return absl::InvalidArgumentError(absl::StrCat(
        value, " is superfluous: the walk ends with the ", NameOnTheWay(last),
        " ", Hexadecimal(last.value), " (",
        EntryWords(last, made_.c.processor, made_.c.controls, made_.c.guest),
        ") and does not come to it"));
  }

  bool HasMbec() const { return Bit(made_.c.controls.secondary, 22); }

  void Assume() {
    const KnownMachine& machine = walk_.machine;
    std::vector<Assumption>& of_machine = made_.of_machine;
    std::vector<Assumption>& of_access = made_.of_access;
    if (!machine.maxphyaddr) {
      of_machine.push_back({"MAXPHYADDR 52", "--maxphyaddr"});
    }
    if (!machine.capabilities) {
      of_machine.push_back({"every EPT capability", "--capabilities"});
    }
    if (!machine.secondary && !machine.mbec) {
      of_machine.push_back({"no mode-based execute control", "--mbec"});
    }
    if (!machine.secondary) {
      of_machine.push_back(
          {"no other secondary control but EPT", "--secondary"});
    }
    if (!machine.tertiary) {
      of_machine.push_back({"no tertiary control", "--tertiary"});
    }
    if (!walk_.gpa) {
      if (walk_.paging == GuestPaging::k4Level) {
        of_access.push_back({"4-level paging in the guest", "--paging"});
      }
      if (!walk_.user) of_access.push_back({"CPL 0", "--user"});
      of_access.push_back({"CR0.WP and IA32_EFER.NXE are 1"});
    } else {
      if (!walk_.gla) of_access.push_back({"GLA 0", "--gla"});
      if (!walk_.to_guest_entry) {
        if (!walk_.user) {
          of_access.push_back({"a supervisor-mode access", "--user"});
        }
        of_access.push_back({"the guest's page is writable and executable"});
      }
    }
    Words left_out;
    Append(left_out, machine.secondary.value_or(0) & kSecondaryLeftOut,
           kSecondaryControlBits);
    Append(left_out, machine.tertiary.value_or(0) & kTertiaryLeftOut,
           kTertiaryControlBits);
    if (!left_out.empty()) {
      made_.notes.push_back(
          absl::StrCat("left out, for they need more than was given: ",
                       absl::StrJoin(left_out, ", ")));
    }
  }

  const CopiedWalk& walk_;
  WalkCase made_;
  std::size_t next_ = 0;            // of walk_.entries
  std::vector<EntryRead> read_;     // so far
  std::set<std::uint64_t> places_;  // that have their value
};

}  // namespace

Case CaseUnder(std::uint64_t eptp, const KnownMachine& machine) {
  Case c;
  c.processor.maxphyaddr =
      static_cast<std::uint8_t>(machine.maxphyaddr.value_or(52));
  c.processor.ept_vpid_cap = machine.capabilities.value_or(kAllCapabilities);
  c.controls.primary = 1u << 31;
  c.controls.secondary = (machine.secondary.value_or(0) & kSecondaryTaken) |
                         1u << 1 | (machine.mbec ? 1u << 22 : 0);
  c.controls.tertiary = machine.tertiary.value_or(0) & kTertiaryTaken;
  if (c.controls.tertiary != 0) c.controls.primary |= 1u << 17;
  if (Bit(c.controls.secondary, 5)) c.controls.vpid = 1;
  c.controls.eptp = eptp;
  c.guest.cr0 = 0x80010031;  // with WP
  c.guest.cr4 = 0x2020;
  c.guest.efer = 0xd00;
  c.guest.rflags = 2;
  c.guest.cs_l = true;
  return c;
}

absl::StatusOr<WalkCase> MakeWalkCase(const CopiedWalk& walk) {
  return Walker(walk).Make();
}

std::string AssumedWords(const std::vector<Assumption>& assumed) {
  std::vector<std::string> words;
  for (const Assumption& one : assumed) {
    words.push_back(one.option.empty()
                        ? one.words
                        : absl::StrCat(one.words, " (", one.option, ")"));
  }
  return absl::StrJoin(words, "; ");
}

TextCase CaseOfWalk(const CopiedWalk& walk, const WalkCase& made) {
  TextCase text_case;
  text_case.c = made.c;
  Canonicalise(text_case.c);
  std::vector<std::string> assumed;
  for (const auto* some : {&made.of_machine, &made.of_access}) {
    for (const Assumption& one : *some) assumed.push_back(one.words);
  }
  text_case.explanation = absl::StrCat(
      "Entries that were copied, under EPTP ", Hexadecimal(walk.eptp),
      ". Assumed: ", absl::StrJoin(assumed, "; "), ".");
  return text_case;
}

std::string AssumedText(const WalkCase& made) {
  std::vector<Assumption> all = made.of_machine;
  all.insert(all.end(), made.of_access.begin(), made.of_access.end());
  std::string text = Item(0, "assumed:", "", AssumedWords(all));
  for (const std::string& note : made.notes) {
    text += Item(0, "note:", "", note);
  }
  return text;
}

}  // namespace eptdiff
