#include "lib/ipc/connections.h"

#include <cerrno>

#include "lib/event/loop.h"
#include "lib/io/socket.h"

namespace ipc {
namespace {

// How long to wait before a service that refuses (its backlog is full, or master restarts it) is tried again.
constexpr std::chrono::milliseconds connect_retry_delay{50};

bool may_come_back(int code) { return code == ECONNREFUSED || code == EAGAIN || code == ENOENT; }

}  // namespace

Result<Connections::Connection> Connections::take(std::string_view socket, Deadline deadline) {
  const auto found = idle_.find(socket);
  while (found != idle_.end() && !found->second.empty()) {
    io::Stream stream = std::move(found->second.back());
    found->second.pop_back();
    // Input on a kept connection is its end: the service has gone.
    if (stream.is_at_rest()) return Connection{std::move(stream), true};
  }
  return connect(socket, deadline);
}

Result<Connections::Connection> Connections::connect(std::string_view socket, Deadline deadline) {
  const std::string path(socket);
  for (;;) {
    Result<Fd> fd = io::connect_unix(path, deadline);
    if (fd) return Connection{io::Stream(std::move(*fd)), false};
    const Deadline next = base::after(connect_retry_delay);
    if (!may_come_back(fd.error().code()) || next >= deadline) {
      if (fd.error().code() == 0) return base::Failure(std::move(fd).error().within("connect to " + path));
      return base::Failure(base::Error::system("connect to " + path, fd.error().code()));
    }
    event::sleep_until(next);
  }
}

void Connections::keep(std::string_view socket, Connection connection) {
  std::vector<io::Stream>& idle = idle_[std::string(socket)];
  if (idle.size() < idle_connections_limit) idle.push_back(std::move(connection.stream));
}

}  // namespace ipc
