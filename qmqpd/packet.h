#pragma once
// A QMQP packet: a netstring that holds netstrings, the message, its sender, and its recipients. It is read piece by
// piece: each part says what it was when it could not be read.

#include <chrono>
#include <string>
#include <string_view>

#include "lib/io/netstring.h"
#include "lib/io/stream.h"

namespace qmqpd {

class Packet {
 public:
  // `timeout` bounds each wait for more, as far as it makes progress.
  Packet(io::Stream& stream, std::chrono::seconds timeout) : stream_(stream), timeout_(timeout) {}

  // The length of the whole. First.
  [[nodiscard]] io::NetstringEnd begin();
  // Nothing more is in it.
  [[nodiscard]] bool is_at_end() const { return left_ == 0; }
  // The next netstring in it, of at most `limit` bytes.
  [[nodiscard]] io::NetstringEnd read(std::string& out, std::size_t limit);
  // The comma behind all.
  [[nodiscard]] io::NetstringEnd finish();

 private:
  [[nodiscard]] io::NetstringEnd read_bytes(std::string& out, std::size_t size);
  [[nodiscard]] Deadline deadline() const { return base::after(timeout_); }

  io::Stream& stream_;
  std::chrono::seconds timeout_;
  std::size_t left_ = 0;
};

// "netstring format error", "lost connection": why there is no netstring.
[[nodiscard]] std::string_view text_of(io::NetstringEnd end);

}  // namespace qmqpd
