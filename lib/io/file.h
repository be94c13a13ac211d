#pragma once
// Files as wholes. Every error names the path. These block: on the loop's thread only for small files at start, else
// within event::blocking().

#include <cstddef>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace io {

// open(2), close-on-exec.
[[nodiscard]] Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0);

// All that is left to read. Fails with EFBIG when that is more than `limit`.
[[nodiscard]] Result<std::string> read_all(const Fd& file, const std::string& path, std::size_t limit);
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit);

[[nodiscard]] Result<void> write_all(const Fd& file, const std::string& path, std::string_view bytes);

// Puts a new file in the place of what is there, or the old one stays: a temporary file beside it, fsync, rename, fsync
// of the directory. Readers see the old content or the new, also after a power cut.
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view bytes, mode_t mode);

}  // namespace io
