// Troubles, planted around the VM entry of a step that an instruction makes; a
// page that is not RAM before it (guest_pieces.cc).
#include <cstring>

#include "oracle/processor/guest_bits.h"
#include "oracle/processor/guest_code.h"
#include "oracle/processor/image/exits.h"
#include "oracle/processor/image/guest_machine.h"
#include "oracle/processor/image/vmcs.h"

extern "C" char image_constant_end[];  // image.ld

namespace eptdiff::image {
namespace {

constexpr std::uint8_t kCpuid[] = {0x0f, 0xa2};
constexpr std::uint8_t kJumpToItself[] = {0xeb, 0xfe};

}  // namespace

void GuestMachine::LeaveGarbage() {
  for (const FreeRange& range : memory_) {
    std::memset(BytesAt(range.first), 0xe7, range.bytes);
  }
}

bool GuestMachine::IsTroubled(const Step& step) const {
  return has_trouble_ && HasInstruction(step) &&
         !step.access.implicit_supervisor;
}

void GuestMachine::BeginTrouble(const Step& step) {
  const auto replace = [&](const std::uint8_t(&code)[2]) {
    std::uint8_t* at = BytesAt(code_place_) + CodeOffset(step);
    std::memcpy(replaced_, at, sizeof replaced_);
    std::memcpy(at, code, sizeof code);
  };
  switch (trouble_) {
    case Trouble::kUnexpectedExit:
      return replace(kCpuid);
    case Trouble::kStuck:
      return replace(kJumpToItself);
    case Trouble::kTripleFault:
      // INT3 finds no IDT, nor does #GP, nor #DF.
      return Write(vmcs::kExceptionBitmap, 0);
    default:
      return;
  }
}

void GuestMachine::EndTrouble(const MachineState& state, const Step& step,
                              Outcome& outcome) {
  switch (trouble_) {
    case Trouble::kUnexpectedExit:
    case Trouble::kStuck:
      std::memcpy(BytesAt(code_place_) + CodeOffset(step), replaced_,
                  sizeof replaced_);
      break;
    case Trouble::kTripleFault:
      Write(vmcs::kExceptionBitmap, state.controls.exception_bitmap);
      break;
    case Trouble::kStray: {
      const FreeRange& last = memory_.back();
      const Hpa word{last.first.value + last.bytes - 8};
      if (Clean(word)) WordAt(word) = 0x1234;
      outcome.event.kind = EventKind::kGaveUp;
      break;
    }
    case Trouble::kTrampoline:
      BytesAt(code_place_)[CodeOffset(step)] ^= 1;
      break;
    case Trouble::kProgram:
      image_constant_end[-16] ^= 1;
      break;
    default:
      break;
  }
  NextTrouble();
}

void GuestMachine::NextTrouble() {
  if (interrupts_all_) return;
  trouble_ = static_cast<Trouble>((static_cast<int>(trouble_) + 1) % kTroubles);
  has_trouble_ = false;
}

}  // namespace eptdiff::image
