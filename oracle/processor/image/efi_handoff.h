// What the program for UEFI (efi_main.cc) hands to the image, which it has
// loaded to where it belongs: both are compiled with this header, for different
// ways to call functions. All addresses are below 4 GBytes. Thread-safety:
// plain values.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_EFI_HANDOFF_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_EFI_HANDOFF_H_

namespace eptdiff::image {

// The kinds of what is said by way of the firmware.
enum FirmwareSay : unsigned long long { kSayToFile = 0, kSayOnScreen = 1 };

struct EfiHandoff {
  struct Piece {
    unsigned long long first, bytes;
  };
  static constexpr unsigned kMaxPieces = 32;
  // RAM that the firmware has given for good.
  unsigned long long memory_count;
  Piece memory[kMaxPieces];
  Piece words;   // of the command line; 0 bytes: none
  Piece module;  // likewise
  // void(FirmwareSay, const char* text, unsigned long long bytes), called as
  // UEFI's own functions are, in the firmware's world (firmware.h).
  unsigned long long say;
};

// What ImageMain() is given for a magic number with it.
inline constexpr unsigned kEfiMagic = 0x45464921;

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_EFI_HANDOFF_H_
