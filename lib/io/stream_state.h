#pragma once
// What a Stream holds. Internal to stream.cc and stream_output.cc.

#include <array>
#include <cerrno>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/event/fd_wait.h"
#include "lib/event/loop.h"
#include "lib/io/input_buffer.h"
#include "lib/io/layer.h"
#include "lib/io/stream.h"

namespace io {

// Room for the descriptors of one message.
struct ControlSpace {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(Stream::max_fds * sizeof(int))> bytes{};
};

inline bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

struct Stream::State {
  explicit State(Fd descriptor) : fd(std::move(descriptor)), wait(fd.get()) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (layer) layer->finish();
  }

  enum class Attempt { moved, must_wait, ended };

  End fill(Deadline deadline);
  Attempt try_receive(End& end);
  Attempt try_layer(std::span<char> room, End& end);
  ssize_t receive_now(std::span<char> into);
  void keep_descriptors(msghdr& message);
  bool wait_for_input(Deadline deadline);
  void release_buffers();

  End send_all(std::string_view more, Deadline deadline);
  End send_some(std::span<const iovec> parts, std::size_t& sent, Deadline deadline);
  ssize_t send_now(std::span<const iovec> parts);
  End send_through_layer(std::string_view bytes, std::size_t& sent, Deadline deadline);
  void hear_farewell();
  void clear_readiness();
  End failed(int error) {
    last_errno = error;
    return End::error;
  }

  Fd fd;
  event::FdWait wait;
  std::unique_ptr<Layer> layer;                     // null: the bytes go as they are
  event::Ready input_needs = event::Ready::readable;   // a layer may have to write before it can read
  InputBuffer input;
  std::string output;
  std::unique_ptr<std::deque<Fd>> received_fds;     // most streams never carry one
  std::unique_ptr<std::vector<Fd>> fds_to_send;
  std::size_t wanted_input = input_size;
  int last_errno = 0;
  bool is_socket = true;      // pipes and terminals may be in blocking mode: they are waited for before each call
  bool is_drained = false;    // the last read took all there was
  bool has_met_descriptor = false;   // the last read of the socket brought one
  bool has_failed_output = false;
};

}  // namespace io
