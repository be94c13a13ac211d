#include "lib/io/stream.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/check.h"
#include "lib/io/stream_state.h"

namespace io {
namespace {

// A session that has been waiting for this long gives the rest of its stack back.
constexpr std::chrono::seconds idle_after{2};

}  // namespace

// ---- input

// Until the layer's other side has ended too, where that matters. What it says instead is not looked at.
void Stream::State::hear_farewell() {
  const std::chrono::seconds patience = layer->farewell_time();
  if (patience.count() == 0) return;
  const Deadline deadline = base::after(patience);
  std::array<char, 512> ignored{};
  while (std::chrono::steady_clock::now() < deadline) {
    clear_readiness();
    const Layer::Step step = layer->read(ignored);
    if (step.progress == Layer::Progress::moved) continue;
    if (step.progress != Layer::Progress::wants_input || !wait.wait(event::Ready::readable, deadline)) return;
  }
}

void Stream::State::keep_descriptors(msghdr& message) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(control) + i * sizeof number, sizeof number);
      Fd descriptor(number);
      if (!received_fds) received_fds = std::make_unique<std::deque<Fd>>();
      if (received_fds->size() < max_fds) received_fds->push_back(std::move(descriptor));
    }
  }
}

// A session that waits holds no buffer.
void Stream::State::release_buffers() {
  input.release();
  if (output.empty()) std::string().swap(output);
}

// Waits until there may be input. Who waits long gives his stack back too.
bool Stream::State::wait_for_input(Deadline deadline) {
  release_buffers();
  if (!is_socket) return event::wait_fd(fd.get(), event::Ready::readable, deadline);
  const Deadline idle_from = base::after(idle_after);
  if (idle_from < deadline && event::in_fiber()) {
    if (wait.wait(input_needs, idle_from)) return true;
    if (layer) layer->rest();
    event::trim_stack();
  }
  return wait.wait(input_needs, deadline);
}

