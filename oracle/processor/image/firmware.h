// The firmware that has started the image by way of its program for UEFI
// (efi_main.cc), whose boot services are still there: it has a screen and
// files.
//
// The firmware and the image have each a world of their own: page tables, GDT
// and IDT. Calls go from one to the other and back (efi_entry.S).
// Thread-safety: of one processor.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_FIRMWARE_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_FIRMWARE_H_

#include <cstdint>
#include <string_view>

#include "oracle/processor/image/efi_handoff.h"

namespace eptdiff::image {

// Once, if the image was started so.
void UseFirmware(const EfiHandoff& handoff);
bool HasFirmware();

// Text for the file, which is written when there is much of it, and by
// FlushToFirmware(); or for the screen, at once.
void SayToFirmware(FirmwareSay kind, std::string_view text);
void FlushToFirmware();

// Ends the image: the program for UEFI goes on.
[[noreturn]] void ReturnToFirmware(std::uint64_t status);

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_FIRMWARE_H_
