#pragma once
// A passwd-file on the disk; read again when it has changed. For auth_passdb and auth_userdb, which may name the same.

#include <optional>
#include <string>

#include <sys/stat.h>

#include "services/authd/passwd_file.h"

namespace authd {

class PasswdFileOnDisk {
 public:
  explicit PasswdFileOnDisk(std::string path) : path_(std::move(path)) {}

  // Before each look-up; parks. The error: it cannot be read, or is no such file.
  [[nodiscard]] Result<void> refresh();
  [[nodiscard]] const PasswdEntry* find(const std::string& user) const { return file_ ? file_->find(user) : nullptr; }
  [[nodiscard]] bool has_plain() const { return file_ && file_->has_plain(); }
  [[nodiscard]] bool has_secret() const { return file_ && file_->has_secret(); }

 private:
  std::string path_;
  std::optional<PasswdFile> file_;
  struct stat seen_{};
};

}  // namespace authd
