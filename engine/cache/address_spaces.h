// The tags of what is kept, as small numbers: which translations may be used
// now, and which an invalidation ends (SDM 29.4.2, 29.4.3; CACHE-1).
//
// A *regime* is everything but the tags that decides what entries mean:
// registers, controls, the processor. A *space* is a regime with its tags, and
// has a number. Whatever is kept carries the number of its space, so that one
// compare says whether it may be used, and an invalidation of a whole space is
// done by giving the space a new number: what carries the old one is never
// found again. Numbers are not used twice before everything is dropped.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ENGINE_CACHE_ADDRESS_SPACES_H_
#define EPTDIFF_ENGINE_CACHE_ADDRESS_SPACES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/types.h"

namespace eptdiff::engine {

struct Regime {
  Processor processor;
  Controls controls;
  GuestState guest;
  friend bool operator==(const Regime&, const Regime&) = default;
};

// What decides about guest-physical addresses, and about linear ones, without
// what does not: tags, what is only written or reported, the CPL (each access
// says whose it is).
Regime EptRegimeOf(const Processor& processor, const Controls& controls);
Regime GuestRegimeOf(const Processor& processor, const Controls& controls,
                     const GuestState& guest);

enum class SpaceKind : std::uint8_t {
  kGuestPhysical,  // by EPTRTA; entries of paging-structure caches as well
  kLocal,          // combined translations, by VPID, PCID and EPTRTA
  kGlobal,         // those of global pages, by VPID and EPTRTA
  kUpper,          // combined entries of paging-structure caches, as kLocal
};
constexpr unsigned SetOf(SpaceKind kind) {
  return 1u << static_cast<unsigned>(kind);
}
inline constexpr unsigned kCombinedKinds = SetOf(SpaceKind::kLocal) |
                                           SetOf(SpaceKind::kGlobal) |
                                           SetOf(SpaceKind::kUpper);

struct Space {
  SpaceKind kind = SpaceKind::kGuestPhysical;
  std::uint16_t vpid = 0;    // combined ones only
  std::uint16_t pcid = 0;    // kLocal, kUpper
  std::uint32_t regime = 0;  // from 1 on
  std::uint64_t eptrta = 0;  // EPTP bits 51:12, in their place
  friend bool operator==(const Space&, const Space&) = default;
};

// Some spaces: those of these kinds, with these tags.
struct SpaceFilter {
  static constexpr std::uint64_t kAny = ~std::uint64_t{0};
  static constexpr std::uint64_t kNotZero = kAny - 1;

  unsigned kinds = 0;
  std::uint64_t vpid = kAny;  // kNotZero: all but 0000H
  std::uint64_t pcid = kAny;  // says nothing of kGlobal
  std::uint64_t eptrta = kAny;

  bool Holds(const Space& space) const;
};

class AddressSpaces {
 public:
  // Numbers fit below the address of a page. 0 is no space's.
  static constexpr std::uint32_t kNumbers = 4096;

  // A number for the regime that is never another's. Of regimes, as of spaces,
  // the last few are remembered: what comes again after too many others is new.
  std::uint32_t RegimeNumber(const Regime& regime);

  // Before the functions below, so many times that they may be called: if it is
  // false, Clear() has to come first.
  bool HasNumbersLeft() const { return next_number_ + kSpaces + 8 < kNumbers; }
  // Forgets all spaces; whatever carries a number of theirs has been dropped.
  void Clear();

  std::uint16_t NumberOf(const Space& space);
  // Gives these spaces new numbers.
  void Renumber(const SpaceFilter& filter);

  // Whether the space with this number is one of these; false if it is gone.
  bool Holds(const SpaceFilter& filter, std::uint64_t number) const;

 private:
  static constexpr std::size_t kSpaces = 64;
  static constexpr std::size_t kRegimes = 32;

  struct Numbered {
    Space space;
    std::uint16_t number = 0;  // 0: none is here
    std::uint64_t used = 0;    // when it was asked for last
  };
  struct Known {
    Regime regime;
    std::uint32_t number = 0;
    std::uint64_t used = 0;
  };

  std::uint16_t TakeNumber() {
    return static_cast<std::uint16_t>(next_number_++);
  }

  std::array<Numbered, kSpaces> spaces_ = {};
  std::array<Known, kRegimes> regimes_ = {};
  std::uint32_t next_number_ = 1;
  std::uint32_t next_regime_ = 1;
  std::uint64_t now_ = 0;
};

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_CACHE_ADDRESS_SPACES_H_
