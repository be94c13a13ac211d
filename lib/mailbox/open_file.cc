#include "lib/mailbox/open_file.h"

#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

namespace mailbox {
namespace {

constexpr mode_t mailbox_mode = 0600;
constexpr int append_flags = O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

Outcome refused(mail::Dsn dsn, std::string reason) { return {dsn, std::move(reason), {}}; }

// openat2 below `below`; plain open when it is empty.
int open_at(const OpenRules& rules, const std::string& path, int flags, mode_t mode) {
  if (rules.below.empty()) return ::open(path.c_str(), flags, mode);
  const Fd root(::open(rules.below.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return -1;
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH;
  return static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how));
}

struct Opened {
  int fd;
  bool readable;
};

// Follows a link that root made where nobody else could have: the administrator wants it so. Looked at and opened from one
// directory, whose own path may belong to somebody who puts another in its place meanwhile. None: another kind of link.
std::optional<Opened> open_trusted_link(const std::string& path) {
  const Fd directory(::open(parent_of(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string name = path.substr(path.rfind('/') + 1);
  struct stat parent {};
  struct stat link {};
  if (!directory || ::fstat(directory.get(), &parent) != 0 || parent.st_uid != 0 || (parent.st_mode & (S_IWGRP | S_IWOTH)) != 0 ||
      ::fstatat(directory.get(), name.c_str(), &link, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(link.st_mode) || link.st_uid != 0) {
    return std::nullopt;
  }
  int fd = ::openat(directory.get(), name.c_str(), O_RDWR | append_flags);
  if (fd >= 0) return Opened{fd, true};
  if (errno == EACCES || errno == EROFS) fd = ::openat(directory.get(), name.c_str(), O_WRONLY | append_flags);
  return Opened{fd, false};
}

Opened open_existing(const OpenRules& rules, const std::string& path, int extra) {
  int fd = open_at(rules, path, O_RDWR | append_flags | extra, 0);
  if (fd >= 0) return {fd, true};
  if (errno == EACCES || errno == EROFS) fd = open_at(rules, path, O_WRONLY | append_flags | extra, 0);
  return {fd, false};
}

// `code` gets the errno of the creation.
std::expected<OpenedFile, Outcome> create(const std::string& path, const OpenRules& rules, int& code) {
  OpenedFile opened;
  opened.file = Fd(open_at(rules, path, O_RDWR | O_CREAT | O_EXCL | append_flags, mailbox_mode));
  code = opened.file ? 0 : errno;
  if (!opened.file) return std::unexpected(failed(code, "cannot create file exclusively"));
  // Root creates it where the recipient may not.
  if (::geteuid() == 0 && rules.owner != 0 && ::fchown(opened.file.get(), rules.owner, rules.group) != 0) {
    return std::unexpected(failed(errno, "cannot change file ownership"));
  }
  if (::fstat(opened.file.get(), &opened.status) != 0) return std::unexpected(failed(errno, "cannot stat file"));
  opened.created = true;
  opened.readable = true;
  return opened;
}

// A FIFO or device is written without waiting for its other end; what was opened to read as well is opened again.
std::expected<void, Outcome> only_write(OpenedFile& opened, const std::string& path, const OpenRules& rules) {
  if (!S_ISFIFO(opened.status.st_mode) || !opened.readable) return {};
  const dev_t device = opened.status.st_dev;
  const ino_t inode = opened.status.st_ino;
  opened.file.reset();  // or we would be its reader ourselves
  opened.file = Fd(open_at(rules, path, O_WRONLY | append_flags | O_NOFOLLOW, 0));
  if (!opened.file) return std::unexpected(failed(errno, "cannot open file"));
  if (::fstat(opened.file.get(), &opened.status) != 0 || opened.status.st_dev != device || opened.status.st_ino != inode) {
    return std::unexpected(refused({4, 2, 0}, "file has changed unexpectedly"));
  }
  opened.readable = false;
  return {};
}

std::expected<void, Outcome> check(OpenedFile& opened, const std::string& path, const OpenRules& rules) {
  const struct stat& status = opened.status;
  if (S_ISDIR(status.st_mode)) return std::unexpected(failed(EISDIR, "cannot open file"));
  if (auto result = only_write(opened, path, rules); !result) return result;
  if (S_ISREG(status.st_mode)) {
    if (status.st_nlink != 1) {
      return std::unexpected(refused({5, 2, 0}, fmt::format("file has {} hard links", status.st_nlink)));
    }
    // Mail must not become a part of a program.
    if (!rules.regular_only && (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0) {
      return std::unexpected(refused({5, 7, 1}, "file is executable"));
    }
    if (rules.ownership == Ownership::recipient && status.st_uid != rules.owner) {
      Outcome outcome = refused({4, 2, 0}, fmt::format("destination {} is not owned by recipient", path));
      outcome.warnings.emplace_back("specify \"strict_mailbox_ownership = no\" to ignore mailbox ownership mismatch");
      return std::unexpected(std::move(outcome));
    }
  } else if (rules.regular_only) {
    return std::unexpected(refused({5, 2, 0}, fmt::format("destination {} is not a regular file", path)));
  }
  return {};
}

}  // namespace

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::expected<OpenedFile, Outcome> open_to_append(const std::string& path, const OpenRules& rules) {
  Opened found = open_existing(rules, path, O_NOFOLLOW);
  if (found.fd < 0 && errno == ENOENT) {
    int code = 0;
    auto created = create(path, rules, code);
    // Somebody was faster: what is there now is judged like any other file.
    if (created || code != EEXIST) return created;
    found = open_existing(rules, path, O_NOFOLLOW);
  }
  if (found.fd < 0 && errno == ELOOP) {
    struct stat target {};
    if (rules.below.empty() && ::stat(path.c_str(), &target) != 0) return std::unexpected(failed(errno, "cannot open file"));
    const auto followed = rules.below.empty() ? open_trusted_link(path) : std::nullopt;
    if (!followed) return std::unexpected(refused({5, 2, 0}, "file is a symbolic link"));
    found = *followed;
  }
  if (found.fd < 0) return std::unexpected(failed(errno, "cannot open file"));

  OpenedFile opened;
  opened.file = Fd(found.fd);
  opened.readable = found.readable;
  if (::fstat(found.fd, &opened.status) != 0) return std::unexpected(failed(errno, "cannot stat file"));
  if (auto result = check(opened, path, rules); !result) return std::unexpected(std::move(result).error());
  return opened;
}

Result<Fd> open_directory(const std::string& below, const std::string& path, int access) {
  OpenRules rules;
  rules.below = below;
  Fd directory(open_at(rules, path.empty() ? "." : path, access | O_DIRECTORY | O_CLOEXEC, 0));
  if (!directory) return base::fail_system("open directory " + path);
  return directory;
}

}  // namespace mailbox
