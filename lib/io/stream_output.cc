#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

#include "lib/io/stream_state.h"
#include "lib/log/log.h"

namespace io {
namespace {

// A pipe takes this much without blocking once it is writable (POSIX).
constexpr std::size_t pipe_chunk = 4096;

}  // namespace

ssize_t Stream::State::send_now(std::span<const iovec> parts) {
  if (!is_socket) {
    const std::size_t size = std::min(parts.front().iov_len, pipe_chunk);
    return ::write(fd.get(), parts.front().iov_base, size);
  }
  wait.clear(event::Ready::writable);
  ControlSpace control;
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  if (fds_to_send) {
    const std::size_t size = fds_to_send->size() * sizeof(int);
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    unsigned char* place = CMSG_DATA(header);
    for (const Fd& each : *fds_to_send) {
      const int number = each.get();
      std::memcpy(place, &number, sizeof number);
      place += sizeof number;
    }
  }
  const ssize_t sent = ::sendmsg(fd.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) fds_to_send.reset();
  return sent;
}

End Stream::State::send_through_layer(std::string_view bytes, std::size_t& sent, Deadline deadline) {
  for (;;) {
    clear_readiness();
    const Layer::Step step = layer->write(bytes);
    switch (step.progress) {
      case Layer::Progress::moved: sent += step.bytes; return End::ok;
      case Layer::Progress::eof: return End::eof;
      case Layer::Progress::failed: return failed(EPROTO);
      case Layer::Progress::wants_input:
        if (!wait.wait(event::Ready::readable, deadline)) return End::timeout;
        break;
      case Layer::Progress::wants_output:
        if (!wait.wait(event::Ready::writable, deadline)) return End::timeout;
        break;
    }
  }
}

End Stream::State::send_some(std::span<const iovec> parts, std::size_t& sent, Deadline deadline) {
  if (layer) return send_through_layer({static_cast<const char*>(parts.front().iov_base), parts.front().iov_len}, sent, deadline);
  for (;;) {
    if (!is_socket && !event::wait_fd(fd.get(), event::Ready::writable, deadline)) return End::timeout;
    const ssize_t now = send_now(parts);
    if (now >= 0) {
      sent += static_cast<std::size_t>(now);
      return End::ok;
    }
    if (errno == EINTR) continue;
    if (errno == ENOTSOCK) {
      is_socket = false;
      continue;
    }
    if (!would_block(errno)) return failed(errno);
    if (is_socket && !wait.wait(event::Ready::writable, deadline)) return End::timeout;
  }
}

// Sends the buffer and `more` after it.
End Stream::State::send_all(std::string_view more, Deadline deadline) {
  if (has_failed_output) return End::error;
  if (output.empty() && more.empty()) return End::ok;
  maillog::flush();  // what a reply says is in the log before the peer reads it
  std::size_t sent = 0;
  const std::size_t total = output.size() + more.size();
  while (sent < total) {
    const std::string_view first = std::string_view(output).substr(std::min(sent, output.size()));
    const std::string_view second = sent > output.size() ? more.substr(sent - output.size()) : more;
    std::array<iovec, 2> parts{};
    std::size_t count = 0;
    for (const std::string_view each : {first, second}) {
      if (!each.empty()) parts[count++] = {.iov_base = const_cast<char*>(each.data()), .iov_len = each.size()};
    }
    const End end = send_some(std::span(parts).first(count), sent, deadline);
    if (end != End::ok) {
      has_failed_output = true;
      output.clear();
      return end;
    }
  }
  output.clear();
  event::breathe();
  return End::ok;
}

}  // namespace io
