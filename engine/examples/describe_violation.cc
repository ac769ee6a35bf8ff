// An EPT violation arrives: what was the guest doing, and what does EPT allow?
#include <cstdio>

#include "engine/guest/guest_page_walk_info.h"
#include "engine/walk/exit_qualification.h"

namespace {

void Describe(const eptdiff::ExitInformation& exit) {
  const eptdiff::GuestPageWalkInfo walk = eptdiff::DescribeGuestWalk(exit);
  const char* mode = walk.is_user_mode_access ? "user" : "supervisor";
  const char* access = !walk.is_write_access   ? "access of unknown kind"
                       : *walk.is_write_access ? "write"
                       : *walk.is_inst_fetch   ? "fetch"
                                               : "read";
  const auto violation = eptdiff::ExitQualification::Decode(
      exit.qualification, {.advanced_information = exit.advanced_information});
  std::printf("%s-mode %s, refused %s %d-level paging, EPT allows %s%s%s\n",
              mode, access, violation.in_guest_walk() ? "within" : "after",
              walk.level, violation.readable ? "r" : "-",
              violation.writable ? "w" : "-", violation.executable ? "x" : "-");
}

}  // namespace

int main() {
  // What a hypervisor reads from the VMCS. First a write to a page that may be
  // read and executed; then a guest page table that is not mapped.
  eptdiff::ExitInformation exit = {.qualification = 0x1aa,
                                   .gpa = eptdiff::Gpa{0x5234},
                                   .gla = eptdiff::Gla{0x7fff00001234},
                                   .cr0 = 0x80010001,
                                   .cr3 = 0x3000,
                                   .cr4 = 0x20,
                                   .efer = 0xd01,
                                   .ss_dpl = 3};
  Describe(exit);
  exit.qualification = 0x81;
  exit.gpa = eptdiff::Gpa{0x4008};
  Describe(exit);
  return 0;
}
