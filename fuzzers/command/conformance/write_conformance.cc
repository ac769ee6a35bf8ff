// Writes corpus/conformance: the cases of conformance.h, a file for each, and
// the shapes of caches/shape.h, with a page for each.
//
// Usage: eptdiff_write_conformance DIRECTORY
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "fuzzers/command/conformance/caches/page.h"
#include "fuzzers/command/conformance/conformance.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/text/case_text.h"

namespace eptdiff {
namespace {

class Writer {
 public:
  explicit Writer(const char* directory) : directory_(directory) {}

  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = directory_ / name;
    std::error_code ignored;  // writing will say
    std::filesystem::create_directories(path.parent_path(), ignored);
    const absl::Status written = WriteFile(path.string(), text);
    if (written.ok()) return;
    failed_ = true;
    std::fprintf(stderr, "eptdiff_write_conformance: %s\n",
                 std::string(written.message()).c_str());
  }

  bool failed() const { return failed_; }

 private:
  const std::filesystem::path directory_;
  bool failed_ = false;
};

int Main(const char* directory) {
  Writer writer(directory);
  for (const ConformanceCase& known : AllConformanceCases()) {
    writer.Write(known.name + ".textproto", FormatCase(known.text_case));
  }
  const std::vector<LitmusShape> shapes = AllLitmusShapes();
  writer.Write("caches/README.md", ShapeIndex(shapes));
  for (const LitmusShape& shape : shapes) {
    const std::string name = "caches/" + shape.name;
    writer.Write(name + ".md", ShapePage(shape));
    for (const ShapeVariant& variant : shape.variants) {
      writer.Write(name + "/" + variant.name + ".textproto",
                   FormatCase(ShapeCase(shape, variant)));
    }
  }
  return writer.failed() ? 4 : 0;
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) {
  if (argc == 2) return eptdiff::Main(argv[1]);
  std::fprintf(stderr, "Usage: eptdiff_write_conformance DIRECTORY\n");
  return 2;
}
