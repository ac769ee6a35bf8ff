// The bytes of an access, where they may be: what is put there to see them
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

// Finds where the access may go, and makes it be seen there.
Reply GuestMachine::PrepareAccess(const MachineState& state, const Step& step,
                                  const Verdict& verdict) {
  if (!has_guest_) WriteGuest(state.guest);
  targets_.clear();
  shows_address_ = false;
  fetched_ = 0;
  registers_.rax = 0;
  if (avoids_apic_fetches_ && MayFetchFromApic(state, step, verdict)) {
    return Reply::kUnsafe;
  }
  constexpr std::uint8_t kGateBytes = 16;
  if (avoids_split_gates_ && step.access.implicit_supervisor &&
      step.access.size == kGateBytes &&
      step.gla.value >> 32 != (step.gla.value + kGateBytes - 1) >> 32) {
    return Reply::kInParts;
  }
  if (avoids_split_tokens_ &&
      step.access.kind == AccessKind::kShadowStackReadModifyWrite &&
      std::any_of(verdict.alternatives.begin(), verdict.alternatives.end(),
                  [](const Alternative& alternative) {
                    return alternative.event.kind != EventKind::kCompleted;
                  })) {
    return Reply::kInParts;
  }
  const Reply reply = FindTargets(step, verdict);
  if (reply != Reply::kAnswered || targets_.empty()) return reply;
  bool placed = false;
  if (step.access.kind == AccessKind::kFetch) {
    if (targets_.size() > 2) return Reply::kIndistinct;
    placed = PlaceFetch(step);
  } else if (step.access.implicit_supervisor) {
    if (targets_.size() > 1) return Reply::kIndistinct;
    placed = PlaceDescriptor(state.guest.event_delivery);
  } else {
    placed = PlaceData(step, verdict);
  }
  if (placed) return Reply::kAnswered;
  const bool one = targets_.size() == 1;
  targets_.clear();
  return one ? Reply::kOwnMemory : Reply::kIndistinct;
}

// Of two pages the first may be it though the second one decides; and who
// departs may come to it where the SDM has a fault.
bool GuestMachine::MayFetchFromApic(const MachineState& state, const Step& step,
                                    const Verdict& verdict) {
  constexpr int kVirtualizeApicAccesses = 0;
  if (step.access.kind != AccessKind::kFetch ||
      !guest_bits::Has(state.controls.secondary, kVirtualizeApicAccesses)) {
    return false;
  }
  return step.access.size > 1 ||
         std::any_of(verdict.alternatives.begin(), verdict.alternatives.end(),
                     [](const Alternative& alternative) {
                       return alternative.event.kind != EventKind::kCompleted;
                     });
}

Reply GuestMachine::FindTargets(const Step& step, const Verdict& verdict) {
  for (const Alternative& alternative : verdict.alternatives) {
    if (alternative.event.kind != EventKind::kCompleted) continue;
    const auto is_there = [&](const Target& target) {
      for (std::size_t i = 0; i < target.size(); ++i) {
        if (target[i].address != alternative.event.translations[i].address) {
          return false;
        }
      }
      return true;
    };
    if (std::any_of(targets_.begin(), targets_.end(), is_there)) continue;
    if (targets_.full()) {
      targets_.clear();
      return Reply::kIndistinct;
    }
    if (!AddTarget(step, alternative.event)) {
      targets_.clear();
      return Fail("an access outside free memory");
    }
  }
  return Reply::kAnswered;
}

bool GuestMachine::AddTarget(const Step& step, const Event& completed) {
  Target& target = targets_.emplace_back();
  std::size_t left = step.access.size;
  for (std::size_t i = 0; i < completed.translation_count; ++i) {
    Piece& piece = target.emplace_back();
    piece.address = completed.translations[i].address;
    piece.bytes =
        std::min<std::size_t>(left, kPage - piece.address.value % kPage);
    left -= piece.bytes;
    constexpr std::uint64_t kLocalApic = 0xfee00000;
    if (IsTroubled(step) && trouble_ == Trouble::kNotRam) {
      piece.address = Hpa{kLocalApic};
    }
    if (!Clean(piece.address)) return false;
    std::memcpy(piece.before, BytesAt(piece.address), piece.bytes);
    std::memcpy(piece.expected, piece.before, piece.bytes);
  }
  return true;
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
  Target& target = targets_[0];
  for (const Piece& piece : target) {
    for (std::size_t i = 0; i < piece.bytes; ++i) {
      if (WordAt(Hpa{(piece.address.value + i) & ~std::uint64_t{7}}) != 0) {
        return false;
      }
    }
  }
  std::size_t done = 0;
  for (Piece& piece : target) {
    std::memcpy(piece.expected, descriptor + done, piece.bytes);
    std::memcpy(BytesAt(piece.address), piece.expected, piece.bytes);
    done += piece.bytes;
  }
  shows_address_ = true;
  return true;
}

// INT3 at the last byte, or INT1 where it may be another, and before it
// prefixes that mean nothing to it. Both say so with an exception.
bool GuestMachine::PlaceFetch(const Step& step) {
  constexpr std::uint8_t kCodes[] = {0xcc, 0xf1}, kPrefix = 0x3e;
  // A last byte that both have tells nothing.
  if (targets_.size() == 2 &&
      targets_[0].back().address == targets_[1].back().address) {
    return false;
  }
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    std::size_t left = step.access.size;
    for (Piece& piece : targets_[t]) {
      for (std::size_t i = 0; i < piece.bytes; ++i) {
        piece.expected[i] = --left == 0 ? kCodes[t] : kPrefix;
        // A word of the case's stays as it is.
        const std::uint64_t word =
            WordAt(Hpa{(piece.address.value + i) & ~std::uint64_t{7}});
        if (piece.before[i] != piece.expected[i] && word != 0) return false;
      }
    }
  }
  for (const Target& target : targets_) {
    for (const Piece& piece : target) {
      std::memcpy(BytesAt(piece.address), piece.expected, piece.bytes);
    }
  }
  shows_address_ = true;
  return true;
}

