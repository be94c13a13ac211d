#include "lib/io/attend.h"

#include <chrono>
#include <utility>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/event/loop.h"

namespace io {
namespace {

constexpr std::chrono::seconds idle_after{2};   // then the fiber's stack is given back

// What the kernel has counted, without what was sent again.
Relayed counted(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {.from_client = info.tcpi_bytes_received, .from_inside = info.tcpi_bytes_sent - info.tcpi_bytes_retrans + info.tcpi_notsent_bytes};
}

// The other's descriptor is another one for the same connection: closing this one would not end it.
struct Connection {
  Fd fd;
  ~Connection() { ::shutdown(fd.get(), SHUT_RDWR); }
};

}  // namespace

Relayed said_on(const Stream& client) { return counted(client.fd()); }

Relayed attend(Stream client, Stream lifeline, const Relayed& before) {
  const Connection connection{std::move(client).dismantle().fd};
  if (!event::wait_fd(lifeline.fd(), event::Ready::readable, base::after(idle_after))) {
    event::trim_stack();
    static_cast<void>(event::wait_fd(lifeline.fd(), event::Ready::readable, base::no_deadline));
  }
  const Relayed after = counted(connection.fd.get());
  return {.from_client = after.from_client - before.from_client, .from_inside = after.from_inside - before.from_inside};
}

}  // namespace io