ssize_t Stream::State::receive_now(std::span<char> into) {
  if (!is_socket) return ::read(fd.get(), into.data(), into.size());
  ControlSpace control;
  iovec part{.iov_base = into.data(), .iov_len = into.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  wait.clear(event::Ready::readable);
  const ssize_t got = ::recvmsg(fd.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  has_met_descriptor = got >= 0 && message.msg_controllen > 0;
  if (has_met_descriptor) keep_descriptors(message);
  return got;
}

// One read into the buffer. Attempt::ended: as `end` says.
Stream::State::Attempt Stream::State::try_receive(End& end) {
  const std::span<char> room = input.room(wanted_input);
  if (layer) return try_layer(room, end);
  const ssize_t got = receive_now(room);
  if (got > 0) {
    const auto size = static_cast<std::size_t>(got);
    input.filled(size);
    // The kernel ends a read behind bytes that came with a descriptor: there may be more.
    is_drained = size < room.size() && !has_met_descriptor;
    wanted_input = size < room.size() ? input_size : input_size_busy;
    return Attempt::moved;
  }
  is_drained = false;
  if (got < 0 && errno == ENOTSOCK) {
    is_socket = false;
    return Attempt::must_wait;
  }
  if (got < 0 && (errno == EINTR || would_block(errno))) return Attempt::must_wait;
  end = got == 0 ? End::eof : failed(errno);
  return Attempt::ended;
}

// A layer may have read more from the socket than it gave, so the next read tries before it waits.
Stream::State::Attempt Stream::State::try_layer(std::span<char> room, End& end) {
  clear_readiness();
  const Layer::Step step = layer->read(room);
  input_needs = step.progress == Layer::Progress::wants_output ? event::Ready::writable : event::Ready::readable;
  switch (step.progress) {
    case Layer::Progress::moved: input.filled(step.bytes); return Attempt::moved;
    case Layer::Progress::wants_input:
    case Layer::Progress::wants_output: return Attempt::must_wait;
    case Layer::Progress::eof: end = End::eof; return Attempt::ended;
    case Layer::Progress::failed: break;
  }
  end = failed(EPROTO);
  return Attempt::ended;
}

void Stream::State::clear_readiness() {
  wait.clear(event::Ready::readable);
  wait.clear(event::Ready::writable);
}

// Adds to the input what has come, or waits for it. Everything written so far is sent before the wait; where that fails
// the peer's last words may still be there to read.
End Stream::State::fill(Deadline deadline) {
  const End flushed = output.empty() ? End::ok : send_all({}, deadline);
  if (flushed == End::timeout) return flushed;
  if (flushed != End::ok) deadline = Deadline::min();
  bool must_wait = !is_socket || (is_drained && wait.is_surely_drained());
  for (;;) {
    if (must_wait && !wait_for_input(deadline)) return flushed == End::ok ? End::timeout : flushed;
    End end = End::ok;
    switch (try_receive(end)) {
      case Attempt::moved:
        if (!must_wait) event::breathe();
        return End::ok;
      case Attempt::ended: return flushed == End::ok ? end : flushed;
      case Attempt::must_wait: must_wait = true; break;
    }
  }
}

LineResult Stream::read_line(Deadline deadline, std::size_t limit) {
  InputBuffer& input = state_->input;
  std::size_t searched = 0;
  for (int reads = 0;; ++reads) {
    const std::string_view all = input.view();
    // An ending has at most two bytes, so a line that fits ends within the limit and two more.
    const std::string_view window = all.substr(0, limit + 2);
    const std::size_t newline = window.find('\n', searched);
    if (newline != std::string_view::npos) {
      const bool has_cr = newline > 0 && window[newline - 1] == '\r';
      const std::size_t length = newline - (has_cr ? 1 : 0);
      if (length <= limit) {
        input.consume(newline + 1);
        return {End::ok, window.substr(0, length), has_cr ? LineEnding::crlf : LineEnding::lf};
      }
    }
    const bool may_still_fit = window.size() <= limit || (window.size() == limit + 1 && window.back() == '\r');
    if (newline != std::string_view::npos || !may_still_fit) {
      input.consume(limit);
      return {End::too_long, window.substr(0, limit), LineEnding::none};
    }
    searched = window.size();
    if (reads > 0 && std::chrono::steady_clock::now() >= deadline) return {End::timeout, {}, LineEnding::none};
    const End end = state_->fill(deadline);
    if (end == End::ok) continue;
    if (end != End::eof) return {end, {}, LineEnding::none};
    const std::string_view rest = input.view();
    input.consume(rest.size());
    return {End::eof, rest, LineEnding::none};
  }
}

LineResult Stream::read_until(char delimiter, Deadline deadline, std::size_t limit) {
  InputBuffer& input = state_->input;
  std::size_t searched = 0;
  for (int reads = 0;; ++reads) {
    const std::string_view window = input.view().substr(0, limit + 1);
    const std::size_t found = window.find(delimiter, searched);
    if (found != std::string_view::npos) {
      input.consume(found + 1);
      return {End::ok, window.substr(0, found), LineEnding::none};
    }
    if (window.size() > limit) return {End::too_long, window.substr(0, limit), LineEnding::none};
    searched = window.size();
    if (reads > 0 && std::chrono::steady_clock::now() >= deadline) return {End::timeout, {}, LineEnding::none};
    const End end = state_->fill(deadline);
    if (end == End::ok) continue;
    return {end, end == End::eof ? input.view() : std::string_view(), LineEnding::none};
  }
}

End Stream::read_exact(std::string& out, std::size_t size, Deadline deadline) {
  while (size > 0) {
    const Bytes bytes = read_some(size, deadline);
    if (bytes.end != End::ok) return bytes.end;
    out.append(bytes.data);
    size -= bytes.data.size();
    if (size > 0 && std::chrono::steady_clock::now() >= deadline && !has_input()) return End::timeout;
  }
  return End::ok;
}

Stream::Bytes Stream::read_some(std::size_t size, Deadline deadline) {
  CHECK(size > 0);
  InputBuffer& input = state_->input;
  if (input.empty()) {
    const End end = state_->fill(deadline);
    if (end != End::ok) return {end, {}};
  }
  const std::string_view data = input.view().substr(0, size);
  input.consume(data.size());
  return {End::ok, data};
}

bool Stream::has_input() const { return !state_->input.empty(); }

bool Stream::peek_input() {
  if (has_input()) return true;
  End end = End::ok;
  char byte = 0;
  // Looked at first, but through a layer: where there is nothing, no buffer is held.
  const bool may_have = state_->layer || (!state_->is_drained && ::recv(state_->fd.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0);
  if (may_have && state_->try_receive(end) == State::Attempt::moved) return true;
  state_->release_buffers();
  return false;
}

bool Stream::is_at_rest() {
  if (has_input() || state_->has_failed_output) return false;
  if (state_->layer) {
    End end = End::ok;
    return state_->try_receive(end) == State::Attempt::must_wait;
  }
  char byte = 0;
  return ::recv(state_->fd.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && would_block(errno);
}

std::string_view Stream::buffered() const { return state_->input.view(); }

void Stream::discard_input() { state_->input.clear(); }

// ---- output

bool Stream::write(std::string_view bytes, Deadline deadline) {
  State& state = *state_;
  if (state.has_failed_output) return false;
  if (state.output.size() + bytes.size() <= output_high) {
    state.output.append(bytes);
    return true;
  }
  return state.send_all(bytes, deadline) == End::ok;
}

End Stream::flush(Deadline deadline) { return state_->send_all({}, deadline); }

// ---- descriptors and the rest

void Stream::send_fd(const Fd& fd) {
  State& state = *state_;
  Fd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) {
    state.last_errno = errno;
    state.has_failed_output = true;
    return;
  }
  if (!state.fds_to_send) state.fds_to_send = std::make_unique<std::vector<Fd>>();
  CHECK(state.fds_to_send->size() < max_fds);
  state.fds_to_send->push_back(std::move(copy));
}

std::optional<Fd> Stream::take_fd() {
  std::deque<Fd>* const fds = state_->received_fds.get();
  if (fds == nullptr || fds->empty()) return std::nullopt;
  Fd first = std::move(fds->front());
  fds->pop_front();
  if (fds->empty()) state_->received_fds.reset();
  return first;
}

Stream::Stream(Fd fd) : state_(std::make_unique<State>(std::move(fd))) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

End Stream::start_layer(std::unique_ptr<Layer> layer, Deadline deadline) {
  State& state = *state_;
  CHECK(!state.layer && !has_input());
  if (const End flushed = flush(deadline); flushed != End::ok) return flushed;
  state.layer = std::move(layer);
  state.is_drained = false;
  for (;;) {
    state.clear_readiness();
    event::Ready needs = event::Ready::readable;
    switch (state.layer->start().progress) {
      case Layer::Progress::moved: return End::ok;
      case Layer::Progress::eof: return End::eof;
      case Layer::Progress::failed: return state.failed(EPROTO);
      case Layer::Progress::wants_input: break;
      case Layer::Progress::wants_output: needs = event::Ready::writable; break;
    }
    if (!state.wait.wait(needs, deadline)) return End::timeout;
  }
}

void Stream::shutdown() {
  if (state_->layer) {
    state_->layer->finish();
    state_->hear_farewell();
  }
  ::shutdown(state_->fd.get(), SHUT_RDWR);
}

int Stream::fd() const { return state_->fd.get(); }

Stream::Parts Stream::dismantle() && {
  Parts parts{.fd = {}, .layer = std::move(state_->layer), .input = std::string(state_->input.view())};
  parts.fd = release();
  return parts;
}

Fd Stream::release() {
  CHECK(!state_->layer);
  Fd fd(std::move(state_->fd));
  state_.reset();
  return fd;
}

int Stream::last_errno() const { return state_->last_errno; }

}  // namespace io
