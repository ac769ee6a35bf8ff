// The bytes of an access, where they should be: what is put there to see them
// reached, and what is there afterwards.
#include <algorithm>
#include <cstring>

#include "oracle/processor/guest_bits.h"
#include "oracle/processor/guest_code.h"
#include "oracle/processor/image/exits.h"
#include "oracle/processor/image/guest_machine.h"
#include "oracle/processor/image/vmcs.h"

namespace eptdiff::image {

using guest_bits::kPage;
using vmcs::kExitInterruption;

// Finds where the access should go, and makes it be seen there.
Reply GuestMachine::PrepareAccess(const MachineState& state, const Step& step,
                                  const Verdict& verdict) {
  // An instruction of the guest may have changed some.
  WriteGuest(state.guest);
  pieces_.clear();
  shows_address_ = false;
  registers_.rax = 0;
  const auto* completed =
      std::find_if(verdict.alternatives.begin(), verdict.alternatives.end(),
                   [](const Alternative& alternative) {
                     return alternative.event.kind == EventKind::kCompleted;
                   });
  if (avoids_apic_fetches_ && step.access.kind == AccessKind::kFetch &&
      std::any_of(verdict.alternatives.begin(), verdict.alternatives.end(),
                  [](const Alternative& alternative) {
                    return alternative.event.exit_reason == kApicAccess;
                  })) {
    return Reply::kUnsafe;
  }
  has_hint_ = completed != verdict.alternatives.end();
  if (!has_hint_) return Reply::kAnswered;
  std::size_t left = step.access.size;
  for (std::size_t i = 0; i < completed->event.translation_count; ++i) {
    Piece& piece = pieces_.emplace_back();
    piece.address = completed->event.translations[i].address;
    piece.bytes =
        std::min<std::size_t>(left, kPage - piece.address.value % kPage);
    left -= piece.bytes;
    if (!Clean(piece.address)) return Fail("an access outside free memory");
    std::memcpy(piece.before, BytesAt(piece.address), piece.bytes);
    std::memcpy(piece.expected, piece.before, piece.bytes);
  }
  if (step.access.kind == AccessKind::kFetch) {
    return PlaceFetch(step) ? Reply::kAnswered : Reply::kOwnMemory;
  }
  if (step.access.implicit_supervisor) {
    return PlaceDescriptor(state.guest.event_delivery) ? Reply::kAnswered
                                                       : Reply::kOwnMemory;
  }
  return PlaceData(step, *completed) ? Reply::kAnswered : Reply::kOwnMemory;
}

// A data segment for everybody, or an interrupt gate, that is not present: who
// reads it there says so with #NP.
bool GuestMachine::PlaceDescriptor(bool gate) {
  const std::uint8_t descriptor[16] = {
      0xff,
      0xff,
      8,
      0,
      0,
      static_cast<std::uint8_t>(gate ? 0x6e : 0x73),
      static_cast<std::uint8_t>(gate ? 0 : 0xcf),
      0};
  for (const Piece& piece : pieces_) {
    for (std::size_t i = 0; i < piece.bytes; ++i) {
      if (WordAt(Hpa{(piece.address.value + i) & ~std::uint64_t{7}}) != 0) {
        pieces_.clear();
        return false;
      }
    }
  }
  std::size_t done = 0;
  for (Piece& piece : pieces_) {
    std::memcpy(piece.expected, descriptor + done, piece.bytes);
    std::memcpy(BytesAt(piece.address), piece.expected, piece.bytes);
    done += piece.bytes;
  }
  shows_address_ = true;
  return true;
}

// INT3 at the last byte, and before it prefixes that mean nothing to it.
bool GuestMachine::PlaceFetch(const Step& step) {
  constexpr std::uint8_t kInt3 = 0xcc, kPrefix = 0x3e;
  std::size_t left = step.access.size;
  bool possible = true;
  for (Piece& piece : pieces_) {
    for (std::size_t i = 0; i < piece.bytes; ++i) {
      piece.expected[i] = --left == 0 ? kInt3 : kPrefix;
      // A word of the case's stays as it is.
      const std::uint64_t word =
          WordAt(Hpa{(piece.address.value + i) & ~std::uint64_t{7}});
      if (piece.before[i] != piece.expected[i] && word != 0) possible = false;
    }
  }
  if (!possible) {
    pieces_.clear();
    return false;
  }
  for (const Piece& piece : pieces_) {
    std::memcpy(BytesAt(piece.address), piece.expected, piece.bytes);
  }
  shows_address_ = true;
  return true;
}

// Whether the access is to a word that these writes change.
bool GuestMachine::ArePiecesIn(const BitWrites& writes) const {
  return std::any_of(writes.begin(), writes.end(), [&](const BitWrite& write) {
    return std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
      const std::uint64_t word = write.word.value;
      return word + 7 >= piece.address.value &&
             word < piece.address.value + piece.bytes;
    });
  });
}

