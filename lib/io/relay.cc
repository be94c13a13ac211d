#include "lib/io/relay.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>

namespace io {
namespace {

using Progress = Layer::Progress;

constexpr std::chrono::seconds idle_after{2};          // then the fiber's stack is given back
constexpr std::chrono::seconds last_words_limit{10};   // for a client who does not read what he is told last

bool must_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// A call on a socket without a layer, as a layer would tell it.
Layer::Step plain(ssize_t count, Progress when_not_now) {
  if (count > 0) return {Progress::moved, static_cast<std::size_t>(count)};
  if (count == 0) return {Progress::eof};
  return {must_wait() ? when_not_now : Progress::failed};
}

void fill(InputBuffer& buffer, std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(buffer.room(bytes.size()).data(), bytes.data(), bytes.size());
  buffer.filled(bytes.size());
}

}  // namespace

Layer::Step Relay::read_client(std::span<char> into) {
  return layer_ != nullptr ? layer_->read(into) : plain(::recv(outside_, into.data(), into.size(), MSG_DONTWAIT), Progress::wants_input);
}

Layer::Step Relay::write_client(std::string_view bytes) {
  return layer_ != nullptr ? layer_->write(bytes) : plain(::send(outside_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL), Progress::wants_output);
}

void Relay::note(Progress progress) {
  if (progress != Progress::wants_input && progress != Progress::wants_output) return;
  const event::Source source = progress == Progress::wants_input ? event::Source::readable(outside_) : event::Source::writable(outside_);
  // Reading and writing may want the same.
  const auto is_it = [&](const event::Source& each) { return each.fd == source.fd && each.kind == source.kind; };
  if (std::ranges::none_of(wants_, is_it)) wants_.push_back(source);
}

bool Relay::shake_hands(Deadline deadline) {
  for (;;) {
    wants_.clear();
    const Progress progress = layer_->start().progress;
    if (progress == Progress::moved) return true;
    note(progress);
    if (wants_.empty()) return false;
    // The inner side waits for the client's first word: whatever comes from there means that it has given up.
    wants_.push_back(event::Source::readable(inside_));
    const auto ready = event::wait_any(deadline, wants_);
    if (!ready || *ready + 1 == wants_.size()) return false;
  }
}

bool Relay::hear_client() {
  if (client_has_ended_ || !to_inside_.empty()) return false;
  const std::span<char> room = to_inside_.room(chunk);
  const Layer::Step step = read_client(room.first(std::min(room.size(), chunk)));
  if (step.progress == Progress::moved) {
    to_inside_.filled(step.bytes);
    relayed_.from_client += step.bytes;
    return true;
  }
  note(step.progress);
  client_has_ended_ = step.progress == Progress::eof || step.progress == Progress::failed;
  return client_has_ended_;
}

bool Relay::tell_inside() {
  if (to_inside_.empty()) {
    if (!client_has_ended_ || inside_knows_) return false;
    ::shutdown(inside_, SHUT_WR);
    inside_knows_ = true;
    return true;
  }
  const std::string_view bytes = to_inside_.view();
  const ssize_t sent = ::send(inside_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) {
    to_inside_.consume(static_cast<std::size_t>(sent));
    return true;
  }
  if (must_wait()) {
    wants_.push_back(event::Source::writable(inside_));
    return false;
  }
  // It listens no more; what it has said before may still be there.
  to_inside_.clear();
  client_has_ended_ = inside_knows_ = true;
  return true;
}

bool Relay::hear_inside() {
  if (inside_has_ended_ || !to_client_.empty()) return false;
  const std::span<char> room = to_client_.room(chunk);
  const ssize_t got = ::recv(inside_, room.data(), std::min(room.size(), chunk), MSG_DONTWAIT);
  if (got > 0) {
    to_client_.filled(static_cast<std::size_t>(got));
    relayed_.from_inside += static_cast<std::size_t>(got);
    return true;
  }
  if (got < 0 && must_wait()) {
    wants_.push_back(event::Source::readable(inside_));
    return false;
  }
  inside_has_ended_ = true;
  return true;
}

bool Relay::tell_client() {
  if (to_client_.empty()) return false;
  const Layer::Step step = write_client(to_client_.view());
  switch (step.progress) {
    case Progress::moved: to_client_.consume(step.bytes); return true;
    case Progress::wants_input:
    case Progress::wants_output: note(step.progress); return false;
    case Progress::eof:
    case Progress::failed: break;
  }
  // He is gone: nobody is left to hear anything.
  to_client_.clear();
  client_has_ended_ = inside_has_ended_ = true;
  return true;
}

bool Relay::wait() {
  to_inside_.release();
  to_client_.release();
  const Deadline deadline = last_words_by_.value_or(base::no_deadline);
  const Deadline idle_from = std::min(base::after(idle_after), deadline);
  if (event::wait_any(idle_from, wants_)) return true;
  if (idle_from == deadline) return false;
  event::trim_stack();
  return event::wait_any(deadline, wants_).has_value();
}

void Relay::begin_with(std::string_view from_client, std::string_view from_inside) {
  fill(to_inside_, from_client);
  fill(to_client_, from_inside);
  relayed_.from_client += from_client.size();
  relayed_.from_inside += from_inside.size();
}

Relayed Relay::run() {
  for (;;) {
    wants_.clear();
    bool has_moved = hear_client();
    has_moved = tell_inside() || has_moved;
    has_moved = hear_inside() || has_moved;
    has_moved = tell_client() || has_moved;
    if (inside_has_ended_ && to_client_.empty()) return relayed_;
    if (inside_has_ended_ && (has_moved || !last_words_by_)) last_words_by_ = base::after(last_words_limit);
    if (has_moved) event::breathe();
    else if (!wait()) return relayed_;
  }
}

void Relay::finish() {
  layer_->finish();
  const std::chrono::seconds patience = layer_->farewell_time();
  if (patience.count() == 0) return;
  const Deadline deadline = base::after(patience);
  std::array<char, 512> ignored{};
  while (std::chrono::steady_clock::now() < deadline) {
    const Progress progress = layer_->read(ignored).progress;
    if (progress == Progress::moved) continue;
    wants_.clear();
    note(progress);
    if (wants_.empty() || !event::wait_any(deadline, wants_)) return;
  }
}

Relayed relay(Stream client, Stream inside) {
  const Stream::Parts outer = std::move(client).dismantle(), inner = std::move(inside).dismantle();
  Relay relay(outer.layer.get(), outer.fd.get(), inner.fd.get());
  relay.begin_with(outer.input, inner.input);
  const Relayed relayed = relay.run();
  if (outer.layer) relay.finish();
  return relayed;
}

}  // namespace io
