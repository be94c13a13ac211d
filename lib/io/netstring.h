#pragma once
// Netstrings: "5:hello,". Used by QMQP.

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/io/stream.h"

namespace io {

inline constexpr std::size_t netstring_length_digits = 9;   // more is no length

// Appends "5:hello,".
void append_netstring(std::string& out, std::string_view data);

// Why there is no netstring. `malformed`: no length, a length with leading zeros, or no comma behind the data.
enum class NetstringEnd { ok, malformed, too_long, eof, timeout, error };

// The length and its colon. Fails with too_long for a length above `limit`, before any of the data is read.
struct NetstringLength {
  NetstringEnd end;
  std::size_t length;
};
[[nodiscard]] NetstringLength read_netstring_length(Stream& stream, Deadline deadline, std::size_t limit);

struct Netstring {
  NetstringEnd end;
  std::string data;
};
[[nodiscard]] Netstring read_netstring(Stream& stream, Deadline deadline, std::size_t limit);

// Takes a netstring off the front of text; none when it does not begin with a whole one.
[[nodiscard]] std::optional<std::string_view> take_netstring(std::string_view& text);

}  // namespace io
