#include "oracle/target/session/open_target.h"

#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "oracle/target/session/forked_session.h"
#include "oracle/target/session/pipe_session.h"
#include "oracle/target/session/shared_object.h"

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

bool IsSharedObject(const std::string& path) {
  const std::string file = path.substr(path.rfind('/') + 1);
  return file.ends_with(".so") || file.find(".so.") != std::string::npos;
}

std::unique_ptr<TargetOracle> OpenTarget(
    const std::string& path, const std::vector<std::string>& arguments,
    const TargetOptions& options, std::string& error) {
  if (access(path.c_str(), R_OK) != 0) {
    error = path + ": " + std::strerror(errno);
    return nullptr;
  }
  if (std::filesystem::is_directory(path)) {
    error = path + " is a directory: name the shared object or program in it";
    return nullptr;
  }
  if (!IsSharedObject(path)) {
    if (access(path.c_str(), X_OK) != 0) {
      error = path +
              " is neither a shared object (.so) nor a program that may "
              "be executed";
      return nullptr;
    }
    std::vector<std::string> command = {path};
    command.insert(command.end(), arguments.begin(), arguments.end());
    auto session = PipeSession::Make(std::move(command), options.limit,
                                     options.keeps_output, error);
    if (session == nullptr) return nullptr;
    return std::make_unique<TargetOracle>(std::move(session),
                                          NameOfTarget(path));
  }
  if (!arguments.empty()) {
    error = path + " is a shared object, which takes no arguments";
    return nullptr;
  }
  const auto load = [path, may_be_none = options.may_be_none](
                        TargetFunctions& functions, std::string& why) {
    bool is_walker = false;
    const bool loaded = LoadWalker(path, functions, is_walker, why);
    if (!is_walker && may_be_none) why.clear();
    return loaded;
  };
  auto session = ForkedSession::Make(load, {.limit = options.limit}, error);
  if (session == nullptr) return nullptr;
  return std::make_unique<TargetOracle>(std::move(session), NameOfTarget(path));
}

std::unique_ptr<BuilderSession> OpenBuilder(const std::string& path,
                                            std::chrono::milliseconds limit,
                                            std::string& error) {
  error.clear();
  if (!IsSharedObject(path) || access(path.c_str(), R_OK) != 0) return nullptr;
  const auto load = [path](BuilderFunctions& functions, bool& is_builder,
                           std::string& why) {
    return LoadBuilder(path, functions, is_builder, why);
  };
  return BuilderSession::Make(load, {.limit = limit}, NameOfTarget(path),
                              error);
}

}  // namespace eptdiff
