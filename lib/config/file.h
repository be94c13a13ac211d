#pragma once
// Configuration files, and how one is changed.

#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace config {

// A configuration file larger than this is a mistake.
inline constexpr std::size_t max_file_size = 16U << 20U;

// A change of one file: readers see the old text or the new one, and of two who change it at the same time the second
// starts from what the first has made.
class FileEdit {
 public:
  // Locks and reads the file; a symbolic link is followed. Waits for another who changes it.
  static Result<FileEdit> begin(const std::string& path);
  FileEdit(FileEdit&&) = default;
  FileEdit& operator=(FileEdit&&) = delete;
  ~FileEdit();

  [[nodiscard]] const std::string& text() const { return text_; }

  // The new text in a file beside the old one, with its owner and mode; fsync, rename, fsync of the directory. Without
  // commit the file stays as it is.
  [[nodiscard]] Result<void> commit(std::string_view text) &&;

 private:
  FileEdit() = default;
  std::string path_, text_;
  std::string next_path_;  // also what is locked
  Fd next_;
};

}  // namespace config
