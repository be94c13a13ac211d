#include "lib/io/netstring.h"

#include "lib/base/ascii.h"

namespace io {
namespace {

NetstringEnd of(End end) {
  switch (end) {
    case End::ok: return NetstringEnd::ok;
    case End::eof: return NetstringEnd::eof;
    case End::timeout: return NetstringEnd::timeout;
    case End::too_long: return NetstringEnd::malformed;
    case End::error: break;
  }
  return NetstringEnd::error;
}

std::optional<std::size_t> parse_length(std::string_view digits) {
  if (digits.size() > netstring_length_digits || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  return ascii::parse_number(digits);
}

}  // namespace

void append_netstring(std::string& out, std::string_view data) {
  out += std::to_string(data.size());
  out += ':';
  out += data;
  out += ',';
}

NetstringLength read_netstring_length(Stream& stream, Deadline deadline, std::size_t limit) {
  std::string digits;
  for (;;) {
    std::string byte;
    if (const End end = stream.read_exact(byte, 1, deadline); end != End::ok) return {of(end), 0};
    if (byte[0] == ':') break;
    if (!ascii::is_digit(byte[0]) || digits.size() == netstring_length_digits) return {NetstringEnd::malformed, 0};
    digits += byte;
  }
  const auto length = parse_length(digits);
  if (!length) return {NetstringEnd::malformed, 0};
  if (*length > limit) return {NetstringEnd::too_long, *length};
  return {NetstringEnd::ok, *length};
}

Netstring read_netstring(Stream& stream, Deadline deadline, std::size_t limit) {
  Netstring out{NetstringEnd::ok, {}};
  const NetstringLength head = read_netstring_length(stream, deadline, limit);
  if (head.end != NetstringEnd::ok) return {head.end, {}};
  // With the comma.
  if (const End end = stream.read_exact(out.data, head.length + 1, deadline); end != End::ok) return {of(end), {}};
  if (out.data.back() != ',') return {NetstringEnd::malformed, {}};
  out.data.pop_back();
  return out;
}

std::optional<std::string_view> take_netstring(std::string_view& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto length = parse_length(text.substr(0, colon));
  if (!length || text.size() - colon - 1 < *length + 1 || text[colon + 1 + *length] != ',') return std::nullopt;
  const std::string_view data = text.substr(colon + 1, *length);
  text.remove_prefix(colon + 1 + *length + 1);
  return data;
}

}  // namespace io
