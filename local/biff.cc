#include "local/biff.h"

#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "lib/base/fd.h"

namespace local {
namespace {

constexpr std::uint16_t comsat_port = 512;  // "biff" in /etc/services

}  // namespace

void tell_comsat(std::string_view user, std::int64_t offset) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return;
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(comsat_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // The datagram has always ended with a NUL.
  const std::string text = fmt::format("{}@{}", user, offset);
  static_cast<void>(::sendto(socket.get(), text.c_str(), text.size() + 1, 0, reinterpret_cast<const ::sockaddr*>(&address), sizeof address));
}

}  // namespace local
