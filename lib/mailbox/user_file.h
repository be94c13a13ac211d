#pragma once
// Reading a .forward or :include: file, which its owner or an enemy may have prepared: bounded, and only regular files.

#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/error.h"

namespace mailbox {

inline constexpr std::size_t user_file_limit = 4 * 1024 * 1024;  // bytes that are read of a file; a longer one is an Error

struct UserFile {
  bool found = false;                    // false: none of the paths exists
  std::string path;
  std::vector<std::string> destinations; // in order; none: the file says nothing, or is not to be used
  std::vector<std::string> warnings;     // why it is not to be used
  uid_t owner = 0;
  gid_t group = 0;
};

// The first of the paths that exists. A file that is not regular, that others than `user` and root own, or that everyone
// can write is found but has no destinations. Lines that begin with '#' are comments. An Error: try again later.
[[nodiscard]] Result<UserFile> read_forward(const std::vector<std::string>& paths, uid_t user);

// An :include: file. Not usable: found is false, and the warnings say why.
[[nodiscard]] Result<UserFile> read_include(const std::string& path);

}  // namespace mailbox
