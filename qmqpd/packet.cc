#include "qmqpd/packet.h"

#include <algorithm>

namespace qmqpd {
namespace {

constexpr std::size_t packet_limit = 999'999'999;   // what a netstring's length can say
constexpr std::size_t piece = 64 * 1024;            // for which a client has the time limit

}  // namespace

io::NetstringEnd Packet::begin() {
  const io::NetstringLength head = io::read_netstring_length(stream_, deadline(), packet_limit);
  left_ = head.length;
  return head.end;
}

io::NetstringEnd Packet::read(std::string& out, std::size_t limit) {
  const io::NetstringLength head = io::read_netstring_length(stream_, deadline(), std::min(limit, packet_limit));
  if (head.end != io::NetstringEnd::ok) return head.end;
  const std::size_t used = std::to_string(head.length).size() + 1 + head.length + 1;
  if (used > left_) return io::NetstringEnd::malformed;
  left_ -= used;
  out.clear();
  if (const io::NetstringEnd end = read_bytes(out, head.length + 1); end != io::NetstringEnd::ok) return end;
  if (out.back() != ',') return io::NetstringEnd::malformed;
  out.pop_back();
  return io::NetstringEnd::ok;
}

io::NetstringEnd Packet::read_bytes(std::string& out, std::size_t size) {
  for (std::size_t left = size; left > 0;) {
    const std::size_t some = std::min(left, piece);
    switch (stream_.read_exact(out, some, deadline())) {
      case io::End::ok: break;
      case io::End::timeout: return io::NetstringEnd::timeout;
      case io::End::eof:
      case io::End::too_long:
      case io::End::error: return io::NetstringEnd::eof;
    }
    left -= some;
  }
  return io::NetstringEnd::ok;
}

io::NetstringEnd Packet::finish() {
  std::string comma;
  if (const io::NetstringEnd end = read_bytes(comma, 1); end != io::NetstringEnd::ok) return end;
  return comma == "," ? io::NetstringEnd::ok : io::NetstringEnd::malformed;
}

std::string_view text_of(io::NetstringEnd end) {
  switch (end) {
    case io::NetstringEnd::ok: break;
    case io::NetstringEnd::malformed: return "netstring format error";
    case io::NetstringEnd::too_long: return "netstring length exceeds storage limit";
    case io::NetstringEnd::eof:
    case io::NetstringEnd::error: return "lost connection";
    case io::NetstringEnd::timeout: return "read/write timeout";
  }
  return "";
}

}  // namespace qmqpd
