#pragma once
// What a proxy sends before the first byte of its client: the PROXY protocol of HAProxy, version 1 (a line) and 2 (binary).

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/dns/resolver.h"
#include "lib/io/socket.h"

namespace smtp {

// What comes behind this many bytes is not looked at; a longer header is an incomplete one.
inline constexpr std::size_t proxy_header_limit = 536;

struct ProxyHeader {
  std::size_t size = 0;
  // None: the proxy speaks for itself (LOCAL).
  std::optional<io::Endpoint> client, server;
};

// The header at the start of `bytes`. It has to be there as a whole; the error says what is wrong, for the log. Pure.
[[nodiscard]] std::expected<ProxyHeader, std::string_view> parse_proxy_header(std::string_view bytes, dns::Families families);

// The header that comes first on this socket, and not a byte more: TLS may begin behind it. The error shows what came instead, or says
// "EOF", or `late` at the deadline. A proxy sends its header in one piece: one that comes in drops is refused with the first of them,
// and holds nobody up.
[[nodiscard]] std::expected<ProxyHeader, std::string> take_proxy_header(int fd, dns::Families families, Deadline deadline, std::string_view late);

}  // namespace smtp
