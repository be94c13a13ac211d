#pragma once
// Configuration files as a whole.

#include <string>

#include "lib/base/error.h"

namespace config {

// A configuration file larger than this is a mistake.
inline constexpr std::size_t max_file_size = 16U << 20U;

// The error has the errno: "open /etc/postfix/main.cf: No such file or directory".
[[nodiscard]] Result<std::string> read_file(const std::string& path);

// Puts `text` in the place of the file, which keeps its owner and mode: a new file beside it, fsync, rename, fsync of
// the directory. Readers see the old text or the new one.
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view text);

}  // namespace config
