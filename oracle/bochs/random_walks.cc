#include "oracle/bochs/random_walks.h"

#include <cstdint>
#include <map>
#include <vector>

namespace eptdiff {
namespace {

// Where things lie, below the narrowest MAXPHYADDR.
constexpr std::uint64_t kRoot = 0x1000, kTables = 0x100000, kTableFrames = 256;
constexpr std::uint64_t kSppRoot = 0x40000, kLog = 0x50000, kArea = 0x60000;
constexpr std::uint64_t kPages = 0x80000000;

constexpr std::uint64_t Bit(int n) { return std::uint64_t{1} << n; }

// Guest paging: how many levels of tables are in memory (the PAE PDPTEs are
// not), and what an entry looks like.
struct GuestPaging {
  int levels = 0;  // 0: CR0.PG = 0
  int index_bits = 9;
  unsigned entry_bytes = 8;
};

class Maker {
 public:
  explicit Maker(std::uint64_t number) : state_(number * 0x2545f4914f6cdd1d) {}

  Case Make() {
    MakeProcessor();
    MakeGuest();
    MakeRights();
    MakeControls();
    const int pages = 1 + static_cast<int>(Below(3));
    for (int i = 0; i < pages; ++i) {
      const std::uint64_t gpa = MakeGpa();
      gpas_.push_back(gpa);
      MakePath(gpa);
      MakeSubPagePath(gpa);
    }
    if (paging_.levels > 0) MakeGlas();
    if (OneIn(8)) Put(kArea, Next());  // the #VE area is in use
    const int steps = 1 + static_cast<int>(Below(6));
    for (int i = 0; i < steps; ++i) c_.steps.push_back(MakeStep());
    return c_;
  }

 private:
  // splitmix64.
  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t Below(std::uint64_t n) { return Next() % n; }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }
  // `bits` or nothing.
  std::uint64_t Maybe(std::uint64_t bits) { return OneIn(2) ? bits : 0; }

  void Put(std::uint64_t address, std::uint64_t value) {
    c_.memory.push_back({Hpa{address}, value});
  }

  void MakeProcessor() {
    c_.processor.maxphyaddr = static_cast<std::uint8_t>(32 + Below(21));
    c_.processor.ept_vpid_cap = 0x00a14141 | Maybe(Bit(17)) | Maybe(Bit(22));
    c_.processor.ept_violation_ve = true;
    c_.processor.nx = true;
    c_.processor.page_1gb = OneIn(2);
    c_.processor.pse36 = true;
  }

  void MakeGuest() {
    GuestState& guest = c_.guest;
    switch (Below(7)) {
      case 0:
        break;  // real mode
      case 1:
        guest.cr0 = 1;
        break;  // no paging
      case 2:
        guest.cr0 = 0x80000001;
        guest.cr4 = Maybe(Bit(4)) | Maybe(Bit(12));
        paging_ = {.levels = 2, .index_bits = 10, .entry_bytes = 4};
        break;
      case 3:
        guest.cr0 = 0x80000001;
        guest.cr4 = 0x20;
        paging_ = {.levels = 2};
        break;
      default:  // IA-32e mode
        guest.cr0 = 0x80000001;
        guest.cr4 = 0x20 | Maybe(Bit(12));
        guest.efer = 0x500;
        guest.cs_l = !OneIn(3);
        paging_ = {.levels = guest.cr4 & Bit(12) ? 5 : 4};
    }
    guest.efer |= Maybe(0x800);
    guest.cr0 |= Maybe(Bit(30));
    guest.cr3 = Next() & 0xfffff000;
    for (std::uint64_t& pdpte : guest.pdpte) {
      pdpte = (Next() & 0xfffff000) | (OneIn(8) ? 0 : 1);
    }
    guest.cpl = static_cast<std::uint8_t>(Below(4));
    guest.event_delivery = OneIn(16);
    guest.nmi_unblocking = OneIn(16);
  }

