#include "lib/config/file.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

#include "lib/io/file.h"

namespace config {

namespace {

using base::fail_system;

// Where the text is: a symbolic link stays one, what it points to is changed.
Result<std::string> target_of(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return path;
  char* const real = realpath(path.c_str(), nullptr);
  if (real == nullptr) return fail_system(fmt::format("open {} for reading", path));
  std::string target = real;
  std::free(real);
  return target;
}

}  // namespace

Result<FileEdit> FileEdit::begin(const std::string& path) {
  FileEdit edit;
  edit.path_ = TRY(target_of(path));
  const std::string next = edit.path_ + ".tmp";
  // Whoever held the lock has renamed the file or removed it: then ours is locked but no longer there.
  for (;;) {
    edit.next_ = Fd(open(next.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!edit.next_) return fail_system("open " + next);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    if (fcntl(edit.next_.get(), F_OFD_SETLKW, &lock) != 0) return fail_system("lock " + next);
    struct stat locked{}, present{};
    if (fstat(edit.next_.get(), &locked) != 0) return fail_system("fstat " + next);
    if (lstat(next.c_str(), &present) == 0 && present.st_ino == locked.st_ino && present.st_dev == locked.st_dev) break;
  }
  edit.next_path_ = next;
  if (access(edit.path_.c_str(), F_OK) != 0) return fail_system(fmt::format("open {} for reading", path));
  edit.text_ = TRY(io::read_file(edit.path_, max_file_size));
  return edit;
}

FileEdit::~FileEdit() {
  if (next_ && !next_path_.empty()) unlink(next_path_.c_str());
}

Result<void> FileEdit::commit(std::string_view text) && {
  struct stat before{};
  if (stat(path_.c_str(), &before) != 0) return fail_system("stat " + path_);
  // Left over from an edit that was killed.
  if (ftruncate(next_.get(), 0) != 0) return fail_system("truncate " + next_path_);
  TRY(io::write_all(next_, next_path_, text));
  if (fchown(next_.get(), before.st_uid, before.st_gid) != 0) return fail_system("chown " + next_path_);
  if (fchmod(next_.get(), before.st_mode & 07777) != 0) return fail_system("chmod " + next_path_);
  if (fsync(next_.get()) != 0) return fail_system("fsync " + next_path_);
  if (rename(next_path_.c_str(), path_.c_str()) != 0) return fail_system(fmt::format("rename {} to {}", next_path_, path_));
  next_path_.clear();
  const std::string directory = path_.contains('/') ? path_.substr(0, path_.rfind('/') + 1) : ".";
  const Fd folder(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || fsync(folder.get()) != 0) return fail_system("fsync " + directory);
  return {};
}

}  // namespace config
