#include "submit/postdrop/input.h"

#include <array>
#include <cerrno>

#include <fmt/core.h>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace postdrop {
namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr unsigned length_bits = 31;  // of a record's length

sigset_t ending_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    struct sigaction action {};
    // What the caller ignores (nohup) stays ignored.
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) ::sigaddset(&set, number);
  }
  return set;
}

}  // namespace

Input::Input(int fd, std::size_t length_limit) : fd_(fd), length_limit_(length_limit) {
  const sigset_t set = ending_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Input::More Input::fill() {
  std::array<pollfd, 2> waiting{pollfd{fd_, POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
  if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return More::end;
  if (waiting[1].revents != 0) return More::signalled;
  buffer_.erase(0, std::exchange(start_, 0));
  const std::size_t before = buffer_.size();
  buffer_.resize(before + read_size);
  const ssize_t got = ::read(fd_, buffer_.data() + before, read_size);
  buffer_.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return More::yes;
  return got > 0 ? More::yes : More::end;
}

Input::More Input::need(std::size_t size) {
  while (buffer_.size() - start_ < size) {
    if (const More more = fill(); more != More::yes) return more;
  }
  return More::yes;
}

Input::Item Input::next() {
  if (const More more = need(1); more != More::yes) return {more == More::end ? Kind::end : Kind::signalled};
  const auto type = static_cast<queue::RecordType>(buffer_[start_]);
  std::size_t length = 0, at = 1;
  for (unsigned shift = 0;; shift += 7, ++at) {
    if (const More more = need(at + 1); more != More::yes) {
      problem_ = fmt::format("unexpected EOF in length, record type {}", static_cast<int>(type));
      return {more == More::end ? Kind::malformed : Kind::signalled};
    }
    const auto byte = static_cast<unsigned char>(buffer_[start_ + at]);
    if (shift >= length_bits - 7 && (byte & 0xf8U) != 0) {
      problem_ = fmt::format("too many length bits, record type {}", static_cast<int>(type));
      return {Kind::malformed};
    }
    length |= static_cast<std::size_t>(byte & 0x7fU) << shift;
    if ((byte & 0x80U) == 0) break;
  }
  ++at;
  if (length > length_limit_) {
    problem_ = fmt::format("illegal length {}, record type {}", length, static_cast<int>(type));
    return {Kind::malformed};
  }
  if (const More more = need(at + length); more != More::yes) {
    problem_ = fmt::format("unexpected EOF in data, record type {} length {}", static_cast<int>(type), length);
    return {more == More::end ? Kind::malformed : Kind::signalled};
  }
  const std::string_view data = std::string_view(buffer_).substr(start_ + at, length);
  start_ += at + length;
  return {Kind::record, type, data};
}

}  // namespace postdrop
