#include "oracle/single_entries.h"

#include <array>
#include <vector>

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int position) {
  return std::uint64_t{1} << position;
}

// Frames of the world. Those that entries refer to are 1-GByte aligned, so that
// no address bit of an entry is a reserved one by accident, whatever the entry
// is taken for.
constexpr std::uint64_t kPage = Bit(30);
constexpr std::uint64_t TableOf(int level) {
  return Bit(31) + Bit(30) * static_cast<unsigned>(level);
}
constexpr std::uint64_t kSpp = 0x20000;  // + 0x1000 x level
constexpr std::uint64_t kLog = 0x30000;
constexpr std::uint64_t kVeArea = 0x31000;

// The address that every access has; each index is another.
constexpr std::uint64_t kGpa =
    Bit(39) * 3 + Bit(30) * 5 + Bit(21) * 7 + Bit(12) * 9 + 0x128;

constexpr std::uint64_t kAllCapabilities =
    Bit(0) | Bit(6) | Bit(7) | Bit(8) | Bit(14) | Bit(16) | Bit(17) | Bit(20) |
    Bit(21) | Bit(22) | Bit(23);
constexpr std::uint64_t kExecuteOnly = Bit(0);
constexpr std::uint64_t kLarge2m = Bit(16);
constexpr std::uint64_t kLarge1g = Bit(17);

constexpr std::uint64_t kPml = Bit(17);
constexpr std::uint64_t kVe = Bit(18);
constexpr std::uint64_t kMbec = Bit(22);
constexpr std::uint64_t kSubPage = Bit(23);
constexpr std::uint64_t kPagingWrite = Bit(2);

constexpr std::uint64_t kAccessedDirty = Bit(6);
constexpr std::uint64_t kShadowStack = Bit(7);

Setting Make(std::string_view name, std::uint64_t eptp_flags,
             std::uint64_t secondary, std::uint64_t tertiary,
             std::uint64_t missing_capabilities, bool five_level,
             std::uint8_t maxphyaddr = 46) {
  Setting setting;
  setting.name = name;
  setting.processor.maxphyaddr = maxphyaddr;
  setting.processor.ept_vpid_cap = kAllCapabilities & ~missing_capabilities;
  setting.processor.ept_violation_ve = true;
  setting.processor.nx = setting.processor.cet_ss = true;
  Controls& controls = setting.controls;
  controls.primary = static_cast<std::uint32_t>(Bit(31) | Bit(17));
  controls.secondary = static_cast<std::uint32_t>(Bit(1) | secondary);
  controls.tertiary = tertiary;
  controls.eptp = 6 | eptp_flags | (five_level ? 4u << 3 : 3u << 3) |
                  TableOf(five_level ? 5 : 4);
  controls.pml_address = kLog;
  controls.pml_index = 100;
  controls.spptp = kSpp + 0x4000;
  controls.ve_information_address = kVeArea;
  setting.guest.cr0 = Bit(31) | Bit(0);
  setting.guest.cr4 = Bit(5);
  setting.guest.efer = Bit(8) | Bit(10) | Bit(11);
  setting.guest.cs_l = true;
  return setting;
}

std::vector<Setting> MakeSettings() {
  std::vector<Setting> settings = {
      Make("plain", 0, 0, 0, 0, false),
      Make("accessed-dirty", kAccessedDirty, 0, 0, 0, false),
      Make("mbec", 0, kMbec, 0, 0, false),
      Make("mbec, accessed-dirty", kAccessedDirty, kMbec, 0, 0, false),
      Make("no execute-only", 0, 0, 0, kExecuteOnly, false),
      Make("no execute-only, mbec", 0, kMbec, 0, kExecuteOnly, false),
      Make("shadow-stack control", kShadowStack, 0, 0, 0, false),
      Make("shadow-stack control, accessed-dirty, mbec",
           kShadowStack | kAccessedDirty, kMbec, 0, 0, false),
      Make("paging-write", 0, 0, kPagingWrite, 0, false),
      Make("paging-write, accessed-dirty, mbec", kAccessedDirty, kMbec,
           kPagingWrite, 0, false),
      Make("paging-write, no execute-only", 0, 0, kPagingWrite, kExecuteOnly,
           false),
      Make("sub-page", 0, kSubPage, 0, 0, false),
      Make("sub-page, accessed-dirty, shadow-stack control, paging-write",
           kAccessedDirty | kShadowStack, kSubPage, kPagingWrite, 0, false),
      Make("#VE", 0, kVe, 0, 0, false),
      Make("#VE, mbec, accessed-dirty", kAccessedDirty, kVe | kMbec, 0, 0,
           false),
      Make("log", kAccessedDirty, kPml, 0, 0, false),
      Make("log without accessed-dirty", 0, kPml, 0, 0, false),
      Make("no 1-GByte pages", kAccessedDirty, 0, 0, kLarge1g, false),
      Make("no 2-MByte pages", kAccessedDirty, 0, 0, kLarge2m, false),
      Make("36 bits", 0, 0, 0, 0, false, 36),
      Make("52 bits", 0, 0, 0, 0, false, 52),
      Make("5 levels", 0, 0, 0, 0, true),
      Make("5 levels, mbec, accessed-dirty, #VE", kAccessedDirty, kMbec | kVe,
           0, 0, true),
      Make("5 levels, log, shadow-stack control", kAccessedDirty | kShadowStack,
           kPml, 0, 0, true),
  };
  Setting full = Make("log full", kAccessedDirty, kPml, 0, 0, false);
  full.controls.pml_index = 0xffff;
  settings.push_back(full);
  Setting real = Make("no guest paging, mbec", 0, kMbec, 0, 0, false);
  real.guest.cr0 = Bit(0) | Bit(30);
  real.guest.cs_l = false;
  settings.push_back(real);
  return settings;
}