// Whether the access may be to a word that these writes change.
bool GuestMachine::AreTargetsIn(const BitWrites& writes) const {
  return std::any_of(writes.begin(), writes.end(), [&](const BitWrite& write) {
    const std::uint64_t word = write.word.value;
    for (const Target& target : targets_) {
      for (const Piece& piece : target) {
        if (word + 7 >= piece.address.value &&
            word < piece.address.value + piece.bytes) {
          return true;
        }
      }
    }
    return false;
  });
}

// What no word names is made recognisable for a read, and by a write; what some
// word names is written with what it has.
bool GuestMachine::PlaceData(const Step& step, const Verdict& verdict) {
  // INCSSP and CLRSSBSY read, and keep what they have read to themselves.
  if (step.access.kind == AccessKind::kShadowStackRead ||
      step.access.kind == AccessKind::kShadowStackReadModifyWrite) {
    return true;
  }
  const bool reads = step.access.kind == AccessKind::kRead;
  const bool writes = step.access.kind == AccessKind::kWrite ||
                      step.access.kind == AccessKind::kShadowStackWrite;
  bool free = true;
  for (const Alternative& alternative : verdict.alternatives) {
    if (AreTargetsIn(alternative.required) ||
        AreTargetsIn(alternative.optional)) {
      // A write would undo the flags or the log entry that come with it.
      if (writes) return false;
      free = false;
    }
  }
  for (const Target& target : targets_) {
    for (const Piece& piece : target) {
      const std::uint64_t last = piece.address.value + piece.bytes - 1;
      for (std::uint64_t word = piece.address.value & ~std::uint64_t{7};
           word <= last; word += 8) {
        free = free && WordAt(Hpa{word}) == 0;
      }
    }
  }
  if (!free && targets_.size() > 1) return false;
  pattern_ = pattern_ * 6364136223846793005u + 1442695040888963407u;
  const std::uint64_t pattern = pattern_ | 0x0101010101010101;
  std::uint8_t bytes[8];
  std::memcpy(bytes, &pattern, 8);
  std::uint8_t data[8] = {};
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    std::size_t done = 0;
    for (Piece& piece : targets_[t]) {
      for (std::size_t i = 0; i < piece.bytes; ++i, ++done) {
        if (free) {
          piece.expected[i] = bytes[done];
          data[done] = bytes[done];
        } else if (writes) {
          data[done] = piece.before[i];
        }
      }
    }
    if (reads && t != 0) TellApart(t);
  }
  if (reads) {
    for (const Target& target : targets_) {
      for (const Piece& piece : target) {
        std::memcpy(BytesAt(piece.address), piece.expected, piece.bytes);
      }
    }
  } else {
    std::memcpy(&registers_.rax, data, 8);
  }
  shows_address_ = free;
  return true;
}

// What is read of this target is not what is read of those before it: bytes of
// two of them have the same place only if it is the same byte of the access.
void GuestMachine::TellApart(std::size_t number) {
  Target& target = targets_[number];
  for (std::size_t i = 0; i < target.size(); ++i) {
    const Piece* same = nullptr;
    for (std::size_t t = 0; t < number; ++t) {
      if (targets_[t][i].address == target[i].address) same = &targets_[t][i];
    }
    if (same != nullptr) {
      std::memcpy(target[i].expected, same->expected, target[i].bytes);
    } else {
      // Odd, as all bytes of patterns are: never 0.
      target[i].expected[0] ^= static_cast<std::uint8_t>(2 * number);
    }
  }
}

// Whether memory there is as the access was to leave it.
bool GuestMachine::Changed(const Target& target) const {
  return std::all_of(target.begin(), target.end(), [](const Piece& piece) {
    return std::memcmp(BytesAt(piece.address), piece.expected, piece.bytes) ==
           0;
  });
}

// Where the access has gone; null if it has gone elsewhere.
const GuestMachine::Target* GuestMachine::FindReached(const Step& step) {
  if (targets_.empty()) return nullptr;
  if (step.access.implicit_supervisor) {
    // #NP; any other descriptor would have been refused with #GP.
    return (exit_interruption_ & 0xff) == kNotPresent ? &targets_[0] : nullptr;
  }
  if (step.access.kind == AccessKind::kFetch) {
    return fetched_ < targets_.size() ? &targets_[fetched_] : nullptr;
  }
  std::uint8_t data[8];
  std::memcpy(data, &registers_.rax, 8);
  for (const Target& target : targets_) {
    if (step.access.kind != AccessKind::kRead) {
      if (Changed(target)) return &target;
      continue;
    }
    std::size_t done = 0;
    bool same = true;
    for (const Piece& piece : target) {
      same = same && std::memcmp(data + done, piece.expected, piece.bytes) == 0;
      done += piece.bytes;
    }
    if (same) return &target;
  }
  return nullptr;
}

// What is as the access was to leave it becomes as it was before.
void GuestMachine::TakeBackPieces() {
  for (const Target& target : targets_) {
    for (const Piece& piece : target) {
      if (std::memcmp(BytesAt(piece.address), piece.expected, piece.bytes) ==
          0) {
        std::memcpy(BytesAt(piece.address), piece.before, piece.bytes);
      }
    }
  }
}

}  // namespace eptdiff::image