  // What guest paging goes by besides the tables.
  void MakeRights() {
    GuestState& guest = c_.guest;
    guest.cr4 |= (OneIn(4) ? Bit(20) : 0) | (OneIn(4) ? Bit(21) : 0) |
                 Maybe(Bit(22)) | Maybe(Bit(24)) | Maybe(Bit(7));
    guest.rflags = 2 | Maybe(Bit(18));
    // CR4.CET needs CR0.WP; Bochs panics where the two part.
    if (OneIn(2)) {
      guest.cr4 |= Bit(23);
      c_.processor.cet_ss = true;
    }
    guest.cr0 |= c_.processor.cet_ss ? Bit(16) : Maybe(Bit(16));
    // Most keys allow everything.
    guest.pkru = static_cast<std::uint32_t>(Next() & Next() & Next());
    guest.pkrs = static_cast<std::uint32_t>(Next() & Next() & Next());
  }

  void MakeControls() {
    Controls& controls = c_.controls;
    controls.pin_based = static_cast<std::uint32_t>(Maybe(8) | Maybe(0x28));
    controls.primary = 1u << 31;
    controls.secondary = static_cast<std::uint32_t>(
        2 | Maybe(Bit(17)) | Maybe(Bit(18)) | Maybe(Bit(22)) | Maybe(Bit(23)));
    controls.exception_bitmap =
        static_cast<std::uint32_t>(Maybe(Bit(20)) | Maybe(Bit(13)));
    controls.eptp = kRoot | 3 << 3 | Maybe(6) | Maybe(Bit(6)) | Maybe(Bit(7));
    controls.pml_address = kLog;
    constexpr std::uint16_t kIndices[] = {511, 511, 511, 2, 1, 0, 512, 0xffff};
    controls.pml_index = kIndices[Below(8)];
    controls.spptp = kSppRoot;
    controls.ve_information_address = kArea;
    controls.eptp_index = static_cast<std::uint16_t>(Next());
  }

  std::uint64_t MakeGpa() {
    const std::uint64_t wide =
        OneIn(16) ? Next() & 0xfffffffffffff : Next() & 0xffffffff;
    return OneIn(8) ? wide | 0xff8 : wide;
  }

  // Rarely, a few bits of an entry are not what they should be; more rarely
  // where a walk uses many.
  std::uint64_t Spoil(std::uint64_t entry) {
    const std::uint64_t rarity = paging_.levels > 0 ? 6 : 1;
    if (OneIn(40 * rarity)) entry ^= Bit(static_cast<int>(Below(64)));
    if (OneIn(60 * rarity)) entry &= ~std::uint64_t{7};
    return entry;
  }

  std::uint64_t Permissions() {
    constexpr std::uint64_t kUsual[] = {7, 7, 7, 7, 7, 5, 3, 1, 4};
    return kUsual[Below(9)] | Maybe(Bit(10)) | Maybe(Bit(8)) | Maybe(Bit(9));
  }

  // The entries from the root to a leaf that map `gpa`, with `Rights()` in the
  // leaf. Returns the host-physical address, were the leaf as it should be.
  template <typename Rights>
  std::uint64_t MakePath(std::uint64_t gpa, Rights rights) {
    constexpr std::uint64_t kTypes[] = {0, 1, 4, 5, 6, 6, 6, 6};
    const int leaf = OneIn(4) ? static_cast<int>(Below(3)) : 0;
    std::uint64_t table = kRoot;
    for (int level = 3; level >= 0; --level) {
      const int shift = 12 + 9 * level;
      const std::uint64_t address = table + ((gpa >> shift) & 0x1ff) * 8;
      // What an earlier path has put here stays.
      const auto [entry, is_new] = tables_.try_emplace(address);
      if (!is_new) {
        table = entry->second.next;
        const std::uint64_t offset = gpa & (Bit(shift) - 1);
        if (entry->second.leaf) return table | offset;
        continue;
      }
      if (level == leaf) {
        const std::uint64_t page =
            (kPages | (Next() & 0x7ffff000)) & ~(Bit(shift) - 1);
        const std::uint64_t offset = gpa & (Bit(shift) - 1);
        PutPdptes(page + (offset & ~std::uint64_t{0x1f}));
        Put(address, Spoil(page | rights() | (level ? Bit(7) : 0) |
                           kTypes[Below(8)] << 3 | Maybe(Bit(61)) |
                           Maybe(Bit(60)) | Maybe(Bit(63))));
        entry->second = {.next = page, .leaf = true};
        return page | offset;
      }
      table = entry->second.next = kTables + Below(kTableFrames) * 0x1000;
      Put(address, Spoil(table | (OneIn(10) ? Permissions() : 7 | Bit(10)) |
                         Maybe(Bit(8))));
    }
    return 0;
  }
  std::uint64_t MakePath(std::uint64_t gpa) {
    return MakePath(gpa, [this] { return Permissions(); });
  }

