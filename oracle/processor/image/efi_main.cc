// eptdiff.efi: puts the image where it belongs, and stays below it, with the
// firmware's boot services: what the image says goes to the file eptdiff.log
// beside this program, and to the firmware's screen.
//
// In the root of the same volume, eptdiff.cases is the module and eptdiff.words
// the command line; each may be missing. Nothing but eptdiff.log is written.

// There is no C++ library for this kind of program.
#include <stddef.h>  // NOLINT(modernize-deprecated-headers)
#include <stdint.h>  // NOLINT(modernize-deprecated-headers)

#include "oracle/processor/image/efi_handoff.h"
#include "oracle/processor/image/uefi.h"

extern "C" const uint8_t image_file[];  // efi_payload.S

// What the compiler takes for granted.
extern "C" void* memcpy(void* to, const void* from, size_t bytes) {
  auto* t = static_cast<volatile uint8_t*>(to);
  auto* f = static_cast<const uint8_t*>(from);
  while (bytes-- != 0) *t++ = *f++;
  return to;
}
extern "C" void* memset(void* to, int value, size_t bytes) {
  auto* t = static_cast<volatile uint8_t*>(to);
  while (bytes-- != 0) *t++ = static_cast<uint8_t>(value);
  return to;
}

namespace eptdiff::image::uefi {
namespace {

constexpr uint64_t kPage = 4096, k4Gb = uint64_t{1} << 32;
// The firmware keeps so much of the memory below 4 GBytes at least.
constexpr uint64_t kForFirmware = uint64_t{32} << 20;
// What is not worth a piece.
constexpr uint64_t kLeast = uint64_t{8} << 20;

SystemTable* table = nullptr;
File* log = nullptr;

void Show(const char* text, uint64_t bytes) {
  char16_t wide[128];
  size_t length = 0;
  const auto put = [&](char16_t c) {
    if (length == 126) {
      wide[length] = 0;
      table->output->output(table->output, wide);
      length = 0;
    }
    wide[length++] = c;
  };
  for (uint64_t i = 0; i < bytes; ++i) {
    if (text[i] == '\n') put(u'\r');
    put(static_cast<unsigned char>(text[i]));
  }
  wide[length] = 0;
  table->output->output(table->output, wide);
}

template <size_t N>
void Show(const char (&text)[N]) {
  Show(text, N - 1);
}

// EfiHandoff::say.
void SayForImage(FirmwareSay kind, const char* text, uint64_t bytes) {
  if (kind == kSayOnScreen) return Show(text, bytes);
  if (log == nullptr) return;
  log->write(log, &bytes, text);
  log->flush(log);
}

// Zeros; 0 if there are none.
uint64_t NewPages(uint64_t bytes) {
  uint64_t address = k4Gb - 1;
  const uint64_t pages = (bytes + kPage - 1) / kPage;
  if (table->boot->allocate_pages(kBelow, kLoaderData, pages, &address) !=
      kSuccess) {
    return 0;
  }
  memset(reinterpret_cast<void*>(address), 0, pages * kPage);
  return address;
}

// The whole file, or nothing.
EfiHandoff::Piece ReadWhole(File* root, const char16_t* name) {
  File* file = nullptr;
  if (root->open(root, &file, name, kRead, 0) != kSuccess) return {};
  EfiHandoff::Piece piece = {};
  uint64_t end = 0;
  if (file->set_position(file, ~uint64_t{0}) == kSuccess &&
      file->position(file, &end) == kSuccess && end != 0 &&
      file->set_position(file, 0) == kSuccess) {
    piece.first = NewPages(end);
    piece.bytes = end;
    if (piece.first == 0 ||
        file->read(file, &piece.bytes, reinterpret_cast<void*>(piece.first)) !=
            kSuccess) {
      piece = {};
    }
  }
  file->close(file);
  return piece;
}

// Of the ELF file, its one segment, which begins with its entry for UEFI
// (boot.S).
uint64_t LoadImage() {
  const auto at = [](uint64_t offset) {
    uint64_t value;
    memcpy(&value, image_file + offset, 8);
    return value;
  };
  const uint64_t segment = at(32);
  const uint64_t offset = at(segment + 8);
  const uint64_t file_bytes = at(segment + 32);
  const uint64_t bytes = at(segment + 40);
  uint64_t place = at(segment + 24);
  const uint64_t pages = (bytes + kPage - 1) / kPage;
  if (table->boot->allocate_pages(kAt, kLoaderCode, pages, &place) !=
      kSuccess) {
    return 0;
  }
  auto* to = reinterpret_cast<uint8_t*>(place);
  memset(to, 0, pages * kPage);
  memcpy(to, image_file + offset, file_bytes);
  uint64_t entry;
  memcpy(&entry, to, 8);
  return entry;
}

// Takes what is free below 4 GBytes, but for some of the largest piece.
void TakeMemory(EfiHandoff& handoff) {
  constexpr uint64_t kMapBytes = uint64_t{64} << 10;
  const uint64_t map = NewPages(kMapBytes);
  uint64_t bytes = kMapBytes, key = 0, each = 0;
  uint32_t version = 0;
  if (map == 0 || table->boot->memory_map(&bytes, reinterpret_cast<void*>(map),
                                          &key, &each, &version) != kSuccess) {
    return;
  }
  uint64_t left = 0;
  for (uint64_t at = map; at < map + bytes; at += each) {
    const auto& d = *reinterpret_cast<const MemoryDescriptor*>(at);
    uint64_t size = d.pages * kPage;
    if (d.type != kConventional || d.first + size > k4Gb || size < kLeast ||
        d.first < (1 << 20) || handoff.memory_count == EfiHandoff::kMaxPieces) {
      continue;
    }
    if (left < kForFirmware && size > 2 * kForFirmware) {
      size -= kForFirmware;
      left += kForFirmware;
    }
    uint64_t first = d.first;
    if (table->boot->allocate_pages(kAt, kLoaderData, size / kPage, &first) ==
        kSuccess) {
      handoff.memory[handoff.memory_count++] = {first, size};
    }
  }
}

bool HasFiveLevels() {
  uint64_t cr4;
  asm volatile("mov %%cr4, %0" : "=r"(cr4));
  return (cr4 >> 12 & 1) != 0;
}

// The firmware clears the screen when it goes on.
void WaitForSomebody() {
  constexpr uint64_t kBetween = 100'000;
  constexpr uint64_t kLongest = 600 * uint64_t{1'000'000};
  Show(
      "Press a key to go back to the firmware; it goes on after 10 minutes.\n");
  Key key;
  for (uint64_t waited = 0; waited < kLongest; waited += kBetween) {
    if (table->input->read(table->input, &key) == kSuccess) return;
    table->boot->stall(kBetween);
  }
}

Status Main(Handle self) {
  Show("eptdiff: asking the machine by way of its firmware.\n");
  if (HasFiveLevels()) {
    Show(
        "The firmware uses 5-level paging, which this program cannot leave.\n");
    return kError;
  }
  table->boot->set_watchdog(0, 0, 0, nullptr);
  void* protocol = nullptr;
  File* root = nullptr;
  if (table->boot->protocol_of(self, &kLoadedImage, &protocol) == kSuccess) {
    const Handle device = static_cast<LoadedImage*>(protocol)->device;
    if (table->boot->protocol_of(device, &kFileSystem, &protocol) == kSuccess) {
      auto* files = static_cast<FileSystem*>(protocol);
      if (files->open_volume(files, &root) != kSuccess) root = nullptr;
    }
  }
  const uint64_t place = NewPages(sizeof(EfiHandoff));
  if (place == 0) {
    Show("There is no memory below 4 GBytes.\n");
    return kError;
  }
  auto& handoff = *reinterpret_cast<EfiHandoff*>(place);
  if (root != nullptr) {
    handoff.words = ReadWhole(root, u"eptdiff.words");
    handoff.module = ReadWhole(root, u"eptdiff.cases");
    // A new one: an old one may be longer.
    if (root->open(root, &log, u"eptdiff.log", kRead | kWrite, 0) == kSuccess) {
      log->remove(log);
    }
    if (root->open(root, &log, u"eptdiff.log", kRead | kWrite | kCreate, 0) !=
        kSuccess) {
      log = nullptr;
    }
  }
  if (log == nullptr) {
    Show(
        "No file can be written beside this program: what is found goes to "
        "the first serial port alone.\n");
  }
  const uint64_t entry = LoadImage();
  if (entry == 0) {
    Show(
        "The firmware uses memory from 2 MBytes on, where this program has to "
        "be: start the .iso instead.\n");
    return kError;
  }
  TakeMemory(handoff);
  handoff.say = reinterpret_cast<uint64_t>(&SayForImage);
  const auto start = reinterpret_cast<Status (*)(EfiHandoff*)>(entry);
  const Status status = start(&handoff);
  if (log != nullptr) {
    log->close(log);
    Show("What it found is in the file eptdiff.log.\n");
  }
  return status == 0 ? kSuccess : kError | status;
}

}  // namespace
}  // namespace eptdiff::image::uefi

extern "C" uint64_t EfiMain(void* self, void* system) {
  using namespace eptdiff::image::uefi;
  table = static_cast<SystemTable*>(system);
  const Status status = Main(self);
  WaitForSomebody();
  return status;
}