// What no word names is made recognisable for a read, and by a write; what some
// word names is written with what it has.
bool GuestMachine::PlaceData(const Step& step, const Effects& effects) {
  // INCSSP reads, and keeps what it has read to itself.
  if (step.access.kind == AccessKind::kShadowStackRead) return true;
  const bool reads = step.access.kind == AccessKind::kRead;
  const bool writes = step.access.kind == AccessKind::kWrite ||
                      step.access.kind == AccessKind::kShadowStackWrite;
  bool free = true;
  if (ArePiecesIn(effects.required) || ArePiecesIn(effects.optional)) {
    // A write would undo the flags or the log entry that come with it.
    if (writes) {
      pieces_.clear();
      return false;
    }
    free = false;
  }
  for (const Piece& piece : pieces_) {
    const std::uint64_t last = piece.address.value + piece.bytes - 1;
    for (std::uint64_t word = piece.address.value & ~std::uint64_t{7};
         word <= last; word += 8) {
      free = free && WordAt(Hpa{word}) == 0;
    }
  }
  pattern_ = pattern_ * 6364136223846793005u + 1442695040888963407u;
  const std::uint64_t pattern = pattern_ | 0x0101010101010101;
  std::uint8_t bytes[8];
  std::memcpy(bytes, &pattern, 8);
  std::uint8_t data[8] = {};
  std::size_t done = 0;
  for (Piece& piece : pieces_) {
    for (std::size_t i = 0; i < piece.bytes; ++i, ++done) {
      if (free) {
        piece.expected[i] = bytes[done];
        data[done] = bytes[done];
      } else if (writes) {
        data[done] = piece.before[i];
      }
    }
    if (reads) std::memcpy(BytesAt(piece.address), piece.expected, piece.bytes);
  }
  if (!reads) std::memcpy(&registers_.rax, data, 8);
  shows_address_ = free;
  return true;
}

bool GuestMachine::IsAsExpected(const Step& step) {
  if (!has_hint_) return false;
  if (step.access.implicit_supervisor) {
    // #NP; any other descriptor would have been refused with #GP.
    return (Read(kExitInterruption) & 0xff) == kNotPresent;
  }
  if (step.access.kind == AccessKind::kRead) {
    std::uint8_t data[8];
    std::memcpy(data, &registers_.rax, 8);
    std::size_t done = 0;
    for (const Piece& piece : pieces_) {
      if (std::memcmp(data + done, piece.expected, piece.bytes) != 0) {
        return false;
      }
      done += piece.bytes;
    }
    return true;
  }
  return std::all_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) {
    return std::memcmp(BytesAt(piece.address), piece.expected, piece.bytes) ==
           0;
  });
}

// What is as the access was to leave it becomes as it was before.
void GuestMachine::RestorePieces() {
  for (const Piece& piece : pieces_) {
    if (std::memcmp(BytesAt(piece.address), piece.expected, piece.bytes) == 0) {
      std::memcpy(BytesAt(piece.address), piece.before, piece.bytes);
    }
  }
}

}  // namespace eptdiff::image
