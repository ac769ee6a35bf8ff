#include "fuzzers/command/files/case_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/encoding/encoding.h"

namespace eptdiff {
namespace {

absl::Status SystemError(absl::string_view what, const std::string& path) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", what, " ", path));
}

// Whether nothing in it would upset a terminal: UTF-8 without control
// characters other than white space.
bool IsPrintableText(absl::string_view content) {
  int continuation = 0;
  for (const char c : content) {
    const auto byte = static_cast<unsigned char>(c);
    if (continuation > 0) {
      if ((byte & 0xc0) != 0x80) return false;
      --continuation;
    } else if (byte < 0x80) {
      const bool white = c == '\n' || c == '\t' || c == '\r';
      if ((byte < ' ' && !white) || byte == 0x7f) return false;
    } else {
      continuation = byte >> 5 == 6    ? 1
                     : byte >> 4 == 14 ? 2
                     : byte >> 3 == 30 ? 3
                                       : -1;
      if (continuation < 0) return false;
    }
  }
  return continuation == 0;
}

absl::Status WriteAll(int file, absl::string_view content,
                      const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write", path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteInPlace(const std::string& path, absl::string_view content) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return SystemError("open", path);
  absl::Status status = WriteAll(file, content, path);
  if (close(file) != 0 && status.ok()) return SystemError("write", path);
  return status;
}

// What a file that open() creates may be used for.
mode_t UsualMode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

}  // namespace

Notation NotationOf(absl::string_view path, absl::string_view content) {
  for (const char* ending : {".textproto", ".textpb", ".txtpb", ".pbtxt"}) {
    if (absl::EndsWith(path, ending)) return Notation::kText;
  }
  return !content.empty() && IsPrintableText(content) ? Notation::kText
                                                      : Notation::kBytes;
}

std::string InputWords(const std::string& path) {
  return path == "-" ? "the standard input" : path;
}

absl::StatusOr<std::string> ReadBytes(const std::string& path,
                                      std::size_t max_bytes) {
  const bool standard_input = path == "-";
  const int file = standard_input ? dup(STDIN_FILENO)
                                  : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return SystemError("open", path);
  const absl::Cleanup close_file = [file] { close(file); };
  std::string content;
  char buffer[1 << 16];
  while (content.size() <= max_bytes) {
    const ssize_t count = read(file, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("read", path);
    if (count == 0) return content;
    content.append(buffer, static_cast<std::size_t>(count));
  }
  return absl::OutOfRangeError(absl::StrCat(
      path, ": more than ", max_bytes, " bytes, the limit of such a file"));
}

absl::StatusOr<CaseFileContent> ReadCaseFile(const std::string& path) {
  struct stat info;
  if (path != "-" && stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " is a directory: name the files in it, or, if it holds ",
        "libFuzzer's artifacts, use `eptdiff triage ", path, "`"));
  }
  if (IsMemoryTypeFile(path)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " is about memory types, which `explain`, `run`, `minimize` and ",
        "`check --corpus` take"));
  }
  absl::StatusOr<std::string> bytes = ReadBytes(path, kMaxTextBytes);
  if (!bytes.ok()) return bytes.status();
  CaseFileContent content;
  content.notation = NotationOf(path, *bytes);
  // Somebody meant to write a case; libFuzzer alone has one of no bytes.
  if ((content.notation == Notation::kText || path == "-") &&
      absl::StripAsciiWhitespace(*bytes).empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(InputWords(path), ": it is empty, and no case"));
  }
  if (content.notation == Notation::kText) {
    absl::StatusOr<TextCase> parsed = ParseCase(*bytes, path);
    if (!parsed.ok()) return parsed.status();
    content.text_case = *std::move(parsed);
    return content;
  }
  if (bytes->size() > kMaxEncodedBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", bytes->size(), " bytes are more than ",
                     kMaxEncodedBytes, ", the limit of the byte encoding"));
  }
  content.text_case.c = DecodeCase(
      {reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()});
  return content;
}

bool IsMemoryTypeFile(absl::string_view path) {
  return absl::EndsWith(path, ".mtrr");
}

absl::StatusOr<MemoryTypeCase> ReadMemoryTypeCase(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadBytes(path, kMaxTextBytes);
  if (!text.ok()) return text.status();
  return ParseMemoryTypeCase(*text, path);
}

absl::Status WriteFile(const std::string& path, absl::string_view content) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return WriteInPlace(path, content);
  }
  std::string temporary = path + ".XXXXXX";
  const int file = mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) return SystemError("create a file beside", path);
  absl::Cleanup remove = [&temporary] { unlink(temporary.c_str()); };
  absl::Status status = WriteAll(file, content, path);
  if (status.ok() && fchmod(file, UsualMode()) != 0) {
    status = SystemError("set the mode of", path);
  }
  // Renamed before its content is on the disk, a power cut could leave it
  // empty under the good name.
  if (status.ok() && fsync(file) != 0) status = SystemError("write", path);
  if (close(file) != 0 && status.ok()) status = SystemError("write", path);
  if (!status.ok()) return status;
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return SystemError("replace", path);
  }
  std::move(remove).Cancel();
  return absl::OkStatus();
}

}  // namespace eptdiff
