#pragma once
// Addresses and sockets. All descriptors are close-on-exec and non-blocking.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"

namespace io {

// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address is kept as IPv4.
class Address {
 public:
  Address() = default;                                           // 0.0.0.0
  static Result<Address> parse(std::string_view text);           // "192.0.2.1", "2001:db8::1" (no brackets)
  static Address from(const sockaddr_storage& address);
  [[nodiscard]] bool is_v6() const { return family_ == AF_INET6; }
  [[nodiscard]] int family() const { return family_; }
  [[nodiscard]] std::string text() const;                        // "192.0.2.1", "2001:db8::1"
  [[nodiscard]] std::string_view bytes() const;                  // 4 or 16, network order
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_unspecified() const;
  auto operator<=>(const Address&) const = default;

 private:
  int family_ = AF_INET;
  std::array<unsigned char, 16> bytes_{};
};

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
  [[nodiscard]] std::string text() const;                        // "192.0.2.1:25", "[2001:db8::1]:25"
  auto operator<=>(const Endpoint&) const = default;
};

// Connects; parks the fiber. The error's code is the errno (ETIMEDOUT at the deadline).
[[nodiscard]] Result<Fd> connect(const Endpoint& to, Deadline deadline, const Address* bind_to = nullptr);
[[nodiscard]] Result<Fd> connect_unix(const std::string& path, Deadline deadline);

[[nodiscard]] Result<Fd> listen_tcp(const Endpoint& at, int backlog);
[[nodiscard]] Result<Fd> listen_unix(const std::string& path, unsigned mode, int backlog);
[[nodiscard]] Result<Fd> bind_datagram(const std::string& path, unsigned mode);

// A connection that is there to accept; Error with code EAGAIN when there is none.
[[nodiscard]] Result<Fd> accept(int listener);

// Who is at the other end, or at ours. A UNIX socket has none.
[[nodiscard]] std::optional<Endpoint> peer_of(int fd);
[[nodiscard]] std::optional<Endpoint> local_of(int fd);

}  // namespace io
