#include "master/listeners.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <netdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/ascii.h"
#include "lib/config/known_ports.h"

namespace master {
namespace {

// Postfix's default of 100 is too short for 200 clients that come at once; the kernel's somaxconn caps this.
constexpr int listen_backlog = 4096;
constexpr unsigned socket_mode = 0666;  // the directory decides who may connect

struct AddressList {
  addrinfo* first = nullptr;
  AddressList() = default;
  AddressList(const AddressList&) = delete;
  AddressList& operator=(const AddressList&) = delete;
  ~AddressList() {
    if (first != nullptr) ::freeaddrinfo(first);
  }
};

bool protocol_enabled(const Params& params, const io::Address& address) {
  const std::vector<std::string_view> protocols = ascii::split(params.inet_protocols, ", \t");
  const std::string_view wanted = address.is_v6() ? "ipv6" : "ipv4";
  return std::ranges::any_of(protocols, [&](std::string_view name) { return name == "all" || name == wanted; });
}

// The machine has the IPv6 protocol at all: without it "all" means IPv4.
bool has_ipv6() {
  const Fd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return static_cast<bool>(probe);
}

Result<std::vector<io::Address>> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  AddressList list;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list.first);
  if (code != 0) return base::fail("host not found: " + host + ": " + ::gai_strerror(code));
  std::vector<io::Address> out;
  for (const addrinfo* entry = list.first; entry != nullptr; entry = entry->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ai_addr, entry->ai_addrlen);
    out.push_back(io::Address::from(storage));
  }
  return out;
}

// "smtp", "host:smtp", "[::1]:25", "127.0.0.1:2525".
struct InetName {
  std::string host, port;
};
InetName parse_inet_name(std::string_view name) {
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos) return {"", std::string(name)};
  std::string_view host = name.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {std::string(host), std::string(name.substr(colon + 1))};
}

Result<Fd> open_fifo(const std::string& path) {
  ::unlink(path.c_str());
  if (::mkfifo(path.c_str(), socket_mode) != 0) return base::fail_system("create fifo " + path);
  Fd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));  // a writer of our own keeps it open
  if (!fd) return base::fail_system("open fifo " + path);
  return fd;
}

Result<Fd> open_local(config::ServiceType type, const std::string& path) {
  switch (type) {
    case config::ServiceType::unix_stream:
    case config::ServiceType::pass: return io::listen_unix(path, socket_mode, listen_backlog);
    case config::ServiceType::unix_datagram: return io::bind_datagram(path, socket_mode);
    case config::ServiceType::fifo: return open_fifo(path);
    case config::ServiceType::inet: break;
  }
  return base::fail("not a local service");
}

// Takes a listener that is open already, or opens it.
template <class Open>
Result<void> add(std::vector<Listener>& out, std::vector<Listener>& kept, const std::string& name, Open open) {
  const auto found = std::ranges::find(kept, name, &Listener::name);
  if (found != kept.end()) {
    out.push_back(std::move(*found));
    kept.erase(found);
    return {};
  }
  out.push_back(Listener{name, TRY(open())});
  return {};
}

}  // namespace

Result<std::vector<io::Address>> interface_addresses(const Params& params) {
  std::vector<io::Address> out;
  const auto add_address = [&](const io::Address& address) {
    if (protocol_enabled(params, address) && std::ranges::find(out, address) == out.end()) out.push_back(address);
  };
  for (const std::string_view item : ascii::split(params.inet_interfaces, ", \t\r\n")) {
    if (item == "all") {
      add_address(io::Address());
      if (has_ipv6()) add_address(TRY(io::Address::parse("::")));
    } else if (item == "loopback-only") {
      add_address(TRY(io::Address::parse("127.0.0.1")));
      if (has_ipv6()) add_address(TRY(io::Address::parse("::1")));
    } else {
      std::string_view host = item;
      if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
      for (const io::Address& address : TRY(resolve(std::string(host)))) add_address(address);
    }
  }
  return out;
}

std::string socket_path(const config::MasterEntry& entry) {
  return (entry.is_private ? "private/" : "public/") + entry.name;
}

Result<std::vector<Listener>> open_listeners(const config::MasterEntry& entry, const Params& params,
                                             std::vector<Listener>& kept) {
  std::vector<Listener> out;
  if (entry.type != config::ServiceType::inet) {
    const std::string path = socket_path(entry);
    TRY(add(out, kept, path, [&] { return open_local(entry.type, path); }));
    return out;
  }
  const InetName name = parse_inet_name(entry.name);
  const std::uint16_t port = TRY(config::KnownPorts(params.known_tcp_ports).port(name.port));
  for (const io::Address& address : name.host.empty() ? TRY(interface_addresses(params)) : TRY(resolve(name.host))) {
    const io::Endpoint at{address, port};
    TRY(add(out, kept, at.text(), [&] { return io::listen_tcp(at, listen_backlog); }));
  }
  return out;
}

}  // namespace master
