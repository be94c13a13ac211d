#include "commands/postmulti/instances.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "commands/postmulti/postmulti_params.h"
#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/log/log.h"

namespace postmulti {

namespace {

using base::fail;

constexpr std::string_view blanks = ", \t\r\n";

struct Own {
  std::string_view parameter;
  std::string Instance::*value;
};
constexpr std::array own_values{Own{"multi_instance_name", &Instance::name},
                                Own{"config_directory", &Instance::config_directory},
                                Own{"queue_directory", &Instance::queue_directory},
                                Own{"data_directory", &Instance::data_directory}};

}  // namespace

bool Instance::is_called(std::string_view name_or_directory) const {
  if (name_or_directory == "-") return primary;
  return name_or_directory == config_directory || (!name.empty() && name_or_directory == name);
}

bool Instance::is_selected(const Options& options) const {
  if (options.group) return !group.empty() && group == *options.group;
  if (options.instance) return is_called(*options.instance);
  return true;
}

Result<Instance> read_instance(const std::string& directory) {
  const auto incomplete = [&](const base::Error& error) {
    maillog::error("{}", error.message());
    return fail(fmt::format("Failed to obtain all required {}/main.cf parameters", directory));
  };
  const auto main = config::Main::read(directory);
  if (!main) return incomplete(main.error());
  auto params = Params::load(*main);
  if (!params) return incomplete(params.error());
  return Instance{.name = std::move(params->multi_instance_name),
                  .group = std::move(params->multi_instance_group),
                  .enabled = params->multi_instance_enable,
                  .config_directory = directory,
                  .queue_directory = std::move(params->queue_directory),
                  .data_directory = std::move(params->data_directory)};
}

Result<std::vector<Instance>> read_instances() {
  std::vector<Instance> instances;
  const std::string primary(config::default_directory);
  instances.push_back(TRY(read_instance(primary)));
  instances.front().primary = true;
  const config::Main main = TRY(config::Main::read(primary));
  const std::string directories = TRY(main.expand("multi_instance_directories"));
  for (const std::string_view directory : ascii::split(directories, blanks)) {
    instances.push_back(TRY(read_instance(std::string(directory))));
  }
  // Who has not begun with several instances has one that is started and stopped.
  if (instances.size() == 1) instances.front().enabled = true;
  return instances;
}

Result<void> check_conflicts(const Instance& one, const std::vector<Instance>& instances) {
  for (const Instance& other : instances) {
    for (const auto& [parameter, member] : own_values) {
      const std::string& value = one.*member;
      if (value.empty() || value != other.*member) continue;
      return fail(fmt::format("instance {}, {}={} conflicts with instance {}, {}={}", one.config_directory, parameter, value,
                              other.config_directory, parameter, value));
    }
  }
  return {};
}

}  // namespace postmulti
