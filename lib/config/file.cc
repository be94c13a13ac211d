#include "lib/config/file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

#include "lib/base/fd.h"

namespace config {

namespace {

using base::Error;
using base::fail;
using base::fail_system;

// Removes the new file unless it has taken its place.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

Result<void> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_system("write " + path);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_system("open " + path);
  std::string text;
  for (;;) {
    constexpr std::size_t step = 16384;
    const std::size_t size = text.size();
    if (size > max_file_size) return fail(fmt::format("{}: file is too large", path));
    text.resize(size + step);
    const ssize_t n = read(file.get(), text.data() + size, step);
    if (n < 0 && errno != EINTR) return fail_system("read " + path);
    text.resize(size + static_cast<std::size_t>(n > 0 ? n : 0));
    if (n == 0) return text;
  }
}

Result<void> replace_file(const std::string& path, std::string_view text) {
  struct stat before{};
  if (stat(path.c_str(), &before) != 0) return fail_system("open " + path);
  const std::string next = path + ".tmp";
  // Left over from an edit that was killed: nobody reads it.
  if (unlink(next.c_str()) != 0 && errno != ENOENT) return fail_system("unlink " + next);
  Fd file(open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail_system("open " + next);
  Unfinished unfinished(next);
  TRY(write_all(file.get(), text, next));
  if (fchown(file.get(), before.st_uid, before.st_gid) != 0) return fail_system("chown " + next);
  if (fchmod(file.get(), before.st_mode & 07777) != 0) return fail_system("chmod " + next);
  if (fsync(file.get()) != 0) return fail_system("fsync " + next);
  TRY(file.close());
  if (rename(next.c_str(), path.c_str()) != 0) return fail_system(fmt::format("rename {} to {}", next, path));
  unfinished.keep();
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  const Fd folder(open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || fsync(folder.get()) != 0) return fail_system("fsync " + directory);
  return {};
}

}  // namespace config
