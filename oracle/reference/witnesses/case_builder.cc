#include "oracle/reference/witnesses/case_builder.h"

#include <algorithm>

namespace eptdiff {
namespace {

constexpr std::uint64_t kPml4 = 0x1000;
constexpr std::uint64_t kTables[] = {0, 0x4000, 0x3000, 0x2000, kPml4, 0x5000};
constexpr std::uint64_t kSppTables[] = {0, 0xd000, 0xc000, 0xb000, 0xa000};
constexpr std::uint64_t kDefaultEntries[] = {0,      0x9037, 0x4007,
                                             0x3007, 0x2007, 0x1007};
constexpr std::uint64_t kDefaultSpp[] = {0, 0, 0xd001, 0xc001, 0xb001};
// Guest-physical.
constexpr std::uint64_t kGuestPage = 0x10000;
constexpr std::uint64_t kHlatPt = 0x19000;
constexpr std::uint64_t kPageBytes = 0x1000;
constexpr std::uint64_t kToHost = 0x10000;  // what EPT adds
constexpr int kEnableEpt = 1;
constexpr int kMbec = 22;
constexpr int kSpp = 23;

// Where the entry stands that the address selects at `level`.
Hpa Place(std::uint64_t table, int level, std::uint64_t gpa) {
  return {table + 8 * (gpa >> (12 + 9 * (level - 1)) & 511)};
}

}  // namespace

CaseBuilder::CaseBuilder(int levels) : levels_(levels) {
  // A.10: all that eptdiff knows of.
  case_.processor.ept_vpid_cap = 0x00000f01'06f341c1;
  case_.processor.ept_violation_ve = true;
  case_.processor.nx = true;
  case_.controls.primary = 0x80000000;  // activate secondary controls
  case_.controls.pml_address = 0x8000;
  case_.controls.spptp = 0xa000;
  case_.controls.ve_information_address = 0x6000;
  case_.controls.eptp_list_address = 0x7000;
  case_.guest.cr0 = 0x80000001;  // PG, PE
  case_.guest.cr4 = 0x20;        // PAE
  case_.guest.efer = 0xd00;      // LME, LMA, NXE
  case_.guest.cs_l = true;
  Secondary(kEnableEpt);
  Eptp(levels == 4 ? 0x101e : 0x5026);
}

CaseBuilder& CaseBuilder::N(std::uint8_t maxphyaddr) {
  case_.processor.maxphyaddr = maxphyaddr;
  return *this;
}

CaseBuilder& CaseBuilder::Keyids(std::uint8_t bits) {
  case_.processor.keyid_bits = bits;
  return *this;
}

CaseBuilder& CaseBuilder::Without(int capability) {
  case_.processor.ept_vpid_cap &= ~(std::uint64_t{1} << capability);
  return *this;
}

CaseBuilder& CaseBuilder::Eptp(std::uint64_t eptp) {
  case_.controls.eptp = eptp;
  return *this;
}

CaseBuilder& CaseBuilder::AccessedDirty() {
  case_.controls.eptp |= 0x40;
  return *this;
}

CaseBuilder& CaseBuilder::SupervisorShadowStack() {
  case_.controls.eptp |= 0x80;
  return *this;
}

CaseBuilder& CaseBuilder::Secondary(int bit) {
  case_.controls.secondary |= std::uint32_t{1} << bit;
  return *this;
}

CaseBuilder& CaseBuilder::Tertiary(int bit) {
  case_.controls.primary |= std::uint32_t{1} << 17;
  case_.controls.tertiary |= std::uint64_t{1} << bit;
  return *this;
}

CaseBuilder& CaseBuilder::Mbec() { return Secondary(kMbec); }

CaseBuilder& CaseBuilder::Pml(std::uint16_t index) {
  case_.controls.pml_index = index;
  return Secondary(17);
}

CaseBuilder& CaseBuilder::ApicPage(std::uint64_t hpa) {
  case_.controls.apic_access_address = hpa;
  return Secondary(0);
}

CaseBuilder& CaseBuilder::SubPage() { return Secondary(kSpp); }

CaseBuilder& CaseBuilder::Ve() { return Secondary(18); }

CaseBuilder& CaseBuilder::EptpSwitching() {
  case_.controls.vm_functions |= 1;
  return Secondary(13);
}

CaseBuilder& CaseBuilder::PagingWrite() { return Tertiary(2); }

CaseBuilder& CaseBuilder::Verification() { return Tertiary(3); }
CaseBuilder& CaseBuilder::Vpid(std::uint16_t vpid) {
  case_.controls.vpid = vpid;
  return Secondary(5);
}

CaseBuilder& CaseBuilder::TraceOutput() {
  case_.controls.entry_controls |= 1u << 18;  // load IA32_RTIT_CTL
  case_.controls.exit_controls |= 1u << 25;   // clear IA32_RTIT_CTL
  return Secondary(24);
}

CaseBuilder& CaseBuilder::Pebs() { return Tertiary(12); }

CaseBuilder& CaseBuilder::Entry(int level, std::uint64_t entry) {
  entries_[level] = entry;
  return *this;
}

CaseBuilder& CaseBuilder::SppEntry(int level, std::uint64_t entry) {
  spp_[level] = entry;
  return *this;
}

CaseBuilder& CaseBuilder::Word(std::uint64_t address, std::uint64_t value) {
  words_.push_back({Hpa{address}, value});
  return *this;
}

CaseBuilder& CaseBuilder::AddAccess(AccessKind kind, std::uint64_t gpa,
                                    std::uint16_t size) {
  if (paging_) return Linear(kind, gpa, size);
  Step step;
  step.kind = StepKind::kGuestPhysicalAccess;
  step.access.kind = kind;
  step.access.size = size;
  step.gpa = Gpa{gpa};
  step.page.gla = Gla{kGlaPage | (gpa & 0xfff)};
  step.page.writable = true;
  case_.steps.push_back(step);
  if (!address_) address_ = gpa;
  return *this;
}

CaseBuilder& CaseBuilder::Read(std::uint64_t gpa, std::uint16_t size) {
  return AddAccess(AccessKind::kRead, gpa, size);
}

CaseBuilder& CaseBuilder::Write(std::uint64_t gpa, std::uint16_t size) {
  return AddAccess(AccessKind::kWrite, gpa, size);
}

CaseBuilder& CaseBuilder::ReadModifyWrite(std::uint64_t gpa,
                                          std::uint16_t size) {
  return AddAccess(AccessKind::kReadModifyWrite, gpa, size);
}

CaseBuilder& CaseBuilder::Fetch(std::uint64_t gpa, std::uint16_t size) {
  return AddAccess(AccessKind::kFetch, gpa, size);
}

CaseBuilder& CaseBuilder::ShadowStackRead(std::uint64_t gpa) {
  return AddAccess(AccessKind::kShadowStackRead, gpa, 8);
}

CaseBuilder& CaseBuilder::ShadowStackWrite(std::uint64_t gpa) {
  return AddAccess(AccessKind::kShadowStackWrite, gpa, 8);
}

CaseBuilder& CaseBuilder::ShadowStackToken(std::uint64_t gpa) {
  return AddAccess(AccessKind::kShadowStackReadModifyWrite, gpa, 8);
}

CaseBuilder& CaseBuilder::PebsWrite(std::uint64_t gpa, std::uint16_t size) {
  AddAccess(AccessKind::kWrite, gpa, size);
  Step& step = case_.steps.back();
  step.access.pebs = true;
  step.page = {.gla_valid = false};
  return *this;
}

// Of a guest-physical access; with guest paging the entries say it.
CaseBuilder& CaseBuilder::User() {
  case_.steps.back().page.user = true;
  return *this;
}

CaseBuilder& CaseBuilder::Linear(AccessKind kind, std::uint64_t gla,
                                 std::uint16_t size) {
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access.kind = kind;
  step.access.size = size;
  step.gla = Gla{gla};
  case_.steps.push_back(step);
  if (!address_) address_ = gla;
  return *this;
}

CaseBuilder& CaseBuilder::Guest(GuestPaging paging) {
  paging_ = paging;
  address_ = kGuestPage;  // so that Pte() is the EPT PTE of the page
  GuestState& guest = case_.guest;
  const bool long_mode =
      paging == GuestPaging::k4Level || paging == GuestPaging::k5Level;
  guest.cr0 = 0x80010001;  // PG, WP, PE
  guest.efer = long_mode ? 0xd00 : 0x800;
  guest.cs_l = long_mode;
  constexpr std::uint64_t kPse = 0x10, kPae = 0x20, kLa57 = 0x1020;
  constexpr std::uint64_t kCr4[] = {kPse, kPae, kPae, kLa57};
  guest.cr4 = kCr4[static_cast<int>(paging)];
  constexpr std::uint64_t kRootLevel[] = {2, 3, 4, 5};
  guest.cr3 = kGuestPage + kPageBytes * kRootLevel[static_cast<int>(paging)];
  if (paging == GuestPaging::kPae) guest.pdpte.fill(0x12001);
  case_.processor.page_1gb = true;
  case_.processor.pse36 = true;
  return *this;
}

CaseBuilder& CaseBuilder::Hlat(std::uint16_t prefix_size) {
  hlat_ = true;
  const std::uint64_t root_level = paging_ == GuestPaging::k5Level ? 5 : 4;
  case_.controls.hlatp = kHlatPt + kPageBytes * (root_level - 1);
  case_.controls.hlat_prefix_size = prefix_size;
  case_.processor.ept_vpid_cap |= std::uint64_t{prefix_size} << 48;
  return Tertiary(1);
}

CaseBuilder& CaseBuilder::GuestEntry(int level, std::uint64_t entry) {
  guest_[level] = entry;
  return *this;
}

CaseBuilder& CaseBuilder::HlatEntry(int level, std::uint64_t entry) {
  hlat_entries_[level] = entry;
  return *this;
}

CaseBuilder& CaseBuilder::EptPte(std::uint64_t gpa, std::uint64_t entry) {
  ept_ptes_[gpa] = entry;
  return *this;
}

CaseBuilder& CaseBuilder::Cr4(std::uint64_t bits) {
  case_.guest.cr4 |= bits;
  return *this;
}

CaseBuilder& CaseBuilder::Cpl3() {
  case_.guest.cpl = 3;
  return *this;
}

// The tables of one hierarchy: the PT in `first_page`, the PD in the next ...
void CaseBuilder::PlaceGuestTables(
    Case& c, std::uint64_t first_page,
    const std::optional<std::uint64_t>* entries) const {
  const auto linear = std::find_if(
      case_.steps.begin(), case_.steps.end(),
      [](const Step& step) { return step.kind == StepKind::kLinearAccess; });
  const std::uint64_t gla = linear == case_.steps.end() ? 0 : linear->gla.value;
  const bool wide = paging_ != GuestPaging::k32Bit;
  constexpr int kTopLevel[] = {2, 2, 4, 5};
  for (int level = kTopLevel[static_cast<int>(*paging_)]; level >= 1; --level) {
    const int bits = wide ? 9 : 10;
    const std::uint64_t index =
        gla >> (12 + bits * (level - 1)) & ((std::uint64_t{1} << bits) - 1);
    const std::uint64_t table =
        first_page + kPageBytes * static_cast<std::uint64_t>(level - 1);
    const std::uint64_t below = table - kPageBytes;
    const std::uint64_t entry =
        entries[level].value_or(level == 1 ? kGuestPage | 0x67 : below | 0x27);
    const std::uint64_t address = table + kToHost + (wide ? 8 : 4) * index;
    c.memory.push_back({Hpa{address & ~std::uint64_t{7}},
                        entry << (wide ? 0 : 8 * (address & 4))});
  }
}

void CaseBuilder::PlaceGuest(Case& c) const {
  const bool mbec = case_.controls.secondary >> kMbec & 1;
  for (std::uint64_t gpa = kGuestPage; gpa <= 0x1d000; gpa += kPageBytes) {
    std::uint64_t entry = (gpa + kToHost) | 0x37 | (mbec ? 0x400 : 0);
    if (gpa == kGuestPage) entry = entries_[1].value_or(entry);
    const auto told = ept_ptes_.find(gpa);
    if (told != ept_ptes_.end()) entry = told->second;
    c.memory.push_back({Place(kTables[1], 1, gpa), entry});
  }
  PlaceGuestTables(c, kGuestPage + kPageBytes, guest_);
  if (hlat_) PlaceGuestTables(c, kHlatPt, hlat_entries_);
}

CaseBuilder& CaseBuilder::AddStructureStep(StepKind kind, std::uint64_t gpa) {
  Step step;
  step.kind = kind;
  step.gpa = Gpa{gpa};
  step.page.gla = Gla{kGlaPage};
  case_.steps.push_back(step);
  if (!address_) address_ = gpa;
  return *this;
}

CaseBuilder& CaseBuilder::StructureRead(std::uint64_t gpa) {
  return AddStructureStep(StepKind::kPagingStructureRead, gpa);
}

CaseBuilder& CaseBuilder::StructureUpdate(std::uint64_t gpa) {
  return AddStructureStep(StepKind::kPagingStructureUpdate, gpa);
}

CaseBuilder& CaseBuilder::PdpteLoad(std::uint64_t cr3) {
  case_.guest.cr3 = cr3;
  case_.guest.efer = 0;  // PAE paging
  case_.guest.cs_l = false;
  Step step;
  step.kind = StepKind::kPdpteLoad;
  case_.steps.push_back(step);
  if (!address_) address_ = cr3 & 0xffffffe0;
  return *this;
}

CaseBuilder& CaseBuilder::Store(std::uint64_t hpa, std::uint64_t value) {
  Step step;
  step.kind = StepKind::kStore;
  step.hpa = Hpa{hpa};
  step.value = value;
  case_.steps.push_back(step);
  return *this;
}

CaseBuilder& CaseBuilder::Switch(std::uint32_t index) {
  Step step;
  step.kind = StepKind::kEptpSwitch;
  step.index = index;
  case_.steps.push_back(step);
  return *this;
}

CaseBuilder& CaseBuilder::Vmfunc(std::uint32_t eax, std::uint32_t ecx) {
  Switch(ecx);
  case_.steps.back().value = eax;
  return *this;
}

CaseBuilder& CaseBuilder::Give(GuestRegister reg, std::uint64_t value) {
  Step step;
  step.kind = StepKind::kRegisterWrite;
  step.reg = reg;
  step.value = value;
  case_.steps.push_back(step);
  return *this;
}

CaseBuilder& CaseBuilder::Invalidate(const Invalidation& invalidation) {
  Step step;
  step.kind = StepKind::kInvalidation;
  step.invalidation = invalidation;
  case_.steps.push_back(step);
  return *this;
}

CaseBuilder& CaseBuilder::Invept(std::uint8_t type, std::uint64_t eptp) {
  return Invalidate({InvalidationKind::kInvept, type, eptp, 0});
}

CaseBuilder& CaseBuilder::Invvpid(std::uint8_t type, std::uint64_t vpid,
                                  std::uint64_t gla) {
  return Invalidate({InvalidationKind::kInvvpid, type, vpid, gla});
}

CaseBuilder& CaseBuilder::Invlpg(std::uint64_t gla) {
  return Invalidate({InvalidationKind::kInvlpg, 0, 0, gla});
}

CaseBuilder& CaseBuilder::Invpcid(std::uint8_t type, std::uint64_t pcid,
                                  std::uint64_t gla) {
  return Secondary(12).Invalidate(
      {InvalidationKind::kInvpcid, type, pcid, gla});
}

CaseBuilder& CaseBuilder::EnterWith(std::uint32_t field, std::uint64_t value) {
  Step step;
  step.kind = StepKind::kVmEntry;
  step.index = field;
  step.value = value;
  case_.steps.push_back(step);
  return *this;
}

CaseBuilder& CaseBuilder::On(std::uint8_t processor) {
  case_.steps.back().processor = processor;
  return *this;
}

CaseBuilder& CaseBuilder::AsItIs() {
  as_it_is_ = true;
  return *this;
}

// What cases say nothing of and VM entry insists on (27.3.1.1, .4).
void CaseBuilder::MakeAcceptable(Case& c) {
  GuestState& guest = c.guest;
  guest.cr0 |= 0x20;    // NE
  guest.cr4 |= 0x2000;  // VMXE
  guest.rflags |= 2;
  constexpr std::uint64_t kPaging = 0x80000000;
  constexpr std::uint64_t kPagingAndProtection = 0x80000001;
  if ((guest.cr0 & kPaging) == 0) guest.efer &= ~0x400ull;  // LMA
  if ((guest.cr0 & kPagingAndProtection) != kPagingAndProtection &&
      (c.controls.secondary & 1 << kEnableEpt) != 0) {
    c.controls.secondary |= 0x80;  // unrestricted guest
  }
}

Case CaseBuilder::Build() const {
  Case c = case_;
  if (!as_it_is_) MakeAcceptable(c);
  const std::uint64_t gpa = address_.value_or(0);
  const bool mbec = case_.controls.secondary >> kMbec & 1;
  for (int level = levels_; level > (paging_ ? 1 : 0); --level) {
    const std::uint64_t entry =
        entries_[level].value_or(kDefaultEntries[level] | (mbec ? 0x400 : 0));
    c.memory.push_back({Place(kTables[level], level, gpa), entry});
  }
  if (paging_) PlaceGuest(c);
  const bool spp = case_.controls.secondary >> kSpp & 1;
  for (int level = 4; spp && level >= 1; --level) {
    c.memory.push_back({Place(kSppTables[level], level, gpa),
                        spp_[level].value_or(kDefaultSpp[level])});
  }
  c.memory.insert(c.memory.end(), words_.begin(), words_.end());
  return c;
}

}  // namespace eptdiff
