// Cases in files, in either notation, and files written whole or not at all.
//
// This folder is what lies on disks: a case here, a tree of them in corpus.h,
// those within the command in embedded_corpus.h, the seeds in seeds.h, room for
// more in writable.h and disk_room.h. It uses both notations. Begin here.
//
// Thread-safety: these functions may be called from several threads.
#ifndef EPTDIFF_FUZZERS_COMMAND_FILES_CASE_FILE_H_
#define EPTDIFF_FUZZERS_COMMAND_FILES_CASE_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fuzzers/text/case_text.h"
#include "fuzzers/text/memory_type_text.h"

namespace eptdiff {

enum class Notation { kText, kBytes };

struct CaseFileContent {
  Notation notation = Notation::kText;
  TextCase text_case;  // in bytes, a case carries no explanation
};

// The notation of a file: text if its name ends in .textproto, .textpb, .txtpb
// or .pbtxt, or if it has no such name and holds nothing but printable UTF-8.
// (The byte encoding begins with its version, which is not printable.)
Notation NotationOf(absl::string_view path, absl::string_view content);

// The case in the file `path`; "-" is the standard input. kNotFound and the
// like with the path and the system's words; kInvalidArgument with the place of
// each mistake, or the limit that the file exceeds.
absl::StatusOr<CaseFileContent> ReadCaseFile(const std::string& path);

// Whether the path is named as a case about memory types is: .mtrr.
bool IsMemoryTypeFile(absl::string_view path);
// Such a case; errors as above.
absl::StatusOr<MemoryTypeCase> ReadMemoryTypeCase(const std::string& path);

// What the path means, in a message: itself, or "the standard input".
std::string InputWords(const std::string& path);

// The bytes of the file; kOutOfRange if they are more than `max_bytes`.
absl::StatusOr<std::string> ReadBytes(const std::string& path,
                                      std::size_t max_bytes);

// Writes `content` to `path`: under another name first, then renamed, so that
// whoever looks finds the old file or the whole new one. A path that is no
// regular file, such as a device, is written in place.
absl::Status WriteFile(const std::string& path, absl::string_view content);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FILES_CASE_FILE_H_
