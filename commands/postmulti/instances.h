#pragma once
// The instances of this host, as main.cf of each describes them.

#include <string>
#include <string_view>
#include <vector>

#include "commands/postmulti/options.h"
#include "lib/base/error.h"

namespace postmulti {

struct Instance {
  std::string name, group;  // empty: none
  bool enabled = false;
  std::string config_directory, queue_directory, data_directory;
  bool primary = false;

  // Whether -i means it.
  [[nodiscard]] bool is_called(std::string_view name_or_directory) const;
  // Whether -a, -g or -i of the options mean it.
  [[nodiscard]] bool is_selected(const Options& options) const;
};

// The primary one first, then those of multi_instance_directories in their order. Error when one cannot be read.
[[nodiscard]] Result<std::vector<Instance>> read_instances();

// What main.cf in that directory says.
[[nodiscard]] Result<Instance> read_instance(const std::string& directory);

// The error names what another instance has already: a name or one of the three directories.
[[nodiscard]] Result<void> check_conflicts(const Instance& one, const std::vector<Instance>& instances);

}  // namespace postmulti
