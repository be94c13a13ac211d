#include "commands/load/target.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/ascii.h"
#include "lib/event/loop.h"

namespace load {
namespace {

constexpr unsigned socket_mode = 0666;
constexpr std::uint64_t port_max = 65535;

int family_of(Families families) {
  switch (families) {
    case Families::any: break;
    case Families::ipv4: return AF_INET;
    case Families::ipv6: return AF_INET6;
  }
  return AF_UNSPEC;
}

// "host", "host:port", "[2001:db8::1]:port", ":port".
struct HostAndPort {
  std::string host, port;
};

HostAndPort split(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close != std::string_view::npos) {
      const std::string_view rest = text.substr(close + 1);
      return {std::string(text.substr(1, close - 1)), std::string(rest.starts_with(':') ? rest.substr(1) : rest)};
    }
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {std::string(text), {}};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

enum class Role { client, server };

Result<std::vector<io::Endpoint>> resolve(const HostAndPort& name, Families families, Role role) {
  addrinfo hints{};
  hints.ai_family = family_of(families);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = role == Role::server ? AI_PASSIVE : 0;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(name.host.empty() ? nullptr : name.host.c_str(), name.port.c_str(), &hints, &found);
  if (code != 0) {
    return base::fail(fmt::format("{}:{}: {}", name.host, name.port, code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  std::vector<io::Endpoint> out;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, one->ai_addr, std::min<std::size_t>(one->ai_addrlen, sizeof storage));
    std::uint16_t port = 0;
    if (storage.ss_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, &storage, sizeof v6);
      port = ntohs(v6.sin6_port);
    } else {
      sockaddr_in v4{};
      std::memcpy(&v4, &storage, sizeof v4);
      port = ntohs(v4.sin_port);
    }
    out.push_back({io::Address::from(storage), port});
  }
  return out;
}

void set_window(int fd, Window window) {
  if (!window) return;
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &*window, sizeof *window);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &*window, sizeof *window);
}

}  // namespace

Result<Target> Target::to_connect(std::string_view text, std::string_view default_service, Families families) {
  if (text.starts_with("unix:")) return Target{std::string(text.substr(5)), {}};
  HostAndPort name = split(text.starts_with("inet:") ? text.substr(5) : text);
  if (name.port.empty()) name.port = default_service;
  if (name.host.empty()) name.host = "localhost";
  return Target{{}, TRY(resolve(name, families, Role::client))};
}

Result<Target> Target::to_listen(std::string_view text, Families families) {
  if (text.starts_with("unix:")) return Target{std::string(text.substr(5)), {}};
  if (text.starts_with("inet:")) text.remove_prefix(5);
  // A port alone is one, too.
  HostAndPort name = text.contains(':') ? split(text) : HostAndPort{{}, std::string(text)};
  const bool begins_with_digit = !name.port.empty() && ascii::is_digit(name.port.front());
  if (begins_with_digit && !ascii::parse_number(name.port, port_max)) {
    return base::fail(fmt::format("{}: garbage after numerical service", text));
  }
  return Target{{}, TRY(resolve(name, families, Role::server))};
}

Result<Fd> connect(const Target& target, Window window, Deadline deadline) {
  if (!target.path.empty()) return io::connect_unix(target.path, deadline);
  Result<Fd> fd = base::fail("connect: no address");
  for (const io::Endpoint& endpoint : target.endpoints) {
    fd = io::connect(endpoint, deadline);
    if (!fd) continue;
    set_window(fd->get(), window);
    break;
  }
  return fd;
}

Result<std::vector<Fd>> listen(const Target& target, Window window, int backlog) {
  std::vector<Fd> out;
  if (!target.path.empty()) {
    auto fd = io::listen_unix(target.path, socket_mode, backlog);
    if (!fd) return base::Failure(base::Error::system("bind: " + target.path, fd.error().code()));
    out.push_back(std::move(*fd));
    return out;
  }
  for (const io::Endpoint& endpoint : target.endpoints) {
    Fd fd = TRY(io::listen_tcp(endpoint, backlog));
    // Connections inherit it.
    set_window(fd.get(), window);
    out.push_back(std::move(fd));
  }
  return out;
}

}  // namespace load
