// Cases for tests of the command, and faults that the engine has on demand.
#ifndef EPTDIFF_FUZZERS_COMMAND_CASES_TESTING_H_
#define EPTDIFF_FUZZERS_COMMAND_CASES_TESTING_H_

#include <string>
#include <vector>

namespace eptdiff {

// 4-level EPT that maps guest-physical page 0 to the 2-MByte page 0x200000,
// read-only; a read and a write.
inline constexpr char kReadOnlyPage[] =
    "processor { ept_vpid_cap: 0x6334141 }\n"
    "controls { primary: 0x80000000 secondary: 0x82 eptp: 0x101e }\n"
    "guest { cr0: 0x21 cr4: 0x2000 rflags: 0x2 }\n"
    "memory { address: 0x1000 value: 0x2007 }\n"
    "memory { address: 0x2000 value: 0x3007 }\n"
    "memory { address: 0x3000 value: 0x2000b1 }\n"
    "step { guest_physical_access { kind: READ gpa: 0x1234 } }\n"
    "step { guest_physical_access { kind: WRITE gpa: 0x1234 } }\n";

// A page that is used, and then another one, with INVEPT after that.
inline constexpr char kMovedPage[] =
    "processor { maxphyaddr: 46 ept_vpid_cap: 0xf0106334141 }\n"
    "controls { primary: 0x80000000 secondary: 0x82 eptp: 0x101e }\n"
    "guest { cr0: 0x21 cr4: 0x2000 rflags: 0x2 }\n"
    "memory { address: 0x1000 value: 0x2007 }\n"
    "memory { address: 0x2000 value: 0x3007 }\n"
    "memory { address: 0x3000 value: 0x4007 }\n"
    "memory { address: 0x4008 value: 0x9037 }\n"
    "step { guest_physical_access { kind: READ gpa: 0x1234 } }\n"
    "step { store { hpa: 0x4008 value: 0xa037 } }\n"
    "step { invalidation { kind: INVEPT type: 1 first: 0x101e } }\n"
    "step { guest_physical_access { kind: READ gpa: 0x1234 } }\n";
// The engine's cache with this fault goes on with the old one.
inline const std::vector<std::string> kStale = {
    "EPTDIFF_PLANT=cache-invept-single"};
inline constexpr char kStaleWords[] =
    "the PTE as it was before step 2; INVEPT in step 3 (CACHE-6)";

// 5-level EPT, which Bochs does not have.
inline constexpr char kFiveLevels[] =
    "processor { ept_vpid_cap: 0x63341c1 }\n"
    "controls { primary: 0x80000000 secondary: 0x82 eptp: 0x1026 }\n"
    "guest { cr0: 0x21 cr4: 0x2000 rflags: 0x2 }\n"
    "step { guest_physical_access { gpa: 0x1234 } }\n";

// Bit 12 of a 2-MByte leaf is reserved (CFG-9). The engine with this fault
// takes it for no more than an address bit.
inline const std::vector<std::string> kPlanted = {
    "EPTDIFF_PLANT=large-leaf-bit-12"};
inline constexpr char kPlantedSignature[] = "eptdiff-engine-event-CFG-9-PDE";

// kReadOnlyPage with bit 12 set in its leaf, and much besides.
inline std::string ReservedBitCase(int words) {
  std::string text(kReadOnlyPage);
  text.replace(text.find("0x2000b1"), 8, "0x2010b1");
  for (int i = 0; i < words; ++i) {
    text +=
        "memory { address: " + std::to_string(0x9000 + 8 * i) + " value: 7 }\n";
  }
  return text;
}

// A page is mapped, written, made read-only, and written again.
inline constexpr char kTableCase[] =
    "processor { ept_vpid_cap: 0x6334141 }\n"
    "controls { primary: 0x80000000 secondary: 0x2 eptp: 0x10001e }\n"
    "step { table_operation { kind: MAP_REGION gpa: 0x3000 hpa: 0x9000\n"
    "         bytes: 0x4000 flags: 0x37 } }\n"
    "step { guest_physical_access { kind: READ gpa: 0x4000 } }\n"
    "step { guest_physical_access { kind: WRITE gpa: 0x3008 } }\n"
    "step { table_operation { kind: PROTECT gpa: 0x3000 flags: 0x35 } }\n"
    "step { guest_physical_access { kind: WRITE gpa: 0x3008 } }\n";
inline const std::vector<std::string> kNoInvept = {
    "EPTDIFF_PLANT=builder-invept-missing-for-write"};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CASES_TESTING_H_
