#include "lib/io/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/io/tcp_window.h"

namespace io {
namespace {

constexpr int socket_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr std::array<unsigned char, 12> v4_mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// A socket address of any family, as the system wants it.
struct Name {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Name name_of(const Endpoint& endpoint) {
  Name name;
  const std::string_view bytes = endpoint.address.bytes();
  if (endpoint.address.is_v6()) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    std::memcpy(&address.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&name.storage, &address, sizeof address);
    name.size = sizeof address;
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&name.storage, &address, sizeof address);
    name.size = sizeof address;
  }
  return name;
}

Result<Name> name_of(const std::string& path) {
  Name name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return base::fail("socket path too long: " + path, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  std::memcpy(&name.storage, &address, sizeof address);
  name.size = sizeof address;
  return name;
}

std::optional<Endpoint> endpoint_of(int fd, int (*get)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (get(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    return Endpoint{Address::from(storage), ntohs(address.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    return Endpoint{Address::from(storage), ntohs(address.sin6_port)};
  }
  return std::nullopt;
}

// The process's, as its log is: whoever makes a connection has no say in it.
int tcp_window = 0;

Result<Fd> open_socket(int family, int type) {
  Fd fd(::socket(family, type | socket_flags, 0));
  if (!fd) return base::fail_system("socket");
  if (tcp_window > 0 && family != AF_UNIX) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &tcp_window, sizeof tcp_window);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &tcp_window, sizeof tcp_window);
  }
  return fd;
}

// Waits for a connection that has been begun.
Result<void> finish_connect(const Fd& fd, Deadline deadline) {
  if (!event::wait_fd(fd.get(), event::Ready::writable, deadline)) {
    return base::Failure(base::Error::system("connect", ETIMEDOUT));
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return base::fail_system("getsockopt");
  if (error != 0) return base::Failure(base::Error::system("connect", error));
  return {};
}

Result<Fd> connect_to(Fd fd, const Name& name, Deadline deadline) {
  if (::connect(fd.get(), name.get(), name.size) == 0) return fd;
  if (errno != EINPROGRESS && errno != EINTR) return base::fail_system("connect");
  TRY(finish_connect(fd, deadline));
  return fd;
}

// Makes the UNIX socket's name anew, with exactly this mode.
Result<Fd> bind_unix(const std::string& path, unsigned mode, int type) {
  const Name name = TRY(name_of(path));
  Fd fd = TRY(open_socket(AF_UNIX, type));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return base::fail_system("remove old socket " + path);
  if (::bind(fd.get(), name.get(), name.size) != 0) return base::fail_system("bind " + path);
  if (::chmod(path.c_str(), mode) != 0) return base::fail_system("chmod " + path);
  return fd;
}

// Streams send whole replies and chunks: a last short one must not wait for an acknowledgement.
void do_not_delay(const Fd& socket) {
  constexpr int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  const std::string terminated(text);
  Address address;
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) return address;
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.bytes_.data(), sizeof v6.sin6_addr);
    sockaddr_storage storage{};
    std::memcpy(&storage, &v6, sizeof v6);
    return from(storage);
  }
  return base::fail("not an IP address: " + terminated);
}

Address Address::from(const sockaddr_storage& storage) {
  Address result;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    const auto& bytes = v6.sin6_addr.s6_addr;
    if (std::equal(v4_mapped_prefix.begin(), v4_mapped_prefix.end(), bytes)) {
      std::copy(bytes + v4_mapped_prefix.size(), bytes + 16, result.bytes_.begin());
    } else {
      result.family_ = AF_INET6;
      std::copy(bytes, bytes + 16, result.bytes_.begin());
    }
  } else {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    std::memcpy(result.bytes_.data(), &v4.sin_addr, sizeof v4.sin_addr);
  }
  return result;
}

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family_, bytes_.data(), text.data(), text.size());
  return text.data();
}

std::string_view Address::bytes() const {
  return {reinterpret_cast<const char*>(bytes_.data()), is_v6() ? std::size_t{16} : std::size_t{4}};
}

bool Address::is_loopback() const {
  if (!is_v6()) return bytes_[0] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.begin() + 15, [](unsigned char b) { return b == 0; });
}

bool Address::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](unsigned char b) { return b == 0; });
}

std::string Endpoint::text() const {
  const std::string host = address.is_v6() ? "[" + address.text() + "]" : address.text();
  return host + ":" + std::to_string(port);
}

void set_tcp_window(int bytes) { tcp_window = bytes; }

Result<Fd> connect(const Endpoint& to, Deadline deadline, const Address* bind_to) {
  Fd fd = TRY(open_socket(to.address.family(), SOCK_STREAM));
  if (bind_to != nullptr) {
    const Name own = name_of(Endpoint{*bind_to, 0});
    if (::bind(fd.get(), own.get(), own.size) != 0) return base::fail_system("bind " + bind_to->text());
  }
  do_not_delay(fd);
  return connect_to(std::move(fd), name_of(to), deadline);
}

Result<Fd> connect_unix(const std::string& path, Deadline deadline) {
  const Name name = TRY(name_of(path));
  return connect_to(TRY(open_socket(AF_UNIX, SOCK_STREAM)), name, deadline);
}

Result<Fd> listen_tcp(const Endpoint& at, int backlog) {
  Fd fd = TRY(open_socket(at.address.family(), SOCK_STREAM));
  constexpr int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  do_not_delay(fd);   // who is accepted here has it too
  // IPv4 has its own listener.
  if (at.address.is_v6()) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const Name name = name_of(at);
  if (::bind(fd.get(), name.get(), name.size) != 0) return base::fail_system("bind " + at.text());
  if (::listen(fd.get(), backlog) != 0) return base::fail_system("listen at " + at.text());
  return fd;
}

Result<Fd> listen_unix(const std::string& path, unsigned mode, int backlog) {
  Fd fd = TRY(bind_unix(path, mode, SOCK_STREAM));
  if (::listen(fd.get(), backlog) != 0) return base::fail_system("listen at " + path);
  return fd;
}

Result<Fd> bind_datagram(const std::string& path, unsigned mode) { return bind_unix(path, mode, SOCK_DGRAM); }

Result<Fd> accept(int listener) {
  Fd fd(::accept4(listener, nullptr, nullptr, socket_flags));
  if (fd) return fd;
  // A client that has gone again is no client; the listener stays ready if there are more.
  if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) errno = EAGAIN;
  return base::fail_system("accept");
}

std::optional<Endpoint> peer_of(int fd) { return endpoint_of(fd, &::getpeername); }

std::optional<Endpoint> local_of(int fd) { return endpoint_of(fd, &::getsockname); }

}  // namespace io
