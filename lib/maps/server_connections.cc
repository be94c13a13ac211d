#include "lib/maps/server_connections.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/core.h>
#include <netdb.h>

#include "lib/base/ascii.h"
#include "lib/event/offload.h"
#include "lib/io/socket.h"
#include "lib/log/log.h"

namespace maps {
namespace {

constexpr std::size_t idle_limit = 32;  // connections kept to one server

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The reason alone: callers say themselves what they tried.
base::Failure reason(int code) { return base::fail(base::Error::system("", code).message().substr(2), code); }

// What NSS says; the status is getaddrinfo's.
int look_up(const std::string& host, const std::string& service, std::vector<io::Endpoint>& endpoints) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int status = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    sockaddr_storage storage{};
    const auto* const from = reinterpret_cast<const char*>(entry->ai_addr);
    std::copy_n(from, std::min<std::size_t>(entry->ai_addrlen, sizeof storage), reinterpret_cast<char*>(&storage));
    const in_port_t port = entry->ai_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                                                        : reinterpret_cast<const sockaddr_in&>(storage).sin_port;
    endpoints.push_back({io::Address::from(storage), ntohs(port)});
  }
  return status;
}

// It may ask the network, so it runs on the offload pool. For this machine it does not: in a chroot there may be nobody to ask.
Result<std::vector<io::Endpoint>> endpoints_of(const ServerAddress& address) {
  std::vector<io::Endpoint> endpoints;
  const int code = event::blocking([&] {
    if (!address.is_here()) return look_up(address.host, address.service, endpoints);
    const int status = look_up("127.0.0.1", address.service, endpoints);
    return status == 0 ? look_up("::1", address.service, endpoints) : status;
  });
  if (code != 0) {
    maillog::warning("host or service {} not found: {}", address.text, ::gai_strerror(code));
    return reason(EADDRNOTAVAIL);
  }
  return endpoints;
}

Result<Fd> connect(const ServerAddress& address, Deadline deadline) {
  if (!address.path.empty()) {
    auto fd = io::connect_unix(address.path, deadline);
    return fd || fd.error().code() == 0 ? std::move(fd) : reason(fd.error().code());
  }
  int code = 0;   // what the first one says is the likeliest reason
  for (const io::Endpoint& endpoint : TRY(endpoints_of(address))) {
    auto fd = io::connect(endpoint, deadline);
    if (fd) return fd;
    if (code == 0) code = fd.error().code();
  }
  return reason(code);
}

}  // namespace

Result<std::optional<ServerAddress>> ServerAddress::parse_transport(std::string_view text) {
  constexpr std::string_view inet = "inet:", unix_socket = "unix:";
  if (text.starts_with(inet)) return TRY(parse_inet(text.substr(inet.size())));
  if (!text.starts_with(unix_socket)) return std::nullopt;
  text.remove_prefix(unix_socket.size());
  return ServerAddress{.text = std::string(text), .host = {}, .service = {}, .path = std::string(text)};
}

bool ServerAddress::is_here() const { return path.empty() && (host.empty() || ascii::equal_ignoring_case(host, "localhost")); }

Result<ServerAddress> ServerAddress::parse_inet(std::string_view text) {
  ServerAddress address{.text = std::string(text), .host = {}, .service = {}, .path = {}};
  const auto bad = [&](std::string_view why) { return base::fail(fmt::format("{}: {}", text, why)); };
  std::string_view host;
  std::string_view service = text;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return bad("missing ']' in host name or address");
    host = text.substr(1, close - 1);
    service = text.substr(close + 1);
    if (service.size() < 2 || service.front() != ':') return bad("missing service information");
    service.remove_prefix(1);
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    service = text.substr(colon + 1);
  }
  if (service.empty()) return bad("missing service information");
  if (host.contains(':') && !text.starts_with('[')) return bad("valid hostname or network address required");
  if (is_digit(service.front()) && !std::ranges::all_of(service, is_digit)) return bad("garbage after numerical service");
  address.host = host;
  address.service = service;
  return address;
}

Result<ServerConnections::Connection> ServerConnections::take(Deadline deadline) {
  const Deadline now = std::chrono::steady_clock::now();
  while (!idle_.empty()) {
    Connection connection = std::move(idle_.back());
    idle_.pop_back();
    // Input on a connection that waits is its end.
    if (now - connection.idle_since < lifetime_.idle && now - connection.made < lifetime_.total && connection.stream.is_at_rest()) {
      connection.is_reused = true;
      return connection;
    }
  }
  Fd fd = TRY(connect(address_, deadline));
  return Connection{io::Stream(std::move(fd)), now, now, false, 0};
}

void ServerConnections::keep(Connection connection) {
  if (idle_.size() >= idle_limit) return;
  ++connection.answers;
  connection.idle_since = std::chrono::steady_clock::now();
  idle_.push_back(std::move(connection));
}

}  // namespace maps
