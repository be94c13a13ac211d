#include "submit/postdrop/wake_pickup.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include "lib/io/socket.h"
#include "lib/io/stream.h"
#include "lib/log/log.h"

namespace postdrop {
namespace {

// Nothing here waits for pickup: this is for a machine that stands still.
constexpr std::chrono::seconds patience{10};

}  // namespace

void wake_pickup(std::string_view service) {
  const std::string path = "public/" + std::string(service);
  const Deadline deadline = base::after(patience);
  auto socket = io::connect_unix(path, deadline);
  if (!socket) {
    const int code = socket.error().code();
    if (code == ECONNREFUSED) return;  // The mail system is stopped; pickup looks into maildrop when it starts.
    maillog::warning("{} {}: {}", code == ENOENT ? "unable to look up" : "connect to", path, std::strerror(code));
    return;
  }
  io::Stream stream(std::move(*socket));
  stream.write("W", deadline);
  static_cast<void>(stream.flush(deadline));
}

}  // namespace postdrop
