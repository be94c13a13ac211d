#pragma once
// postfix-files: what an installation consists of, and who owns it. A line a file or directory:
//   path:type:owner:group:mode:flags
// type   d directory, f file, l and h links (whose owner column is what they link to)
// group  "-": as it is
// flags  u upgrade-permissions sees to it, c create-missing makes it, r owner and group of all below it too,
//        o no longer part of the suite, 1 optional where the instance is not the primary one, p never replaced
// Paths, owners and groups may have $name.

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/config/main_cf.h"

namespace postfix {

struct InstalledFile {
  std::string written_path;  // with its $name, which says whose it is
  std::string path, owner, group;  // group may be empty
  char type = 'f';
  mode_t mode = 0;
  std::string flags;

  [[nodiscard]] bool has(char flag) const { return flags.contains(flag); }
  // Whether each instance has its own, not all the same one.
  [[nodiscard]] bool is_of_instance() const;
};

// The error has file and line.
[[nodiscard]] Result<std::vector<InstalledFile>> parse_installed_files(std::string_view text, std::string_view file,
                                                                       const config::Main& main);

// DIRECTORY/postfix-files, and the files of DIRECTORY/postfix-files.d in the order of their names.
[[nodiscard]] Result<std::vector<InstalledFile>> read_installed_files(const std::string& directory, const config::Main& main);

}  // namespace postfix
