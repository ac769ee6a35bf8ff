#include "oracle/reference/case_builder.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPml4 = 0x1000;
constexpr std::uint64_t kTables[] = {0, 0x4000, 0x3000, 0x2000, kPml4, 0x5000};
constexpr std::uint64_t kSppTables[] = {0, 0xd000, 0xc000, 0xb000, 0xa000};
constexpr std::uint64_t kDefaultEntries[] = {0,      0x9037, 0x4007,
                                             0x3007, 0x2007, 0x1007};
constexpr std::uint64_t kDefaultSpp[] = {0, 0, 0xd001, 0xc001, 0xb001};
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

CaseBuilder& CaseBuilder::SubPage() { return Secondary(kSpp); }

CaseBuilder& CaseBuilder::Ve() { return Secondary(18); }

CaseBuilder& CaseBuilder::EptpSwitching() {
  case_.controls.vm_functions |= 1;
  return Secondary(13);
}

CaseBuilder& CaseBuilder::PagingWrite() { return Tertiary(2); }

CaseBuilder& CaseBuilder::Verification() { return Tertiary(3); }

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
                                    std::uint8_t size) {
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

CaseBuilder& CaseBuilder::Read(std::uint64_t gpa, std::uint8_t size) {
  return AddAccess(AccessKind::kRead, gpa, size);
}

CaseBuilder& CaseBuilder::Write(std::uint64_t gpa, std::uint8_t size) {
  return AddAccess(AccessKind::kWrite, gpa, size);
}

CaseBuilder& CaseBuilder::ReadModifyWrite(std::uint64_t gpa,
                                          std::uint8_t size) {
  return AddAccess(AccessKind::kReadModifyWrite, gpa, size);
}

CaseBuilder& CaseBuilder::Fetch(std::uint64_t gpa, std::uint8_t size) {
  return AddAccess(AccessKind::kFetch, gpa, size);
}

CaseBuilder& CaseBuilder::ShadowStackRead(std::uint64_t gpa) {
  return AddAccess(AccessKind::kShadowStackRead, gpa, 8);
}

CaseBuilder& CaseBuilder::ShadowStackWrite(std::uint64_t gpa) {
  return AddAccess(AccessKind::kShadowStackWrite, gpa, 8);
}

CaseBuilder& CaseBuilder::User() {
  case_.steps.back().page.user = true;
  return *this;
}

CaseBuilder& CaseBuilder::Linear(AccessKind kind, std::uint64_t gla) {
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access.kind = kind;
  step.gla = Gla{gla};
  case_.steps.push_back(step);
  if (!address_) address_ = gla;
  return *this;
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

Case CaseBuilder::Build() const {
  Case c = case_;
  const std::uint64_t gpa = address_.value_or(0);
  const bool mbec = case_.controls.secondary >> kMbec & 1;
  for (int level = levels_; level >= 1; --level) {
    const std::uint64_t entry =
        entries_[level].value_or(kDefaultEntries[level] | (mbec ? 0x400 : 0));
    c.memory.push_back({Place(kTables[level], level, gpa), entry});
  }
  const bool spp = case_.controls.secondary >> kSpp & 1;
  for (int level = 4; spp && level >= 1; --level) {
    c.memory.push_back({Place(kSppTables[level], level, gpa),
                        spp_[level].value_or(kDefaultSpp[level])});
  }
  c.memory.insert(c.memory.end(), words_.begin(), words_.end());
  return c;
}

}  // namespace eptdiff
