#include "lib/mailbox/maildir.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/io/journal.h"
#include "lib/mailbox/open_file.h"

namespace mailbox {
namespace {

constexpr mode_t directory_mode = 0700;
constexpr mode_t message_mode = 0600;
constexpr int name_attempts = 16;       // names in tmp/ that are taken by deliveries of this second
constexpr std::size_t depth_limit = 64;  // directories to make for one Maildir

struct Micros {
  std::int64_t seconds, micros;
};
Micros split(Stamp now) {
  const auto total = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  return {total / 1'000'000, total % 1'000'000};
}

// Makes `name` in the directory and sees that the name is on disk. 0, or the errno.
int make_directory(const Fd& directory, const std::string& name) {
  if (::mkdirat(directory.get(), name.c_str(), directory_mode) != 0) return errno == EEXIST ? 0 : errno;
  // A spool with the setgid bit would give its own group to the mailbox and to all that comes into it.
  if (::fchownat(directory.get(), name.c_str(), static_cast<uid_t>(-1), ::getegid(), AT_SYMLINK_NOFOLLOW) != 0) return errno;
  return ::fsync(directory.get()) == 0 ? 0 : errno;
}

// The Maildir and its three directories, with the parents that are missing.
int make_maildir(const MaildirTarget& target) {
  const auto parts = ascii::split(target.path, "/");
  if (parts.size() > depth_limit) return ENAMETOOLONG;
  std::string path = target.below.empty() && target.path.starts_with('/') ? "/" : "";
  for (const std::string_view part : parts) {
    const std::string next = path.empty() || path == "/" ? path + std::string(part) : path + "/" + std::string(part);
    if (!open_directory(target.below, next)) {
      const auto parent = open_directory(target.below, path);
      if (!parent) return parent.error().code();
      if (const int code = make_directory(*parent, std::string(part)); code != 0) return code;
    }
    path = next;
  }
  const auto maildir = open_directory(target.below, path);
  if (!maildir) return maildir.error().code();
  for (const char* name : {"tmp", "new", "cur"}) {
    if (const int code = make_directory(*maildir, name); code != 0) return code;
  }
  return 0;
}

// One of the three directories. A link in its place would lead mail to where its owner wants it, or out of `below`.
int open_part(const Fd& maildir, const char* name, int access, Fd& part) {
  part = Fd(::openat(maildir.get(), name, access | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (part) return 0;
  const int code = errno;
  struct stat status {};
  const bool is_link = ::fstatat(maildir.get(), name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
  return is_link ? ELOOP : code;
}

// The file in tmp/, which goes away unless it got its name in new/.
class Draft {
 public:
  // The directory is borrowed. 0, or the errno.
  int create(const Fd& drafts, std::string name) {
    drafts_ = drafts.get();
    name_ = std::move(name);
    file_ = Fd(::openat(drafts_, name_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, message_mode));
    return file_ ? 0 : errno;
  }
  Draft() = default;
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (file_ && !kept_) ::unlinkat(drafts_, name_.c_str(), 0);
  }
  [[nodiscard]] const Fd& file() const { return file_; }

  // Gives it its name in new/, never in place of another file. 0, or the errno.
  int move_to(const Fd& fresh, const std::string& name) {
    if (::renameat2(drafts_, name_.c_str(), fresh.get(), name.c_str(), RENAME_NOREPLACE) == 0) {
      kept_ = true;
      return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // The file system cannot rename so. The name in tmp/ is removed by the destructor.
    return ::linkat(drafts_, name_.c_str(), fresh.get(), name.c_str(), 0) == 0 ? 0 : errno;
  }

 private:
  int drafts_ = -1;
  std::string name_;
  Fd file_;
  bool kept_ = false;
};

// What a delivery holds. The order matters: the draft's name is removed while its directory is still open.
struct Opened {
  Fd drafts, fresh;  // tmp/ and new/
  Draft draft;
};

// 0, or the errno; the name in tmp/ in `name`.
int open_all(Opened& opened, const MaildirTarget& target, Stamp now, std::string& name) {
  auto maildir = open_directory(target.below, target.path);
  if (!maildir) return maildir.error().code();
  if (const int code = open_part(*maildir, "new", O_RDONLY, opened.fresh); code != 0) return code;
  if (const int code = open_part(*maildir, "tmp", O_PATH, opened.drafts); code != 0) return code;
  for (int attempt = 0;; ++attempt) {
    name = fmt::format("{}.P{}{}.{}", split(now).seconds, ::getpid(), attempt == 0 ? "" : fmt::format("Q{}", attempt), target.host);
    const int code = opened.draft.create(opened.drafts, name);
    if (code != EEXIST || attempt == name_attempts) return code;
  }
}

Outcome write_all(const Fd& file, Content& content) {
  content.rewind();
  for (;;) {
    const auto bytes = content.next();
    if (!bytes) return {{4, 3, 0}, base::Error(bytes.error()).within("queue file").message(), {}};
    if (bytes->empty()) return {};
    for (std::string_view left = *bytes; !left.empty();) {
      const ssize_t count = ::write(file.get(), left.data(), left.size());
      if (count < 0 && errno != EINTR) return failed(errno, "error writing message");
      if (count > 0) left.remove_prefix(static_cast<std::size_t>(count));
    }
  }
}

// The durable order of a Maildir delivery: write tmp/NAME, settle its bytes, give it its name in new/, fsync new/ and the
// file (in this order, since others change new/ meanwhile: the other way round its fsync would wait for their names too).
// The message stays in the queue until all of it has succeeded. After a failure of the last step the file is removed
// again: it may or may not survive a power cut, and the next attempt writes another.
Outcome publish(Opened& opened, const MaildirTarget& target, Stamp now) {
  const Fd& file = opened.draft.file();
  if (const int code = settle_content(file); code != 0) return failed(code, "error writing message");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed(errno, "cannot stat file");
  const std::string name = maildir_name(now, status.st_dev, status.st_ino, target.host);
  if (const int code = opened.draft.move_to(opened.fresh, name); code != 0) {
    return failed(code, fmt::format("link to maildir file {}/new/{}", target.path, name));
  }
  if (::fsync(opened.fresh.get()) != 0 || ::fsync(file.get()) != 0) {
    const int code = errno;
    ::unlinkat(opened.fresh.get(), name.c_str(), 0);
    return failed(code, "error writing message");
  }
  return {};
}

std::string full_path(const MaildirTarget& target) {
  return target.below.empty() ? target.path : target.below + "/" + target.path;
}

Outcome creation_failed(const MaildirTarget& target, int code, const std::string& name) {
  Outcome outcome = failed(code, fmt::format("create maildir file {}/tmp/{}", full_path(target), name));
  // Its owner may not know how it got there; it can be mended.
  if (code == ELOOP) outcome.dsn = {4, 2, 0};
  if (code == EACCES) {
    outcome.warnings.push_back(fmt::format("maildir access problem for UID/GID={}/{}: {}", ::geteuid(), ::getegid(), outcome.reason));
    outcome.warnings.emplace_back("perhaps you need to create the maildirs in advance");
  }
  return outcome;
}

}  // namespace

// ext4 and XFS note a file's size in their journal when its blocks have been written, and what comes later there is never
// found without it, so that waiting for the blocks is enough and one commit of the journal serves the bytes and the name.
int settle_content(const Fd& file) {
  constexpr unsigned blocks_written = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  if (io::has_one_journal(file.get()) && ::sync_file_range(file.get(), 0, 0, blocks_written) == 0) return 0;
  return ::fsync(file.get()) == 0 ? 0 : errno;
}

std::string maildir_name(Stamp now, dev_t device, ino_t inode, std::string_view host) {
  return fmt::format("{}.V{:x}I{:x}M{}.{}", split(now).seconds, device, inode, split(now).micros, host);
}

Outcome deliver_to_maildir(const MaildirTarget& target, Content& content, const base::Clock& clock) {
  const Stamp now = clock.stamp();
  Opened opened;
  std::string name = fmt::format("{}.P{}.{}", split(now).seconds, ::getpid(), target.host);
  // The first try assumes that all is there, as it is but once.
  int code = open_all(opened, target, now, name);
  if (code == ENOENT) {
    code = make_maildir(target);
    if (code == 0) code = open_all(opened, target, now, name);
  }
  if (code != 0) return creation_failed(target, code, name);

  if (target.size_limit > 0) {
    const auto size = content.size();
    if (!size) return {{4, 3, 0}, base::Error(size.error()).within("queue file").message(), {}};
    if (*size > target.size_limit) return failed(EFBIG, "error writing message");
  }
  Outcome outcome = write_all(opened.draft.file(), content);
  return outcome.ok() ? publish(opened, target, now) : outcome;
}

}  // namespace mailbox
