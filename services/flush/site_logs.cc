#include "services/flush/site_logs.h"

#include <cerrno>
#include <memory>
#include <optional>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/event/offload.h"
#include "lib/io/file.h"
#include "lib/queue/layout.h"
#include "lib/queue/lock.h"

namespace flush {
namespace {

using queue::QueueId;

constexpr std::chrono::seconds lock_wait{60};
constexpr std::size_t line_limit = 100;  // an id is shorter; what is longer is none

Stamp stamp(const timespec& time) {
  return Stamp(std::chrono::duration_cast<Stamp::duration>(std::chrono::seconds(time.tv_sec) +
                                                           std::chrono::nanoseconds(time.tv_nsec)));
}

Result<struct stat> status_of(const Fd& file, const std::string& path) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return base::fail_system("fstat " + path);
  return status;
}

// The time of the last look at the list, which fast_flush_refresh_time counts from.
void set_asked_now(const Fd& file) {
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_NOW}, {.tv_sec = 0, .tv_nsec = UTIME_OMIT}};
  ::futimens(file.get(), times);
}

// Reads the ids, each once. What is no id is passed over: the file may have been torn.
class IdReader {
 public:
  explicit IdReader(const Fd& file) : file_(file) {}

  Result<std::vector<QueueId>> read(const std::string& path) {
    std::string bytes(SiteLogs::chunk, '\0');
    off_t offset = 0;
    for (;;) {
      const ssize_t size = ::pread(file_.get(), bytes.data(), bytes.size(), offset);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return base::fail_system("read " + path);
      if (size == 0) return std::move(ids_);
      offset += size;
      for (const char c : std::string_view(bytes).substr(0, static_cast<std::size_t>(size))) take(c);
    }
  }

 private:
  void take(char c) {
    if (c != '\n') {
      if (line_.size() < line_limit) line_ += c;
      return;
    }
    auto id = line_.size() < line_limit ? QueueId::parse(line_) : std::nullopt;
    if (id && seen_.insert(line_).second) ids_.push_back(std::move(*id));
    line_.clear();
  }

  const Fd& file_;
  std::string line_;
  std::vector<QueueId> ids_;
  std::unordered_set<std::string> seen_;
};

// Under the file's lock.
Result<std::vector<QueueId>> take_ids(const Fd& file, const std::string& path, const SiteLogs::Stays& stays) {
  std::vector<QueueId> ids = TRY(IdReader(file).read(path));
  std::string kept;
  std::erase_if(ids, [&](const QueueId& id) {
    const bool is_kept = stays(id);
    if (is_kept) kept += id.text() + "\n";
    return is_kept;
  });
  if (::ftruncate(file.get(), 0) != 0) return base::fail_system("truncate " + path);
  TRY(io::write_all(file, path, kept));
  set_asked_now(file);
  return ids;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

std::string file_name(std::string_view site) {
  std::string name = ascii::lowercase(site);
  for (char& c : name) {
    if (!ascii::is_alpha(c) && !ascii::is_digit(c)) c = '_';
  }
  return name;
}

bool SiteLogs::Known::is_of(const struct stat& status) const {
  return inode == status.st_ino && size == status.st_size && changed == stamp(status.st_mtim);
}

void SiteLogs::Known::leave(const struct stat& status) {
  inode = status.st_ino;
  size = status.st_size;
  changed = stamp(status.st_mtim);
}

void SiteLogs::forget(const std::string& name) {
  const auto found = known_.find(name);
  if (found == known_.end()) return;
  known_ids_ -= found->second.ids.size();
  known_.erase(found);
}

// The file may be removed between its opening and its locking: then it is not the list any more.
Result<Fd> SiteLogs::open_locked(const std::string& name, int flags) const {
  const std::string path = directory_ + name;
  const Deadline deadline = base::after(lock_wait);
  for (;;) {
    Fd file = TRY(io::open_file(path, flags | O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK, queue::mode_log));
    if (auto locked = queue::lock_file(file, deadline); !locked) return base::Failure(std::move(locked).error().within(path));
    if (TRY(status_of(file, path)).st_nlink > 0) return file;
  }
}

Result<void> SiteLogs::add(const std::string& name, const QueueId& id) {
  const std::string path = directory_ + name;
  const Fd file = TRY(open_locked(name, O_CREAT));
  struct stat status = TRY(status_of(file, path));
  if (const auto found = known_.find(name); found != known_.end() && !found->second.is_of(status)) forget(name);
  if (known_ids_ >= known_limit) {
    known_.clear();
    known_ids_ = 0;
  }
  Known& known = known_[name];
  if (!known.ids.insert(id.text()).second) return {};
  ++known_ids_;
  if (auto written = io::write_all(file, path, id.text() + "\n"); !written) {
    // Without the part of a line that may have been written, which would spoil the next.
    if (::ftruncate(file.get(), status.st_size) != 0) written = base::fail_system("truncate " + path);
    forget(name);
    return written;
  }
  if (status.st_size == 0) set_asked_now(file);
  known.leave(TRY(status_of(file, path)));
  return {};
}

bool SiteLogs::has_entries(const std::string& name) const {
  struct stat status {};
  return ::lstat((directory_ + name).c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
}

Result<std::vector<QueueId>> SiteLogs::take(const std::string& name, const Stays& stays) {
  if (!has_entries(name)) return {};
  const Fd file = TRY(open_locked(name, O_CREAT));
  forget(name);
  return event::blocking([&] { return take_ids(file, directory_ + name, stays); });
}

Result<std::vector<SiteLogs::Entry>> SiteLogs::list() const {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(directory_.c_str()));
  if (!directory) return base::fail_system("open " + directory_);
  std::vector<Entry> entries;
  while (const dirent* const entry = ::readdir(directory.get())) {
    struct stat status {};
    if (::fstatat(::dirfd(directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(status.st_mode)) continue;
    entries.push_back({entry->d_name, status.st_size == 0, stamp(status.st_atim), stamp(status.st_mtim)});
  }
  return entries;
}

Result<void> SiteLogs::remove_empty(const std::string& name) {
  auto file = open_locked(name, 0);
  if (!file) return file.error().code() == ENOENT ? Result<void>{} : base::Failure(std::move(file).error());
  const std::string path = directory_ + name;
  if (TRY(status_of(*file, path)).st_size > 0) return {};
  forget(name);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return base::fail_system("remove " + path);
  return {};
}

}  // namespace flush
