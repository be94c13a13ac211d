#include "lib/mailbox/mbox.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/mailbox/file_lock.h"
#include "lib/mailbox/torn_tail.h"

namespace mailbox {
namespace {

constexpr int reopen_limit = 3;           // a file that another program keeps replacing
constexpr int pipe_patience_ms = 10'000;  // a FIFO or device that takes no bytes

// The mailbox's name where nothing that happens to the names on the way can lead elsewhere: a path of its directory's
// descriptor, which was opened below the base. Where there is no base it is the path as it stands.
struct Place {
  Fd directory;
  std::string path;
};

std::string full_path(const MboxTarget& target) {
  return target.rules.below.empty() ? target.path : target.rules.below + "/" + target.path;
}

Outcome damaged(base::Error error) { return {{4, 3, 0}, std::move(error).within("queue file").message(), {}}; }

// Writes all; an errno, or 0.
int write_all(const Fd& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      pollfd ready{file.get(), POLLOUT, 0};
      if (::poll(&ready, 1, pipe_patience_ms) == 0) return ETIMEDOUT;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// What must stand before our From_ line so that it begins a message: the file of another program, or the fragment of
// another message, may end within a line.
Result<std::string_view> separator(const Fd& file, std::int64_t size) {
  char last[2] = {'\n', '\n'};
  const std::int64_t length = std::min<std::int64_t>(size, 2);
  if (::pread(file.get(), last + 2 - length, static_cast<std::size_t>(length), size - length) != length) {
    return base::fail_system("error reading mailbox");
  }
  if (last[1] != '\n') return std::string_view("\n\n");
  if (last[0] != '\n') return std::string_view("\n");
  return std::string_view();
}

Outcome write_failed(int code) { return failed(code, "error writing message"); }

Outcome write_content(const Fd& file, std::string_view before, Content& content) {
  if (const int code = write_all(file, before); code != 0) return write_failed(code);
  content.rewind();
  for (;;) {
    const auto bytes = content.next();
    if (!bytes) return damaged(bytes.error());
    if (bytes->empty()) return {};
    if (const int code = write_all(file, *bytes); code != 0) return write_failed(code);
  }
}

Outcome sync(const OpenedFile& opened, const MboxTarget& target) {
  if (::fsync(opened.file.get()) != 0) return write_failed(errno);
  if (!opened.created) return {};
  const auto directory = open_directory(target.rules.below, parent_of(target.path));
  // A spool directory that may be entered but not read cannot be synced by us; the file itself is.
  if (!directory) return {};
  return ::fsync(directory->get()) == 0 ? Outcome{} : write_failed(errno);
}

// The durable order of an mbox delivery, under the locks: cut off what an earlier attempt left, append, fsync the file,
// fsync its directory when it is new. Until all of it has succeeded the message stays in the queue; when a step fails
// the file is cut to its length before, and a failed fsync is not tried again here: the next attempt examines the tail.
Outcome append_regular(const OpenedFile& opened, const MboxTarget& target, Content& content) {
  struct stat status {};
  if (::fstat(opened.file.get(), &status) != 0) return failed(errno, "cannot stat file");
  std::int64_t size = status.st_size;
  std::string_view before;
  if (opened.readable && size > 0) {
    const auto tail = examine_tail(opened.file, size, content);
    if (!tail) return {{4, 2, 0}, tail.error().message(), {}};
    if (tail->kind == Tail::Kind::complete && !target.first_try) return sync(opened, target);
    if (tail->kind == Tail::Kind::torn) {
      if (::ftruncate(opened.file.get(), tail->start) != 0) return failed(errno, "cannot truncate file");
      size = tail->start;
    }
    const auto needed = separator(opened.file, size);
    if (!needed) return {{4, 2, 0}, needed.error().message(), {}};
    before = *needed;
  }
  const auto length = content.size();
  if (!length) return damaged(length.error());
  if (target.size_limit > 0 && size + static_cast<std::int64_t>(before.size()) + *length > target.size_limit) {
    return write_failed(EFBIG);
  }

  Outcome outcome = write_content(opened.file, before, content);
  if (outcome.ok()) {
    outcome = sync(opened, target);
    outcome.begins = size;
  }
  if (!outcome.ok() && ::ftruncate(opened.file.get(), size) != 0) {
    outcome.warnings.push_back(fmt::format("{}: cannot truncate to {} bytes after a failed delivery", full_path(target), size));
  }
  return outcome;
}

Result<Place> find_place(const MboxTarget& target) {
  if (target.rules.below.empty()) return Place{{}, target.path};
  Place place;
  place.directory = TRY(open_directory(target.rules.below, parent_of(target.path), O_PATH));
  place.path = fmt::format("/proc/self/fd/{}/{}", place.directory.get(), target.path.substr(target.path.rfind('/') + 1));
  return place;
}

// While we waited for the lock a mail reader may have put another file in its place: what is written to the old one would
// be lost.
bool is_still_named(const Fd& file, const std::string& path) {
  struct stat ours {};
  struct stat named {};
  return ::fstat(file.get(), &ours) == 0 && ::stat(path.c_str(), &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

}  // namespace

Outcome append_to_mbox(const MboxTarget& target, Content& content, const LockHolder& self) {
  const auto place = find_place(target);
  if (!place) return failed(place.error().code(), "cannot open file");
  const std::string& path = place->path;
  std::vector<std::string> warnings;
  const auto with_warnings = [&](Outcome outcome) {
    outcome.warnings.insert(outcome.warnings.begin(), warnings.begin(), warnings.end());
    return outcome;
  };

  // The dotlock comes before the file: it also guards the file's creation. Devices have none.
  Dotlock dotlock;
  struct stat named {};
  const bool is_special = ::stat(path.c_str(), &named) == 0 && !S_ISREG(named.st_mode);
  if (target.locks.dotlock && !is_special) {
    auto locked = Dotlock::acquire(path, self, target.patience, full_path(target));
    if (locked) {
      dotlock = std::move(*locked);
    } else if (target.need_dotlock || locked.error().code() == EEXIST) {
      const mail::Dsn dsn = locked.error().code() == EEXIST ? mail::Dsn(4, 2, 0) : dsn_of(locked.error().code());
      return {dsn, locked.error().message(), {}};
    } else {
      warnings.push_back(locked.error().message());
    }
  }

  for (int attempt = 0; attempt < reopen_limit; ++attempt) {
    const auto opened = open_to_append(target.path, target.rules);
    if (!opened) return with_warnings(opened.error());
    if (!S_ISREG(opened->status.st_mode)) return with_warnings(write_content(opened->file, {}, content));
    if (const auto locked = lock_mailbox(opened->file, target.locks, target.patience); !locked) {
      return with_warnings({{4, 2, 0}, locked.error().message(), {}});
    }
    if (is_still_named(opened->file, path)) return with_warnings(append_regular(*opened, target, content));
  }
  return with_warnings({{4, 2, 0}, "file has changed unexpectedly", {}});
}

}  // namespace mailbox
