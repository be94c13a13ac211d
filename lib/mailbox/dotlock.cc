#include "lib/mailbox/dotlock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/base/fd.h"
#include "lib/mailbox/file_lock.h"

namespace mailbox {
namespace {

constexpr std::size_t lock_text_limit = 1024;
constexpr unsigned lock_mode = 0644;  // others look at the pid
constexpr const char* mark_attribute = "user.valija.lock";
constexpr std::size_t mark_limit = 128, mark_boot = 8, mark_host = 16;

std::string read_small(const Fd& file) {
  std::string text(lock_text_limit, '\0');
  const ssize_t count = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return text;
}

std::string read_mark(const Fd& file) {
  std::array<char, mark_limit> text{};
  const ssize_t size = ::fgetxattr(file.get(), mark_attribute, text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string read_small(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return file ? read_small(file) : std::string();
}

// When the process was started: field 22 of /proc/PID/stat (the command's name, which may hold anything, ends with the
// last ')'). "dead" for one that has ended and waits to be reaped; empty when it cannot be known.
constexpr std::string_view ended = "dead";

std::string start_of(long pid) {
  const std::string stat = read_small(fmt::format("/proc/{}/stat", pid));
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  constexpr std::size_t start_index = 22 - 3;  // fields after the name count from 3
  const auto fields = ascii::split(std::string_view(stat).substr(name_end + 1), " ");
  if (fields.size() <= start_index) return {};
  if (fields[0] == "Z" || fields[0] == "X") return std::string(ended);
  return std::string(fields[start_index]);
}

std::string link_text(const char* path) {
  std::array<char, 256> text{};
  const ssize_t length = ::readlink(path, text.data(), text.size());
  return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : std::string();
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

// A file with no name and the whole text, which link(2) then gives its name: nobody ever sees half a lock, and nothing is
// left behind. Where the file system has no O_TMPFILE, a name that no reader looks at.
class Draft {
 public:
  static Result<Draft> make(const std::string& lock_path, const LockHolder& holder) {
    const std::string text = holder.text(), mark = holder.mark();
    const std::size_t slash = lock_path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : lock_path.substr(0, std::max<std::size_t>(slash, 1));
    Draft draft;
    draft.file_ = Fd(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, lock_mode));
    if (!draft.file_ && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
      timespec now{};
      ::clock_gettime(CLOCK_REALTIME, &now);
      draft.name_ = fmt::format("{}.{}.{}", lock_path, ::getpid(), now.tv_nsec);
      draft.file_ = Fd(::open(draft.name_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, lock_mode));
    }
    if (!draft.file_) return base::fail_system(lock_path);
    ::fchmod(draft.file_.get(), lock_mode);
    if (::write(draft.file_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      return base::fail_system(lock_path);
    }
    // Not every file system has attributes; without one, the lock is like other programs' after a power cut.
    static_cast<void>(::fsetxattr(draft.file_.get(), mark_attribute, mark.data(), mark.size(), 0));
    return draft;
  }
  Draft() = default;
  Draft(Draft&&) = default;
  Draft& operator=(Draft&&) = default;
  ~Draft() {
    if (file_ && !name_.empty()) ::unlink(name_.c_str());
  }

  // 0, or the errno.
  [[nodiscard]] int link_as(const std::string& path) const {
    const std::string source = name_.empty() ? fmt::format("/proc/self/fd/{}", file_.get()) : name_;
    const int flags = name_.empty() ? AT_SYMLINK_FOLLOW : 0;
    return ::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, path.c_str(), flags) == 0 ? 0 : errno;
  }

 private:
  Fd file_;
  std::string name_;
};

// By the time that nobody can set: a lock with a forged time of modification is as young as it is.
bool is_old(const struct stat& status, const LockPatience& patience) {
  return ::time(nullptr) - status.st_ctime > patience.stale.count();
}

bool is_of_the_dead(const Fd& lock, const LockHolder& self) {
  if (const auto holder = LockHolder::parse(read_small(lock))) return holder->is_dead(self);
  const auto holder = LockHolder::parse_mark(read_mark(lock));
  return holder && holder->is_dead(self.abbreviated());
}

// Removes a lock that is stale. Of several processes that see this only one may unlink, or the second would take away
// the first one's new lock: they take turns by flock on the stale file, and look whether it is still the one with the
// name. A lock that cannot be opened is only judged by its age.
void break_if_stale(const std::string& path, const LockHolder& self, const LockPatience& patience) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file) {
    if (::lstat(path.c_str(), &status) == 0 && is_old(status, patience)) ::unlink(path.c_str());
    return;
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(file.get(), &status) != 0) return;
  if (!is_of_the_dead(file, self) && !is_old(status, patience)) return;
  struct stat named {};
  if (::lstat(path.c_str(), &named) != 0 || named.st_ino != status.st_ino || named.st_dev != status.st_dev) return;
  ::unlink(path.c_str());
}

}  // namespace

LockHolder LockHolder::self() {
  LockHolder holder;
  holder.pid = ::getpid();
  holder.host = host_name();
  holder.boot = std::string(ascii::trim(read_small("/proc/sys/kernel/random/boot_id")));
  holder.pid_namespace = link_text("/proc/self/ns/pid");
  holder.start = start_of(holder.pid);
  return holder;
}

std::string LockHolder::text() const {
  return fmt::format("{}\nhost={} boot={} pidns={} start={}\n", pid, host, boot, pid_namespace, start);
}

std::optional<LockHolder> LockHolder::parse(std::string_view text) {
  const auto words = ascii::split(text, " \n");
  if (words.size() != 5) return std::nullopt;
  const auto pid = ascii::parse_number(words[0], INT32_MAX);
  if (!pid || *pid == 0) return std::nullopt;
  LockHolder holder;
  holder.pid = static_cast<long>(*pid);
  const std::pair<std::string_view, std::string*> values[] = {
      {"host=", &holder.host}, {"boot=", &holder.boot}, {"pidns=", &holder.pid_namespace}, {"start=", &holder.start}};
  for (std::size_t i = 0; i < std::size(values); ++i) {
    const auto& [name, value] = values[i];
    if (!words[i + 1].starts_with(name) || words[i + 1].size() == name.size()) return std::nullopt;
    *value = words[i + 1].substr(name.size());
  }
  return holder;
}

std::string LockHolder::mark() const {
  const LockHolder brief = abbreviated();
  return fmt::format("{} {} {} {} {}", brief.pid, brief.start, brief.boot, brief.pid_namespace, brief.host);
}

std::optional<LockHolder> LockHolder::parse_mark(std::string_view text) {
  const auto words = ascii::split(text, " ");
  const auto pid = words.size() == 5 ? ascii::parse_number(words[0], INT32_MAX) : std::nullopt;
  if (!pid || *pid == 0) return std::nullopt;
  return LockHolder{.pid = static_cast<long>(*pid), .host = std::string(words[4]), .boot = std::string(words[2]),
                    .pid_namespace = std::string(words[3]), .start = std::string(words[1])};
}

LockHolder LockHolder::abbreviated() const {
  LockHolder brief = *this;
  brief.boot = boot.substr(0, mark_boot);
  brief.host = host.substr(0, mark_host);
  return brief;
}

bool LockHolder::is_dead(const LockHolder& observer) const {
  if (host != observer.host || observer.boot.empty()) return false;
  if (boot != observer.boot) return true;
  if (pid_namespace != observer.pid_namespace) return false;
  if (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return true;
  const std::string running = start_of(pid);
  return !running.empty() && running != start;
}

Result<Dotlock> Dotlock::acquire(const std::string& path, const LockHolder& self, const LockPatience& patience,
                                 const std::string& shown) {
  const std::string lock_path = path + ".lock";
  const auto describe = [&](int code) {
    return base::Failure(base::Error::system(fmt::format("unable to create lock file {}.lock", shown.empty() ? path : shown), code));
  };
  const auto draft = Draft::make(lock_path, self);
  if (!draft) return describe(draft.error().code());
  int code = 0;
  static_cast<void>(persist(patience, [&] {
    code = draft->link_as(lock_path);
    if (code != EEXIST) return true;
    break_if_stale(lock_path, self, patience);
    code = draft->link_as(lock_path);
    return code != EEXIST;
  }));
  if (code != 0) return describe(code);
  return Dotlock(lock_path);
}

Dotlock& Dotlock::operator=(Dotlock&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

Dotlock::~Dotlock() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace mailbox