Step Data(AccessKind kind, bool user_page) {
  Step step;
  step.kind = StepKind::kGuestPhysicalAccess;
  step.access.kind = kind;
  step.access.size = 8;
  step.gpa = {kGpa};
  step.page.gla = {0xffff800000001128};
  step.page.user = user_page;
  step.page.writable = true;
  step.page.pat_index = 1;
  return step;
}

Step Structure(StepKind kind) {
  Step step;
  step.kind = kind;
  step.gpa = {kGpa};
  step.page.gla = {0xffff800000001128};
  return step;
}

std::vector<NamedStep> MakeAccesses() {
  Step user_shadow_stack = Data(AccessKind::kShadowStackWrite, true);
  user_shadow_stack.access.wruss = true;
  return {
      {"read", Data(AccessKind::kRead, false)},
      {"write", Data(AccessKind::kWrite, false)},
      {"read-modify-write", Data(AccessKind::kReadModifyWrite, true)},
      {"supervisor-mode fetch", Data(AccessKind::kFetch, false)},
      {"user-mode fetch", Data(AccessKind::kFetch, true)},
      {"supervisor shadow-stack read",
       Data(AccessKind::kShadowStackRead, false)},
      {"supervisor shadow-stack write",
       Data(AccessKind::kShadowStackWrite, false)},
      {"user shadow-stack write", user_shadow_stack},
      {"paging-structure read", Structure(StepKind::kPagingStructureRead)},
      {"paging-structure update", Structure(StepKind::kPagingStructureUpdate)},
  };
}

// Tables that allow everything, down to a 4-KByte page, their A and D flags set
// so that only the entry in question has any to set; an SPP vector that allows
// the sub-page of kGpa; old values in the #VE information area.
void BuildTables(const Setting& setting, SparseMemory& memory) {
  constexpr std::uint64_t kAllowAll = 7 | Bit(8) | Bit(10);
  const int top = (setting.controls.eptp >> 3 & 7) == 4 ? 5 : 4;
  for (int level = top; level >= 1; --level) {
    const std::uint64_t index = kGpa >> (3 + 9 * level) & 0x1ff;
    const std::uint64_t table = TableOf(level);
    memory.Store({table + 8 * index},
                 level == 1 ? kPage | kAllowAll | 6 << 3 | Bit(9) | Bit(60)
                            : TableOf(level - 1) | kAllowAll);
    if (level > 4) continue;
    const std::uint64_t spp = kSpp + 0x1000u * static_cast<unsigned>(level);
    memory.Store({spp + 8 * index},
                 level == 1 ? Bit(2 * (kGpa >> 7 & 31)) : (spp - 0x1000) | 1);
  }
  for (unsigned offset : {8, 16, 24, 32}) {
    memory.Store({kVeArea + offset}, 0x5a5a5a5a5a5a5a5a);
  }
}

}  // namespace

std::span<const Setting> SingleEntrySettings() {
  static const auto& settings = *new std::vector<Setting>(MakeSettings());
  return settings;
}

std::span<const NamedStep> SingleEntryAccesses() {
  static const auto& accesses = *new std::vector<NamedStep>(MakeAccesses());
  return accesses;
}

std::span<const std::uint64_t> SingleEntryHighBits(std::uint8_t maxphyaddr) {
  // The lowest bit beyond the width, bit 52 where there is none below.
  static std::array<std::uint64_t, 15> bits;
  bits = {0,
          Bit(12),
          Bit(20),
          Bit(29),
          Bit(maxphyaddr),
          Bit(51),
          Bit(52) | Bit(56),
          Bit(57),
          Bit(58),
          Bit(59) | Bit(62),
          Bit(60),
          Bit(61),
          Bit(63),
          Bit(57) | Bit(58) | Bit(60) | Bit(61) | Bit(63),
          Bit(58) | Bit(61)};
  return bits;
}

std::uint64_t VisitSingleEntries(std::uint8_t level, std::uint64_t stride,
                                 const SingleEntryVisitor& visit) {
  std::uint64_t visited = 0;
  MachineState state;
  for (const Setting& setting : SingleEntrySettings()) {
    const int top = (setting.controls.eptp >> 3 & 7) == 4 ? 5 : 4;
    if (level > top) continue;
    state.processor = setting.processor;
    state.controls = setting.controls;
    state.guest = setting.guest;
    state.memory.Clear();
    BuildTables(setting, state.memory);
    const std::uint64_t index = kGpa >> (3 + 9 * level) & 0x1ff;
    const Hpa address{TableOf(level) + 8 * index};
    const std::uint64_t table = TableOf(level - 1);
    for (std::uint64_t high :
         SingleEntryHighBits(setting.processor.maxphyaddr)) {
      for (std::uint64_t low = 0; low < 4096; low += stride) {
        const bool maps_page =
            level == 1 || ((level == 2 || level == 3) && (low & 0x80) != 0);
        const std::uint64_t entry = (maps_page ? kPage : table) | high | low;
        state.memory.Store(address, entry);
        for (const NamedStep& access : SingleEntryAccesses()) {
          ++visited;
          if (!visit(state, access, setting, entry)) return visited;
        }
      }
    }
  }
  return visited;
}

}  // namespace eptdiff
