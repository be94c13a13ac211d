#include "lib/log/log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/base/check.h"
#include "lib/base/fd.h"
#include "lib/log/sink.h"

namespace maillog {
namespace {

// The longest a full log socket may hold the process up, at exit or when the pending buffer is full.
constexpr int full_socket_wait_ms = 1000;
constexpr int busy_daemon_wait_ms = 50;  // a log daemon that lives makes room within this time

std::string_view label(Level level) {
  switch (level) {
    case Level::info: return "";
    case Level::warning: return "warning: ";
    case Level::error: return "error: ";
    case Level::fatal: return "fatal: ";
    case Level::panic: return "panic: ";
  }
  return "";
}

// syslog(3) severities.
int severity(Level level) {
  switch (level) {
    case Level::info: return 6;
    case Level::warning: return 4;
    case Level::error: return 3;
    case Level::fatal: return 2;
    case Level::panic: return 2;
  }
  return 6;
}

// The one log of the process. Used from the loop's thread only.
class Log {
 public:
  void open(SinkOptions options) {
    flush();
    options_ = std::move(options);
    ::tzset();  // before a chroot takes /etc/localtime away
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0) host_ = std::string(name.data()).substr(0, std::string(name.data()).find('.'));
    connect();
  }

  void reopen() {
    static_cast<void>(fd_.release());  // it is closed, and its number may be another's by now
    pending_.clear();                  // the parent writes these
    pending_bytes_ = 0;
    connect();
  }

  void write(Level level, std::string_view text) {
    const unsigned long number = session_number != 0 ? session_number : static_cast<unsigned long>(::getpid());
    std::string line;
    if (options_.target == Target::standard_error) {
      line = fmt::format("{}: {}{}", standard_error_name(), label(level), ascii::printable(text.substr(0, line_limit)));
    } else {
      line = fmt::format("{}{}{}[{}]: {}{}", prefix(level), stamp(), tag, number, label(level),
                         ascii::printable(text.substr(0, line_limit)));
    }
    if (options_.also_standard_error) to_standard_error(fmt::format("{}: {}{}\n", standard_error_name(), label(level), ascii::printable(text)));
    if (pending_bytes_ + line.size() > pending_limit) send_pending(full_socket_wait_ms);
    if (pending_bytes_ + line.size() > pending_limit) {
      ++dropped_;
      return;
    }
    pending_bytes_ += line.size();
    pending_.push_back(std::move(line));
    if (options_.target == Target::standard_error) flush();
  }

  void flush() {
    if (!pending_.empty()) send_pending(is_stuck_ ? 0 : busy_daemon_wait_ms);
    if (dropped_ > 0 && pending_.empty()) {
      const unsigned long dropped = std::exchange(dropped_, 0);
      write(Level::warning, fmt::format("{} log lines were lost: the log daemon was gone or full", dropped));
    }
  }

  [[nodiscard]] bool is_behind() const { return !pending_.empty(); }

  void last_flush() {
    if (!pending_.empty()) send_pending(full_socket_wait_ms);
  }

  void write_composed(std::string line) {
    pending_bytes_ += line.size();
    pending_.push_back(std::move(line));
    if (pending_bytes_ > pending_limit) flush();
  }

  [[nodiscard]] std::string short_tag() const {
    const std::size_t slash = tag.rfind('/');
    return slash == std::string::npos ? tag : tag.substr(slash + 1);
  }

  [[nodiscard]] std::string standard_error_name() const {
    if (options_.whole_tag_on_standard_error) return tag;
    return options_.standard_error_name.empty() ? short_tag() : options_.standard_error_name;
  }

  std::string tag = "postfix";
  unsigned long session_number = 0;

 private:
  // syslog wants "<priority>"; the log file and postlogd do not.
  [[nodiscard]] std::string prefix(Level level) const {
    if (options_.target == Target::syslog) return fmt::format("<{}>", options_.facility * 8 + severity(level));
    return "";
  }

  // "Nov 24 06:24:59 " for syslog, with the host name behind it for the log file.
  const std::string& stamp() {
    const std::time_t now = ::time(nullptr);
    if (now != stamp_time_) {
      stamp_time_ = now;
      std::tm local{};
      ::localtime_r(&now, &local);
      std::array<char, 32> text{};
      const std::size_t length = std::strftime(text.data(), text.size(), "%b %e %H:%M:%S ", &local);
      stamp_.assign(text.data(), length);
      if (options_.target != Target::syslog) stamp_ += host_ + " ";
    }
    return stamp_;
  }

  void connect() {
    stamp_time_ = -1;
    if (options_.target == Target::standard_error) return;
    if (options_.target == Target::file) {
      fd_ = open_file(options_.path, options_.file_mode);
      return;
    }
    fd_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (options_.path.size() >= sizeof address.sun_path) return fd_.reset();
    options_.path.copy(address.sun_path, options_.path.size());
    is_connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (!is_connected_ && errno != EPERM) fd_.reset();   // EPERM: its confinement lets this process name the socket with each datagram only
    address_ = address;
  }

  [[nodiscard]] bool send_now(const std::string& datagram) const {
    const auto* const to = is_connected_ ? nullptr : reinterpret_cast<const sockaddr*>(&address_);
    return ::sendto(fd_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL, to, to == nullptr ? 0 : sizeof address_) >= 0;
  }