  // A few GLAs, some with the page that follows.
  void MakeGlas() {
    const int glas = 1 + static_cast<int>(Below(2));
    for (int i = 0; i < glas; ++i) {
      std::uint64_t gla = Next();
      const bool compatibility = !c_.guest.cs_l && !OneIn(3);
      if (paging_.levels <= 3 || compatibility) gla &= 0xffffffff;
      if (OneIn(4)) gla |= 0xff8;
      gla = Canonical(gla);
      glas_.push_back(gla);
      MakeGuestPath(gla);
      if (gla % 0x1000 >= 0xff0) MakeGuestPath(Canonical(gla + 0x1000));
    }
  }

  // IA-32e mode: the sign is extended.
  std::uint64_t Canonical(std::uint64_t gla) const {
    if (paging_.levels < 4) return gla & 0xffffffff;
    const int unused = paging_.levels == 5 ? 7 : 16;
    return static_cast<std::uint64_t>(
        static_cast<std::int64_t>(gla << unused) >> unused);
  }

  bool UsesPdptes() const {
    return paging_.levels == 2 && paging_.entry_bytes == 8;
  }

  // The guest's entries that map `gla`, each where EPT mostly lets the guest's
  // own walk read and write it.
  void MakeGuestPath(std::uint64_t gla) {
    std::uint64_t table =
        UsesPdptes() ? c_.guest.pdpte[gla >> 30 & 3] & ~Bit(0) : c_.guest.cr3;
    const bool large = OneIn(4);
    for (int level = paging_.levels - 1; level >= 0; --level) {
      const int shift = 12 + paging_.index_bits * level;
      const std::uint64_t index = gla >> shift & (Bit(paging_.index_bits) - 1);
      const std::uint64_t gpa = table + index * paging_.entry_bytes;
      const std::uint64_t host = MakePath(gpa, [this] {
        return OneIn(12) ? Permissions() : 7 | Maybe(Bit(8) | Bit(9));
      });
      const auto [entry, is_new] = guest_tables_.try_emplace(gpa);
      if (!is_new) {
        if (entry->second.leaf) return;
        table = entry->second.next;
        continue;
      }
      const bool leaf = level == 0 || (large && level <= 2 && OneIn(2));
      table = Next() & 0xfffff000;
      if (leaf) {
        table &= ~(Bit(shift) - 1);
        MakePath(table | (gla & (Bit(shift) - 1)));
      }
      entry->second = {.next = table, .leaf = leaf};
      PutGuestEntry(host, GuestEntry(table, leaf && level > 0));
      if (leaf) return;
    }
  }

  std::uint64_t GuestEntry(std::uint64_t address, bool large) {
    constexpr std::uint64_t kUsual[] = {7, 7, 7, 7, 7, 7, 7, 3, 5, 0x41, 0x45};
    std::uint64_t entry = address | kUsual[Below(11)] | Maybe(Bit(5)) |
                          Maybe(Bit(6)) | (large ? Bit(7) : 0);
    if (paging_.entry_bytes == 4) {
      if (large && OneIn(8)) entry |= Bit(13 + static_cast<int>(Below(9)));
      return entry;
    }
    if (OneIn(16)) entry |= Bit(63);
    if (paging_.levels >= 4) entry |= Maybe(Below(16) << 59);  // the key
    return Spoil(entry);
  }

