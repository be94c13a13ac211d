#include "lib/io/deflate_layer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>
#include <zlib.h>

namespace io {
namespace {

// Of what we compress: 8 KB back, and tables as small; 64 KB together, while there is something to say. The peer chooses his own.
constexpr int raw_window_bits = -13, raw_window_bits_max = -15, memory_level = 6;
constexpr int compression_level = 5;
constexpr std::size_t receive_size = 4096;        // compressed, at a time
constexpr std::size_t piece_size = 16 * 1024;     // compressed at a time

Bytef* bytes_of(const char* text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text)); }

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

struct DeflateLayer::Inflater {
  Inflater() { is_good = ::inflateInit2(&stream, raw_window_bits_max) == Z_OK; }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (is_good) ::inflateEnd(&stream);
  }
  z_stream stream{};
  bool is_good = false;
};

struct DeflateLayer::Deflater {
  Deflater() { is_good = ::deflateInit2(&stream, compression_level, Z_DEFLATED, raw_window_bits, memory_level, Z_DEFAULT_STRATEGY) == Z_OK; }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() {
    if (is_good) ::deflateEnd(&stream);
  }
  z_stream stream{};
  bool is_good = false;
};

DeflateLayer::DeflateLayer(int fd, std::string input) : fd_(fd), input_(std::move(input)) {}
DeflateLayer::~DeflateLayer() = default;

Layer::Step DeflateLayer::read(std::span<char> into) {
  if (has_failed_) return {Progress::failed};
  if (has_ended_) return {Progress::eof};
  if (!inflater_) inflater_ = std::make_unique<Inflater>();
  if (!inflater_->is_good) return {Progress::failed};
  z_stream& stream = inflater_->stream;
  for (;;) {
    // Also without new input: the inflater may hold bytes for which there was no room.
    stream.next_in = bytes_of(input_.data());
    stream.avail_in = static_cast<uInt>(input_.size());
    stream.next_out = reinterpret_cast<Bytef*>(into.data());
    stream.avail_out = static_cast<uInt>(into.size());
    const int result = ::inflate(&stream, Z_SYNC_FLUSH);
    const std::size_t got = into.size() - stream.avail_out;
    input_.erase(0, input_.size() - stream.avail_in);
    if (input_.empty()) std::string().swap(input_);
    if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) has_failed_ = true;
    // RFC 4978 has no end of the compression but that of the connection.
    if (result == Z_STREAM_END) has_ended_ = true;
    if (got > 0) return {Progress::moved, got};
    if (has_failed_) return {Progress::failed};
    if (has_ended_) return {Progress::eof};
    if (const Step step = receive(); step.progress != Progress::moved) return step;
  }
}

Layer::Step DeflateLayer::receive() {
  std::array<char, receive_size> piece;
  const ssize_t got = ::recv(fd_, piece.data(), piece.size(), MSG_DONTWAIT);
  if (got > 0) {
    input_.append(piece.data(), static_cast<std::size_t>(got));
    return {Progress::moved, static_cast<std::size_t>(got)};
  }
  if (got == 0) return {Progress::eof};
  return {would_block(errno) ? Progress::wants_input : Progress::failed};
}

Layer::Step DeflateLayer::write(std::string_view bytes) {
  if (has_failed_) return {Progress::failed};
  // Compressed once, however often the caller comes until the socket has taken it.
  if (taken_ == 0) {
    const std::string_view piece = bytes.substr(0, piece_size);
    if (!compress(piece)) {
      has_failed_ = true;
      return {Progress::failed};
    }
    taken_ = piece.size();
  }
  if (const Step step = send(); step.progress != Progress::moved) return step;
  output_.clear();
  sent_ = 0;
  return {Progress::moved, std::exchange(taken_, 0)};
}

bool DeflateLayer::compress(std::string_view bytes) {
  if (!deflater_) deflater_ = std::make_unique<Deflater>();
  if (!deflater_->is_good) return false;
  z_stream& stream = deflater_->stream;
  stream.next_in = bytes_of(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::array<char, receive_size> piece;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    if (::deflate(&stream, Z_SYNC_FLUSH) == Z_STREAM_ERROR) return false;
    output_.append(piece.data(), piece.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  return true;
}

Layer::Step DeflateLayer::send() {
  while (sent_ < output_.size()) {
    const ssize_t sent = ::send(fd_, output_.data() + sent_, output_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return {would_block(errno) ? Progress::wants_output : Progress::failed};
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  return {Progress::moved};
}

void DeflateLayer::rest() {
  if (!output_.empty()) return;
  deflater_.reset();
  std::string().swap(output_);
}

}  // namespace io