  // Sends what waits, several lines in one datagram to postlogd, one each to syslog. At most `wait_ms` in a full socket.
  void send_pending(int wait_ms) {
    if (options_.target == Target::standard_error) return to_standard_error(take_all());
    if (options_.target == Target::file) return append_to_file(take_all());
    bool reconnected = false;
    while (!pending_.empty()) {
      if (!fd_) connect();
      const std::string datagram = options_.target == Target::postlog ? batch() : pending_.front();
      if (fd_ && send_now(datagram)) {
        is_stuck_ = false;
        drop_sent(options_.target == Target::postlog ? batched_ : 1);
        continue;
      }
      const int code = fd_ ? errno : ECONNREFUSED;
      if (code == EAGAIN || code == ENOBUFS) {
        pollfd full{fd_.get(), POLLOUT, 0};
        if (wait_ms > 0 && ::poll(&full, 1, wait_ms) > 0) continue;
        is_stuck_ = true;
        return;
      }
      fd_.reset();  // the daemon was restarted: its socket is a new one
      if (std::exchange(reconnected, true)) {
        if (!options_.fallback_file.empty()) use_fallback();
        return;
      }
    }
  }

  // Lines of one datagram, and how many they are.
  static constexpr std::size_t datagram_limit = 32 * 1024;
  std::string batch() {
    std::string text;
    batched_ = 0;
    for (const std::string& line : pending_) {
      if (batched_ > 0 && text.size() + line.size() > datagram_limit) break;
      if (batched_ > 0) text += '\n';
      text += line;
      ++batched_;
    }
    return text;
  }

  void drop_sent(std::size_t lines) {
    for (; lines > 0; --lines) {
      pending_bytes_ -= pending_.front().size();
      pending_.pop_front();
    }
  }

  std::string take_all() {
    std::string text;
    for (const std::string& line : pending_) text += line + '\n';
    pending_.clear();
    pending_bytes_ = 0;
    return text;
  }

  void use_fallback() {
    const Fd file = open_file(options_.fallback_file, options_.file_mode);
    if (!file) return;
    const std::string text = take_all();
    [[maybe_unused]] const ssize_t ignored = ::write(file.get(), text.data(), text.size());
  }

  void append_to_file(const std::string& text) {
    if (!fd_) connect();
    // A full disk must not stop the mail: what cannot be written is lost, and counted. A line that was cut off is ended first.
    const std::string whole = (is_cut_off_ ? "\n" : "") + text;
    const ssize_t written = fd_ ? ::write(fd_.get(), whole.data(), whole.size()) : 0;
    const std::size_t kept = written > 0 ? static_cast<std::size_t>(written) : 0;
    if (kept > 0) is_cut_off_ = whole[kept - 1] != '\n';
    dropped_ += static_cast<unsigned long>(std::count(whole.begin() + static_cast<std::ptrdiff_t>(kept), whole.end(), '\n'));
  }

  static void to_standard_error(const std::string& text) {
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
  }

  SinkOptions options_;
  Fd fd_;
  bool is_connected_ = false;   // or each datagram goes to address_
  sockaddr_un address_{};
  std::string host_ = "localhost";
  std::deque<std::string> pending_;
  std::size_t pending_bytes_ = 0;
  std::size_t batched_ = 0;
  unsigned long dropped_ = 0;
  bool is_stuck_ = false;  // the log daemon took nothing for a while: nobody waits for it until it does again
  bool is_cut_off_ = false;   // the file's last line
  std::time_t stamp_time_ = -1;
  std::string stamp_;
};

// A process has one log, as it has one standard error; it lives until the process ends.
Log& the_log() {
  static Log* const instance = [] {
    base::set_panic_hook([](const char* text) {
      write(Level::panic, text);
      flush();
    });
    std::atexit([] { the_log().last_flush(); });
    return new Log;  // never destroyed: destructors of other objects may still log
  }();
  return *instance;
}

}  // namespace

void set_tag(std::string tag) { the_log().tag = std::move(tag); }
const std::string& tag() { return the_log().tag; }
void set_session(unsigned long number) { the_log().session_number = number; }
unsigned long session() { return the_log().session_number; }
void write(Level level, std::string_view text) { the_log().write(level, text); }
void flush() { the_log().flush(); }
bool is_behind() { return the_log().is_behind(); }
Fd open_file(const std::string& path, mode_t mode) {
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
  Fd made(::open(path.c_str(), flags | O_EXCL, mode));
  if (!made) return Fd(::open(path.c_str(), flags, mode));
  [[maybe_unused]] const int ignored = ::fchmod(made.get(), mode);  // past the umask; ours, as we have just made it
  return made;
}

void open(SinkOptions options) { the_log().open(std::move(options)); }
void reopen() { the_log().reopen(); }
void write_composed(std::string line) { the_log().write_composed(std::move(line)); }

void exit_fatal(std::string_view text, int status) {
  write(Level::fatal, text);
  the_log().last_flush();
  std::fflush(nullptr);
  ::_exit(status);  // not exit(): pool threads and fibers must not meet destructors
}

}  // namespace maillog
