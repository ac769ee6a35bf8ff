#include "fuzzers/command/command_testing.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace eptdiff {
namespace {

pid_t Start(const std::vector<std::string>& arguments,
            const std::vector<std::string>& environment,
            const std::string& directory, const std::string& out,
            const std::string& err) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const auto redirect = [](const std::string& path, int to) {
    dup2(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), to);
  };
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  redirect(out, STDOUT_FILENO);
  redirect(err, STDERR_FILENO);
  if (!directory.empty() && chdir(directory.c_str()) != 0) _exit(126);
  for (const std::string& variable : environment) {
    const std::size_t equals = variable.find('=');
    setenv(variable.substr(0, equals).c_str(),
           variable.substr(equals + 1).c_str(), 1);
  }
  std::vector<char*> argv = {const_cast<char*>(EPTDIFF_BINARY)};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

}  // namespace

int Wait(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Ran RunEptdiff(const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment,
               const std::string& directory) {
  const TestDirectory output;
  const std::string out = output.Path("out");
  const std::string err = output.Path("err");
  Ran ran;
  ran.status = Wait(Start(arguments, environment, directory, out, err));
  ran.out = ContentOf(out);
  ran.err = ContentOf(err);
  return ran;
}

Ran RunEptdiffTo(const std::string& out,
                 const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment) {
  const TestDirectory output;
  const std::string err = output.Path("err");
  Ran ran;
  ran.status = Wait(Start(arguments, environment, "", out, err));
  ran.err = ContentOf(err);
  return ran;
}

pid_t StartEptdiff(const std::vector<std::string>& arguments,
                   const std::string& directory,
                   const std::vector<std::string>& environment) {
  return Start(arguments, environment, directory, "/dev/null", "/dev/null");
}

TestDirectory::TestDirectory() {
  std::string name =
      (std::filesystem::temp_directory_path() / "eptdiff-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

TestDirectory::~TestDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TestDirectory::File(const std::string& name,
                                const std::string& content) const {
  std::ofstream(Path(name), std::ios::binary) << content;
  return Path(name);
}

std::string ContentOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Unwrapped(const std::string& text) {
  return absl::StrJoin(
      absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty()), " ");
}

}  // namespace eptdiff
