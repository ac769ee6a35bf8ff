// The image's own main(): what this machine is, and whether it can be asked.
#include <cstdint>

#include "oracle/processor/image/boot_information.h"
#include "oracle/processor/image/console.h"
#include "oracle/processor/image/heap.h"
#include "oracle/processor/image/interrupts.h"
#include "oracle/processor/image/vmx.h"

namespace eptdiff::image {
namespace {

void Run(const BootInformation& boot) {
  SayLine("eptdiff: started by ", boot.loader);
  for (const Range& range : boot.memory) {
    SayLine("memory ", Hex{range.first}, " ", Hex{range.bytes});
  }
  for (const Range& range : FreeMemory(boot, 0x1000)) {
    SayLine("free ", Hex{range.first}, " ", Hex{range.bytes});
  }
  const std::string_view why = WhyNoEpt();
  if (!why.empty()) {
    SayLine("cannot-ask ", why);
    End(Ending::kCannotAsk);
  }
  const VmxCapabilities vmx = ReadVmxCapabilities();
  std::string_view refusal;
  if (!StartVmx(vmx, refusal)) {
    SayLine("cannot-ask ", refusal);
    End(Ending::kCannotAsk);
  }
  SayLine("vmx on");
}

}  // namespace
}  // namespace eptdiff::image

extern "C" void ImageMain(std::uint32_t magic, std::uint32_t words) {
  using namespace eptdiff::image;
  OpenConsole();
  LoadInterruptTable();
  const BootInformation boot = ReadBootInformation(magic, words);
  UseScreen(boot.has_text_screen);
  Run(boot);
  End(Ending::kAgreed);
}
