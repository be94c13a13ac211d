#include "lib/mailbox/maildir.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/mailbox/maildir_draft.h"
#include "lib/mailbox/open_file.h"

namespace mailbox {
namespace {

constexpr mode_t directory_mode = 0700;
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

// What a delivery holds. The order matters: the draft's name is removed while its directory is still open.
struct Opened {
  Fd maildir, drafts, fresh;  // with its tmp/ and new/
  MaildirDraft draft;
};

// 0, or the errno; the name in tmp/ in `name`.
int open_all(Opened& opened, const MaildirTarget& target, Stamp now, std::string& name) {
  auto maildir = open_directory(target.below, target.path);
  if (!maildir) return maildir.error().code();
  opened.maildir = std::move(*maildir);
  if (const int code = open_part(opened.maildir, "new", O_RDONLY, opened.fresh); code != 0) return code;
  if (const int code = open_part(opened.maildir, "tmp", O_PATH, opened.drafts); code != 0) return code;
  for (int attempt = 0;; ++attempt) {
    name = fmt::format("{}.P{}{}.{}", split(now).seconds, ::getpid(), attempt == 0 ? "" : fmt::format("Q{}", attempt), target.host);
    const int code = opened.draft.create(opened.drafts, name);
    if (code != EEXIST || attempt == name_attempts) return code;
  }
}

std::string full_path(const MaildirTarget& target) {
  return target.below.empty() ? target.path : target.below + "/" + target.path;
}

Outcome write_all(MaildirDraft& draft, Content& content) {
  content.rewind();
  for (;;) {
    const auto bytes = content.next();
    if (!bytes) return {{4, 3, 0}, base::Error(bytes.error()).within("queue file").message(), {}};
    if (bytes->empty()) return {};
    if (const int code = draft.write(*bytes); code != 0) return failed(code, "error writing message");
  }
}

// The Maildir that has the file maildirsize: of a folder (Maildir++) the one above it.
Result<Fd> quota_root(const Fd& maildir, const MaildirTarget& target) {
  struct stat status {};
  const bool is_folder = ::fstatat(maildir.get(), "maildirfolder", &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_folder) return open_directory(target.below, parent_of(target.path));
  Fd itself(::fcntl(maildir.get(), F_DUPFD_CLOEXEC, 0));
  if (!itself) return base::fail_system("dup");
  return itself;
}

// Whether the message has room; nobody is turned away because its books cannot be read.
Outcome check_quota(const Fd& root, const MaildirTarget& target, std::int64_t bytes) {
  const auto fits = target.quota.books->check(root, target.quota.limit, bytes);
  if (fits) return {};
  if (fits.error().code() != EDQUOT) return {{}, {}, {fmt::format("quota of {}: {}", full_path(target), fits.error().message())}};
  return {target.quota.is_temporary ? mail::Dsn(4, 2, 2) : mail::Dsn(5, 2, 2), std::string(quota_exceeded), {}};
}

// The durable order of a Maildir delivery: write tmp/NAME, settle its bytes, give it its name in new/, fsync new/ and the
// file (in this order, since others change new/ meanwhile: the other way round its fsync would wait for their names too).
// The message stays in the queue until all of it has succeeded. After a failure of the last step the file is removed
// again: it may or may not survive a power cut, and the next attempt writes another.
Outcome publish(Opened& opened, const MaildirTarget& target, Stamp now) {
  const Fd& file = opened.draft.file();
  if (const int code = opened.draft.settle(); code != 0) return failed(code, "error writing message");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed(errno, "cannot stat file");
  std::string name = maildir_name(now, status.st_dev, status.st_ino, target.host);
  if (target.names_sizes) name += opened.draft.sizes();
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

// The books come last: a crash before leaves them too low by one message, until they are counted anew.
Outcome publish_within_quota(Opened& opened, const MaildirTarget& target, Stamp now) {
  const auto root = quota_root(opened.maildir, target);
  if (!root) {
    Outcome outcome = publish(opened, target, now);
    outcome.warnings.push_back(fmt::format("quota of {}: {}", full_path(target), root.error().message()));
    return outcome;
  }
  const auto bytes = static_cast<std::int64_t>(opened.draft.size());
  Outcome outcome = check_quota(*root, target, bytes);
  if (!outcome.ok()) return outcome;
  std::vector<std::string> warnings = std::move(outcome.warnings);
  outcome = publish(opened, target, now);
  if (outcome.ok()) {
    const auto noted = target.quota.books->note(*root, target.quota.limit, bytes);
    if (!noted) warnings.push_back(fmt::format("quota of {}: {}", full_path(target), noted.error().message()));
  }
  outcome.warnings.insert(outcome.warnings.end(), warnings.begin(), warnings.end());
  return outcome;
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

std::string maildir_name(Stamp now, dev_t device, ino_t inode, std::string_view host) {
  return fmt::format("{}.V{:x}I{:x}M{}.{}", split(now).seconds, device, inode, split(now).micros, host);
}

Outcome check_room(const MaildirTarget& target, std::int64_t bytes) {
  if (target.quota.books == nullptr) return {};
  const auto maildir = open_directory(target.below, target.path);
  if (!maildir && maildir.error().code() != ENOENT) return failed(maildir.error().code(), "cannot open maildir " + full_path(target));
  if (!maildir) return check_quota(Fd(), target, bytes);
  const auto root = quota_root(*maildir, target);
  if (!root) return failed(root.error().code(), "cannot open the maildir above " + full_path(target));
  return check_quota(*root, target, bytes);
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
  Outcome outcome = write_all(opened.draft, content);
  if (!outcome.ok()) return outcome;
  if (target.quota.books == nullptr) return publish(opened, target, now);
  return publish_within_quota(opened, target, now);
}

}  // namespace mailbox
