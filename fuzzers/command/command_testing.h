// For tests of the command: runs the built binary and looks at what came of it.
#ifndef EPTDIFF_FUZZERS_COMMAND_COMMAND_TESTING_H_
#define EPTDIFF_FUZZERS_COMMAND_COMMAND_TESTING_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace eptdiff {

struct Ran {
  int status = -1;  // the exit status; 128 + the signal
  std::string out;
  std::string err;
};

// Runs eptdiff with these arguments in the directory `directory` ("" is the
// present one) and waits. `environment` holds "NAME=value".
Ran RunEptdiff(const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment = {},
               const std::string& directory = "");

// Likewise, with its standard output to the file `out`.
Ran RunEptdiffTo(const std::string& out,
                 const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment = {});

// Starts it, to be waited for with Wait(). Its output goes nowhere.
pid_t StartEptdiff(const std::vector<std::string>& arguments,
                   const std::string& directory,
                   const std::vector<std::string>& environment = {});
int Wait(pid_t pid);

// A directory of the test that runs, emptied when it is first asked for.
class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  const std::string& path() const { return path_; }
  // The path of a file in it, with this content.
  std::string File(const std::string& name, const std::string& content) const;
  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string ContentOf(const std::string& path);

// `text` with a blank where there was more than one, or the end of a line.
std::string Unwrapped(const std::string& text);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_COMMAND_TESTING_H_
