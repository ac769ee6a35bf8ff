#include "oracle/target/open_target.h"

#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <utility>

#include "oracle/target/forked_session.h"
#include "oracle/target/pipe_session.h"
#include "oracle/target/shared_object.h"

namespace eptdiff {

std::string NameOfTarget(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (name.starts_with("lib")) name.erase(0, 3);
  name = name.substr(0, name.find('.'));
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name.empty() ? "target" : name.substr(0, 31);
}

std::unique_ptr<TargetOracle> OpenTarget(
    const std::string& path, const std::vector<std::string>& arguments,
    const TargetOptions& options, std::string& error) {
  if (access(path.c_str(), R_OK) != 0) {
    error = path + ": " + std::strerror(errno);
    return nullptr;
  }
  const std::string file = path.substr(path.rfind('/') + 1);
  if (!file.ends_with(".so") && file.find(".so.") == std::string::npos) {
    if (access(path.c_str(), X_OK) != 0) {
      error = path +
              " is neither a shared object (.so) nor a program that may "
              "be executed";
      return nullptr;
    }
    std::vector<std::string> command = {path};
    command.insert(command.end(), arguments.begin(), arguments.end());
    auto session = PipeSession::Make(std::move(command), options.limit, error);
    if (session == nullptr) return nullptr;
    return std::make_unique<TargetOracle>(std::move(session),
                                          NameOfTarget(path));
  }
  if (!arguments.empty()) {
    error = path + " is a shared object, which takes no arguments";
    return nullptr;
  }
  const auto load = [path](TargetFunctions& functions, std::string& why) {
    return LoadSharedObject(path, functions, why);
  };
  auto session = ForkedSession::Make(load, {.limit = options.limit}, error);
  if (session == nullptr) return nullptr;
  return std::make_unique<TargetOracle>(std::move(session), NameOfTarget(path));
}

}  // namespace eptdiff
