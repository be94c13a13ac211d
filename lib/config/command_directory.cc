#include "lib/config/command_directory.h"

#include <fmt/core.h>

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"

namespace config {
namespace {

bool lists_directory(const Main& main, std::string_view parameter, std::string_view directory) {
  const auto list = main.string(parameter);
  if (!list) return false;
  for (const std::string_view item : ascii::split(*list, ", \t\r\n")) {
    if (item == directory) return true;
  }
  return false;
}

bool has_more_rights_than_its_caller() { return ::geteuid() != ::getuid() || ::getegid() != ::getgid(); }

bool is_own_configuration(const std::string& directory) {
  struct stat status {};
  return ::stat((directory + "/main.cf").c_str(), &status) == 0 && status.st_uid == ::getuid();
}

}  // namespace

Result<std::string> command_directory(const std::optional<std::string>& option) {
  std::string directory = option ? *option : config_directory_from_environment();
  constexpr std::string_view file = "/main.cf";
  if (directory.ends_with(file)) directory.resize(directory.size() - file.size());
  if (directory == default_directory || ::getuid() == 0) return directory;
  if (!has_more_rights_than_its_caller() && (!option || is_own_configuration(directory))) return directory;
  const auto main = Main::read(std::string(default_directory));
  if (main && (lists_directory(*main, "alternate_config_directories", directory) ||
               lists_directory(*main, "multi_instance_directories", directory))) {
    return directory;
  }
  maillog::error("unauthorized configuration directory name: {}", directory);
  return base::fail(fmt::format("specify \"alternate_config_directories = {0}\" or \"multi_instance_directories = {0}\" in "
                                "{1}/main.cf",
                                directory, default_directory));
}

}  // namespace config
