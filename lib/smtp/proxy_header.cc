#include "lib/smtp/proxy_header.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "lib/base/ascii.h"
#include "lib/base/c_escapes.h"
#include "lib/event/loop.h"

namespace smtp {
namespace {

using Parsed = std::expected<ProxyHeader, std::string_view>;
using Failure = std::unexpected<std::string_view>;

constexpr std::string_view line_start = "PROXY ";
constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};

// Version 2: the signature, version and command, family and protocol, the length of what follows (2 bytes).
constexpr std::size_t fixed_size = 16;
constexpr unsigned version = 2, command_local = 0, command_proxy = 1;
constexpr unsigned tcp_over_v4 = 0x11, tcp_over_v6 = 0x21;

unsigned byte(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::uint16_t port_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>((byte(bytes, at) << 8) | byte(bytes, at + 1));
}

std::optional<io::Address> parse_address(std::string_view text, bool is_v6) {
  if (text.contains(':') != is_v6) return std::nullopt;
  const auto address = io::Address::parse(text);
  return address ? std::optional(*address) : std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = ascii::parse_number(text, UINT16_MAX);
  if (!port || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

// "PROXY TCP4 192.0.2.1 192.0.2.2 40000 25\r\n". UNKNOWN says of no client, and is taken for none.
Parsed parse_line(std::string_view bytes, dns::Families families) {
  const std::size_t end = bytes.substr(0, bytes.find('\0')).find('\n');
  if (end == std::string_view::npos) return Failure("missing protocol header terminator");
  const auto words = ascii::split(bytes.substr(line_start.size(), end - line_start.size()), " \r");
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string_view(); };
  const bool is_v6 = ascii::equal_ignoring_case(word(0), "TCP6");
  if (!is_v6 && !ascii::equal_ignoring_case(word(0), "TCP4")) return Failure("bad or missing protocol type");
  if (!dns::wants(families, is_v6)) return Failure("bad or missing protocol type");
  const auto client = parse_address(word(1), is_v6);
  if (!client) return Failure("bad or missing client address");
  const auto server = parse_address(word(2), is_v6);
  if (!server) return Failure("bad or missing server address");
  const auto client_port = parse_port(word(3));
  if (!client_port) return Failure("bad or missing client port");
  const auto server_port = parse_port(word(4));
  if (!server_port) return Failure("bad or missing server port");
  return ProxyHeader{.size = end + 1, .client = io::Endpoint{*client, *client_port}, .server = io::Endpoint{*server, *server_port}};
}

// Both addresses, then both ports.
Parsed parse_addresses(std::string_view addresses, int family, std::size_t header_size) {
  const std::size_t size = family == AF_INET6 ? sizeof(in6_addr) : sizeof(in_addr);
  if (addresses.size() < 2 * size + 4) return Failure("short address field");
  const auto address_at = [&](std::size_t at) {
    sockaddr_storage storage{};
    storage.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET6) std::memcpy(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr, addresses.data() + at, size);
    else std::memcpy(&reinterpret_cast<sockaddr_in&>(storage).sin_addr, addresses.data() + at, size);
    return io::Address::from(storage);
  };
  return ProxyHeader{.size = header_size,
                     .client = io::Endpoint{address_at(0), port_at(addresses, 2 * size)},
                     .server = io::Endpoint{address_at(size), port_at(addresses, 2 * size + 2)}};
}

Parsed parse_binary(std::string_view bytes, dns::Families families) {
  const unsigned version_and_command = byte(bytes, signature.size());
  if (version_and_command >> 4 != version) return Failure("unrecognized protocol version");
  const std::size_t size = fixed_size + port_at(bytes, signature.size() + 2);
  if (size > bytes.size()) return Failure("short version 2 protocol header");
  const unsigned command = version_and_command & 0xf;
  if (command == command_local) return ProxyHeader{.size = size, .client = {}, .server = {}};
  if (command != command_proxy) return Failure("bad command in proxy header");
  const std::string_view addresses = bytes.substr(fixed_size, size - fixed_size);
  switch (byte(bytes, signature.size() + 1)) {
    case tcp_over_v4:
      if (!dns::wants(families, false)) return Failure("Postfix IPv4 support is disabled");
      return parse_addresses(addresses, AF_INET, size);
    case tcp_over_v6:
      if (!dns::wants(families, true)) return Failure("Postfix IPv6 support is disabled");
      return parse_addresses(addresses, AF_INET6, size);
    default: return Failure("unsupported network protocol");
  }
}

// What has come first, at most `proxy_header_limit` bytes; it stays in the socket.
std::expected<std::string, std::string_view> peek_first(int fd, Deadline deadline, std::string_view late) {
  std::array<char, proxy_header_limit> bytes;
  for (;;) {
    if (!event::wait_fd(fd, event::Ready::readable, deadline)) return Failure(late);
    const ssize_t size = ::recv(fd, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
    if (size > 0) return std::string(bytes.data(), static_cast<std::size_t>(size));
    if (size == 0) return Failure("EOF");
    if (errno != EAGAIN && errno != EINTR) return Failure("EOF");
  }
}

}  // namespace

Parsed parse_proxy_header(std::string_view bytes, dns::Families families) {
  if (bytes.starts_with(line_start)) return parse_line(bytes, families);
  if (bytes.size() < fixed_size) return Failure("short protocol header");
  if (!bytes.starts_with(signature)) return Failure("unrecognized protocol header");
  return parse_binary(bytes, families);
}

std::expected<ProxyHeader, std::string> take_proxy_header(int fd, dns::Families families, Deadline deadline, std::string_view late) {
  const auto bytes = peek_first(fd, deadline, late);
  if (!bytes) return std::unexpected(std::string(bytes.error()));
  const auto header = parse_proxy_header(*bytes, families);
  if (!header) return std::unexpected(fmt::format("{}: {}", header.error(), base::escape_c(*bytes)));
  std::array<char, proxy_header_limit> taken;
  // All of it is there.
  if (::recv(fd, taken.data(), header->size, MSG_DONTWAIT) != static_cast<ssize_t>(header->size)) return std::unexpected("EOF");
  return *header;
}

}  // namespace smtp
