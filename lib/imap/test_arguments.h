#pragma once
// For tests: a dialogue with a CommandReader over a socket pair, and the arguments of one command.

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/deadline.h"
#include "lib/base/fd.h"
#include "lib/imap/command_reader.h"
#include "lib/io/stream.h"

namespace imap::testing {

inline Deadline soon() { return base::after(std::chrono::seconds(10)); }

// A client that has said all that it will say. Not more than a socket's buffer holds.
class Client {
 public:
  explicit Client(std::string_view says, const ReaderLimits& limits = limits_after_login) : Client(pair(), says, limits) {}
  CommandReader& reader() { return reader_; }
  io::Stream& stream() { return stream_; }
  // What the server has said so far.
  std::string heard() {
    static_cast<void>(stream_.flush(soon()));
    std::string text(65536, '\0');
    const ssize_t size = ::recv(peer_.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  }

 private:
  struct Pair { Fd a, b; };
  static Pair pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) std::abort();
    return {Fd(ends[0]), Fd(ends[1])};
  }
  Client(Pair ends, std::string_view says, const ReaderLimits& limits)
      : peer_(std::move(ends.b)), stream_(std::move(ends.a)), reader_(stream_, limits) {
    if (::send(peer_.get(), says.data(), says.size(), MSG_DONTWAIT) != static_cast<ssize_t>(says.size())) std::abort();
    ::shutdown(peer_.get(), SHUT_WR);
  }
  Fd peer_;
  io::Stream stream_;
  CommandReader reader_;
};

// The arguments that `text` is, which is without fault. Literals are written with '+'.
inline Arguments arguments(std::string_view text) {
  Client client("a X " + std::string(text) + "\r\n");
  Command command;
  if (client.reader().begin(command, soon()) != ReadEnd::ok || client.reader().finish(command, soon()) != ReadEnd::ok) std::abort();
  return std::move(command.arguments);
}

// The words for BAD, or "ok".
template <class T>
std::string verdict(const Result<T>& result) { return result ? "ok" : result.error().message(); }

}  // namespace imap::testing
