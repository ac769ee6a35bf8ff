// What the program for UEFI uses of UEFI (UEFI specification 2.10): tables of
// functions, of which most have no type here.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_UEFI_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_UEFI_H_

#include <stdint.h>  // NOLINT(modernize-deprecated-headers)

namespace eptdiff::image::uefi {

using Status = uint64_t;
using Handle = void*;
inline constexpr Status kSuccess = 0;
inline constexpr Status kError = uint64_t{1} << 63;

struct Guid {
  uint32_t a;
  uint16_t b, c;
  uint8_t d[8];
};
inline constexpr Guid kLoadedImage = {
    0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
inline constexpr Guid kFileSystem = {
    0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};

struct TableHeader {
  uint64_t signature;
  uint32_t revision, size, crc, reserved;
};

struct Key {
  uint16_t scan;
  char16_t character;
};
struct TextInput {
  void* reset;
  Status (*read)(TextInput*, Key*);  // fails while there is none
};

struct TextOutput {
  void* reset;
  Status (*output)(TextOutput*, const char16_t* text);
};

// 7.2: types of AllocatePages() and of memory.
enum Allocate : uint32_t { kBelow = 1, kAt = 2 };
enum MemoryType : uint32_t {
  kLoaderCode = 1,
  kLoaderData = 2,
  kConventional = 7
};
struct MemoryDescriptor {
  uint32_t type;
  uint64_t first, virtual_first, pages, attributes;
};

struct BootServices {
  TableHeader header;
  void* priority[2];
  Status (*allocate_pages)(Allocate, MemoryType, uint64_t pages,
                           uint64_t* address);
  void* free_pages;
  Status (*memory_map)(uint64_t* bytes, void* map, uint64_t* key,
                       uint64_t* descriptor_bytes,
                       uint32_t* descriptor_version);
  void* pool[2];
  void* events[6];
  void* install[3];
  Status (*protocol_of)(Handle, const Guid*, void** protocol);
  void* reserved;
  void* handles[4];
  void* images[5];
  void* counter;
  Status (*stall)(uint64_t microseconds);
  Status (*set_watchdog)(uint64_t seconds, uint64_t code, uint64_t bytes,
                         const char16_t* data);
};

struct SystemTable {
  TableHeader header;
  const char16_t* vendor;
  uint32_t revision;
  Handle input_handle;
  TextInput* input;
  Handle output_handle;
  TextOutput* output;
  Handle error_handle;
  TextOutput* error;
  void* runtime;
  BootServices* boot;
};

struct LoadedImage {
  uint32_t revision;
  Handle parent;
  SystemTable* system;
  Handle device;
};

inline constexpr uint64_t kRead = 1, kWrite = 2, kCreate = uint64_t{1} << 63;
struct File {
  uint64_t revision;
  Status (*open)(File*, File** opened, const char16_t* name, uint64_t mode,
                 uint64_t attributes);
  Status (*close)(File*);
  Status (*remove)(File*);
  Status (*read)(File*, uint64_t* bytes, void* to);
  Status (*write)(File*, uint64_t* bytes, const void* from);
  Status (*position)(File*, uint64_t*);
  Status (*set_position)(File*, uint64_t);
  void* info[2];
  Status (*flush)(File*);
};
struct FileSystem {
  uint64_t revision;
  Status (*open_volume)(FileSystem*, File** root);
};

}  // namespace eptdiff::image::uefi

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_UEFI_H_