  // An entry of 4 bytes is put into both halves of its word.
  void PutGuestEntry(std::uint64_t host, std::uint64_t entry) {
    if (paging_.entry_bytes == 4) entry = (entry & 0xffffffff) | entry << 32;
    Put(host & ~std::uint64_t{7}, entry);
  }

  // Four words that can be loaded into the PDPTE registers, or cannot.
  void PutPdptes(std::uint64_t address) {
    if (OneIn(2)) return;
    for (std::uint64_t i = 0; i < 4; ++i) {
      Put(address + 8 * i,
          Spoil(Next() & 0xfffff000) | Maybe(1) | (OneIn(8) ? Bit(5) : 0));
    }
  }

  void MakeSubPagePath(std::uint64_t gpa) {
    std::uint64_t table = kSppRoot;
    for (int level = 3; level >= 0; --level) {
      const std::uint64_t address =
          table + ((gpa >> (12 + 9 * level)) & 0x1ff) * 8;
      table = kSppRoot + (4 - static_cast<std::uint64_t>(level)) * 0x1000;
      const std::uint64_t vector = Next() & 0x5555555555555555;
      Put(address, Spoil(level == 0 ? vector : table | 1));
    }
  }

  Step MakeStep() {
    Step step;
    constexpr StepKind kKinds[] = {
        StepKind::kGuestPhysicalAccess, StepKind::kGuestPhysicalAccess,
        StepKind::kGuestPhysicalAccess, StepKind::kLinearAccess,
        StepKind::kPagingStructureRead, StepKind::kPagingStructureUpdate,
        StepKind::kPdpteLoad,           StepKind::kStore};
    step.kind = kKinds[Below(8)];
    if (step.kind == StepKind::kPagingStructureUpdate && !glas_.empty()) {
      step.kind = StepKind::kLinearAccess;
    }
    step.access.kind = static_cast<AccessKind>(Below(6));
    step.access.size = static_cast<std::uint8_t>(1 + Below(16));
    step.access.implicit_supervisor = OneIn(8);
    step.access.wruss = OneIn(8);
    std::uint64_t gpa = gpas_[Below(gpas_.size())];
    if (OneIn(4)) gpa = (gpa & ~std::uint64_t{0xfff}) | Below(0x1000);
    step.gpa = Gpa{step.kind == StepKind::kGuestPhysicalAccess
                       ? gpa
                       : gpa & ~std::uint64_t{7}};
    // What stays in its page or goes into the one that follows.
    step.gla = Gla{glas_.empty() ? gpa : glas_[Below(glas_.size())]};
    // Outside 64-bit mode a wide address is that of a descriptor table.
    if (!c_.guest.cs_l && step.gla.value >> 32 != 0) {
      if (glas_.empty()) step.gla.value &= 0xffffffff;
      step.access.implicit_supervisor = true;
    }
    step.page = {.gla = Gla{Next()},
                 .user = OneIn(2),
                 .writable = OneIn(2),
                 .execute_disable = OneIn(2)};
    if (step.kind == StepKind::kPdpteLoad && OneIn(2)) LeadCr3To(gpa);
    if (step.kind == StepKind::kStore) {
      const MemoryWord& word = c_.memory[Below(c_.memory.size())];
      step.hpa = word.address;
      step.value = word.value ^ Bit(static_cast<int>(Below(64)));
    }
    return step;
  }

  // So that some loads of the PDPTE registers find their page, where no guest
  // table lies at CR3.
  void LeadCr3To(std::uint64_t gpa) {
    if (glas_.empty() || UsesPdptes()) c_.guest.cr3 = gpa & 0xffffffe0;
  }

  std::uint64_t state_;
  // Where an entry leads.
  struct Target {
    std::uint64_t next = 0;
    bool leaf = false;
  };

  std::vector<std::uint64_t> gpas_, glas_;
  GuestPaging paging_;
  std::map<std::uint64_t, Target> tables_;  // by address of the entry
  std::map<std::uint64_t, Target> guest_tables_;
  Case c_;
};

}  // namespace

Case RandomWalks(std::uint64_t number) { return Maker(number).Make(); }

}  // namespace eptdiff
