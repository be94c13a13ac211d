#include "lib/mailbox/environment.h"

#include <algorithm>
#include <cstdlib>

#include "lib/maps/list.h"

namespace mailbox {
namespace {

constexpr std::string_view command_path = "PATH=/usr/bin:/bin";

}  // namespace

std::vector<std::string> exported_environment(std::string_view export_environment) {
  std::vector<std::string> out;
  for (std::string_view item : maps::split_list(export_environment)) {
    if (const auto inner = maps::without_braces(item); item.starts_with('{') && inner) item = *inner;
    if (item.contains('=')) {
      out.emplace_back(item);
    } else if (const char* value = std::getenv(std::string(item).c_str())) {
      out.push_back(std::string(item) + "=" + value);
    }
  }
  return out;
}

std::vector<std::string> with_path(std::vector<std::string> environment) {
  const bool has_path = std::ranges::any_of(environment, [](const std::string& entry) { return entry.starts_with("PATH="); });
  if (!has_path) environment.emplace_back(command_path);
  return environment;
}

}  // namespace mailbox
